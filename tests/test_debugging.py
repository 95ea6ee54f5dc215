"""What JAX has for finding mistakes works: without `jit` results are the same, and nothing is moved to a device unasked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import central, deep_but
from ops import OPS
from soft import SOFT, ops_of

QUICK_TO_COMPILE = True

X = np.random.default_rng(0).normal(size=6)
W = np.random.default_rng(1).normal(size=6)


def with_gradients(ops, relax):
    """Values of all ops and, where they are not integers, their gradients, as one function of a vector."""

    def run(x):
        found = {}
        for name, op in ops.items():
            y, pull = jax.vjp(lambda x, op=op: op(x, -1, relax), x)
            found[name] = y
            if jnp.issubdtype(y.dtype, jnp.floating):
                found[f"gradient of {name}"] = pull(jnp.cos(y))[0]
        return found

    return run


@pytest.mark.parametrize(
    "relax", [pytest.param(sx.Exact(), id="Exact"), pytest.param(sx.SoftSort(0.4), id="SoftSort", marks=pytest.mark.deep)]
)
@pytest.mark.parametrize("forms", ["one form each", pytest.param("all forms", marks=pytest.mark.deep)])
def test_every_op_without_jit(relax, forms):
    # Without jit every step is compiled by itself, which takes long.
    f = with_gradients(
        {name: op for name, op in OPS.items() if forms == "all forms" or " " not in name or "@" in name}, relax
    )
    with jax.disable_jit():
        found = f(X)
    for name, y in jax.jit(f)(X).items():
        np.testing.assert_allclose(found[name], y, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", SOFT)
def test_every_relaxation_without_jit(name):
    soft, t = SOFT[name], 0.7
    relax, ops = soft.make(t), ops_of(name)
    for op, oracle in (("sort", soft.sort), ("rank", soft.ranks)):
        with jax.disable_jit():
            y, pull = jax.vjp(lambda x, op=op: ops[op](x, -1, relax), X)
            (gradient,) = pull(W)
        np.testing.assert_allclose(y, oracle(X, t), rtol=1e-9, atol=1e-9)
        expected = [central(lambda x, oracle=oracle: oracle(x, t) @ W, X, e) for e in np.eye(6)]
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("ties", ["average", "directional"])
def test_every_policy_without_jit(ties):
    # The tangents of the ties are multiples of three, so that no mean is rounded.
    x, dx = np.array([2.0, 1.0, 2.0, 2.0]), np.array([9.0, 1.0, 6.0, 3.0])
    expected = {"average": [1, 6, 6, 6], "directional": [1, 3, 6, 9]}[ties]
    with jax.disable_jit():
        y, dy = jax.jvp(lambda x: sx.sort(x, relax=sx.Exact(ties)), (x,), (dx,))
    assert y.tolist() == [1, 2, 2, 2] and dy.tolist() == expected


def test_transforms_without_jit():
    rows = np.random.default_rng(2).normal(size=(3, 6))
    with jax.disable_jit():
        hessian = jax.vmap(jax.hessian(lambda x: (sx.sort(x) ** 2) @ W))(rows)
        carried, _ = jax.lax.scan(lambda carry, x: (carry + sx.max(x), None), jnp.zeros(()), rows)
    for matrix, x in zip(hessian, rows, strict=True):
        np.testing.assert_allclose(matrix, np.diag(2 * W[np.argsort(np.argsort(x))]), rtol=1e-14)
    np.testing.assert_allclose(carried, rows.max(1).sum(), rtol=1e-14)


# Ops that `jax.numpy` has as well, of arrays that are on their device.
GUARDED = {
    "sort": lambda m, x, q: m.sort(x),
    "sort descending": lambda m, x, q: m.sort(x, descending=True),
    "argsort": lambda m, x, q: m.argsort(x),
    "partition": lambda m, x, q: m.partition(x, 2),
    "argpartition": lambda m, x, q: m.argpartition(x, 2),
    "max": lambda m, x, q: m.max(x),
    "min": lambda m, x, q: m.min(x, axis=-1, keepdims=True),
    "median": lambda m, x, q: m.median(x),
    "nanmedian": lambda m, x, q: m.nanmedian(x),
    "quantile": lambda m, x, q: m.quantile(x, q),
    "nanquantile": lambda m, x, q: m.nanquantile(x, q, method="nearest"),
    "percentile": lambda m, x, q: m.percentile(x, q),
    "nanpercentile": lambda m, x, q: m.nanpercentile(x, q),
    "top_k": lambda m, x, q: (sx if m is sx else jax.lax).top_k(x, 3)[0],
    "gradient of sort": lambda m, x, q: jax.vjp(m.sort, x)[1](x)[0],
    "gradient of max": lambda m, x, q: jax.vjp(m.max, x)[1](q)[0],
    "gradient of median": lambda m, x, q: jax.vjp(m.median, x)[1](q)[0],
    "gradient of quantile": lambda m, x, q: jax.vjp(m.quantile, x, q)[1](q)[0],
}


@pytest.mark.parametrize("x64", deep_but((False,), [False, True]), indirect=True)
@pytest.mark.parametrize("name", GUARDED)
def test_nothing_is_transferred_unasked(name, x64):
    x, q = jnp.asarray(X, float), jnp.asarray(0.3, float)
    with jax.transfer_guard("disallow"):
        GUARDED[name](jnp, x, q)
        found = GUARDED[name](sx, x, q)
        compiled = jax.jit(lambda x, q: GUARDED[name](sx, x, q))(x, q)
    np.testing.assert_allclose(compiled, found, rtol=1e-12 if x64 else 1e-6)


@pytest.mark.parametrize("name", SOFT)
def test_compiled_soft_ops_transfer_nothing_unasked(name):
    relax, x = SOFT[name].make(0.4), jnp.asarray(X)
    f = jax.jit(lambda x: jax.value_and_grad(lambda x: OPS["sort"](x, -1, relax) @ W)(x))
    with jax.transfer_guard("disallow"):
        value, _ = f(x)
    np.testing.assert_allclose(value, SOFT[name].sort(X, 0.4) @ W, rtol=1e-9)


def assert_no_nan(name, ops):
    relax = SOFT[name].make(0.4)
    with jax.debug_nans(True):
        for op in ops.values():
            gradient = jax.grad(lambda x, op=op: jnp.sum(op(x, -1, relax)))(X)
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", deep_but(("SoftSort", "LapSum", "SigmoidSum", "Permutahedron l2"), SOFT))
def test_no_nan_on_clean_data(name):
    """Eager gradients, of which JAX looks at every intermediate result: no NaN is stored to mean something else."""
    chosen = {"sort", "median", "P @"} if SOFT[name].operator else {"sort", "median"}
    assert_no_nan(name, {op: f for op, f in OPS.items() if op in chosen})


@pytest.mark.deep
@pytest.mark.parametrize("name", SOFT)
def test_no_nan_on_clean_data_in_any_op(name):
    assert_no_nan(name, ops_of(name))
