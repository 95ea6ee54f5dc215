"""A rank, or a step, that a quantile is meant to hit is hit: by every method, dtype of `q`, mask, segment and relaxation."""

import functools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import FLOATS, assert_same, deep_but, run_python
from sortax._primitives import share_of

nan, inf = np.nan, np.inf
# The plotting positions (alpha, beta) of Hyndman and Fan, by which the q of rank r is (r + 1 - alpha) / (n + 1 - alpha - beta).
POSITIONS = {
    "linear": (1, 1),
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (Fraction(1, 2), Fraction(1, 2)),
    "weibull": (0, 0),
    "median_unbiased": (Fraction(1, 3), Fraction(1, 3)),
    "normal_unbiased": (Fraction(3, 8), Fraction(3, 8)),
}
OPS = {1: sx.quantile, 100: sx.percentile}
# Quantiles of the coarsest dtype and of the finest, and percentiles of the one that is JAX's default.
QUICK = [(1, "float16"), (1, "float64"), (100, "float32")]
SCALES_AND_DTYPES = [
    pytest.param(scale, dtype, marks=[pytest.mark.deep] * ((scale, dtype) not in QUICK)) for scale in OPS for dtype in FLOATS
]
WHOLE_PERCENTILES = [(n, p) for n in range(11, 1002) for p in range(1, 100) if p * (n - 1) % 100 == 0]
N = 30
RANKS = np.arange(N)
# Row r is finite up to rank r, and so tells whether exactly that rank is read.
FINITE_TO = np.where(RANKS[:, None] >= RANKS, RANKS, inf).astype(np.float32)


def rounded(fractions, dtype):
    return np.array([float(f) for f in fractions]).astype(dtype)


@functools.partial(jax.jit, static_argnums=(2, 3))
def at_each_row(x, q, method, scale):
    return jax.vmap(lambda row, q: OPS[scale](row, q, method=method))(x, q)


@pytest.mark.parametrize(("scale", "dtype"), SCALES_AND_DTYPES)
def test_every_rank_of_continuous_methods(dtype, scale):
    # There are so few elements that the q of each rank differs from that of any other.
    count = 7 if dtype == "bfloat16" else N
    for method, (alpha, beta) in POSITIONS.items():
        q = rounded((scale * (r + 1 - Fraction(alpha)) / (count + 1 - alpha - beta) for r in range(count)), FLOATS[dtype])
        found = at_each_row(FINITE_TO[:count, :count], q, method, scale)
        np.testing.assert_array_equal(found, RANKS[:count], err_msg=method)


@pytest.mark.parametrize(("scale", "dtype"), SCALES_AND_DTYPES)
def test_every_step_of_stepping_methods(dtype, scale):
    count = 7 if dtype == "bfloat16" else N
    ranks = np.arange(count)
    x = ranks.astype(np.float32)
    of = lambda q, method, **options: np.asarray(OPS[scale](x, rounded(q, FLOATS[dtype]), method=method, **options))
    at_ranks = [Fraction(scale * int(r), count - 1) for r in ranks]
    for method in ("lower", "higher", "midpoint", "nearest"):
        np.testing.assert_array_equal(of(at_ranks, method), ranks, err_msg=method)
    halves = [Fraction(scale * (2 * int(r) + 1), 2 * (count - 1)) for r in ranks[:-1]]
    np.testing.assert_array_equal(of(halves, "nearest"), np.round(ranks[:-1] + 0.5))
    steps = [Fraction(scale * (int(r) + 1), count) for r in ranks]
    for weights in (None, np.ones(count), np.full(count, 3), np.full(count, 1 / 7)):
        np.testing.assert_array_equal(of(steps, "inverted_cdf", weights=weights), ranks)
        between = np.minimum(ranks + 0.5, count - 1)
        np.testing.assert_array_equal(of(steps, "averaged_inverted_cdf", weights=weights), between)
    halves = [Fraction(scale * (2 * int(r) + 1), 2 * count) for r in ranks]
    expected = np.maximum(np.round(ranks + 0.5) - 1, 0)
    np.testing.assert_array_equal(of(halves, "closest_observation"), np.minimum(expected, count - 1))


