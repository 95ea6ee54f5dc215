"""How far soft results are from exact ones: the bounds that the docstrings of the relaxations state."""

import jax
import numpy as np
import pytest

import sortax as sx
from soft import SOFT, numbers

QUICK_TO_COMPILE = True

TEMPERATURES = np.geomspace(0.02, 20, 13)
N = 12


def spaced(gap):
    """Elements in any order of which no two are nearer than the gap."""
    rng = np.random.default_rng(1)
    return rng.permutation(np.cumsum(gap * (1 + rng.exponential(0.3, N))))


def at_temperatures(op, name, x):
    return np.asarray(jax.jit(jax.vmap(lambda t: op(x, relax=SOFT[name].make(t))))(TEMPERATURES))


@pytest.mark.parametrize("gap", [0.0, 0.5])
def test_sorted_values_by_softsort(gap):
    x = spaced(gap) if gap else numbers(N)
    error = np.abs(at_temperatures(sx.sort, "SoftSort", x) - np.sort(x)).max(1)
    assert (error <= (N - 1) * TEMPERATURES / np.e).all()
    cold = gap >= TEMPERATURES
    assert (error <= (N - 1) * gap * np.exp(-gap / TEMPERATURES) + 1e-12)[cold].all()
    assert not gap or cold.sum() > 3


@pytest.mark.parametrize(("name", "scale"), [("LapSum", 0.5), ("SigmoidSum", 1.0)])
@pytest.mark.parametrize("gap", [0.0, 0.5])
def test_ranks_by_distribution_functions(name, scale, gap):
    x = spaced(gap) if gap else numbers(N)
    error = np.abs(at_temperatures(sx.rank, name, x) - np.argsort(np.argsort(x))).max(1)
    assert (error <= (N - 1) / 2).all()
    if gap:
        left = np.exp(-gap / TEMPERATURES)
        assert (error <= scale * left / (1 - left) + 1e-12).all()


def test_ranks_of_the_permutahedron():
    x, exact = spaced(0.5), np.argsort(np.argsort(spaced(0.5)))
    ranks = at_temperatures(sx.rank, "Permutahedron l2", x)
    np.testing.assert_allclose(ranks[TEMPERATURES <= 0.5], np.tile(exact, ((TEMPERATURES <= 0.5).sum(), 1)), atol=1e-12)
    assert (np.abs(ranks - exact) <= N - 1).all()
    np.testing.assert_allclose(ranks.sum(1), N * (N - 1) / 2)


@pytest.mark.parametrize("name", ["LapSum", "SigmoidSum"])
def test_sorted_values_stay_in_order_and_range(name):
    """The bound holds at any temperature, as the operator's rows and columns sum to one."""
    x = numbers(N, 7)
    s = at_temperatures(sx.sort, name, x)
    assert (np.diff(s, axis=1) >= -1e-12).all()
    assert x.min() - 1e-12 <= s.min() and s.max() <= x.max() + 1e-12
