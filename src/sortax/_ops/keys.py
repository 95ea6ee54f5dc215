"""The ops that put arrays into the order of keys: `sort_by`, `lexsort`, and the `permutation` behind them."""

import functools
from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Int

from .._checks import as_array, check_operand
from .._keys import chosen
from .._order import SortedOrder
from .._permutation import Permutation
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import along
from .sorting import indices_of

_Values = TypeVar("_Values")


def sort_by(
    keys: ArrayLike | tuple[ArrayLike, ...],
    values: _Values,
    axis: int = -1,
    *,
    descending: bool | tuple[bool, ...] = False,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> _Values:
    """Put `values` into the order of `keys`, differentiably in the values.

    It is `permutation(keys) @ values`, for each array of the pytree.

    **Arguments:**

    - `keys`: an array, or a tuple of arrays of one shape, most significant first.
    - `values`: any pytree of arrays. Each has the shape of the keys, or that shape with trailing columns, and so shares
      the axis; an array of shape `(n,)` is put into the order of every row of the keys.
    - `axis`: the axis of the keys to sort along.
    - `descending`: largest keys first; one flag, or one for each of the keys. Equal keys keep their order.
    - `where`: boolean, broadcasts to the keys: only these elements take part; the values of the others follow them, in the
      order of the input and without a derivative.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    A pytree like `values`. Put the keys among the values to get them sorted as well.

    **Ties:** `Exact("stable")` keeps the order of equal keys. `Exact("average")` gives each of them the mean of their
    values, which only floating and complex values can hold. `Exact("directional")` is stable, and
    differentiates as the perturbed keys would sort.

    **NaN:** keys that are NaN come last; values may hold anything.

    **Cost:** one sort a key and one gather an array; O(n) memory.

    **Raises:** `TypeError` if keys or values are not arrays; `ValueError` if their shapes disagree or `axis` is out of
    range.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> group, height = jnp.array([1, 0, 1, 0]), jnp.array([2., 3., 1., 4.])
        >>> print(sx.sort_by((group, height), {"height": height})["height"])
        [3. 4. 1. 2.]

        ```
    """
    arrays = arguments.as_keys("keys", keys)
    directions = arguments.as_flags("descending", descending, len(arrays))
    axis = arguments.normalize(axis, arrays[0].ndim)
    leaves, treedef = jax.tree.flatten(values)
    leaves = [as_array("each of the values", leaf) for leaf in leaves]
    for leaf in leaves:
        check_operand("each of the values", leaf.shape, arrays[0].shape, axis)
    mask = arguments.as_mask(where, arrays[0].shape)
    return treedef.unflatten(_sort_leaves(arrays, leaves, mask, axis, directions, as_relaxation(relax)))


@functools.partial(jax.jit, static_argnums=(3, 4))
def _sort_leaves(
    keys: tuple[Array, ...], leaves: list[Array], mask: Array | None, axis: int, directions: tuple[bool, ...], relax: Any
) -> list[Array]:
    order = SortedOrder(keys, axis, descending=directions, where=mask)
    P = relax.permutation(order)
    if mask is None:
        return [P @ leaf for leaf in leaves]
    exactly = Exact().permutation(order)

    def sorted_leaf(leaf: Array) -> Array:
        if leaf.shape[: mask.ndim] != mask.shape:
            leaf = jnp.broadcast_to(along(leaf, mask.ndim, axis), mask.shape)
        takes_part, is_left_out = (y.reshape(mask.shape + (1,) * (leaf.ndim - mask.ndim)) for y in (mask, order.is_left_out))
        # What is left out is not mixed, not even with weights of zero: it may be infinite or NaN.
        y = P @ chosen(takes_part, leaf, jnp.zeros_like(leaf))
        return chosen(is_left_out, exactly @ jax.lax.stop_gradient(leaf), y)

    return [sorted_leaf(leaf) for leaf in leaves]


def permutation(
    keys: ArrayLike | tuple[ArrayLike, ...],
    axis: int = -1,
    *,
    descending: bool | tuple[bool, ...] = False,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Permutation:
    r"""The permutation that sorts `keys`, as a linear operator: `P @ x` is `sort(x)` where $x$ is the only key, `P.T` puts back.

    As a matrix, $P_{ij} = 1$ where $x_j$ is the i-th in sorted order, and else 0: the Jacobian of `sort` at $x$. So
    `P.T @ g` is the reverse mode of `sort` applied to the cotangent `g`.

    **Arguments:**

    - `keys`: array of any shape, or a tuple of arrays of one shape, most significant first.
    - `axis`: the axis to sort along.
    - `descending`: largest first; one flag, or one for each of the keys. Equal elements keep their order.
    - `where`: boolean, broadcasts to the keys: only these elements are sorted, and mixed by a soft relaxation; the others follow
      them, in the order of the input.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    A [`sortax.Permutation`][], which says how `@` treats batches and columns: a pytree with
    `.T`, `.indices`, `.inverse` and `.dense()`.

    **Ties:** `Exact("stable")` gives the permutation of the stable sort, `Exact("average")` the mean of all permutations
    that sort, `Exact("directional")` the stable one with one-sided derivatives.

    **NaN:** last, as one tie; first when descending.

    **Cost:** that of [`sortax.argsort`][] plus O(n) for the inverse; O(n) memory. `.dense()` takes n^2.

    **Raises:** `TypeError` if a key is not an array; `ValueError` if `axis` is out of range, keys differ in shape or
    `where` does not fit.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([3., 1., 2.])
        >>> P = sx.permutation(x)
        >>> print(P.dense())
        [[0. 1. 0.]
         [0. 0. 1.]
         [1. 0. 0.]]
        >>> g = jnp.array([10., 20., 30.])
        >>> bool((P.T @ g == jax.vjp(sx.sort, x)[1](g)[0]).all())
        True

        ```
    """
    arrays = arguments.as_keys("keys", keys)
    directions = arguments.as_flags("descending", descending, len(arrays))
    mask, axis = arguments.as_mask(where, arrays[0].shape), arguments.normalize(axis, arrays[0].ndim)
    return permutation_of(arrays, as_relaxation(relax), axis, directions, where=mask)


@functools.partial(jax.jit, static_argnums=(2, 3))
def permutation_of(
    keys: tuple[Array, ...], relax: AbstractRelaxation, axis: int, directions: tuple[bool, ...], **parts: Any
) -> Permutation:
    """The permutation that sorts each of the `segments` by itself, or what takes part by `where`."""
    return relax.permutation(SortedOrder(keys, axis, descending=directions, **parts))


def lexsort(
    keys: ArrayLike | Sequence[ArrayLike],
    axis: int = -1,
    *,
    batch_size: int = 16,
    descending: bool | tuple[bool, ...] = False,
    where: ArrayLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Int[Array, "..."]:
    """The integers that sort by several keys, of which the *last* counts most: `jax.numpy.lexsort`.

    [`sortax.sort_by`][] takes the key that counts most first, and puts any arrays into that order.

    **Arguments:**

    - `keys`: arrays of one shape, or one array of which each row is a key; the last counts most.
    - `axis`: the axis of each key to sort along.
    - `batch_size`: accepted as by `jax.numpy`; keys are sorted one by one, however many there are.
    - `descending`: largest keys first; one flag, or one for each of the keys in the order in which they are given. Equal keys
      keep their order.
    - `where`: boolean, broadcasts to the keys: only these elements are sorted; the others follow them, in the order of the input.
    - `relax`: accepted as by every op; integers carry no derivative.

    **Returns:**

    Integers of the shape of one key.

    **Ties:** by position. **NaN:** last in its key, by position; first where that key descends.

    **Cost:** one sort a key; O(n) memory.

    **Raises:** `TypeError` if a key is not an array; `ValueError` if there is none, if their shapes differ, if `axis` is out of
    range or `where` does not fit.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> group, height = jnp.array([1, 0, 1, 0]), jnp.array([2., 3., 1., 4.])
        >>> print(sx.lexsort((height, group)), sx.lexsort((height, group), descending=(True, False)))
        [1 3 2 0] [3 1 0 2]

        ```
    """
    as_relaxation(relax)
    if not isinstance(keys, list | tuple):
        array = as_array("keys", keys)
        keys = tuple(array) if array.ndim else ()
    arrays = arguments.as_keys("keys", tuple(keys))[::-1]
    directions = arguments.as_flags("descending", descending, len(arrays))[::-1]
    mask, axis = arguments.as_mask(where, arrays[0].shape), arguments.normalize(axis, arrays[0].ndim)
    indices = indices_of(arrays, axis, directions, where=mask)
    return indices.astype(arguments.index_dtype(None, arrays[0].shape[axis]))
