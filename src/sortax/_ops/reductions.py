"""The largest and the smallest: `max` and `min`, with the tie policy of every other op."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Shaped

from .._checks import as_array
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import check_whole, count_of, entries

_Axes = int | tuple[int, ...] | None


def max(
    a: ArrayLike,
    axis: _Axes = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
    *,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    """The largest element: `jax.numpy.max` with the tie policy of every other op; the last of `sort`.

    **Arguments:**

    - `a`: array of any boolean, integer, floating or complex dtype.
    - `axis`: the axis, or several, to reduce; `None` for all.
    - `out`: refused, as `jax.numpy` does.
    - `keepdims`: keep the axis with length one.
    - `initial`: a value that takes part as well, without a place among ties.
    - `where`: boolean, broadcasts to `a`: only these elements count, and have a gradient.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    An array of the dtype of `a`, without the axis.

    **Ties:** `Exact("stable")` gives the cotangent to the last of the largest, as `sort(a)[-1]` does; `Exact("average")`
    shares it, as `jnp.max` does.

    **NaN:** NaN if any element is, and the cotangent goes to the NaNs, by the same rule. NaN where `where` leaves none.

    **Cost:** O(n) time and memory.

    **Raises:** `ValueError` for an empty axis, or for integers with `where`, without `initial`; `ValueError` if `axis` is
    out of range or `where` does not fit; `TypeError` if `where` is not boolean.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([2., 5., 5.])
        >>> print(sx.max(x), jax.grad(sx.max)(x))
        5.0 [0. 0. 1.]

        ```
    """
    arguments.refuse("max", out=out)
    return _extreme("max", a, axis, keepdims, initial, where, relax)


def min(
    a: ArrayLike,
    axis: _Axes = None,
    out: None = None,
    keepdims: bool = False,
    initial: ArrayLike | None = None,
    where: ArrayLike | None = None,
    *,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    """The smallest element: `jax.numpy.min` with the tie policy of every other op; the first of `sort`.

    **Arguments:**

    - `a`: array of any boolean, integer, floating or complex dtype.
    - `axis`: the axis, or several, to reduce; `None` for all.
    - `out`: refused, as `jax.numpy` does.
    - `keepdims`: keep the axis with length one.
    - `initial`: a value that takes part as well, without a place among ties.
    - `where`: boolean, broadcasts to `a`: only these elements count, and have a gradient.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    An array of the dtype of `a`, without the axis.

    **Ties:** `Exact("stable")` gives the cotangent to the first of the smallest, as `sort(a)[0]` does;
    `Exact("average")` shares it, as `jnp.min` does.

    **NaN:** NaN if any element is, and the cotangent goes to the NaNs, by the same rule. NaN where `where` leaves none.

    **Cost:** O(n) time and memory.

    **Raises:** `ValueError` for an empty axis, or for integers with `where`, without `initial`; `ValueError` if `axis` is
    out of range or `where` does not fit; `TypeError` if `where` is not boolean.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([2., 2., 5.])
        >>> print(sx.min(x), jax.grad(sx.min)(x))
        2.0 [1. 0. 0.]

        ```
    """
    arguments.refuse("min", out=out)
    return _extreme("min", a, axis, keepdims, initial, where, relax)


def _extreme(op: str, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any, relax: Any) -> Array:
    x, keepdims = as_array("a", a), arguments.as_flag("keepdims", keepdims)
    shape, mask = arguments.kept_shape(x.shape, axis), arguments.as_mask(where, x.shape)
    arrays, axis = arguments.merged([x] if mask is None else [x, mask], axis)
    check_whole(arrays[0], axis)
    floats = jnp.issubdtype(x.dtype, jnp.inexact)
    if initial is None and arrays[0].shape[axis] == 0:
        raise ValueError(f"{op} of an empty axis: an array of shape {x.shape} has no largest or smallest; pass initial.")
    if initial is None and mask is not None and not floats:
        raise ValueError(f"{op} of {x.dtype} with where needs initial, since an integer cannot say that nothing is left.")
    start = None if initial is None else as_array("initial", initial).astype(x.dtype)
    if start is not None and arrays[0].shape[axis] == 0:
        y = jnp.broadcast_to(start, (*arrays[0].shape[:axis], *arrays[0].shape[axis + 1 :]))
    else:
        y = _extreme_of(arrays, start, as_relaxation(relax), op == "max", axis)
    return y.reshape(shape) if keepdims else y


@functools.partial(jax.jit, static_argnums=(3, 4))
def _extreme_of(arrays: list[Array], initial: Array | None, relax: Any, largest: bool, axis: int) -> Array:
    x, *masks = arrays
    mask = masks[0] if masks else None
    count = count_of(x, axis, mask)
    top = jnp.maximum(count - 1, 0)
    floats = jnp.issubdtype(x.dtype, jnp.inexact)
    if largest:
        y = entries(relax, x, top, axis, mask)
    elif floats:
        both = entries(relax, x, jnp.concatenate([jnp.zeros_like(top), top], axis), axis, mask)
        first, last = (lax.index_in_dim(both, j, axis) for j in (0, 1))
        # NaNs are last, and what is NaN as a whole comes from them.
        y = jnp.where(jnp.isnan(last), last, first)
    else:
        y = entries(relax, x, jnp.zeros_like(top), axis, mask)
    if masks and floats:
        y = jnp.where(count > 0, y, jnp.nan)
    if initial is not None:
        if masks:
            y = jnp.where(count > 0, y, initial)
        y = jnp.maximum(y, initial) if largest else jnp.minimum(y, initial)
    return y.squeeze(axis)
