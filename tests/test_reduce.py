"""Reductions by order are those of NumPy and SciPy: `max`, `min`, `trimmed_mean`, and `winsorize`, which clips by order."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats.mstats

import sortax as sx
from helpers import KERNEL_DTYPES, REVERSIBLE, assert_same, central, draw, extremes, is_float

QUICK_TO_COMPILE = True

nan, inf = np.nan, np.inf
X = np.random.default_rng(0).normal(size=(3, 4, 5))
BOTH = {"max": (sx.max, np.max), "min": (sx.min, np.min)}
LIMITS = [(0.1, 0.1), (0.0, 0.0), (0.3, 0.0), (0.25, 0.6), (0.0, 0.5)]


@pytest.mark.lowering
@pytest.mark.parametrize("name", BOTH)
def test_extremes_are_numpys(name):
    ours, theirs = BOTH[name]
    for axis in (None, 1, (0, 2), ()):
        for keepdims in (False, True):
            assert_same(ours(X, axis, keepdims=keepdims), theirs(X, axis=axis, keepdims=keepdims), f"{axis}")
    for dtype in (KERNEL_DTYPES[name] for name in ("bool", "uint64", "int8", "bfloat16")):
        x = draw("bits" if not is_float(dtype) else "random", dtype, (3, 7))
        assert_same(ours(x, 1), np.asarray(theirs(x, 1), dtype), str(dtype))


@pytest.mark.parametrize("name", BOTH)
def test_initial_and_where(name):
    ours, theirs = BOTH[name]
    masks = np.random.default_rng(1).random((10, 3, 1, 5)) < 0.5
    masks[0] = False
    f = jax.jit(lambda x, initial, where: ours(x, (1, 2), initial=initial, where=where))
    for where in masks:
        for initial in (-9.0, 0.25, 9.0):
            assert_same(f(X, initial, where), theirs(X, axis=(1, 2), initial=initial, where=where))
    alone = np.asarray(ours(X, 2, where=masks[1]))
    empty = ~masks[1].any(2) & np.ones((3, 4), bool)
    assert np.isnan(alone[empty]).all()
    filler = {"max": -inf, "min": inf}[name]
    assert_same(alone[~empty], theirs(X, axis=2, where=masks[1], initial=filler)[~empty])
    for dtype in (np.int8, np.uint32, np.bool_):
        x, low = draw("bits", dtype, (3, 1, 5)), dtype(extremes(np.dtype(dtype))[name == "min"])
        expected = theirs(x, axis=2, initial=low, where=masks[2])
        assert_same(ours(x, 2, initial=low, where=masks[2]), expected, str(dtype))
    assert_same(ours(np.zeros((0, 2), np.int8), 0, initial=3), np.array([3, 3], np.int8))
    assert_same(ours(X, initial=1), theirs(X, initial=1))


@pytest.mark.parametrize("name", BOTH)
def test_nan_propagates(name):
    ours, theirs = BOTH[name]
    x = np.array([[1.0, nan, 2.0], [-inf, inf, 0.0], [nan, nan, nan], [inf, -nan, -inf]])
    np.testing.assert_array_equal(ours(x, 1), theirs(x, axis=1))
    np.testing.assert_array_equal(ours(x, 1, initial=0.0), theirs(x, axis=1, initial=0.0))
    np.testing.assert_array_equal(
        ours(x, 1, where=~np.isnan(x)), [theirs([1.0, 2.0]), theirs([-inf, inf]), nan, theirs([inf, -inf])]
    )
    np.testing.assert_array_equal(ours(X[0, 0], initial=nan), nan)
    for ties, expected in (("stable", [0, 0, 0, 1.0]), ("average", [0, 0.5, 0, 0.5])):
        gradient = jax.grad(lambda x: ours(x, relax=sx.Exact(ties)))(np.array([1.0, nan, 2.0, nan]))
        assert_same(gradient, np.array(expected))


def test_complex_is_lexicographic():
    x = np.array([1 + 2j, 3 - 1j, 3 + 0j, 1 - 5j])
    assert sx.max(x) == 3 and sx.min(x) == 1 - 5j
    assert sx.max(x, where=np.array([True, True, False, True])) == 3 - 1j


@pytest.mark.parametrize("name", BOTH)
def test_derivatives_of_extremes(name):
    ours, _ = BOTH[name]
    t, where = np.random.default_rng(1).normal(size=X.shape), X < 0.7
    for f in (
        lambda x: ours(jnp.sin(x), (0, 2)),
        lambda x: ours(x, 1, where=where),
        lambda x: ours(x, 1, initial=0.1),
        lambda x: ours(x, 2, initial=0.1, where=where),
    ):
        h = jax.jit(f)
        dy = jax.jvp(h, (X,), (t,))[1]
        np.testing.assert_allclose(dy, central(h, X, t), atol=1e-8)
        g = np.random.default_rng(2).normal(size=dy.shape)
        np.testing.assert_allclose((jax.vjp(h, X)[1](g)[0] * t).sum(), (g * dy).sum(), rtol=1e-12)


def test_nothing_comes_from_under_the_mask():
    where = np.array([True, False, True, False, True])
    x = np.array([1.0, nan, 4.0, inf, 2.0])
    for f in (
        sx.max,
        sx.min,
        functools.partial(sx.max, initial=0.0),
        functools.partial(sx.trimmed_mean, limits=(0.3, 0.3)),
        lambda x, **options: sx.kth_value(x, np.array([0, -1]), **options).sum(),
    ):
        for relax in REVERSIBLE.values():
            gradient = np.asarray(jax.jit(jax.grad(lambda x: f(x, where=where, relax=relax)))(x))
            assert (gradient[~where] == 0).all() and np.isfinite(gradient).all() and gradient.any()
    none = np.zeros(5, bool)
    for f in (sx.max, sx.min, sx.median, sx.trimmed_mean, lambda x, where: sx.kth_value(x, 0, where=where)):
        gradient = jax.jit(jax.grad(lambda x: f(x, where=none)))(x)
        assert_same(gradient, np.zeros(5))


@pytest.mark.parametrize("limits", LIMITS)
def test_trimmed_mean_is_scipys(limits):
    for axis in (None, 0, 2):
        expected = np.asarray(scipy.stats.mstats.trimmed_mean(X, limits, axis=axis))
        np.testing.assert_allclose(sx.trimmed_mean(X, limits, axis), expected, rtol=1e-13)
    where = np.random.default_rng(1).random(X.shape) < 0.7
    f = jax.jit(lambda x, where: sx.trimmed_mean(x, limits, -1, where=where))
    kept = [row[mask] for row, mask in zip(X.reshape(-1, 5), where.reshape(-1, 5), strict=True)]
    expected = [scipy.stats.mstats.trimmed_mean(row, limits) if row.size else nan for row in kept]
    np.testing.assert_allclose(np.ravel(f(X, where)), expected, rtol=1e-13)
    assert np.isnan(f(X, np.zeros_like(where))).all()


def test_trimmed_mean_by_hand():
    x = np.array([7, 1, 100, 3])
    assert sx.trimmed_mean(x, (0.25, 0.25)) == 5 and sx.trimmed_mean(x).dtype == np.float64
    assert sx.trimmed_mean(x.astype(np.float16), (0.25, 0.25)).dtype == np.float16
    assert sx.trimmed_mean(np.array([inf, 1.0, 2.0, -inf]), (0.25, 0.25)) == 1.5
    assert np.isnan(sx.trimmed_mean(np.array([nan, 1.0, 2.0, 3.0]), (0.25, 0.25)))
    assert np.isnan(sx.trimmed_mean(np.zeros(0)))
    assert sx.trimmed_mean(X, axis=(0, 1), keepdims=True).shape == (1, 1, 5)
    assert sx.trimmed_mean(np.array([nan, 1.0, 3.0]), where=np.array([False, True, True])) == 2


@pytest.mark.parametrize("limits", [*LIMITS, (None, 0.3), (0.3, None), None])
def test_winsorize_is_scipys(limits):
    few = np.random.default_rng(3).integers(0, 4, (6, 7)).astype(np.float64)
    for x in (X, few, few.astype(np.int32)):
        for axis in (None, 0, -1):
            assert_same(sx.winsorize(x, limits, axis), np.asarray(scipy.stats.mstats.winsorize(x, limits, axis=axis)))


def test_winsorize_edges():
    x = np.array([3.0, nan, -inf, inf, 1.0])
    assert_same(sx.winsorize(x, (0.2, 0.2)), np.array([3.0, nan, 1.0, inf, 1.0]))
    assert_same(sx.winsorize(x, (0.2, 0.4)), np.array([3.0, nan, 1.0, 3.0, 1.0]))
    for empty in (np.zeros((0, 3), np.int8), np.zeros(0)):
        assert_same(sx.winsorize(empty, (0.1, 0.1)), empty)
    assert_same(sx.winsorize(np.float32(3), (0.4, 0.4)), np.float32(3))


@pytest.mark.parametrize("f", [sx.trimmed_mean, sx.winsorize], ids=["trimmed_mean", "winsorize"])
def test_derivatives_by_central_differences(f):
    t = np.random.default_rng(1).normal(size=X.shape)
    for options in (dict(), dict(axis=1), dict(axis=2)):
        g = jax.jit(lambda x: f(jnp.sin(x), (0.3, 0.25), **options))
        dy = jax.jvp(g, (X,), (t,))[1]
        np.testing.assert_allclose(dy, central(g, X, t), atol=1e-8)
        w = np.random.default_rng(2).normal(size=dy.shape)
        np.testing.assert_allclose((jax.vjp(g, X)[1](w)[0] * t).sum(), (w * dy).sum(), rtol=1e-12)
