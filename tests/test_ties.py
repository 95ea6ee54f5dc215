"""What each tie policy means, held against every permutation that sorts, one by one."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import sortax as sx
from helpers import RELAXATIONS, REVERSIBLE, all_sorting, assert_same, draw, order, sorted_, take

QUICK_TO_COMPILE = True

nan, inf = np.nan, np.inf
# Vectors with ties of every kind; all of one length, so that one compilation serves them.
TIED = {
    "a pair and a triple": [2.0, 1.0, 2.0, 2.0, 1.0, 0.0],
    "all equal": [3.0, 3.0, 3.0, 3.0, 3.0, 3.0],
    "no tie": [3.0, 1.0, 4.0, 2.0, 6.0, 5.0],
    "signed zeros": [0.0, -0.0, 1.0, -0.0, 0.0, -1.0],
    "NaN of both signs": [nan, 1.0, -nan, 0.0, 1.0, nan],
    "infinities": [inf, -inf, inf, 0.0, -inf, inf],
}
FINITE = [name for name in TIED if name not in ("NaN of both signs", "infinities")]
DIRECTIONS = ("ascending", "descending")
A, B = np.array([2.0, 1.0, 1.0, 2.0, 4.0, 0.0]), np.array([1.0, 1.0, 0.0, 2.0, 0.0, 1.0])


def integers(seed, shape=6, high=4):
    return np.random.default_rng(seed).integers(-high, high, shape).astype(np.float64)


def one_sided(f, *point_and_direction, h=2.0**-30):
    """(f(x + h t) - f(x)) / h, exactly: small integers and a small power of two make no rounding."""
    half = len(point_and_direction) // 2
    x, t = point_and_direction[:half], point_and_direction[half:]
    return (f(*(a + h * b for a, b in zip(x, t, strict=True))) - f(*x)) / h


@functools.cache
def compiled(ties, descending):
    """Everything a test asks of one policy, in one compilation."""
    relax = RELAXATIONS[ties]
    op = functools.partial(sx.sort, descending=descending, relax=relax)

    def run(x, g):
        P = sx.permutation(x, descending=descending, relax=relax)
        y, dy = jax.jvp(op, (x,), (g,))
        out = dict(
            y=y, dy=dy, forward=P @ g, back=P.T @ g, dense=P.dense(), again=P @ x, inverse=P.inverse, indices=P.indices
        )
        if ties in REVERSIBLE:
            out |= dict(vjp=jax.vjp(op, x)[1](g)[0], jacobian=jax.jacrev(op)(x), ranks=P.T @ jnp.arange(float(x.size)))
        return out

    jitted = jax.jit(run)
    return lambda x, g: {name: np.asarray(v) for name, v in jitted(x, g).items()}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("ties", REVERSIBLE)
def test_linear_policies_are_means_of_sorting_permutations(ties, direction):
    descending = direction == "descending"
    g = np.random.default_rng(0).normal(size=6)
    for name, values in TIED.items():
        x = np.array(values)
        every = all_sorting(x, descending)
        first = np.array(sorted(every.tolist())[0])
        assert_same(first, order(x, descending=descending), "the stable permutation is the first of them")
        matrix = np.mean([np.eye(6)[p] for p in every], 0) if ties == "average" else np.eye(6)[first]
        found = compiled(ties, descending)(x, g)
        for what, expected in dict(
            dense=matrix, jacobian=matrix, forward=matrix @ g, dy=matrix @ g, back=matrix.T @ g, vjp=matrix.T @ g
        ).items():
            np.testing.assert_allclose(found[what], expected, rtol=1e-14, atol=1e-15, err_msg=f"{what} of {name}")
        np.testing.assert_allclose(found["ranks"], matrix.T @ np.arange(6), rtol=1e-14)


@pytest.mark.lowering
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("ties", RELAXATIONS)
def test_laws(ties, direction):
    descending = direction == "descending"
    g = np.random.default_rng(0).normal(size=6)
    for name, values in TIED.items():
        x = np.array(values)
        found = compiled(ties, descending)(x, g)
        assert_same(found["y"], sorted_(x, descending=descending), name)
        np.testing.assert_allclose(found["again"], found["y"], rtol=1e-15)
        assert_same(found["inverse"].astype(int), np.argsort(order(x, descending=descending)))
        assert_same(found["indices"].astype(int), order(x, descending=descending))
        if ties in REVERSIBLE:
            np.testing.assert_array_equal(found["back"], found["vjp"])
            np.testing.assert_array_equal(found["dense"], found["jacobian"])
        if ties != "average":
            assert_same(found["again"], found["y"], name)


def test_average_ranks_are_those_of_scipy():
    for values in TIED.values():
        x = np.array(values)
        # SciPy makes all ranks NaN if there is one.
        numbered = np.unique(x, return_inverse=True, equal_nan=True)[1]
        ranks = compiled("average", False)(x, x)["ranks"]
        np.testing.assert_array_equal(ranks, scipy.stats.rankdata(numbered, method="average") - 1)


def test_average_commutes_with_permutations():
    g = np.random.default_rng(0).normal(size=6)
    for name in TIED:
        x = np.array(TIED[name])
        for seed in range(3):
            q = np.random.default_rng(seed).permutation(6)
            a, b = compiled("average", False)(x, g), compiled("average", False)(x[q], g)
            for what in ("back", "vjp"):
                np.testing.assert_array_equal(b[what], a[what][q])


def test_average_has_the_gradient_of_max():
    x = np.array([2.0, 1.0, 2.0, 2.0])
    f = lambda x: sx.sort(x, relax=sx.Exact("average"))[-1]
    np.testing.assert_allclose(jax.grad(f)(x), jax.grad(jnp.max)(x), rtol=1e-15)


def test_average_of_large_numbers_is_finite():
    for dtype in (np.float16, np.float32, np.float64):
        largest = np.full(3, np.finfo(dtype).max)
        P = sx.permutation(largest, relax=sx.Exact("average"))
        np.testing.assert_allclose(P @ largest, largest, rtol=float(np.finfo(dtype).eps))


def test_average_of_many():
    """The mean of a long run keeps the precision of its type."""
    g = np.random.default_rng(0).random(2**18).astype(np.float32)
    f = lambda x: sx.sort(x, relax=sx.Exact("average"))
    gradient = jax.vjp(f, np.zeros_like(g))[1](g)[0]
    np.testing.assert_allclose(gradient, np.full_like(g, g.astype(np.float64).mean()), rtol=2e-7)


def test_average_of_complex_and_batches():
    x = np.array([[1 + 1j, 1 + 0j, 1 + 1j], [0j, -0j, 2j]])
    g = np.random.default_rng(0).normal(size=(2, 3)) * (1 + 2j)
    f = lambda x: sx.sort(x, relax=sx.Exact("average"))
    expected = [[(g[0, 1] + g[0, 2]) / 2, g[0, 0], (g[0, 1] + g[0, 2]) / 2], [(g[1, 0] + g[1, 1]) / 2] * 2 + [g[1, 2]]]
    np.testing.assert_allclose(jax.vjp(f, x)[1](g)[0], expected, rtol=1e-14)
    columns = jax.vjp(lambda x: sx.sort(x, 0, relax=sx.Exact("average")), x.T)[1](g.T)[0]
    np.testing.assert_allclose(columns, np.transpose(expected), rtol=1e-14)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_directional_is_the_one_sided_limit(direction):
    descending = direction == "descending"
    for name in FINITE:
        x = np.array(TIED[name])
        for seed in range(5):
            t = integers(seed)
            limit = one_sided(lambda x: sorted_(x, descending=descending), x, t)
            np.testing.assert_array_equal(compiled("directional", descending)(x, t)["dy"], limit, err_msg=name)


def test_directional_sorts_the_tangents_of_nan_and_infinity_too():
    x, t = np.array([nan, inf, 1.0, -nan, inf, 1.0]), np.array([5.0, 3.0, 2.0, 4.0, 1.0, 0.0])
    np.testing.assert_array_equal(compiled("directional", False)(x, t)["dy"], [0, 2, 1, 3, 4, 5])
    np.testing.assert_array_equal(compiled("directional", True)(x, t)["dy"], [5, 4, 3, 1, 2, 0])


def test_directional_of_a_composition():
    """The chain rule of one-sided derivatives: sort(a sort(x) + b) with ties inside and outside."""
    op = functools.partial(sx.sort, relax=sx.Exact("directional"))
    tangent = jax.jit(lambda x, t: jax.jvp(lambda x: op(A * op(x) + B), (x,), (t,))[1])
    for name in FINITE:
        x = np.array(TIED[name])
        for seed in range(5):
            t = integers(seed)
            limit = one_sided(lambda x: np.sort(A * np.sort(x) + B), x, t)
            np.testing.assert_array_equal(tangent(x, t), limit, err_msg=name)


def test_directional_of_second_order_along_a_curve():
    """sort(x + s t + s^2 u / 2), twice: the s^2 coefficient is where ties of x and t are broken by u."""
    f = functools.partial(sx.sort, relax=sx.Exact("directional"))
    second = jax.jit(lambda x, t, u: jax.jvp(lambda x, t: jax.jvp(f, (x,), (t,))[1], (x, t), (t, u))[1])
    first = lambda x, t: one_sided(np.sort, x, t)
    for name in FINITE:
        x = np.array(TIED[name])
        for seed in range(5):
            t, u = integers(seed, high=2), integers(seed + 9)
            limit = one_sided(first, x, t, t, u, h=2.0**-12)
            np.testing.assert_array_equal(second(x, t, u), limit, err_msg=name)


def test_directional_sort_by():
    """Values that are equal where their keys are, else the perturbed values jump and have no derivative."""
    f = functools.partial(sx.sort_by, relax=sx.Exact("directional"))
    tangent = jax.jit(lambda k, v, dk, dv: jax.jvp(f, (k, v), (dk, dv))[1])
    for name in FINITE:
        k = np.array(TIED[name])
        for seed in range(5):
            dk, dv = integers(seed), integers(seed + 9)
            limit = one_sided(lambda k, v: v[order(k)], k, k * k, dk, dv)
            np.testing.assert_array_equal(tangent(k, k * k, dk, dv), limit, err_msg=name)


def test_directional_sort_by_several_keys():
    f = lambda a, b, v: sx.sort_by((a, b), v, relax=sx.Exact("directional"))
    tangent = jax.jit(lambda a, b, v, *d: jax.jvp(f, (a, b, v), d)[1])
    exact = lambda a, b, v: v[np.lexsort((b, a))]
    for seed in range(8):
        a, b = np.array([1.0, 0.0, 1.0, 0.0, 1.0, 1.0]), integers(seed + 20, high=1)
        da, db, dv = integers(seed, high=2), integers(seed + 9, high=2), integers(seed + 5)
        # A perturbation of the first key outranks the second key itself.
        limit = one_sided(exact, a, b, a, da, db, dv)
        np.testing.assert_array_equal(tangent(a, b, a, da, db, dv), limit)


def test_directional_transposed():
    f = lambda k, w: sx.permutation(k, relax=sx.Exact("directional")).T @ w
    tangent = jax.jit(lambda k, w, dk, dw: jax.jvp(f, (k, w), (dk, dw))[1])
    for name in FINITE:
        k = np.array(TIED[name])
        # Equal weights inside each tie, by which the value does not jump.
        w = np.sort(np.abs(k))[np.unique(np.sort(k), return_index=True)[1][np.unique(np.sort(k), return_inverse=True)[1]]]
        for seed in range(5):
            dk, dw = integers(seed), integers(seed + 9)
            limit = one_sided(lambda k, w: w[np.argsort(order(k))], k, w, dk, dw)
            np.testing.assert_array_equal(tangent(k, w, dk, dw), limit, err_msg=name)


def test_directional_is_linear_in_values_whose_keys_stand_still():
    k, w = np.array([1.0, 0.0, 1.0, 1.0]), np.array([1.0, 10.0, 100.0, 1000.0])
    f = lambda v: sx.sort_by(k, v, relax=sx.Exact("directional")) @ w
    assert_same(jax.grad(f)(np.arange(4.0)), w[np.argsort(order(k))])


@pytest.mark.parametrize(
    "f",
    [
        lambda relax: jax.grad(lambda x: sx.sort(x, relax=relax).sum()),
        lambda relax: jax.grad(lambda x: sx.sort_by(x, x, relax=relax).sum()),
        lambda relax: jax.grad(lambda x: (sx.permutation(x, relax=relax).T @ x).sum()),
        lambda relax: jax.jacrev(lambda x: sx.sort(x, relax=relax)),
        lambda relax: jax.hessian(lambda x: sx.sort(x, relax=relax).sum()),
        lambda relax: jax.grad(jax.jit(lambda x: jax.vmap(lambda y: sx.sort(y, relax=relax))(x[None]).sum())),
    ],
    ids=["sort", "sort_by", "permutation", "jacrev", "hessian", "jit of vmap"],
)
def test_directional_has_no_reverse_mode(f):
    with pytest.raises(ValueError, match="forward derivative only"):
        f(sx.Exact("directional"))(np.array([2.0, 1.0, 2.0]))


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_batches_are_rows(ties):
    """Each row of a batch, along any axis, has the derivative that it has alone."""
    x = draw("small range", np.float64, (4, 6))
    t = np.random.default_rng(1).normal(size=(4, 6))
    alone = [compiled(ties, False)(a, b) for a, b in zip(x, t, strict=True)]
    dy = np.stack([one["dy"] for one in alone])
    for axis, turn in ((1, np.asarray), (0, np.transpose)):
        f = functools.partial(sx.sort, axis=axis, relax=RELAXATIONS[ties])
        np.testing.assert_allclose(jax.jvp(f, (turn(x),), (turn(t),))[1], turn(dy), rtol=1e-14)
        if ties in REVERSIBLE:
            back = np.stack([one["vjp"] for one in alone])
            np.testing.assert_allclose(jax.vjp(f, turn(x))[1](turn(t))[0], turn(back), rtol=1e-14)
    assert_same(sx.sort(x, relax=RELAXATIONS[ties]), take(x, order(x)))
