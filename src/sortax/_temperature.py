"""How soft is soft: the temperature at which elements are spread over a number of others."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import _axis
from ._relax import AbstractSoftRelaxation
from ._relax.soft import as_floats, wide


def temperature_for(
    x: ArrayLike, relax: AbstractSoftRelaxation | type[AbstractSoftRelaxation], *, neighbours: ArrayLike, axis: int = -1
) -> Float[Array, ""]:
    r"""The temperature at which an element of `x` is spread over so many elements, itself among them.

    It is the $t$ at which $\exp$ of the mean entropy, over all elements, of the weights of an element's neighbours is
    `neighbours`: the same softness for any number and any scale of elements. The weights are

    - for [`sortax.SoftSort`][] the rows of its permutation (before it is made doubly stochastic);
    - for [`sortax.LapSum`][] those of its density $e^{-|x_i - x_j|/t}$; for [`sortax.SigmoidSum`][] the same, of Laplace's
      distribution with the deviation of the logistic one;
    - for [`sortax.Permutahedron`][] equal ones over the block in which the element is pooled when it is ranked.

    **Arguments:**

    - `x`: elements of the kind to be sorted: finite floats of any shape.
    - `relax`: a soft relaxation, of which the temperature does not matter, or its class.
    - `neighbours`: from 1 to the number of elements; may be traced.
    - `axis`: the axis to be sorted; the mean is over all rows.

    **Returns:** a temperature, of the dtype of `x` in 32 bits at least, and without a derivative.

    **Ties:** count as neighbours at any temperature: with many the smallest that is searched, 1e-9 of the range of `x`, is
    returned where they are more than `neighbours` by themselves. **NaN:** as neighbours, each other.

    **Cost:** one sort and forty products, O(n log n); O(n) memory.

    **Raises:** `TypeError` if `relax` is not a soft relaxation or `x` not of floats; `ValueError` if `neighbours` is known and
    out of range, or `axis` is.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jax.random.normal(jax.random.key(0), (1000,))
        >>> t = sx.temperature_for(x, sx.SoftSort, neighbours=10)
        >>> ranks = sx.rank(x, relax=sx.SoftSort(t))

        ```
    """
    if isinstance(relax, type) and issubclass(relax, AbstractSoftRelaxation):
        # All soft relaxations begin with their temperature.
        relax = relax(jnp.ones(()))
    if not isinstance(relax, AbstractSoftRelaxation):
        raise TypeError(f"relax must be a soft relaxation, such as sortax.SoftSort, got {relax!r}.")
    array = wide(as_floats(relax, _axis.as_array("x", x)))
    axis = _axis.normalize(axis, array.ndim)
    wanted = _axis.as_real("neighbours", neighbours)
    value = _axis.known(neighbours)
    if wanted.ndim or (value is not None and not 1 <= value <= array.shape[axis]):
        raise ValueError(f"neighbours must be one number from 1 to {array.shape[axis]}, got {neighbours}.")
    if array.size == 0:
        raise ValueError(f"a temperature needs elements, got shape {array.shape}.")
    return _temperature_for(array, relax, wanted.astype(array.dtype), axis)


@functools.partial(jax.jit, static_argnums=3)
def _temperature_for(x: Array, relax: Any, neighbours: Array, axis: int) -> Array:
    x, neighbours = lax.stop_gradient((x, neighbours))
    finite = jnp.where(jnp.isfinite(x), x, jnp.nan)
    extent = jnp.nanmax(finite) - jnp.nanmin(finite)
    log_extent = jnp.where(extent > 0, jnp.log(extent), 0)

    def halve(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = (low + high) / 2
        at = eqx.tree_at(lambda r: r.temperature, relax, jnp.exp(_power(relax) * (middle + log_extent)))
        is_soft = jnp.mean(at.log_neighbours(x, axis)) > jnp.log(neighbours)
        return jnp.where(is_soft, low, middle), jnp.where(is_soft, middle, high)

    bounds = tuple(jnp.asarray(jnp.log(bound), x.dtype) for bound in (1e-9, 1e6))
    low, high = lax.fori_loop(0, 40, halve, bounds)
    return jnp.exp(_power(relax) * ((low + high) / 2 + log_extent))


def _power(relax: Any) -> int:
    """Of which power of the unit of x the temperature is."""
    return 2 if getattr(relax, "distance", None) == "squared" else 1
