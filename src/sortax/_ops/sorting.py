"""The ops that put things in order: `sort`, `argsort`, `sort_by`, and the `permutation` behind them."""

import functools
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Int, Shaped

from .. import _primitives as primitives
from .._checks import as_array, check_operand
from .._order import SortedOrder
from .._permutation import Permutation
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import along

_Values = TypeVar("_Values")


def sort(
    a: ArrayLike,
    axis: int | None = -1,
    *,
    kind: None = None,
    order: None = None,
    stable: bool = True,
    descending: bool = False,
    relax: AbstractRelaxation = Exact(),
) -> Shaped[Array, "..."]:
    r"""Sort along an axis, differentiably: `jax.numpy.sort` with a choice of derivative.

    With $p$ the permutation that sorts, $y_i = a_{p_i}$; reverse mode sends each cotangent back through the inverse of
    $p$.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `axis`: the axis to sort, or `None` to flatten first.
    - `kind`, `order`: refused, as `jax.numpy` does.
    - `stable`: accepted for compatibility; the sort is always stable.
    - `descending`: largest first. Equal elements keep their order, so that `a[argsort(a, descending=True)]` is this.
    - `relax`: what sorting means, and so how it differentiates; see [`sortax.Exact`][].

    **Returns:**

    An array of the shape and dtype of `a` (of shape `(a.size,)` for `axis=None`).

    **Ties:** values are stable; the derivative is what `relax` says. -0 and +0 are equal, and keep their order.

    **NaN:** last, in the order in which they came, bits unchanged; first when descending. Complex numbers sort by real part,
    then by imaginary part, each with its NaNs last, as in `jax.numpy`.

    **Cost:** O(n) time by radix on a CPU, O(n log n) elsewhere; O(n) memory. The permutation is computed only
    under differentiation.

    **Raises:** `TypeError` if `a` is not an array; `ValueError` if `axis` is out of range.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([3., 1., 2.])
        >>> print(sx.sort(x))
        [1. 2. 3.]
        >>> print(jax.grad(lambda x: sx.sort(x) @ jnp.array([10., 20., 30.]))(x))
        [30. 10. 20.]

        ```
    """
    arguments.refuse("sort", kind=kind, order=order)
    x, axis = arguments.flatten_if_none(as_array("a", a), axis)
    return sorted_of(x, as_relaxation(relax), axis, arguments.as_flag("descending", descending))


@functools.partial(jax.jit, static_argnums=(2, 3))
def sorted_of(x: Array, relax: AbstractRelaxation, axis: int, descending: bool, segments: Array | None = None) -> Array:
    """`x` sorted, each of the `segments` by itself."""
    return relax.sort(SortedOrder(x, axis, descending=descending, segments=segments))


def argsort(
    a: ArrayLike,
    axis: int | None = -1,
    *,
    kind: None = None,
    order: None = None,
    stable: bool = True,
    descending: bool = False,
    dtype: DTypeLike | None = None,
    relax: AbstractRelaxation = Exact(),
) -> Int[Array, "..."]:
    """The integers that sort: `jax.numpy.argsort`, always stable.

    `take_along_axis(a, argsort(a), -1)` is `sort(a)`.

    **Arguments:**

    - `a`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `axis`: the axis to sort, or `None` to flatten first.
    - `kind`, `order`: refused, as `jax.numpy` does.
    - `stable`: accepted for compatibility; the sort is always stable.
    - `descending`: largest first; equal elements keep their order.
    - `dtype`: an integer dtype for the result; by default JAX's default integer.
    - `relax`: accepted as by every op. Integers carry no derivative, so all relaxations give the same; for a
      differentiable argsort take [`sortax.permutation`][].

    **Returns:**

    Integers of the shape of `a` (of shape `(a.size,)` for `axis=None`).

    **Ties:** by position. **NaN:** last, by position; first when descending.

    **Cost:** O(n) time by radix on a CPU, O(n log n) elsewhere; O(n) memory.

    **Raises:** `TypeError` if `a` is not an array or `dtype` is not an integer; `ValueError` if `axis` is out of
    range or `dtype` cannot hold the indices.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.argsort(jnp.array([3., 1., 2.])))
        [1 2 0]

        ```
    """
    arguments.refuse("argsort", kind=kind, order=order)
    as_relaxation(relax)
    descending = arguments.as_flag("descending", descending)
    x, axis = arguments.flatten_if_none(as_array("a", a), axis)
    return primitives.argsort(x, axis, descending=descending).astype(arguments.index_dtype(dtype, x.shape[axis]))