def test_infinity_beside_a_rank(x64):
    assert sx.quantile(np.array([1, 2, inf, inf], np.float32), 1 / 3) == 2
    assert sx.quantile(np.array([0, 1, 2, 3] + [1e9] * 7, np.float32), 0.3) == 3
    assert jax.jit(sx.quantile)(np.array([-inf, -inf, 1, 2], np.float32), 2 / 3) == 1


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.deep)])
def test_whole_percentiles(x64, step):
    """All sizes in one call, as masks of one size."""
    size = 1001
    count, p = np.array(WHOLE_PERCENTILES[::step]).T
    p = p.astype(np.float64 if x64 else np.float32)
    place = np.arange(size)

    @jax.jit
    def of_row(n, p):
        row = jnp.where(place.astype(p.dtype) <= jnp.round(p * (n - 1) / 100), 1, jnp.inf).astype(np.float32)
        return sx.percentile(row, p, where=place.astype(p.dtype) < n)

    found = jax.lax.map(lambda row: of_row(*row), (count.astype(p.dtype), p), batch_size=200)
    np.testing.assert_array_equal(found, 1)
    for n, whole in WHOLE_PERCENTILES[::700]:
        row = np.where(np.arange(n) <= whole * (n - 1) // 100, 1, inf).astype(np.float32)
        assert sx.percentile(row, whole) == sx.percentile(row, float(whole)) == 1, (n, whole)


def test_inverted_cdf_has_one_answer(x64):
    """NumPy's is one too high at 7, 14, 28, 55 and 56, where 100 p / 100 is rounded up."""
    x, p = np.arange(100.0), np.arange(1, 101)
    for q in (p, p.astype(np.float32), p.astype(np.float64)):
        assert_same(np.asarray(sx.percentile(x, q, method="inverted_cdf")).astype(int), p - 1)
        assert_same(np.asarray(sx.percentile(x, q, method="inverted_cdf", weights=np.ones(100))).astype(int), p - 1)
    assert_same(np.asarray(sx.quantile(x, p / 100, method="inverted_cdf")).astype(int), p - 1)


def test_segments_and_masks_hit_their_own_ranks():
    sizes = (2, 4, 7, 11)
    ids = np.repeat(np.arange(4), sizes)
    for j, n in enumerate(sizes):
        for r in range(n):
            inside = np.arange(n) <= r
            x = np.full(ids.size, nan, np.float32)
            x[ids == j] = np.where(inside, np.arange(n), inf)
            q = np.float32(r / (n - 1))
            assert by_segment(x, ids, q)[j] == r
            assert masked(x, ids == j, q) == r


@jax.jit
def by_segment(x, ids, q):
    return sx.segment_quantile(x, ids, q, 4)


@jax.jit
def masked(x, where, q):
    return sx.quantile(x, q, where=where)


@pytest.mark.parametrize("relax", [sx.Exact("average"), sx.SoftSort(0.1), sx.LapSum(0.1), sx.SigmoidSum(0.1)])
def test_relaxations_read_the_rank_that_is_hit(relax):
    x = np.array([0, 1, 2, 3] + [1e9] * 7, np.float32)
    np.testing.assert_array_equal(sx.quantile(x, 0.3, relax=relax), sx.sort(x, relax=relax)[3])


def test_the_derivative_in_q_does_not_snap():
    """It is the one from above, by every continuous method and also where the first rank is hit."""
    n = 11
    s = np.cumsum(np.arange(n)).astype(np.float32)
    ends = {method: float(n + 1 - alpha - beta) for method, (alpha, beta) in POSITIONS.items()}
    q = {
        (method, scale): rounded(
            (scale * (r + 1 - Fraction(alpha)) / (n + 1 - alpha - beta) for r in range(n - 1)), np.float32
        )
        for method, (alpha, beta) in POSITIONS.items()
        for scale in OPS
    }

    @jax.jit
    def of(s, values):
        one = lambda method, scale: jax.value_and_grad(lambda q: OPS[scale](s, q, method=method))
        return [jax.vmap(one(*key))(value) for key, value in zip(q, values, strict=True)]

    for (method, scale), (y, slope) in zip(q, of(s, list(q.values())), strict=True):
        np.testing.assert_array_equal(y, s[:-1], err_msg=method)
        np.testing.assert_allclose(slope, np.diff(s) * ends[method] / scale, rtol=1e-6, err_msg=method)


def test_a_rank_that_is_not_hit_is_not_read():
    x = np.array([-inf, 0, inf], np.float32)
    for dtype in (np.float32, np.float64):
        q = np.nextafter(np.array([0.5, 0.5, 1], dtype), np.array([0, 1, 0], dtype))
        assert_same(sx.quantile(x, q), np.array([-inf, inf, inf], np.float32))


def test_many_ranks_of_one_q():
    """In half precision several ranks round to one q: the nearest is hit, and none by a median of an even number."""
    x = np.arange(60000, dtype=np.float32)
    assert sx.quantile(x, np.float16(0.5)) == sx.median(x) == 29999.5
    q = np.float16(0.7)
    assert sx.quantile(x, q) == round(59999 * float(q))


def test_without_kernels():
    run_python(
        "import numpy as np, sortax as sx\n"
        "x = np.array([0, 1, 2, 3] + [np.inf] * 7, np.float32)\n"
        "assert sx.quantile(x, 0.3) == 3 and sx.percentile(x, 30) == 3\n"
        "assert sx.segment_quantile(x, np.zeros(11, int), 0.3)[0] == 3\n"
        "assert sx.percentile(np.arange(100.), 7, method='inverted_cdf', weights=np.ones(100)) == 6\n",
        SORTAX_NATIVE="0",
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shares_count_whole_parts(dtype):
    for n in range(1, 200):
        k = np.arange(n)
        assert [share_of(share, n) for share in k.astype(dtype) / dtype(n)] == k.tolist(), n


@pytest.mark.parametrize("share", deep_but((0.29,), [np.float32(0.29), 0.29, np.float16(0.29)]))
def test_trimming_counts_alike_with_a_mask_and_without(share, x64):
    x = np.arange(100).astype(np.float64 if x64 else np.float32) ** 2
    expected = x[29:90].astype(np.float64).mean()
    others = np.r_[x, [nan, inf, -1e30, 1e30]].astype(x.dtype)
    for found in (
        sx.trimmed_mean(x, (share, 0.1)),
        sx.trimmed_mean(x, (share, 0.1), where=np.ones(100, bool)),
        sx.trimmed_mean(others, (share, 0.1), where=np.arange(104) < 100),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert_same(sx.winsorize(x, (share, 0.1)), np.clip(x, x[29], x[89]))


def test_shares_in_between_are_rounded_down(x64):
    x = np.arange(100.0) ** 2
    for share, cut in ((0.2899999, 28), (0.2900001, 29)):
        for where in (None, np.ones(100, bool)):
            np.testing.assert_allclose(sx.trimmed_mean(x, (share, 0), where=where), x[cut:].mean(), rtol=1e-6)


OTHERS = (1e30, -1e30, nan, inf, -inf)


def of_masked(op):
    return lambda x, where, relax: op(x, where=where, relax=relax)


MASKED = {
    "quantile": of_masked(lambda x, **options: sx.quantile(x, np.array([0.1, 0.5]), **options)),
    "percentile": of_masked(lambda x, **options: sx.percentile(x, 30, method="hazen", **options)),
    "median": of_masked(sx.median),
    "nanmedian": of_masked(sx.nanmedian),
    "nanquantile": of_masked(lambda x, **options: sx.nanquantile(x, 0.7, **options)),
    "nanpercentile": of_masked(lambda x, **options: sx.nanpercentile(x, 70.0, **options)),
    "trimmed_mean": of_masked(lambda x, **options: sx.trimmed_mean(x, (0.2, 0.3), **options)),
    "median of weights": lambda x, where, relax: sx.median(x, weights=jnp.where(where, 1, 0).astype(x.dtype), relax=relax),
    "segment_median": lambda x, where, relax: sx.segment_median(x, (~where).astype(int), 2, relax=relax)[0],
    "segment_quantile": lambda x, where, relax: sx.segment_quantile(x, (~where).astype(int), 0.3, 2, relax=relax)[0],
    "segment_quantile of none": lambda x, where, relax: sx.segment_quantile(x, (~where).astype(int), 0.3, 1, relax=relax)[0],
}


@pytest.mark.parametrize("dtype", deep_but((np.float32,), [np.float32, np.float64]))
@pytest.mark.parametrize("name", MASKED)
def test_what_takes_no_part_changes_nothing(name, dtype):
    where = np.array([True, False, True, True, False, True, True, False, True, True])
    x = np.random.default_rng(0).normal(size=10).astype(dtype)
    every = {"stable": sx.Exact(), "average": sx.Exact("average")}

    @jax.jit
    def of(x, where):
        return {
            key: (MASKED[name](x, where, r), jax.grad(lambda x: MASKED[name](x, where, r).sum())(x))
            for key, r in every.items()
        }

    alone = of(np.where(where, x, 0).astype(dtype), where)
    for other in OTHERS:
        assert_all_same(of(np.where(where, x, other).astype(dtype), where), alone, f"{other}")
    assert all((np.asarray(gradient)[~where] == 0).all() for _, gradient in alone.values())


def assert_all_same(found, expected, note):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert_same(a, b, note)
