"""A mask takes elements out of sorting: the rest is sorted as if alone, and they follow in the order of the input.

Whatever they hold, they change no value and no derivative of the rest, and have none themselves.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import DTYPES, RELAXATIONS, REVERSIBLE, assert_same, deep_but, draw, extremes, order
from soft import OPERATORS, SOFT, numbers

QUICK_TO_COMPILE = True
N = 12
MASK = np.random.default_rng(0).random((3, N)) < 0.6
# A row of which all take part, and one of which none does.
MASK[1], MASK[2] = True, False
DTYPES_TRIED = ("bool", "int8", "uint32", "bfloat16", "float32", "complex64")


def sorted_where(x, mask, descending=False):
    """The argsort of one vector: what takes part, then the rest as it comes."""
    part = np.flatnonzero(mask)
    return np.concatenate([part[order(x[part], descending=descending)], np.flatnonzero(~mask)])


def by_rows(f, *arrays):
    return np.stack([f(*rows) for rows in zip(*arrays, strict=True)])


@functools.partial(jax.jit, static_argnums=2)
def everything(x, mask, descending):
    options = dict(where=mask)
    P = sx.permutation(x, descending=descending, **options)
    first = sx.top_k if descending else sx.bottom_k
    return {
        "sort": sx.sort(x, descending=descending, **options),
        "argsort": sx.argsort(x, descending=descending, **options),
        "sort_by": sx.sort_by(x, x, descending=descending, **options),
        "P @": P @ x,
        "P.T @": P.T @ x,
        "first": first(x, 5, **options),
        "partition": sx.partition(x, (2, -1), descending=descending, **options),
        "argpartition": sx.argpartition(x, (2, -1), descending=descending, **options),
        "lexsort": sx.lexsort((x,), descending=descending, **options),
        "kth": sx.kth_value(x, 0, descending=descending, **options),
        "mask": sx.top_k_mask(x, 2, mode="largest" if descending else "smallest", **options),
    }


@pytest.mark.optimised
@pytest.mark.lowering
@pytest.mark.parametrize("dtype", DTYPES_TRIED)
@pytest.mark.parametrize("descending", [False, True])
def test_values(dtype, descending):
    dtype = DTYPES[dtype]
    is_inexact = jnp.issubdtype(dtype, jnp.inexact)
    last = ((-np.inf, np.inf) if is_inexact else extremes(dtype))[0 if descending else 1]
    for name in ("few values", "bits") if dtype.kind != "c" else ("few values",):
        x = draw(name, dtype, (3, N))
        found = everything(x, MASK, descending)
        indices = by_rows(lambda x, mask: sorted_where(x, mask, descending), x, MASK)
        expected = np.take_along_axis(x, indices, 1)
        for op in ("sort", "sort_by", "P @"):
            assert_same(found[op], expected, f"{op} of {name}")
        for op in ("argsort", "lexsort"):
            assert_same(found[op], indices, f"{op} of {name}")
        assert_same(found["P.T @"], np.take_along_axis(x, np.argsort(indices, 1), 1), name)
        assert_same(found["partition"], np.take_along_axis(x, np.asarray(found["argpartition"]), 1), name)
        assert_same(np.asarray(found["partition"])[:, 2], expected[:, 2], name)
        count = MASK.sum(1, keepdims=True)
        is_there = np.arange(5) < count
        assert_same(found["first"][1], np.where(is_there, indices[:, :5], -1), name)
        assert_same(found["first"][0], np.where(is_there, expected[:, :5], np.array(last, dtype)), name)
        assert_same(np.asarray(found["kth"])[:2], expected[:2, 0], name)
        taken = np.argsort(indices, 1) < np.minimum(2, count)
        np.testing.assert_array_equal(found["mask"].astype(float), taken & MASK, err_msg=name)


SORTS = {
    "sort": lambda x, mask, relax: sx.sort(x, where=mask, relax=relax),
    "sort descending": lambda x, mask, relax: sx.sort(x, descending=True, where=mask, relax=relax),
    "sort_by": lambda x, mask, relax: sx.sort_by(x, x, where=mask, relax=relax),
    "partition": lambda x, mask, relax: sx.partition(x, 2, where=mask, relax=relax),
    "P @": lambda x, mask, relax: (
        sx.permutation(x, where=mask, relax=relax) @ jnp.where(mask, jnp.cos(jnp.where(mask, x, 0)), 7)
    ),
    "P.T @": lambda x, mask, relax: sx.permutation(x, where=mask, relax=relax).T @ jnp.cos(jnp.arange(x.size * 1.0)),
    "top_k": lambda x, mask, relax: sx.top_k(x, 4, where=mask, relax=relax)[0],
    "winsorize": lambda x, mask, relax: sx.winsorize(x, (0.2, 0.3), where=mask, relax=relax),
}
FILLS = [[0.25, -0.5], [1e30], [-1e30], [np.nan], [np.inf], [1e30, -1e30, np.nan, -np.inf]]
X = np.round(numbers(N, 2), 1)
PART = MASK[0]


def of_part(op, y):
    """Of a result of all elements what belongs to those that take part: their places, or the first of the order."""
    return y[..., PART] if op in ("winsorize", "P.T @") else y[..., : PART.sum()]


# Masks by every relaxation are tested with other components; these have every way to sort.
QUICK = (*RELAXATIONS, "SoftSort", "LapSum", "Permutahedron l2", "StraightThrough")


@pytest.mark.parametrize("name", deep_but(QUICK, [*RELAXATIONS, *SOFT, "StraightThrough"]))
def test_what_is_left_out_changes_nothing(name):
    """Values and derivatives are those of the rest alone; the tail is what is left out, and has no derivative."""
    relax = RELAXATIONS.get(name) or (sx.StraightThrough(sx.SoftSort(0.4)) if name not in SOFT else SOFT[name].make(0.4))
    ops = {
        op: f for op, f in SORTS.items() if name not in SOFT or name in OPERATORS or op not in ("sort_by", "P @", "P.T @")
    }

    def results(mask):
        every = lambda x: {op: f(x, mask, relax) for op, f in ops.items()}
        return jax.jit(jax.vmap(lambda x, dx: jax.jvp(every, (x,), (dx,)), (0, None)))

    filled = np.stack([np.where(PART, X, np.resize(fill, N)) for fill in FILLS])
    dx = np.cos(np.arange(N * 1.0))
    values, tangents = results(PART)(filled, dx)
    alone = results(np.ones(PART.sum(), bool))(X[PART][None], dx[PART])
    for op in ops:
        for found, expected in ((values[op], alone[0][op]), (tangents[op], alone[1][op])):
            own, of_rest = of_part(op, np.asarray(found)), np.asarray(expected)[0]
            np.testing.assert_allclose(own, np.broadcast_to(of_rest, own.shape), rtol=1e-11, atol=1e-12, err_msg=op)
        if op in ("sort", "sort descending", "sort_by", "partition"):
            np.testing.assert_array_equal(values[op][:, PART.sum() :], filled[:, ~PART], op)
            assert not np.asarray(tangents[op])[:, PART.sum() :].any(), op
        if op == "P @":
            np.testing.assert_array_equal(values[op][:, PART.sum() :], np.full((len(FILLS), (~PART).sum()), 7.0))
        if op == "P.T @":
            tail = np.cos(np.arange(N * 1.0))[PART.sum() :]
            np.testing.assert_array_equal(np.asarray(values[op])[:, ~PART], np.broadcast_to(tail, (len(FILLS), tail.size)))
        if op == "winsorize":
            np.testing.assert_array_equal(values[op][:, ~PART], filled[:, ~PART])
            assert not np.asarray(tangents[op])[:, ~PART].any()


@pytest.mark.parametrize("ties", REVERSIBLE)
def test_gradients_reach_what_takes_part(ties):
    relax = RELAXATIONS[ties]
    x = np.where(PART, np.round(X), np.nan)
    for op, f in SORTS.items():
        gradient = jax.grad(lambda x, f=f: jnp.nansum(jnp.where(jnp.isfinite(y := f(x, PART, relax)), y, 0)))(x)
        assert np.isfinite(gradient).all() and not gradient[~PART].any(), op


def test_a_mask_along_any_axis():
    x = numbers(24).reshape(2, 4, 3)
    mask = np.random.default_rng(3).random((4, 3)) < 0.5
    full = np.broadcast_to(mask, x.shape)
    for axis in (0, 1, -1):
        rows, of_rows = (np.moveaxis(y, axis, -1).reshape(-1, x.shape[axis]) for y in (x, full))
        expected = by_rows(lambda row, own: row[sorted_where(row, own)], rows, of_rows)
        found = np.moveaxis(np.asarray(sx.sort(x, axis, where=mask)), axis, -1)
        assert_same(found.reshape(rows.shape), expected)
    flat = sorted_where(x.ravel(), full.ravel())
    assert_same(sx.sort(x, None, where=mask), x.ravel()[flat])


def test_nothing_takes_part_of_integers():
    x = np.arange(3, dtype=np.int32)
    values, indices = sx.top_k(x, 2, where=np.zeros(3, bool))
    assert values.tolist() == [np.iinfo(np.int32).min] * 2 and indices.tolist() == [-1, -1]
    assert sx.top_k(x, 2, mode="smallest", where=np.zeros(3, bool))[0].tolist() == [np.iinfo(np.int32).max] * 2
    assert sx.sort(x[::-1], where=np.zeros(3, bool)).tolist() == [2, 1, 0]


@pytest.mark.parametrize("share", [(0.2, 0.3), (None, 0.5), (0.25, None)])
def test_winsorize_of_the_rest(share):
    for row, mask in zip(draw("few values", DTYPES["float32"], (3, N)), MASK, strict=True):
        found = np.asarray(sx.winsorize(row, share, where=mask))
        np.testing.assert_array_equal(found[~mask], row[~mask])
        if mask.any():
            np.testing.assert_array_equal(found[mask], sx.winsorize(row[mask], share))