def sort_by(
    keys: ArrayLike | tuple[ArrayLike, ...],
    values: _Values,
    axis: int = -1,
    *,
    descending: bool = False,
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
    - `descending`: largest keys first; equal keys keep their order.
    - `where`: boolean, broadcasts to the keys: only these elements take part; the places that the others leave at the end
      are 0.
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
    arrays, descending = arguments.as_keys("keys", keys), arguments.as_flag("descending", descending)
    axis = arguments.normalize(axis, arrays[0].ndim)
    leaves, treedef = jax.tree.flatten(values)
    leaves = [as_array("each of the values", leaf) for leaf in leaves]
    for leaf in leaves:
        check_operand("each of the values", leaf.shape, arrays[0].shape, axis)
    mask = arguments.as_mask(where, arrays[0].shape)
    return treedef.unflatten(_sort_leaves(arrays, leaves, mask, axis, descending, as_relaxation(relax)))


@functools.partial(jax.jit, static_argnums=(3, 4))
def _sort_leaves(
    keys: tuple[Array, ...], leaves: list[Array], mask: Array | None, axis: int, descending: bool, relax: Any
) -> list[Array]:
    P = relax.permutation(SortedOrder(keys, axis, descending=descending, where=mask))
    if mask is not None:
        leaves = [_zero_where_left_out(leaf, mask, axis) for leaf in leaves]
    return [P @ leaf for leaf in leaves]


def _zero_where_left_out(leaf: Array, mask: Array, axis: int) -> Array:
    if leaf.shape[: mask.ndim] != mask.shape:
        leaf = jnp.broadcast_to(along(leaf, mask.ndim, axis), mask.shape)
    return jnp.where(mask.reshape(mask.shape + (1,) * (leaf.ndim - mask.ndim)), leaf, jnp.zeros_like(leaf))


def permutation(
    x: ArrayLike | tuple[ArrayLike, ...],
    axis: int = -1,
    *,
    descending: bool = False,
    relax: AbstractRelaxation = Exact(),
) -> Permutation:
    r"""The permutation that sorts `x`, as a linear operator: `P @ x` is `sort(x)`, `P.T` puts back.

    As a matrix, $P_{ij} = 1$ where $x_j$ is the i-th in sorted order, and else 0: the Jacobian of `sort` at `x`. So
    `P.T @ g` is the reverse mode of `sort` applied to the cotangent `g`.

    **Arguments:**

    - `x`: array of any shape, or a tuple of keys of one shape, most significant first.
    - `axis`: the axis to sort along.
    - `descending`: largest first; equal elements keep their order.
    - `relax`: what sorting means; see [`sortax.Exact`][].

    **Returns:**

    A [`sortax.Permutation`][], which says how `@` treats batches and columns: a pytree with
    `.T`, `.indices`, `.inverse` and `.dense()`.

    **Ties:** `Exact("stable")` gives the permutation of the stable sort, `Exact("average")` the mean of all permutations
    that sort, `Exact("directional")` the stable one with one-sided derivatives.

    **NaN:** last, as one tie; first when descending.

    **Cost:** that of [`sortax.argsort`][] plus O(n) for the inverse; O(n) memory. `.dense()` takes n^2.

    **Raises:** `TypeError` if `x` is not an array; `ValueError` if `axis` is out of range or keys differ in shape.

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
    keys, descending = arguments.as_keys("x", x), arguments.as_flag("descending", descending)
    return _permutation(keys, as_relaxation(relax), arguments.normalize(axis, keys[0].ndim), descending)


@functools.partial(jax.jit, static_argnums=(2, 3))
def _permutation(keys: tuple[Array, ...], relax: AbstractRelaxation, axis: int, descending: bool) -> Permutation:
    return relax.permutation(SortedOrder(keys, axis, descending=descending))
