"""`temperature_for` finds the softness it is asked for, on any scale and at any number of elements."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from soft import SOFT, numbers

QUICK_TO_COMPILE = True


def perplexity(P):
    return np.exp(-np.sum(np.where(P > 0, P * np.log(np.where(P > 0, P, 1)), 0), -1).astype(float))


@pytest.mark.parametrize("distance", ["absolute", "squared"])
def test_entropy_of_the_rows(distance):
    """The mean entropy of the rows of the soft permutation is the logarithm of the number of neighbours."""
    x = numbers(200)
    for neighbours in (1.5, 7.0, 150.0):
        t = sx.temperature_for(x, sx.SoftSort(1.0, distance), neighbours=neighbours)
        rows = perplexity(np.asarray(sx.permutation(x, relax=sx.SoftSort(t, distance)).dense()))
        np.testing.assert_allclose(np.log(rows).mean(), np.log(neighbours), rtol=1e-6)


@pytest.mark.parametrize("name", SOFT)
def test_scales_and_sizes(name):
    """The temperature scales with the unit of x, rises with the number of neighbours, and is that of the mean over rows."""
    x, relax = numbers(120), SOFT[name].make(1.0)
    find = jax.jit(lambda x, k: sx.temperature_for(x, relax, neighbours=k))
    t = find(x, 5.0)
    if name != "Permutahedron kl":
        np.testing.assert_allclose(find(x * 100, 5.0), t * 100.0 ** SOFT[name].unit, rtol=1e-6)
    assert find(x, 2.0) < t < find(x, 40.0)
    np.testing.assert_allclose(find(np.stack([x, x]), 5.0), t, rtol=1e-9)
    at = eqx.tree_at(lambda r: r.temperature, relax, t)
    np.testing.assert_allclose(jnp.mean(at.log_neighbours(sx.SortedOrder(x, 0))), np.log(5), atol=0.2)


def test_permutahedron_counts_blocks():
    x = np.arange(12.0)
    assert 0.5 < sx.temperature_for(x, sx.Permutahedron, neighbours=6) <= 1.0 + 1e-6


def test_bad_input():
    x = numbers(10)
    for wrong, error, message in (
        (lambda: sx.temperature_for(x, sx.Exact(), neighbours=3), TypeError, "Exact has no temperature to find; SoftSort"),
        (lambda: sx.temperature_for(x, sx.SoftSort, neighbours=11), ValueError, "from 1 to 10, got 11"),
        (lambda: sx.temperature_for(x, sx.SoftSort, neighbours=0), ValueError, "from 1 to 10, got 0"),
        (lambda: sx.temperature_for(np.arange(3), sx.SoftSort, neighbours=2), TypeError, "pass floats"),
        (lambda: sx.temperature_for(np.zeros((0, 3)), sx.SoftSort, neighbours=2), ValueError, "needs elements"),
    ):
        with pytest.raises(error, match=message):
            wrong()
