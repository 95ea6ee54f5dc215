"""Quantiles are those of NumPy, by every method, with weights and masks; and what they do where NumPy's overflow or jump."""

import functools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sortax as sx
from helpers import FLOATS, assert_same, deep_but, draw
from quantiles import Q, X, by_every_method, close

QUICK_TO_COMPILE = True

nan, inf = np.nan, np.inf
WEIGHTED = ("inverted_cdf", "averaged_inverted_cdf")


@pytest.mark.lowering
@pytest.mark.parametrize("n", [1, 2, 7, 10])
def test_every_method_is_numpys(n):
    x = X[:, :n]
    for method, found in by_every_method(x, Q).items():
        close(found, np.quantile(x, Q, -1, method=method), note=method)
    if n == 10:
        close(sx.percentile(X, 100 * Q, 0, method="hazen"), np.percentile(X, 100 * Q, 0, method="hazen"), 1e-12)


@pytest.mark.parametrize("dtype", FLOATS)
def test_medians_of_an_even_number_are_jaxs_to_the_bit(dtype):
    x = jnp.asarray(draw("random", np.float64, (50, 20)), dtype)
    assert_same(sx.median(x, -1), jnp.median(x, -1))


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_quantiles_that_float32_rounds(dtype):
    """A tenth of ten elements, in single precision, is one of them for NumPy, and not a little more."""
    x = X.astype(np.float32) if dtype == "float32" else draw("bits", np.int32, (3, 10))
    q, scale = np.linspace(0, 1, 11).astype(np.float32), np.abs(x.astype(np.float64)).max()
    for method, found in by_every_method(x, q).items():
        close(np.asarray(found) / scale, np.quantile(x, q, -1, method=method) / scale, 2e-6, method)


def test_axes_and_shapes_are_numpys():
    x = np.random.default_rng(1).normal(size=(3, 4, 5))
    shapes = (np.array(0.3), np.array([0.9, 0.1, 0.9]), np.array([[0.0, 1.0], [0.5, 0.2]]), np.zeros((0,)))
    axes = (None, 0, -1, (0, 2), (2, -2), (0, 1, 2))
    for q, axis in [(shapes[1], axis) for axis in axes] + [(q, (2, 0)) for q in shapes]:
        for keepdims in (False, True):
            expected = np.quantile(x, q, axis, keepdims=keepdims)
            actual = sx.quantile(x, q, axis, keepdims=keepdims)
            assert actual.shape == expected.shape, (q.shape, axis)
            close(actual, expected)
    for axis in (None, 1, (0, 1)):
        close(sx.median(x, axis), np.median(x, axis))
        close(sx.median(x, axis, keepdims=True), np.median(x, axis, keepdims=True))
    close(sx.quantile(np.float64(3), 0.5), 3.0)
    close(sx.quantile(x, 0.5, ()), x)


def test_dtypes():
    for name, dtype in FLOATS.items():
        x = np.arange(6).astype(dtype)
        assert sx.quantile(x, 0.5).dtype == sx.median(x).dtype == dtype, name
        assert float(sx.median(x)) == 2.5
    for dtype in (np.bool_, np.int8, np.uint64, np.int64):
        assert sx.quantile(np.arange(2).astype(dtype), np.float32(0.5)).dtype == np.float64
    # Elements are selected as integers, and rounded after that.
    x = np.array([2**62, 2**62 + 1, -(2**63), 2**63 - 1])
    assert_same(sx.quantile(x, np.array([0.0, 1.0]), method="lower"), np.array([-(2.0**63), 2.0**63]))


def test_default_types(x64):
    x = np.arange(5)
    assert sx.median(x).dtype == sx.quantile(x, 0.5).dtype == (np.float64 if x64 else np.float32)
    assert sx.quantile(x.astype(np.float32), 0.5).dtype == np.float32
    assert sx.quantile(x.astype(np.float32), jnp.float32(0.5)) == 2


def test_nan_versions_ignore_nan():
    x = X.copy()
    x[0, 3], x[1, 2:], x[2, 0] = nan, nan, nan
    pairs = {
        (sx.nanquantile, np.nanquantile): (np.array([0.3, 1.0]),),
        (sx.nanpercentile, np.nanpercentile): (np.array([30.0, 0.0]),),
        (sx.nanmedian, np.nanmedian): (),
    }
    for (ours, theirs), args in pairs.items():
        for axis in (None, 1, 0):
            close(ours(x, *args, axis=axis), theirs(x, *args, axis=axis), 1e-13)
    assert np.isnan(sx.nanmedian(np.array([nan, -nan])))
    assert sx.nanmedian(np.array([3, 1, 2])) == 2


