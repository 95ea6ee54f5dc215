"""Where `jax.numpy` contradicts itself, or is wrong, the right answer: one test each."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import RELAXATIONS, REVERSIBLE, assert_same

nan, inf = np.nan, np.inf


@pytest.mark.parametrize("ties", REVERSIBLE)
def test_the_largest_has_one_gradient(ties):
    """`sort[-1]` and `quantile(1.)` have the last tie of it, `top_k` the first, `max` an equal split."""
    relax = REVERSIBLE[ties]
    x = np.array([2.0, 1.0, 2.0, 2.0, 0.0])
    every = (
        lambda x: sx.sort(x, relax=relax)[-1],
        lambda x: sx.quantile(x, 1.0, relax=relax),
        lambda x: sx.max(x, relax=relax),
        lambda x: sx.kth_value(x, 4, relax=relax),
        lambda x: sx.partition(x, 4, relax=relax)[4],
    )
    expected = {"stable": [0.0, 0, 0, 1, 0], "average": [1 / 3, 0, 1 / 3, 1 / 3, 0]}[ties]
    for f in every:
        np.testing.assert_allclose(jax.grad(f)(x), expected, rtol=1e-15)
    average = jax.grad(lambda x: sx.top_k(x, 1, relax=sx.Exact("average"))[0][0])(x)
    np.testing.assert_allclose(average, [1 / 3, 0, 1 / 3, 1 / 3, 0], rtol=1e-15)
    # The stable one goes with the index that is returned.
    indices = sx.top_k(x, 1)[1]
    assert_same(jax.grad(lambda x: sx.top_k(x, 1)[0][0])(x), np.eye(5)[indices[0]])
    assert indices[0] == np.argmax(x)


def test_the_median_of_equal_numbers_shares_its_gradient():
    x = np.ones(4)
    assert_same(jax.grad(lambda x: sx.median(x, relax=sx.Exact("average")))(x), np.full(4, 0.25))


def test_directional_derivative_of_sort():
    x, t = np.array([2.0, 1.0, 2.0, 2.0]), np.array([3.0, 1.0, 2.0, 1.0])
    assert_same(jax.jvp(lambda x: sx.sort(x, relax=sx.Exact("directional")), (x,), (t,))[1], np.array([1.0, 1, 2, 3]))


def test_one_order_of_zeros_and_nan():
    """`jax.lax.top_k` and `jnp.partition` have -NaN smallest, and -0 below +0, unlike `sort`."""
    x = np.array([1.0, -nan, -0.0, 0.0, nan, -1.0], np.float32)
    descending = [1, 4, 0, 2, 3, 5]
    assert sx.argsort(x, descending=True).tolist() == descending
    for k in range(7):
        assert sx.top_k(x, k)[1].tolist() == descending[:k]
        assert sx.bottom_k(x, k)[1].tolist() == [5, 2, 3, 0, 1, 4][:k]
    for k in range(6):
        assert_same(sx.partition(x, k)[k], sx.sort(x)[k])
        assert_same(sx.kth_value(x, k), sx.sort(x)[k])
        assert sx.argpartition(x, k)[k] == sx.argsort(x)[k]


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
def test_partition_of_the_lowest_integer(dtype):
    """Its negative is not an integer of its type."""
    low = np.iinfo(dtype).min
    x = np.array([5, low, 3, 7], dtype)
    assert_same(sx.partition(x, 1), np.array([low, 3, 5, 7], dtype))
    assert sx.argpartition(x, 1).tolist() == [1, 2, 0, 3]
    assert sx.top_k(x, 4)[1].tolist() == [3, 0, 2, 1]


def test_partition_of_bool_and_unsigned():
    assert_same(sx.partition(np.array([True, False, True, False]), 1), np.array([False, False, True, True]))
    assert sx.argpartition(np.array([True, False, True, False]), 1).tolist() == [1, 3, 0, 2]
    assert_same(sx.partition(np.array([0, 255, 3], np.uint8), 1), np.array([0, 3, 255], np.uint8))


def test_top_k_of_four_bits():
    values, indices = sx.top_k(jnp.array([3, -8, 7, 3], jnp.int4), 3)
    assert values.dtype == jnp.int4 and values.astype(int).tolist() == [7, 3, 3] and indices.tolist() == [2, 0, 3]


def test_median_of_nothing():
    assert np.isnan(sx.median(np.zeros(0))) and np.isnan(sx.quantile(np.zeros((2, 0)), 0.5, -1)).all()


def test_quantile_that_is_infinite():
    x = np.array([-inf, 1.0, 2.0, 3.0, inf], np.float32)
    assert_same(sx.quantile(x, np.array([0, 0.25, 0.5, 1], np.float32)), np.array([-inf, 1, 2, inf], np.float32))
    assert sx.median(np.array([0.0, inf, inf])) == inf


def test_quantile_of_more_than_float16_counts():
    n = 65504 * 2 + 1
    x = np.arange(n) // 128
    assert sx.quantile(x.astype(np.float16), np.float16(0.5)) == 65504 // 128
    assert sx.quantile(x.astype(np.float32), np.float16(0.5)) == 65504 // 128


def test_median_does_not_overflow():
    assert_same(sx.median(np.array([3e38, 3e38], np.float32)), np.float32(3e38))
    assert_same(sx.median(np.array([60000, 60000], np.float16)), np.float16(60000))


def test_quantile_beyond_what_float32_counts():
    n = 2**24 + 3
    x = (np.arange(n) >= n - 2).astype(np.float32)
    # The first of the two ones; float32 has no such rank.
    q = (n - 2) / (n - 1)
    for f in (sx.quantile, jax.jit(sx.quantile)):
        np.testing.assert_allclose(f(x, q), 1.0, atol=1e-6)
        np.testing.assert_allclose(f(x, (n - 2.5) / (n - 1)), 0.5, atol=1e-6)
    assert sx.kth_value(x, n - 2) == 1 and sx.kth_value(x, n - 3) == 0


@pytest.mark.parametrize("ties", REVERSIBLE)
def test_gradient_of_max_with_nan(ties):
    """`jnp.max` has NaN everywhere, `jnp.median` zero."""
    x = np.array([1.0, nan, 2.0])
    for f in (sx.max, sx.min, sx.median):
        assert_same(jax.grad(lambda x: f(x, relax=REVERSIBLE[ties]))(x), np.array([0.0, 1.0, 0.0]))


def test_complex_is_in_lexicographic_order():
    x = np.array([1 + 1j, 3 + 0j, 1 - 1j, 3 + 2j])
    assert_same(sx.top_k(x, 2)[0], np.array([3 + 2j, 3 + 0j]))
    assert_same(sx.partition(x, 1), np.array([1 - 1j, 1 + 1j, 3 + 0j, 3 + 2j]))
    assert_same(sx.kth_value(x, 1), np.complex128(1 + 1j))
    assert sx.argpartition(x, -1)[-1] == 3
    with pytest.raises(TypeError, match="must be real"):
        sx.median(x)


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_descending_sort_and_argsort_agree_on_ties(ties):
    x = np.array([-0.0, 1.0, 0.0, 1.0])
    indices = np.asarray(sx.argsort(x, descending=True, relax=RELAXATIONS[ties]))
    assert indices.tolist() == [1, 3, 0, 2]
    assert_same(sx.sort(x, descending=True, relax=RELAXATIONS[ties]), x[indices])
