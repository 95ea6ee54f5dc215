"""Soft ops under vmap, jit, sharding and any axis; a change of temperature retraces nothing; memory stays linear."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

import sortax as sx
from devices import assert_no_collective, mesh, placed
from soft import SOFT, numbers

QUICK_TO_COMPILE = True
X = numbers(60, 4).reshape(3, 5, 4)
every = pytest.mark.parametrize("name", SOFT)


def results(x, axis, relax):
    return sx.sort(x, axis, relax=relax), sx.rank(x, axis=axis, relax=relax), sx.top_k_mask(x, 2, axis, relax=relax)


def expected(name, x, t):
    """Those results of each row in NumPy, by the formulas of the literature."""
    soft, rows = SOFT[name], x.reshape(-1, x.shape[-1])
    taken = (np.arange(rows.shape[1]) >= rows.shape[1] - 2) * 1.0
    of_rows = ([soft.sort(row, t), soft.ranks(row, t), soft.place(row, taken, t)] for row in rows)
    return tuple(np.stack(y).reshape(x.shape) for y in zip(*of_rows, strict=True))


def close(actual, expected, rtol=1e-11):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol), actual, expected)


@every
def test_axes_and_vmap(name):
    """Every axis is as the last, and a mapped vector as a row; temperatures may be mapped too."""
    make = SOFT[name].make
    temperatures = np.array([0.1, 0.4, 2.0])

    @jax.jit
    def found(x):
        columns = [jax.tree.map(lambda y: jnp.moveaxis(y, axis, -1), results(x, axis, make(0.4))) for axis in (0, 1)]
        nested = jax.vmap(jax.vmap(lambda x: results(x, 0, make(0.4))))(x)
        return *columns, nested, jax.vmap(lambda x, t: results(x, -1, make(t)), (None, 0))(x[0], temperatures)

    *columns, nested, mapped = found(X)
    for axis in (0, 1):
        close(columns[axis], expected(name, np.moveaxis(X, axis, -1), 0.4))
    close(nested, expected(name, X, 0.4))
    for i, t in enumerate(temperatures):
        close(jax.tree.map(lambda y: y[i], mapped), expected(name, X[0], t))


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


BATCH = numbers(16 * 6).reshape(16, 6)


def values_and_gradient(name):
    def both(x):
        values, pull = jax.vjp(lambda x: results(x, -1, SOFT[name].make(0.4)), x)
        return values, pull(jax.tree.map(jnp.cos, values))[0]

    return jax.jit(both)


@functools.cache
def on_one_device(name):
    return values_and_gradient(name)(BATCH)


# It is the primitives that are split, and that look at the axes of an explicit mesh: these relaxations have all of them.
OF_EVERY_PRIMITIVE = ("SoftSort", "LapSum", "Permutahedron l2")
MARKS = {name: pytest.mark.lowering if name in OF_EVERY_PRIMITIVE else pytest.mark.deep for name in SOFT}
KINDS = [pytest.param("Auto", name, marks=MARKS[name]) for name in SOFT]
KINDS += [pytest.param("Explicit", name, marks=[pytest.mark.deep] * (name not in OF_EVERY_PRIMITIVE)) for name in SOFT]


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_batches_stay_where_they_are(kind, name):
    """Rows that are split over devices are sorted there, forward and backward, without a collective."""
    with jax.set_mesh(mesh(kind)):
        split = placed(BATCH, kind, P("d"))
        compiled = values_and_gradient(name).lower(split).compile()
        found = compiled(split)
    assert_no_collective(compiled)
    assert found[1].sharding.spec[0] == "d"
    close(found, on_one_device(name), 1e-10)


@pytest.mark.lowering
def test_linear_memory():
    """A soft sort of a million elements with its gradient takes a quarter of a GiB at most, on either path."""
    f = jax.value_and_grad(lambda x, relax: jnp.sum(sx.sort(x, relax=relax) ** 2))
    compiled = jax.jit(f).lower(jax.ShapeDtypeStruct((10**6,), np.float32), sx.SoftSort(np.float32(0.1))).compile()
    analysis = compiled.memory_analysis()
    assert analysis.temp_size_in_bytes < 2**28
