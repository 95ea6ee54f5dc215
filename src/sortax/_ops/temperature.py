"""How soft is soft: the temperature at which elements are spread over a number of others."""

import functools
from collections.abc import Callable

import jax
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .._checks import as_array, as_real, concrete_or_none
from .._order import SortedOrder
from .._relaxations import AbstractRelaxation, as_relaxation
from .._relaxations.base import check_floats
from . import arguments


def temperature_for(
    a: ArrayLike, relax: AbstractRelaxation | Callable[[float], AbstractRelaxation], *, neighbours: ArrayLike, axis: int = -1
) -> Float[Array, ""]:
    r"""The temperature at which an element of `a` is spread over so many elements, itself among them.

    It is the $t$ at which $\exp$ of the mean entropy, over all elements, of the weights of an element's neighbours is
    `neighbours`: the same softness for any number and any scale of elements. The weights are

    - for [`sortax.SoftSort`][] the rows of its permutation (before it is made doubly stochastic);
    - for [`sortax.LapSum`][] those of its density $e^{-|x_i - x_j|/t}$; for [`sortax.SigmoidSum`][] the same, of Laplace's
      distribution with the deviation of the logistic one;
    - for [`sortax.Permutahedron`][] equal ones over the block in which the element is pooled when it is ranked.

    **Arguments:**

    - `a`: elements of the kind to be sorted: finite floats of any shape.
    - `relax`: a soft relaxation, of which the temperature does not matter, or its class.
    - `neighbours`: from 1 to the number of elements; may be traced.
    - `axis`: the axis to be sorted; the mean is over all rows.

    **Returns:** a temperature, of the dtype of `a` in 32 bits at least, and without a derivative.

    **Ties:** count as neighbours at any temperature: with many the smallest that is searched, 1e-9 of the range of `a`, is
    returned where they are more than `neighbours` by themselves. **NaN:** as neighbours, each other.

    **Cost:** one sort and forty products, O(n log n); O(n) memory.

    **Raises:** `TypeError` if `relax` is not a soft relaxation or `a` not of floats; `ValueError` if `neighbours` is known and
    out of range, or `axis` is.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jax.random.normal(jax.random.key(0), (1000,))
        >>> t = sx.temperature_for(x, sx.SoftSort, neighbours=10)
        >>> ranks = sx.rank(x, relax=sx.SoftSort(t))

        ```
    """
    # All soft relaxations begin with their temperature.
    relax = as_relaxation(relax(1.0) if callable(relax) else relax)
    array = as_array("a", a)
    axis = arguments.normalize(axis, array.ndim)
    wanted = as_real("neighbours", neighbours)
    value = concrete_or_none(neighbours)
    if wanted.ndim or (value is not None and not 1 <= value <= array.shape[axis]):
        raise ValueError(f"neighbours must be one number from 1 to {array.shape[axis]}, got {neighbours}.")
    if array.size == 0:
        raise ValueError(f"a temperature needs elements, got shape {array.shape}.")
    return _temperature_for(array, relax, wanted, axis)


@functools.partial(jax.jit, static_argnums=3)
def _temperature_for(x: Array, relax: AbstractRelaxation, neighbours: Array, axis: int) -> Array:
    order = SortedOrder(lax.stop_gradient(x), axis)
    check_floats(relax, order)
    return relax.temperature_for(order, lax.stop_gradient(neighbours).astype(order.dtype))
