"""Descending orders, and the smallest: NumPy's of the negated or complemented keys, with equal elements in their order."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import DTYPES, RELAXATIONS, REVERSIBLE, assert_same, distributions, draw, is_complex, order, sorted_, take
from soft import SOFT, numbers

QUICK_TO_COMPILE = True


@pytest.mark.optimised
@pytest.mark.lowering
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint32", "bfloat16", "float32", "complex64"])
def test_descending_values(dtype):
    dtype = DTYPES[dtype]
    f = jax.jit(
        lambda x: dict(
            kth=sx.kth_value(x, jnp.array([0, 3, -1]), descending=True),
            partition=sx.partition(x, (3, -2), descending=True),
            argpartition=sx.argpartition(x, (3, -2), descending=True),
            smallest=sx.top_k_mask(x, 4, mode="smallest"),
        )
    )
    n = 11
    for name in distributions(dtype):
        if is_complex(dtype) and name in ("NaN", "bits"):
            continue
        x = draw(name, dtype, (2, n))
        found, falling = f(x), order(x, descending=True)
        s = take(x, falling)
        assert_same(found["kth"], np.moveaxis(s[:, [0, 3, -1]], -1, 0), name)
        place = np.argsort(falling)
        interval = sum((place >= k).astype(int) + (place > k) for k in (3, n - 2))
        indices = np.argsort(interval, -1, kind="stable")
        assert_same(found["argpartition"], indices, name)
        assert_same(found["partition"], take(x, indices), name)
        np.testing.assert_array_equal(found["smallest"].astype(float), np.argsort(order(x)) < 4, err_msg=name)


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_descending_derivatives(ties):
    """Those of the ascending op of the negated array."""
    relax, x = RELAXATIONS[ties], np.array([1.0, 3, 1, 3, 3, 0, 2])
    dx = np.arange(7.0) ** 2
    pairs = {
        "kth": (
            lambda x: sx.kth_value(x, jnp.array([1, 4]), descending=True, relax=relax),
            lambda x: -sx.kth_value(-x, jnp.array([1, 4]), relax=relax),
        ),
        "partition": (
            lambda x: sx.partition(x, 2, descending=True, relax=relax),
            lambda x: -sx.partition(-x, 2, relax=relax),
        ),
    }
    for op, (descending, negated) in pairs.items():
        for found, expected in zip(jax.jvp(descending, (x,), (dx,)), jax.jvp(negated, (x,), (dx,)), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-14, err_msg=op)
        if ties in REVERSIBLE:
            close = jax.tree.map(lambda f: jax.jacrev(f)(x), (descending, negated))
            np.testing.assert_allclose(*close, rtol=1e-14, err_msg=op)


@pytest.mark.parametrize("name", SOFT)
def test_soft_masks_of_the_smallest(name):
    """Of the negated elements those of the largest, with all derivatives; and by the published form at ties too."""
    relax = SOFT[name].make(0.4)
    for x in (numbers(8, 3), np.array([1.0, 0, 1, 2, 1, 0])):
        smallest = lambda x: sx.top_k_mask(x, 3, mode="smallest", relax=relax)
        largest = lambda x: sx.top_k_mask(-x, 3, relax=relax)
        np.testing.assert_allclose(smallest(x), largest(x), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(jax.jacfwd(smallest)(x), jax.jacfwd(largest)(x), rtol=1e-9, atol=1e-11)
        taken = (np.arange(x.size) >= x.size - 3) * 1.0
        np.testing.assert_allclose(smallest(x), SOFT[name].place(-x, taken, 0.4), rtol=1e-9, atol=1e-9)


def test_the_smallest_in_segments():
    x, ids = np.array([3.0, 1, 2, 5, 4, 1]), np.array([1, 0, 1, 0, 1, 0])
    assert sx.segment_top_k_mask(x, ids, 1, mode="smallest").tolist() == [0, 1, 1, 0, 0, 0]
    values, indices = sx.segment_top_k(x, ids, 2, mode="smallest")
    assert values.tolist() == [[1, 1], [2, 3]] and indices.tolist() == [[1, 5], [2, 0]]


DRAWN = np.random.default_rng(0).integers(0, 3, (3, 2, 9))
KEYS = tuple(key.astype(dtype) for key, dtype in zip(DRAWN, (np.uint8, np.float32, np.int64), strict=True))


@pytest.mark.parametrize("directions", [*itertools.product([False, True], repeat=3)])
def test_each_key_in_its_own_direction(directions):
    """As NumPy sorts by the keys that are negated where they descend."""
    signed = [-k.astype(int) if falls else k.astype(int) for k, falls in zip(KEYS, directions, strict=True)]
    expected = np.lexsort(signed)
    assert_same(sx.lexsort(KEYS, descending=directions), expected)
    assert_same(sx.lexsort(KEYS, descending=list(directions)), expected)
    # The key that counts most is the last of lexsort, and the first of the others.
    most_first = dict(descending=directions[::-1])
    place = np.broadcast_to(np.arange(9), (2, 9))
    assert_same(sx.sort_by(KEYS[::-1], place, **most_first), np.take_along_axis(place, expected, 1))
    assert_same(sx.permutation(KEYS[::-1], **most_first).indices, expected.astype(np.int32))


def test_directions_of_a_derivative():
    """Equal keys are parted by the tangents, each in the direction of its key."""
    a, b = np.array([1.0, 1, 0, 0]), np.array([2.0, 2, 3, 3])
    da, db = np.array([0.0, 0, 5, 6]), np.array([1.0, 2, 0, 0])
    f = lambda a, b, v: sx.sort_by((a, b), v, descending=(True, False), relax=sx.Exact("directional"))
    v, dv = np.zeros(4), np.array([10.0, 20, 30, 40])
    moved = jax.jvp(f, (a, b, v), (da, db, dv))[1]
    assert moved.tolist() == [10, 20, 40, 30]


def test_lexsort_is_that_of_jax():
    for keys, axis in ((KEYS, -1), (KEYS, 0), (KEYS[1], -1), (DRAWN, 1), ([KEYS[0]], -1)):
        assert_same(sx.lexsort(keys, axis), jnp.lexsort(tuple(map(jnp.asarray, keys)), axis))
    with pytest.raises(ValueError, match="at least one array"):
        sx.lexsort(3.0)
    nan = np.array([[np.nan, 1, np.nan, 0], [0, 0, -0.0, 0]])
    assert sx.lexsort(nan).tolist() == [3, 1, 0, 2] and sx.lexsort(nan, descending=True).tolist() == [0, 2, 1, 3]


def test_directions_are_checked():
    for f in (sx.lexsort, sx.permutation, lambda keys, **options: sx.sort_by(keys, keys[0], **options)):
        with pytest.raises(ValueError, match=r"descending must be one boolean, or one for each of the 3 keys, got 2"):
            f(KEYS, descending=(True, False))
        with pytest.raises(TypeError, match=r"each of descending must be one boolean"):
            f(KEYS, descending=(True, False, None))


def test_sorted_values_descend():
    x = draw("few values", np.float32, 9)
    assert_same(sx.kth_value(x, np.arange(9), descending=True), sorted_(x, descending=True))
