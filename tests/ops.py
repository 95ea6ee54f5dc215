"""The tables of ops, over which all tests run: `CALLS`, as a user calls each, and `OPS`, as functions of one array.

A new op adds one row to each.
"""

import jax.numpy as jnp
import numpy as np

import sortax as sx

PROBABILITIES = np.array([0.5, 1.0, 0.0, 0.3, 0.9])
LIMITS = (0.2, 0.4)
THREE = np.array([0, 1, 0])

# Every op with the fewest arguments that it takes; those with segments are of three elements along the axis.
CALLS = {
    "sort": sx.sort,
    "argsort": sx.argsort,
    "sort_by": lambda x, axis=-1, **options: sx.sort_by(x, np.zeros(np.shape(x)), axis, **options),
    "permutation": sx.permutation,
    "lexsort": lambda x, axis=-1, **options: sx.lexsort((x,), axis, **options),
    "top_k": lambda x, axis=-1, **options: sx.top_k(x, 1, axis=axis, **options),
    "bottom_k": lambda x, axis=-1, **options: sx.bottom_k(x, 1, axis=axis, **options),
    "kth_value": lambda x, axis=-1, **options: sx.kth_value(x, 0, axis, **options),
    "partition": lambda x, axis=-1, **options: sx.partition(x, 0, axis, **options),
    "argpartition": lambda x, axis=-1, **options: sx.argpartition(x, 0, axis, **options),
    "max": lambda x, axis=-1, **options: sx.max(x, axis, **options),
    "min": lambda x, axis=-1, **options: sx.min(x, axis, **options),
    "cummax": lambda x, axis=-1, **options: sx.cummax(x, axis, **options),
    "cummin": lambda x, axis=-1, **options: sx.cummin(x, axis, **options),
    "trimmed_mean": lambda x, axis=-1, **options: sx.trimmed_mean(x, axis=axis, **options),
    "winsorize": lambda x, axis=-1, **options: sx.winsorize(x, axis=axis, **options),
    "quantile": lambda x, axis=-1, **options: sx.quantile(x, 0.5, axis, **options),
    "percentile": lambda x, axis=-1, **options: sx.percentile(x, 50, axis, **options),
    "nanquantile": lambda x, axis=-1, **options: sx.nanquantile(x, 0.5, axis, **options),
    "nanpercentile": lambda x, axis=-1, **options: sx.nanpercentile(x, 50, axis, **options),
    "median": lambda x, axis=-1, **options: sx.median(x, axis, **options),
    "nanmedian": lambda x, axis=-1, **options: sx.nanmedian(x, axis, **options),
    "rank": lambda x, axis=-1, **options: sx.rank(x, axis=axis, **options),
    "top_k_mask": lambda x, axis=-1, **options: sx.top_k_mask(x, 1, axis, **options),
    "segment_sort": lambda x, axis=0, **options: sx.segment_sort(x, THREE, axis=axis, **options),
    "segment_argsort": lambda x, axis=0, **options: sx.segment_argsort(x, THREE, axis=axis, **options),
    "segment_permutation": lambda x, axis=0, **options: sx.segment_permutation(x, THREE, axis=axis, **options),
    "segment_rank": lambda x, axis=0, **options: sx.segment_rank(x, THREE, axis=axis, **options),
    "segment_top_k": lambda x, axis=0, **options: sx.segment_top_k(x, THREE, 1, axis=axis, **options),
    "segment_top_k_mask": lambda x, axis=0, **options: sx.segment_top_k_mask(x, THREE, 1, axis=axis, **options),
    "segment_max": lambda x, axis=0, **options: sx.segment_max(x, THREE, axis=axis, **options),
    "segment_min": lambda x, axis=0, **options: sx.segment_min(x, THREE, axis=axis, **options),
    "segment_quantile": lambda x, axis=0, **options: sx.segment_quantile(x, THREE, 0.5, axis=axis, **options),
    "segment_median": lambda x, axis=0, **options: sx.segment_median(x, THREE, axis=axis, **options),
}


def ids_of(n):
    """Segments 0 and 1, neither together nor in order, and every sixth element in none of them."""
    return np.resize([0, 1, 0, 0, 1, 2], n)


def mask_of(n):
    return np.arange(n) % 6 != 2


def weights_of(n):
    """Weights of two decimals, whose sums hit no quantile by rounding; one of them is zero."""
    return np.resize([1.25, 0.5, 2.0, 0.25, 0.0, 1.0], n)


