"""Lowering a function of arrays in place, with no sharding attached to what it computes."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.sharding import AxisType

from ._jax import lowered


def inline(ctx: Any, function: Callable[..., Sequence[Any]], *operands: Any) -> Any:
    """Lower `function`, which maps arrays to a list of arrays, for the operands of `ctx`.

    XLA propagates the shardings of the operands. Under an explicit mesh, JAX would instead pin every intermediate that has
    none to be whole on each device, and refuse some operations.
    """

    def unpinned(*arrays: Any) -> Sequence[Any]:
        mesh = jax.sharding.get_abstract_mesh()
        if not mesh.empty:
            mesh = mesh.update_axis_types(dict.fromkeys(mesh.explicit_axes, AxisType.Auto))
        # A primitive inside another's lowering may be of numbers that are wider than JAX's mode outside has them.
        wide = any(array.dtype.itemsize >= 8 for array in arrays)
        with jax.sharding.use_abstract_mesh(mesh), jax.enable_x64(True) if wide else contextlib.nullcontext():
            return function(*arrays)

    return lowered(ctx, unpinned, *operands)
