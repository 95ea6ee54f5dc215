"""The operators: which shapes `@` takes, `.T`, `.inverse`, `.dense()`, and what they hold under vmap and tree_map."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import RELAXATIONS, REVERSIBLE, assert_same, distinct, order, take

QUICK_TO_COMPILE = True

X = distinct(np.float32, (3, 5, 4))


def permuted(v, axis, indices):
    """`v`, shaped like X with trailing columns, in the order of `indices` along `axis`."""
    axis %= indices.ndim
    return np.take_along_axis(v, indices.reshape(indices.shape + (1,) * (v.ndim - indices.ndim)), axis)


@pytest.mark.parametrize("ties", RELAXATIONS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_shapes(axis, ties):
    indices = order(X, axis)
    inverse = np.argsort(indices, axis)
    P = sx.permutation(X, axis, relax=RELAXATIONS[ties])
    rng = np.random.default_rng(0)
    for columns in ((), (2,), (2, 3), (1,), (0,)):
        v = rng.normal(size=X.shape + columns)
        assert_same(P @ v, permuted(v, axis, indices), f"P, columns {columns}")
        assert_same(P.T @ v, permuted(v, axis, inverse), f"P.T, columns {columns}")
    v = rng.normal(size=X.shape[axis])
    assert_same(P @ v, v[indices])
    assert_same(P.T @ v, v[inverse])


def test_a_vector_shaped_like_a_square_batch_is_one_vector():
    x = distinct(np.float32, (4, 4))
    v = np.arange(4.0)
    assert_same(sx.permutation(x) @ v, v[order(x)])
    assert_same(sx.permutation(x, 0) @ v, v[order(x, 0)])


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_transpose_twice(ties):
    P = sx.permutation(X, 1, relax=RELAXATIONS[ties])
    v = np.random.default_rng(0).normal(size=X.shape)
    assert type(P.T) is type(P) and P.T.axis == P.axis == -2
    assert_same(P.T.T @ v, P @ v)
    assert_same(P.T.indices, P.inverse)
    assert_same(P.T.inverse, P.indices)
    assert jax.tree.structure(P.T.T) == jax.tree.structure(P)


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_dense(ties):
    x = np.array([[2.0, 1.0, 2.0], [0.0, 5.0, 5.0]])
    for axis in (0, 1):
        P = sx.permutation(x, axis, relax=RELAXATIONS[ties])
        matrix = np.asarray(P.dense())
        assert matrix.shape == P.shape
        rows, v = np.moveaxis(x, axis, -1), np.random.default_rng(0).normal(size=x.shape)
        expected = np.moveaxis(np.einsum("bij,bj->bi", matrix, np.moveaxis(v, axis, -1)), -1, axis)
        np.testing.assert_allclose(P @ v, expected, rtol=1e-12)
        np.testing.assert_allclose(np.einsum("bij,bj->bi", matrix, rows), np.sort(rows, -1))
        np.testing.assert_array_equal(P.T.dense(), np.swapaxes(matrix, -1, -2))
        np.testing.assert_allclose(matrix.sum(-1), 1)
        np.testing.assert_allclose(matrix.sum(-2), 1)


@pytest.mark.lowering
@pytest.mark.parametrize(
    "dtype", [np.bool_, np.int8, np.uint64, np.float16, jnp.bfloat16, np.float32, np.complex64, np.complex128]
)
def test_dtypes_of_the_right_hand_side(dtype):
    v = (np.arange(60).reshape(X.shape) % 7).astype(dtype)
    P = sx.permutation(X)
    assert_same(P @ v, take(v, order(X)))
    assert_same(P.T @ v, take(v, np.argsort(order(X), -1)))


@pytest.mark.lowering
@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16, jnp.float8_e5m2, np.float32, np.complex64, np.complex128])
def test_means_keep_the_dtype(dtype):
    v = np.array([1, 2, 6, 4]).astype(dtype)
    P = sx.permutation(np.array([5, 5, 0, 5]), relax=sx.Exact("average"))
    for actual, expected in ((P @ v, [6, 7 / 3, 7 / 3, 7 / 3]), (P.T @ v, [4, 4, 1, 4])):
        assert actual.dtype == dtype
        np.testing.assert_allclose(np.asarray(actual).astype(np.complex128), expected, rtol=float(jnp.finfo(dtype).eps))


@pytest.mark.parametrize("ties", RELAXATIONS)
@pytest.mark.parametrize("axis", [0, 1])
def test_vmapped(axis, ties):
    """Operators made under vmap act as those of each slice, and as one batched operator."""
    x = np.random.default_rng(0).integers(0, 3, (6, 4, 5)).astype(np.float64)
    v = np.random.default_rng(1).normal(size=x.shape)
    make = lambda x: sx.permutation(x, axis, relax=RELAXATIONS[ties])
    stacked = jax.vmap(make)(x)
    expected = np.stack([make(x[i]) @ v[i] for i in range(6)])
    np.testing.assert_allclose(jax.vmap(lambda P, v: P @ v)(stacked, v), expected, rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(stacked @ v, expected, rtol=1e-15, atol=1e-15)
    shared = np.stack([make(x[i]).T @ v[0] for i in range(6)])
    np.testing.assert_allclose(jax.vmap(lambda P, v: P.T @ v, (0, None))(stacked, v[0]), shared, rtol=1e-15, atol=1e-15)
    one = make(x[0])
    np.testing.assert_allclose(
        jax.vmap(lambda v: one @ v, 1, 1)(v.swapaxes(0, 1)), np.stack([one @ u for u in v], 1), rtol=1e-15, atol=1e-15
    )


@pytest.mark.parametrize("ties", REVERSIBLE)
def test_linear_in_the_right_hand_side(ties):
    x = np.array([2.0, 1.0, 2.0, 0.0])
    P = sx.permutation(x, relax=REVERSIBLE[ties])
    matrix = np.asarray(P.dense())
    v, t = np.random.default_rng(0).normal(size=(2, 4))
    assert_same(jax.jacrev(lambda v: P @ v)(v), matrix)
    assert_same(jax.jacfwd(lambda v: P.T @ v)(v), matrix.T)
    assert_same(jax.linear_transpose(lambda v: P @ v, v)(t)[0], P.T @ t)
    # The operator does not change with x; only the vector that it multiplies does.
    assert_same(jax.grad(lambda x: sx.permutation(x, relax=REVERSIBLE[ties]) @ v @ t)(x), np.zeros(4))


def test_is_a_pytree():
    P = sx.permutation(X, 1)
    assert_same(jax.jit(lambda P, v: P.T @ v)(P, X), P.T @ X)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(P))
    assert isinstance(P, sx.Permutation)
