"""Primitives that are linear in their last operand, along one axis, under a structure given by those before it.

Every member (entries taken by index, a permutation, a mean over ties, sums along a line) is closed under differentiation: the
JVP is the primitive itself, and so is the transpose. A structure of length one along an axis serves all of that axis.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from .. import _jax, _native
from . import _define, _sharding


def define_linear(
    name: str,
    *,
    xla: Callable[..., list[Array]],
    transposed: Callable[[dict[str, Any], Any], dict[str, Any]],
    length: Callable[[dict[str, Any], Any, Any], Any] = lambda params, n_structure, n: n,
    accepts: Callable[..., bool] = lambda *avals: False,
    attributes: Callable[[dict[str, Any]], dict[str, Any]] = lambda params: params,
    reads: Callable[[Sequence[Any]], Sequence[Any]] = lambda operands: operands,
    swapped: Callable[[list[Any]], list[Any]] = lambda structure: structure,
    moved: Callable[..., list[Array]] = lambda out, primals, tangents, **params: [],
    jvp: Callable[..., tuple[Array, Array | None]] | None = None,
    of_columns: bool = False,
) -> Callable[..., Array]:
    """A function `(*structure, v, *, axis, **params) -> out`, with `out` shaped like `v` but for its length along `axis`.

    **Arguments:**

    - `xla`: the same in plain JAX, as a list of one array.
    - `transposed`: the parameters of the transpose, from the parameters and the length of `v`.
    - `length`: that of the result, from the parameters and the lengths of (the first) structure and `v`; by default that of `v`.
    - `accepts`: whether the native kernel takes operands of these abstract values; by default there is no kernel.
    - `attributes`: the parameters as the native kernel takes them.
    - `reads`: those of the operands that the native kernel takes; by default all.
    - `swapped`: the structure of the transpose; by default the same.
    - `moved`: of the result, primals and tangents, what the derivative in the structure adds; by default it has none.
    - `jvp`: instead of that the whole rule, of primals and tangents; the tangent is None where it is zero.
    - `of_columns`: whether the last axis of `v`, of which the structure has one, must stay the last under `jax.vmap`.
    """

    def shape(*operands: Any, axis: int, **params: Any) -> list[Any]:
        structure, v = operands[0], operands[-1]
        _sharding.require_unsharded(name.replace("_", " "), v, axis)
        n = length(params, structure.shape[axis], v.shape[axis])
        return [v.update(shape=(*v.shape[:axis], n, *v.shape[axis + 1 :]), weak_type=False)]

    def native(ctx: Any, *operands: Any, axis: int, **params: Any) -> Any:
        if not accepts(*ctx.avals_in):
            return None
        ctx = ctx.replace(avals_in=reads(ctx.avals_in))
        return _native.lower(ctx, name, *reads(operands), axis=axis, **attributes(params))

    primitive = _define.define(f"sortax_{name}", shape=shape, xla=xla, native=native)

    def apply(*operands: Array, axis: int, **params: Any) -> Array:
        return primitive.bind(*_sharding.align(*operands), axis=axis, **params)[0]

    def forward(primals: Any, tangents: Any, **params: Any) -> Any:
        if jvp is not None:
            out, tangent = jvp(primals, tangents, **params)
            return [out], [_jax.zero_tangent(out) if tangent is None else tangent]
        out = apply(*primals, **params)
        parts = moved(out, primals, tangents, **params)
        if not _jax.is_zero(tangents[-1]):
            parts.append(apply(*primals[:-1], tangents[-1], **params))
        return [out], [sum(parts[1:], parts[0]) if parts else _jax.zero_tangent(out)]

    def transpose(cotangents: Any, *operands: Any, axis: int, **params: Any) -> Any:
        (ct,), (*structure, v) = cotangents, operands
        if _jax.is_zero(ct):
            return *(None for _ in structure), _jax.zero_cotangent(v)
        back = apply(*swapped(structure), ct, axis=axis, **transposed(params, v.aval.shape[axis]))
        return *(None for _ in structure), back

    def batch(operands: Any, dims: Any, *, axis: int, **params: Any) -> Any:
        (*structure, v), (*ds, dv) = operands, dims
        if dv is None:
            dv, size = next((d, x.shape[d]) for x, d in zip(structure, ds, strict=True) if d is not None)
            v = jnp.broadcast_to(jnp.expand_dims(v, dv), (*v.shape[:dv], size, *v.shape[dv:]))
        if of_columns and dv == v.ndim - 1:
            v, dv = jnp.moveaxis(v, dv, 0), 0
        structure = [
            jnp.expand_dims(x, dv) if d is None else jnp.moveaxis(x, d, dv) for x, d in zip(structure, ds, strict=True)
        ]
        return [apply(*structure, v, axis=axis + (dv <= axis), **params)], [dv]

    _jax.set_rules(primitive, jvp=forward, transpose=transpose, batch=batch)
    return apply
