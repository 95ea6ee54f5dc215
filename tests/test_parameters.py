"""The numbers of a relaxation: a Python number stays one, an array is a parameter; neither retraces when it changes."""

import pickle

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import sortax as sx
from helpers import deep_but
from soft import OPERATORS, SOFT, numbers

QUICK_TO_COMPILE = True
X = numbers(8, 5)
every = pytest.mark.parametrize("name", SOFT)


def loss(x, relax):
    return jnp.sum(jnp.sin(sx.rank(x, relax=relax)))


@every
def test_numbers_stay_numbers(name):
    """Relaxations with numbers hash and compare; NumPy scalars count as numbers."""
    make = SOFT[name].make
    for number in (0.5, np.float64(0.5), np.float32(0.5)):
        assert type(make(number).temperature) is float
    assert type(make(1).temperature) is float
    assert make(0.5) == make(0.5) and make(0.5) != make(0.6) and hash(make(0.5)) == hash(make(np.float64(0.5)))
    assert isinstance(make(jnp.asarray(0.5)).temperature, jax.Array)
    assert isinstance(make(np.asarray([0.5])).temperature, jax.Array)
    wrapped = sx.StraightThrough(make(0.5))
    assert wrapped == sx.StraightThrough(make(0.5)) and hash(wrapped) == hash(sx.StraightThrough(make(0.5)))
    assert pickle.loads(pickle.dumps(wrapped)) == wrapped


@every
def test_static_arguments(name):
    make = SOFT[name].make
    f = jax.jit(loss, static_argnames="relax")
    np.testing.assert_allclose(f(X, relax=make(0.5)), loss(X, make(0.5)), rtol=1e-12)


@every
@pytest.mark.parametrize("wrap", [float, jnp.asarray])
def test_a_change_retraces_nothing(name, wrap):
    """That holds in the caller's jit, in ours and in both at once."""
    make, traces = SOFT[name].make, []

    @jax.jit
    def f(x, relax):
        traces.append(1)
        return loss(x, relax)

    found = [f(X, make(wrap(t))) for t in (0.3, 0.7, 2.0)]
    assert len(traces) == 1
    with jax.no_tracing():
        # Nothing is traced for another number.
        again = f(X, make(wrap(0.9)))
    assert len({float(y) for y in (*found, again)}) == 4
    sx.rank(X, relax=make(wrap(0.3)))
    with jax.no_tracing():
        sx.rank(X, relax=make(wrap(0.4)))


@pytest.mark.parametrize("name", deep_but(("SoftSort", "LapSum", "Permutahedron l2"), SOFT))
def test_one_temperature_a_row(name):
    """It broadcasts against x with the axis of length one: as if each row were alone, in values and in derivatives."""
    make, x = SOFT[name].make, np.stack([X, 2 * X, X + 1]).reshape(3, 4, 2)
    t = np.array([0.3, 0.5, 2.0, 0.4, 1.0, 3.0]).reshape(3, 1, 2)

    def results(x, t, axis):
        relax = make(t)
        found = [sx.sort(x, axis, relax=relax), sx.rank(x, axis=axis, relax=relax), sx.top_k_mask(x, 2, axis, relax=relax)]
        if name in OPERATORS:
            P = sx.permutation(x, axis, relax=relax)
            found += [P @ jnp.cos(x), P.T @ jnp.cos(x), P.log_entries(jnp.zeros(x.shape, jnp.int32))]
        return jnp.stack(found)

    total = lambda f: lambda x, t: (jnp.sum(jnp.sin(y := f(x, t))), y)
    together = lambda x, t: results(x, t, 1)
    mapped = jax.vmap(lambda x, t: results(x, t, 0), (1, 0), 2)
    alone = lambda x, t: mapped(x.swapaxes(0, 1).reshape(4, 6), t.reshape(6)).reshape(-1, 4, 3, 2).swapaxes(1, 2)
    (g, y), (h, expected) = (jax.jit(jax.grad(total(f), (0, 1), has_aux=True))(x, t) for f in (together, alone))
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8), g, h)
    # Fewer axes than x has: one for each of the last.
    np.testing.assert_allclose(
        sx.rank(x, axis=1, relax=make(t[0])), sx.rank(x, axis=1, relax=make(t[:1] + 0 * t)), rtol=1e-9
    )


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"one a row, of shape \(3, 1\) here, got shape \(8,\)"):
        sx.rank(np.ones((3, 8)), axis=1, relax=sx.LapSum(np.ones(8)))


