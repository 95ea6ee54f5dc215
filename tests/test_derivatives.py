"""Derivatives away from ties: those of `jax.numpy` to the bit, central differences, forward equal to reverse, any order."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import (
    DTYPES,
    INEXACT,
    RELAXATIONS,
    REVERSIBLE,
    assert_same,
    central,
    distinct,
    order,
    take,
    tangent,
)
from ops import OPS, SORTING

QUICK_TO_COMPILE = True

SHAPES = [((33,), -1), ((5, 17), -1), ((5, 17), 0), ((3, 4, 5), 1), ((3, 4), None)]


@pytest.mark.parametrize("ties", RELAXATIONS)
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_equal_to_jax_numpy(shape, axis, ties):
    x, t = distinct(np.float32, shape), tangent(shape, np.float32)
    ours = lambda x: sx.sort(x, axis, relax=RELAXATIONS[ties])
    theirs = lambda x: jnp.sort(x, axis)
    g = tangent(np.shape(take(x, order(x, axis), axis)), np.float32)

    @jax.jit
    def results(x, t, g):
        sorts = (ours, theirs)
        backward = [jax.vjp(sort, x)[1](g) for sort in sorts] if ties in REVERSIBLE else [(), ()]
        return [(*jax.jvp(sort, (x,), (t,)), *back) for sort, back in zip(sorts, backward, strict=True)]

    for actual, expected in zip(*results(x, t, g), strict=True):
        assert_same(actual, expected)


@pytest.mark.lowering
@pytest.mark.parametrize("ties", RELAXATIONS)
@pytest.mark.parametrize("dtype", INEXACT)
def test_every_dtype(dtype, ties):
    dtype = DTYPES[dtype]
    x, t, g = distinct(dtype, (4, 9)), tangent((4, 9), dtype), tangent((4, 9), dtype, 2)

    @jax.jit
    def results(x, t, g):
        sorts = [functools.partial(sx.sort, descending=d, relax=RELAXATIONS[ties]) for d in (False, True)]
        return [(*jax.jvp(f, (x,), (t,)), *(jax.vjp(f, x)[1](g) if ties in REVERSIBLE else ())) for f in sorts]

    for descending, (y, dy, *back) in enumerate(results(x, t, g)):
        indices = order(x, descending=bool(descending))
        assert_same(y, take(x, indices))
        assert_same(dy, take(t, indices))
        assert len(back) == (ties in REVERSIBLE)
        for transposed in back:
            assert_same(transposed, take(g, np.argsort(indices)))


def test_integers_have_no_derivative():
    x = np.array([3, 1, 2])
    y, dy = jax.jvp(sx.sort, (x,), (np.zeros(3, jax.dtypes.float0),))
    assert_same(y, np.array([1, 2, 3]))
    assert dy.dtype == jax.dtypes.float0
    assert jax.jvp(sx.argsort, (x * 1.0,), (x * 1.0,))[1].dtype == jax.dtypes.float0


@pytest.mark.parametrize("ties", RELAXATIONS)
@pytest.mark.parametrize("name", SORTING)
def test_central_differences(name, ties):
    x, t, w = distinct(np.float64, (3, 7)), tangent((3, 7)), tangent((3, 7), seed=2)
    for axis in (0, 1):
        f = jax.jit(lambda x: OPS[name](jnp.sin(x), axis, RELAXATIONS[ties]))
        dy = jax.jvp(f, (x,), (t,))[1]
        np.testing.assert_allclose(dy, central(f, x, t), atol=1e-8)
        if ties in REVERSIBLE:
            gradient = jax.jit(jax.grad(lambda x: (w * f(x)).sum()))(x)
            np.testing.assert_allclose((gradient * t).sum(), (w * dy).sum(), rtol=1e-12)


@pytest.mark.parametrize("ties", REVERSIBLE)
@pytest.mark.parametrize("name", SORTING)
def test_forward_is_reverse(name, ties):
    x = np.array([2.0, -1.0, 2.0, 0.0, 2.0])
    f = lambda x: OPS[name](x * x, -1, REVERSIBLE[ties])
    np.testing.assert_array_equal(*jax.jit(lambda x: (jax.jacfwd(f)(x), jax.jacrev(f)(x)))(x))


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_second_order(ties):
    x, w, t = distinct(np.float64, 7), tangent(7), tangent(7, seed=2)
    f = lambda x: (w * sx.sort(x, relax=RELAXATIONS[ties]) ** 3).sum()
    places = np.argsort(np.argsort(x))
    expected = np.diag(6 * w[places] * x)
    # Perturbations of the tangent, along a curve: x + h t + h^2/2 u.
    first = lambda x: jax.jvp(f, (x,), (t,))[1]
    forward, curvature = jax.jit(lambda x: (jax.jacfwd(jax.jacfwd(f))(x), jax.jvp(first, (x,), (t,))[1]))(x)
    np.testing.assert_allclose(forward, expected, rtol=1e-12)
    np.testing.assert_allclose(curvature, t @ expected @ t, rtol=1e-12)
    if ties in REVERSIBLE:
        second = (jax.hessian(f), jax.jacrev(jax.jacrev(f)), jax.jacrev(jax.jacfwd(f)))
        *every, third = jax.jit(lambda x: (*(d(x) for d in second), jax.jacfwd(jax.hessian(f))(x)))(x)
        for found in every:
            np.testing.assert_allclose(found, expected, rtol=1e-12)
        third = np.asarray(third)
        np.testing.assert_allclose(third[range(7), range(7), range(7)], 6 * w[places], rtol=1e-12)


def test_a_million_floats_as_jax_numpy():
    n = 10**6
    x, g = distinct(np.float32, n), tangent(n, np.float32)
    ours, theirs = (jax.jit(lambda x, g, op=op: jax.vjp(op, x)[1](g)[0])(x, g) for op in (sx.sort, jnp.sort))
    assert_same(ours, theirs)
    assert_same(jax.jvp(sx.sort, (x,), (g,))[1], g[np.argsort(x)])


@pytest.mark.parametrize("ties", REVERSIBLE)
def test_values_and_columns(ties):
    keys = distinct(np.float32, (4, 6))
    values = {
        "same": tangent((4, 6)),
        "columns": tangent((4, 6, 2)),
        "row": tangent(6),
        "count": np.arange(24).reshape(4, 6),
    }
    if ties == "average":
        values.pop("count")
    f = lambda moving: sx.sort_by(keys, values | moving, relax=REVERSIBLE[ties])
    moving = {name: v for name, v in values.items() if v.dtype == np.float64}
    t = jax.tree.map(lambda v: tangent(v.shape, seed=3), moving)
    y, dy = jax.jvp(lambda m: {name: f(m)[name] for name in moving}, (moving,), (t,))
    indices = order(keys)
    sorted_rows = {
        "same": lambda v: take(v, indices),
        "columns": lambda v: np.take_along_axis(v, indices[:, :, None], 1),
        "row": lambda v: v[indices],
    }
    for name, rows in sorted_rows.items():
        assert_same(y[name], rows(moving[name]))
        assert_same(dy[name], rows(t[name]))
    for name in moving:
        g = tangent(y[name].shape, seed=4)
        (back,) = jax.vjp(lambda v, name=name: f({name: v})[name], moving[name])[1](g)
        np.testing.assert_allclose((back * t[name]).sum(), (g * dy[name]).sum(), rtol=1e-12)
