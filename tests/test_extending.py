"""A relaxation of one's own, as `docs/extending.md` writes it from public names, serves every op of the library.

So does the matrix that streams pairs, on which it stands: values, derivatives and memory.
"""

import doctest
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from ops import for_relaxation
from soft import by_matrix, numbers

QUICK_TO_COMPILE = True
PAGE = Path(__file__).parent.parent / "docs" / "extending.md"
X, T = numbers(12, 3), 0.4


@pytest.fixture(scope="module")
def page():
    """What the page defines, once all it shows has been seen."""
    with np.printoptions(), jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        text = PAGE.read_text()
        test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        runner.run(test, clear_globs=False)
        assert runner.failures == 0 and runner.tries > 5
    lines = text.split("class CauchySort")[1].split("\n\n")[0].splitlines()
    assert len(lines) <= 40
    return test.globs


@pytest.fixture(scope="module")
def own(page):
    return page["CauchySort"]


def cauchy(x, t):
    P = 1 / (1 + ((np.sort(x)[:, None] - x) / t) ** 2)
    return P / P.sum(1, keepdims=True)


def close(actual, expected, note="", rtol=1e-10):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol, err_msg=note)


def test_formulas(own):
    """Values of the ops are those of the dense matrix, in any direction and along any axis."""
    soft = by_matrix(own, cauchy)
    relax = own(T)

    @jax.jit
    def found(x):
        P = sx.permutation(x, relax=relax)
        return {
            "sort": sx.sort(x, relax=relax),
            "descending": sx.sort(x, descending=True, relax=relax),
            "rank": sx.rank(x, relax=relax),
            "mask": sx.top_k_mask(x, 4, relax=relax),
            "median": sx.median(x, relax=relax),
            "top_k": sx.top_k(x, 3, relax=relax)[0],
            "dense": P.dense(),
            "P.T @": P.T @ jnp.cos(x),
            "axis": sx.sort(jnp.stack([x, -x], 1), 0, relax=relax)[:, 1],
        }

    s, y = soft.sort(X, T), found(X)
    close(y["sort"], s)
    close(y["descending"], -soft.sort(-X, T))
    close(y["rank"], soft.ranks(X, T))
    close(y["mask"], soft.place(X, (np.arange(12) >= 8) * 1.0, T))
    close(y["median"], (s[5] + s[6]) / 2)
    close(y["top_k"], -soft.sort(-X, T)[:3])
    close(y["dense"], cauchy(X, T))
    close(y["P.T @"], cauchy(X, T).T @ np.cos(X))
    close(y["axis"], soft.sort(-X, T))


def test_every_op_and_both_modes(own):
    """Each op of the table, along an axis of a batch: forward and reverse derivatives agree, and with central differences."""
    x = numbers(15, 5).reshape(3, 5)
    dx, dt = np.cos(np.arange(15.0)).reshape(3, 5), 0.3
    ops = for_relaxation(True)

    def results(x, t):
        # A temperature that is an array is a parameter.
        return {op: f(x, 1, own(t)) for op, f in ops.items()}

    @jax.jit
    def derivatives(x, t):
        y, dy = jax.jvp(results, (x, t), (dx, jnp.asarray(dt)))
        _, back = jax.vjp(results, x, t)
        weights = jax.tree.map(lambda y: jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape), y)
        cotangent = back(weights)
        return dy, sum(jnp.sum(w * d) for w, d in zip(*map(jax.tree.leaves, (weights, dy)), strict=True)), cotangent

    step, t = 1e-5, jnp.asarray(0.7)
    dy, forward, (gx, gt) = derivatives(x, t)
    close(np.sum(gx * dx) + gt * dt, forward)
    after, before = (jax.jit(results)(x + h * dx, t + h * dt) for h in (step, -step))
    for op in dy:
        close(dy[op], (np.asarray(after[op]) - before[op]) / (2 * step), op, 1e-6)


def test_masks_and_segments(own):
    """What is masked, and other segments, change nothing, whatever they hold."""
    relax, mask = own(T), np.arange(12) % 3 != 1
    ids = np.array([2, 0, 1, 1, 0, 2, 2, 1, 0, 0, 2, 1])

    @jax.jit
    def masked(x):
        return sx.rank(x, where=mask, relax=relax), sx.quantile(x, 0.3, where=mask, relax=relax)

    for fill in (1e30, -1e30, np.nan, np.inf):
        ranks, quantile = masked(np.where(mask, X, fill))
        close(ranks[mask], sx.rank(X[mask], relax=relax))
        close(quantile, sx.quantile(X[mask], 0.3, relax=relax))
        gradient = jax.grad(lambda x: masked(x)[1])(np.where(mask, X, fill))
        close(gradient[mask], jax.grad(lambda x: sx.quantile(x, 0.3, relax=relax))(X[mask]))
        assert not np.asarray(gradient)[~mask].any()
        s = sx.segment_sort(np.where(ids == 1, X, fill), ids, relax=relax)
        close(s[4:8], sx.sort(X[ids == 1], relax=relax))


