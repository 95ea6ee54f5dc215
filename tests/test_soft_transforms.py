"""Soft ops under vmap, jit, sharding and any axis; a change of temperature retraces nothing; memory stays linear."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import sortax as sx
from soft import SOFT, numbers

X = numbers(60, 4).reshape(3, 5, 4)
every = pytest.mark.parametrize("name", SOFT)
COLLECTIVES = ("all-gather", "all-reduce", "all-to-all", "collective-permute")


def results(x, axis, relax):
    return sx.sort(x, axis, relax=relax), sx.rank(x, axis=axis, relax=relax), sx.top_k_mask(x, 2, axis, relax=relax)


def close(actual, expected, rtol=1e-11):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol), actual, expected)


@every
def test_axes_and_vmap(name):
    """Every axis is as the last, and a mapped vector as a row; temperatures may be mapped too."""
    make = SOFT[name].make
    last = jax.jit(lambda x: results(x, -1, make(0.4)))
    for axis in (0, 1):
        found = jax.jit(lambda x, axis=axis: results(x, axis, make(0.4)))(X)
        close(jax.tree.map(lambda y, axis=axis: np.moveaxis(y, axis, -1), found), last(np.moveaxis(X, axis, -1)))
    close(jax.vmap(jax.vmap(lambda x: results(x, 0, make(0.4))))(X), last(X))
    temperatures = np.array([0.1, 0.4, 2.0])
    mapped = jax.vmap(lambda x, t: results(x, -1, make(t)), (None, 0))(X[0], temperatures)
    close(jax.tree.map(lambda y: y[1], mapped), last(X[0]))


@every
def test_a_change_of_temperature_retraces_nothing(name):
    traces = []

    @jax.jit
    def f(x, relax):
        traces.append(1)
        return sx.sort(x, relax=relax)

    for t in (0.1, 0.2, jnp.asarray(0.3)):
        f(X, SOFT[name].make(t))
    assert len(traces) == 1


@every
@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
def test_batches_stay_where_they_are(name, kind):
    """Rows that are split over devices are sorted there, forward and backward, without a collective."""
    mesh = jax.make_mesh((8,), ("d",), axis_types=(getattr(AxisType, kind),))
    x = numbers(16 * 6).reshape(16, 6)
    relax = SOFT[name].make(0.4)
    values = lambda x: results(x, -1, relax)
    gradient = lambda x: jax.vjp(values, x)[1](jax.tree.map(jnp.cos, values(x)))[0]
    both = jax.jit(lambda x: (values(x), gradient(x)))
    with jax.set_mesh(mesh):
        split = jax.device_put(x, NamedSharding(mesh, P("d")))
        text = both.lower(split).compile().as_text()
        found = both(split)
    assert not [c for c in COLLECTIVES if c in text]
    assert found[1].sharding.spec[0] == "d"
    close(found, both(x), 1e-10)


def test_linear_memory():
    """A soft sort of a million elements with its gradient takes a quarter of a GiB at most, on either path."""
    f = jax.value_and_grad(lambda x, relax: jnp.sum(sx.sort(x, relax=relax) ** 2))
    compiled = jax.jit(f).lower(jax.ShapeDtypeStruct((10**6,), np.float32), sx.SoftSort(np.float32(0.1))).compile()
    analysis = compiled.memory_analysis()
    assert analysis.temp_size_in_bytes < 2**28
