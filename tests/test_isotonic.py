"""Where the blocks of an isotonic regression start: SciPy's fit, and that of merging one pair after another."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import PartitionSpec as P

from devices import SPLITS, assert_no_collective, mesh, placed
from helpers import FLOATS, assert_same
from soft import pooled
from sortax import _primitives as primitives

QUICK_TO_COMPILE = True

isotonic = primitives.isotonic
# Few shapes, so that one program serves many tests, and one length of rows for all draws.
SHAPE, N = (4, 9), 40


def mean_difference(s, w):
    return s.mean() - w.mean()


def log_sum_difference(s, w):
    return np.logaddexp.reduce(s) - np.logaddexp.reduce(w)


def weighted_mean(s, w):
    return np.average(s, weights=w)


WORTH = {"l2": mean_difference, "kl": log_sum_difference, "weighted": weighted_mean}
every = pytest.mark.parametrize("fit", WORTH)


def parts(begins):
    """The slices between neighbouring True elements of a vector."""
    edges = [0, *(np.flatnonzero(begins[1:]) + 1), begins.size]
    return [slice(a, b) for a, b in itertools.pairwise(edges) if a < b]


def fitted(starts, s, w, fit):
    """The value of its block for each element of a vector."""
    v = np.empty(s.shape)
    for block in parts(np.asarray(starts)):
        v[block] = WORTH[fit](s[block].astype(np.float64), w[block].astype(np.float64))
    return v


def expected_fit(begins, s, w, fit):
    """Where blocks start: in each part, the first pair of blocks that does not rise is merged until all rise."""
    v = np.empty(s.shape)
    for part in parts(begins):
        x, y = s[part].astype(np.float64), w[part].astype(np.float64)
        for block in pooled(x, y, WORTH[fit]):
            v[part][block] = WORTH[fit](x[block], y[block])
    return v


def inputs(shape, fit, dtype=np.float64):
    rng = np.random.default_rng(0)
    s, w = rng.normal(size=(2, *shape)).astype(dtype)
    return rng.random(shape) < 1 / 8, s, as_second(w, fit)


def as_second(w, fit):
    """Weights are positive."""
    return abs(w) + np.asarray(0.01, w.dtype) if fit == "weighted" else w


def along(f, axis, *arrays):
    """`f`, which takes vectors, of all vectors along `axis`."""
    rows = [np.moveaxis(x, axis, -1) for x in arrays]
    found = np.empty(rows[0].shape, np.float64)
    for i in np.ndindex(found.shape[:-1]):
        found[i] = f(*(x[i] for x in rows))
    return np.moveaxis(found, -1, axis)


def assert_fits(begins, s, w, axis, fit, starts=None, rtol=1e-12):
    starts = isotonic(begins, s, w, axis, fit=fit) if starts is None else starts
    assert starts.shape == s.shape
    assert starts.dtype == bool
    actual = along(functools.partial(fitted, fit=fit), axis, np.asarray(starts), s, w)
    expected = along(functools.partial(expected_fit, fit=fit), axis, begins, s, w)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * max(1, np.abs(expected).max(initial=0)))


@pytest.mark.lowering
def test_is_scipys_regression():
    _, s, w = inputs((8, 8), "l2")
    starts = isotonic(np.zeros(s.shape, bool), s, w, 1, fit="l2")
    expected = [scipy.optimize.isotonic_regression(row).x for row in s - w]
    actual = [fitted(*row, "l2") for row in zip(starts, s, w, strict=True)]
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.lowering
@pytest.mark.parametrize(("dtype", "fit"), [*((name, "l2") for name in FLOATS), ("bfloat16", "kl"), ("float64", "kl")])
def test_is_the_least_pooling(dtype, fit):
    assert_fits(*inputs(SHAPE, fit, FLOATS[dtype]), 1, fit)


@pytest.mark.lowering
def test_an_axis_in_the_middle():
    assert_fits(*inputs((2, 9, 2), "l2"), 1, "l2")


@pytest.mark.lowering
@every
@pytest.mark.parametrize(("shape", "axis"), [((0,), 0), ((1,), 0), ((3, 0), 1), ((0, 3), 1), ((2, 1), 1)])
def test_rows_of_none_and_of_one(shape, axis, fit):
    assert_same(isotonic(*inputs(shape, fit), axis, fit=fit), np.ones(shape, bool))


def cases():
    """Pairs of s and w, and where their blocks start: at T."""
    up, same = np.arange(8.0), np.zeros(8)
    return {
        "sorted": (up, same, "TTTTTTTT"),
        "reversed": (-up, same, "T......."),
        "constant": (same + 3, same + 1, "T......."),
        "s is w": (np.sin(up), np.sin(up), "T......."),
        "equal neighbours": (up // 2, same, "T.T.T.T."),
        "huge and level": (same + 2.0**100, up, "T......."),
        "huge and rising": (up * 2.0**100, up, "TTTTTTTT"),
    }


@pytest.mark.lowering
@every
@pytest.mark.parametrize("name", cases())
def test_known_blocks(name, fit):
    s, w, expected = cases()[name]
    if fit == "weighted":
        s, w = s - w, np.ones(8)
    begins = np.zeros((2, 8), bool)
    begins[1, 3] = True
    starts = np.stack([[c == "T" for c in expected]] * 2)
    # A border splits the block in which it lies.
    starts[1, 3] = True
    assert_same(isotonic(begins, np.stack([s] * 2), np.stack([w] * 2), 1, fit=fit), starts)


@pytest.mark.lowering
@every
def test_every_element_a_border(fit):
    _, s, w = inputs(SHAPE, fit)
    assert isotonic(np.ones(s.shape, bool), s, w, 1, fit=fit).all()


@pytest.mark.lowering
@every
def test_extremes_overflow_nothing(fit):
    rng = np.random.default_rng(0)
    begins, _, w = inputs(SHAPE, fit, np.float32)
    s = rng.choice(np.array([-3e38, -1e38, -1, 0, 1e-38, 1, 1e38, 3e38], np.float32), SHAPE)
    for x, y in ((s, w),) if fit == "weighted" else ((s, w), (w, s), (s, s[::-1].copy())):
        assert_fits(begins, x, as_second(y, fit), 1, fit)


def test_vmap_over_any_operand():
    operands = inputs(SHAPE, "kl")
    f = functools.partial(isotonic, axis=0, fit="kl")
    for dims in ((None, 0, 1), (0, None, 0), (1, 1, None)):
        mapped = [x if d is not None else x[0] for x, d in zip(operands, dims, strict=True)]
        mapped = [x.T if d == 1 else x for x, d in zip(mapped, dims, strict=True)]
        rows = [x if d is not None else np.broadcast_to(x[0], SHAPE) for x, d in zip(operands, dims, strict=True)]
        assert_same(jax.vmap(f, dims)(*mapped), isotonic(*rows, 1, fit="kl"))


@pytest.mark.lowering
@every
def test_products_with_the_rate_are_not_rounded(fit):
    """Of single precision the products have twice as many digits, which an exponential tells."""
    rng = np.random.default_rng(0)
    s, w = np.sort(1000 + rng.normal(size=(2, 3, 40)), -1).astype(np.float32)
    rates = np.array([1.0, 1e3, 1e6], np.float32)
    f = lambda s, w, rate: isotonic(np.zeros(40, bool), s, w, 0, fit=fit, rate=rate)
    starts = jax.vmap(f)(s, w, rates)
    scaled = s.astype(np.float64) * rates[:, None].astype(np.float64)
    assert_fits(np.zeros((3, 40), bool), scaled, w, 1, fit, starts)


def test_has_no_derivative():
    begins, s, w = inputs((9,), "l2")
    f = lambda s, w: jnp.where(isotonic(begins, s, w, 0, fit="l2"), s * w, 0).sum()
    starts = np.asarray(isotonic(begins, s, w, 0, fit="l2"))
    by_s, by_w = jax.grad(f, (0, 1))(s, w)
    assert_same(by_s, starts * w)
    assert_same(by_w, starts * s)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(("kind", "fit"), [pytest.param("Auto", "l2", marks=pytest.mark.lowering), ("Explicit", "kl")])
def test_batches_stay_where_they_are(kind, fit, split):
    axis, spec = SPLITS[split]
    axis %= 2
    whole = inputs((8, 8), fit)
    operands = [placed(x, kind, spec) for x in whole]
    compiled = jax.jit(functools.partial(isotonic, axis=axis, fit=fit)).lower(*operands).compile()
    assert_no_collective(compiled)
    starts = compiled(*operands)
    assert starts.sharding.is_equivalent_to(operands[0].sharding, 2)
    assert_fits(*whole, axis, fit, np.asarray(starts))


@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
def test_vmap_over_the_split_axis(kind):
    whole = inputs((8, 8), "l2")
    operands = [placed(x, kind, P("d", None)) for x in whole]
    f = jax.jit(jax.vmap(functools.partial(isotonic, axis=0, fit="l2")))
    compiled = f.lower(*operands).compile()
    assert_no_collective(compiled)
    assert_fits(*whole, 1, "l2", np.asarray(compiled(*operands)))


def test_shard_map():
    whole = inputs((8, 8), "l2")
    f = functools.partial(isotonic, axis=1, fit="l2")
    split = jax.shard_map(f, mesh=mesh("Auto"), in_specs=P("d"), out_specs=P("d"))
    assert_fits(*whole, 1, "l2", np.asarray(split(*whole)))


def test_an_axis_along_an_explicit_mesh_axis_raises():
    operands = [placed(x, "Explicit", P("d", None)) for x in inputs((16, 5), "l2")]
    with pytest.raises(ValueError, match=r"isotonic regression along axis 0 .* whole on each device"):
        isotonic(*operands, 0, fit="l2")


@pytest.mark.lowering
@every
@given(
    n=st.integers(1, N),
    seed=st.integers(0, 2**32 - 1),
    unit=st.sampled_from([1e-3, 1.0, 1e3]),
    few=st.booleans(),
)
def test_rises_within_borders_and_keeps_means(fit, n, seed, unit, few):
    rng = np.random.default_rng(seed)
    s, w = rng.integers(0, 4, (2, N)) * 1.0 if few else rng.normal(size=(2, N)) * unit
    w = as_second(w, fit)
    # The elements beyond n are a part by themselves.
    begins = (rng.random(N) < rng.choice([0, 1 / 8, 1])) | (np.arange(N) == n)
    starts = np.asarray(isotonic(begins, s, w, 0, fit=fit))
    v = fitted(starts, s, w, fit)
    assert starts[0]
    assert starts[begins].all()
    for part in parts(begins):
        scale = np.abs(np.stack([s[part], w[part]])).max() + 1
        assert (np.diff(v[part]) > -1e-12 * scale).all()
        if fit == "l2":
            np.testing.assert_allclose(v[part].sum(), (s - w)[part].sum(), atol=1e-11 * scale * N)
        elif fit == "weighted":
            total = (w * (v - s))[part].sum()
            np.testing.assert_allclose(total, 0, atol=1e-11 * scale**2 * N)
        else:
            # The sum of exp(s - v), of all in a block, is that of exp(w).
            np.testing.assert_allclose(
                np.logaddexp.reduce((s - v)[part]), np.logaddexp.reduce(w[part]), rtol=1e-11, atol=1e-11 * scale
            )
    np.testing.assert_allclose(v, expected_fit(begins, s, w, fit), rtol=1e-11, atol=1e-11 * unit)
