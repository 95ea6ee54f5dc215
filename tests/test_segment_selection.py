"""What is selected in each segment: as in a loop over segments in NumPy, with a k, a mask and weights of their own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import DTYPES, RELAXATIONS, assert_same, central, draw, extremes
from soft import SOFT, numbers

QUICK_TO_COMPILE = True
nan, inf = np.nan, np.inf
# Segment 2 is empty, and an element whose id is 7 is in no segment.
IDS = np.array([3, 0, 1, 0, 7, 3, 3, 0, 1, 3, 3, 0])
N, SEGMENTS = IDS.size, 4
HERE = [0, 1, 3]


@pytest.mark.lowering
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint32", "bfloat16", "float32"])
def test_extremes(dtype):
    """As `jax.ops` has them, where there is no NaN; a segment that has one is NaN."""
    dtype = DTYPES[dtype]
    f = jax.jit(lambda x: (sx.segment_max(x, IDS, SEGMENTS), sx.segment_min(x, IDS, SEGMENTS)))
    for name in ("few values", "extremes"):
        x = draw(name, dtype, (N, 2))
        largest, smallest = map(np.asarray, f(x))
        assert largest.dtype == smallest.dtype == dtype
        for j in HERE:
            np.testing.assert_array_equal(largest[j], x[j == IDS].max(0))
            np.testing.assert_array_equal(smallest[j], x[j == IDS].min(0))
        low, high = (-inf, inf) if jnp.issubdtype(dtype, jnp.floating) else extremes(dtype)
        assert (largest[2] == low).all() and (smallest[2] == high).all()
    if jnp.issubdtype(dtype, jnp.floating):
        x = np.where(np.arange(N) == 2, nan, np.arange(N)).astype(dtype)
        for y in f(x):
            assert np.isnan(y.astype(float)).tolist() == [False, True, False, False]


def test_derivatives_of_extremes():
    x = np.array([2.0, 1, 5, 1, 9, 2, 0, 0, 5, 2, 0, 1])
    for largest, shares in ((True, {0: [1, 3, 11], 1: [2, 8], 3: [0, 5, 9]}), (False, {0: [7], 1: [2, 8], 3: [6, 10]})):
        op = sx.segment_max if largest else sx.segment_min
        for ties in ("stable", "average"):
            J = jax.jacrev(lambda x, op=op, ties=ties: op(x, IDS, SEGMENTS, relax=sx.Exact(ties)))(x)
            expected = np.zeros((SEGMENTS, N))
            for j, tied in shares.items():
                if ties == "average":
                    expected[j, tied] = 1 / len(tied)
                else:
                    expected[j, tied[-1 if largest else 0]] = 1
            np.testing.assert_allclose(J, expected, rtol=1e-14)
    x[2] = nan
    for op in (sx.segment_max, sx.segment_min):
        J = np.asarray(jax.jacrev(lambda x, op=op: op(x, IDS, SEGMENTS))(x))
        assert J[1].tolist() == (np.arange(N) == 2).tolist()


@pytest.mark.parametrize("name", SOFT)
def test_soft_extremes(name):
    relax, x = SOFT[name].make(0.4), numbers(N, 1)
    s = [SOFT[name].sort(x[j == IDS], 0.4) for j in HERE]
    np.testing.assert_allclose(sx.segment_max(x, IDS, SEGMENTS, relax=relax)[jnp.array(HERE)], [y[-1] for y in s], rtol=1e-9)
    np.testing.assert_allclose(sx.segment_min(x, IDS, SEGMENTS, relax=relax)[jnp.array(HERE)], [y[0] for y in s], rtol=1e-9)


@pytest.mark.parametrize("name", ["stable", "average", "SoftSort", "LapSum", "SigmoidSum"])
def test_permutations(name):
    """A block for each segment, one after the other, which is the permutation of that segment alone."""
    relax, x = RELAXATIONS.get(name) or SOFT[name].make(0.4), np.round(numbers(N, 2))
    P = sx.segment_permutation(x, IDS, SEGMENTS, relax=relax)
    np.testing.assert_allclose(P @ x, sx.segment_sort(x, IDS, SEGMENTS, relax=relax), rtol=1e-12, atol=1e-12)
    dense, expected, row = np.asarray(P.dense()), np.zeros((N, N)), 0
    for j in (0, 1, 3, 7):
        part = np.flatnonzero(j == IDS)
        block = np.asarray(sx.permutation(x[part], relax=relax).dense())
        expected[row : row + part.size, part] = block
        row += part.size
    np.testing.assert_allclose(dense, expected, rtol=1e-9, atol=1e-12)
    falling = sx.segment_permutation(x, IDS, SEGMENTS, descending=True, relax=relax)
    np.testing.assert_allclose(falling @ -x, sx.segment_sort(-x, IDS, SEGMENTS, relax=relax), rtol=1e-12, atol=1e-12)


K = np.array([2, 0, 3, 9])


def test_a_k_for_each_segment():
    x = draw("few values", np.float32, (N, 2))
    values, indices = map(np.asarray, sx.segment_top_k(x, IDS, K, SEGMENTS))
    masks = jax.jit(lambda k: sx.segment_top_k_mask(x, IDS, k, SEGMENTS))(K)
    assert values.shape == indices.shape == (SEGMENTS, 9, 2)
    for j, k in enumerate(K):
        part = np.flatnonzero(j == IDS)
        for c in range(2):
            order = part[np.argsort(-x[part, c], kind="stable")][:k]
            assert indices[j, : order.size, c].tolist() == order.tolist() and (indices[j, order.size :, c] == -1).all()
            assert values[j, : order.size, c].tolist() == x[order, c].tolist()
            assert (values[j, order.size :, c] == -inf).all()
            assert np.flatnonzero(masks[part, c] == 1).tolist() == np.flatnonzero(np.isin(part, order)).tolist()
    assert not masks[IDS == 7].any()


@pytest.mark.parametrize("name", SOFT)
def test_soft_masks_of_a_k_for_each_segment(name):
    relax, x = SOFT[name].make(0.4), numbers(N, 1)
    found = np.asarray(sx.segment_top_k_mask(x, IDS, K, SEGMENTS, relax=relax))
    for j in HERE:
        part = j == IDS
        expected = sx.segment_top_k_mask(x[part], np.zeros(part.sum(), int), int(K[j]), 1, relax=relax)
        np.testing.assert_allclose(found[part], expected, rtol=1e-9, atol=1e-12)


def test_k_is_checked():
    x = np.zeros(N)
    for op in (sx.segment_top_k, sx.segment_top_k_mask):
        with pytest.raises(ValueError, match=r"one for each of the 4 segments, got shape \(3,\)"):
            op(x, IDS, np.arange(3), SEGMENTS)
        with pytest.raises(ValueError, match=r"k must not be negative, got \[ 0  1 -1  2\]"):
            op(x, IDS, np.array([0, 1, -1, 2]), SEGMENTS)
    with pytest.raises(TypeError, match="k must be known when traced"):
        jax.jit(lambda k: sx.segment_top_k(x, IDS, k, SEGMENTS))(K)


Q = np.array([0.0, 0.3, 0.5, 1.0])
METHODS = ("inverted_cdf", "averaged_inverted_cdf")


@pytest.mark.parametrize("method", METHODS)
def test_weights_of_quantiles(method):
    """Whole weights are copies, which NumPy counts; other segments, and their weights, change nothing."""
    rng = np.random.default_rng(1)
    f = jax.jit(lambda x, w: sx.segment_quantile(x, IDS, Q, SEGMENTS, weights=w, method=method))
    for scale in (1.0, 1e-30, 1e30):
        x, w = np.round(rng.normal(size=N), 1), rng.integers(0, 4, N).astype(float)
        w[[1, 2, 5]] = 1
        units = np.where(IDS == 3, scale, 1.0)
        found = np.asarray(f(x, w * units))
        for j in HERE:
            copies = np.repeat(x[j == IDS], w[j == IDS].astype(int))
            np.testing.assert_allclose(found[:, j], np.quantile(copies, Q, method=method), rtol=1e-14)
        assert np.isnan(found[:, 2]).all()
    rows = np.asarray(sx.segment_quantile(np.stack([x, -x], 1), IDS, 0.3, SEGMENTS, weights=w, method=method))
    assert_same(rows[:, 0], sx.segment_quantile(x, IDS, 0.3, SEGMENTS, weights=w, method=method))


@pytest.mark.parametrize("bad", [inf, -inf, nan, -1.0])
def test_weights_that_mean_nothing(bad):
    w = np.where(np.arange(N) == 2, bad, 1.0)
    x = np.arange(N * 1.0)
    found = np.isnan(sx.segment_median(x, IDS, SEGMENTS, weights=w))
    assert found.tolist() == [False, True, True, False]
    assert np.isnan(sx.segment_median(x, IDS, SEGMENTS, weights=(IDS != 1) * 1.0)).tolist() == found.tolist()
    np.testing.assert_array_equal(sx.segment_median(np.where(w == 1, x, bad), IDS, SEGMENTS, weights=(w == 1) * 1.0)[1], 8.0)


@pytest.mark.parametrize("name", [*RELAXATIONS, "SoftSort", "LapSum"])
def test_masked_and_weighted_quantiles(name):
    """A mask takes elements out, as a weight of zero does: values and tangents are those of the rest alone."""
    relax, x = RELAXATIONS.get(name) or SOFT[name].make(0.4), np.round(numbers(N, 2))
    mask, dx = np.arange(N) % 5 != 0, np.cos(np.arange(N * 1.0))
    huge = np.where(mask, x, np.resize([1e30, nan, -inf], N))
    ops = {
        "quantile": lambda x, ids, w: sx.segment_quantile(x, ids, Q, SEGMENTS, where=w > 0, relax=relax),
        "median": lambda x, ids, w: sx.segment_median(x, ids, SEGMENTS, where=w > 0, relax=relax),
        "weighted": lambda x, ids, w: sx.segment_median(x, ids, SEGMENTS, weights=w, relax=relax),
    }
    for op, f in ops.items():
        run = lambda x, dx, ids, w, f=f: jax.jvp(lambda x: f(x, ids, w), (x,), (dx,))
        found = run(huge, dx, IDS, mask * 2.0)
        alone = run(x[mask], dx[mask], IDS[mask], np.full(mask.sum(), 2.0))
        for a, b in zip(found, alone, strict=True):
            np.testing.assert_allclose(np.asarray(a)[..., HERE], np.asarray(b)[..., HERE], rtol=1e-9, atol=1e-12, err_msg=op)


def test_gradients_of_weighted_quantiles():
    x, w = numbers(N, 4), np.random.default_rng(2).random(N)
    f = lambda x: sx.segment_quantile(x, IDS, Q, SEGMENTS, weights=w, method="averaged_inverted_cdf")[:, jnp.array(HERE)]
    dx = np.cos(np.arange(N * 1.0))
    np.testing.assert_allclose(jax.jvp(f, (x,), (dx,))[1], central(f, x, dx), atol=1e-8)
    np.testing.assert_allclose(jax.jacrev(f)(x), jax.jacfwd(f)(x), rtol=1e-12)
