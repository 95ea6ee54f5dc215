"""A network that learns to sort lists of images, from their order alone, through a soft permutation."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

import sortax as sx

from . import adam

STEPS = 2000
LENGTH = 5
_HIDDEN, _LISTS, _NOISE, _RATE = 128, 64, 0.2, 1e-2


def parameters(key: Any, pixels: int) -> dict[str, Any]:
    sizes = (pixels, _HIDDEN, _HIDDEN, 1)
    keys = jax.random.split(key, 3)
    weights = {f"w{k}": jax.random.normal(keys[k], sizes[k : k + 2], jnp.float32) / sizes[k] ** 0.5 for k in range(3)}
    return weights | {f"b{k}": jnp.zeros(_HIDDEN, jnp.float32) for k in range(2)}


@jax.jit
def score(p: dict[str, Any], images: Any) -> Any:
    """One number an image: where it belongs."""
    h = jax.nn.gelu(images @ p["w0"] + p["b0"])
    h = jax.nn.gelu(h @ p["w1"] + p["b1"])
    return jnp.squeeze(h @ p["w2"], -1)


@functools.partial(jax.jit, static_argnames="count")
def deal(key: Any, images: Any, count: int) -> tuple[Any, Any]:
    """Lists of images of different digits in any order, and which digits they are."""
    by_chance, which = jax.random.split(key)
    digits = sx.argsort(jax.random.uniform(by_chance, (count, images.shape[0])))[:, :LENGTH]
    return images[digits, jax.random.randint(which, digits.shape, 0, images.shape[1])], digits


def loss(p: dict[str, Any], lists: Any, order: Any) -> Any:
    """The cross-entropy of the right order, which is all that is known of the images."""
    P = sx.permutation(score(p, lists), relax=sx.SoftSort(1.0))
    return -jnp.mean(P.log_prob(order)) / LENGTH


@jax.jit
def train(state: Any, first: int, last: int, images: Any) -> Any:
    """From step `first` to step `last`, each with lists that were not dealt before and a little noise on the images."""

    def one(k: Any, state: Any) -> Any:
        for_lists, for_noise = jax.random.split(jax.random.fold_in(jax.random.key(4), k))
        lists, digits = deal(for_lists, images, _LISTS)
        lists = lists + _NOISE * jax.random.normal(for_noise, lists.shape, jnp.float32)
        gradient = jax.grad(loss)(state[0], lists, sx.argsort(digits))
        return adam.step(state, gradient, k, rate=_RATE, steps=STEPS)

    return lax.fori_loop(first, last, one, state)
