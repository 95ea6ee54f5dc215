"""Soft relaxations are what their papers say: the matrix forms, known answers, the hard limit, and ties."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from ops import for_relaxation
from soft import OPERATORS, SOFT, numbers, one_form_on_both_paths, ops_of

QUICK_TO_COMPILE = True

X = numbers()
every = pytest.mark.parametrize("name", SOFT)


def close(actual, expected, rtol=1e-12, note=""):
    np.testing.assert_allclose(
        actual, expected, rtol=rtol, atol=rtol * max(1, np.abs(expected).max(initial=0)), err_msg=note
    )


@jax.jit
def basic(relax):
    ascending, descending = (
        (sx.sort(X, descending=d, relax=relax), sx.rank(X, descending=d, relax=relax)) for d in (False, True)
    )
    return *ascending, *descending, jax.vmap(lambda k: sx.top_k_mask(X, k, relax=relax))(jnp.arange(X.size + 1))


@pytest.mark.parametrize("name", one_form_on_both_paths())
def test_the_formulas(name):
    soft = SOFT[name]
    for t in (0.01, 0.3, 4.0):
        s, r, falling, from_largest, masks = basic(soft.make(t))
        close(s, soft.sort(X, t), soft.rtol)
        close(r, soft.ranks(X, t), soft.rtol)
        # In descending order the elements are negated, and nothing else is.
        close(falling, -soft.sort(-X, t), soft.rtol)
        close(from_largest, soft.ranks(-X, t), soft.rtol)
        for k in range(X.size + 1):
            taken = (np.arange(X.size) >= X.size - k) * 1.0
            close(masks[k], soft.place(X, taken, t), soft.rtol, f"k = {k}")


@pytest.mark.parametrize("name", one_form_on_both_paths(OPERATORS))
def test_the_operator(name):
    """`dense`, products with columns and shared vectors, the transpose, and the integers of the stable sort."""
    soft, x = SOFT[name], numbers(24, 1).reshape(2, 4, 3)
    rows = np.moveaxis(x, 1, -1)
    v = np.random.default_rng(2).normal(size=(2, 4, 3, 5))
    by_rows = np.moveaxis(v, 1, -2)

    @jax.jit
    def results(x, v):
        P = sx.permutation(x, 1, relax=soft.make(0.4))
        return P, P.dense(), P.T.dense(), P @ v, P.T @ v, P @ np.arange(4.0), P @ jax.lax.complex(v, 2 * v)

    P, dense, transposed, taken, put_back, shared, turned = results(x, v)
    dense = np.asarray(dense)
    assert P.shape == dense.shape == (2, 3, 4, 4)
    close(np.moveaxis(taken, 1, -2), dense @ by_rows)
    close(np.moveaxis(put_back, 1, -2), np.swapaxes(dense, -1, -2) @ by_rows)
    close(np.moveaxis(shared, 1, -1), dense @ np.arange(4.0))
    close(transposed, np.swapaxes(dense, -1, -2))
    for i in np.ndindex(2, 3):
        close(dense[i] @ rows[i], soft.sort(rows[i], 0.4), soft.rtol)
        close(dense[i].T @ np.arange(4.0), soft.place(rows[i], np.arange(4.0), 0.4), soft.rtol)
    np.testing.assert_array_equal(P.indices, np.argsort(x, 1))
    np.testing.assert_array_equal(P.T.indices, P.inverse)
    close(turned, (1 + 2j) * np.asarray(taken))
    with pytest.raises(TypeError, match="cannot hold"):
        P @ np.zeros((2, 4, 3), int)


KNOWN = [
    ("Permutahedron l2", sx.sort, [5, 1, 2], 1.0, [5 / 3, 8 / 3, 11 / 3]),
    ("Permutahedron l2", sx.sort, [5, 1, 2], 0.1, [1, 2, 5]),
    ("Permutahedron l2", sx.rank, [5, 1, 2], 2.0, [2, 0.25, 0.75]),
    ("Permutahedron l2", sx.rank, [5, 1, 2], 1.0, [2, 0, 1]),
    ("Permutahedron kl", sx.rank, [5, 1, 2], 2.0, [2, 0.13262201, 0.86737799]),
    ("Permutahedron kl", sx.rank, [5, 1, 2], 1.0, [2, 0, 1]),
    ("Permutahedron kl", sx.sort, [5, 1, 2], 1.0, [1.08104332, 2.08104332, 3.08104332]),
    ("Permutahedron l2", sx.sort, [8, 0, 5, 3, 2, 1, 6, 7, 9], 0.1, [0, 1, 2, 3, 5, 6, 7, 8, 9]),
    ("Permutahedron l2", sx.rank, [8, 0, 5, 3, 2, 1, 6, 7, 9], 1.0, [7, 0, 4, 3, 2, 1, 5, 6, 8]),
]


@pytest.mark.parametrize(("name", "op", "x", "t", "expected"), KNOWN)
def test_known_answers(name, op, x, t, expected):
    """Those that fast-soft-sort and torchsort print, with ranks from 0."""
    np.testing.assert_allclose(op(np.array(x, float), relax=SOFT[name].make(t)), expected, atol=1e-8)


def test_known_answers_in_descending_order():
    x = np.array([5.0, 1, 2])
    close(sx.sort(x, descending=True, relax=sx.Permutahedron(1.0)), np.array([11, 8, 5]) / 3)
    close(sx.rank(x, descending=True, relax=sx.Permutahedron(2.0)), np.array([0, 1.75, 1.25]))


def test_known_soft_permutation():
    """As difftopk prints it, with rows in ascending order."""
    expected = [
        [0.8437947, 0.04201007, 0.11419519],
        [0.09003057, 0.24472848, 0.66524094],
        [0.03511903, 0.70538455, 0.25949648],
    ]
    P = sx.permutation(np.array([2.0, 5, 4]), relax=sx.SoftSort(1.0))
    np.testing.assert_allclose(P.dense(), expected, atol=1e-8)


def test_kl_ranks_have_a_finite_gradient_when_cold():
    x = np.array([0.1, 0.3, 0.5, 0.03, 0.2, 0.15, 0.65, 0.7, 0.9], np.float32)
    g = jax.jacobian(lambda x: sx.rank(x, relax=sx.Permutahedron(1e-4, "kl")))(x)
    assert np.isfinite(g).all()


def every_op(ops, relax, dtype):
    """The results of all ops of one row of distinct whole numbers."""
    x = np.random.default_rng(0).permutation(11).reshape(1, 11).astype(dtype)
    return jax.jit(lambda x, relax: {op: f(x, -1, relax) for op, f in ops.items()})(x, relax)


@functools.cache
def exactly(dtype):
    return every_op(for_relaxation(True), sx.Exact("average"), dtype)


@pytest.mark.parametrize("name", one_form_on_both_paths())
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-6), pytest.param("float64", 1e-9, marks=pytest.mark.deep)])
def test_the_hard_limit(name, dtype, rtol):
    """At a temperature far below all gaps every op gives what exact sorting does."""
    exact, soft = exactly(dtype), every_op(ops_of(name), SOFT[name].make(1e-3), dtype)
    for op in soft:
        # A soft relaxation partitions by sorting.
        close(soft[op], np.sort(exact[op], -1) if op == "partition" else exact[op], rtol, op)


@every
def test_equal_elements(name):
    """Ranks are equal, and where none differs all of them are the mean; a soft sort of a constant is that constant."""
    relax, same = SOFT[name].make(0.5), np.full(6, 3.0)
    f = jax.jit(lambda x: (sx.sort(x, relax=relax), sx.rank(x, relax=relax), sx.top_k_mask(x, 3, relax=relax)))
    r = np.asarray(f(np.array([1.0, 0, 1, 2, 1, 0]))[1])
    close(r[[0, 2]], r[[2, 4]])
    close(r[1], r[5])
    s, r, mask = f(same)
    close(r, np.full(6, 2.5))
    if SOFT[name].operator:
        close(s, same)
    close(mask, np.full(6, 0.5))


def test_sum_of_exponentials_against_all_pairs():
    """Sigmoid ranks are within 1e-12 of the sum over all pairs in double precision, and within 1e-6 in single."""
    x = numbers(2000)
    for t in (1e-3, 0.05, 1.0, 30.0):
        pairs = SOFT["SigmoidSum"].ranks(x, t)
        np.testing.assert_allclose(sx.rank(x, relax=sx.SigmoidSum(t)), pairs, rtol=0, atol=1e-12 * x.size)
        single = sx.rank(x.astype(np.float32), relax=sx.SigmoidSum(np.float32(t)))
        exact = SOFT["SigmoidSum"].ranks(x.astype(np.float32).astype(np.float64), np.float64(np.float32(t)))
        np.testing.assert_allclose(single, exact, rtol=0, atol=1e-6 * x.size)
