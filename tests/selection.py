"""The table of the ops that need a part of the order, each with its oracle for values and for derivatives at ties.

Each op stands here as a function of one array that puts its results in the place of the axis, so that all tests can run
over all of them.
"""

import jax.numpy as jnp
import numpy as np

import sortax as sx
from helpers import sorted_
from order_statistics import (
    LIMITS,
    PROBABILITIES,
    Op,
    by_segment,
    entries,
    has_nan,
    ids_of,
    is_inexact,
    is_nan,
    left_out,
    mask_of,
    no_weight,
    partitioned,
    partitioned_tangent,
    per_row,
    pivots,
    quantile_of,
    quantile_tangent,
    segment_ids,
    segment_tangent,
    trimmed,
    trimmed_tangent,
    weighted_tangent,
    weighted_value,
    weights_of,
    winsorized,
    winsorized_tangent,
)


def front(y, axis):
    """Results that lead, in the place of the axis."""
    return jnp.moveaxis(y, 0, axis)


def flat_pair(y, axis):
    """The two axes of `segment_top_k` as one."""
    axis %= y.ndim - 1
    return y.reshape(*y.shape[:axis], -1, *y.shape[axis + 2 :])


def along(v, x, axis):
    """A vector along that axis of `x`."""
    axis %= x.ndim
    return v.reshape([-1 if d == axis else 1 for d in range(x.ndim)])


def mask(x, axis):
    return along(mask_of(x.shape[axis]), x, axis)


def of_segments(f):
    return lambda x, axis, relax: f(x, ids_of(x.shape[axis]), axis=axis, relax=relax)