def test_nan_is_nan():
    x = X.copy()
    x[1, 4] = -nan
    for method, found in by_every_method(x, Q).items():
        assert np.isnan(found).tolist() == [[False, True, False]] * Q.size, method


@pytest.mark.lowering
@pytest.mark.parametrize("method", ["linear", "averaged_inverted_cdf"])
def test_where(method):
    masks = np.random.default_rng(2).random((20, 3, 10)) < 0.5
    masks[0], masks[1] = False, True
    x = np.where(masks[2], X, nan)
    f = jax.jit(lambda x, where: sx.quantile(x, Q[:5], 1, method=method, where=where))
    for where in masks:
        kept = [row[mask] for row, mask in zip(X, where, strict=True)]
        expected = np.stack([np.quantile(row, Q[:5], method=method) if row.size else np.full(5, nan) for row in kept], 1)
        close(f(X, where), expected)
    close(f(x, masks[2]), f(X, masks[2]))
    close(sx.nanquantile(x, Q[:5], 1, where=masks[3], method=method), f(X, masks[2] & masks[3]))
    close(sx.median(X, where=np.array([[True], [False], [True]])), np.median(X[::2]))


@pytest.mark.lowering
@pytest.mark.parametrize("method", deep_but(("averaged_inverted_cdf",), WEIGHTED))
def test_weights(method):
    """Whole weights are repetitions, which also tell what NumPy would say; it has weights for one method only."""
    rng = np.random.default_rng(3)
    x, q = rng.integers(0, 5, (30, 8)).astype(np.float64), np.array([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
    w = rng.integers(0, 4, (30, 8)).astype(np.float64)
    w[0], w[1, :7] = 1, 0
    w[:, 7] += 1
    found = np.asarray(jax.jit(lambda x, w: sx.quantile(x, q, -1, method=method, weights=w))(x, w))
    for row, weights, actual in zip(x, w, found.T, strict=True):
        expected = np.quantile(np.repeat(row, weights.astype(int)), q, method=method)
        close(actual, expected)
        if method == "inverted_cdf":
            close(actual, np.quantile(row[weights > 0], q, method=method, weights=weights[weights > 0]))
    # Any multiple of the weights is the same, and a vector goes along the axis.
    close(sx.quantile(x, q, -1, method=method, weights=w / 7), found)
    close(sx.quantile(x, q, 0, method=method, weights=w[:, 7]), sx.quantile(x.T, q, 1, method=method, weights=w[:, 7]))
    close(sx.quantile(x, q, method=method, weights=w), np.quantile(np.repeat(x, w.astype(int).ravel()), q, method=method))


def test_weights_and_numpy():
    rng = np.random.default_rng(4)
    x, w = rng.normal(size=(4, 9)), rng.random((4, 9))
    q = np.array([0.0, 0.2, 0.5, 0.9, 1.0])
    close(sx.quantile(x, q, -1, weights=w, method="inverted_cdf"), np.quantile(x, q, -1, weights=w, method="inverted_cdf"))
    assert sx.median(np.array([1.0, 5.0, 9.0]), weights=np.array([1.0, 1.0, 2.0])) == 7
    assert sx.median(np.array([1.0, 2.0, 4.0]), weights=np.ones(3, int)) == 2
    assert sx.nanmedian(np.array([1.0, nan, 4.0]), weights=np.array([1.0, 9.0, 1.0])) == 2.5


def test_weights_that_are_none():
    x = np.array([nan, 2.0, 1.0, inf])
    median = functools.partial(sx.median, x)
    assert median(weights=np.array([0.0, 1.0, 1.0, 0.0])) == 1.5
    assert median(weights=np.array([5.0, 1.0, 1.0, 0.0]), where=~np.isnan(x)) == 1.5
    for weights in ([1.0, 1.0, 1.0, 0.0], [0.0, 1.0, -1.0, 0.0], [0.0, nan, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]):
        assert np.isnan(median(weights=np.array(weights))), weights


def test_nothing_left_is_nan():
    for shape in ((0,), (2, 0), (0, 2)):
        x = np.zeros(shape, np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = np.median(x, -1)
        for f in (sx.median, sx.nanmedian, functools.partial(sx.quantile, q=0.5), functools.partial(sx.median, where=True)):
            actual = f(x, axis=-1)
            assert actual.shape == expected.shape and actual.dtype == np.float32 and np.isnan(actual).all()
    assert sx.quantile(np.zeros(0, int), np.array([0.1, 0.2])).dtype == np.float64
    assert np.isnan(sx.median(X, where=False))


def test_infinities():
    x = np.array([-inf, 1.0, inf, inf])
    q = np.array([0.0, 1 / 3, 2 / 3, 1.0, 0.9, 0.5, 0.1])
    assert_same(sx.quantile(x, q), np.array([-inf, 1.0, inf, inf, inf, inf, -inf]))
    assert np.isnan(sx.median(np.array([-inf, inf])))
    assert_same(sx.quantile(np.array([-inf, inf]), np.array([0.0, 1.0])), np.array([-inf, inf]))


@pytest.mark.parametrize("dtype", FLOATS)
def test_interpolation_does_not_overflow(dtype):
    largest = jnp.finfo(FLOATS[dtype]).max
    for ends, middle in (([largest, largest], largest), ([-largest, largest], 0), ([-largest, -largest], -largest)):
        x = np.array(ends).astype(FLOATS[dtype])
        for f in (
            sx.median,
            functools.partial(sx.quantile, q=0.5),
            functools.partial(sx.quantile, q=0.5, method="midpoint"),
        ):
            assert_same(f(x), np.array(middle).astype(FLOATS[dtype]))
    # Between two equal elements lies that element.
    x = np.full(3, 0.1).astype(FLOATS[dtype])
    assert_same(sx.quantile(x, np.linspace(0, 1, 30)), np.full(30, x[0]))


def test_monotone_in_q():
    x = draw("random", np.float32, 50)
    y = np.asarray(sx.quantile(x, np.linspace(0, 1, 500).astype(np.float32)))
    assert (np.diff(y) >= 0).all()


def test_half_precision_beyond_its_integers():
    """Ranks that the type of `a`, or of `q`, cannot count."""
    n = 70001
    x = (np.arange(n) % 512).astype(np.float16)
    for q in (0.5, np.float16(0.5)):
        assert float(sx.quantile(x, q)) == np.median(np.arange(n) % 512)
    assert float(sx.quantile(x.astype(jnp.bfloat16), jnp.bfloat16(1.0))) == 512 - 0


def test_ranks_beyond_single_precision():
    n = 2**24 + 4
    x = (np.arange(n) % 2).astype(np.int8)
    ones = n // 2
    # The last zero and the first one, which float32 takes for the same rank.
    for rank, value in ((ones - 1, 0.0), (ones, 1.0)):
        assert float(sx.quantile(x, rank / (n - 1), method="nearest")) == value
    assert float(sx.median(x)) == 0.5


def test_q_out_of_range_at_run_time_is_nan():
    f = jax.jit(lambda x, q: (sx.quantile(x, q, 1), sx.percentile(x, q, 1), sx.median(x, 1)))
    for q in (-0.1, 1.1, nan):
        assert np.isnan(f(X, q)[0]).all()
    assert not np.isnan(f(X, 1.1)[1]).any()
    assert np.isnan(f(X, 100.1)[1]).all()
    weighted = jax.jit(lambda q: sx.quantile(X, q, 1, method="inverted_cdf", weights=np.ones(10)))
    assert np.isnan(weighted(-0.5)).all()


@given(st.data())
def test_any_row(data):
    number = st.floats(-1e3, 1e3, width=32)
    x = np.array(data.draw(st.lists(number, min_size=7, max_size=7)), np.float32)
    q = np.array(data.draw(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3)), np.float32)
    found = np.asarray(of_a_row(x, q))
    scale = np.abs(x).max()
    for method, y in zip(("linear", "weibull"), found, strict=True):
        expected = np.quantile(x.astype(np.float64), q.astype(np.float64), method=method)
        np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6 * scale)


@jax.jit
def of_a_row(x, q):
    return jnp.stack([sx.quantile(x, q, method=method) for method in ("linear", "weibull")])
