"""Single entries of permutations and log-probabilities, against the matrix and central differences."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

import sortax as sx
from helpers import central, deep_but
from soft import OPERATORS, SOFT, numbers
from sortax._relaxations import exponentials

QUICK_TO_COMPILE = True
HARD = {
    "stable": sx.Exact("stable"),
    "average": sx.Exact("average"),
    "directional": sx.Exact("directional"),
    "straight-through": sx.StraightThrough(sx.LapSum(0.4)),
}


@functools.partial(jax.jit, static_argnums=1)
def dense_and_entries(P, axis):
    """The matrix, and every entry of it, a column at a time."""
    dense = P.dense()
    entries = jax.vmap(lambda column: P.log_entries(jnp.full_like(P.indices, column)))(jnp.arange(dense.shape[-1]))
    return dense, jnp.moveaxis(entries, (axis + 1, 0), (-2, -1))


def agree(P, axis, rtol):
    dense, logarithms = dense_and_entries(P, axis)
    np.testing.assert_allclose(np.exp(logarithms), dense, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("descending", deep_but((True,), [False, True]))
def test_entries_are_those_of_the_matrix(name, descending):
    x = np.round(numbers(24, 1).reshape(2, 4, 3), 1)
    for t in (0.01, 0.4, 5.0):
        P = sx.permutation(x, 1, descending=descending, relax=SOFT[name].make(t))
        # The squared kernel is exact here, and a sum of exponentials there.
        for Q in (P, P.T):
            agree(Q, 1, 1e-12)


@pytest.mark.parametrize("name", HARD)
def test_entries_of_hard_permutations(name):
    x = np.array([[3.0, 1, 3, 0, 1, 1], [0, 0, 0, 0, 0, 0]])
    for descending in (False, True):
        P = sx.permutation(x, descending=descending, relax=HARD[name])
        agree(P, 1, 1e-15)
        agree(P.T, 1, 1e-15)


@pytest.mark.parametrize("name", OPERATORS)
def test_nothing_underflows(name):
    """Far from the diagonal the logarithm goes on, with its derivative, where the entry itself is zero."""
    x = np.array([0.0, 1, 2, 3], np.float32)
    last_in_first = lambda x: sx.permutation(x, relax=SOFT[name].make(np.float32(1e-3))).log_entries(np.full(4, 3))[0]
    cold = lambda x: jax.grad(lambda x: jnp.sum(sx.sort(x, relax=SOFT[name].make(1e-30))))(x)
    value, gradient, of_the_coldest = jax.jit(lambda x: (*jax.value_and_grad(last_in_first)(x), cold(x)))(x)
    assert np.isfinite(value) and value < -1000
    # The edges on both sides of a bin move with the elements next to them.
    np.testing.assert_allclose(gradient.sum(), 0, atol=1e-2)
    np.testing.assert_allclose(gradient[2], 0, atol=1e-2)
    assert gradient[3] < -100
    assert np.isfinite(of_the_coldest).all()


@pytest.mark.parametrize("name", OPERATORS)
def test_cells(name):
    """Entries between numbers, infinities and NaN are zero; only an index that is out of range gives NaN."""
    x = np.array([2.0, np.inf, np.nan, 1.0])
    permutation = lambda x: sx.permutation(x, relax=SOFT[name].make(0.3))
    agree(permutation(x), 0, 1e-12)

    @jax.jit
    def entries_and_gradient(x, columns):
        entries = lambda x: permutation(x).log_entries(columns)
        gradient, found = jax.grad(lambda x: (jnp.sum((y := entries(x))[:2]), y), has_aux=True)(x)
        return found, gradient

    np.testing.assert_array_equal(entries_and_gradient(x, np.array([1, 1, 1, 2]))[0], [-np.inf, -np.inf, 0, 0])
    found = np.asarray(entries_and_gradient(x, np.array([0, -1, 4, 2]))[0])
    np.testing.assert_array_equal(np.isnan(found), [False, True, True, False])
    gradient = np.asarray(entries_and_gradient(x, np.array([0, 3, 1, 2]))[1])
    assert np.isfinite(gradient).all() and gradient[0] != 0


@pytest.mark.parametrize("name", OPERATORS)
def test_derivatives(name):
    x, order, d = numbers(7, 2), np.array([4, 0, 6, 2, 5, 1, 3]), numbers(7, 3)
    log_prob = lambda x, t: sx.permutation(x, relax=SOFT[name].make(t)).log_prob(order)

    @jax.jit
    def everything(x, t):
        value, forward = jax.jvp(lambda x: log_prob(x, t), (x,), (d,))
        return value, forward, *jax.grad(log_prob, (0, 1))(x, t), sx.permutation(x, relax=SOFT[name].make(t)).dense()

    f = lambda x, t: everything(x, t)[0]
    dense = np.asarray(everything(x, 5.0)[-1])
    np.testing.assert_allclose(f(x, 5.0), np.log(dense[np.arange(7), order]).sum(), rtol=1e-11)
    _, forward, in_x, in_t, _ = everything(x, 0.6)
    np.testing.assert_allclose(in_x @ d, central(lambda x: f(x, 0.6), x, d), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(in_t, (f(x, 0.6 + 1e-6) - f(x, 0.6 - 1e-6)) / 2e-6, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(forward, in_x @ d, rtol=1e-10)


def test_batches_and_empty_rows():
    P = sx.permutation(numbers(12).reshape(3, 4), relax=sx.SoftSort(1.0))
    assert P.log_prob(np.tile(np.arange(4), (3, 1))).shape == (3,)
    empty = sx.permutation(np.ones((2, 0)), relax=sx.LapSum(1.0))
    np.testing.assert_array_equal(empty.log_prob(np.ones((2, 0), int)), np.zeros(2))


def test_columns_are_checked():
    P = sx.permutation(numbers(4), relax=sx.SoftSort(1.0))
    with pytest.raises(TypeError, match=r"columns must be integers, got float64\."):
        P.log_entries(np.ones(4))
    with pytest.raises(ValueError, match=r"columns must have the shape of x, \(4,\), got \(3,\)\."):
        P.log_prob(np.arange(3))


@pytest.mark.parametrize(
    ("table", "function", "error"),
    [
        (exponentials.gaussian, lambda z: np.exp(-(z**2)), {"float32": 5e-7, "float64": 1e-13}),
        (exponentials.logistic, lambda z: special.expit(-z), {"float32": 5e-8, "float64": 1e-13}),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_exponentials(table, function, error, dtype):
    """The tables are as near to their functions as they say, everywhere."""
    rates, weights = np.asarray(table(dtype)).T
    # The terms are added one after the other, as the library does it.
    assert np.cumsum(weights.real)[-1] == function(0.0)
    z = np.concatenate([np.linspace(0, 20, 20001), np.geomspace(1e-9, 1e3, 1000)])
    np.testing.assert_allclose(np.real(np.exp(-z[:, None] * rates) @ weights), function(z), rtol=0, atol=error[dtype])
