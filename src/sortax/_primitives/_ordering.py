"""Primitives that put an axis, or a part of it, in order: results by name, each computed only if it is asked for.

What their derivative is depends on what ties mean, and stands with all of them in `tie_policies.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import _jax, _native
from .._checks import exceeds
from .._jax import Primitive
from . import _define, _sharding

VALUES, INDICES, INVERSE, FIRST, LAST = "values", "indices", "inverse", "first", "last"
OUTPUTS = (VALUES, INDICES, INVERSE, FIRST, LAST)


def index_dtype(n: Any) -> Any:
    """int32 unless the axis is too long for it."""
    if not exceeds(n, np.int32):
        return jnp.int32
    if jax.dtypes.canonicalize_dtype(np.int64) != np.int64:
        raise ValueError(
            f"an axis of {n} elements needs 64-bit indices; enable them with jax.config.update('jax_enable_x64', True)."
        )
    return jnp.int64


def define_ordering(
    name: str,
    *,
    xla: Callable[..., list[Array]],
    length: Callable[..., Any] = lambda x, *others, **params: x,
    attributes: Callable[[dict[str, Any]], dict[str, Any]] = lambda params: params,
    operands: int = 2,
) -> tuple[Primitive, Callable[..., list[Array]]]:
    """A primitive, and it as a function `(x, *others, axis, ties, outputs, **params) -> [the array of each output]`.

    **Arguments:**

    - `xla`: the same in plain JAX, without `ties`; takes `platform=` as well.
    - `length`: that of the results along the axis, from the operands' and the parameters; by default that of `x`.
    - `attributes`: those of the native kernel, from the parameters.
    - `operands`: how many operands the native kernel takes at most.
    """

    def shape(x: Any, *others: Any, axis: int, ties: str, outputs: tuple[str, ...], **params: Any) -> list[Any]:
        _sharding.require_unsharded("sorting", x, axis)
        n = length(x.shape[axis], *(other.shape[axis] for other in others), **params)
        indices = jnp.dtype(index_dtype(x.shape[axis]))
        result = x.update(shape=(*x.shape[:axis], n, *x.shape[axis + 1 :]), weak_type=False)
        return [result.update(dtype=x.dtype if name == VALUES else indices) for name in outputs]

    def native(ctx: Any, *arrays: Any, axis: int, ties: str, outputs: tuple[str, ...], **params: Any) -> Any:
        x, *_ = ctx.avals_in
        if len(arrays) > operands or x.dtype not in _native.SORTABLE or exceeds(x.shape[axis], np.int32):
            return None
        wanted = sum(1 << OUTPUTS.index(output) for output in outputs)
        return _native.lower(ctx, name, *arrays, axis=axis, outputs=np.int32(wanted), **attributes(params))

    def lower_xla(*operands: Array, ties: str, outputs: tuple[str, ...], **params: Any) -> list[Array]:
        return xla(*operands, outputs=outputs, **params)

    primitive = _define.define(f"sortax_{name}", shape=shape, xla=lower_xla, native=native)

    def batch(arrays: Any, dims: Any, *, axis: int, outputs: tuple[str, ...], **params: Any) -> Any:
        d = next(d for d in dims if d is not None)
        arrays = _define.batched_at(d, arrays, dims)
        return apply(*arrays, axis=axis + (d <= axis), outputs=outputs, **params), [d] * len(outputs)

    def apply(x: Array, *others: Array, outputs: Sequence[str], **params: Any) -> list[Array]:
        canonical = tuple(output for output in OUTPUTS if output in outputs)
        # The last of those aligned decides where all live: the array, not what comes with it.
        *before, x = _sharding.align(*others, x)
        found = dict(zip(canonical, primitive.bind(x, *before, outputs=canonical, **params), strict=True))
        return [found[output] for output in outputs]

    _jax.set_rules(primitive, batch=batch)
    _jax.set_elimination(primitive)
    return primitive, apply


def define_tangent(primitive: Primitive, apply: Callable[..., list[Array]], tangent: Callable[..., Array]) -> None:
    """Differentiate the values in `x`: `tangent(x, dx, *others, values=, indices=, **params)`, given what it names."""

    def jvp(primals: Any, tangents: Any, *, outputs: tuple[str, ...], **params: Any) -> Any:
        x, *others = primals
        dx = tangents[0]
        if VALUES not in outputs or _jax.is_zero(dx):
            results = apply(*primals, outputs=outputs, **params)
            return results, [_jax.zero_tangent(result) for result in results]
        # What the tangent does not read is dropped once dead code is eliminated.
        needed = tuple(dict.fromkeys((*outputs, VALUES, INDICES)))
        found = dict(zip(needed, apply(*primals, outputs=needed, **params), strict=True))
        dy = tangent(x, dx, *others, values=found[VALUES], indices=found[INDICES], **params)
        tangents_out = [dy if name == VALUES else _jax.zero_tangent(found[name]) for name in outputs]
        return [found[name] for name in outputs], tangents_out

    _jax.set_rules(primitive, jvp=jvp)
