"""The linear scan: h_i = a_i h_{i-1} + b_i along an axis, or the same from the end.

It is closed under differentiation: dh is the scan of db + da shift(h), and the transpose in b runs the other way
through the same coefficients.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Inexact, Shaped

from .. import _native
from .._jax import is_zero
from ._linear import define_linear

_SHORT = 32
"""Steps that chunks do not make fewer."""


def linear_scan(
    a: Inexact[Array, "*shape"], b: Inexact[Array, "*shape"], axis: int, *, reverse: bool = False
) -> Inexact[Array, "*shape"]:
    r"""$h_0 = b_0$, $h_i = a_i h_{i-1} + b_i$; or with `reverse` $h_{n-1} = b_{n-1}$, $h_i = a_{i+1} h_{i+1} + b_i$.

    So $a_0$ is never read, and with `reverse` it is the transpose in b. An $a$ of zero cuts: what comes before, be it infinite
    or NaN, has no effect. `a` has the rank of `b`; where it has length one and `b` has not, one row of coefficients serves all.
    """
    return _linear_scan(a, b, axis=axis, reverse=reverse)


def shifted(x: Shaped[Array, "*shape"], axis: int, by: int, fill: ArrayLike = 0) -> Shaped[Array, "*shape"]:
    """`x` moved so many places along the axis, with `fill` where nothing is left."""
    # Unlike a roll or a concatenation, which write their parts to memory, padding is computed where it is used.
    return lax.pad(x, jnp.asarray(fill, x.dtype), [(by, -by, 0) if d == axis else (0, 0, 0) for d in range(x.ndim)])


def _given(h: Array, axis: int, reverse: bool) -> Array:
    """The h that each step is given, and 0 for the first."""
    return shifted(h, axis, -1 if reverse else 1)


def _xla(a: Array, b: Array, *, axis: int, reverse: bool, platform: str | None) -> list[Array]:
    if 0 in b.shape:
        return [b]
    # In single precision the roundings of many coefficients add up.
    with jax.enable_x64(True):
        wide = jnp.complex128 if jnp.issubdtype(b.dtype, jnp.complexfloating) else jnp.float64
        # The first coefficient multiplies nothing; what it holds is to have no effect.
        first = lax.broadcasted_iota(jnp.int32, a.shape, axis) == 0
        factor = jnp.broadcast_to(_coefficients(jnp.where(first, 0, a), axis, reverse), b.shape)
        factor, steps = (jnp.moveaxis(jnp.flip(x, axis) if reverse else x, axis, 0) for x in (factor, b))
        if platform == "cpu":
            h = _by_chunks(factor, steps, wide)
        else:
            h = by_halves(factor.astype(wide), steps.astype(wide)).astype(b.dtype)
        h = jnp.moveaxis(h, 0, axis)
        return [jnp.flip(h, axis) if reverse else h]


def through(factor: Inexact[Array, "*shape"], h: Inexact[Array, "*shape"]) -> Inexact[Array, "*shape"]:
    """A zero cuts, and of zero nothing is left by whatever factor."""
    return jnp.where((factor == 0) | (h == 0), 0, factor * h)


def by_halves(factor: Inexact[Array, "*shape"], b: Inexact[Array, "*shape"]) -> Inexact[Array, "*shape"]:
    """Along the first axis in log2(n) levels. That a zero cuts is told apart from a product that underflows."""

    def then(x: Any, y: Any) -> Any:
        return x[0] | y[0], x[1] * y[1], jnp.where(y[0] | (x[2] == 0), 0, y[1] * x[2]) + y[2]

    return lax.associative_scan(then, (factor == 0, factor, b))[2]


def split(x: Shaped[Array, "*shape"]) -> Shaped[Array, "*chunks"]:
    """In chunks of about sqrt(n) filled up with 0, or one of a few. Steps lead, so that one is of all chunks."""
    n = x.shape[0]
    length = n if n <= _SHORT else math.isqrt(n)
    chunks = -(-n // length)
    x = jnp.pad(x, [(0, chunks * length - n)] + [(0, 0)] * (x.ndim - 1))
    return x.reshape(chunks, length, *x.shape[1:]).swapaxes(0, 1)


def joined(x: Shaped[Array, "*chunks"], n: int) -> Shaped[Array, "*shape"]:
    return x.swapaxes(0, 1).reshape(-1, *x.shape[2:])[:n]


def _by_chunks(factor: Array, b: Array, wide: DTypeLike) -> Array:
    """All chunks from zero, then what is carried from chunk to chunk, then all chunks again from what they are given.

    Little code, which compiles many times faster than the levels do. Only what a step holds is wide.
    """
    n, dtype = b.shape[0], b.dtype
    steps = split(factor), split(b)

    def widened(step: Any) -> Any:
        return (x.astype(wide) for x in step)

    def upsweep(state: Any, step: Any) -> Any:
        (cut, product, offset), (factor, b) = state, widened(step)
        return (cut | (factor == 0), product * factor, through(factor, offset) + b), None

    def carry(h: Array, chunk: Any) -> Any:
        cut, product, offset = chunk
        return jnp.where(cut | (h == 0), 0, product * h) + offset, h

    def advance(h: Array, step: Any) -> Any:
        factor, b = widened(step)
        h = through(factor, h) + b
        return h, h.astype(dtype)

    before = nothing = jnp.zeros_like(steps[1][0], wide)
    if nothing.shape[0] > 1:
        learned, _ = lax.scan(upsweep, (nothing != 0, nothing + 1, nothing), steps)
        _, before = lax.scan(carry, nothing[0], learned)
    return joined(lax.scan(advance, before, steps)[1], n)


def _moved(h: Array, primals: Any, tangents: Any, *, axis: int, reverse: bool) -> list[Array]:
    (a, _), (da, _) = primals, tangents
    if is_zero(da):
        return []
    given = _given(h, axis, reverse)
    # Where nothing finite is given, a coefficient that is not zero has made it so, and one that is has no say.
    return [
        linear_scan(a, _coefficients(da, axis, reverse) * jnp.where(jnp.isfinite(given), given, 0), axis, reverse=reverse)
    ]


def _coefficients(a: Array, axis: int, reverse: bool) -> Array:
    """The coefficient of the step into each element: its own, or from the end the next one's."""
    return _given(a, axis, True) if reverse else a


_linear_scan = define_linear(
    "linear_scan",
    xla=_xla,
    transposed=lambda params, n: {"reverse": not params["reverse"]},
    accepts=lambda a, b: b.dtype in _native.INEXACT,
    moved=_moved,
)
