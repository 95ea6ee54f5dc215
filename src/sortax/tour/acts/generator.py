"""A generator of images trained by sorting: exact sliced Wasserstein matching.

In one dimension the optimal pairing of two samples is by rank. So both clouds are projected on random directions, the
projections are sorted, and the squared differences are the loss; its gradient goes through the sort.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from . import adam

STEPS = 1000
_NOISE, _HIDDEN, _DIRECTIONS = 16, 128, 64
_RATE = 5e-3

Sort = Callable[[Any], Any]


def parameters(key: Any, classes: int, pixels: int) -> dict[str, Any]:
    """Two hidden layers, shared by all classes; each class has biases of its own."""
    keys = jax.random.split(key, 4)
    sizes = (_NOISE, _HIDDEN, _HIDDEN, pixels)
    weights = {f"w{k}": jax.random.normal(keys[k], sizes[k : k + 2], jnp.float32) / sizes[k] ** 0.5 for k in range(3)}
    biases = {f"b{k}": jnp.zeros((classes, 1, sizes[k + 1]), jnp.float32) for k in (1, 2)}
    return weights | biases | {"b0": jax.random.normal(keys[3], (classes, 1, _HIDDEN), jnp.float32)}


def noise(key: Any, classes: int, count: int) -> Any:
    return jax.random.normal(key, (classes, count, _NOISE), jnp.float32)


@jax.jit
def generate(p: dict[str, Any], z: Any) -> Any:
    """Noise of shape (classes, count, noise) -> images of shape (classes, count, pixels), between 0 and 1."""
    h = jax.nn.gelu(z @ p["w0"] + p["b0"])
    h = jax.nn.gelu(h @ p["w1"] + p["b1"])
    return jax.nn.sigmoid(h @ p["w2"] + p["b2"])


def directions(key: Any, pixels: int) -> Any:
    w = jax.random.normal(key, (pixels, _DIRECTIONS), jnp.float32)
    return w / jnp.linalg.norm(w, axis=0, keepdims=True)


def loss(p: dict[str, Any], z: Any, w: Any, real: Any, sort: Sort) -> Any:
    """Mean squared difference of the sorted projections, over classes, directions and places in the order."""
    ours, theirs = (jnp.swapaxes(images @ w, -1, -2) for images in (generate(p, z), real))
    return w.shape[0] * jnp.mean((sort(ours) - sort(theirs)) ** 2)


@functools.partial(jax.jit, static_argnames="sort")
def train(state: Any, first: int, last: int, real: Any, *, sort: Sort) -> Any:
    """From step `first` to step `last`, with fresh noise and fresh directions at each."""

    def one(k: Any, state: Any) -> Any:
        key_noise, key_directions = jax.random.split(jax.random.fold_in(jax.random.key(2), k))
        z, w = noise(key_noise, *real.shape[:2]), directions(key_directions, real.shape[2])
        return adam.step(state, jax.grad(loss)(state[0], z, w, real, sort), k, rate=_RATE, steps=STEPS)

    return lax.fori_loop(first, last, one, state)