def test_hard_values(own):
    hard = sx.StraightThrough(own(T))
    np.testing.assert_array_equal(sx.sort(X, relax=hard), np.sort(X))
    close(jax.grad(lambda x: sx.sort(x, relax=hard)[2])(X), jax.grad(lambda x: sx.sort(x, relax=own(T))[2])(X))


def test_what_it_has_not_is_said(own):
    with pytest.raises(TypeError, match="CauchySort has no logarithms of entries; SoftSort"):
        sx.permutation(X, relax=own(T)).log_prob(np.argsort(X))
    with pytest.raises(TypeError, match="CauchySort has no temperature to find; SoftSort"):
        sx.temperature_for(X, own, neighbours=2)
    with pytest.raises(ValueError, match="CauchySort has no ties to break"):
        sx.rank(X, method="min", relax=own(T))


# Pairs that stream.


def matrix_of(x, axis=-1):
    """Pytrees of rows and columns, several blocks of rows, and weights of no symmetry."""
    order = sx.SortedOrder(x, axis)
    s = order.values
    rows, columns = {"s": s, "scale": jnp.exp(jnp.sin(s))}, (s, jnp.cos(s))
    return order, sx.PairwiseMatrix(order, lambda r, c: -r["scale"] * (r["s"] - c[0]) ** 2 + c[1], rows, columns)


def dense_of(x):
    s = np.sort(x)
    logits = -np.exp(np.sin(s))[:, None] * (s[:, None] - s) ** 2 + np.cos(s)
    M = np.exp(logits - logits.max(1, keepdims=True))
    return M / M.sum(1, keepdims=True)


@pytest.mark.parametrize("n", [1, 7, 700])
def test_pairwise_products(n):
    x, v = numbers(n, 1), np.cos(np.arange(n * 1.0))
    products = jax.jit(lambda x, v: (matrix_of(x)[1] @ v, matrix_of(x)[1].T @ v))
    M = dense_of(x)
    mixed, spread = products(x, v)
    close(mixed, M @ v)
    close(spread, M.T @ v)
    entries = matrix_of(x)[1].log_entries(np.arange(n), np.arange(n)[::-1])
    close(entries, np.log(M[np.arange(n), np.arange(n)[::-1]]))


def test_pairwise_batches():
    x = numbers(40, 2).reshape(2, 10, 2)
    found = jax.jit(lambda x: matrix_of(x, 1)[1] @ x)(x)
    for i in range(2):
        for j in range(2):
            close(found[i, :, j], dense_of(x[i, :, j]) @ x[i, :, j])


def test_pairwise_derivatives():
    """In what is mixed and in the weights, in both modes."""
    x, v, dx = numbers(8, 4), np.cos(np.arange(8.0)), np.sin(np.arange(8.0))
    f = jax.jit(lambda x, v: jnp.stack([matrix_of(x)[1] @ v, matrix_of(x)[1].T @ v]))
    central = (f(x + 1e-5 * dx, v) - f(x - 1e-5 * dx, v)) / 2e-5
    close(jax.jvp(lambda x: f(x, v), (x,), (dx,))[1], central, rtol=1e-7)
    close(jax.jacrev(f)(x, v), jax.jacfwd(f)(x, v))
    close(jax.jacrev(f, 1)(x, v)[0], dense_of(x))


def test_pairwise_memory():
    """No array of n x n exists, forward or backward."""
    n = 20_000
    loss = lambda x: jnp.sum(jnp.sin(matrix_of(x)[1] @ x))
    compiled = jax.jit(jax.value_and_grad(loss)).lower(jax.ShapeDtypeStruct((n,), np.float32)).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < n * n * 4 / 50


def test_pairwise_shapes_are_checked():
    order = sx.SortedOrder(X, 0)
    with pytest.raises(ValueError, match=r"each array of columns must have the shape of x, \(12,\), got \(3,\)"):
        sx.PairwiseMatrix(order, lambda a, b: -abs(a - b), X, X[:3])
