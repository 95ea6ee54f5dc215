"""What a relaxation overrides is what would follow from its two products, or is held to its published form elsewhere.

Sorting by Permutahedron, ranks by LapSum, SigmoidSum and Permutahedron, and the masks of the first two are published in another
form than the default's: test_soft_values.py holds these to that form, written out densely.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import RELAXATIONS
from soft import SOFT, numbers

QUICK_TO_COMPILE = True
EXACT = {f"Exact {ties}": lambda t, relax=relax: relax for ties, relax in RELAXATIONS.items()}
EVERY = EXACT | {name: soft.make for name, soft in SOFT.items()}
PUBLISHED = {"LapSum": {"rank", "top_k_mask"}, "SigmoidSum": {"rank", "top_k_mask"}}
X = np.round(numbers(10, 2), 1)
IDS = np.arange(10) % 2
RANKS, K = np.array([0, 3, 9], np.int32), 4


def results(of, relax, x, has_matrix):
    """The results of each method of `of`, on orders of every kind; without a matrix, of those that follow from `spread`."""
    orders = {
        "plain": sx.SortedOrder(x, 0),
        "descending": sx.SortedOrder(x, 0, descending=True),
        "segments": sx.SortedOrder(x, 0, segments=jnp.asarray(IDS, jnp.int32)),
        "where": sx.SortedOrder(x, 0, where=jnp.asarray(X[2] != X)),
    }
    found = {}
    for kind, order in orders.items():
        found[f"rank, {kind}"] = of.rank(relax, order)
        if not has_matrix:
            continue
        found[f"sort, {kind}"] = of.sort(relax, order)
        found[f"select, {kind}"] = of.select(relax, order, jnp.asarray(RANKS))
        if kind != "where":
            found[f"top_k, {kind}"], indices = of.top_k(relax, order, K)
            found[f"indices of top_k, {kind}"] = indices.astype(float)
    reversed_ties = sx.SortedOrder(x, 0, reverse_ties=True)
    found["top_k_mask, reversed"] = of.top_k_mask(relax, reversed_ties, jnp.asarray(K, jnp.int32))
    return found


@pytest.mark.parametrize("name", EVERY)
def test_defaults(name):
    """Values and tangents, except the published ones; the rank of a stable sort is the mean position among equal elements."""
    relax, dx = EVERY[name](0.4), np.cos(np.arange(10.0))

    def both(of):
        return jax.jvp(lambda x: results(of, relax, x, name not in SOFT or SOFT[name].operator), (X,), (dx,))

    own, default = jax.jit(lambda: (both(type(relax)), both(sx.AbstractRelaxation)))()
    for what, actual, expected in (("values", own[0], default[0]), ("tangents", own[1], default[1])):
        for key, y in actual.items():
            method = key.split(",")[0]
            if method in PUBLISHED.get(name, ()):
                continue
            if method == "rank" and name in ("Exact stable", "Exact directional"):
                # These ranks average ties, which the permutation of the stable sort breaks.
                continue
            np.testing.assert_allclose(y, expected[key], rtol=1e-9, atol=1e-9, err_msg=f"{what} of {key}")


@pytest.mark.parametrize("name", [name for name in SOFT if SOFT[name].operator])
def test_the_matrix(name):
    """Both products are those of one matrix, with rows that sum to one and no entry between components."""
    x = np.where(np.arange(10) == 4, np.inf, X)
    order = sx.SortedOrder(x, 0, segments=jnp.asarray(IDS, jnp.int32))
    relax = SOFT[name].make(0.4)
    M = np.asarray(jax.vmap(lambda v: relax.mix(order, v), 1, 1)(np.eye(10)))
    transposed = jax.vmap(lambda w: relax.spread(order, w), 1, 1)(np.eye(10))
    np.testing.assert_allclose(M.T, transposed, atol=1e-12)
    np.testing.assert_allclose(M.sum(1), 1, atol=1e-9)
    start = np.asarray(order.component_start)
    assert not M[start[:, None] != start].any()
    rows, columns = np.arange(10, dtype=np.int32), np.asarray(order.component_start + order.component_size - 1)
    entries = relax.log_entries(order, rows, columns)
    np.testing.assert_allclose(np.exp(entries), M[rows, columns], atol=1e-6)
