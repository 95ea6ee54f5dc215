"""Weights of quantiles: their shapes are NumPy's, whole ones are copies, and many quantiles of many elements take little memory."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import sortax as sx
from helpers import assert_same, deep_but

QUICK_TO_COMPILE = True

nan, inf = np.nan, np.inf
METHODS = ("inverted_cdf", "averaged_inverted_cdf")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5))


@pytest.mark.parametrize("axis", [np.int64(1), (1,), [1], (0, 2), (2, 0), [-1, 0], (-1, 1), (2, 0, 1), np.int8(-1), 1])
def test_shapes_are_numpys(axis):
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    w = RNG.integers(1, 5, [X.shape[d] for d in axes]).astype(np.float64)
    q = np.array([0.1, 0.55, 0.9])
    expected = np.quantile(X, q, axis, weights=w, method="inverted_cdf")
    assert_same(sx.quantile(X, q, axis, weights=w, method="inverted_cdf"), expected)
    kept = sx.median(X, axis, weights=w, keepdims=True)
    assert kept.shape == tuple(1 if d in {e % 3 for e in axes} else n for d, n in enumerate(X.shape))


@pytest.mark.parametrize("axis", [np.int64(1), (1,), [1], (0, 2), [0, 2], (-1, 0)])
def test_axes_are_numpys(axis):
    assert_same(sx.max(X, axis), X.max(tuple(axis) if isinstance(axis, list) else axis))
    plain = tuple(axis) if isinstance(axis, list) else axis
    np.testing.assert_allclose(sx.median(X, axis), np.median(X, plain), rtol=1e-14)
    np.testing.assert_allclose(sx.trimmed_mean(X, (0, 0), axis), X.mean(plain), rtol=1e-13)


def test_shapes_that_do_not_fit():
    for axis, shape in ((None, (3,)), (1, (3,)), ((0, 2), (5, 3)), ((0, 2), (3,)), ((0, 1), (3, 4, 1))):
        with pytest.raises(ValueError, match="weights must have the shape"):
            sx.median(X, axis, weights=np.ones(shape))
    with pytest.raises(ValueError, match="twice"):
        sx.median(X[:, :3, :3], (1, 1), weights=np.ones((3, 3, 3)))


@pytest.mark.parametrize("bad", [inf, -inf, nan, -1.0])
def test_weights_that_mean_nothing_give_nan(bad, x64):
    x, q = np.array([1.0, 2, 3]), np.array([0, 0.5, 1])
    for method in METHODS:
        assert np.isnan(sx.quantile(x, q, weights=np.array([1, bad, 1]), method=method)).all()
        # Weights of masked elements have no effect.
        found = sx.quantile(x, q, weights=np.array([1, bad, 1]), where=np.array([True, False, True]), method=method)
        assert not np.isnan(found).any()
    assert np.isnan(sx.median(x, weights=np.zeros(3)))


@pytest.mark.parametrize("method", deep_but(("averaged_inverted_cdf",), METHODS))
@pytest.mark.parametrize("dtype", deep_but((np.float32,), [np.float16, np.float32, np.float64]))
def test_whole_weights_are_copies(method, dtype):
    x, w = np.arange(40.0), RNG.integers(0, 6, 40)
    copies = np.repeat(x, w)
    n = copies.size
    steps = (np.arange(1, n + 1) / n).astype(dtype)
    q = np.concatenate([steps, np.nextafter(steps[:-1], dtype(2)), np.nextafter(steps, dtype(-1)), [0]]).astype(dtype)
    # No copies are counted here, which is what is meant by a step of q by its definition.
    unit = np.arange(1, n + 1) / n
    hit = unit.astype(dtype)[None] == q[:, None]
    reached = np.where(hit, True, unit[None] <= q[:, None].astype(np.float64)).sum(1)
    short = np.where(hit, False, unit[None] < q[:, None].astype(np.float64)).sum(1)
    expected = copies[np.minimum(short, n - 1)]
    if method == "averaged_inverted_cdf":
        expected = (expected + copies[np.minimum(reached, n - 1)]) / 2
    exact = (
        np.ones(q.size, bool) if dtype != np.float64 else (q[:, None] * n != np.round(q[:, None] * n)).all(1) | hit.any(1)
    )
    for weights in (w, w.astype(np.float32), w * 1024.0):
        found = np.asarray(sx.quantile(x, q, weights=weights, method=method))
        assert_same(found[exact], expected[exact])
    assert_same(sx.quantile(copies, q, method=method), sx.quantile(copies, q, weights=np.ones(n), method=method))
    assert_same(sx.quantile(copies, q, method=method), sx.quantile(x, q, weights=w, method=method))


def test_extreme_weights():
    x, q = np.arange(4.0), np.array([0.1, 0.5, 0.9])
    for scale in (1e308, 1.0, 1e-290):
        assert_same(sx.quantile(x, q, weights=np.full(4, scale), method="inverted_cdf"), np.array([0.0, 1, 3]))
    assert_same(sx.quantile(x, q, weights=np.array([1e-300, 1e300, 1, 0]), method="inverted_cdf"), np.array([1.0, 1, 1]))


@pytest.mark.parametrize(
    "weights", [np.array([0.1, 0, 0.7, 0, 0.2, 0.1, 0, 0.3]), np.array([0, 0, 1 / 3, 1 / 7, 0.1, 0, 0, 0])]
)
def test_elements_of_no_weight_are_not_read(weights):
    """However the sums of weights are rounded, and at both ends."""
    x = np.where(weights > 0, np.arange(8.0), nan)
    for method in METHODS:
        found = np.asarray(sx.quantile(x, np.linspace(0, 1, 101), weights=weights, method=method))
        assert not np.isnan(found).any() and (np.diff(found) >= 0).all()
        assert found[0] == np.nanmin(x) and found[-1] == np.nanmax(x)


def test_many_quantiles_of_many_elements():
    n, count = 20_000, 500
    x, w = RNG.normal(size=n).astype(np.float32), RNG.integers(0, 10, n).astype(np.float32)
    q = np.sort(RNG.random(count)).astype(np.float32)
    f = jax.jit(lambda x, w, q: sx.quantile(x, q, weights=w, method="inverted_cdf")).lower(x, w, q).compile()
    # A table of elements and quantiles would be 40 MB in floats.
    assert f.memory_analysis().temp_size_in_bytes < 100 * (n + count)
    order = np.argsort(x, kind="stable")
    mass = np.cumsum(w[order].astype(np.float64))
    expected = x[order][np.searchsorted(mass, q.astype(np.float64) * mass[-1])]
    assert_same(f(x, w, q), expected)


def test_batches_are_rows(x64):
    x, w = (RNG.random((4, 3, 9)).astype(np.float32) for _ in range(2))
    q = np.array([0.2, 0.5, 0.8], np.float32)
    one = lambda x, w, q: sx.quantile(x, q, weights=w, method="averaged_inverted_cdf")
    expected = np.stack([[one(*row, q) for row in zip(*rows, strict=True)] for rows in zip(x, w, strict=True)])
    assert_same(jax.jit(jax.vmap(jax.vmap(one, (0, 0, None)), (0, 0, None)))(x, w, q), expected)
    batched = lambda x, w: sx.quantile(x, q, -1, weights=w, method="averaged_inverted_cdf")
    assert_same(np.moveaxis(np.asarray(batched(x, w)), 0, -1), expected)
    shared = jax.vmap(one, (0, None, None))(x[0], w[0, 0], q)
    assert_same(shared, np.stack([one(row, w[0, 0], q) for row in x[0]]))


def test_a_sharded_batch_needs_no_collective():
    mesh = Mesh(np.array(jax.devices()[:4]), ("i",))
    rows = NamedSharding(mesh, PartitionSpec("i"))
    x, w = (jax.device_put(RNG.random((8, 50)).astype(np.float32), rows) for _ in range(2))
    f = jax.jit(lambda x, w: sx.quantile(x, jnp.array([0.1, 0.6], np.float32), -1, weights=w, method="inverted_cdf"))
    text = f.lower(x, w).compile().as_text()
    assert not any(word in text for word in ("all-gather", "all-reduce", "all-to-all", "collective-permute"))
    assert_same(f(x, w), f(*(np.asarray(v) for v in (x, w))))


def test_extended_forms():
    """Weights of integers, of a narrow dtype and as a list of one row; none has a derivative."""
    x = np.array([3.0, 1, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for dtype in (np.int8, np.uint32, np.float16, jnp.bfloat16, np.bool_):
            assert sx.median(x, weights=np.ones(3).astype(dtype)) == 2
    gradient = jax.grad(lambda w: sx.quantile(x, 0.4, weights=w, method="inverted_cdf"))(np.array([1.0, 2, 3]))
    assert_same(gradient, np.zeros(3))


@pytest.mark.parametrize("ties", ["stable", "average"])
def test_what_has_no_weight_is_tied_to_no_infinity(ties):
    x, w = np.array([inf, 1.0, inf, inf, nan]), np.array([0.0, 1.0, 1.0, 1.0, 0.0])
    y, gradient = jax.value_and_grad(lambda x: sx.median(x, weights=w, relax=sx.Exact(ties)))(x)
    expected = {"stable": [0.0, 0, 1, 0, 0], "average": [0, 0, 0.5, 0.5, 0]}[ties]
    assert y == inf
    assert_same(gradient, np.array(expected))
