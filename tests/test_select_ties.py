"""What each tie policy means for the ops that need a part of the order, held against every permutation that sorts."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import RELAXATIONS, REVERSIBLE, all_sorting, assert_same, order
from ops import OPS
from selection import SELECTIONS

QUICK_TO_COMPILE = True
nan, inf = np.nan, np.inf
# Vectors with ties of every kind; all of one length, so that one compilation serves them.
TIED = {
    "a pair and a triple": [2.0, 1.0, 2.0, 2.0, 1.0, 0.0],
    "ties left out": [1.0, 2.0, 2.0, 0.0, 2.0, 2.0],
    "all equal": [3.0, 3.0, 3.0, 3.0, 3.0, 3.0],
    "no tie": [3.0, 1.0, 4.0, 2.0, 6.0, 5.0],
    "signed zeros": [0.0, -0.0, 1.0, -0.0, 0.0, -1.0],
    "infinities": [inf, -inf, inf, 0.0, -inf, inf],
    "NaN of both signs": [nan, 1.0, -nan, 0.0, 1.0, nan],
}
FINITE = [name for name in TIED if name not in ("NaN of both signs", "infinities")]
MEANS = ("trimmed_mean", "trimmed_mean where")
# A mean with a NaN has no derivative to agree on; interpolations at infinities have a test of their own.
UNDEFINED = {(name, "NaN of both signs") for name in MEANS} | {
    (name, "infinities") for name, op in SELECTIONS.items() if not op.exact and name not in MEANS
}
# Where an element equals the bound, the derivative is by definition its own, not the one-sided limit.
BY_DEFINITION = ("partition", "winsorize")


def integers(seed, shape=6, high=4):
    return np.random.default_rng(seed).integers(-high, high, shape).astype(np.float64)


def one_sided(f, x, t, h=2.0**-30):
    """(f(x + h t) - f(x)) / h, exactly but for an op's own rounding: small integers and a small power of two make none."""
    return (f(x + h * t) - f(x)) / h


@functools.cache
def compiled(ties):
    """Value, tangent and cotangent of every op under one policy, in one compilation."""
    relax = RELAXATIONS[ties]

    def run(x, t):
        out = {}
        for name in SELECTIONS:
            f = lambda x: OPS[name](x, -1, relax)
            y, dy = jax.jvp(f, (x,), (t,))
            jacobian = jax.jacrev(f)(x) if ties in REVERSIBLE else None
            out[name] = y, dy, jacobian
        return out

    jitted = jax.jit(run)
    return lambda x, t: jax.tree.map(np.asarray, jitted(x, t))


@functools.cache
def found(ties, tied, seed):
    return compiled(ties)(np.array(TIED[tied]), integers(seed))


def points(name, seeds, among=TIED):
    """The vectors at which an op has a derivative, and directions."""
    for tied in among:
        if (name, tied) not in UNDEFINED:
            for seed in range(seeds):
                yield tied, seed, np.array(TIED[tied]), integers(seed)


def close(actual, expected, note):
    np.testing.assert_allclose(actual, expected, rtol=1e-13, atol=1e-14, err_msg=note)


@pytest.mark.lowering
@pytest.mark.parametrize("ties", REVERSIBLE)
@pytest.mark.parametrize("name", SELECTIONS)
def test_linear_policies_are_means_of_sorting_permutations(name, ties):
    op = SELECTIONS[name]
    for tied, seed, x, t in points(name, 1):
        _, dy, jacobian = found(ties, tied, seed)[name]
        close(dy, op.expected_tangent(x, t, ties), f"jvp at {tied}")
        close(jacobian, np.stack([op.expected_tangent(x, e, ties) for e in np.eye(6)], -1), f"jacobian at {tied}")


def test_interpolation_at_infinities_is_linear():
    """The derivative is that of (1 - f) s_i + f s_(i + 1), also where one of these, or both, are infinite."""
    for ties in RELAXATIONS:
        for name, tied in sorted(UNDEFINED):
            if tied == "infinities":
                x, t = np.array(TIED[tied]), integers(0)
                expected = SELECTIONS[name].expected_tangent(x, t, ties)
                close(found(ties, tied, 0)[name][1], expected, f"{name}, {ties}")


