"""The ops that say where each element stands: `rank` and `top_k_mask`."""

import functools
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Real

from .. import _primitives as primitives
from .._checks import as_array, check_choice, concrete_or_none
from .._order import SortedOrder
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import as_weights


def rank(
    a: ArrayLike,
    axis: int | None = -1,
    *,
    method: Literal["average", "min", "max", "dense", "ordinal"] = "average",
    descending: bool = False,
    weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Real[Array, "..."]:
    r"""The rank of each element along an axis, from 0: `scipy.stats.rankdata` minus one.

    The smallest has rank 0: $r_i = \#\{j : a_j < a_i\}$ without ties.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `axis`: the axis to rank along, or `None` to flatten first.
    - `method`: what equal elements get: the `"average"` of their ranks, the `"min"` or the `"max"` of them, ranks
      without gaps (`"dense"`), or ranks by position (`"ordinal"`).
    - `descending`: the largest has rank 0.
    - `weights`: how often each element counts, not negative and finite: of the shape of `a`, or a vector along the axis. A
      whole weight is so many copies, and the rank is the mean of theirs: with the sum $W_<$ of the weights below and $W_=$
      of those of the equal elements, $W_< + (W_= - 1) / 2$. For the method `"average"`, by `Exact`, `LapSum` and
      `SigmoidSum`.
    - `where`: boolean, broadcasts to `a`: only these are ranked, among each other; the others get 0.
    - `relax`: what sorting means; see [`sortax.Exact`][], under which ranks are constants with derivative zero.

    **Returns:**

    An array of the shape of `a`: for `"average"` floats, of the dtype of `a` if that is floating and has at least 32 bits
    and else of JAX's default; for the other methods JAX's default integers.

    **Ties:** by `method`. **NaN:** ranked last, as one tie (first when descending). NaN where a weight that counts for the
    rank is negative, infinite or NaN.

    **Cost:** one sort; O(n) memory. Ranks beyond 2^24 are rounded to float32 unless `a` is of float64; those of the
    other methods are exact.

    **Raises:** `ValueError` if `method` is not one of these (or not the one for weights), `axis` is out of range, or `where`
    or `weights` do not fit; `TypeError` if `where` is not boolean, or `relax` has no ranks among weighted elements.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([30., 10., 30., 20.])
        >>> print(sx.rank(x), sx.rank(x, method="min"))
        [2.5 0.  2.5 1. ] [2 0 2 1]

        ```
    """
    check_choice("method", method, primitives.RANK_METHODS)
    x = as_array("a", a)
    mask = arguments.as_mask(where, x.shape)
    w = None if weights is None else weights_of_ranks(weights, x, axis, method)
    axis, x, mask, w = arguments.flatten_if_none(axis, x, mask, w)
    descending = arguments.as_flag("descending", descending)
    ranks = ranks_of(x, w, as_relaxation(relax), axis, method, descending, where=mask)
    return ranks if mask is None else jnp.where(mask, ranks, jnp.zeros_like(ranks))


def weights_of_ranks(weights: Any, x: Array, axis: Any, method: str) -> Array:
    """Weights of the shape of `x`."""
    if method != "average":
        raise ValueError(f"weights need the method 'average', got {method!r}.")
    return as_weights(weights, x, axis)


@functools.partial(jax.jit, static_argnums=(3, 4, 5))
def ranks_of(x: Array, weights: Array | None, relax: Any, axis: int, method: str, descending: bool, **parts: Any) -> Array:
    """Ranks among the elements of one of the `segments`, or of those that take part by `where`."""
    order = SortedOrder(x, axis, descending=descending, **parts)
    if weights is not None:
        weights = jnp.where((weights >= 0) & (weights < jnp.inf), weights, jnp.nan).astype(order.dtype)
        return relax.weighted_rank(order, order.gather(weights))
    if method == "average":
        return relax.rank(order)
    return relax.integer_ranks(order, method).astype(arguments.index_dtype(None, x.shape[axis]))


def top_k_mask(
    a: ArrayLike,
    k: ArrayLike,
    axis: int = -1,
    *,
    mode: Literal["largest", "smallest"] = "largest",
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Float[Array, "..."]:
    r"""1 for the `k` largest elements along an axis, or the smallest, 0 for the others; it sums to `k`.

    It marks the elements that [`sortax.top_k`][] returns, and is the gradient of the sum of their values.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `k`: how many, from 0 to the length of the axis; may be traced.
    - `axis`: the axis to select along.
    - `mode`: `"largest"`, or `"smallest"` for the `k` smallest elements.
    - `where`: boolean, broadcasts to `a`: only these take part; the others get 0.
    - `relax`: what sorting means; see [`sortax.Exact`][], under which the mask is a constant with derivative zero.

    **Returns:**

    Floats of the shape of `a`, of its dtype if that is floating and else of JAX's default.

    **Ties:** the first of equal elements are taken; under `Exact("average")` those at the border share what is left. If
    `where` leaves fewer than `k`, all of these are taken.

    **NaN:** largest, as in `top_k`.

    **Cost:** one sort; O(n) memory.

    **Raises:** `ValueError` if `k` is known and out of range, if `mode` is unknown, `axis` out of range or `where` does not
    fit; `TypeError` if `k` is not an integer or `where` not boolean.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([3., 5., 1., 3.])
        >>> print(sx.top_k_mask(x, 2), sx.top_k_mask(x, 2, relax=sx.Exact("average")))
        [1. 1. 0. 0.] [0.5 1.  0.  0.5]

        ```
    """
    check_choice("mode", mode, arguments.MODES)
    x, count = as_array("a", a), arguments.as_count(k)
    mask = arguments.as_mask(where, x.shape)
    axis = arguments.normalize(axis, x.ndim)
    value = concrete_or_none(k)
    if value is not None and not 0 <= value <= x.shape[axis]:
        raise ValueError(f"k must be from 0 to {x.shape[axis]}, the length of axis {axis}, got {value}.")
    taken = mask_of(x, count, as_relaxation(relax), axis, mode == "smallest", where=mask)
    return taken if mask is None else jnp.where(mask, taken, 0)


@functools.partial(jax.jit, static_argnums=(3, 4))
def mask_of(x: Array, k: Array, relax: AbstractRelaxation, axis: int, smallest: bool, **parts: Any) -> Array:
    """The mask of the `k` largest (or smallest) of each of the `segments`, or of those that take part by `where`.

    `k` is one number, or that of the segment of each element.
    """
    # They are the last of an order that ascends (or descends), of which the first of equal elements is the last.
    order = SortedOrder(x, axis, descending=smallest, reverse_ties=True, **parts)
    k = k.astype(jnp.int32)
    taken = relax.top_k_mask(order, order.gather(k) if k.ndim else k)
    return taken.astype(x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.result_type(float))
