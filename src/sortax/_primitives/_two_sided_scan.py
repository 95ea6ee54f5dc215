"""Sums of decayed elements, at each element over those before it and over those after it, in plain JAX.

One for each of several exponentials of distance: a kernel sum adds them up, and the inverse CDF finds its edges by them.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Inexact

from ._exponential_sum import ExponentialSum, decay
from .linear_scan import by_halves, joined, shifted, split, through


def gaps(z: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    """The distances in double precision, infinite for the first."""
    first = lax.broadcasted_iota(jnp.int32, z.shape, axis) == 0
    return jnp.where(first, jnp.inf, z.astype(jnp.float64))


def spread(v: Float[Array, "*shape"], decay: Inexact[Array, "*shape terms"]) -> Inexact[Array, "*shape terms"]:
    """`v`, once for each term."""
    return jnp.broadcast_to(v[..., None], (*v.shape, decay.shape[-1])).astype(decay.dtype)


def two_sided_scan(
    d: Float[Array, "*shape"],
    v: Float[Array, "*shape"],
    axis: int,
    emit: Callable[[Inexact[Array, "*row terms"]], Array],
    *,
    terms: ExponentialSum,
    levels: bool = False,
    platform: str | None,
) -> tuple[Array, Array]:
    """What `emit` makes of what arrives from before, and from after, when each element starts with `v`.

    `d` are the `gaps`, of one row where that serves all of `v`. With `levels` there is one term more, at the end: what elements
    at distance zero start with.
    """

    def factors_of(d: Array) -> Array:
        left = decay(d, terms)
        return jnp.concatenate([left, (d == 0)[..., None].astype(left.dtype)], -1) if levels else left

    d, v = (jnp.moveaxis(x, axis, 0) for x in (d, v))
    run = _in_chunks if platform == "cpu" else _in_levels
    before, after = run(d, v, factors_of, emit)
    return jnp.moveaxis(before, 0, axis), jnp.moveaxis(after, 0, axis)


def _in_levels(d: Array, v: Array, factors_of: Any, emit: Any) -> tuple[Array, Array]:
    # The step into an element from the end is that into the next one from the beginning.
    left = factors_of(jnp.stack([d, jnp.concatenate([d[:1], d[:0:-1]])], 1))
    h = by_halves(left, spread(jnp.stack([v, v[::-1]], 1), left))
    arrived = emit(through(left, shifted(h, 0, 1)))
    return arrived[:, 0], arrived[::-1, 1]


def _in_chunks(d: Array, v: Array, factors_of: Any, emit: Any) -> tuple[Array, Array]:
    """Both ways through all chunks side by side: from zero, from chunk to chunk, and again from what they are given."""
    n = d.shape[0]
    # What chunks are filled up with lets all through.
    d, v = split(d), split(v)
    length, chunks = d.shape[:2]
    left = factors_of(d)
    nothing = jnp.zeros_like(spread(v[0], left))

    def advance(state: tuple[Array, Array], step: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        ahead, back = state
        forth, hence = ((left[i], spread(v[i], left)) for i in (step, length - 1 - step))
        ahead = through(forth[0], ahead)
        return (ahead + forth[1], through(hence[0], back + hence[1])), (ahead, back)

    def upsweep(state: Any, step: Array) -> Any:
        return advance(state, step)[0], None

    def downsweep(state: Any, step: Array) -> Any:
        state, arrived = advance(state, step)
        return state, tuple(map(emit, arrived))

    given = nothing, nothing
    if chunks > 1:
        (ahead, back), _ = lax.scan(upsweep, given, jnp.arange(length))
        whole = factors_of(d.sum(0))

        def carry(state: Any, chunk: Array) -> Any:
            x, y = state
            last = chunks - 1 - chunk
            return (through(whole[chunk], x) + ahead[chunk], through(whole[last], y) + back[last]), state

        _, (before, after) = lax.scan(carry, (nothing[0], nothing[0]), jnp.arange(chunks))
        given = before, after[::-1]
    _, (before, after) = lax.scan(downsweep, given, jnp.arange(length))
    return joined(before, n), joined(after[::-1], n)
