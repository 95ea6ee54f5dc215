"""Values of the ops that need a part of the order are NumPy's: to the bit where an element is selected, else to rounding."""

import functools

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

import sortax as sx
from helpers import DTYPES, RELAXATIONS, assert_same, distributions, draw, is_complex, is_float, nans, order, sorted_, take
from ops import OPS
from order_statistics import is_nan
from selection import SELECTIONS

QUICK_TO_COMPILE = True
# All ops for these; for the other types those that stand for a primitive each.
EVERY_OP = ("int32", "bfloat16", "float32")
A_PRIMITIVE_EACH = ("top_k", "kth_value of several", "kth_value where", "partition", "segment_sort descending")


def ops_for(dtype):
    names = SELECTIONS if dtype.name in EVERY_OP else A_PRIMITIVE_EACH
    return {name: SELECTIONS[name] for name in names if not (SELECTIONS[name].real and is_complex(dtype))}


@functools.cache
def compiled(names, axis, ties="stable"):
    return jax.jit(lambda x: {name: OPS[name](x, axis, RELAXATIONS[ties]) for name in names})


def close(actual, expected, rows, eps, note):
    """Equal to a few roundings of the numbers that take part, as these may cancel; a few huge ones do not widen this."""
    finite = np.where(np.isfinite(rows), np.abs(rows), 0)
    slack = 4 * eps * (np.abs(expected) + np.median(finite, -1, keepdims=True))
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected)) | (np.abs(actual - expected) <= slack)
    assert same.all(), f"{note}: {actual[~same][0]}, expected {expected[~same][0]}"


@functools.cache
def keeps_nans(dtype):
    """Whether the JAX that is installed moves NaNs of that dtype as they are: JAX 0.12 rewrites those of float8_e5m2."""
    if not is_float(dtype) or dtype.itemsize > 1:
        return True
    x = nans(dtype)
    return np.asarray(jax.jit(lambda x: x[np.arange(x.size)])(x)).tobytes() == x.tobytes()


def check(x, axis, results, note):
    rows = np.moveaxis(x, axis, -1)
    for name, result in results.items():
        op, actual = SELECTIONS[name], np.moveaxis(np.asarray(result), axis, -1)
        # Signalling NaNs and infinite differences are part of the data.
        with np.errstate(all="ignore"):
            expected = op.value(rows)
        if op.exact:
            any_nan = op.any_nan or not keeps_nans(x.dtype)
            same = ~is_nan(expected) | ~is_nan(actual) if any_nan else np.ones_like(actual, bool)
            assert_same(actual[same], expected[same], f"{name} of {note}")
        else:
            assert actual.dtype == expected.dtype == (x.dtype if is_float(x.dtype) else np.float64), name
            eps = float(jnp.finfo(actual.dtype).eps)
            with np.errstate(all="ignore"):
                close(*(np.asarray(v, np.float64) for v in (actual, expected, rows)), eps, f"{name} of {note}")


@pytest.mark.optimised
@pytest.mark.lowering
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_distribution(dtype):
    dtype = DTYPES[dtype]
    names = list(distributions(dtype))
    if is_complex(dtype):
        # A complex NaN whose real part is a number is no largest element.
        names.remove("NaN")
        names.remove("bits")
    x = np.stack([draw(name, dtype, (2, 33)) for name in names])
    results = compiled(tuple(ops_for(dtype)), -1)(x)
    for name, rows, *found in zip(names, x, *results.values(), strict=True):
        check(rows, -1, dict(zip(results, found, strict=True)), f"{name} {dtype}")


@pytest.mark.lowering
def test_every_axis():
    x = draw("few values", np.float32, (7, 9, 8))
    for axis, names in ((1, tuple(SELECTIONS)), (0, A_PRIMITIVE_EACH)):
        check(x, axis, compiled(names, axis)(x), f"axis {axis}")


@functools.cache
def selected(k):
    """Every selection of a matrix along its last axis, with the ranks known at run time only where they may be."""

    def run(x, ranks, where):
        return dict(
            top_k=sx.top_k(x, k),
            bottom_k=sx.bottom_k(x, k),
            kth_value=sx.kth_value(x, ranks),
            kth_where=sx.kth_value(x, ranks, where=where),
            partition=sx.partition(x, (k - 1, -1)),
            argpartition=sx.argpartition(x, (k - 1, -1)),
        )

    return jax.jit(run)


