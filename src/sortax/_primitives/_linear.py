"""Primitives that are linear in their second operand, along one axis, under a structure given by the first.

Every member (entries taken by index, a permutation, a mean over ties) is closed under differentiation: the JVP is the
primitive itself, and so is the transpose. A structure of length one along an axis serves all of that axis.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax.interpreters import ad, batching
from jaxtyping import Array

from .. import _native
from . import _define, _sharding


def define_linear(
    name: str,
    *,
    xla: Callable[..., list[Array]],
    transposed: Callable[[dict[str, Any], Any], dict[str, Any]],
    length: Callable[[dict[str, Any], Any, Any], Any] = lambda params, n_structure, n: n,
    accepts: Callable[[Any], bool] = lambda v: False,
) -> Callable[..., Array]:
    """A function `(structure, v, *, axis, **params) -> out`, with `out` shaped like `v` but for its length along `axis`.

    **Arguments:**

    - `xla`: the same in plain JAX, as a list of one array.
    - `transposed`: the parameters of the transpose, from the parameters and the length of `v`.
    - `length`: that of the result, from the parameters and the lengths of structure and `v`; by default that of `v`.
    - `accepts`: whether the native kernel takes `v`'s type; by default there is no kernel.
    """

    def shape(structure: Any, v: Any, *, axis: int, **params: Any) -> list[Any]:
        _sharding.require_unsharded(f"{name} of an array", v, axis)
        n = length(params, structure.shape[axis], v.shape[axis])
        return [v.update(shape=(*v.shape[:axis], n, *v.shape[axis + 1 :]), weak_type=False)]

    def native(ctx: Any, structure: Any, v: Any, *, axis: int, **params: Any) -> Any:
        if not accepts(ctx.avals_in[1]):
            return None
        return _native.lower(ctx, name, structure, v, axis=axis, **params)

    primitive = _define.define(f"sortax_{name}", shape=shape, xla=xla, native=native)

    def apply(structure: Array, v: Array, *, axis: int, **params: Any) -> Array:
        structure, v = _sharding.align(structure, v)
        return primitive.bind(structure, v, axis=axis, **params)[0]

    def jvp(primals: Any, tangents: Any, **params: Any) -> Any:
        structure, v = primals
        out = apply(structure, v, **params)
        dv = tangents[1]
        return [out], [_define.zero_tangent(out) if _define.is_zero(dv) else apply(structure, dv, **params)]

    def transpose(cotangents: Any, structure: Any, v: Any, *, axis: int, **params: Any) -> Any:
        (ct,) = cotangents
        if _define.is_zero(ct):
            return None, ad.Zero(v.aval)
        return None, apply(structure, ct, axis=axis, **transposed(params, v.aval.shape[axis]))

    def batch(operands: Any, dims: Any, *, axis: int, **params: Any) -> Any:
        (structure, v), (ds, dv) = operands, dims
        if dv is None:
            v = jnp.broadcast_to(jnp.expand_dims(v, ds), (*v.shape[:ds], structure.shape[ds], *v.shape[ds:]))
            dv = ds
        if ds is None:
            structure = jnp.expand_dims(structure, dv)
        else:
            structure = jnp.moveaxis(structure, ds, dv)
        return [apply(structure, v, axis=axis + (dv <= axis), **params)], [dv]

    ad.primitive_jvps[primitive] = jvp
    ad.primitive_transposes[primitive] = transpose
    batching.primitive_batchers[primitive] = batch
    return apply
