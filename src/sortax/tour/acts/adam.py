"""Adam in a few lines, with a cosine schedule, for the two networks of the tour."""

from typing import Any

import jax
import jax.numpy as jnp

_MEAN, _SQUARE = 0.9, 0.99


def start(parameters: Any) -> Any:
    """Parameters and their two moments."""
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return parameters, zeros, zeros


def step(state: Any, gradient: Any, k: Any, *, rate: float, steps: int) -> Any:
    """The state after step `k` of so many."""
    p, mean, square = state
    mean = jax.tree.map(lambda m, g: _MEAN * m + (1 - _MEAN) * g, mean, gradient)
    square = jax.tree.map(lambda s, g: _SQUARE * s + (1 - _SQUARE) * g * g, square, gradient)
    count = jnp.asarray(k + 1, jnp.float32)
    now = rate * (1 + jnp.cos(jnp.pi * (count - 1) / steps)) / 2

    def move(p: Any, m: Any, s: Any) -> Any:
        return p - now * (m / (1 - _MEAN**count)) / (jnp.sqrt(s / (1 - _SQUARE**count)) + 1e-8)

    return jax.tree.map(move, p, mean, square), mean, square