@pytest.mark.lowering
@pytest.mark.parametrize("name", SELECTIONS)
def test_directional_sorts_what_moves(name):
    for tied, seed, x, t in points(name, 5):
        if name != "weighted median":
            expected = SELECTIONS[name].expected_tangent(x, t, "directional")
            close(found("directional", tied, seed)[name][1], expected, f"at {tied}")


@pytest.mark.parametrize("name", [name for name in SELECTIONS if name not in BY_DEFINITION])
def test_directional_is_the_one_sided_limit(name):
    for tied, seed, x, t in points(name, 5, FINITE):
        limit = one_sided(SELECTIONS[name].value, x, t)
        # An interpolation is rounded.
        np.testing.assert_allclose(found("directional", tied, seed)[name][1], limit, atol=2e-6, err_msg=f"at {tied}")


@pytest.mark.parametrize("name", SELECTIONS)
def test_the_stable_permutation_is_the_first_of_those_that_sort(name):
    for values in TIED.values():
        x = np.array(values)
        every, key = SELECTIONS[name].permutations(x), SELECTIONS[name].key(x)
        assert_same(every[0], np.argsort(key, kind="stable"))
        if SELECTIONS[name].before(x).sum() == 0:
            assert sorted(every.tolist()) == sorted(all_sorting(x, SELECTIONS[name].descending).tolist())
            assert_same(every[0], order(x, descending=SELECTIONS[name].descending))


def test_average_is_the_same_for_equal_elements():
    for tied, values in TIED.items():
        x = np.array(values)
        for name, (_, _, jacobian) in found("average", tied, 0).items():
            op = SELECTIONS[name]
            if name not in ("winsorize", "partition") and (name, tied) not in UNDEFINED:
                key = op.key(x)
                for level in np.unique(key):
                    columns = jacobian[:, key == level]
                    np.testing.assert_allclose(columns, columns[:, :1] * np.ones(columns.shape), 1e-14, 1e-15, err_msg=name)


def test_average_commutes_with_permutations():
    symmetric = [name for name, op in SELECTIONS.items() if op.before(np.ones(6)).sum() == 0 and name not in BY_DEFINITION]
    assert "median" in symmetric and "max" in symmetric
    for values in TIED.values():
        x = np.array(values)
        q = np.random.default_rng(0).permutation(6)
        a, b = compiled("average")(x, x), compiled("average")(x[q], x)
        for name in symmetric:
            np.testing.assert_allclose(b[name][2], a[name][2][:, q], 1e-14, err_msg=name)


