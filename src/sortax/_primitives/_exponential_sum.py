"""Functions of distance as short sums of exponentials."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact

ExponentialSum = tuple[tuple[complex, complex], ...]
"""A function of distance d, Re sum of w exp(-b d), as pairs of b and w."""

FAR = 750.0
"""An exponential decays to nothing over so many temperatures, in double precision."""


def rates_and_weights(terms: ExponentialSum) -> tuple[np.ndarray, np.ndarray]:
    """As arrays, real where all are."""
    numbers = np.asarray(terms, np.complex128)
    numbers = numbers.real if not numbers.imag.any() else numbers
    return numbers[:, 0], numbers[:, 1]


def at_rates(d: Float[Array, "*shape"], rates: np.ndarray) -> Inexact[Array, "*shape terms"]:
    """Distances times each rate."""
    return d[..., None].astype(rates.dtype) * rates.reshape((1,) * d.ndim + (-1,))


def decay(d: Float[Array, "*shape"], terms: ExponentialSum) -> Inexact[Array, "*shape terms"]:
    """What each of the exponentials is at these distances."""
    rates, _ = rates_and_weights(terms)
    far = d * np.real(rates).max() > FAR
    return jnp.where(far[..., None], 0, jnp.exp(-at_rates(jnp.where(far, 0, d), rates)))


def negative_derivative(terms: ExponentialSum) -> ExponentialSum:
    """Minus the derivative of the function."""
    return tuple((b, w * b) for b, w in terms)


def as_attribute(terms: ExponentialSum) -> np.ndarray:
    """As the kernels take them: four numbers each."""
    return np.asarray(terms, np.complex128).reshape(-1).view(np.float64)


def total(x: Inexact[Array, "*shape terms"], weights: np.ndarray) -> Float[Array, "*shape"]:
    """The sum over the terms with these weights, of which the real part counts."""
    return jnp.real(jnp.sum(x * weights.reshape((1,) * (x.ndim - 1) + (-1,)).astype(x.dtype), -1))
