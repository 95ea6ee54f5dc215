"""The largest and the smallest so far: `cummax` and `cummin`, with the tie policy of every other op."""

import functools
from typing import Any

import jax
from jax.typing import ArrayLike
from jaxtyping import Array, Shaped

from .._checks import as_array
from .._relaxations import AbstractRelaxation, Exact, as_relaxation
from . import arguments
from .order_statistics import check_whole


def cummax(
    operand: ArrayLike, axis: int = 0, reverse: bool = False, *, relax: AbstractRelaxation = Exact()
) -> Shaped[Array, "..."]:
    r"""The largest element so far: `jax.lax.cummax` with the tie policy of every other op.

    $y_i = \max(x_0, \dots, x_i)$; each entry is [`sortax.max`][] of what comes up to it.

    **Arguments:**

    - `operand`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `axis`: the axis along which to go.
    - `reverse`: from the end.
    - `relax`: one of [`sortax.Exact`][], which says how ties differentiate.

    **Returns:** an array of the shape and dtype of `operand`.

    **Ties:** `Exact("stable")` gives the cotangent of an entry to the last of the largest so far (from the end the one that comes
    last on the way), `Exact("average")` shares it, and `Exact("directional")` follows the one that rises most.

    **NaN:** from the first NaN on all is NaN, and the cotangent goes to the NaNs, by the same rule.

    **Cost:** O(n) memory, and O(n log n) time at most.

    **Raises:** `TypeError` if `operand` is not an array or `relax` is soft; `ValueError` if `axis` is out of range.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([1., 3., 2., 3.])
        >>> print(sx.cummax(x))
        [1. 3. 3. 3.]
        >>> print(jax.grad(lambda x: sx.cummax(x, relax=sx.Exact("average")).sum())(x))
        [1.  2.5 0.  0.5]

        ```
    """
    return _running(operand, axis, reverse, False, relax)


def cummin(
    operand: ArrayLike, axis: int = 0, reverse: bool = False, *, relax: AbstractRelaxation = Exact()
) -> Shaped[Array, "..."]:
    r"""The smallest element so far: `jax.lax.cummin` with the tie policy of every other op.

    $y_i = \min(x_0, \dots, x_i)$; each entry is [`sortax.min`][] of what comes up to it.

    **Arguments:**

    - `operand`: array of any shape and of any boolean, integer, floating or complex dtype.
    - `axis`: the axis along which to go.
    - `reverse`: from the end.
    - `relax`: one of [`sortax.Exact`][], which says how ties differentiate.

    **Returns:** an array of the shape and dtype of `operand`.

    **Ties:** `Exact("stable")` gives the cotangent of an entry to the first of the smallest so far (from the end the one that comes
    first on the way), `Exact("average")` shares it, and `Exact("directional")` follows the one that falls most.

    **NaN:** from the first NaN on all is NaN, and the cotangent goes to the NaNs, to the last of them under `Exact("stable")`.

    **Cost:** O(n) memory, and O(n log n) time at most.

    **Raises:** `TypeError` if `operand` is not an array or `relax` is soft; `ValueError` if `axis` is out of range.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> print(sx.cummin(jnp.array([3., 1., 2., 0.])), sx.cummin(jnp.array([3., 1., 2., 0.]), reverse=True))
        [3. 1. 1. 0.] [0. 0. 0. 0.]

        ```
    """
    return _running(operand, axis, reverse, True, relax)


def _running(operand: Any, axis: Any, reverse: Any, smallest: bool, relax: Any) -> Array:
    x, reverse = as_array("operand", operand), arguments.as_flag("reverse", reverse)
    axis = arguments.normalize(axis, x.ndim)
    check_whole(x, axis)
    return _running_max(x, as_relaxation(relax), axis, reverse, smallest)


@functools.partial(jax.jit, static_argnums=(2, 3, 4))
def _running_max(x: Array, relax: AbstractRelaxation, axis: int, reverse: bool, smallest: bool) -> Array:
    if x.size == 0:
        return x
    y = relax.running_max(jax.lax.rev(x, (axis,)) if reverse else x, axis, smallest)
    return jax.lax.rev(y, (axis,)) if reverse else y