SELECTIONS = {
    "top_k": Op(
        lambda x, axis, relax: sx.top_k(x, 3, axis=axis, relax=relax)[0],
        lambda x: sorted_(x, descending=True)[..., :3],
        entries(0, 1, 2),
        descending=True,
    ),
    "top_k of all": Op(
        lambda x, axis, relax: sx.top_k(x, x.shape[axis], axis=axis, relax=relax)[0],
        lambda x: sorted_(x, descending=True),
        lambda x, dx, ds: ds,
        descending=True,
    ),
    "bottom_k": Op(
        lambda x, axis, relax: sx.bottom_k(x, 2, axis=axis, relax=relax)[0], lambda x: sorted_(x)[..., :2], entries(0, 1)
    ),
    "kth_value": Op(
        lambda x, axis, relax: sx.kth_value(x, 2, axis, keepdims=True, relax=relax),
        lambda x: sorted_(x)[..., 2:3],
        entries(2),
    ),
    "kth_value of several": Op(
        lambda x, axis, relax: front(sx.kth_value(x, jnp.array([-1, 1, 1, 0]), axis, relax=relax), axis),
        lambda x: sorted_(x)[..., [-1, 1, 1, 0]],
        entries(-1, 1, 1, 0),
    ),
    "kth_value where": Op(
        lambda x, axis, relax: sx.kth_value(x, -2, axis, where=mask(x, axis), keepdims=True, relax=relax),
        per_row(lambda s: s[-2], left_out),
        lambda x, dx, ds: ds[[mask_of(x.size).sum() - 2]],
        left_out,
    ),
    "max": Op(
        lambda x, axis, relax: sx.max(x, axis, keepdims=True, relax=relax), lambda x: sorted_(x)[..., -1:], entries(-1)
    ),
    "min": Op(
        lambda x, axis, relax: sx.min(x, axis, keepdims=True, relax=relax),
        per_row(lambda s: s[-1] if has_nan(s) else s[0]),
        lambda x, dx, ds: ds[[-1 if is_nan(x).any() else 0]],
        any_nan=True,
    ),
    "max where": Op(
        lambda x, axis, relax: sx.max(
            x, axis, keepdims=True, where=mask(x, axis), initial=None if is_inexact(x) else 0, relax=relax
        ),
        per_row(lambda s: s[-1] if is_inexact(s) else max(s[-1], s.dtype.type(0)), left_out),
        lambda x, dx, ds: ds[[mask_of(x.size).sum() - 1]],
        left_out,
    ),
    "partition": Op(
        lambda x, axis, relax: sx.partition(x, pivots(x.shape[axis]), axis, relax=relax), partitioned, partitioned_tangent
    ),
    "winsorize": Op(
        lambda x, axis, relax: sx.winsorize(x, LIMITS, axis, relax=relax),
        winsorized,
        winsorized_tangent,
        any_nan=True,
        real=True,
    ),
    "trimmed_mean": Op(
        lambda x, axis, relax: sx.trimmed_mean(x, LIMITS, axis, keepdims=True, relax=relax),
        per_row(trimmed),
        trimmed_tangent(),
        exact=False,
        real=True,
    ),
    "trimmed_mean where": Op(
        lambda x, axis, relax: sx.trimmed_mean(x, LIMITS, axis, where=mask(x, axis), keepdims=True, relax=relax),
        per_row(trimmed, left_out),
        trimmed_tangent(left_out),
        left_out,
        exact=False,
        real=True,
    ),
    "quantile": Op(
        lambda x, axis, relax: front(sx.quantile(x, PROBABILITIES, axis, relax=relax), axis),
        per_row(quantile_of(PROBABILITIES)),
        quantile_tangent(PROBABILITIES),
        exact=False,
        real=True,
    ),
    "quantile where": Op(
        lambda x, axis, relax: sx.quantile(x, 0.3, axis, where=mask(x, axis), keepdims=True, relax=relax),
        per_row(quantile_of(np.array([0.3])), left_out),
        quantile_tangent(np.array([0.3]), left_out),
        left_out,
        exact=False,
        real=True,
    ),
    "median": Op(
        lambda x, axis, relax: sx.median(x, axis, keepdims=True, relax=relax),
        per_row(quantile_of(np.array([0.5]))),
        quantile_tangent(np.array([0.5])),
        exact=False,
        real=True,
    ),
    "nanmedian": Op(
        lambda x, axis, relax: sx.nanmedian(x, axis, keepdims=True, relax=relax),
        per_row(quantile_of(np.array([0.5])), is_nan),
        quantile_tangent(np.array([0.5]), is_nan),
        is_nan,
        exact=False,
        real=True,
    ),
    "weighted median": Op(
        lambda x, axis, relax: sx.median(x, axis, weights=weights_of(x.shape[axis]), keepdims=True, relax=relax),
        weighted_value,
        weighted_tangent,
        no_weight,
        exact=False,
        real=True,
    ),
    "segment_sort": Op(of_segments(sx.segment_sort), by_segment(lambda s: s, 3), lambda x, dx, ds: ds, segment_ids),
    "segment_sort descending": Op(
        of_segments(lambda *args, **options: sx.segment_sort(*args, 2, descending=True, **options)),
        lambda x: np.concatenate([sorted_(x[..., ids_of(x.shape[-1]) == j], descending=True) for j in range(3)], -1),
        lambda x, dx, ds: ds,
        segment_ids,
        descending=True,
    ),
    "segment_top_k": Op(
        lambda x, axis, relax: flat_pair(sx.segment_top_k(x, ids_of(x.shape[axis]), 2, 2, axis=axis, relax=relax)[0], axis),
        lambda x: np.concatenate(
            [sorted_(x[..., ids_of(x.shape[-1]) == j], descending=True)[..., :2] for j in range(2)], -1
        ),
        segment_tangent(entries(0, 1)),
        segment_ids,
        descending=True,
        any_nan=True,
    ),
    "segment_quantile": Op(
        of_segments(lambda x, ids, **options: sx.segment_quantile(x, ids, 0.3, 2, **options)),
        by_segment(quantile_of(np.array([0.3]))),
        segment_tangent(quantile_tangent(np.array([0.3]))),
        segment_ids,
        exact=False,
        real=True,
    ),
    "segment_median": Op(
        of_segments(lambda x, ids, **options: sx.segment_median(x, ids, 2, **options)),
        by_segment(quantile_of(np.array([0.5]))),
        segment_tangent(quantile_tangent(np.array([0.5]))),
        segment_ids,
        exact=False,
        real=True,
    ),
}
