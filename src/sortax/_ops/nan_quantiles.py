"""Quantiles of the elements that are not NaN: `nanquantile`, `nanpercentile` and `nanmedian`."""

from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .._relaxations import AbstractRelaxation, Exact
from . import arguments
from .order_statistics import medians, quantiles

_Axes = int | tuple[int, ...] | None


def nanquantile(
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
    """Quantiles of the elements that are not NaN, by selection: `jax.numpy.nanquantile`, with all methods of NumPy.

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

    **NaN:** elements that are NaN do not count, and have no gradient. NaN where none is left; where a weight of an element
    that counts is negative, infinite or NaN, or all are zero; or where `q` is traced and outside of [0, 1]. An infinity
    whose rank is hit is the result.

    **Cost:** O(n) time and memory for a few `q`; with `weights` one sort and O(n + q) memory. The gradient reaches the selected
    elements only. Ranks are computed in double precision: they are right also beyond 2^24 elements.

    **Raises:** `ValueError` if `q` is known and outside of [0, 1], if `method` is not one of these (or not one for weights),
    if `axis` is out of range, or if `where` or `weights` do not fit; `TypeError` if `a` is complex or `where` not boolean.

    Hyndman and Fan, "Sample quantiles in statistical packages" (1996).

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.nanquantile(jnp.array([4., jnp.nan, 3., 2.]), 0.5))
        3.0

        ```
    """
    arguments.refuse("nanquantile", out=out, overwrite_input=overwrite_input)
    return quantiles(a, q, 1, axis, method, keepdims, weights, where, relax, skip_nan=True)


def nanpercentile(
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
    """Percentiles of the elements that are not NaN, by selection: `jax.numpy.nanpercentile`, with all methods of NumPy.

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
    - `where`: boolean, broadcasts to `a`: only these elements count, and have a gradient.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    Floats: the axes of `q`, then those of `a` that are left; of the dtype of `a`, or of JAX's default for integers.

    **Hits:** a rank, or a step of the method, is hit where its `q` by the formula of the method, rounded to the dtype of the
    given `q`, is that `q`, before any division by 100. Only the value is moved to the rank, not the derivative in `q`.

    **Ties:** the derivative of the order statistics is what `relax` says. In `q` it is the one from above.

    **NaN:** elements that are NaN do not count, and have no gradient. NaN where none is left; where a weight of an element
    that counts is negative, infinite or NaN, or all are zero; or where `q` is traced and outside of [0, 100]. An infinity
    whose rank is hit is the result.

    **Cost:** O(n) time and memory for a few `q`; with `weights` one sort and O(n + q) memory. The gradient reaches the selected
    elements only. Ranks are computed in double precision: they are right also beyond 2^24 elements.

    **Raises:** `ValueError` if `q` is known and outside of [0, 100], if `method` is not one of these (or not one for weights),
    if `axis` is out of range, or if `where` or `weights` do not fit; `TypeError` if `a` is complex or `where` not boolean.

    Hyndman and Fan, "Sample quantiles in statistical packages" (1996).

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.nanpercentile(jnp.array([4., jnp.nan, 3., 2.]), 50))
        3.0

        ```
    """
    arguments.refuse("nanpercentile", out=out, overwrite_input=overwrite_input)
    return quantiles(a, q, 100, axis, method, keepdims, weights, where, relax, skip_nan=True)


def nanmedian(
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
    """The middle of the elements that are not NaN, or the mean of the two in the middle: `jax.numpy.nanmedian`.

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

    **NaN:** elements that are NaN do not count, and have no gradient. NaN where none is left; where a weight of an element
    that counts is negative, infinite or NaN, or all are zero. An infinity
    whose rank is hit is the result.

    **Cost:** O(n) time and memory; with `weights` one sort. The gradient reaches the selected elements only. Ranks are
    computed in double precision: they are right also beyond 2^24 elements.

    **Raises:** `ValueError` if `axis` is out of range, or if `where` or `weights` do not fit; `TypeError` if `a` is complex or
    `where` not boolean.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.nanmedian(jnp.array([[4., jnp.nan], [3., 2.]]), axis=0))
        [3.5 2. ]

        ```
    """
    arguments.refuse("nanmedian", out=out, overwrite_input=overwrite_input)
    return medians(a, axis, keepdims, weights, where, relax, skip_nan=True)
