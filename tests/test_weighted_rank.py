"""Ranks among weighted elements: a whole weight is so many copies, as SciPy ranks them, and as the dense sums count them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import sortax as sx
from helpers import central
from soft import SOFT, laplace, logistic, numbers

QUICK_TO_COMPILE = True
RNG = np.random.default_rng(0)
X = np.round(numbers(10, 3), 1)
W = RNG.integers(0, 4, 10).astype(np.float64)
CDFS = {"LapSum": laplace, "SigmoidSum": logistic}


def by_copies(x, w):
    """The mean rank of the copies of each element; of one without copies, where it would stand among the others."""
    copies = np.repeat(x, w.astype(int))
    below, equal = (np.array([op(copies, y).sum() for y in x]) for op in (np.less, np.equal))
    ranks = below + (equal - 1) / 2
    of_copies = scipy.stats.rankdata(copies) - 1
    for y, rank in zip(x, ranks, strict=True):
        if (copies == y).any():
            assert of_copies[copies == y][0] == rank
    return ranks


@pytest.mark.lowering
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exact_ranks(dtype):
    f = jax.jit(lambda x, w: sx.rank(x, weights=w))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x, w = rng.integers(0, 5, (2, 10)).astype(dtype), rng.integers(0, 4, (2, 10)).astype(dtype)
        np.testing.assert_array_equal(f(x, w), [by_copies(*row) for row in zip(x, w, strict=True)])
        descending = sx.rank(x, descending=True, weights=w)
        np.testing.assert_array_equal(descending, [by_copies(*row) for row in zip(-x, w, strict=True)])
    np.testing.assert_array_equal(sx.rank(X, weights=np.ones(10)), sx.rank(X))
    np.testing.assert_array_equal(sx.rank(x.T, axis=0, weights=w[0]).T, [by_copies(row, w[0]) for row in x])


@pytest.mark.lowering
@pytest.mark.parametrize("name", CDFS)
def test_soft_ranks(name):
    """The weighted sums of the distribution function, with derivatives in elements, weights and temperature."""
    dense = lambda x, w, t: CDFS[name]((x[:, None] - x) / t) @ w - 0.5
    f = jax.jit(lambda x, w, t: sx.rank(x, weights=w, relax=SOFT[name].make(t)))
    x = numbers(10, 3)
    for w in (W, RNG.random(10)):
        np.testing.assert_allclose(f(x, w, 0.4), dense(x, w, 0.4), rtol=1e-11, atol=1e-12)
    point, direction = (x, W + 0.5, 0.4), (np.cos(np.arange(10.0)), np.sin(np.arange(10.0)), 0.3)
    along = lambda h: f(*(p + h * d for p, d in zip(point, direction, strict=True)))
    expected = (np.asarray(along(1e-6)) - np.asarray(along(-1e-6))) / 2e-6
    np.testing.assert_allclose(jax.jvp(f, point, direction)[1], expected, rtol=1e-6, atol=1e-7)
    copies = np.repeat(x, W.astype(int))
    among = SOFT[name].ranks(copies, 0.4)
    ranks = np.asarray(f(x, W, 0.4))
    for y, rank in zip(x[W > 0], ranks[W > 0], strict=True):
        np.testing.assert_allclose(among[copies == y], rank, rtol=1e-9)


@pytest.mark.parametrize("name", ["Exact", "LapSum", "SigmoidSum", "StraightThrough"])
def test_masks_and_segments(name):
    relax = {"Exact": sx.Exact(), "StraightThrough": sx.StraightThrough(sx.LapSum(0.4))}.get(name) or SOFT[name].make(0.4)
    mask, ids = np.arange(10) % 3 != 0, np.arange(10) % 2
    ranks = sx.rank(np.where(mask, X, np.nan), weights=np.where(mask, W, np.inf), where=mask, relax=relax)
    np.testing.assert_allclose(ranks[mask], sx.rank(X[mask], weights=W[mask], relax=relax), rtol=1e-11, atol=1e-12)
    assert not ranks[~mask].any()
    found = sx.segment_rank(np.where(ids == 1, X, 1e30), ids, weights=np.where(ids == 1, W, 1e30), relax=relax)
    own = ids == 1
    np.testing.assert_allclose(found[own], sx.rank(X[own], weights=W[own], relax=relax), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("bad", [-1.0, np.inf, np.nan])
def test_weights_that_mean_nothing(bad):
    w = np.where(np.arange(5) == 2, bad, 1)
    assert np.isnan(sx.rank(np.arange(5.0), weights=w)).tolist() == [False, False, True, True, True]
    assert np.isnan(sx.rank(np.arange(5.0), weights=w, relax=sx.LapSum(1.0))).all()


def test_others_refuse():
    for relax in (sx.SoftSort(1.0), sx.Permutahedron(1.0)):
        with pytest.raises(TypeError, match="has no ranks among weighted elements; Exact, LapSum and SigmoidSum have"):
            sx.rank(X, weights=W, relax=relax)
    with pytest.raises(ValueError, match="weights need the method 'average', got 'min'"):
        sx.rank(X, method="min", weights=W)
    with pytest.raises(ValueError, match="weights must have the shape"):
        sx.rank(X, weights=W[:3])


def test_derivatives_in_the_weights():
    f = lambda w: sx.rank(jnp.asarray(X), weights=w)
    dw = np.cos(np.arange(10.0))
    np.testing.assert_allclose(jax.jvp(f, (W + 0.5,), (dw,))[1], central(f, W + 0.5, dw), atol=1e-8)
