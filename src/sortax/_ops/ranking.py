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


def rank(
    a: ArrayLike,
    method: Literal["average", "min", "max", "dense", "ordinal"] = "average",
    axis: int | None = -1,
    *,
    descending: bool = False,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Real[Array, "..."]:
    r"""The rank of each element along an axis, from 0: `scipy.stats.rankdata` less one.

    The smallest has rank 0: $r_i = \#\{j : a_j < a_i\}$ without ties.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `method`: what equal elements get: the `"average"` of their ranks, the `"min"` or the `"max"` of them, ranks
      without gaps (`"dense"`), or ranks by position (`"ordinal"`).
    - `axis`: the axis to rank along, or `None` to flatten first.
    - `descending`: the largest has rank 0.
    - `where`: boolean, broadcasts to `a`: only these are ranked, among each other; the others get 0.
    - `relax`: what sorting means; see [`sortax.Exact`][], under which ranks are constants with derivative zero.

    **Returns:**

    An array of the shape of `a`: for `"average"` floats, of the dtype of `a` if that is floating and has at least 32 bits
    and else of JAX's default; for the other methods integers.

    **Ties:** by `method`. **NaN:** ranked last, as one tie (first when descending).

    **Cost:** one sort; O(n) memory. Ranks beyond 2^24 are rounded to float32 unless `a` is of float64; those of the
    other methods are exact.

    **Raises:** `ValueError` if `method` is not one of these, `axis` is out of range or `where` does not fit; `TypeError` if
    `where` is not boolean.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([30., 10., 30., 20.])
        >>> print(sx.rank(x), sx.rank(x, "min"))
        [2.5 0.  2.5 1. ] [2 0 2 1]

        ```
    """
    check_choice("method", method, primitives.RANK_METHODS)
    x = as_array("a", a)
    mask = arguments.as_mask(where, x.shape)
    x, axis = arguments.flatten_if_none(x, axis)
    mask = None if mask is None else mask.reshape(x.shape)
    descending = arguments.as_flag("descending", descending)
    ranks = ranks_of(x, as_relaxation(relax), axis, method, descending, where=mask)
    return ranks if mask is None else jnp.where(mask, ranks, 0)


@functools.partial(jax.jit, static_argnums=(2, 3, 4))
def ranks_of(x: Array, relax: AbstractRelaxation, axis: int, method: str, descending: bool, **parts: Any) -> Array:
    """Ranks among the elements of one of the `segments`, or of those that take part by `where`."""
    order = SortedOrder(x, axis, descending=descending, **parts)
    return relax.rank(order) if method == "average" else relax.integer_ranks(order, method)


def top_k_mask(
    a: ArrayLike, k: ArrayLike, axis: int = -1, *, where: ArrayLike | None = None, relax: AbstractRelaxation = Exact()
) -> Float[Array, "..."]:
    r"""1 for the `k` largest elements along an axis, 0 for the others; it sums to `k`.

    It marks the elements that [`sortax.top_k`][] returns, and is the gradient of the sum of their values.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `k`: how many, from 0 to the length of the axis; may be traced.
    - `axis`: the axis to select along.
    - `where`: boolean, broadcasts to `a`: only these take part; the others get 0.
    - `relax`: what sorting means; see [`sortax.Exact`][], under which the mask is a constant with derivative zero.

    **Returns:**

    Floats of the shape of `a`, of its dtype if that is floating and else of JAX's default.

    **Ties:** the first of equal elements are taken; under `Exact("average")` those at the border share what is left. If
    `where` leaves fewer than `k`, all of these are taken.

    **NaN:** largest, as in `top_k`.

    **Cost:** one sort; O(n) memory.

    **Raises:** `ValueError` if `k` is known and out of range, if `axis` is out of range or `where` does not fit; `TypeError`
    if `k` is not an integer or `where` not boolean.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([3., 5., 1., 3.])
        >>> print(sx.top_k_mask(x, 2), sx.top_k_mask(x, 2, relax=sx.Exact("average")))
        [1. 1. 0. 0.] [0.5 1.  0.  0.5]

        ```
    """
    x, count = as_array("a", a), arguments.as_count(k)
    mask = arguments.as_mask(where, x.shape)
    axis = arguments.normalize(axis, x.ndim)
    value = concrete_or_none(k)
    if value is not None and not 0 <= value <= x.shape[axis]:
        raise ValueError(f"k must be from 0 to {x.shape[axis]}, the length of axis {axis}, got {value}.")
    taken = mask_of(x, count, as_relaxation(relax), axis, where=mask)
    return taken if mask is None else jnp.where(mask, taken, 0)


@functools.partial(jax.jit, static_argnums=3)
def mask_of(x: Array, k: Array, relax: AbstractRelaxation, axis: int, **parts: Any) -> Array:
    """The mask of the `k` largest of each of the `segments`, or of those that take part by `where`."""
    taken = relax.top_k_mask(SortedOrder(x, axis, reverse_ties=True, **parts), k.astype(jnp.int32))
    return taken.astype(x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.result_type(float))
