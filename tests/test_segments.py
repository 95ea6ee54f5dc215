"""Order inside segments is that of each segment alone, one after the other: ids in any order, empty ones, and none."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import sortax as sx
from helpers import DTYPES, assert_same, central, distributions, draw, extremes, is_float, order

QUICK_TO_COMPILE = True

nan, inf = np.nan, np.inf
METHODS = ("average", "min", "max", "dense", "ordinal")
Q = np.array([0.0, 0.3, 0.5, 1.0])
N, SEGMENTS = 12, 4
# Segment 2 is empty, and an element whose id is 7 is in no segment.
IDS = np.array([3, 0, 1, 0, 7, 3, 3, 0, 1, 3, 3, 0])
X = np.random.default_rng(0).integers(-3, 4, N).astype(np.float64)


def parts(ids, count=SEGMENTS):
    """The places of each segment, and of the elements that are in none."""
    inside = [np.flatnonzero(ids == j) for j in range(count)]
    return inside, np.flatnonzero((ids < 0) | (ids >= count))


def by_loop(x, ids, descending=False, count=SEGMENTS):
    """The argsort of one vector: a loop over segments."""
    inside, outside = parts(ids, count)
    rows = [part[order(x[part], descending=descending)] for part in (*inside, outside)]
    return np.concatenate(rows)


@functools.cache
def compiled(descending=False, count=SEGMENTS):
    """The results of every op of one vector, whose ids are known at run time only."""

    def run(x, ids):
        found = dict(
            sort=sx.segment_sort(x, ids, count, descending=descending),
            argsort=sx.segment_argsort(x, ids, count, descending=descending),
            top_k=sx.segment_top_k(x, ids, 3, count),
        )
        if not jnp.issubdtype(x.dtype, jnp.complexfloating):
            found["quantile"] = sx.segment_quantile(x, ids, Q, count)
            found["median"] = sx.segment_median(x, ids, count)
            found |= {method: sx.segment_rank(x, ids, count, method=method, descending=descending) for method in METHODS}
        return found

    jitted = jax.jit(run)
    return lambda x, ids: jax.tree.map(np.asarray, jitted(x, ids))


def levels(x):
    with np.errstate(invalid="ignore"):
        wide = x.astype(np.float64) if is_float(x.dtype) else x
    return np.unique(wide, return_inverse=True, equal_nan=True)[1]


def lowest(dtype):
    return -inf if jnp.issubdtype(dtype, jnp.inexact) else extremes(dtype)[0]


def check(x, ids, found, note, descending=False):
    inside = parts(ids)[0]
    indices = by_loop(x, ids, descending)
    assert_same(found["argsort"], indices, note)
    assert_same(found["sort"], x[indices], note)
    values, at = found["top_k"]
    for j, part in enumerate(inside):
        first, k = part[order(x[part], descending=True)][:3], min(3, part.size)
        assert at[j].tolist() == [*first, *[-1] * (3 - k)], note
        assert_same(values[j, :k][~isnan(x[first])], x[first][~isnan(x[first])], note)
        assert (values[j, k:] == np.asarray(lowest(x.dtype), x.dtype)).all(), note
    for method in METHODS if "average" in found else ():
        expected = np.zeros(x.size)
        for part in inside:
            level = levels(x[part])
            expected[part] = scipy.stats.rankdata(-level if descending else level, method) - 1
        np.testing.assert_array_equal(found[method], expected, err_msg=f"{method} of {note}")


def isnan(x):
    with np.errstate(invalid="ignore"):
        return np.isnan(x) if jnp.issubdtype(x.dtype, jnp.inexact) else np.zeros(x.shape, bool)


@pytest.mark.optimised
@pytest.mark.lowering
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint32", "int64", "bfloat16", "float32", "complex64"])
def test_every_distribution(dtype):
    for name in distributions(DTYPES[dtype]):
        x = draw(name, DTYPES[dtype], N)
        check(x, IDS, compiled()(x, IDS), f"{name} {dtype}")


@given(st.data())
def test_any_ids(data):
    ids = np.array(data.draw(st.lists(st.integers(-2, 5), min_size=N, max_size=N)), np.int32)
    x = np.array(data.draw(st.lists(st.sampled_from([0.0, -0.0, 1.0, nan, -nan, inf, -inf]), min_size=N, max_size=N)))
    for descending in (False, True):
        check(x, ids, compiled(descending)(x, ids), f"{x} {ids}", descending)


def test_quantiles_by_segment():
    rng = np.random.default_rng(1)
    for _ in range(20):
        x, ids = rng.normal(size=N), rng.integers(0, 6, N)
        found = compiled()(x, ids)
        for j, part in enumerate(parts(ids)[0]):
            expected = np.quantile(x[part], Q) if part.size else np.full(4, nan)
            np.testing.assert_allclose(found["quantile"][:, j], expected, rtol=1e-14)
            np.testing.assert_allclose(found["median"][j], expected[2], rtol=1e-14)
    x = np.where(np.arange(N) == 2, nan, X)
    assert np.isnan(compiled()(x, IDS)["median"]).tolist() == [False, True, True, False]
    for method in ("weibull", "lower", "averaged_inverted_cdf"):
        found = sx.segment_quantile(X, IDS, 0.3, SEGMENTS, method=method)
        for j in (0, 1, 3):
            np.testing.assert_allclose(found[j], np.quantile(X[j == IDS], 0.3, method=method), rtol=1e-14)


def test_segments_that_are_sorted_stay_where_they_are():
    ids = np.sort(IDS)
    assert_same(sx.segment_sort(X, ids), np.concatenate([np.sort(X[ids == j]) for j in range(8)]))
    assert_same(np.asarray(sx.segment_argsort(X, ids)) // N, np.zeros(N, int))


@pytest.mark.lowering
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_axes(axis):
    """A vector of ids serves all other axes; ids of the shape of the data are each its own."""
    shape = (3, N, 2) if axis == 1 else (N, 3) if axis == 0 else (3, N)
    x = np.random.default_rng(2).integers(0, 4, shape).astype(np.float32)
    own = np.random.default_rng(3).integers(0, 6, shape)
    alike = np.broadcast_to(np.moveaxis(np.broadcast_to(IDS, np.moveaxis(x, axis, -1).shape), -1, axis), shape)
    f = jax.jit(
        lambda x, ids: dict(
            sort=sx.segment_sort(x, ids, SEGMENTS, axis=axis),
            argsort=sx.segment_argsort(x, ids, SEGMENTS, axis=axis),
            rank=sx.segment_rank(x, ids, SEGMENTS, axis=axis),
            median=sx.segment_median(x, ids, SEGMENTS, axis=axis),
            quantile=sx.segment_quantile(x, ids, Q.astype(np.float32), SEGMENTS, axis=axis),
            top_k=sx.segment_top_k(x, ids, 2, SEGMENTS, axis=axis),
        )
    )
    for given_ids, full in ((IDS, alike), (own, own)):
        found = f(x, given_ids)
        rows, ids = (np.moveaxis(v, axis, -1).reshape(-1, N) for v in (x, full))
        alone = [compiled()(row, one) for row, one in zip(rows, ids, strict=True)]
        for name, last in (("sort", N), ("argsort", N), ("rank", N), ("median", SEGMENTS)):
            actual = np.moveaxis(np.asarray(found[name]), axis, -1).reshape(-1, last)
            np.testing.assert_array_equal(
                actual, [one["average" if name == "rank" else name] for one in alone], err_msg=name
            )
        quantiles = np.moveaxis(np.moveaxis(np.asarray(found["quantile"]), 0, -1), axis % x.ndim, -2).reshape(
            -1, SEGMENTS, 4
        )
        np.testing.assert_allclose(quantiles, [one["quantile"].T for one in alone], rtol=1e-6)
        for j in (0, 1):
            actual = np.moveaxis(np.asarray(found["top_k"][j]), (axis % x.ndim, axis % x.ndim + 1), (-2, -1))
            np.testing.assert_array_equal(actual.reshape(-1, SEGMENTS, 2), [one["top_k"][j][:, :2] for one in alone])


def test_ids_of_every_integer_type():
    for dtype in (np.int8, np.uint8, np.int64, np.uint64, np.int16):
        assert_same(sx.segment_sort(X, IDS.astype(dtype), SEGMENTS), X[by_loop(X, IDS)])
    huge = jax.jit(lambda ids: sx.segment_argsort(X, ids, 2))(np.where(IDS == 0, 0, 2**32).astype(np.int64))
    assert_same(huge, by_loop(X, np.where(IDS == 0, 0, 9), count=2))


def test_number_of_segments():
    assert sx.segment_median(X, np.arange(N) % 3).shape == (3,)
    assert sx.segment_median(X, np.arange(N) % 3, 5).shape == (5,)
    assert sx.segment_median(X, IDS, 0).shape == sx.segment_median(X, IDS, num_segments=0).shape == (0,)
    assert sx.segment_top_k(X, IDS, 0, 3)[0].shape == (3, 0)


def test_empty():
    x, ids = np.zeros((0, 2)), np.zeros(0, int)
    assert sx.segment_sort(x, ids).shape == sx.segment_rank(x, ids).shape == (0, 2)
    assert sx.segment_argsort(x, ids, 3).shape == (0, 2)
    values, indices = sx.segment_top_k(x, ids, 2, 3)
    assert_same(values, np.full((3, 2, 2), -inf))
    assert (np.asarray(indices) == -1).all()
    assert_same(np.isnan(sx.segment_quantile(x, ids, Q, 3)), np.ones((4, 3, 2), bool))


def test_both_modes(x64):
    x, ids = np.array([3.0, 1.0, 2.0], np.float32), np.array([1, 0, 1])
    assert_same(sx.segment_argsort(x, ids), np.array([1, 2, 0], np.int64 if x64 else np.int32))
    assert_same(sx.segment_median(x, ids), np.array([1, 2.5], np.float32))
    assert sx.segment_median(ids, ids).dtype == sx.segment_rank(ids, ids).dtype == (np.float64 if x64 else np.float32)


def test_many_segments():
    n = 30001
    x, ids = draw("few values", np.float32, n), np.random.default_rng(1).integers(0, 5000, n)
    indices = np.lexsort((x, ids))
    assert_same(sx.segment_argsort(x, ids, 5000), indices)
    assert_same(sx.segment_sort(x, ids, 5000), x[indices])
    medians = [np.median(x[ids == j]) if (ids == j).any() else nan for j in range(100)]
    np.testing.assert_allclose(np.asarray(sx.segment_median(x, ids, 5000))[:100], medians, rtol=1e-6)


def test_derivatives():
    relax = sx.Exact("average")
    x, t = np.random.default_rng(4).normal(size=(N, 2)), np.random.default_rng(5).normal(size=(N, 2))
    every = {
        "sort": lambda x: sx.segment_sort(jnp.sin(x), IDS, SEGMENTS, relax=relax),
        "descending": lambda x: sx.segment_sort(jnp.sin(x), IDS, SEGMENTS, descending=True, relax=relax),
        # Surplus places are infinite, and are left out here.
        "top_k": lambda x: sx.segment_top_k(jnp.sin(x), IDS, 2, SEGMENTS, relax=relax)[0][jnp.array([0, 1, 3])],
        "quantile": lambda x: sx.segment_quantile(jnp.sin(x), IDS, Q, SEGMENTS, relax=relax)[:, jnp.array([0, 1, 3])],
        "rank": lambda x: sx.segment_rank(jnp.sin(x), IDS, SEGMENTS, relax=relax),
    }
    f = jax.jit(lambda x: {name: op(x) for name, op in every.items()})
    dy = jax.jvp(f, (x,), (t,))[1]
    plus, minus = f(x + 1e-6 * t), f(x - 1e-6 * t)
    for name in every:
        np.testing.assert_allclose(dy[name], (plus[name] - minus[name]) / 2e-6, atol=1e-8, err_msg=name)
    g = jax.tree.map(lambda y: np.random.default_rng(6).normal(size=y.shape), dy)
    forward = sum(jax.tree.leaves(jax.tree.map(lambda a, b: (a * b).sum(), g, dy)))
    np.testing.assert_allclose((jax.vjp(f, x)[1](g)[0] * t).sum(), forward, rtol=1e-12)


def test_derivative_in_q_and_of_what_is_not_there():
    f = lambda x, q: sx.segment_quantile(x, IDS, q, SEGMENTS)
    q = np.array([0.3, 0.77])
    x = np.random.default_rng(4).normal(size=N)
    here = np.array([0, 1, 3])
    dy = np.asarray(jax.jvp(lambda q: f(x, q), (q,), (np.ones(2),))[1])
    np.testing.assert_allclose(dy[:, here], central(lambda q: f(x, q), q, np.ones(2))[:, here], atol=1e-8)
    # NaN, and an element of no segment, keep to themselves.
    x[IDS == 7], x[IDS == 1] = nan, nan
    gradient = np.asarray(jax.grad(lambda x: jnp.nansum(f(x, q)))(x))
    assert np.isfinite(gradient).all() and (gradient[IDS == 7] == 0).all() and (gradient[IDS == 1] == 0).all()
    missing = jax.grad(lambda x: jnp.sum(sx.segment_top_k(x, IDS, 3, SEGMENTS)[0][2]))(x)
    assert_same(missing, np.zeros(N))
