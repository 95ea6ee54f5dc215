"""Values and indices are those of NumPy's stable sort, to the bit: every dtype, distribution, axis, size and direction."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

import sortax as sx
from helpers import DTYPES, KERNEL_DTYPES, XLA_DTYPES, assert_same, distributions, draw, is_float, order, sorted_, take

QUICK_TO_COMPILE = True

SIZES = [0, 1, 2, 3, 5, 16, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 1000, 2**16 + 1]
# (shape, axis): many short rows, few long ones, and columns, on both sides of where an implementation would switch.
BATCHES = [
    ((7, 64), -1),
    ((1000, 3), -1),
    ((3, 1000), -1),
    ((5, 70000), -1),
    ((64, 9), 0),
    ((300, 33), 0),
    ((70001, 3), 0),
    ((6, 65, 5), 1),
    ((2, 3, 129, 4), -2),
]


@jax.jit
def both(x):
    return sx.sort(x), sx.argsort(x), sx.sort(x, descending=True), sx.argsort(x, descending=True)


def check(x, axis, results, note):
    indices = [order(x, axis, descending) for descending in (False, True)]
    expected = (take(x, indices[0], axis), indices[0], take(x, indices[1], axis), indices[1])
    for what, actual, wanted in zip(
        ("sort", "argsort", "sort descending", "argsort descending"), results, expected, strict=True
    ):
        assert_same(actual, wanted, f"{what} of {note}")


def all_four(x, axis):
    return [op(x, axis, descending=descending) for descending in (False, True) for op in (sx.sort, sx.argsort)]


# Every dtype along rows and columns, and one of them along all axes.
AXES = [
    pytest.param(dtype, axis, marks=[pytest.mark.deep] * (axis in (1, None) and dtype != "float32"))
    for dtype in KERNEL_DTYPES
    for axis in (0, 1, -1, None)
]


@pytest.mark.optimised
@pytest.mark.lowering
@pytest.mark.parametrize(("dtype", "axis"), AXES)
def test_every_dtype_distribution_and_axis(dtype, axis):
    for name in distributions(KERNEL_DTYPES[dtype]):
        x = draw(name, KERNEL_DTYPES[dtype], (4, 33, 3))
        check(x, axis, all_four(x, axis), f"{name} {dtype}")


@pytest.mark.parametrize("dtype", XLA_DTYPES)
def test_dtypes_without_kernels(dtype):
    for name in distributions(XLA_DTYPES[dtype]):
        x = draw(name, XLA_DTYPES[dtype], (5, 33))
        check(x, 0, all_four(x, 0), f"{name} {dtype}")


@pytest.mark.optimised
@pytest.mark.lowering
@pytest.mark.parametrize("dtype", DTYPES)
def test_permutation(dtype):
    for name in distributions(DTYPES[dtype]):
        x = draw(name, DTYPES[dtype], (5, 33))
        for descending in (False, True):
            P = sx.permutation(x, descending=descending)
            indices = order(x, descending=descending)
            assert_same(P @ x, take(x, indices), f"P @ {name}")
            assert_same(P.T @ (P @ x), x, f"P.T @ P @ {name}")
            assert_same(P.indices, indices.astype(np.int32), f"indices of {name}")
            assert_same(P.inverse, np.argsort(indices, kind="stable").astype(np.int32), f"inverse of {name}")


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "int64"])
@pytest.mark.parametrize("n", SIZES)
def test_sizes(n, dtype):
    for name in ("bits", "few values", "one outlier"):
        x = draw(name, DTYPES[dtype], n)
        check(x, -1, both(x), f"{n} {name} {dtype}")


@pytest.mark.lowering
@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
@pytest.mark.parametrize(("shape", "axis"), BATCHES)
def test_batches(shape, axis, dtype):
    x = draw("bits", DTYPES[dtype], shape)
    check(x, axis, all_four(x, axis), f"{shape} {dtype}")


@pytest.mark.parametrize("name", distributions(DTYPES["float32"]))
def test_long_rows_of_every_distribution(name):
    x = draw(name, DTYPES["float32"], 2**17 + 3)
    check(x, -1, both(x), name)


def test_more_elements_than_float32_counts():
    n = 2**24 + 1
    x = (np.arange(n) * 48271 % n).astype(np.float32)
    indices = np.asarray(sx.argsort(x))
    assert_same(x[indices], np.arange(n).astype(np.float32))


def test_agrees_with_jax_numpy():
    for dtype in ("int32", "float32", "complex64"):
        # jax.numpy on a CPU takes denormals for zeros.
        for name in distributions(DTYPES[dtype]).keys() - {"denormals"}:
            x = jnp.asarray(draw(name, DTYPES[dtype], (3, 40)))
            assert_same(sx.sort(x), jnp.sort(x), name)
            for descending in (False, True):
                assert_same(sx.argsort(x, descending=descending), jnp.argsort(x, descending=descending), name)


def test_both_modes(x64):
    for dtype in ("int32", "float32"):
        x = draw("random", DTYPES[dtype], (3, 40))
        assert_same(sx.sort(x), sorted_(x))
        assert_same(sx.argsort(x), order(x).astype(np.int64 if x64 else np.int32))
    assert sx.sort(np.arange(3.0)).dtype == (np.float64 if x64 else np.float32)
    assert sx.argsort(jnp.arange(3), dtype=np.int16).dtype == np.int16


def test_scalars_and_numpy_arrays():
    assert_same(sx.sort(np.float32(2), axis=None), np.array([2], np.float32))
    assert_same(sx.argsort(jnp.float32(2), axis=None), np.array([0]))
    assert isinstance(sx.sort(np.arange(3)), jax.Array)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
def test_empty(shape):
    for axis in (*range(len(shape)), None):
        x = np.zeros(shape, np.float32)
        check(x, axis, all_four(x, axis), f"{shape} along {axis}")
        P = sx.permutation(x, 0 if axis is None else axis)
        assert (P @ x).shape == (P.T @ x).shape == shape


@st.composite
def arrays(draw_):
    """Arrays of any kernel dtype, of up to three small axes, from raw bits, with ties."""
    dtype = KERNEL_DTYPES[draw_(st.sampled_from(sorted(KERNEL_DTYPES)))]
    shape = draw_(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6))
    axis = draw_(st.sampled_from([*range(-len(shape), len(shape)), None]))
    unsigned = np.dtype(f"uint{8 * dtype.itemsize}")
    high = 1 if dtype == np.bool_ else None
    bits = draw_(hnp.arrays(unsigned, shape, elements=st.integers(0, high) if high else None, fill=st.nothing()))
    return bits.view(dtype), axis


@given(arrays(), st.booleans())
def test_any_array(array, descending):
    x, axis = array
    indices = order(x, axis, descending)
    assert_same(sx.sort(x, axis, descending=descending), take(x, indices, axis))
    assert_same(sx.argsort(x, axis, descending=descending), indices)


@given(st.data(), st.sampled_from(["float32", "float16", "uint64", "int8"]))
def test_any_bits_of_one_shape(data, dtype):
    dtype = DTYPES[dtype]
    x = data.draw(hnp.arrays(f"uint{8 * dtype.itemsize}", (2, 37))).view(dtype)
    check(x, -1, both(x), str(dtype))


@given(st.data())
def test_several_keys(data):
    keys = tuple(
        data.draw(hnp.arrays(dtype, (9,), elements=st.integers(0, 3))) for dtype in (np.uint8, np.int32, np.float32)
    )
    values = np.arange(9)
    assert_same(sx.sort_by(keys, values), np.lexsort(keys[::-1]))
    assert_same(sx.permutation(keys, descending=True).indices, order_of_pairs(keys).astype(np.int32))


def order_of_pairs(keys):
    """Descending and stable: Python's own sort of tuples, which keeps equal ones in order."""
    tuples = list(zip(*(key.tolist() for key in keys), strict=True))
    return np.array(sorted(range(len(tuples)), key=lambda i: tuples[i], reverse=True))


def test_keys_of_every_dtype_place_nan_and_zero():
    for dtype in (d for d in DTYPES.values() if is_float(d)):
        x = np.array([np.nan, 0.0, -0.0, 1.0, np.nan, -1.0]).astype(dtype)
        group = np.array([0, 0, 1, 1, 1, 0])
        assert_same(sx.sort_by((group, x), np.arange(6)), np.array([5, 1, 0, 2, 3, 4]), str(dtype))
