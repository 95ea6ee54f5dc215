"""Quantiles: `quantile`, `percentile` and `median`."""

from jax.sharding import NamedSharding, PartitionSpec, reshard
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .._relaxations import AbstractRelaxation, Exact
from . import arguments
from .order_statistics import medians, quantiles

_Axes = int | tuple[int, ...] | None


def quantile(
    a: ArrayLike,
    q: ArrayLike,
    axis: _Axes = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Float[Array, "..."]:
    r"""Quantiles by selection, differentiable in the array and in `q`: `jax.numpy.quantile`, with all methods of NumPy.

    With the sorted $s$ and the rank $h = q (n - 1)$ of the default method, $y = s_{\lfloor h \rfloor} + (h - \lfloor h \rfloor)
    (s_{\lfloor h \rfloor + 1} - s_{\lfloor h \rfloor})$, and $\partial y / \partial q = (n - 1)(s_{\lfloor h \rfloor + 1} -
    s_{\lfloor h \rfloor})$.

    **Arguments:**

    - `a`: array of any real dtype.
    - `q`: probabilities from 0 to 1, of any shape and in any order; may be traced.
    - `axis`: the axis, or several, to reduce; `None` for all.
    - `out`, `overwrite_input`: refused, as `jax.numpy` does.
    - `method`: `"linear"`, `"lower"`, `"higher"`, `"midpoint"`, `"nearest"`, `"inverted_cdf"`,
      `"averaged_inverted_cdf"`, `"closest_observation"`, `"interpolated_inverted_cdf"`, `"hazen"`, `"weibull"`,
      `"median_unbiased"` or `"normal_unbiased"`, as NumPy defines them.
    - `keepdims`: keep each reduced axis with length one.
    - `weights`: how often each element counts, not negative and finite: of the shape of `a`, or of the reduced axes in the
      order in which `axis` names them. A whole weight is so many copies. For the methods
      `"inverted_cdf"` and `"averaged_inverted_cdf"`; they have derivative zero.
      With a soft relaxation they say, in exact order, where the soft sorted values are read.
    - `where`: boolean, broadcasts to `a`: only these elements count, and have a gradient.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    Floats: the axes of `q`, then those of `a` that are left; of the dtype of `a`, or of JAX's default for integers.

    **Hits:** a rank, or a step of the method, is hit where its `q` by the formula of the method, rounded to the dtype of the
    given `q`, is that `q`. Only the value is moved to the rank, not the derivative in `q`.

    **Ties:** the derivative of the order statistics is what `relax` says. In `q` it is the one from above.

    **NaN:** NaN if any element that counts is, and the cotangent goes to the NaNs as in [`sortax.max`][]; where none is left;
    where a weight is negative, infinite or NaN, or all are zero; or where `q` is traced and outside of [0, 1].
    An infinity whose rank is hit is the result.

    **Cost:** O(n) time and memory for a few `q`; with `weights` one sort and O(n + q) memory. The gradient reaches the selected
    elements only. Ranks are computed in double precision: they are right also beyond 2^24 elements.

    **Raises:** `ValueError` if `q` is known and outside of [0, 1], if `method` is not one of these (or not one for weights),
    if `axis` is out of range, or if `where` or `weights` do not fit; `TypeError` if `a` is complex or `where` not boolean.

    Hyndman and Fan, "Sample quantiles in statistical packages" (1996).

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([4., 1., 3., 2.])
        >>> print(sx.quantile(x, 0.5), sx.quantile(x, jnp.array([1., 0.])))
        2.5 [4. 1.]
        >>> print(jax.grad(sx.quantile)(x, 0.5), jax.grad(sx.quantile, 1)(x, 0.5))
        [0.  0.  0.5 0.5] 3.0

        ```
    """
    arguments.refuse("quantile", out=out, overwrite_input=overwrite_input)
    return quantiles(a, q, 1, axis, method, keepdims, weights, where, relax, skip_nan=False)


def percentile(
    a: ArrayLike,
    q: ArrayLike,
    axis: _Axes = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
    out_sharding: NamedSharding | PartitionSpec | None = None,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Float[Array, "..."]:
    """Percentiles by selection, differentiable in the array and in `q`: `jax.numpy.percentile`, with all methods of NumPy.

    **Arguments:**

    - `a`: array of any real dtype.
    - `q`: percentages from 0 to 100, of any shape and in any order; may be traced.
    - `axis`: the axis, or several, to reduce; `None` for all.
    - `out`, `overwrite_input`: refused, as `jax.numpy` does.
    - `method`: `"linear"`, `"lower"`, `"higher"`, `"midpoint"`, `"nearest"`, `"inverted_cdf"`,
      `"averaged_inverted_cdf"`, `"closest_observation"`, `"interpolated_inverted_cdf"`, `"hazen"`, `"weibull"`,
      `"median_unbiased"` or `"normal_unbiased"`, as NumPy defines them.
    - `keepdims`: keep each reduced axis with length one.
    - `weights`: how often each element counts, not negative and finite: of the shape of `a`, or of the reduced axes in the
      order in which `axis` names them. A whole weight is so many copies. For the methods
      `"inverted_cdf"` and `"averaged_inverted_cdf"`; they have derivative zero.
      With a soft relaxation they say, in exact order, where the soft sorted values are read.
    - `out_sharding`: where the result is to live, as in `jax.numpy`.
    - `where`: boolean, broadcasts to `a`: only these elements count, and have a gradient.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    Floats: the axes of `q`, then those of `a` that are left; of the dtype of `a`, or of JAX's default for integers.

    **Hits:** a rank, or a step of the method, is hit where its `q` by the formula of the method, rounded to the dtype of the
    given `q`, is that `q`, before any division by 100. Only the value is moved to the rank, not the derivative in `q`.

    **Ties:** the derivative of the order statistics is what `relax` says. In `q` it is the one from above.

    **NaN:** NaN if any element that counts is, and the cotangent goes to the NaNs as in [`sortax.max`][]; where none is left;
    where a weight is negative, infinite or NaN, or all are zero; or where `q` is traced and outside of [0, 100].
    An infinity whose rank is hit is the result.

    **Cost:** O(n) time and memory for a few `q`; with `weights` one sort and O(n + q) memory. The gradient reaches the selected
    elements only. Ranks are computed in double precision: they are right also beyond 2^24 elements.

    **Raises:** `ValueError` if `q` is known and outside of [0, 100], if `method` is not one of these (or not one for weights),
    if `axis` is out of range, or if `where` or `weights` do not fit; `TypeError` if `a` is complex or `where` not boolean.

    Hyndman and Fan, "Sample quantiles in statistical packages" (1996).

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.percentile(jnp.array([4., 1., 3., 2., 5.]), 25))
        2.0

        ```
    """
    arguments.refuse("percentile", out=out, overwrite_input=overwrite_input)
    y = quantiles(a, q, 100, axis, method, keepdims, weights, where, relax, skip_nan=False)
    return y if out_sharding is None else reshard(y, out_sharding)


def median(
    a: ArrayLike,
    axis: _Axes = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
    *,
    weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Float[Array, "..."]:
    """The middle element, or the mean of the two in the middle: `jax.numpy.median`, by selection.

    **Arguments:**

    - `a`: array of any real dtype.
    - `axis`: the axis, or several, to reduce; `None` for all.
    - `out`, `overwrite_input`: refused, as `jax.numpy` does.
    - `keepdims`: keep each reduced axis with length one.
    - `weights`: how often each element counts, not negative and finite: of the shape of `a`, or of the reduced axes in the
      order in which `axis` names them. A whole weight is so many copies. The weighted median is the
      quantile of `"averaged_inverted_cdf"`. Weights have derivative zero.
      With a soft relaxation they say, in exact order, where the soft sorted values are read.
    - `where`: boolean, broadcasts to `a`: only these elements count, and have a gradient.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    Floats without the axis: of the dtype of `a`, or of JAX's default for integers.

    **Ties:** with all elements equal, `Exact("stable")` gives the cotangent to the two in the middle and `Exact("average")` to
    all alike.

    **NaN:** NaN if any element that counts is, and the cotangent goes to the NaNs as in [`sortax.max`][]; where none is left;
    where a weight is negative, infinite or NaN, or all are zero.
    An infinity whose rank is hit is the result.

    **Cost:** O(n) time and memory; with `weights` one sort. The gradient reaches the selected elements only. Ranks are
    computed in double precision: they are right also beyond 2^24 elements.

    **Raises:** `ValueError` if `axis` is out of range, or if `where` or `weights` do not fit; `TypeError` if `a` is complex or
    `where` not boolean.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([1., 1., 1., 1.])
        >>> print(jax.grad(sx.median)(x), jax.grad(lambda x: sx.median(x, relax=sx.Exact("average")))(x))
        [0.  0.5 0.5 0. ] [0.25 0.25 0.25 0.25]

        ```
    """
    arguments.refuse("median", out=out, overwrite_input=overwrite_input)
    return medians(a, axis, keepdims, weights, where, relax, skip_nan=False)