@pytest.mark.lowering
@given(st.data(), st.sampled_from(["float32", "float16", "uint64", "int8"]))
def test_any_bits(data, dtype):
    dtype = DTYPES[dtype]
    x = data.draw(hnp.arrays(f"uint{8 * dtype.itemsize}", (2, 13))).view(dtype)
    where = data.draw(hnp.arrays(bool, (2, 13)))
    ranks = data.draw(hnp.arrays(np.int32, (3,), elements=st.integers(-13, 12)))
    found = selected(4)(x, ranks, where)
    for name, descending in (("top_k", True), ("bottom_k", False)):
        indices = order(x, descending=descending)[:, :4]
        assert_same(found[name][0], take(x, indices), name)
        assert_same(found[name][1], indices, name)
    assert_same(found["kth_value"], np.moveaxis(sorted_(x)[:, ranks], -1, 0))
    assert_same(found["partition"], take(x, np.asarray(found["argpartition"])))
    place = np.argsort(order(x))
    classes = np.where(place < 3, 0, np.where(place == 3, 1, np.where(place < 12, 2, 3)))
    assert_same(found["argpartition"], np.argsort(classes, -1, kind="stable"))
    for row, mask, actual in zip(x, where, np.asarray(found["kth_where"]).T, strict=True):
        s = sorted_(row[mask])
        for rank, y in zip(ranks, actual, strict=True):
            if -s.size <= rank < s.size:
                assert_same(y, s[rank])
            elif is_float(dtype):
                assert np.isnan(y)
            elif s.size:
                assert_same(y, s[0 if rank < 0 else -1])


@pytest.mark.parametrize("dtype", ["bool", "float32", "int16", "complex64"])
def test_every_k(dtype):
    x = draw("few values", DTYPES[dtype], (2, 5, 3))
    for k in range(6):
        for op, descending in ((sx.top_k, True), (sx.bottom_k, False)):
            values, indices = op(x, k, axis=1)
            expected = order(x, 1, descending)[:, :k]
            assert_same(indices, expected)
            assert_same(values, take(x, expected, 1))


