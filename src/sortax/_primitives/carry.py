"""One element of each run, carried to all of the run: the first, the last, or the one nearest to the middle of the row."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from .linear_scan import linear_scan, shifted


def first_of_run(begins: Bool[Array, "*shape"], x: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    return linear_scan((~begins).astype(x.dtype), jnp.where(begins, x, 0), axis)


def last_of_run(begins: Bool[Array, "*shape"], x: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    ends = shifted(begins, axis, -1, True)
    return linear_scan((~begins).astype(x.dtype), jnp.where(ends, x, 0), axis, reverse=True)


def middle_of_run(begins: Bool[Array, "*shape"], x: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    """In the run that holds the middle of the row the element there; before it the last of each run, after it the first."""
    index, middle = lax.broadcasted_iota(jnp.int32, x.shape, axis), x.shape[axis] // 2
    # The middle is a run by itself, and so is what follows it.
    after = first_of_run(begins | (index == middle), x, axis)
    before = last_of_run(begins | (index == middle + 1), x, axis)
    # Placed on devices as the elements are, which a choice between them must be.
    return jnp.where((index < middle) | jnp.zeros_like(begins), before, after)
