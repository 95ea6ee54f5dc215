"""Relaxations with a temperature: how it is given, and the temperature for so many neighbours."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .. import _checks
from .. import _primitives as primitives
from .._order import SortedOrder
from .._permutation import AbstractMatrix
from .base import AbstractRelaxation

Temperature = float | Float[Array, "..."]


def as_temperature(temperature: ArrayLike) -> Temperature:
    """A positive number stays a number, which hashes and is not trained; an array is a parameter, and is left as it is."""
    t = _checks.as_real("temperature", temperature)
    dtype = t.dtype if jnp.issubdtype(t.dtype, jnp.floating) else jnp.dtype(jnp.result_type(float))
    values = _checks.concrete_or_none(temperature)
    if values is not None:
        low, high = float(jnp.finfo(dtype).tiny), float(jnp.finfo(dtype).max)
        for value in np.ravel(values).astype(float):
            if not 0 < value < np.inf:
                raise ValueError(
                    f"temperature must be positive and finite, got {value}; for no softness take sortax.Exact()."
                )
            if not low <= value <= high:
                raise ValueError(
                    f"temperature {value} is zero or infinite in {dtype}, JAX's default float type; pass one from "
                    f"{low:.2g} to {high:.2g}, or enable 64-bit types."
                )
    if isinstance(temperature, int | float | np.generic):
        return float(temperature)
    return t if t.dtype == dtype else t.astype(dtype)


@jax.custom_jvp
def reciprocal(t: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """1 / t, of which the derivative is a number wherever it is one, since t^2 is not formed."""
    return 1 / t


@reciprocal.defjvp
def _reciprocal_jvp(primals: Any, tangents: Any) -> Any:
    r = reciprocal(*primals)
    return r, -r * (r * tangents[0])


class AbstractSoftRelaxation(AbstractRelaxation):
    """A relaxation that is softer the larger its temperature is, and exact in the limit of zero."""

    temperature: eqx.AbstractVar[Temperature]

    @abc.abstractmethod
    def log_neighbours(self, order: SortedOrder) -> Float[Array, "*shape"]:
        """The logarithm of how many elements each place of the order is spread over; without a derivative."""

    @property
    def temperature_power(self) -> int:
        """Of which power of the unit of x the temperature is."""
        return 1

    def temperature_of(self, order: SortedOrder) -> Float[Array, "..."]:
        """The temperature in the dtype of the order: one number, or one for each row with an axis of length one."""
        t = jnp.asarray(self.temperature, order.dtype)
        if t.ndim == 0:
            return t
        shape, axis = order.shape, order.positive_axis
        one_a_row = (*shape[:axis], 1, *shape[axis + 1 :])
        if not _checks.broadcasts(t.shape, one_a_row):
            raise ValueError(
                f"temperature must be one number, or one a row, of shape {one_a_row} here, got shape {t.shape}."
            )
        return t.reshape((1,) * (len(shape) - t.ndim) + t.shape)

    def rate(self, order: SortedOrder) -> Float[Array, "..."]:
        """One over the temperature."""
        return reciprocal(self.temperature_of(order))

    def split(self, order: SortedOrder) -> SortedOrder:
        """The order with components that end also at gaps over which an exponential decays to nothing in double precision."""
        if order.split_begins is not None:
            return order
        t = lax.stop_gradient(self.temperature_of(order))
        return order.split(primitives.FAR * (jnp.sqrt(t) if self.temperature_power == 2 else t))

    def nan_where_invalid(self, order: SortedOrder, y: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """`y`, with its derivatives, or NaN for a temperature that was traced and is not positive and finite."""
        t = self.temperature_of(order)
        is_valid = (t >= jnp.finfo(t.dtype).tiny) & (t < jnp.inf)
        return y * jnp.where(is_valid, 1, jnp.nan).astype(y.dtype)

    def sort(self, order: SortedOrder) -> Array:
        return super().sort(self.split(order))

    def rank(self, order: SortedOrder) -> Array:
        return super().rank(self.split(order))

    def temperature_for(self, order: SortedOrder, neighbours: Float[Array, ""]) -> Float[Array, ""]:
        finite = jnp.where(order.finite, order.values.astype(order.dtype), jnp.nan)
        extent = jnp.nanmax(finite) - jnp.nanmin(finite)
        log_extent = jnp.where(extent > 0, jnp.log(extent), 0)
        power = self.temperature_power

        def halve(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
            low, high = bounds
            middle = (low + high) / 2
            relax = eqx.tree_at(lambda r: r.temperature, self, jnp.exp(power * (middle + log_extent)))
            is_soft = jnp.mean(relax.log_neighbours(order)) > jnp.log(neighbours)
            return jnp.where(is_soft, low, middle), jnp.where(is_soft, middle, high)

        # Of the range of x.
        bounds = tuple(jnp.asarray(jnp.log(bound), order.dtype) for bound in (1e-9, 1e6))
        low, high = lax.fori_loop(0, 40, halve, bounds)
        return jnp.exp(power * ((low + high) / 2 + log_extent))


class AbstractMatrixRelaxation(AbstractSoftRelaxation):
    """A soft relaxation that is written as its matrix."""

    @abc.abstractmethod
    def matrix(self, order: SortedOrder) -> AbstractMatrix:
        """M."""

    def mix(self, order: SortedOrder, v: Array) -> Array:
        return self.matrix(order) @ v

    def spread(self, order: SortedOrder, w: Array) -> Array:
        return self.matrix(order).T @ w

    def log_entries(self, order: SortedOrder, rows: Array, columns: Array) -> Array:
        return self.matrix(order).log_entries(rows, columns)
