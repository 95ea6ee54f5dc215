"""Ranks are those of SciPy, from zero; masks sum to k and are what `top_k` selects."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import sortax as sx
from helpers import FLOATS, KERNEL_DTYPES, REVERSIBLE, all_sorting, assert_same, distributions, draw, is_float, order

QUICK_TO_COMPILE = True

nan, inf = np.nan, np.inf
METHODS = ("average", "min", "max", "dense", "ordinal")
X = np.random.default_rng(0).integers(0, 4, (4, 9)).astype(np.float64)


def numbered(x):
    """Levels that are equal where sorting says so: SciPy has a rule of its own for NaN."""
    with np.errstate(invalid="ignore"):
        wide = x.astype(np.float64) if is_float(x.dtype) else x
    return np.unique(wide, return_inverse=True, equal_nan=True)[1].reshape(x.shape)


def ranks(x, method, axis=-1):
    return scipy.stats.rankdata(numbered(x), method, axis=axis) - 1


@functools.cache
def compiled(descending=False):
    return jax.jit(lambda x: {method: sx.rank(x, method=method, descending=descending) for method in METHODS})


@pytest.mark.lowering
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "bfloat16", "float16", "float32", "float64"])
def test_every_method_is_scipys(dtype):
    dtype = KERNEL_DTYPES[dtype]
    names = list(distributions(dtype))
    x = np.stack([draw(name, dtype, (2, 20)) for name in names])
    kind = np.result_type(dtype, np.float32) if dtype.name in ("float16", "float32", "float64") else np.float64
    kind = np.dtype(np.float32) if dtype.name == "bfloat16" else kind
    for method, found in compiled()(x).items():
        for name, rows, actual in zip(names, x, found, strict=True):
            np.testing.assert_array_equal(actual, ranks(rows, method), err_msg=f"{method} of {name}")
        assert found.dtype == (kind if method == "average" else found.dtype)
        assert method == "average" or jnp.issubdtype(found.dtype, jnp.integer)


def test_descending_axes_and_flattening():
    x = np.where(X == 3, nan, X)
    for method, found in compiled(True)(x).items():
        # The levels in reverse; ordinal ranks keep ties in their order.
        np.testing.assert_array_equal(found, scipy.stats.rankdata(-numbered(x), method, axis=-1) - 1, err_msg=method)
    for method in METHODS:
        np.testing.assert_array_equal(sx.rank(X, 0, method=method), scipy.stats.rankdata(X, method, axis=0) - 1)
        np.testing.assert_array_equal(sx.rank(X, None, method=method), scipy.stats.rankdata(X, method).reshape(-1) - 1)
    assert sx.rank(X, axis=None).shape == np.shape(scipy.stats.rankdata(X))


def test_complex_ranks():
    x = np.array([1 + 2j, 0, 1 + 2j, 1 - 1j])
    for method, expected in dict(
        average=[2.5, 0, 2.5, 1], min=[2, 0, 2, 1], dense=[2, 0, 2, 1], ordinal=[2, 0, 3, 1]
    ).items():
        np.testing.assert_array_equal(sx.rank(x, method=method), expected)


@pytest.mark.lowering
def test_where_ranks_what_is_left():
    masks = np.random.default_rng(1).random((8, 4, 9)) < 0.6
    masks[0], masks[1] = False, True
    for descending in (False, True):
        f = jax.jit(lambda x, where: {m: sx.rank(x, method=m, where=where, descending=descending) for m in METHODS})
        for where in masks:
            x = np.where(where, X, [nan, inf, -inf, 0, 1, 2, nan, 3, 1])
            for method, found in f(x, where).items():
                expected = np.zeros(X.shape)
                for row, mask, out in zip(X, where, expected, strict=True):
                    out[mask] = scipy.stats.rankdata(-row[mask] if descending else row[mask], method) - 1
                np.testing.assert_array_equal(found, expected, err_msg=method)


def test_nan_is_one_tie_at_the_end():
    x = np.array([nan, 1.0, -nan, inf])
    np.testing.assert_array_equal(sx.rank(x), [2.5, 0, 2.5, 1])
    np.testing.assert_array_equal(sx.rank(x, method="dense"), [2, 0, 2, 1])
    np.testing.assert_array_equal(sx.rank(x, method="min", descending=True), [0, 3, 0, 2])
    np.testing.assert_array_equal(sx.rank(np.array([0.0, -0.0, 1.0])), [0.5, 0.5, 2])


def test_dtypes_of_both_modes(x64):
    default = np.float64 if x64 else np.float32
    assert sx.rank(np.arange(3)).dtype == sx.top_k_mask(np.arange(3), 1).dtype == default
    for dtype in FLOATS.values():
        if x64 or dtype != np.float64:
            x = np.arange(3).astype(dtype)
            assert sx.top_k_mask(x, 1).dtype == dtype
            assert sx.rank(x).dtype == (np.float64 if dtype == np.float64 else np.float32)


def test_more_than_float32_counts():
    n = 2**24 + 3
    x = np.arange(n, dtype=np.float32)
    x[-3:] = inf
    found = np.asarray(sx.rank(x, method="min"))
    assert found[-4:].tolist() == [n - 4, n - 3, n - 3, n - 3]


def test_edges():
    for shape in ((0,), (3, 0), (0, 3), (1,), (2, 1)):
        for method in METHODS:
            np.testing.assert_array_equal(sx.rank(np.ones(shape), method=method), np.zeros(shape))
    assert sx.rank(np.float32(3), axis=None).shape == (1,)


@given(st.lists(st.integers(0, 4), min_size=8, max_size=8))
def test_any_row(values):
    x = np.array(values, np.float64)
    for method, found in compiled()(x).items():
        np.testing.assert_array_equal(found, scipy.stats.rankdata(x, method) - 1)


def test_no_derivative():
    for ties in REVERSIBLE:
        f = lambda x: sx.rank(x, relax=sx.Exact(ties)).sum() + sx.top_k_mask(x, 2, relax=sx.Exact(ties)).sum()
        assert_same(jax.grad(f)(X), np.zeros(X.shape))
    f = lambda x: sx.rank(x, relax=sx.Exact("directional"))
    assert_same(jax.jvp(f, (X,), (X,))[1], np.zeros(X.shape))


TIED = ([2.0, 1.0, 2.0, 2.0, 1.0, 0.0], [3.0] * 6, [nan, 1.0, -nan, 0.0, 1.0, nan], [0.0, -0.0, 1.0, -0.0, 0.0, -1.0])


@pytest.mark.parametrize("ties", ["stable", "average"])
def test_masks_against_every_permutation(ties):
    f = jax.jit(lambda x, k: sx.top_k_mask(x, k, relax=sx.Exact(ties)))
    for values in TIED:
        x = np.array(values)
        every = all_sorting(x, descending=True)
        every = every[np.lexsort(every.T[::-1])][: 1 if ties == "stable" else None]
        for k in range(7):
            # By each permutation the first k elements are taken.
            expected = np.mean([np.isin(np.arange(6), p[:k]) for p in every], 0)
            found = np.asarray(f(x, k))
            np.testing.assert_allclose(found, expected, 1e-15)
            np.testing.assert_allclose(found.sum(), k, 1e-15)
            assert_same(sx.top_k_mask(x, k, relax=sx.Exact(ties)), found)
            if ties == "stable":
                assert_same(np.flatnonzero(found), np.sort(sx.top_k(x, k)[1]))


@pytest.mark.lowering
@pytest.mark.parametrize("dtype", KERNEL_DTYPES)
def test_masks_of_every_dtype(dtype):
    dtype = KERNEL_DTYPES[dtype]
    x = np.stack([draw(name, dtype, (2, 20)) for name in distributions(dtype)])
    found = np.asarray(sx.top_k_mask(x, 7))
    expected = np.zeros(x.shape)
    np.put_along_axis(expected, order(x, descending=True)[..., :7], 1, -1)
    assert_same(found, expected.astype(dtype if is_float(dtype) else np.float64))


@pytest.mark.parametrize("ties", ["stable", "average"])
def test_masks_where(ties):
    masks = np.random.default_rng(1).random((6, 4, 9)) < 0.5
    masks[0], masks[1] = False, True
    f = jax.jit(lambda x, k, where: sx.top_k_mask(x, k, where=where, relax=sx.Exact(ties)))
    g = jax.jit(lambda x, k: sx.top_k_mask(x, k, relax=sx.Exact(ties)))
    for where in masks:
        for k in (0, 3, 9):
            found = np.asarray(f(np.where(where, X, nan), k, where))
            assert (found[~where] == 0).all()
            np.testing.assert_allclose(found.sum(-1), np.minimum(k, where.sum(-1)), 1e-14)
            lowest = np.asarray(g(np.where(where, X, -inf), k))
            np.testing.assert_allclose(found[where], lowest[where], 1e-14)
    columns = jax.jit(lambda x: sx.top_k_mask(x, 2, 0, relax=sx.Exact(ties)))(X)
    np.testing.assert_allclose(columns, np.asarray(sx.top_k_mask(X.T, 2, relax=sx.Exact(ties))).T, 1e-15)
