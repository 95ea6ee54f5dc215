"""The ops that put one array in order: `sort` and `argsort`."""

import functools
from typing import Any

import jax
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Int, Shaped

from .._checks import as_array
from .._order import SortedOrder
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments


def sort(
    a: ArrayLike,
    axis: int | None = -1,
    *,
    kind: None = None,
    order: None = None,
    stable: bool = True,
    descending: bool = False,
    where: ArrayLike | None = None,
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
    - `where`: boolean, broadcasts to `a`: only these elements are sorted; the others follow them, in the order of the input
      and without a derivative.
    - `relax`: what sorting means, and so how it differentiates; see [`sortax.Exact`][].

    **Returns:**

    An array of the shape and dtype of `a` (of shape `(a.size,)` for `axis=None`).

    **Ties:** values are stable; the derivative is what `relax` says. -0 and +0 are equal, and keep their order.

    **NaN:** last, in the order in which they came, bits unchanged; first when descending. Complex numbers sort by real part,
    then by imaginary part, each with its NaNs last, as in `jax.numpy`.

    **Cost:** O(n) time by radix on a CPU, O(n log n) elsewhere; O(n) memory. The permutation is computed only
    under differentiation.

    **Raises:** `TypeError` if `a` is not an array; `ValueError` if `axis` is out of range or `where` does not fit.

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
    x = as_array("a", a)
    axis, x, mask = arguments.flatten_if_none(axis, x, arguments.as_mask(where, x.shape))
    return sorted_of(x, as_relaxation(relax), axis, arguments.as_flag("descending", descending), where=mask)


@functools.partial(jax.jit, static_argnums=(2, 3))
def sorted_of(x: Array, relax: AbstractRelaxation, axis: int, descending: bool, **parts: Any) -> Array:
    """`x` sorted, each of the `segments` by itself, or what takes part by `where`."""
    order = SortedOrder(x, axis, descending=descending, **parts)
    return order.with_left_out(relax.sort(order), x)


def argsort(
    a: ArrayLike,
    axis: int | None = -1,
    *,
    kind: None = None,
    order: None = None,
    stable: bool = True,
    descending: bool = False,
    dtype: DTypeLike | None = None,
    where: ArrayLike | None = None,
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
    - `where`: boolean, broadcasts to `a`: only these elements are sorted; the others follow them, in the order of the input.
    - `relax`: accepted as by every op. Integers carry no derivative, so all relaxations give the same; for a
      differentiable argsort take [`sortax.permutation`][].

    **Returns:**

    Integers of the shape of `a` (of shape `(a.size,)` for `axis=None`).

    **Ties:** by position. **NaN:** last, by position; first when descending.

    **Cost:** O(n) time by radix on a CPU, O(n log n) elsewhere; O(n) memory.

    **Raises:** `TypeError` if `a` is not an array or `dtype` is not an integer; `ValueError` if `axis` is out of
    range, `where` does not fit, or `dtype` cannot hold the indices.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.argsort(jnp.array([3., 1., 2.])))
        [1 2 0]

        ```
    """
    arguments.refuse("argsort", kind=kind, order=order)
    as_relaxation(relax)
    x, descending = as_array("a", a), arguments.as_flag("descending", descending)
    axis, x, mask = arguments.flatten_if_none(axis, x, arguments.as_mask(where, x.shape))
    return indices_of(x, axis, descending, where=mask).astype(arguments.index_dtype(dtype, x.shape[axis]))


@functools.partial(jax.jit, static_argnums=(1, 2))
def indices_of(x: Array | tuple[Array, ...], axis: int, descending: bool | tuple[bool, ...], **parts: Any) -> Array:
    """The indices that sort `x`, or by several keys, each of the `segments` by itself, or what takes part by `where`."""
    return SortedOrder(x, axis, descending=descending, **parts).indices
