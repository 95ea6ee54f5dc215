"""The laws of soft sorting, for every relaxation: equivariance, order, sums, and temperatures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import deep_but
from soft import OPERATORS, SOFT, numbers, ops_of

QUICK_TO_COMPILE = True
X, T = numbers(12, 3), 0.4
VALUES = np.cos(np.arange(12.0))
every = pytest.mark.parametrize("name", SOFT)


def close(actual, expected, note="", rtol=1e-10):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol, err_msg=note)


@jax.jit
def basic(x, relax):
    return {"sort": sx.sort(x, relax=relax), "rank": sx.rank(x, relax=relax), "mask": sx.top_k_mask(x, 5, relax=relax)}


@every
def test_permutations_of_the_elements(name):
    """Sorted values stay the same; ranks, masks and gradients are permuted alike, at ties as well."""
    relax, order = SOFT[name].make(T), np.random.default_rng(0).permutation(12)

    @jax.jit
    def values_and_gradient(x):
        loss = lambda y: y["sort"] @ VALUES + jnp.sum(jnp.sin(y["rank"])) + jnp.sum(jnp.sin(y["mask"]))
        return basic(x, relax), jax.grad(lambda x: loss(basic(x, relax)))(x)

    for x in (X, np.round(X)):
        (before, g), (after, moved) = values_and_gradient(x), values_and_gradient(x[order])
        close(after["sort"], before["sort"])
        for op in ("rank", "mask"):
            close(after[op], np.asarray(before[op])[order], op)
        close(moved, np.asarray(g)[order])


@every
def test_shifts(name):
    relax = SOFT[name].make(T)
    before, after = basic(X, relax), basic(X + 7, relax)
    close(after["sort"], np.asarray(before["sort"]) + 7)
    close(after["rank"], before["rank"])
    close(after["mask"], before["mask"])


@every
@pytest.mark.parametrize("scale", [1e-3, 5.0])
def test_joint_scales(name, scale):
    """Elements and temperature in another unit give the same ranks, and sorted values in that unit."""
    soft = SOFT[name]
    before = basic(X, soft.make(T))
    after = basic(X * scale, soft.make(T * scale**soft.unit))
    close(after["rank"], before["rank"])
    close(after["mask"], before["mask"])
    sorting = soft.unit if soft.sorting_unit is None else soft.sorting_unit
    if sorting != 0:
        close(sx.sort(X * scale, relax=soft.make(T * scale**sorting)) / scale, before["sort"])


@every
@pytest.mark.parametrize("t", [0.05, 1.0, 20.0])
def test_order_and_range(name, t):
    """Sorted values ascend; ranks ascend with the elements, and masks too; means stay within the range of what they are of."""
    relax = SOFT[name].make(t)
    found, order = basic(X, relax), np.argsort(X)
    assert (np.diff(found["sort"]) >= -1e-12).all()
    ranks = np.asarray(found["rank"])
    assert (np.diff(ranks[order]) >= -1e-12).all() and ranks.min() >= -1e-12 and ranks.max() <= X.size - 1 + 1e-12
    if SOFT[name].balanced and name != "SoftSort doubly stochastic":
        assert (np.diff(np.asarray(found["mask"])[order]) >= -1e-12).all()
    if SOFT[name].operator:
        assert X.min() - 1e-12 <= found["sort"].min() and found["sort"].max() <= X.max() + 1e-12


@every
def test_ranks_are_monotone(name):
    """On random lists, with ties and clusters, at random temperatures: in order, and from 0 to n - 1."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 6)) * 10.0 ** rng.uniform(-1, 1, (300, 1))
    x[::3] = np.round(x[::3])
    x[1::3, 2:4] = x[1::3, :2] + 1e-6
    t = 10.0 ** rng.uniform(-2, 1, 300)
    ranks = jax.jit(jax.vmap(lambda x, t: sx.rank(x, relax=SOFT[name].make(t))))(x, t)
    in_order = np.take_along_axis(np.asarray(ranks), np.argsort(x, 1), 1)
    # The squared kernel is computed as a sum of exponentials, to 1e-13 of the largest weight.
    rounding = 1e-9 if name == "SoftSort squared" else 1e-11
    assert (np.diff(in_order, axis=1) >= -rounding).all()
    assert (in_order >= -rounding).all() and (in_order <= 5 + rounding).all()


@pytest.mark.parametrize("name", [name for name, soft in SOFT.items() if soft.balanced])
@pytest.mark.parametrize("t", [0.05, 1.0, 20.0])
def test_sums(name, t):
    """Ranks sum to n(n - 1)/2, and masks to k for k = 0 .. n, where columns sum to one; then sorting keeps the sum."""
    relax = SOFT[name].make(t)
    close(sx.rank(X, relax=relax).sum(), 66.0)
    masks = jax.jit(jax.vmap(lambda k: sx.top_k_mask(X, k, relax=relax)))(np.arange(13))
    close(masks.sum(1), np.arange(13))
    if name != "Permutahedron kl":
        close(sx.sort(X, relax=relax).sum(), X.sum())


