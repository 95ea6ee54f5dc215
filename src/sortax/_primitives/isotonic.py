"""The isotonic primitive: where the blocks of an isotonic regression start. A structure, and so without a derivative.

What a block is worth is a mean over it, which `run_mean` computes and differentiates.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from .. import _native
from . import _define, _sharding

REGULARIZERS = ("l2", "kl")
_SHARED_LEVELS = 4


def isotonic(
    begins: Bool[Array, "*shape"],
    s: Float[Array, "*shape"],
    w: Float[Array, "*shape"],
    axis: int,
    *,
    regularizer: str,
    rate: Float[Array, ""] | float = 1.0,
) -> Bool[Array, "*shape"]:
    r"""Where the blocks start on which the non-decreasing $v$ is constant that is nearest to $r s - w$ along `axis`.

    For `"l2"` $v$ minimises $\sum (v_i - (r s_i - w_i))^2$, and a block is worth $r\,\mathrm{mean}(s) - \mathrm{mean}(w)$; for
    `"kl"` it minimises $\sum e^{r s_i - v_i} + e^{w_i} v_i$, and a block is worth $\log \sum e^{r s_i} - \log \sum e^{w_i}$.
    The product with the `rate` r is formed in double precision: an exponential would tell its rounding in single.
    Neighbours of equal value share a block. No block reaches over one of the `begins`, True where a component
    begins, which is fitted by itself; between these `s` and `w` do not decrease.

    Blondel, Teboul, Berthet and Djolonga, "Fast differentiable sorting and ranking" (2020).
    """
    _sharding.require_unsharded("an isotonic regression", jax.typeof(w), axis)
    # One number for each row, so that mapped rates are as others.
    rates = jnp.broadcast_to(jnp.asarray(rate, s.dtype), (*s.shape[:axis], 1, *s.shape[axis + 1 :]))
    return _isotonic(begins, rates, s, w, axis=axis, kl=regularizer == "kl")[0]


def _shape(begins: Any, rate: Any, s: Any, w: Any, *, axis: int, kl: bool) -> list[Any]:
    return [w.update(dtype=jnp.dtype(bool), weak_type=False)]


def _native_lowering(ctx: Any, *operands: Any, axis: int, kl: bool) -> Any:
    if ctx.avals_in[-1].dtype not in _native.REAL_FLOATS:
        return None
    return _native.lower(ctx, "isotonic", *operands, axis=axis, kl=kl)


def _xla(begins: Array, rate: Array, s: Array, w: Array, *, axis: int, kl: bool, platform: str | None) -> list[Array]:
    if 0 in w.shape:
        return [begins]
    with jax.enable_x64(True):
        part = jnp.cumsum(begins, axis, dtype=jnp.int32)
        s, w = s.astype(jnp.float64) * rate.astype(jnp.float64), w.astype(jnp.float64)
        part, s, w = (jnp.moveaxis(x, axis, -1) for x in (part, s, w))
        fit = functools.partial(_regression, kl=kl)
        for _ in range(w.ndim - 1):
            fit = jax.vmap(fit)
        v = fit(part, s, w)
        pools = (v[..., 1:] <= v[..., :-1]) & (part[..., 1:] == part[..., :-1])
        starts = jnp.concatenate([jnp.ones_like(part[..., :1], bool), ~pools], -1)
    return [jnp.moveaxis(starts, -1, axis)]


def _regression(part: Array, s: Array, w: Array, kl: bool) -> Array:
    """The fit of a row, by merging the fits of halves: log2(n) levels, no loop whose length depends on the data."""
    n = s.size
    levels = (n - 1).bit_length()
    fill = (0, (1 << levels) - n)
    part, s, w = jnp.pad(part, fill, constant_values=-1), jnp.pad(s, fill), jnp.pad(w, fill)
    sums = *_sums(part, s, kl, levels), *_sums(part, w, kl, levels)
    v = s - w
    # A few levels share one piece of code, made for the pairs of the first of them.
    for first in range(0, levels, _SHARED_LEVELS):
        merge = functools.partial(_merge, part, *sums, kl=kl, pairs=v.size >> (first + 1))
        v = lax.fori_loop(first, min(first + _SHARED_LEVELS, levels), merge, v)
    return v[:n]


def _sums(part: Array, x: Array, kl: bool, levels: int) -> tuple[Array, Array]:
    """The sums of x (with `kl` logarithms of sums of exponentials) from where its part begins: before and with each."""
    zero = -jnp.inf if kl else 0.0

    def shifted(y: Array, by: Any, fill: Any) -> Array:
        behind = jnp.concatenate([jnp.full_like(y, fill), y])
        return lax.dynamic_slice_in_dim(behind, y.size - by, y.size)

    def add(level: Any, total: Array) -> Array:
        by = jnp.left_shift(1, level)
        earlier = jnp.where(shifted(part, by, -2) == part, shifted(total, by, zero), zero)
        return jnp.logaddexp(earlier, total) if kl else earlier + total

    through = lax.fori_loop(0, levels, add, x)
    return jnp.where(shifted(part, 1, -2) == part, shifted(through, 1, zero), zero), through


def _merge(
    part: Array, s_before: Array, s: Array, w_before: Array, w: Array, level: Any, v: Array, *, kl: bool, pairs: int
) -> Array:
    """Fits of neighbouring runs of 2^level elements become fits of both together.

    With `m` the root of the sum of (a - m)+ minus that of (m - b)+, neighbours a and b become min(a, m) and max(b, m).
    """
    half = jnp.left_shift(1, level)
    begin = jnp.minimum(2 * half * jnp.arange(pairs), v.size - 2 * half)
    last, first = begin + half - 1, begin + half

    # Both are seen from the middle, and only what is of the part in the middle can pool.
    def a(k: Array) -> Array:
        return jnp.where(part[last - k] == part[last], v[last - k], -jnp.inf)

    def b(k: Array) -> Array:
        return jnp.where(part[first + k] == part[last], v[first + k], jnp.inf)

    def count(holds: Callable[[Array], Array]) -> Array:
        """In each pair, how many of 0, 1, ..., half - 1 come before the first at which `holds` fails."""

        def step(t: Any, found: Array) -> Array:
            more = found + jnp.right_shift(half, t)
            return jnp.where((more <= half) & holds(jnp.minimum(more, half) - 1), more, found)

        return lax.fori_loop(0, level + 1, step, jnp.zeros_like(begin))

    def worth(i: Array, j: Array) -> Array:
        """The value of a block of `i` elements of a and `j` of b, NaN if that is empty."""
        start, stop = first - i, last + j
        if kl:
            value = _log_difference(s[stop], s_before[start]) - _log_difference(w[stop], w_before[start])
        else:
            size = (i + j).astype(v.dtype)
            value = (s[stop] - s_before[start]) / size - (w[stop] - w_before[start]) / size
        return jnp.where(i + j > 0, value, jnp.nan)

    def over(m: Array) -> Array:
        """The value of the block of all that `m` would clip."""
        return worth(count(lambda k: a(k) > m), count(lambda k: b(k) < m))

    i = count(lambda k: over(a(k)) < a(k))
    j = count(lambda k: over(b(k)) > b(k))
    place = jnp.arange(v.size)
    pair = jnp.minimum(jnp.right_shift(place, level + 1), pairs - 1)
    clipped = (place > last[pair] - i[pair]) & (place < first[pair] + j[pair])
    return jnp.where(clipped, worth(i, j)[pair], v)


def _log_difference(x: Array, y: Array) -> Array:
    """log(exp(x) - exp(y))."""
    return x + jnp.log1p(-jnp.exp(y - x))


_isotonic = _define.define_constant("sortax_isotonic", shape=_shape, xla=_xla, native=_native_lowering)
