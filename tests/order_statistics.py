"""Values of order statistics in NumPy, and their derivatives from how the sorted array moves.

Every op here is a function of the sorted array, and so differentiates as a formula in the sorted tangent, in which alone
the tie policies differ.
"""

import dataclasses
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from helpers import all_sorting, is_float, order, sorted_
from ops import LIMITS, ids_of, mask_of, pivots, weights_of


def left_out(x):
    return ~mask_of(x.shape[-1])


def plain(x):
    return np.zeros(x.shape[-1], int)


@dataclasses.dataclass(frozen=True)
class Oracle:
    """An op in NumPy: its values, `value(rows)`, and its derivative at one vector, `tangent(x, dx, ds)`.

    `ds` are the tangents in the order of the sorted vector, of which elements with `before` come later. What `exact` says
    is equal to the bit (but for which NaN it is, with `any_nan`), else to rounding; `real` ops take no complex numbers.
    """

    value: Callable
    tangent: Callable
    before: Callable = plain
    descending: bool = False
    exact: bool = True
    any_nan: bool = False
    real: bool = False

    def key(self, x):
        """The vector whose sorting permutations are those of this op at `x`."""
        level = np.unique(x, return_inverse=True, equal_nan=True)[1]
        return self.before(x) * x.size + (x.size - 1 - level if self.descending else level)

    def permutations(self, x):
        """All permutations that sort, the stable one first."""
        every = all_sorting(self.key(x))
        return every[np.lexsort(every.T[::-1])]

    def expected_tangent(self, x, dx, ties):
        """By definition: through the first permutation that sorts, the mean of all, or the one that sorts x + h dx."""
        if ties == "directional":
            ds = dx[np.lexsort((-dx if self.descending else dx, self.key(x)))]
        else:
            every = self.permutations(x)
            ds = dx[every[0]] if ties == "stable" else np.mean([dx[p] for p in every], 0)
        return self.tangent(x, dx, ds)


def entries(*ranks):
    """The rows of the identity at these ranks, applied to sorted tangents."""
    return lambda x, dx, ds: ds[list(ranks)]


def valid(x, before):
    """The sorted elements of group 0 by `before`, row by row: a list, since rows may differ in length."""
    return [sorted_(row[before(row) == 0]) for row in x.reshape(-1, x.shape[-1])]


def per_row(f, before=plain):
    """A value from a function of the sorted elements of each row."""

    def value(x):
        rows = [np.atleast_1d(f(s)) for s in valid(x, before)]
        return np.stack(rows).reshape(*x.shape[:-1], -1)

    return value


def default_float(x):
    return x.astype(x.dtype if is_float(x.dtype) else np.float64)


def lerp(low, high, fraction):
    """The interpolation between two arrays; one whose weight is zero has no effect, even if it is infinite."""
    with np.errstate(invalid="ignore"):
        return np.where(fraction == 0, low, np.where(fraction == 1, high, low * (1 - fraction) + high * fraction))


def is_nan(x):
    """Which elements are NaN, without a warning about signalling ones."""
    with np.errstate(invalid="ignore"):
        return np.isnan(x) if jnp.issubdtype(x.dtype, jnp.inexact) else np.zeros(x.shape, bool)


def has_nan(s):
    return bool(is_nan(s[-1:]).any())


def quantile_of(q):
    """NumPy's default quantile of sorted elements, in double precision."""

    def f(s):
        if not s.size or has_nan(s):
            return np.full(q.shape, np.nan, default_float(s).dtype)
        h = q * (s.size - 1)
        lower = np.floor(h).astype(int)
        wide = s.astype(np.float64)
        y = lerp(wide[lower], wide[np.minimum(lower + 1, s.size - 1)], h - lower)
        return y.astype(default_float(s).dtype)

    return f


