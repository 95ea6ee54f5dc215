"""Isotonic regression against scikit-learn's and SciPy's, and its derivatives against central differences."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import sklearn.isotonic
from hypothesis import given
from hypothesis import strategies as st

import sortax as sx
from helpers import FLOATS

QUICK_TO_COMPILE = True

isotonic = sx.isotonic_regression
N = 30
numbers = lambda seed, *shape: np.random.default_rng(seed).normal(size=shape)


@functools.cache
def compiled(increasing):
    return jax.jit(lambda y, weights: isotonic(y, weights=weights, increasing=increasing))


def sklearn_fit(y, weights=None, increasing=True):
    return sklearn.isotonic.isotonic_regression(y, sample_weight=weights, increasing=increasing)


@pytest.mark.lowering
@given(
    seed=st.integers(0, 2**32 - 1),
    increasing=st.booleans(),
    few=st.booleans(),
    spread=st.sampled_from([0.0, 1.0, 30.0]),
)
def test_is_that_of_scikit_learn(seed, increasing, few, spread):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, N) * 1.0 if few else rng.normal(size=N)
    weights = np.exp(spread * rng.normal(size=N))
    v = np.asarray(compiled(increasing)(y, weights))
    np.testing.assert_allclose(v, sklearn_fit(y, weights, increasing), rtol=1e-12, atol=1e-12)
    assert (np.diff(v if increasing else v[::-1]) >= 0).all()


@pytest.mark.parametrize("increasing", [True, False])
def test_without_weights(increasing):
    y = numbers(0, N)
    expected = scipy.optimize.isotonic_regression(y, increasing=increasing).x
    np.testing.assert_allclose(isotonic(y, increasing=increasing), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, None])
def test_batches(axis):
    y, weights = numbers(1, 5, 6), np.abs(numbers(2, 5, 6))
    v = isotonic(y, axis, weights=weights)
    expected = (
        sklearn_fit(y.ravel(), weights.ravel()).reshape(y.shape)
        if axis is None
        else np.stack(
            [sklearn_fit(*row) for row in zip(*(np.moveaxis(x, axis, 1) for x in (y, weights)), strict=True)], 1 - axis
        )
    )
    np.testing.assert_allclose(v, expected, rtol=1e-12)
    np.testing.assert_array_equal(jax.vmap(lambda y, w: isotonic(y, weights=w))(y, weights), isotonic(y, weights=weights))


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (1,), (3, 1)])
def test_rows_of_none_and_of_one(shape):
    y = numbers(0, *shape).astype(np.float32)
    for v in (isotonic(y), isotonic(y, weights=np.ones_like(y))):
        assert v.dtype == y.dtype
        np.testing.assert_array_equal(v, y)


@pytest.mark.parametrize(
    "dtype", [pytest.param(dtype, marks=[pytest.mark.lowering] * (dtype == "float32")) for dtype in FLOATS]
)
def test_dtypes(dtype):
    y = numbers(3, N).astype(FLOATS[dtype])
    weights = np.abs(numbers(4, N)).astype(FLOATS[dtype])
    v = jax.jit(isotonic)(y, weights=weights)
    assert v.dtype == y.dtype
    expected = sklearn_fit(y.astype(np.float64), weights.astype(np.float64))
    tolerance = float(jnp.finfo(y.dtype).eps)
    np.testing.assert_allclose(v.astype(np.float64), expected, rtol=tolerance, atol=tolerance)


def test_integers_become_floats():
    assert isotonic(np.array([1, 3, 2])).tolist() == [1, 2.5, 2.5]
    assert isotonic(np.array([True, False])).tolist() == [0.5, 0.5]


@given(seed=st.integers(0, 2**32 - 1))
def test_a_whole_weight_is_so_many_copies(seed):
    rng = np.random.default_rng(seed)
    y, copies = rng.integers(0, 9, N) * 1.0, rng.integers(0, 4, N)
    copies[rng.integers(N)] = 1
    v = np.asarray(isotonic(y, weights=copies))
    np.testing.assert_allclose(np.repeat(v, copies), sklearn_fit(np.repeat(y, copies)), rtol=1e-12)
    # What does not count has the fit of the last that counts, or of the first.
    counts = np.flatnonzero(copies)
    nearest = np.maximum(np.searchsorted(counts, np.arange(N), side="right") - 1, 0)
    np.testing.assert_array_equal(v, v[counts[nearest]])


@pytest.mark.lowering
def test_what_has_no_weight_changes_nothing():
    y, weights = numbers(5, N), np.abs(numbers(6, N))
    weights[[0, 1, 7, 8, N - 1]] = 0
    counts = weights > 0
    alone = lambda y, w: (isotonic(y, weights=w) * (1.0 * np.flatnonzero(weights))).sum()
    of_all = lambda y, w: (isotonic(y, weights=w) * np.where(counts, 1.0 * np.arange(N), 0)).sum()
    expected, own = jax.jit(jax.value_and_grad(alone, (0, 1)))(y[counts], weights[counts])
    both = jax.jit(jax.value_and_grad(of_all, (0, 1)))
    for fill in (np.nan, np.inf, 1e300, -1e300, 0.0):
        value, gradients = both(np.where(counts, y, fill), weights)
        np.testing.assert_allclose(value, expected, rtol=1e-14)
        for gradient, part in zip(gradients, own, strict=True):
            np.testing.assert_allclose(gradient[counts], part, rtol=1e-11, atol=1e-13)
            assert (gradient[~counts] == 0).all()


@pytest.mark.lowering
@pytest.mark.parametrize("increasing", [True, False])
def test_derivatives(increasing):
    y, weights, c = numbers(7, 12), np.abs(numbers(8, 12)) + 0.1, numbers(9, 12)
    f = jax.jit(lambda y, w: (isotonic(y, weights=w, increasing=increasing) * c).sum())
    step = 1e-6
    gradients, (_, jvp) = jax.jit(lambda y, w: (jax.grad(f, (0, 1))(y, w), jax.jvp(f, (y, w), (c, c))))(y, weights)
    for argument, gradient in enumerate(gradients):
        for i in range(12):
            e = step * (np.arange(12) == i)
            moved = [tuple(x + sign * e * (argument == j) for j, x in enumerate((y, weights))) for sign in (1, -1)]
            np.testing.assert_allclose(gradient[i], (f(*moved[0]) - f(*moved[1])) / (2 * step), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(jvp, sum(np.vdot(g, c) for g in gradients), rtol=1e-12)


def test_equal_neighbours_share_a_derivative():
    y = np.full(5, 0.1)
    for weights in (None, np.array([1.0, 2.0, 3.0, 2.0, 2.0])):
        shares = np.ones(5) / 5 if weights is None else weights / 10
        assert (isotonic(y, weights=weights) == 0.1).all()
        np.testing.assert_allclose(jax.jacobian(lambda y, w=weights: isotonic(y, weights=w))(y), np.tile(shares, (5, 1)))


@pytest.mark.parametrize(
    ("y", "weights"),
    [
        ([1.0, np.nan, 2.0], None),
        ([1.0, np.inf, 2.0], [1.0, 1.0, 1.0]),
        ([1.0, 3.0, 2.0], [0.0, 0.0, 0.0]),
        ([1.0, 3.0, 2.0], [1.0, -1.0, 1.0]),
        ([1.0, 3.0, 2.0], [1.0, np.nan, 1.0]),
        ([1.0, 3.0, 2.0], [1.0, np.inf, 1.0]),
    ],
)
def test_a_row_without_a_fit_is_nan(y, weights):
    rows = np.stack([y, [1.0, 2.0, 3.0]])
    weights = None if weights is None else np.stack([weights, np.ones(3)])
    v = isotonic(rows, weights=weights)
    assert np.isnan(v[0]).all()
    assert v[1].tolist() == [1, 2, 3]


def test_wrong_arguments_are_named():
    for call, error, message in (
        (lambda: isotonic([1.0]), TypeError, "y must be an array, got list"),
        (lambda: isotonic(np.zeros(2, complex)), TypeError, "y must be real"),
        (lambda: isotonic(np.zeros(2), 1), ValueError, "axis 1 is out of range"),
        (
            lambda: isotonic(np.zeros((2, 3)), weights=np.ones(2)),
            ValueError,
            r"weights must have the shape .*\(2, 3\) or \(3,\)",
        ),
        (lambda: isotonic(np.zeros(2), increasing="auto"), TypeError, "increasing must be one boolean"),
    ):
        with pytest.raises(error, match=message):
            call()
