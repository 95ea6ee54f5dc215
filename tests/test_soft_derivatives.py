"""Derivatives of soft ops in elements, values and temperature: central differences, forward and reverse, second order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import central
from soft import SOFT, numbers

QUICK_TO_COMPILE = True
X, W, V = numbers(8, 5), numbers(8, 6), numbers(8, 7)
IDS = np.arange(8) % 2


def loss(name):
    """A scalar of every kind of op, with a curved outside, in elements, values and temperature."""

    def f(x, v, t):
        relax = SOFT[name].make(t)
        y = jnp.sum(W * jnp.sin(sx.sort(x, relax=relax)) + V * jnp.cos(sx.rank(x, relax=relax)))
        y += jnp.sum(V * jnp.sin(3 * sx.top_k_mask(x, 3, relax=relax)))
        y += jnp.sin(sx.quantile(x, 0.3, relax=relax)) + jnp.sum(W * jnp.sin(sx.segment_rank(x, IDS, relax=relax)))
        y += jnp.sin(3 * sx.losses.spearman(x, W, relax=relax))
        if SOFT[name].operator:
            P = sx.permutation(x, relax=relax)
            y += jnp.sum(W * jnp.sin(P @ v)) + jnp.sum(V * jnp.cos(P.T @ v))
        return y

    return f


@pytest.mark.parametrize("name", SOFT)
def test_first_and_second_order(name):
    """Reverse mode against central differences of values, and forward over reverse against those of gradients."""
    f, point = loss(name), (X, V, np.float64(0.35))
    direction = (numbers(8, 8), numbers(8, 9), np.float64(0.1))

    # One program, which is called wherever one of its results is needed: it is compiling that takes long.
    @jax.jit
    def everything(*at):
        (value, gradient), (forward, curvature) = jax.jvp(jax.value_and_grad(f, (0, 1, 2)), at, direction)
        return value, forward, gradient, curvature

    value = lambda *at: everything(*at)[0]
    along = lambda h: tuple(p + h * d for p, d in zip(point, direction, strict=True))
    h = 1e-6
    _, forward, gradient, curvature = everything(*point)
    (above, _, after, _), (below, _, before, _) = everything(*along(h)), everything(*along(-h))
    slope = sum(np.vdot(g, d) for g, d in zip(gradient, direction, strict=True))
    np.testing.assert_allclose(slope, (above - below) / (2 * h), rtol=1e-6, atol=1e-6)
    for part, later, earlier in zip(curvature, after, before, strict=True):
        np.testing.assert_allclose(part, (np.asarray(later) - np.asarray(earlier)) / (2 * h), rtol=1e-6, atol=2e-6)
    # Forward mode is its own rule: it agrees with reverse mode to rounding.
    np.testing.assert_allclose(forward, slope, rtol=1e-10)
    for i in range(8):
        e = np.eye(8)[i]
        np.testing.assert_allclose(gradient[0][i], central(lambda x: value(x, *point[1:]), X, e), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", ["SoftSort", "SoftSort doubly stochastic"])
def test_kernels_at_ties(name):
    """Where elements are equal, the entry of each in another row still depends on that element alone."""
    x, v = np.array([0.0, 1, 1, 3]), np.array([5.0, 1, 2, 7])
    row = lambda x: (sx.permutation(x, relax=SOFT[name].make(0.8)) @ v)[3]
    gradient = jax.grad(row)(x)
    for i in range(4):
        np.testing.assert_allclose(gradient[i], central(row, x, np.eye(4)[i]), atol=1e-6 if name == "SoftSort" else 1e-5)


def test_equal_predictions_can_part():
    """At a constant, the rank of each element rises with that element."""
    for relax in (sx.LapSum(0.5), sx.SigmoidSum(0.5), sx.Permutahedron(0.5)):
        J = jax.jacobian(lambda x, relax=relax: sx.rank(x, relax=relax))(np.zeros(4))
        assert (np.diag(J) > 0).all()
        np.testing.assert_allclose(J.sum(1), 0, atol=1e-12)


def test_the_temperature_can_be_learned():
    relax = sx.SoftSort(0.3)
    gradient = jax.grad(lambda relax: jnp.sum(sx.sort(X, relax=relax) ** 2))(relax)
    step = 1e-6
    above, below = (jnp.sum(sx.sort(X, relax=sx.SoftSort(0.3 + s)) ** 2) for s in (step, -step))
    np.testing.assert_allclose(gradient.temperature, (above - below) / (2 * step), rtol=1e-6)
