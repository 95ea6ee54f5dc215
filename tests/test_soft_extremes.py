"""Soft relaxations at extremes: of temperature, of elements that are NaN or infinite, of precision, and of length."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import deep_but
from soft import SOFT, numbers, one_form_on_both_paths

QUICK_TO_COMPILE = True

nan, inf = np.nan, np.inf
every = pytest.mark.parametrize("name", SOFT)


def close(actual, expected, rtol=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * max(1, np.abs(expected).max(initial=0)))


@pytest.mark.parametrize("name", one_form_on_both_paths())
def test_extreme_temperatures(name):
    """Values and derivatives, in x and in the temperature, are finite; equal elements have equal ranks."""
    x = np.array([3.0, 1, 2, 2], np.float32)

    def f(x, t):
        relax = SOFT[name].make(t)
        return sx.sort(x, relax=relax), sx.rank(x, relax=relax), sx.top_k_mask(x, 2, relax=relax)

    both = jax.jit(jax.jacrev(lambda x, t: (f(x, t),) * 2, (0, 1), has_aux=True))
    for t, expected in (
        (1e-30, ([1, 2, 2, 3], [3, 0, 1.5, 1.5], [1, 0, 0.5, 0.5])),
        (1e30, (None, [1.5] * 4, [0.5] * 4)),
    ):
        jacobian, found = both(x, np.float32(t))
        for y, wanted in zip(found, expected, strict=True):
            assert np.isfinite(y).all()
            if wanted is not None:
                np.testing.assert_allclose(y, wanted, atol=1e-5)
        assert all(np.isfinite(part).all() for part in jax.tree.leaves(jacobian))


@every
def test_nan_and_infinity(name):
    """Numbers are sorted among themselves, between -inf and inf, with NaN last."""
    x = np.array([3.0, inf, nan, 1, -inf, inf, 1.5])
    relax, finite = SOFT[name].make(0.7), np.isfinite(x)

    @jax.jit
    def results(x):
        rank = lambda x: (sx.rank(x, relax=relax),) * 2
        return sx.sort(x, relax=relax), *jax.jacobian(rank, has_aux=True)(x)

    s, g, r = map(np.asarray, results(x))
    alone, own, ranks = map(np.asarray, results(x[finite]))
    np.testing.assert_array_equal(s[[0, 4, 5, 6]], [-inf, inf, inf, nan])
    close(r[~finite], np.array([4.5, 6, 0, 4.5]))
    assert np.isfinite(g).all() and not g[~finite].any() and not g[:, ~finite].any()
    if SOFT[name].operator:
        close(s[1:4], alone)
    if SOFT[name].balanced:
        close(r[finite], ranks + 1)
        close(g[np.ix_(finite, finite)], own)


@pytest.mark.optimised
@every
def test_half_precision_is_computed_in_single(name):
    f = jax.jit(lambda x, relax: (sx.sort(x, relax=relax), sx.rank(x, relax=relax), sx.top_k_mask(x, 40, relax=relax)))
    relax, x = SOFT[name].make(0.3), jnp.asarray(numbers(300), jnp.bfloat16)
    half, single = f(x, relax), f(x.astype(jnp.float32), relax)
    assert [y.dtype for y in half] == ["bfloat16", "float32", "bfloat16"]
    for y, z in zip(half, single, strict=True):
        np.testing.assert_array_equal(y.astype(jnp.float32), z.astype(y.dtype).astype(jnp.float32))


SPREADS = {
    "normal": lambda n: numbers(n),
    "evenly spaced": lambda n: np.linspace(0, 1, n),
    "far from zero": lambda n: 1000 + numbers(n),
}


@pytest.mark.parametrize("name", deep_but(("SoftSort", "LapSum", "Permutahedron l2"), SOFT))
def test_single_precision_at_a_hundred_thousand(name):
    """Within 1e-5 of double, of the largest rank and of the largest element, at few neighbours and at many; so are sums."""
    soft, ops = SOFT[name], {"sort": sx.sort, "rank": sx.rank, "mask": lambda x, relax: sx.top_k_mask(x, 777, relax=relax)}
    every_op = jax.jit(lambda x, relax: {op: f(x, relax=relax) for op, f in ops.items()})
    total = functools.partial(np.sum, dtype=np.float64)
    temperatures = [np.float32(t**soft.unit) for t in (1e-3, 1.0)]
    for (spread, of), t in itertools.product(SPREADS.items(), temperatures):
        x = of(10**5).astype(np.float32)
        single, double = every_op(x, soft.make(t)), every_op(x.astype(np.float64), soft.make(np.float64(t)))
        for op in ops:
            largest, note = np.abs(x if op == "sort" else double[op]).max(), f"{op} of {spread} numbers at {t}"
            np.testing.assert_allclose(single[op], double[op], rtol=0, atol=1e-5 * largest, err_msg=note)
        if soft.balanced:
            np.testing.assert_allclose(total(single["rank"]), x.size * (x.size - 1) / 2, rtol=1e-6)
            np.testing.assert_allclose(total(single["mask"]), 777, rtol=1e-5)


@pytest.mark.parametrize("name", one_form_on_both_paths())
def test_short_axes(name):
    """Axes of no, one and two elements, in rows and in columns."""
    x = numbers(6).reshape(3, 2)

    @jax.jit
    def every_length(relax):
        rows = [(sx.sort(x[:, :n], relax=relax), sx.rank(x[:, :n], axis=-1, relax=relax)) for n in range(3)]
        return rows, [sx.top_k_mask(x.T[:n], n, 0, relax=relax) for n in range(3)]

    rows, masks = every_length(SOFT[name].make(0.5))
    for n, ((s, r), mask) in enumerate(zip(rows, masks, strict=True)):
        assert s.shape == r.shape == (3, n) and mask.shape == (n, 3)
        close(mask, np.ones((n, 3)))
    close(rows[1][0], x[:, :1])
    close(rows[1][1], np.zeros((3, 1)))