LARGEST = {
    "max": sx.max,
    "sort": lambda x, **options: sx.sort(x, **options)[-1],
    "top_k": lambda x, **options: sx.top_k(x, 1, **options)[0][0],
    "kth_value": lambda x, **options: sx.kth_value(x, x.size - 1, **options),
    "kth_value from the end": lambda x, **options: sx.kth_value(x, -1, **options),
    "quantile": lambda x, **options: sx.quantile(x, 1.0, **options),
    "nanquantile": lambda x, **options: sx.nanquantile(x, 1.0, **options),
    "percentile": lambda x, **options: sx.percentile(x, 100, **options),
    "partition": lambda x, **options: sx.partition(x, -1, **options)[-1],
    "segment_sort": lambda x, **options: sx.segment_sort(x, np.zeros(x.size, int), **options)[-1],
    "segment_quantile": lambda x, **options: sx.segment_quantile(x, np.zeros(x.size, int), 1.0, **options)[0],
    "segment_top_k": lambda x, **options: sx.segment_top_k(x, np.zeros(x.size, int), 1, **options)[0][0, 0],
}


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_every_way_to_the_largest_has_one_derivative(ties):
    every = {name: functools.partial(f, relax=RELAXATIONS[ties]) for name, f in LARGEST.items()}
    derivative = jax.jit(
        lambda x, t: {name: jax.grad(f)(x) if ties in REVERSIBLE else jax.jvp(f, (x,), (t,))[1] for name, f in every.items()}
    )
    for values in (
        [2.0, 1.0, 2.0, 2.0, 0.0],
        [-0.0, 0.0, -1.0, 0.0, -0.0],
        [inf, 0.0, inf, 1.0, inf],
        [4.0, 3.0, 2.0, 1.0, 0.0],
    ):
        x, t = np.array(values), np.array([1.0, 9.0, 3.0, 2.0, 5.0])
        largest = x == x.max()
        expected = {
            # top_k has the largest first and, among equal elements, the first.
            "stable": np.eye(5)[np.flatnonzero(largest)[-1]],
            "average": largest / largest.sum(),
            "directional": t[largest].max(),
        }[ties]
        for name, found in derivative(x, t).items():
            first = ties == "stable" and name in ("top_k", "segment_top_k")
            np.testing.assert_allclose(found, np.eye(5)[np.argmax(x)] if first else expected, 1e-15, err_msg=name)
    x = np.array([2.0, nan, 3.0, nan, 0.0])
    for name, found in derivative(x, t).items():
        if name != "nanquantile":
            first = ties == "stable" and name in ("top_k", "segment_top_k")
            stable = np.eye(5)[1 if first else 3]
            expected = {"stable": stable, "average": np.array([0, 0.5, 0, 0.5, 0]), "directional": 9.0}[ties]
            np.testing.assert_allclose(found, expected, 1e-15, err_msg=name)


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_batches_are_rows(ties):
    """Each row of a batch, along any axis, has the derivative that it has alone."""
    rng = np.random.default_rng(0)
    x, t = rng.integers(0, 3, (3, 6)).astype(np.float64), rng.normal(size=(3, 6))
    names = ("top_k", "kth_value where", "partition", "quantile", "weighted median", "segment_top_k")
    alone = [compiled(ties)(a, b) for a, b in zip(x, t, strict=True)]
    for axis, turn in ((1, np.asarray), (0, np.transpose)):
        both = jax.jit(
            lambda x, t: {name: jax.jvp(lambda x: OPS[name](x, axis, RELAXATIONS[ties]), (x,), (t,))[1] for name in names}
        )(turn(x), turn(t))
        for name, dy in both.items():
            np.testing.assert_allclose(turn(dy), np.stack([one[name][1] for one in alone]), 1e-13, 1e-15, err_msg=name)


def test_average_of_many_and_of_large_numbers():
    """The mean of a long run keeps the precision of its type, and that of the largest numbers is finite."""
    t = np.random.default_rng(0).random(2**18).astype(np.float32)
    for f in (sx.max, sx.median, lambda x, relax: sx.kth_value(x, 7, relax=relax)):
        dy = jax.jvp(functools.partial(f, relax=sx.Exact("average")), (np.zeros_like(t),), (t,))[1]
        np.testing.assert_allclose(dy, t.astype(np.float64).mean(), rtol=2e-7)
    for dtype in (np.float16, np.float32, np.float64):
        t = np.full(3, np.finfo(dtype).max)
        dy = jax.jvp(lambda x: sx.max(x, relax=sx.Exact("average")), (np.ones_like(t),), (t,))[1]
        np.testing.assert_allclose(dy, t[0], rtol=float(np.finfo(dtype).eps))


def test_complex_ties():
    x = np.array([1 + 1j, 1 + 0j, 1 + 1j, 0])
    f = lambda x: sx.top_k(x, 2, relax=sx.Exact("average"))[0]
    g = np.array([1.0 + 2j, 3.0 - 1j])
    np.testing.assert_allclose(jax.vjp(f, x)[1](g)[0], np.array([0.5, 0, 0.5, 0]) * g.sum(), rtol=1e-14)
    for ties, first in (("stable", [0, 0, 1, 0]), ("average", [0.5, 0, 0.5, 0])):
        gradient = jax.grad(lambda x: sx.max(x, relax=sx.Exact(ties)).real)(x)
        np.testing.assert_array_equal(gradient, np.array(first, np.complex128))


@pytest.mark.parametrize("name", SELECTIONS)
def test_directional_has_no_reverse_mode(name):
    f = lambda x: jnp.sum(OPS[name](x, -1, sx.Exact("directional")))
    with pytest.raises(ValueError, match="forward derivative only"):
        jax.grad(f)(np.array(TIED["no tie"]))