def quantile_tangent(q, before=plain):
    def f(x, dx, ds):
        s = sorted_(x[before(x) == 0])
        if has_nan(s):
            return np.full(q.shape, ds[s.size - 1])
        h = q * (s.size - 1)
        lower = np.floor(h).astype(int)
        return lerp(ds[lower], ds[np.minimum(lower + 1, s.size - 1)], h - lower)

    return f


def trimmed(s):
    n = s.size
    y = s.astype(np.float64)[int(LIMITS[0] * n) : n - int(LIMITS[1] * n)]
    # Infinities of both signs have no mean.
    with np.errstate(all="ignore"):
        return np.array(np.nan if has_nan(s) else y.mean()).astype(default_float(s).dtype)


def trimmed_tangent(before=plain):
    def f(x, dx, ds):
        n = int((before(x) == 0).sum())
        return ds[int(LIMITS[0] * n) : n - int(LIMITS[1] * n)].mean(keepdims=True)

    return f


def bounds(n):
    return int(LIMITS[0] * n), n - 1 - int(LIMITS[1] * n)


def winsorized(x):
    s = sorted_(x)
    low, high = (s[..., k : k + 1] for k in bounds(x.shape[-1]))
    return np.where(x < low, low, np.where(x > high, high, x))


def winsorized_tangent(x, dx, ds):
    (low, high), s = bounds(x.size), sorted_(x)
    return np.where(x < s[low], ds[low], np.where(x > s[high], ds[high], dx))


def partitioned(x):
    """Elements between the pivots in their old order, by NumPy's stable sort of the interval that each falls in."""
    n = x.shape[-1]
    kth = sorted(k % n for k in pivots(n))
    place = np.argsort(order(x), -1)
    interval = sum((place >= k).astype(int) + (place > k) for k in kth)
    return np.take_along_axis(x, np.argsort(interval, -1, kind="stable"), -1)


def partitioned_tangent(x, dx, ds):
    dy = np.empty_like(ds)
    dy[order(partitioned(x))] = ds
    return dy


def weighted_ranks(w):
    """The two sorted elements between which the median by these weights lies."""
    mass, half = np.cumsum(w), w.sum() / 2
    return np.argmax(mass >= half), np.argmax(mass > half)


def weighted_median(s_and_w):
    s, w = s_and_w
    lower, upper = weighted_ranks(w)
    return s[lower] / 2 + s[upper] / 2


def no_weight(x):
    return weights_of(x.shape[-1]) == 0


def weighted_value(x):
    out = []
    for row in x.reshape(-1, x.shape[-1]):
        counts = ~no_weight(row)
        indices = order(row[counts])
        s, w = row[counts][indices].astype(np.float64), weights_of(row.size)[counts][indices]
        lower, upper = weighted_ranks(w)
        out.append(np.nan if has_nan(s) else lerp(s[lower], s[upper], 0.5 * (lower != upper)))
    return np.array(out).reshape(*x.shape[:-1], 1).astype(default_float(x).dtype)


def weighted_tangent(x, dx, ds):
    counts = ~no_weight(x)
    indices = order(x[counts])
    if has_nan(x[counts][indices]):
        return ds[counts.sum() - 1 : counts.sum()]
    lower, upper = weighted_ranks(weights_of(x.size)[counts][indices])
    return np.array([(ds[lower] + ds[upper]) / 2])


def by_segment(f, segments=2):
    """Rows of results, one for each segment, of a function of its sorted elements."""

    def value(x):
        ids = ids_of(x.shape[-1])
        return np.concatenate([per_row(f)(x[..., ids == j]) for j in range(segments)], -1)

    return value


def segment_tangent(f, segments=2):
    def tangent(x, dx, ds):
        ids, found = ids_of(x.size), []
        for j in range(segments):
            start, size = (ids < j).sum(), (ids == j).sum()
            found.append(f(x[ids == j], None, ds[start : start + size]))
        return np.concatenate(found)

    return tangent


def segment_ids(x):
    return ids_of(x.shape[-1])