@pytest.mark.lowering
@pytest.mark.parametrize("n", [1, 2, 33, 64, 129, 1000, 70001])
def test_sizes(n):
    for dtype in ("float32", "int64") if n > 1000 else ("float32",):
        x = np.stack([draw(name, DTYPES[dtype], n) for name in ("bits", "few values", "one outlier", "constant")])
        s = sorted_(x)
        ranks = np.unique([0, n // 3, n // 2, n - 1])
        assert_same(sx.kth_value(x, ranks), np.moveaxis(s[:, ranks], -1, 0), f"{n} {dtype}")
        k = -(-n // 3)
        values, indices = sx.top_k(x, k)
        assert_same(indices, order(x, descending=True)[:, :k], f"{n} {dtype}")
        assert_same(values, take(x, np.asarray(indices)), f"{n} {dtype}")
        check_partition(x, (n // 2, -1), f"{n} {dtype}")


def check_partition(x, kth, note):
    n = x.shape[-1]
    indices, values = np.asarray(sx.argpartition(x, kth)), sx.partition(x, kth)
    place = np.argsort(order(x))
    interval = sum((place >= k % n).astype(int) + (place > k % n) for k in set(np.atleast_1d(kth) % n))
    assert_same(indices, np.argsort(interval, -1, kind="stable"), note)
    assert_same(values, take(x, indices), note)


@pytest.mark.parametrize("dtype", ["bool", "int8", "float32", "complex64"])
def test_partition_as_numpy(dtype):
    dtype = DTYPES[dtype]
    for kth in (-1, [7, 2, 2], (0, 1, 2, 3, 4, 5, 6, 7, 8)):
        for name in ("few values", "bits"):
            x = draw(name, dtype, (3, 9))
            check_partition(x, kth, f"{name} {kth}")
            at = np.unique(np.atleast_1d(kth) % 9)
            assert_same(np.asarray(sx.partition(x, kth))[:, at], sorted_(x)[:, at])


def test_axes_of_partition():
    x = draw("few values", np.int8, (3, 4, 5))
    for axis in (0, 1, -1):
        moved = np.moveaxis(np.asarray(sx.partition(x, 1, axis)), axis, -1)
        assert_same(moved, sx.partition(np.moveaxis(x, axis, -1), 1))
    assert_same(sx.partition(x, 30, None), sx.partition(x.ravel(), 30))
    assert_same(sx.argpartition(x, 30, None), sx.argpartition(x.ravel(), 30))


def test_kth_value_shapes_and_axes():
    x = np.random.default_rng(0).integers(0, 9, (3, 4, 5))
    ranks = (1, np.array(1), np.array([2, -1]), np.array([[0, 1, 2], [-3, -2, -1]]), np.zeros(0, int))
    axes = (0, 1, -1, None, (0, 2), (2, 0))
    for k, axis in [(ranks[2], axis) for axis in axes] + [(k, 1) for k in ranks]:
        merged = x.ravel() if axis is None else x if isinstance(axis, int) else x.transpose(1, *axis).reshape(4, -1)
        along = axis if isinstance(axis, int) else -1
        expected = np.moveaxis(np.sort(merged, along), along, 0)[k]
        assert_same(sx.kth_value(x, k, axis), expected)
        kept = [1 if axis is None or d in np.atleast_1d(axis) % 3 else n for d, n in enumerate(x.shape)]
        assert_same(sx.kth_value(x, k, axis, keepdims=True), expected.reshape(*np.shape(k), *kept))


def test_kth_value_out_of_range_at_run_time():
    f = jax.jit(sx.kth_value)
    x = np.array([3.0, 1.0, 2.0])
    for k in (3, -4, 2**31 - 1, -(2**31)):
        assert np.isnan(f(x, np.int32(k)))
        assert_same(f(x.astype(int), np.int32(k)), np.int64(3 if k > 0 else 1))
    g = jax.jit(lambda x, where: sx.kth_value(x, np.array([0, -1, 1]), where=where))
    np.testing.assert_array_equal(g(x, x > 2), [3, 3, np.nan])
    assert np.isnan(g(x, x > 9)).all()


def test_edges():
    one = np.array([[-0.0], [np.nan]], np.float32)
    for f in (
        lambda x: sx.top_k(x, 1)[0],
        lambda x: sx.bottom_k(x, 1)[0],
        lambda x: sx.partition(x, 0),
        lambda x: sx.kth_value(x, -1, keepdims=True),
        lambda x: sx.max(x, -1, keepdims=True),
        lambda x: sx.min(x, -1, keepdims=True),
        lambda x: sx.winsorize(x, (0.4, 0.4), -1),
    ):
        assert_same(f(one), one)
    for shape, axis in (((0,), 0), ((3, 0), 1), ((0, 3), 0)):
        values, indices = sx.top_k(np.zeros(shape), 0, axis=axis)
        assert values.shape == indices.shape == shape
    no_rows = np.zeros((0, 3))
    assert sx.top_k(no_rows, 2)[0].shape == (0, 2)
    assert sx.kth_value(no_rows, np.array([0, 1])).shape == (2, 0)
    assert sx.partition(no_rows, 1).shape == sx.argpartition(no_rows, 1).shape == (0, 3)
    assert sx.max(no_rows, 1).shape == sx.median(no_rows, 1).shape == (0,)
    for dtype in (np.int32, np.uint32):
        x = np.array([0, *(np.iinfo(dtype).min, np.iinfo(dtype).max), 1], dtype)
        assert_same(sx.top_k(x, 4)[0], np.sort(x)[::-1])
        assert_same(sx.kth_value(x, np.arange(4)), np.sort(x))
        assert_same(sx.kth_value(x, np.array([0, -1]), where=x > 0), np.array([1, np.iinfo(dtype).max], dtype))


def test_both_modes(x64):
    x = np.array([[3.0, 1.0, 2.0]], np.float32)
    integer = np.int64 if x64 else np.int32
    assert_same(sx.top_k(x, 2)[1], np.array([[0, 2]], integer))
    assert_same(sx.argpartition(x, 0), np.array([[1, 0, 2]], integer))
    wide, names = np.repeat(x, 3, 1), ("top_k", "median", "trimmed_mean")
    f = jax.jit(lambda x: {name: OPS[name](x, -1, RELAXATIONS["average"]) for name in names})
    for y in jax.tree.leaves(jax.jvp(f, (wide,), (wide,))):
        assert y.dtype == np.float32
