"""The oracles in NumPy of the ops that need a part of the order: values, and derivatives at ties."""

import numpy as np

from helpers import sorted_
from ops import PROBABILITIES, ids_of, is_inexact, mask_of
from order_statistics import (
    Oracle,
    by_segment,
    entries,
    has_nan,
    is_nan,
    left_out,
    no_weight,
    partitioned,
    partitioned_tangent,
    per_row,
    quantile_of,
    quantile_tangent,
    segment_ids,
    segment_tangent,
    trimmed,
    trimmed_tangent,
    weighted_tangent,
    weighted_value,
    winsorized,
    winsorized_tangent,
)

SELECTIONS = {
    "top_k": Oracle(lambda x: sorted_(x, descending=True)[..., :3], entries(0, 1, 2), descending=True),
    "top_k of all": Oracle(lambda x: sorted_(x, descending=True), lambda x, dx, ds: ds, descending=True),
    "bottom_k": Oracle(lambda x: sorted_(x)[..., :2], entries(0, 1)),
    "kth_value": Oracle(lambda x: sorted_(x)[..., 2:3], entries(2)),
    "kth_value of several": Oracle(lambda x: sorted_(x)[..., [-1, 1, 1, 0]], entries(-1, 1, 1, 0)),
    "kth_value where": Oracle(
        per_row(lambda s: s[-2], left_out), lambda x, dx, ds: ds[[mask_of(x.size).sum() - 2]], left_out
    ),
    "max": Oracle(lambda x: sorted_(x)[..., -1:], entries(-1)),
    "min": Oracle(
        per_row(lambda s: s[-1] if has_nan(s) else s[0]), lambda x, dx, ds: ds[[-1 if is_nan(x).any() else 0]], any_nan=True
    ),
    "max where": Oracle(
        per_row(lambda s: s[-1] if is_inexact(s) else max(s[-1], s.dtype.type(0)), left_out),
        lambda x, dx, ds: ds[[mask_of(x.size).sum() - 1]],
        left_out,
    ),
    "partition": Oracle(partitioned, partitioned_tangent),
    "winsorize": Oracle(winsorized, winsorized_tangent, any_nan=True, real=True),
    "trimmed_mean": Oracle(per_row(trimmed), trimmed_tangent(), exact=False, real=True),
    "trimmed_mean where": Oracle(per_row(trimmed, left_out), trimmed_tangent(left_out), left_out, exact=False, real=True),
    "quantile": Oracle(per_row(quantile_of(PROBABILITIES)), quantile_tangent(PROBABILITIES), exact=False, real=True),
    "quantile where": Oracle(
        per_row(quantile_of(np.array([0.3])), left_out),
        quantile_tangent(np.array([0.3]), left_out),
        left_out,
        exact=False,
        real=True,
    ),
    "median": Oracle(per_row(quantile_of(np.array([0.5]))), quantile_tangent(np.array([0.5])), exact=False, real=True),
    "nanmedian": Oracle(
        per_row(quantile_of(np.array([0.5])), is_nan),
        quantile_tangent(np.array([0.5]), is_nan),
        is_nan,
        exact=False,
        real=True,
    ),
    "weighted median": Oracle(weighted_value, weighted_tangent, no_weight, exact=False, real=True),
    "segment_sort": Oracle(by_segment(lambda s: s, 3), lambda x, dx, ds: ds, segment_ids),
    "segment_sort descending": Oracle(
        lambda x: np.concatenate([sorted_(x[..., ids_of(x.shape[-1]) == j], descending=True) for j in range(3)], -1),
        lambda x, dx, ds: ds,
        segment_ids,
        descending=True,
    ),
    "segment_top_k": Oracle(
        lambda x: np.concatenate(
            [sorted_(x[..., ids_of(x.shape[-1]) == j], descending=True)[..., :2] for j in range(2)], -1
        ),
        segment_tangent(entries(0, 1)),
        segment_ids,
        descending=True,
        any_nan=True,
    ),
    "segment_max": Oracle(by_segment(lambda s: s[-1]), segment_tangent(entries(-1)), segment_ids),
    "segment_min": Oracle(
        by_segment(lambda s: s[-1] if has_nan(s) else s[0]),
        segment_tangent(lambda x, dx, ds: ds[[-1 if is_nan(x).any() else 0]]),
        segment_ids,
        any_nan=True,
    ),
    "segment_quantile": Oracle(
        by_segment(quantile_of(np.array([0.3]))),
        segment_tangent(quantile_tangent(np.array([0.3]))),
        segment_ids,
        exact=False,
        real=True,
    ),
    "segment_median": Oracle(
        by_segment(quantile_of(np.array([0.5]))),
        segment_tangent(quantile_tangent(np.array([0.5]))),
        segment_ids,
        exact=False,
        real=True,
    ),
}
