"""Entries of an array by index along an axis: `gather` and its transpose `scatter_add`; `permute`, where each index occurs once.

A gather and a scatter are transposes of each other, so both primitives are closed under differentiation of any order.
"""

from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int, Shaped

from .._keys import bit_width
from ._linear import define_linear


def gather(indices: Int[Array, "*taken"], v: Shaped[Array, "*shape"], axis: int) -> Shaped[Array, "*taken"]:
    """`out[j] = v[indices[j]]` along `axis`.

    `indices` has the rank of `v` and is in range; where it has length one and `v` has not, one row of indices serves all.
    """
    return _gather_along(indices, v, axis=axis, into=None)


def scatter_add(indices: Int[Array, "*shape"], v: Shaped[Array, "*shape"], axis: int, length: int) -> Shaped[Array, "..."]:
    """The transpose: `v[j]` is added to `out[indices[j]]`, which has that length along `axis`."""
    return _gather_along(indices, v, axis=axis, into=length)


def permute(
    order: Int[Array, "*shape"], v: Shaped[Array, "*shape"], axis: int, *, transpose: bool = False
) -> Shaped[Array, "*shape"]:
    """`out[j] = v[order[j]]` along `axis`, or with `transpose` its transpose and inverse, `out[order[j]] = v[j]`.

    `order` is a permutation, of the rank of `v`; where it has length one and `v` has not, one serves them all.
    """
    return _permute(order, v, axis=axis, transpose=transpose)


def _gather_xla(indices: Array, v: Array, *, axis: int, into: int | None, platform: str | None) -> list[Array]:
    return [_gather(indices, v, axis) if into is None else _scatter(indices, v, axis, into, unique=False)]


def _permute_xla(order: Array, v: Array, *, axis: int, transpose: bool, platform: str | None) -> list[Array]:
    return [_scatter(order, v, axis, v.shape[axis], unique=True) if transpose else _gather(order, v, axis)]


def _gather(indices: Array, v: Array, axis: int) -> Array:
    shape = (*v.shape[:axis], indices.shape[axis], *v.shape[axis + 1 :])
    if 0 in shape:
        return jnp.zeros(shape, v.dtype)
    shared, batch, places, index = _dimensions(indices, v, axis)
    numbers = lax.GatherDimensionNumbers(
        offset_dims=shared,
        collapsed_slice_dims=(axis,),
        start_index_map=(axis,),
        operand_batching_dims=batch,
        start_indices_batching_dims=places,
    )
    sizes = tuple(v.shape[d] if d in shared else 1 for d in range(v.ndim))
    return lax.gather(v, index, numbers, sizes, mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS)


def _scatter(indices: Array, v: Array, axis: int, n: Any, *, unique: bool) -> Array:
    out = jnp.zeros((*v.shape[:axis], n, *v.shape[axis + 1 :]), v.dtype)
    if 0 in v.shape or 0 in out.shape:
        return out
    shared, batch, places, index = _dimensions(indices, v, axis)
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=shared,
        inserted_window_dims=(axis,),
        scatter_dims_to_operand_dims=(axis,),
        operand_batching_dims=batch,
        scatter_indices_batching_dims=places,
    )
    scatter = lax.scatter if unique else lax.scatter_add
    return scatter(out, index, v, numbers, unique_indices=unique, mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS)


def _dimensions(indices: Array, v: Array, axis: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], Array]:
    """Axes of `v` that share a row of indices, axes that do not, the places of the latter among the indices', and these."""
    shared = tuple(d for d in range(v.ndim) if d != axis and indices.shape[d] != v.shape[d])
    rows = tuple(d for d in range(v.ndim) if d not in shared)
    batch = tuple(d for d in rows if d != axis)
    return shared, batch, tuple(rows.index(d) for d in batch), indices.reshape(*(indices.shape[d] for d in rows), 1)


def _is_movable(order: Any, v: Any) -> bool:
    # Types narrower than a byte are packed, and so cannot be moved one by one.
    return v.dtype.kind in "bc" or bit_width(v.dtype) >= 8


_gather_along = define_linear(
    "gather",
    xla=_gather_xla,
    transposed=lambda params, n: {"into": n if params["into"] is None else None},
    length=lambda params, n_indices, n: n_indices if params["into"] is None else params["into"],
)
_permute = define_linear(
    "permute",
    xla=_permute_xla,
    transposed=lambda params, n: {"transpose": not params["transpose"]},
    accepts=_is_movable,
)