class Model(eqx.Module):
    relax: sx.AbstractRelaxation
    weight: jax.Array

    def __call__(self, x):
        return loss(x * self.weight, self.relax)


def test_fields_of_equinox_modules():
    """A number is no parameter: no gradient, no update. An array is one."""
    weight = jnp.asarray(2.0)
    gradient = eqx.filter_grad(lambda model: model(X))
    assert gradient(Model(sx.SoftSort(0.5), weight)).relax.temperature is None
    trained = Model(sx.SoftSort(jnp.asarray(0.5)), weight)
    assert gradient(trained).relax.temperature != 0
    optimizer = optax.sgd(0.1)
    for model in (trained, Model(sx.SoftSort(0.5), weight)):
        parameters, rest = eqx.partition(model, eqx.is_inexact_array)
        updates, _ = optimizer.update(gradient(model), optimizer.init(parameters), parameters)
        moved = eqx.combine(eqx.apply_updates(parameters, updates), rest)
        assert (float(moved.relax.temperature) != 0.5) == (model is trained) and moved.weight != weight
    # The caller's jit of a model, with another number.
    call = eqx.filter_jit(lambda model, x: model(x))
    np.testing.assert_allclose(call(Model(sx.SoftSort(0.7), weight), X), loss(2 * X, sx.SoftSort(0.7)), rtol=1e-12)


def test_attributes_of_nnx_modules():
    class Layer(nnx.Module):
        def __init__(self, relax):
            self.relax = relax
            self.weight = nnx.Param(jnp.asarray(2.0))

        def __call__(self, x):
            return loss(x * self.weight[...], self.relax)

    layer = Layer(sx.LapSum(0.5))
    value, gradient = nnx.jit(nnx.value_and_grad(lambda layer: layer(X)))(layer)
    np.testing.assert_allclose(value, loss(2 * X, sx.LapSum(0.5)), rtol=1e-12)
    assert gradient["weight"][...] != 0

    class Trained(nnx.Module):
        def __init__(self):
            self.temperature = nnx.Param(jnp.asarray(0.5))

        def __call__(self, x):
            return loss(x, sx.LapSum(self.temperature[...]))

    gradient = nnx.grad(lambda layer: layer(X))(Trained())
    expected = jax.grad(lambda t: loss(X, sx.LapSum(t)))(jnp.asarray(0.5))
    np.testing.assert_allclose(gradient["temperature"][...], expected, rtol=1e-12)


def test_optimisers_step_arrays():
    """A temperature that is learned with optax falls where softness costs."""
    relax = sx.SoftSort(jnp.asarray(1.0))
    optimizer = optax.adam(0.1)
    cost = lambda relax: jnp.sum((sx.sort(X, relax=relax) - np.sort(X)) ** 2)

    @jax.jit
    def step(relax, state):
        updates, state = optimizer.update(jax.grad(cost)(relax), state, relax)
        return optax.apply_updates(relax, updates), state

    with jax.numpy_dtype_promotion("standard"):
        state = optimizer.init(relax)
        for _ in range(5):
            relax, state = step(relax, state)
    assert 0.4 < relax.temperature < 0.6


def test_mapped_over_several():
    t = np.array([0.3, 0.6])
    found = jax.vmap(lambda relax: sx.rank(X, relax=relax))(sx.SoftSort(t))
    np.testing.assert_allclose(found, [sx.rank(X, relax=sx.SoftSort(each)) for each in t], rtol=1e-12)


def test_exported():
    """A number is part of the exported program; an array is an operand of it."""
    disabled = [
        jax.export.DisabledSafetyCheck.custom_call(f"sortax_{name}")
        for name in ("sort", "permute", "kernel_sum", "run_mean", "linear_scan", "middle_of_run")
    ]
    program = jax.export.export(jax.jit(lambda x: sx.rank(x, relax=sx.LapSum(0.5))), disabled_checks=disabled)(X)
    again = jax.export.deserialize(program.serialize())
    np.testing.assert_allclose(again.call(X), sx.rank(X, relax=sx.LapSum(0.5)), rtol=1e-12)
    program = jax.export.export(jax.jit(lambda x, t: sx.rank(x, relax=sx.LapSum(t))), disabled_checks=disabled)(X, 0.5)
    np.testing.assert_allclose(program.call(X, 0.7), sx.rank(X, relax=sx.LapSum(0.7)), rtol=1e-12)
