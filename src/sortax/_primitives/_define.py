"""What the primitives of this package have in common: eager evaluation and lowering.

An own `Primitive` is the only construct of JAX under which a foreign kernel composes with all of vmap(grad),
hessian, linearize, automatic and explicit sharding, and export (see CONTRIBUTING.md).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .. import _jax
from .._lowering import inline
from . import _sharding


def define(
    name: str, *, shape: Callable[..., Any], xla: Callable[..., Any], native: Callable[..., Any] | None = None
) -> _jax.Primitive:
    """A primitive with several results.

    **Arguments:**

    - `shape`: abstract values of the operands and the parameters -> a list of the results' abstract values.
    - `xla`: arrays and the parameters -> a list of arrays, in plain JAX; takes `platform=`, a platform's name or None.
    - `native`: lowering context, operands and parameters -> results, or None where the kernels do not serve.
    """
    primitive = _jax.Primitive(name)
    primitive.multiple_results = True
    primitive.def_abstract_eval(shape)

    @functools.lru_cache(maxsize=1024)
    def compiled(**params: Any) -> Callable[..., Any]:
        return jax.jit(functools.partial(primitive.bind, **params))

    def evaluate(*operands: Any, **params: Any) -> Any:
        # Under `jax.disable_jit()` that would bind the primitive again, without end.
        with jax.disable_jit(False):
            return compiled(**params)(*operands)

    primitive.def_impl(evaluate)

    def lower_xla(ctx: Any, *operands: Any, platform: str | None = None, **params: Any) -> Any:
        return inline(ctx, functools.partial(xla, platform=platform, **params), *operands)

    def lower_cpu(ctx: Any, *operands: Any, **params: Any) -> Any:
        results = native(ctx, *operands, **params) if native is not None else None
        return lower_xla(ctx, *operands, platform="cpu", **params) if results is None else results

    _jax.set_lowerings(primitive, anywhere=lower_xla, cpu=lower_cpu)
    return primitive


def define_constant(name: str, **rules: Callable[..., Any]) -> Callable[..., list[Array]]:
    """A function `(*operands, axis, **params) -> [results]` that works along one axis and has derivative zero."""
    primitive = define(name, **rules)

    def apply(*operands: Array, **params: Any) -> list[Array]:
        return primitive.bind(*_sharding.align(*operands), **params)

    def jvp(primals: Any, tangents: Any, **params: Any) -> Any:
        results = apply(*primals, **params)
        return results, [_jax.zero_tangent(x) for x in results]

    def batch(operands: Any, dims: Any, *, axis: int, **params: Any) -> Any:
        results = apply(*batched_at(0, operands, dims), axis=axis + 1, **params)
        return results, [0] * len(results)

    _jax.set_rules(primitive, jvp=jvp, batch=batch)
    return apply


def batched_at(d: int, operands: Sequence[Array], dims: Sequence[int | None]) -> list[Array]:
    """The operands with their mapped axis at `d`, made for those that have none."""
    (size,) = {x.shape[e] for x, e in zip(operands, dims, strict=True) if e is not None}
    return [
        jnp.broadcast_to(jnp.expand_dims(x, d), (*x.shape[:d], size, *x.shape[d:])) if e is None else jnp.moveaxis(x, e, d)
        for x, e in zip(operands, dims, strict=True)
    ]
