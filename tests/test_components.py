"""What takes no part changes nothing: what is masked, in another segment, not finite or far away, however large it is.

Values, and derivatives in the elements and in the temperature, are those of the rest alone.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import RELAXATIONS
from soft import OPERATORS, SOFT, numbers

QUICK_TO_COMPILE = True
T = 0.5
EXACT = {f"Exact {ties}": lambda t, relax=relax: relax for ties, relax in RELAXATIONS.items()}
SOFTLY = {name: soft.make for name, soft in SOFT.items()}
STRAIGHT = {"StraightThrough": lambda t: sx.StraightThrough(sx.SoftSort(t))}
EVERY = EXACT | SOFTLY | STRAIGHT
HAS_OPERATOR = {name for name in EVERY if name not in SOFT or SOFT[name].operator}
every = pytest.mark.parametrize("name", EVERY)
dtypes = pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.deep)])

X, N = np.round(numbers(12, 3), 2), 12
MASK = np.arange(N) % 3 != 1
PART = np.flatnonzero(MASK)
# The numbers that stand where no part is taken, in turns if there are several.
FILLS = [[1e30], [-1e30], [6e4], [-1e8], [np.nan], [np.inf], [-np.inf], [1e30, -1e30, np.nan, np.inf], [0.3, -0.2]]
TARGETS = np.round(numbers(12, 4), 1)
QUANTILES = np.array([0.2, 0.7])

# The other ops read the same sorted values or ranks as these few; exact ones, which select, are all run by one tie policy.
FEW_MASKED, FEW_SEGMENTED = ("rank", "top_k_mask", "quantile"), ("sort", "rank")
few_or_all = pytest.mark.parametrize(
    ("dtype", "ops"),
    [("float32", "few"), *(pytest.param(dtype, "all", marks=pytest.mark.deep) for dtype in ("float32", "float64"))],
)


def is_few(name, ops):
    return ops == "few" and name != "Exact average"


def filled(dtype, mask):
    """`X` with each of the fills where the mask is False."""
    rows = [np.where(mask, X, np.resize(np.asarray(fill), N)) for fill in FILLS]
    return np.asarray(rows).astype(dtype)


# Each op with a mask, and of its results those of the elements in `part`; without a mask these are all elements.
MASKED = {
    "rank": lambda x, where, part, relax: sx.rank(x, where=where, relax=relax)[part],
    "rank descending": lambda x, where, part, relax: sx.rank(x, where=where, descending=True, relax=relax)[part],
    "top_k_mask": lambda x, where, part, relax: sx.top_k_mask(x, 3, where=where, relax=relax)[part],
    "quantile": lambda x, where, part, relax: sx.quantile(x, QUANTILES.astype(x.dtype), where=where, relax=relax),
    "weighted quantile": lambda x, where, part, relax: sx.quantile(
        x, QUANTILES.astype(x.dtype), weights=jnp.ones_like(x), method="inverted_cdf", where=where, relax=relax
    ),
    "median": lambda x, where, part, relax: sx.median(x, where=where, relax=relax),
    "max": lambda x, where, part, relax: sx.max(x, where=where, relax=relax),
    "min": lambda x, where, part, relax: sx.min(x, where=where, relax=relax),
    "trimmed_mean": lambda x, where, part, relax: sx.trimmed_mean(x, (0.2, 0.3), where=where, relax=relax),
    "spearman": lambda x, where, part, relax: sx.losses.spearman(
        x, (TARGETS if x.size == N else TARGETS[MASK]).astype(x.dtype), where=where, relax=relax
    ),
    "sort_by": lambda x, where, part, relax: sx.sort_by(x, jnp.sin(x), where=where, relax=relax)[: PART.size],
}

IDS = np.array([2, 0, 1, 1, 0, 2, 2, 1, 0, 0, 2, 1])
OWN = np.flatnonzero(IDS == 1)
# Each op with segments, and of its results those of segment 1, beside the op without segments.
SEGMENTED = {
    "sort": (lambda x, ids, relax: sx.segment_sort(x, ids, 3, relax=relax)[4:8], sx.sort),
    "argsort": (
        lambda x, ids, relax: sx.segment_argsort(x, ids, 3, relax=relax)[4:8].astype(x.dtype),
        lambda x, relax: jnp.asarray(OWN)[sx.argsort(x, relax=relax)].astype(x.dtype),
    ),
    "rank": (lambda x, ids, relax: sx.segment_rank(x, ids, 3, relax=relax)[OWN], sx.rank),
    "top_k_mask": (
        lambda x, ids, relax: sx.segment_top_k_mask(x, ids, 2, 3, relax=relax)[OWN],
        lambda x, relax: sx.top_k_mask(x, 2, relax=relax),
    ),
    "top_k": (
        lambda x, ids, relax: sx.segment_top_k(x, ids, 3, 3, relax=relax)[0][1],
        lambda x, relax: sx.top_k(x, 3, relax=relax)[0],
    ),
    "quantile": (
        lambda x, ids, relax: sx.segment_quantile(x, ids, QUANTILES.astype(x.dtype), 3, relax=relax)[:, 1],
        lambda x, relax: sx.quantile(x, QUANTILES.astype(x.dtype), relax=relax),
    ),
    "median": (lambda x, ids, relax: sx.segment_median(x, ids, 3, relax=relax)[1], sx.median),
}


def directions(mask, of_all):
    """Tangents of the elements and of the temperature: every unit vector, or one of all numbers and one of what takes no part."""
    if of_all:
        return np.eye(N + 1)[:, :N], np.eye(N + 1)[:, N]
    both = np.cos(3 * np.arange(N) + 1)
    return np.stack([both, np.where(mask, 0, both)]), np.array([0.7, 0])


def with_tangents(results, x, t, dx, dt):
    """Values and forward derivatives in these directions, of each row of `x`, in one program."""

    def of_row(x):
        tangents = jax.vmap(lambda dx, dt: jax.jvp(results, (x, t), (dx, dt))[1])(dx, dt)
        return results(x, t), tangents

    return jax.tree.map(np.asarray, jax.jit(jax.vmap(of_row))(x))


def assert_alone(together, apart, mask, dtype, of_all):
    """Each fill gives what the elements under the mask give alone, with their derivatives and no others."""
    t, (dx, dt) = np.asarray(T, dtype), (d.astype(dtype) for d in directions(mask, of_all))
    values, tangents = with_tangents(together, filled(dtype, mask), t, dx, dt)
    expected, expected_tangents = with_tangents(apart, X[mask].astype(dtype)[None], t, dx[:, mask], dt)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    idle = ~dx[:, mask].any(1) & (dt == 0)
    for op, y in expected.items():
        assert not tangents[op][:, idle].any(), f"{op}: what takes no part has a derivative"
        for what, actual, wanted in (("values", values[op], y), ("tangents", tangents[op], expected_tangents[op])):
            scale = max(1, np.abs(wanted).max())
            for fill, row in zip(FILLS, actual, strict=True):
                note = f"{what} of {op} beside {fill}"
                np.testing.assert_allclose(row, wanted[0], rtol=0, atol=tolerance * scale, err_msg=note)


@every
@few_or_all
def test_masks(name, dtype, ops):
    ops_are_all = ops == "all"
    names = FEW_MASKED if is_few(name, ops) else [op for op in MASKED if op != "sort_by" or name in HAS_OPERATOR]
    ops = {op: MASKED[op] for op in names}
    results = lambda where, part: lambda x, t: {op: f(x, where, part, EVERY[name](t)) for op, f in ops.items()}
    assert_alone(results(MASK, PART), results(None, np.arange(PART.size)), MASK, dtype, ops_are_all)


@every
@few_or_all
def test_segments(name, dtype, ops):
    mask, ops_are_all = IDS == 1, ops == "all"
    ops = {op: SEGMENTED[op] for op in FEW_SEGMENTED} if is_few(name, ops) else SEGMENTED
    together = lambda x, t: {op: f(x, IDS, EVERY[name](t)) for op, (f, _) in ops.items()}
    apart = lambda x, t: {op: f(x, relax=EVERY[name](t)) for op, (_, f) in ops.items()}
    assert_alone(together, apart, mask, dtype, ops_are_all)


FAR = [1e8, 1e30, np.inf]
FAR_AWAY = [pytest.param(name, marks=[pytest.mark.lowering] * (name in ("SoftSort", "LapSum"))) for name in OPERATORS]


@pytest.mark.parametrize("name", FAR_AWAY)
@dtypes
def test_elements_that_are_far_away(name, dtype):
    """Elements far away, even at infinity, are sorted apart: they change no value, rank, entry or product of the rest."""
    t, near = np.asarray(T, dtype), X[:5].astype(dtype)
    order = np.argsort(near)

    def results(x, t, first, columns):
        relax, own = SOFT[name].make(t), slice(first, first + 5)
        P = sx.permutation(x, relax=relax)
        return {
            "sort": sx.sort(x, relax=relax)[own],
            "descending": sx.sort(x, descending=True, relax=relax)[own],
            "entries": P.log_entries(columns)[own],
            "rank": sx.rank(x, relax=relax)[own] - first,
            "P @ v": (P @ jnp.cos(jnp.arange(x.size, dtype=x.dtype) - first))[own],
        }

    def at_columns(first):
        columns = np.arange(5 + 2 * first)
        columns[first : first + 5] = order[::-1] + first
        return columns

    # A direction of all numbers, or every unit vector.
    both = np.eye(6) if dtype == "float64" else np.cos(np.arange(6.0))[None]
    dx, dt = both[:, :5].astype(dtype), both[:, 5].astype(dtype)

    def found(x, first):
        beside = np.pad(dx, ((0, 0), (first, first)))
        return with_tangents(lambda x, t: results(x, t, first, at_columns(first)), x, t, beside, dt)

    alone, beside_far = found(near[None], 0), found(np.asarray([[-far, *near, far] for far in FAR], dtype), 1)
    tolerance = 5e-6 if dtype == "float32" else 1e-11
    for what, actual, wanted in zip(("values", "tangents"), beside_far, alone, strict=True):
        for op, (expected,) in wanted.items():
            scale = max(1, np.abs(expected).max())
            for far, y in zip(FAR, actual[op], strict=True):
                note = f"{what} of {op} beside {far}"
                np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance * scale, err_msg=note)


@pytest.mark.lowering
@pytest.mark.parametrize("name", ["SoftSort", "LapSum", "SigmoidSum"])
def test_entries_over_a_wide_gap(name):
    """The logarithms of entries do not underflow, and their derivative in the temperature is that of central differences."""
    x, columns = np.array([0.0, 0.5, 2000, 2001.5, 5000]), np.array([2, 4, 0, 1, 3])
    f = jax.jit(lambda t: sx.permutation(x, relax=SOFT[name].make(t)).log_entries(columns))
    forward = jax.jit(jax.jacfwd(f))(T)
    assert np.isfinite(f(T)).all() and (np.asarray(f(T)) < -700).any()
    np.testing.assert_allclose(forward, (f(T + 1e-6) - f(T - 1e-6)) / 2e-6, rtol=1e-5)


@pytest.mark.lowering
def test_known_values():
    """Three elements beside others at 1e8, in single precision."""
    x, ids = np.array([0.5, 1, 2, 1e8, 1.5e8], np.float32), np.array([0, 0, 0, 1, 1])
    relax = sx.SoftSort(np.float32(0.5))
    np.testing.assert_allclose(sx.segment_sort(x, ids, relax=relax)[:3], [0.68243, 0.96767, 1.82279], atol=1e-5)
    gradient = jax.grad(lambda x: sx.segment_sort(x, ids, relax=relax)[0])(x)
    np.testing.assert_allclose(gradient, [0.963, 0.0947, -0.0574, 0, 0], atol=1e-3)


@pytest.mark.parametrize("ids", [[-1, 0, 0, -1, 1], [7, 0, 0, 9, 1]])
def test_elements_of_no_segment(ids):
    """Padding: an id that is negative or too large is in no segment, whether it is known when traced or not."""
    x, ids = np.array([9.0, 2, 1, np.nan, 5]), np.array(ids)
    ops = {
        "sort": lambda ids: sx.segment_sort(x, ids, 2)[:3],
        "rank": lambda ids: sx.segment_rank(x, ids, 2),
        "mask": lambda ids: sx.segment_top_k_mask(x, ids, 1, 2),
        "top_k": lambda ids: sx.segment_top_k(x, ids, 2, 2)[0],
        "median": lambda ids: sx.segment_median(x, ids, 2),
    }
    expected = {
        "sort": [1, 2, 5],
        "rank": [0, 1, 0, 0, 0],
        "mask": [0, 1, 0, 0, 1],
        "top_k": [[2, 1], [5, -np.inf]],
        "median": [1.5, 5],
    }
    for op, f in ops.items():
        np.testing.assert_array_equal(f(ids), expected[op], op)
        np.testing.assert_array_equal(jax.jit(f)(ids), expected[op], op)
    if ids.min() < 0:
        assert sx.segment_median(x, ids).shape == (2,)


def test_narrow_ids():
    """The number of segments need not fit the type of the ids."""
    ranks = sx.segment_rank(np.array([3.0, 1, 2]), np.array([0, 0, 255], np.uint8), 1000)
    np.testing.assert_array_equal(ranks, [1, 0, 0])