def pivots(n):
    return (-2, n // 3)


def is_inexact(x):
    return jnp.issubdtype(x.dtype, jnp.inexact)


def _front(y, axis):
    """The leading axis, which holds several results, moved to the place of the axis."""
    return jnp.moveaxis(y, 0, axis)


def _flat_pair(y, axis):
    """The two axes of the result of `segment_top_k` merged into one."""
    axis %= y.ndim - 1
    return y.reshape(*y.shape[:axis], -1, *y.shape[axis + 2 :])


def _mask(x, axis):
    """`mask_of` along that axis of `x`."""
    axis %= x.ndim
    return mask_of(x.shape[axis]).reshape([-1 if d == axis else 1 for d in range(x.ndim)])


def _of_segments(f, *arguments, **options):
    return lambda x, axis, relax: f(x, ids_of(x.shape[axis]), *arguments, axis=axis, relax=relax, **options)


def _of_two(f, *arguments):
    """An op of two segments, to which elements belong in turns."""
    return lambda x, axis, relax: f(x, np.arange(x.shape[axis]) % 2, *arguments, axis=axis, relax=relax)


# Ops, with some of their arguments, as functions of one array that put their results in the place of the axis.
OPS = {
    "sort": lambda x, axis, relax: sx.sort(x, axis, relax=relax),
    "sort descending": lambda x, axis, relax: sx.sort(x, axis, descending=True, relax=relax),
    "argsort": lambda x, axis, relax: sx.argsort(x, axis, relax=relax),
    "sort_by": lambda x, axis, relax: sx.sort_by(x, jnp.sin(x), axis, relax=relax),
    "sort_by itself": lambda x, axis, relax: sx.sort_by(x, x, axis, relax=relax),
    "P @": lambda x, axis, relax: sx.permutation(x, axis, relax=relax) @ x,
    "P.T @": lambda x, axis, relax: sx.permutation(x, axis, relax=relax).T @ jnp.cos(x),
    "rank": lambda x, axis, relax: sx.rank(x, axis=axis, relax=relax),
    "rank descending": lambda x, axis, relax: sx.rank(x, axis=axis, descending=True, relax=relax),
    "top_k_mask": lambda x, axis, relax: sx.top_k_mask(x, 3, axis, relax=relax),
    "top_k": lambda x, axis, relax: sx.top_k(x, 3, axis=axis, relax=relax)[0],
    "top_k of all": lambda x, axis, relax: sx.top_k(x, x.shape[axis], axis=axis, relax=relax)[0],
    "bottom_k": lambda x, axis, relax: sx.bottom_k(x, 2, axis=axis, relax=relax)[0],
    "kth_value": lambda x, axis, relax: sx.kth_value(x, 2, axis, keepdims=True, relax=relax),
    "kth_value of several": lambda x, axis, relax: _front(
        sx.kth_value(x, jnp.array([-1, 1, 1, 0]), axis, relax=relax), axis
    ),
    "kth_value where": lambda x, axis, relax: sx.kth_value(x, -2, axis, where=_mask(x, axis), keepdims=True, relax=relax),
    "max": lambda x, axis, relax: sx.max(x, axis, keepdims=True, relax=relax),
    "min": lambda x, axis, relax: sx.min(x, axis, keepdims=True, relax=relax),
    "max where": lambda x, axis, relax: sx.max(
        x, axis, keepdims=True, where=_mask(x, axis), initial=None if is_inexact(x) else 0, relax=relax
    ),
    "partition": lambda x, axis, relax: sx.partition(x, pivots(x.shape[axis]), axis, relax=relax),
    "winsorize": lambda x, axis, relax: sx.winsorize(x, LIMITS, axis, relax=relax),
    "trimmed_mean": lambda x, axis, relax: sx.trimmed_mean(x, LIMITS, axis, keepdims=True, relax=relax),
    "trimmed_mean where": lambda x, axis, relax: sx.trimmed_mean(
        x, LIMITS, axis, where=_mask(x, axis), keepdims=True, relax=relax
    ),
    "quantile": lambda x, axis, relax: _front(sx.quantile(x, PROBABILITIES, axis, relax=relax), axis),
    "quantile where": lambda x, axis, relax: sx.quantile(x, 0.3, axis, where=_mask(x, axis), keepdims=True, relax=relax),
    "median": lambda x, axis, relax: sx.median(x, axis, keepdims=True, relax=relax),
    "nanmedian": lambda x, axis, relax: sx.nanmedian(x, axis, keepdims=True, relax=relax),
    "weighted median": lambda x, axis, relax: sx.median(
        x, axis, weights=weights_of(x.shape[axis]), keepdims=True, relax=relax
    ),
    "segment_sort": _of_segments(sx.segment_sort),
    "segment_sort descending": _of_segments(sx.segment_sort, 2, descending=True),
    "segment_rank": _of_two(sx.segment_rank),
    "segment_top_k_mask": _of_two(sx.segment_top_k_mask, 2),
    "segment_top_k": lambda x, axis, relax: _flat_pair(_of_segments(sx.segment_top_k, 2, 2)(x, axis, relax)[0], axis),
    "segment_max": _of_segments(sx.segment_max, 2),
    "segment_min": _of_segments(sx.segment_min, 2),
    "segment_quantile": _of_segments(sx.segment_quantile, 0.3, 2),
    "segment_median": _of_segments(sx.segment_median, 2),
}

# Ops whose results are integers, and those that apply the operator of a relaxation.
INTEGERS = ("argsort",)
BY_OPERATOR = ("sort_by", "sort_by itself", "P @", "P.T @")
# Forms of sorting that give the same, to the bit.
SORTING = ("sort", "sort_by itself", "P @")


def for_relaxation(has_operator):
    """The ops that a relaxation serves, but for those that repeat another one with it."""
    left_out = (*INTEGERS, *(("sort_by itself", "P @") if has_operator else BY_OPERATOR))
    return {name: op for name, op in OPS.items() if name not in left_out}
