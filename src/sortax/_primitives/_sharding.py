"""Where the operands of a primitive live: what must be whole on each device, and what must agree."""

from collections.abc import Sequence
from typing import Any

import jax
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array

from .._jax import made_varying, varying_axes


def require_unsharded(what: str, aval: Any, axis: int) -> None:
    """Under an explicit mesh an axis that is sorted must lie whole on each device."""
    names = aval.sharding.spec[axis] if axis < len(aval.sharding.spec) else None
    if names is None:
        return
    names = names if isinstance(names, tuple) else (names,)
    if set(names) & set(aval.sharding.mesh.explicit_axes):
        raise ValueError(
            f"{what} along axis {axis} needs that axis whole on each device, but it is sharded over mesh axes "
            f"{names}; call jax.sharding.reshard(x, spec) with None at axis {axis} first."
        )


def align(*operands: Array) -> Sequence[Array]:
    """Make operands of one rank agree on where they live, so that the result is laid out as the last of them.

    Inside `jax.shard_map` all must vary over the same manual axes: without it sharded gradients lose their sum silently.
    Under an explicit mesh all take the sharding of the last operand that has one.
    """
    union = frozenset().union(*map(varying_axes, operands))
    operands = tuple(made_varying(x, tuple(sorted(union - varying_axes(x)))) for x in operands)
    split = [sharding for sharding in map(_explicit, operands) if sharding is not None and any(sharding.spec)]
    return [_reshard(x, split[-1]) for x in operands] if split else operands


def _explicit(x: Any) -> NamedSharding | None:
    sharding = jax.typeof(x).sharding
    return sharding if sharding.mesh.explicit_axes else None


def _reshard(x: Array, sharding: NamedSharding) -> Array:
    # An axis of length one serves all of the others' axis, and so stays whole.
    spec = PartitionSpec(*(None if size == 1 else names for size, names in zip(x.shape, sharding.spec, strict=True)))
    current = _explicit(x)
    if current is not None and current.spec == spec:
        return x
    return jax.sharding.reshard(x, NamedSharding(sharding.mesh, spec))
