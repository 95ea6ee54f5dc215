"""Derivatives of quantiles, in the array and in `q`: of any order, at NaN, and none of what is masked or of weights."""

import functools

import jax
import numpy as np

import sortax as sx
from helpers import assert_same, central
from quantiles import METHODS, STEPPING, Q, X, by_every_method, close

QUICK_TO_COMPILE = True

nan, inf = np.nan, np.inf


def test_derivatives_of_every_method():
    """Derivatives in the array, and in q at values where no method jumps."""
    q = np.array([0.123, 0.417, 0.456, 0.7771, 0.93])
    rng = np.random.default_rng(1)
    tangents = rng.normal(size=X.shape), rng.normal(size=5)
    for i, (t, moved) in enumerate(zip(tangents, (lambda v: (v, q), lambda v: (X, v)), strict=True)):
        at = (X, q)[i]
        dy = jax.jvp(lambda v: by_every_method(*moved(v)), (at,), (t,))[1]
        plus, minus = by_every_method(*moved(at + 1e-6 * t)), by_every_method(*moved(at - 1e-6 * t))
        for method in METHODS:
            np.testing.assert_allclose(dy[method], (plus[method] - minus[method]) / 2e-6, atol=1e-8, err_msg=method)
            assert i == 0 or (np.asarray(dy[method]) == 0).all() == (method in STEPPING)
        g = jax.tree.map(lambda y: rng.normal(size=y.shape), dy)
        back = jax.vjp(lambda v: by_every_method(*moved(v)), at)[1](g)[0]
        np.testing.assert_allclose((back * t).sum(), sum((g[m] * dy[m]).sum() for m in METHODS), rtol=1e-12)


def test_derivative_in_q_where_it_jumps():
    s, n = np.sort(X[0]), 10
    slope = jax.jit(jax.vmap(jax.grad(lambda q: sx.quantile(X[0], q))))
    ranks = np.arange(n)
    # The derivative is that from above, and at the end there is nothing above.
    expected = (n - 1) * np.append(np.diff(s), 0)
    found = np.asarray(slope(np.minimum(ranks / (n - 1) + 1e-12, 1)))
    np.testing.assert_allclose(found[:-1], expected[:-1], rtol=1e-10)
    assert np.isfinite(slope(np.array([0.0, 1.0]))).all()
    # Clipped, the hazen quantile of 0.01 is the smallest.
    for q in (0.01, 0.99):
        assert jax.grad(lambda q: sx.quantile(X[0], q, method="hazen"))(q) == 0


def test_second_order():
    x = X[0]
    f = jax.jit(jax.hessian(lambda xq: sx.quantile(xq[:-1], xq[-1]) ** 2))
    point, h = np.append(x, 0.37), 1e-4
    gradient = jax.jit(jax.grad(lambda xq: sx.quantile(xq[:-1], xq[-1]) ** 2))
    columns = [(gradient(point + h * e) - gradient(point - h * e)) / (2 * h) for e in np.eye(11)]
    np.testing.assert_allclose(f(point), np.stack(columns), atol=1e-7)
    twice = lambda x: sx.quantile(sx.quantile(x * x, np.linspace(0.03, 0.97, 9)), 0.61)
    first, second = jax.jit(jax.grad(twice)), jax.jit(jax.hessian(twice))
    np.testing.assert_allclose(second(x), np.stack([central(first, x, e) for e in np.eye(10)]), atol=1e-7)


def test_nothing_comes_from_under_the_mask():
    """Masked elements have no derivative, even where they are NaN or infinite."""
    under = np.where(np.arange(10) % 3 == 0, [nan, inf, -inf, nan, 1, 1, inf, 1, 1, -nan], X)
    where = np.broadcast_to(np.arange(10) % 3 != 0, X.shape)
    for f in (
        lambda x: sx.quantile(x, Q, 1, where=where),
        lambda x: sx.median(x, where=where),
        lambda x: sx.quantile(x, 0.3, 1, where=where, method="lower"),
        lambda x: sx.median(x, 1, where=where, weights=np.ones(10)),
        lambda x: sx.nanquantile(x, 0.3, 1, where=where),
    ):
        total = jax.jit(jax.grad(lambda x: f(x).sum()))
        gradient = np.asarray(total(under))
        assert (gradient[~where] == 0).all() and np.isfinite(gradient).all() and gradient.any()
        close(gradient, total(np.where(where, X, 7.0)))
    all_nan = np.full((2, 3), nan)
    assert (np.asarray(jax.grad(lambda x: sx.nanmedian(x, 1).sum())(all_nan)) == 0).all()


def test_the_cotangent_of_nan_goes_to_nan():
    x = np.array([1.0, nan, 2.0, nan])
    for ties, expected in (("stable", [0, 0, 0, 1]), ("average", [0, 0.5, 0, 0.5])):
        for f in (sx.median, functools.partial(sx.quantile, q=0.3), functools.partial(sx.quantile, q=0.0, method="higher")):
            assert_same(jax.grad(lambda x: f(x, relax=sx.Exact(ties)))(x), np.array(expected, float))
        weighted = lambda x: sx.median(x, weights=np.array([1.0, 2.0, 1.0, 1.0]), relax=sx.Exact(ties))
        assert_same(jax.grad(weighted)(x), np.array(expected, float))


def test_weights_have_no_derivative():
    w = np.random.default_rng(0).random(10)
    f = lambda x, w: sx.quantile(x, 0.3, weights=w, method="inverted_cdf")
    by_x, by_w = jax.grad(f, (0, 1))(X[0], w)
    assert_same(by_w, np.zeros(10))
    assert_same(by_x, (X[0] == f(X[0], w)).astype(np.float64))
