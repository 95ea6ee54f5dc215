"""Order keys: unsigned integers whose order is the sort order of NumPy.

A comparison sort of floats must treat NaN and signed zero apart in every comparison. A key does it once per
element: all NaNs share the largest key, -0 and +0 share one, and integer order is the order of the values. Only
integer instructions are used, so a processor that flushes denormals cannot merge them with zero.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Shaped, UInt

_UNSIGNED = {8: jnp.uint8, 16: jnp.uint16, 32: jnp.uint32, 64: jnp.uint64}


def order_keys(x: Shaped[Array, "*shape"]) -> tuple[UInt[Array, "*shape"], ...]:
    """The keys of `x`, most significant first: one for a real array, two (real, imaginary) for a complex one."""
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return (*order_keys(x.real), *order_keys(x.imag))
    return (_real_key(_widen(x)),)


def _widen(x: Array) -> Array:
    """Types narrower than a byte, and the float8 and float4 families, become a wider type that holds them exactly."""
    if x.dtype == jnp.bool_:
        return x.astype(jnp.uint8)
    bits = bit_width(x.dtype)
    if jnp.issubdtype(x.dtype, jnp.floating):
        return x if bits >= 16 else x.astype(jnp.float32)
    if bits >= 8:
        return x
    return x.astype(jnp.int8 if jnp.issubdtype(x.dtype, jnp.signedinteger) else jnp.uint8)


def _real_key(x: Array) -> Array:
    width = bit_width(x.dtype)
    unsigned = _UNSIGNED[width]
    if jnp.issubdtype(x.dtype, jnp.unsignedinteger):
        return x
    sign = np.asarray(1 << (width - 1), unsigned)
    bits = lax.bitcast_convert_type(x, unsigned)
    if jnp.issubdtype(x.dtype, jnp.signedinteger):
        return bits ^ sign
    magnitude = bits & ~sign
    infinity = np.asarray(jnp.inf, x.dtype).view(unsigned)
    bits = jnp.where(magnitude == 0, magnitude, bits)
    key = jnp.where(bits >= sign, ~bits, bits | sign)
    return jnp.where(magnitude > infinity, ~jnp.zeros_like(key), key)


def chosen(which: Array, x: Shaped[Array, "..."], y: Shaped[Array, "..."]) -> Shaped[Array, "..."]:
    """`jnp.where(which, x, y)` to the bit: XLA may widen narrow floats on the way, which loses denormals and NaN payloads."""
    narrow = jnp.issubdtype(x.dtype, jnp.floating) and bit_width(x.dtype) in (8, 16)
    return _chosen_by_bits(which, x, y) if narrow else jnp.where(which, x, y)


@jax.custom_jvp
def _chosen_by_bits(which: Array, x: Array, y: Array) -> Array:
    unsigned = _UNSIGNED[bit_width(x.dtype)]
    bits = (lax.bitcast_convert_type(v, unsigned) for v in (x, y))
    return lax.bitcast_convert_type(jnp.where(which, *bits), x.dtype)


@_chosen_by_bits.defjvp
def _chosen_jvp(primals: Any, tangents: Any) -> Any:
    (which, _, _), (_, dx, dy) = primals, tangents
    return _chosen_by_bits(*primals), jnp.where(which, dx, dy)


def wide_float(dtype: DTypeLike) -> np.dtype:
    """A floating dtype of at least 32 bits in which to count and to interpolate; JAX's default for other dtypes."""
    if not jnp.issubdtype(dtype, jnp.floating):
        return np.dtype(jnp.result_type(float))
    return np.dtype(dtype) if bit_width(dtype) >= 32 else np.dtype(np.float32)


def lowest(dtype: DTypeLike) -> Any:
    """The first of all values in sorted order."""
    if jnp.issubdtype(dtype, jnp.inexact):
        return -jnp.inf
    return False if dtype == jnp.bool_ else jnp.iinfo(dtype).min


def filler(dtype: DTypeLike, descending: bool) -> Shaped[Array, ""]:
    """What stands in an order where no more elements are: the last of all values of that order but NaN."""
    if descending:
        return jnp.asarray(lowest(dtype), dtype)
    if jnp.issubdtype(dtype, jnp.inexact):
        return jnp.asarray(jnp.inf, dtype)
    return jnp.asarray(True if dtype == jnp.bool_ else jnp.iinfo(dtype).max, dtype)


def bit_width(dtype: DTypeLike) -> int:
    """Bits of an integer or floating dtype, of which the narrowest share a byte."""
    return (jnp.finfo(dtype) if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype)).bits
