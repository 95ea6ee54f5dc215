"""Where each element stands in its segment: `segment_rank` and `segment_top_k_mask`."""

from typing import Literal

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real

from .. import _primitives as primitives
from .._checks import check_choice
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import along
from .ranking import mask_of, ranks_of, weights_of_ranks
from .segments import counts_of, segmented


def segment_rank(
    data: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    method: Literal["average", "min", "max", "dense", "ordinal"] = "average",
    descending: bool = False,
    weights: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Real[Array, "..."]:
    """The rank of each element inside its segment, from 0.

    **Arguments:**

    - `data`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `segment_ids`: integers, the segment of each element, in any order: a vector along the axis, or of the shape of `data`.
      An element whose id is negative, or not below `num_segments`, is in no segment, as in `jax.ops.segment_sum`: padding.
    - `num_segments`: how many segments there are; by default one more than the largest id, if that is known when traced.
    - `method`: what equal elements get: the `"average"` of their ranks, the `"min"` or the `"max"` of them, ranks
      without gaps (`"dense"`), or ranks by position (`"ordinal"`).
    - `axis`: the axis that is segmented.
    - `descending`: the largest of a segment has rank 0.
    - `weights`: how often each element counts, not negative and finite: a vector along the axis, or of the shape of `data`.
      A whole weight is so many copies, and the rank is the mean of theirs. For the method `"average"`, by `Exact`, `LapSum`
      and `SigmoidSum`.
    - `relax`: what sorting means; see [`sortax.Exact`][], under which ranks are constants with derivative zero.

    **Returns:** an array of the shape of `data`: for `"average"` floats, of its dtype if that is floating and has at least
    32 bits and else of JAX's default; for the other methods integers. 0 for elements of no segment.

    **Ties:** by `method`. **NaN:** ranked last in its segment, as one tie; NaN where a weight that counts for the rank is
    negative, infinite or NaN. **Cost:** two sorts; O(n) memory.

    **Raises:** `TypeError` if ids are not integers; `ValueError` if ids do not fit the array, or are traced without
    `num_segments`, or if `axis` is out of range, or `method` is
    not one of these (or not the one for weights), or if `weights` do not fit.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x, ids = jnp.array([3., 1., 2., 5., 4.]), jnp.array([1, 0, 1, 0, 1])
        >>> print(sx.segment_rank(x, ids))
        [1. 0. 0. 1. 2.]

        ```
    """
    check_choice("method", method, primitives.RANK_METHODS)
    descending = arguments.as_flag("descending", descending)
    x, ids, num_segments, axis = segmented(data, segment_ids, num_segments, axis)
    w = None if weights is None else weights_of_ranks(weights, x, axis, method)
    ranks = ranks_of(x, w, as_relaxation(relax), axis, method, descending, segments=ids)
    return jnp.where(ids < num_segments, ranks, jnp.zeros_like(ranks))


def segment_top_k_mask(
    data: ArrayLike,
    segment_ids: ArrayLike,
    k: ArrayLike,
    num_segments: int | None = None,
    *,
    axis: int = 0,
    mode: Literal["largest", "smallest"] = "largest",
    relax: AbstractRelaxation = Exact(),
) -> Float[Array, "..."]:
    """1 for the `k` largest elements of each segment, or the smallest, 0 for the others.

    **Arguments:**

    - `data`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `segment_ids`: integers, the segment of each element, in any order: a vector along the axis, or of the shape of `data`.
      An element whose id is negative, or not below `num_segments`, is in no segment, as in `jax.ops.segment_sum`: padding.
    - `k`: how many of each segment, or an array that says it for each of the `num_segments`; not negative, may be traced. A
      segment that has fewer is taken whole.
    - `num_segments`: how many segments there are; by default one more than the largest id, if that is known when traced.
    - `axis`: the axis that is segmented.
    - `mode`: `"largest"`, or `"smallest"` for the `k` smallest elements.
    - `relax`: what sorting means; see [`sortax.Exact`][], under which the mask is a constant with derivative zero.

    **Returns:** floats of the shape of `data`, of its dtype if that is floating and else of JAX's default; 0 for elements of
    no segment.

    **Ties:** the first of equal elements are taken; under `Exact("average")` those at the end share what is left.

    **NaN:** largest of its segment. **Cost:** two sorts; O(n) memory.

    **Raises:** `TypeError` if ids are not integers; `ValueError` if ids do not fit the array, or are traced without
    `num_segments`, or if `axis` is out of range, or if `k` is
    known and negative or of another shape; `TypeError` if `k` is not of integers.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x, ids = jnp.array([3., 1., 2., 5., 4.]), jnp.array([1, 0, 1, 0, 1])
        >>> print(sx.segment_top_k_mask(x, ids, 1))
        [0. 0. 0. 1. 1.]

        ```
    """
    check_choice("mode", mode, arguments.MODES)
    x, ids, num_segments, axis = segmented(data, segment_ids, num_segments, axis)
    count = counts_of(k, num_segments)
    if count.ndim:
        # Of an element of no segment nothing is taken.
        of_segments = along(jnp.append(count.astype(jnp.int32), jnp.zeros(1, jnp.int32)), x.ndim, axis)
        rows = jnp.broadcast_to(of_segments, (*ids.shape[:axis], num_segments + 1, *ids.shape[axis + 1 :]))
        count = jnp.broadcast_to(primitives.gather(ids, rows, axis), x.shape)
    taken = mask_of(x, count, as_relaxation(relax), axis, mode == "smallest", segments=ids)
    return jnp.where(ids < num_segments, taken, jnp.zeros_like(taken))
