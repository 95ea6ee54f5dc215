"""Means and arrays without their extremes: `trimmed_mean` and `winsorize`."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Inexact, Shaped

from .. import _primitives as primitives
from .._checks import as_real
from .._keys import chosen, order_keys
from .._order import SortedOrder
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import check_whole, count_of, entries

_Axes = int | tuple[int, ...] | None
# Two shares by value and dtype, since numbers that are equal in several dtypes are one static argument.
_Limits = tuple[tuple[float, np.dtype], ...]


def trimmed_mean(
    a: ArrayLike,
    limits: tuple[float, float] = (0.1, 0.1),
    axis: _Axes = None,
    *,
    where: ArrayLike | None = None,
    keepdims: bool = False,
    relax: AbstractRelaxation = Exact(),
) -> Inexact[Array, "..."]:
    r"""The mean without a share of the smallest and of the largest: `scipy.stats.mstats.trimmed_mean`.

    With $l$ and $u$ the numbers that `limits` cut off below and above, $\frac{1}{n - l - u} \sum_{l \le i < n - u} s_i$ of the
    sorted $s$.

    **Arguments:**

    - `a`: array of any real dtype.
    - `limits`: shares from 0 to 1 of the elements to leave out below and above: of n elements the whole part of the share times n,
      and k where the share is k / n as rounded to its dtype.
    - `axis`: the axis, or several, to reduce; `None` for all.
    - `where`: boolean, broadcasts to `a`: only these elements count, and have a gradient.
    - `keepdims`: keep the axis with length one.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    Floats without the axis: of the dtype of `a`, or of JAX's default for integers.

    **Ties:** at the border, by `relax`. **NaN:** NaN if any element is, or if nothing is left.

    **Cost:** O(n) time and memory on a CPU, a sort elsewhere or with `where`.

    **Raises:** `ValueError` if `limits` are not two shares that leave something, if `axis` is out of range or `where`
    does not fit; `TypeError` if `a` is complex or `where` not boolean.

    Tukey, "The future of data analysis" (1962).

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.trimmed_mean(jnp.array([1., 2., 3., 4., 1000.]), (0.2, 0.2)))
        3.0

        ```
    """
    x = as_real("a", a)
    shares = _shares(limits)
    shape, mask = arguments.kept_shape(x.shape, axis), arguments.as_mask(where, x.shape)
    axis, x, mask = arguments.merged(axis, x, mask)
    check_whole(x, axis)
    y = _trimmed_mean(x, mask, as_relaxation(relax), axis, shares)
    return y.reshape(shape) if keepdims else y


def winsorize(
    a: ArrayLike,
    limits: tuple[float | None, float | None] | None = None,
    axis: int | None = None,
    *,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    r"""Clip a share of the smallest and of the largest elements to the next: `scipy.stats.mstats.winsorize`.

    With $l$ and $u$ the numbers of elements that `limits` cut off below and above, elements below $s_l$ become $s_l$ and those
    above $s_{n-1-u}$ become that, of the sorted $s$.

    **Arguments:**

    - `a`: array of any real dtype.
    - `limits`: shares from 0 to 1 of the elements to clip below and above: of n elements the whole part of the share times n, and k
      where the share is k / n as rounded to its dtype; `None` for none.
    - `axis`: the axis to clip along, or `None` for all elements together.
    - `where`: boolean, broadcasts to `a`: only these elements count, are clipped, and have a gradient.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    An array of the shape and dtype of `a`.

    **Ties:** elements equal to a bound keep their own derivative; the bounds have what `relax` says.

    **NaN:** counted among the largest, and left as it is.

    **Cost:** O(n) time and memory.

    **Raises:** `ValueError` if `limits` are not two shares that leave something, if `axis` is out of range or `where` does not
    fit; `TypeError` if `a` is complex or `where` not boolean.

    Tukey, "The future of data analysis" (1962).

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.winsorize(jnp.array([1., 2., 3., 4., 1000.]), (0.2, 0.2)))
        [2. 2. 3. 4. 4.]

        ```
    """
    x = as_real("a", a)
    shares = _shares(limits or (None, None))
    shape, mask = x.shape, arguments.as_mask(where, x.shape)
    axis, x, mask = arguments.flatten_if_none(axis, x, mask)
    check_whole(x, axis)
    if x.size == 0:
        return x.reshape(shape)
    return _winsorize(x, mask, as_relaxation(relax), axis, shares).reshape(shape)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _trimmed_mean(x: Array, mask: Array | None, relax: Any, axis: int, limits: _Limits) -> Array:
    n = x.shape[axis]
    x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.result_type(float))
    count = n if mask is None else jnp.sum(mask, axis, keepdims=True, dtype=jnp.int32)
    begin, end = _ends(limits, count)
    order = SortedOrder(x, axis, where=mask)
    if mask is None:
        s = relax.partition(order, tuple(sorted({k for k in (begin, end - 1) if 0 <= k < n})))
    else:
        s = relax.sort(order)
    place = lax.broadcasted_iota(jnp.int32, x.shape, axis)
    # With a NaN all is one, and stays tied to the elements it comes from.
    stop = jnp.where(jnp.any(jnp.isnan(order.x), axis, keepdims=True), count, end)
    total = jnp.sum(jnp.where((place >= begin) & (place < stop), s, 0), axis)
    return total / jnp.squeeze(jnp.broadcast_to(end - begin, stop.shape), axis).astype(x.dtype)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _winsorize(x: Array, mask: Array | None, relax: Any, axis: int, limits: _Limits) -> Array:
    count = count_of(x, axis, mask)
    begin, end = _ends(limits, x.shape[axis] if mask is None else count)
    # Of no element there is no bound, and nothing is clipped.
    each = (jnp.broadcast_to(jnp.maximum(k, 0), count.shape).astype(jnp.int32) for k in (begin, end - 1))
    bounds = entries(relax, x, jnp.concatenate([*each], axis), axis, mask)
    low, high = (lax.slice_in_dim(bounds, j, j + 1, axis=axis) for j in (0, 1))
    # By their keys, which know denormals from zero where the processor does not.
    (key,), (least,), (most,) = map(order_keys, (x, low, high))
    clipped = chosen(key < least, low, chosen((key > most) & (x == x), high, x))
    return clipped if mask is None else chosen(mask, clipped, lax.stop_gradient(x))


def _ends(limits: _Limits, n: Any) -> tuple[Any, Any]:
    """The first rank that is kept of `n` elements, and the one behind the last."""
    below, above = (primitives.share_of(dtype.type(share), n) for share, dtype in limits)
    return below, n - above


def _shares(limits: Any) -> _Limits:
    try:
        below, above = limits
        shares = tuple((float(share), np.asarray(share).dtype) for share in (below or 0.0, above or 0.0))
    except (TypeError, ValueError):
        raise ValueError(f"limits must be two numbers, the shares to leave out below and above, got {limits!r}.") from None
    if not (all(share >= 0 for share, _ in shares) and sum(share for share, _ in shares) < 1):
        raise ValueError(f"limits must be two shares, not negative and less than 1 together, got {limits!r}.")
    # Whole numbers are as exact as they are in double precision.
    return tuple((share, dtype if jnp.issubdtype(dtype, jnp.floating) else np.dtype(float)) for share, dtype in shares)