@pytest.mark.parametrize("name", OPERATORS)
def test_rows_and_columns_sum_to_one(name):
    dense = jax.jit(lambda t: sx.permutation(X, relax=SOFT[name].make(t)).dense())
    for t in (0.05, 1.0, 20.0):
        D = np.asarray(dense(t))
        assert (D >= -1e-7).all()
        close(D.sum(1), np.ones(12), rtol=1e-9)
        if SOFT[name].balanced:
            close(D.sum(0), np.ones(12), rtol=1e-9)


# The wrapper is one rule over whatever it wraps: an operator, and one that is none.
@pytest.mark.parametrize("name", deep_but(("SoftSort", "Permutahedron l2"), SOFT))
def test_straight_through(name):
    """Values are those of exact sorting, to the bit, and derivatives those of the relaxation."""
    soft = SOFT[name].make(T)
    x = np.random.default_rng(0).permutation(11).reshape(1, 11) + 0.0
    names = ["sort descending", "rank", "top_k", "top_k_mask", "quantile", "segment_rank"]
    names += ["sort_by", "P.T @"] if SOFT[name].operator else []
    results = lambda x, relax: {op: ops_of(name)[op](x, -1, relax) for op in names}
    tangents = lambda relax: jax.jvp(lambda x: results(x, relax), (x,), (jnp.cos(x),))
    # They are one program, so that what they have in common is compiled once.
    found, expected = jax.jit(lambda: (tangents(sx.StraightThrough(soft)), tangents(soft)))()
    jax.tree.map(np.testing.assert_array_equal, found[0], results(x, sx.Exact()))
    jax.tree.map(close, found[1], expected[1])


def test_straight_through_of_two_soft_ones():
    both = sx.StraightThrough(sx.LapSum(0.3), forward=sx.Permutahedron(0.5))
    np.testing.assert_array_equal(sx.rank(X, relax=both), sx.rank(X, relax=sx.Permutahedron(0.5)))
    gradient = lambda relax: jax.grad(lambda x: sx.rank(x, relax=relax)[0])(X)
    close(gradient(both), gradient(sx.LapSum(0.3)))
    with pytest.raises(TypeError, match=r"Permutahedron is a projection and no matrix.*take SoftSort, LapSum or SigmoidSum"):
        sx.permutation(X, relax=both)
    with pytest.raises(TypeError, match="relax must be a relaxation"):
        sx.StraightThrough(0.3)


@every
def test_elements_must_be_floats(name):
    relax, x = SOFT[name].make(T), np.arange(4)
    for op in (sx.sort, sx.median, sx.max):
        with pytest.raises(TypeError, match="mixes elements, which int64 cannot hold; pass floats"):
            op(x, relax=relax)
    # Ranks and masks are floats anyway.
    np.testing.assert_allclose(sx.rank(x, relax=SOFT[name].make(1e-3)), np.arange(4.0), atol=1e-9)
    with pytest.raises(ValueError, match="method must be 'average', got 'min'"):
        sx.rank(x, method="min", relax=relax)


@every
def test_temperatures_that_are_traced(name):
    """A temperature that is not positive and finite gives NaN; a small one such as 1e-6 does not."""

    @jax.jit
    @jax.vmap
    def results(t):
        relax = SOFT[name].make(t)
        found = list(basic(X, relax).values())
        if SOFT[name].operator:
            P = sx.permutation(X, relax=relax)
            found += [P @ VALUES, P.T @ VALUES, P.log_entries(np.arange(12))]
        return found

    for i, t in enumerate(temperatures := np.array([0.0, -1.0, np.inf, np.nan, 1e-6])):
        for y in results(temperatures):
            assert np.isnan(y[i]).all() if i < 4 else not np.isnan(y[i]).any(), t


def test_temperatures_are_checked():
    for t, message in ((0.0, "positive and finite, got 0"), (-1.0, "positive"), (np.inf, "finite"), (np.nan, "positive")):
        with pytest.raises(ValueError, match=message):
            sx.SoftSort(t)
    with pytest.raises(ValueError, match=r"one a row, of shape \(1,\) here, got shape \(2,\)"):
        sx.sort(np.ones(5), relax=sx.LapSum(np.ones(2)))
    with pytest.raises(ValueError, match="positive and finite, got 0"):
        sx.LapSum(np.array([1.0, 0.0]))
    with pytest.raises(TypeError, match="missing"):
        sx.Permutahedron()
    with pytest.raises(ValueError, match="unknown distance 'cubic'"):
        sx.SoftSort(1.0, "cubic")
    with pytest.raises(ValueError, match="unknown regularizer 'l3'"):
        sx.Permutahedron(1.0, "l3")
