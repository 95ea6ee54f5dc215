"""Every transformation of JAX composes with every op that needs a part of the order, under every tie policy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export, lax

import sortax as sx
from helpers import RELAXATIONS, REVERSIBLE, assert_same, deep_but, sorted_, used
from ops import OPS
from selection import SELECTIONS

QUICK_TO_COMPILE = True
N = 6
X = np.random.default_rng(0).integers(0, 4, (3, N)).astype(np.float64)
T = np.random.default_rng(1).normal(size=(3, N))
NAMES = ("top_k", "kth_value where", "partition", "winsorize", "quantile", "weighted median", "segment_sort descending")


def weigh(y):
    """A loss with a curved outside, so that second derivatives see the selection."""
    return (jnp.cos(jnp.arange(y.size, dtype=y.dtype)) * jnp.sin(y.ravel())).sum()


def losses(ties):
    """The losses of all ops, of which one compilation then serves each transformation."""
    return lambda x: jnp.stack([weigh(OPS[name](x * x, -1, RELAXATIONS[ties])) for name in NAMES])


def reference(x, ties):
    """Values, gradients and Hessians of the losses at one vector, in NumPy, from how the sorted vector moves."""
    values, gradients, hessians = [], [], []
    for name in NAMES:
        op = SELECTIONS[name]
        y = op.value(x * x).ravel()
        D = np.stack([op.expected_tangent(x * x, e, ties) for e in np.eye(N)], -1)
        w = np.cos(np.arange(y.size))
        values.append((w * np.sin(y)).sum())
        by_square = D.T @ (w * np.cos(y))
        gradients.append(2 * x * by_square)
        E = D * 2 * x
        hessians.append(E.T @ np.diag(-w * np.sin(y)) @ E + np.diag(2 * by_square))
    return np.stack(values), np.stack(gradients), np.stack(hessians)


def close(actual, expected, note=""):
    np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12, err_msg=note)


@pytest.mark.parametrize("ties", deep_but(("average",), REVERSIBLE))
def test_derivatives_under_everything(ties):
    f, reverse = losses(ties), jax.jacrev(losses(ties))
    values, gradients, hessians = (np.stack(part) for part in zip(*(reference(x, ties) for x in X), strict=True))
    scanned = lambda X: lax.scan(lambda carry, x: (carry + f(x), None), jnp.zeros(len(NAMES)), X)[0].sum()
    expected = {
        "vmap": (jax.vmap(f), values),
        "vmap of reverse": (jax.vmap(reverse), gradients),
        "vmap of columns": (lambda X: jax.vmap(reverse, 1)(X.T), gradients),
        "vmap of forward": (jax.vmap(jax.jacfwd(f)), gradients),
        "forward over reverse": (jax.vmap(jax.jacfwd(reverse)), hessians),
        "checkpoint": (lambda X: jax.jacrev(jax.checkpoint(f))(X[0]), gradients[0]),
        "scan": (jax.grad(scanned), gradients.sum(1)),
    }
    # One compilation for all.
    found = jax.jit(lambda X: {name: g(X) for name, (g, _) in expected.items()})(X)
    for name, (_, wanted) in expected.items():
        close(found[name], wanted, name)
    out, push = jax.linearize(jax.jit(f), X[0])
    close(out, values[0])
    close(push(T[0]), gradients[0] @ T[0])


def test_reverse_over_reverse():
    f = lambda x: losses("average")(x).sum()
    close(jax.jit(jax.jacrev(jax.jacrev(f)))(X[0]), reference(X[0], "average")[2].sum(0))


def test_directional_forward():
    f = losses("directional")
    push = lambda x, t: jax.jvp(f, (x,), (t,))[1]
    alone = jax.jit(push)
    expected = np.stack([alone(x, t) for x, t in zip(X, T, strict=True)])
    total = lambda X: lax.scan(lambda carry, x: (carry + f(x), None), jnp.zeros(len(NAMES)), X)[0]
    vmapped, of_tangents, checkpointed, scanned = jax.jit(
        lambda X, T: (
            jax.vmap(push)(X, T),
            jax.vmap(push, (None, 0))(X[0], T),
            jax.jvp(jax.checkpoint(f), (X[0],), (T[0],))[1],
            jax.jvp(total, (X,), (T,))[1],
        )
    )(X, T)
    close(vmapped, expected)
    close(of_tangents[0], expected[0])
    close(checkpointed, expected[0])
    close(scanned, expected.sum(0))


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_vmap_axes(ties):
    x = np.random.default_rng(0).integers(0, 3, (2, 3, N)).astype(np.float64)
    every = lambda axis: lambda x: {name: OPS[name](x, axis, RELAXATIONS[ties]) for name in NAMES}
    expected = jax.jit(every(-1))(x)
    # The mapped axis, and the op's axis in what is left, each before and after the other.
    for moved, mapped, axis in ((x, 0, 1), (x.transpose(1, 0, 2), 1, 1), (x.transpose(2, 1, 0), 2, 0)):
        found = jax.jit(jax.vmap(every(axis), mapped))(moved)
        for name, result in found.items():
            y = np.moveaxis(np.asarray(result), axis + 1, -1)
            np.testing.assert_allclose(y, expected[name], rtol=1e-14, err_msg=f"{name} {mapped}")


def test_vmap_of_what_comes_with_the_array():
    """k, q, the mask, the weights and the ids are mapped alone, the array is mapped alone, and both are."""
    rng = np.random.default_rng(2)
    cases = {
        "k": (lambda x, k: sx.kth_value(x, k), rng.integers(-N, N, 3)),
        "several k": (lambda x, k: sx.kth_value(x, k), rng.integers(-N, N, (3, 2))),
        "k of a mask": (lambda x, k: sx.top_k_mask(x, k), np.array([0, 2, N])),
        "q": (lambda x, q: sx.quantile(x, q), rng.random(3)),
        "several q": (lambda x, q: sx.quantile(x, q, method="weibull"), rng.random((3, 2))),
        "where": (lambda x, where: sx.median(x, where=where), rng.random((3, N)) < 0.6),
        "where of max": (lambda x, where: sx.max(x, where=where, initial=0.0), rng.random((3, N)) < 0.5),
        "where of ranks": (lambda x, where: sx.rank(x, where=where), rng.random((3, N)) < 0.5),
        "where of kth": (lambda x, where: sx.kth_value(x, 1, where=where), rng.random((3, N)) < 0.9),
        "weights": (lambda x, w: sx.median(x, weights=w), rng.random((3, N))),
        "ids": (lambda x, ids: sx.segment_top_k(x, ids, 2, 3)[0], rng.integers(0, 4, (3, N))),
        "ids of quantiles": (lambda x, ids: sx.segment_quantile(x, ids, 0.3, 2), rng.integers(0, 2, (3, N))),
    }
    alone = jax.jit(lambda x, others: {name: f(x, others[name]) for name, (f, _) in cases.items()})
    others = {name: other for name, (_, other) in cases.items()}
    each = [jax.tree.map(lambda v: v[i], others) for i in range(3)]
    stack = lambda results: jax.tree.map(lambda *parts: np.stack(parts), *results)
    both = jax.jit(jax.vmap(alone))(X, others)
    jax.tree.map(close, both, stack([alone(x, other) for x, other in zip(X, each, strict=True)]))
    jax.tree.map(close, jax.jit(jax.vmap(alone, (None, 0)))(X[0], others), stack([alone(X[0], other) for other in each]))
    jax.tree.map(close, jax.jit(jax.vmap(alone, (0, None)))(X, each[0]), stack([alone(x, each[0]) for x in X]))


def test_vmap_of_gradients_in_q_and_the_array():
    f = lambda x, q: sx.quantile(x, q)
    q = np.array([0.11, 0.47, 0.93])
    x = np.random.default_rng(3).normal(size=(3, N))
    by_x, by_q = jax.jit(jax.vmap(jax.grad(f, (0, 1))))(x, q)
    for row, p, dx, dq in zip(x, q, by_x, by_q, strict=True):
        s, rank = np.sort(row), p * (N - 1)
        lower = int(rank)
        expected = np.where(row == s[lower], 1 - rank % 1, np.where(row == s[lower + 1], rank % 1, 0))
        close(dx, expected)
        close(dq, (N - 1) * (s[lower + 1] - s[lower]))
    outer = jax.jit(jax.vmap(jax.vmap(jax.grad(f, 1), (None, 0)), (0, None)))(x, q)
    close(np.diagonal(outer), by_q)


def checks():
    names = ("sort", "permute", "run_mean", "linear_scan", "select", "top_k", "partition")
    return [export.DisabledSafetyCheck.custom_call(f"sortax_{name}") for name in names]


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_export(ties):
    loss = losses(ties)
    f = jax.jit(loss if ties == "directional" else lambda x: (loss(x), jax.jacrev(loss)(x)))
    exported = export.export(f, disabled_checks=checks())(jax.ShapeDtypeStruct((N,), np.float64))
    jax.tree.map(close, exported.call(X[0]), f(X[0]))
    pytest.importorskip("flatbuffers")
    jax.tree.map(close, export.deserialize(exported.serialize()).call(X[0]), f(X[0]))


def test_export_for_every_platform():
    f = jax.jit(lambda x: jax.jacrev(losses("average"))(x))
    platforms = ("cpu", "cuda", "rocm", "tpu")
    exported = export.export(f, platforms=platforms, disabled_checks=checks())(jax.ShapeDtypeStruct((N,), np.float64))
    assert exported.platforms == platforms
    close(exported.call(X[0]), f(X[0]))


def test_exported_with_an_unknown_batch():
    size = export.symbolic_shape(f"b, {N}")
    f = jax.jit(lambda x: (sx.top_k(x, 2)[0], sx.median(x, -1), sx.max(x, -1), sx.partition(x, 2)))
    exported = export.export(f, disabled_checks=checks())(jax.ShapeDtypeStruct(size, np.float64))
    for rows in (X, X[:1]):
        for actual, expected in zip(exported.call(rows), f(rows), strict=True):
            assert_same(actual, expected)


def test_loops_and_conditionals():
    x = X[0]
    keep = lambda x: lax.while_loop(lambda s: s[0] < 2, lambda s: (s[0] + 1, sx.winsorize(s[1], (0.2, 0.2))), (0, x))[1]
    assert_same(jax.jit(keep)(x), sx.winsorize(sx.winsorize(x, (0.2, 0.2)), (0.2, 0.2)))
    assert_same(jax.jit(lambda x: lax.cond(x[0] > 9, lambda x: x, lambda x: sx.top_k(x, N)[0], x))(x), sorted_(x)[::-1])
    assert_same(lax.map(sx.median, X), np.median(X, -1))


def test_only_a_selection_is_computed():
    """No op of a few ranks sorts, forward or backward."""
    for f in (
        lambda x: sx.top_k(x, 3)[0].sum(),
        lambda x: sx.kth_value(x, 3),
        sx.median,
        sx.max,
        lambda x: sx.quantile(x, 0.3),
        lambda x: sx.partition(x, 3).sum(),
        lambda x: sx.winsorize(x, (0.2, 0.2)).sum(),
        lambda x: sx.trimmed_mean(x, (0.2, 0.2)),
        lambda x: sx.nanmedian(x),
    ):
        for g in (f, jax.grad(f), jax.value_and_grad(jax.checkpoint(f))):
            assert used(g, X[0]) == []
    average = functools.partial(sx.median, relax=sx.Exact("average"))
    assert used(jax.grad(average), X[0]) == []


def test_one_call_gives_values_and_indices():
    """A relaxation that selects or sorts does so once, whatever is asked of it."""
    for relax in (sx.Exact(), sx.Exact("average"), sx.SoftSort(0.3), sx.StraightThrough(sx.SoftSort(0.3))):
        for f in (
            lambda x: sx.top_k(x, 2, relax=relax),
            lambda x: sx.segment_top_k(x, np.arange(N) % 2, 2, 2, relax=relax),
            lambda x: sx.median(x, weights=x * x, relax=relax),
        ):
            text = jax.jit(f).lower(X[0]).compile().as_text()
            calls = [text.count(f'custom_call_target="sortax_{name}"') for name in ("sort", "top_k")]
            assert sum(calls) == (1 if sx.native_status().available else 0)


def test_never_traces_twice():
    traces = []

    @jax.jit
    def f(x, relax):
        traces.append(relax.ties)
        return sx.median(x, relax=relax) + sx.top_k(x, 1, relax=relax)[0][0]

    for ties in (*RELAXATIONS, *RELAXATIONS):
        f(X[0], sx.Exact(ties))
    assert traces == list(RELAXATIONS)
