"""Every transformation of JAX composes with every op and tie policy, and a plain sort computes no permutation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export, lax

import sortax as sx
from helpers import (
    RELAXATIONS,
    REVERSIBLE,
    assert_same,
    distinct,
    order,
    sorted_,
    take,
    used,
)
from ops import OPS, SORTING

QUICK_TO_COMPILE = True

X = np.random.default_rng(0).integers(0, 4, (3, 5)).astype(np.float64)
T = np.random.default_rng(1).normal(size=(3, 5))
# A loss with a curved outside, so that second derivatives see the permutation.
W = np.random.default_rng(2).normal(size=5)


def loss(relax, op=OPS["sort"]):
    return lambda x: (W * jnp.sin(op(x * x, -1, relax))).sum()


def reference(x, ties):
    """Value, gradient and Hessian of the loss at one vector, from the dense matrix of the policy, in NumPy."""
    indices = order(x * x)
    P = np.eye(5)[indices]
    if ties == "average":
        same = (x * x)[indices][:, None] == (x * x)[indices]
        P = same / same.sum(1, keepdims=True) @ P
    y, D = P @ (x * x), P @ np.diag(2 * x)
    outer = D.T @ np.diag(-W * np.sin(y)) @ D
    return (W * np.sin(y)).sum(), D.T @ (W * np.cos(y)), outer + np.diag(2 * (P.T @ (W * np.cos(y))))


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("ties", REVERSIBLE)
@pytest.mark.parametrize("name", SORTING)
def test_grad_under_everything(name, ties):
    f = loss(REVERSIBLE[ties], OPS[name])
    value, gradient, _ = (np.stack(parts) for parts in zip(*(reference(x, ties) for x in X), strict=True))
    close(jax.jit(jax.vmap(f))(X), value)
    close(jax.jit(jax.vmap(jax.grad(f)))(X), gradient)
    close(jax.grad(lambda X: jax.vmap(f)(X).sum())(X), gradient)
    close(jax.jit(jax.grad(jax.checkpoint(f)))(X[0]), gradient[0])
    close(jax.vmap(jax.grad(f), 1)(X.T.copy()), gradient)
    out, push = jax.linearize(f, X[0])
    close(out, value[0])
    close(push(T[0]), gradient[0] @ T[0])
    close(jax.linear_transpose(push, X[0])(1.0)[0], gradient[0])
    if name != "sort_by itself":
        total = lambda X: lax.scan(lambda carry, x: (carry + f(x), None), jnp.zeros(()), X)[0]
        close(jax.jit(jax.grad(total))(X), gradient)


@pytest.mark.parametrize("ties", REVERSIBLE)
def test_hessian(ties):
    f = loss(REVERSIBLE[ties])
    expected = np.stack([reference(x, ties)[2] for x in X])
    close(jax.jit(jax.vmap(jax.hessian(f)))(X), expected)
    close(jax.jit(jax.jacrev(jax.jacrev(f)))(X[0]), expected[0])
    close(jax.jit(jax.jacrev(jax.jacfwd(f)))(X[0]), expected[0])


def test_directional_forward():
    f = loss(sx.Exact("directional"))
    push = lambda x, t: jax.jvp(f, (x,), (t,))[1]
    expected = np.stack([push(x, t) for x, t in zip(X, T, strict=True)])
    close(jax.jit(jax.vmap(push))(X, T), expected)
    close(jax.vmap(push, (None, 0))(X[0], T)[0], expected[0])
    close(jax.vmap(push, (0, None))(X, T[1])[1], expected[1])
    close(jax.jit(lambda x, t: jax.jvp(jax.checkpoint(f), (x,), (t,))[1])(X[0], T[0]), expected[0])
    total = lambda X: lax.scan(lambda carry, x: (carry + f(x), None), jnp.zeros(()), X)[0]
    close(jax.jvp(total, (X,), (T,))[1], expected.sum())
    close(jax.jacfwd(f)(X[0]), [push(X[0], e) for e in np.eye(5)])


@pytest.mark.parametrize("ties", RELAXATIONS)
@pytest.mark.parametrize("name", [*SORTING, "argsort"])
def test_vmap_axes(name, ties):
    x = np.random.default_rng(0).integers(0, 3, (2, 4, 3)).astype(np.float64)
    for axis in (0, -1):
        f = jax.jit(functools.partial(OPS[name], axis=axis, relax=RELAXATIONS[ties]))
        for mapped in (0, 1, 2):
            expected = np.stack([f(part) for part in np.moveaxis(x, mapped, 0)], 1)
            np.testing.assert_allclose(jax.vmap(f, mapped, 1)(x), expected, rtol=1e-15)


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_vmap_of_keys_or_values_alone(ties):
    keys, values = X, T[:2]
    f = functools.partial(sx.sort_by, relax=RELAXATIONS[ties])
    expected = np.stack([[f(k, v) for v in values] for k in keys])
    over_values = jax.vmap(f, (None, 0))
    np.testing.assert_allclose(jax.vmap(over_values, (0, None))(keys, values), expected, rtol=1e-15)
    np.testing.assert_allclose(jax.vmap(jax.vmap(f, (0, None)), (None, 0), 1)(keys, values), expected, rtol=1e-15)
    if ties in REVERSIBLE:
        one = lambda k, v: f(k, v) @ W
        gradients = jax.vmap(jax.grad(one, 1), (0, None))(keys, values[0])
        np.testing.assert_allclose(gradients, [jax.grad(one, 1)(k, values[0]) for k in keys], rtol=1e-15)


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_export(ties):
    f = jax.jit(loss(RELAXATIONS[ties])) if ties == "directional" else jax.jit(jax.value_and_grad(loss(RELAXATIONS[ties])))
    checks = [export.DisabledSafetyCheck.custom_call(f"sortax_{name}") for name in ("sort", "permute", "run_mean")]
    exported = export.export(f, disabled_checks=checks)(jax.ShapeDtypeStruct((5,), np.float64))
    jax.tree.map(close, exported.call(X[0]), f(X[0]))
    # JAX needs this package to serialise a program, and does not install it.
    pytest.importorskip("flatbuffers")
    jax.tree.map(close, export.deserialize(exported.serialize()).call(X[0]), f(X[0]))


def test_export_for_every_platform():
    checks = [export.DisabledSafetyCheck.custom_call(f"sortax_{name}") for name in ("sort", "permute", "run_mean")]
    for ties in REVERSIBLE:
        f = jax.jit(jax.grad(loss(REVERSIBLE[ties])))
        platforms = ("cpu", "cuda", "rocm", "tpu")
        exported = export.export(f, platforms=platforms, disabled_checks=checks)(jax.ShapeDtypeStruct((5,), np.float64))
        assert exported.platforms == platforms
        close(exported.call(X[0]), f(X[0]))


def test_exported_with_an_unknown_batch():
    size = export.symbolic_shape("b, 5")
    checks = [export.DisabledSafetyCheck.custom_call("sortax_sort")]
    exported = export.export(jax.jit(sx.sort), disabled_checks=checks)(jax.ShapeDtypeStruct(size, np.float64))
    for rows in (X, X[:1]):
        assert_same(exported.call(rows), sorted_(rows))


def test_loops_and_conditionals():
    x = distinct(np.float32, 6)
    assert_same(lax.while_loop(lambda s: s[0] < 2, lambda s: (s[0] + 1, sx.sort(s[1])), (0, x))[1], sorted_(x))
    assert_same(jax.jit(lambda x: lax.cond(x[0] > 9, lambda x: x, sx.sort, x))(x), sorted_(x))
    assert_same(lax.map(sx.sort, x[None]), sorted_(x)[None])


def test_never_traces_twice():
    traces = []

    @jax.jit
    def f(x, relax):
        traces.append(relax.ties)
        return sx.sort(x, relax=relax)

    for ties in (*RELAXATIONS, *RELAXATIONS):
        f(X, sx.Exact(ties))
        f(X + 1, sx.Exact(ties=ties))
    assert traces == list(RELAXATIONS)
    assert hash(sx.Exact("average")) == hash(sx.Exact("average")) and sx.Exact() == sx.Exact("stable")


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_only_what_is_read_is_computed(ties):
    relax = RELAXATIONS[ties]
    sort = functools.partial(sx.sort, relax=relax)
    for f in (sort, jax.jit(sort), jax.vmap(sort), lambda x: jax.jvp(sort, (x,), (T,))[0], jax.checkpoint(sort)):
        assert used(f, X) == [("values",)]
    assert used(functools.partial(sx.argsort, relax=relax), X) == [("indices",)]
    assert used(lambda x: sx.permutation(x, relax=relax).indices, X) == [("indices",)]
    # The mean over ties reads where equal elements are.
    expected = [("values", "indices")] if ties == "average" else [("indices",)]
    assert used(lambda x: sx.permutation(x, relax=relax) @ x, X) == expected
    assert used(lambda x, v: sx.sort_by(x, v, relax=relax), X, T) == expected


def test_one_sort_serves_value_and_gradient():
    f = lambda x: sx.sort(x) @ W
    assert used(jax.value_and_grad(f), X[0]) == [("values", "indices")]
    assert used(jax.grad(f), X[0]) == [("indices",)]
    assert used(jax.grad(lambda x: sx.sort(x, relax=sx.Exact("average")) @ W), X[0]) == [("values", "indices")]
    assert used(lambda x: jax.jvp(sx.sort, (x,), (T,))[1], X) == [("indices",)]
    assert used(jax.hessian(lambda x: (sx.sort(x) ** 3).sum()), X[0]) == [("values", "indices")]


def test_argsort_of_argsort_in_one_sort():
    x = distinct(np.float32, (3, 7))
    assert used(lambda x: sx.permutation(x).inverse, x) == [("inverse",)]
    assert_same(sx.permutation(x).inverse, np.argsort(order(x)).astype(np.int32))
    assert_same(sx.permutation(x).T @ take(x, order(x)), x)
