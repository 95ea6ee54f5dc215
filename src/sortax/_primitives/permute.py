"""The permute primitive: gather along an axis by a permutation, or scatter back by it.

Each is the transpose of the other, so the primitive is closed under differentiation of any order.
"""

from typing import Any

from jax import lax
from jaxtyping import Array, Int, Shaped

from .._keys import bit_width
from ._linear import define_linear

_OFFSETS: dict[str, Any] = dict(indices_are_sorted=False, unique_indices=True, mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS)


def permute(
    order: Int[Array, "*shape"], v: Shaped[Array, "*shape"], axis: int, *, transpose: bool = False
) -> Shaped[Array, "*shape"]:
    """`out[j] = v[order[j]]` along `axis`, or with `transpose` its transpose and inverse, `out[order[j]] = v[j]`.

    `order` has the rank of `v`; where it has length one and `v` has not, one permutation serves them all.
    """
    return permute_p(order, v, axis=axis, transpose=transpose)


def _xla(order: Array, v: Array, *, axis: int, transpose: bool, platform: str | None) -> list[Array]:
    if 0 in v.shape:
        return [v]
    shared = tuple(d for d in range(v.ndim) if d != axis and order.shape[d] != v.shape[d])
    rows = tuple(d for d in range(v.ndim) if d not in shared)
    batch = tuple(d for d in rows if d != axis)
    places = tuple(rows.index(d) for d in batch)
    index = order.reshape(*(v.shape[d] for d in rows), 1)
    if transpose:
        numbers = lax.ScatterDimensionNumbers(
            update_window_dims=shared,
            inserted_window_dims=(axis,),
            scatter_dims_to_operand_dims=(axis,),
            operand_batching_dims=batch,
            scatter_indices_batching_dims=places,
        )
        return [lax.scatter(lax.full_like(v, 0), index, v, numbers, **_OFFSETS)]
    numbers = lax.GatherDimensionNumbers(
        offset_dims=shared,
        collapsed_slice_dims=(axis,),
        start_index_map=(axis,),
        operand_batching_dims=batch,
        start_indices_batching_dims=places,
    )
    sizes = tuple(v.shape[d] if d in shared else 1 for d in range(v.ndim))
    return [lax.gather(v, index, numbers, sizes, **_OFFSETS)]


def _transposed(params: dict[str, Any]) -> dict[str, Any]:
    return {**params, "transpose": not params["transpose"]}


def _has_kernel(v: Any) -> bool:
    # Types narrower than a byte are packed, and so cannot be moved one by one.
    return v.dtype.kind in "bc" or bit_width(v.dtype) >= 8


permute_p = define_linear("permute", xla=_xla, transposed=_transposed, accepts=_has_kernel)
