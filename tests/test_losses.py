"""Losses against SciPy where ranks are exact, and against their formula where they are soft."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import sortax as sx
from soft import SOFT, numbers

QUICK_TO_COMPILE = True


def test_spearman_of_exact_ranks_is_scipys():
    x, y = numbers(40, 1), np.round(numbers(40, 2))
    np.testing.assert_allclose(1 - sx.losses.spearman(x, y, relax=sx.Exact()), scipy.stats.spearmanr(x, y)[0], rtol=1e-12)
    single = sx.losses.spearman(x.astype(np.float32), y, relax=sx.Exact())
    assert single.dtype == np.float32
    np.testing.assert_allclose(1 - single, scipy.stats.spearmanr(x, y)[0], rtol=1e-5)


@pytest.mark.parametrize("name", SOFT)
def test_spearman_of_soft_ranks(name):
    """One less the correlation of soft ranks of predictions with exact ranks of targets, of each row, on any axis."""
    relax, x, y = SOFT[name].make(0.4), numbers(30, 1).reshape(3, 10), numbers(30, 2).reshape(3, 10)
    loss = sx.losses.spearman(x, y, relax=relax)
    for i in range(3):
        expected = 1 - np.corrcoef(sx.rank(x[i], relax=relax), scipy.stats.rankdata(y[i]))[0, 1]
        np.testing.assert_allclose(loss[i], expected, rtol=1e-10)
    np.testing.assert_allclose(sx.losses.spearman(x.T, y.T, 0, relax=relax), loss, rtol=1e-10)


def test_spearman_trains():
    """Gradient descent on the loss brings predictions into the order of the targets."""
    x, y = numbers(20, 3) * 0.1, numbers(20, 4)
    relax = sx.LapSum(0.3)
    step = jax.jit(lambda x: x - jax.grad(lambda x: sx.losses.spearman(x, y, relax=relax))(x) * 2)
    for _ in range(300):
        x = step(x)
    assert sx.losses.spearman(x, y, relax=sx.Exact()) < 0.01


def test_spearman_of_what_has_no_order():
    """Constants have no correlation: the loss is that of independence, and its gradient is zero, not NaN."""
    y = numbers(5)
    for x in (np.zeros(5), np.zeros(5, np.float32)):
        value, gradient = jax.value_and_grad(lambda x: sx.losses.spearman(x, y, relax=sx.LapSum(1.0)))(x)
        assert value == 1 and not np.asarray(gradient).any()
    assert jnp.isfinite(sx.losses.spearman(y, y, where=np.zeros(5, bool), relax=sx.LapSum(1.0)))


def test_bad_input():
    with pytest.raises(ValueError, match=r"one shape, got \(3,\) and \(4,\)"):
        sx.losses.spearman(np.zeros(3), np.zeros(4), relax=sx.Exact())
    with pytest.raises(TypeError, match="relax"):
        sx.losses.spearman(np.zeros(3), np.zeros(3))
