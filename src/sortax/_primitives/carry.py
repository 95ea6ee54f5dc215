"""One element of each run, carried to all of the run: the first or the last."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .linear_scan import linear_scan, shifted


def first_of_run(begins: Bool[Array, "*shape"], x: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    return linear_scan((~begins).astype(x.dtype), jnp.where(begins, x, 0), axis)


def last_of_run(begins: Bool[Array, "*shape"], x: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    ends = shifted(begins, axis, -1, True)
    return linear_scan((~begins).astype(x.dtype), jnp.where(ends, x, 0), axis, reverse=True)
