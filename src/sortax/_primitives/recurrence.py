"""The recurrence primitive: h_i = a_i h_{i-1} + b_i along an axis, or the same from the end.

It is closed under differentiation: dh is the recurrence of db + da shift(h), and the transpose in b runs the other way
through the same coefficients.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.interpreters import ad, batching
from jax.typing import ArrayLike, DTypeLike
from jaxtyping import Array, Inexact, Shaped

from .. import _native
from . import _define, _sharding

_KERNELS = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")


def recurrence(
    a: Inexact[Array, "*shape"], b: Inexact[Array, "*shape"], axis: int, *, reverse: bool = False
) -> Inexact[Array, "*shape"]:
    r"""$h_0 = b_0$, $h_i = a_i h_{i-1} + b_i$; or with `reverse` $h_{n-1} = b_{n-1}$, $h_i = a_{i+1} h_{i+1} + b_i$.

    So $a_0$ is never read, and with `reverse` it is the transpose in b. An $a$ of zero cuts: what comes before, be it infinite
    or NaN, has no effect. `a` has the rank of `b`; where it has length one and `b` has not, one row of coefficients serves all.
    """
    a, b = _sharding.align(a, b)
    return recurrence_p.bind(a, b, axis=axis, reverse=reverse)[0]


def inflow(
    a: Inexact[Array, "*shape"], h: Inexact[Array, "*shape"], axis: int, *, reverse: bool = False
) -> Inexact[Array, "*shape"]:
    """What flows into each element of the recurrence h of a and b: h less b, without a difference."""
    coefficient = _coefficients(a, axis, reverse)
    cut = coefficient == 0
    return jnp.where(cut, 0, coefficient * jnp.where(cut, 0, _given(h, axis, reverse)))


def shifted(x: Shaped[Array, "*shape"], axis: int, by: int, fill: ArrayLike = 0) -> Shaped[Array, "*shape"]:
    """`x` moved so many places along the axis, with `fill` where nothing is left."""
    # Unlike a roll or a concatenation, which write their parts to memory, padding is computed where it is used.
    return lax.pad(x, jnp.asarray(fill, x.dtype), [(by, -by, 0) if d == axis else (0, 0, 0) for d in range(x.ndim)])


def _given(h: Array, axis: int, reverse: bool) -> Array:
    """The h that each step is given, and 0 for the first."""
    return shifted(h, axis, -1 if reverse else 1)


def _shape(a: Any, b: Any, *, axis: int, reverse: bool) -> list[Any]:
    _sharding.require_unsharded("a recurrence", b, axis)
    return [b.update(weak_type=False)]


def _xla(a: Array, b: Array, *, axis: int, reverse: bool, platform: str | None) -> list[Array]:
    if 0 in b.shape:
        return [b]
    # In single precision the roundings of many coefficients add up.
    with jax.enable_x64(True):
        wide = jnp.complex128 if jnp.issubdtype(b.dtype, jnp.complexfloating) else jnp.float64
        # The first coefficient multiplies nothing; what it holds is to have no effect.
        first = lax.broadcasted_iota(jnp.int32, a.shape, axis) == 0
        factor = jnp.broadcast_to(_coefficients(jnp.where(first, 0, a), axis, reverse), b.shape)
        run = _by_chunks if platform == "cpu" else _by_halves
        return [run(factor, b, axis, reverse, wide)]


def _step(factor: Array, before: Array, b: Array) -> Array:
    """A zero cuts, and of zero nothing is left by whatever factor."""
    return jnp.where((factor == 0) | (before == 0), 0, factor * before) + b


def _by_halves(factor: Array, b: Array, axis: int, reverse: bool, wide: DTypeLike) -> Array:
    """In log2(n) levels. That a zero cuts is told apart from a product that underflows."""

    def then(x: Any, y: Any) -> Any:
        return x[0] | y[0], x[1] * y[1], jnp.where(y[0] | (x[2] == 0), 0, y[1] * x[2]) + y[2]

    steps = factor == 0, factor.astype(wide), b.astype(wide)
    return lax.associative_scan(then, steps, reverse=reverse, axis=axis)[2].astype(b.dtype)


def _by_chunks(factor: Array, b: Array, axis: int, reverse: bool, wide: DTypeLike) -> Array:
    """All chunks of about sqrt(n) side by side, from nothing; then what flows from chunk to chunk; then again, from that.

    Little code, which compiles many times faster than the levels do. Only what a step holds is wide.
    """
    factor, b = (jnp.moveaxis(x, axis, 0) for x in (factor, b))
    if reverse:
        factor, b = factor[::-1], b[::-1]
    n = b.shape[0]
    length = max(1, math.isqrt(n))
    chunks = -(-n // length)
    fill = [(0, chunks * length - n)] + [(0, 0)] * (b.ndim - 1)
    # Steps lead, so that one is all chunks' at once.
    factor, b = (jnp.pad(x, fill).reshape(chunks, length, *x.shape[1:]).swapaxes(0, 1) for x in (factor, b))

    def learn(state: Any, step: Any) -> Any:
        cut, product, offset = state
        factor, b = (x.astype(wide) for x in step)
        return (cut | (factor == 0), product * factor, _step(factor, offset, b)), None

    def pass_on(h: Array, chunk: Any) -> Any:
        cut, product, offset = chunk
        h = jnp.where(cut | (h == 0), 0, product * h) + offset
        return h, h

    def advance(h: Array, step: Any) -> Any:
        factor, b = (x.astype(wide) for x in step)
        h = _step(factor, h, b)
        return h, h.astype(step[1].dtype)

    nothing = jnp.zeros_like(b[0], wide)
    learned, _ = lax.scan(learn, (nothing != 0, nothing + 1, nothing), (factor, b))
    _, ends = lax.scan(pass_on, nothing[0], learned)
    before = jnp.concatenate([nothing[:1], ends[:-1]])
    _, h = lax.scan(advance, before, (factor, b))
    h = h.swapaxes(0, 1).reshape(chunks * length, *h.shape[2:])[:n]
    return jnp.moveaxis(h[::-1] if reverse else h, 0, axis)


def _native_lowering(ctx: Any, a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
    if ctx.avals_in[1].dtype.name not in _KERNELS:
        return None
    return _native.lower(ctx, "recurrence", a, b, axis=axis, reverse=reverse)


def _jvp(primals: Any, tangents: Any, *, axis: int, reverse: bool) -> Any:
    (a, b), (da, db) = primals, tangents
    h = recurrence(a, b, axis, reverse=reverse)
    parts = [] if _define.is_zero(db) else [db]
    if not _define.is_zero(da):
        given = _given(h, axis, reverse)
        # Where nothing finite is given, a coefficient that is not zero has made it so, and one that is has no say.
        parts.append(_coefficients(da, axis, reverse) * jnp.where(jnp.isfinite(given), given, 0))
    if not parts:
        return [h], [_define.zero_tangent(h)]
    dh = [jnp.broadcast_to(part, h.shape) for part in parts]
    return [h], [recurrence(a, sum(dh[1:], dh[0]), axis, reverse=reverse)]


def _coefficients(a: Array, axis: int, reverse: bool) -> Array:
    """The coefficient of the step into each element: its own, or from the end the next one's."""
    return _given(a, axis, True) if reverse else a


def _transpose(cotangents: Any, a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
    (ct,) = cotangents
    return None, ad.Zero(b.aval) if _define.is_zero(ct) else recurrence(a, ct, axis, reverse=not reverse)


def _batch(operands: Any, dims: Any, *, axis: int, reverse: bool) -> Any:
    (a, b), (da, db) = operands, dims
    if db is None:
        b, db = jnp.broadcast_to(jnp.expand_dims(b, da), (*b.shape[:da], a.shape[da], *b.shape[da:])), da
    # One row of coefficients goes on to serve all.
    a = jnp.expand_dims(a, db) if da is None else jnp.moveaxis(a, da, db)
    return [recurrence(a, b, axis + (db <= axis), reverse=reverse)], [db]


recurrence_p = _define.define("sortax_recurrence", shape=_shape, xla=_xla, native=_native_lowering)
ad.primitive_jvps[recurrence_p] = _jvp
ad.primitive_transposes[recurrence_p] = _transpose
batching.primitive_batchers[recurrence_p] = _batch
