"""Eight devices: meshes, arrays that are split over them, and compiled programs in which nothing moves between them."""

import re

import jax
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

COLLECTIVE = re.compile(r"all-gather|all-reduce|collective-permute|all-to-all|reduce-scatter|collective-broadcast")
# (axis of the op, how the array is split)
SPLITS = {"rows": (-1, P("d", None)), "columns": (0, P(None, "d"))}


def mesh(kind):
    return jax.make_mesh((8,), ("d",), axis_types=(getattr(AxisType, kind),))


def placed(x, kind, spec):
    return jax.device_put(x, NamedSharding(mesh(kind), spec))


def assert_no_collective(compiled):
    moved = [line for line in compiled.as_text().splitlines() if COLLECTIVE.search(line)]
    assert not moved, "\n".join(moved)
