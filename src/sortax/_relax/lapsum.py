"""LapSum: ranks, masks and permutations by the distribution function of Laplace."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._cdf import AbstractCdfRelaxation
from ._exponentials import exponential
from .soft import as_temperature


class LapSum(AbstractCdfRelaxation):
    temperature: Float[Array, ""] = eqx.field(converter=as_temperature)

    def centred(self, z: Array) -> Array:
        # Each side apart: at zero both have the right derivative.
        above, below = jnp.where(z >= 0, z, 0), jnp.where(z >= 0, 0, z)
        return jnp.where(z >= 0, -jnp.expm1(-above), jnp.expm1(below)) / 2

    def exponentials(self, dtype: Any) -> tuple[Array, Array]:
        rates, weights = exponential(dtype)
        return rates, weights / 2


class SigmoidSum(AbstractCdfRelaxation):
    temperature: Float[Array, ""] = eqx.field(converter=as_temperature)

    def centred(self, z: Array) -> Array:
        return jnp.tanh(z / 2) / 2

    def exponentials(self, dtype: Any) -> tuple[Array, Array]:
        from ._exponentials import logistic
        return logistic(dtype)
