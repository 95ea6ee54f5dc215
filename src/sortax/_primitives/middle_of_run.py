"""The element of each run nearest to the middle of the row, carried to all of the run. A structure, without a derivative."""

from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from .. import _native
from . import _define, _sharding
from .carry import first_of_run, last_of_run


def middle_of_run(begins: Bool[Array, "*shape"], x: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    """In the run that holds the middle of the row the element there; before it the last of each run, after it the first."""
    return _middle_of_run(begins, x, axis=axis)[0]


def _shape(begins: Any, x: Any, *, axis: int) -> list[Any]:
    _sharding.require_unsharded("the middle of a run", x, axis)
    return [x]


def _native_lowering(ctx: Any, begins: Any, x: Any, *, axis: int) -> Any:
    if ctx.avals_in[1].dtype.name not in ("float32", "float64"):
        return None
    return _native.lower(ctx, "middle_of_run", begins, x, axis=axis)


def _xla(begins: Array, x: Array, *, axis: int, platform: str | None) -> list[Array]:
    index, middle = lax.broadcasted_iota(jnp.int32, x.shape, axis), x.shape[axis] // 2
    # The middle is a run by itself, and so is what follows it.
    after = first_of_run(begins | (index == middle), x, axis)
    before = last_of_run(begins | (index == middle + 1), x, axis)
    return [jnp.where(index < middle, before, after)]


_middle_of_run = _define.define_constant("sortax_middle_of_run", shape=_shape, xla=_xla, native=_native_lowering)
