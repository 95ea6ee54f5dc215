"""The isotonic primitive: where the blocks of an isotonic regression start. A structure, and so without a derivative.

What a block is worth is a mean over it, which `run_mean` computes and differentiates.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from .. import _native
from . import _define, _sharding

_SHARED_LEVELS = 4
# A weight of zero: it decides where its element belongs, and moves nothing.
_NO_WEIGHT = 1e-300

_Sums = tuple[Float[Array, "*shape"], Float[Array, "*shape"]]


class _Blocks(NamedTuple):
    """What is fitted, by two numbers of each block, at first s and w: those of two blocks together, of none, and the value."""

    add: Callable[[_Sums, _Sums], _Sums]
    zero: float
    worth: Callable[[Array | float, Array, Array], Array]


def _weighted(a: _Sums, b: _Sums) -> _Sums:
    """Means and weights; the mean of equal numbers is that number."""
    weight = a[1] + b[1]
    return a[0] + (b[0] - a[0]) * (b[1] / weight), weight


_BLOCKS = {
    "l2": _Blocks(lambda a, b: (a[0] + b[0], a[1] + b[1]), 0.0, lambda size, s, w: s / size - w / size),
    "kl": _Blocks(lambda a, b: (jnp.logaddexp(a[0], b[0]), jnp.logaddexp(a[1], b[1])), -jnp.inf, lambda size, s, w: s - w),
    "weighted": _Blocks(_weighted, 0.0, lambda size, s, w: s),
}


def isotonic(
    begins: Bool[Array, "*shape"],
    s: Float[Array, "*shape"],
    w: Float[Array, "*shape"],
    axis: int,
    *,
    fit: str,
    rate: Float[Array, ""] | float = 1.0,
) -> Bool[Array, "*shape"]:
    r"""Where the blocks start on which the non-decreasing $v$ is constant that fits $r s$ and $w$ best along `axis`.

    | `fit` | minimises | a block is worth |
    | - | - | - |
    | `"l2"` | $\sum (v_i - (r s_i - w_i))^2$ | $r\,\mathrm{mean}(s) - \mathrm{mean}(w)$ |
    | `"kl"` | $\sum e^{r s_i - v_i} + e^{w_i} v_i$ | $\log \sum e^{r s_i} - \log \sum e^{w_i}$ |
    | `"weighted"` | $\sum w_i (v_i - r s_i)^2$ | $r \sum w_i s_i / \sum w_i$ |

    The product with the `rate` r is formed in double precision: an exponential would tell its rounding in single.
    Neighbours of equal value share a block. No block reaches over one of the `begins`, True where a component
    begins, which is fitted by itself. An element of weight zero moves nothing.

    Blondel, Teboul, Berthet and Djolonga, "Fast differentiable sorting and ranking" (2020).
    """
    _sharding.require_unsharded("an isotonic regression", jax.typeof(w), axis)
    # One number for each row, so that mapped rates are as others.
    rates = jnp.broadcast_to(jnp.asarray(rate, s.dtype), (*s.shape[:axis], 1, *s.shape[axis + 1 :]))
    return _isotonic(begins, rates, s, w, axis=axis, fit=fit)[0]


def _shape(begins: Any, rate: Any, s: Any, w: Any, *, axis: int, fit: str) -> list[Any]:
    return [w.update(dtype=jnp.dtype(bool), weak_type=False)]


def _native_lowering(ctx: Any, *operands: Any, axis: int, fit: str) -> Any:
    if ctx.avals_in[-1].dtype not in _native.REAL_FLOATS:
        return None
    return _native.lower(ctx, "isotonic", *operands, axis=axis, fit=np.int32([*_BLOCKS].index(fit)))


def _xla(begins: Array, rate: Array, s: Array, w: Array, *, axis: int, fit: str, platform: str | None) -> list[Array]:
    if 0 in w.shape:
        return [begins]
    with jax.enable_x64(True):
        part = jnp.cumsum(begins, axis, dtype=jnp.int32)
        s, w = s.astype(jnp.float64) * rate.astype(jnp.float64), w.astype(jnp.float64)
        w = jnp.where(w == 0, _NO_WEIGHT, w) if fit == "weighted" else w
        part, s, w = (jnp.moveaxis(x, axis, -1) for x in (part, s, w))
        regression = functools.partial(_regression, blocks=_BLOCKS[fit])
        for _ in range(w.ndim - 1):
            regression = jax.vmap(regression)
        v = regression(part, s, w)
        pools = (v[..., 1:] <= v[..., :-1]) & (part[..., 1:] == part[..., :-1])
        starts = jnp.concatenate([jnp.ones_like(part[..., :1], bool), ~pools], -1)
    return [jnp.moveaxis(starts, -1, axis)]


def _regression(part: Array, s: Array, w: Array, blocks: _Blocks) -> Array:
    """The fit of a row, by merging the fits of halves: log2(n) levels, no loop whose length depends on the data."""
    n = s.size
    levels = (n - 1).bit_length()
    fill = (0, (1 << levels) - n)
    part, s, w = jnp.pad(part, fill, constant_values=-1), jnp.pad(s, fill), jnp.pad(w, fill, constant_values=1)
    state = blocks.worth(1.0, s, w), (s, w), (s, w)
    # A few levels share one piece of code, made for the pairs of the first of them.
    for first in range(0, levels, _SHARED_LEVELS):
        merge = functools.partial(_merge, part, blocks=blocks, pairs=s.size >> (first + 1))
        state = lax.fori_loop(first, min(first + _SHARED_LEVELS, levels), merge, state)
    return state[0][:n]


def _merge(part: Array, level: Any, state: tuple[Array, _Sums, _Sums], *, blocks: _Blocks, pairs: int) -> Any:
    """Fits of neighbouring runs of 2^level elements become fits of both together.

    With `m` the root of the sum of (a - m)+ minus that of (m - b)+, neighbours a and b become min(a, m) and max(b, m). Beside
    the fit each element has the sums from the beginning of its run, and those to its end: no difference of sums is formed.
    """
    v, through, onward = state
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

    def at(sums: _Sums, place: Array, there: Array) -> _Sums:
        s, w = (jnp.where(there, x[place], blocks.zero) for x in sums)
        return s, w

    def worth(i: Array, j: Array) -> Array:
        """The value of a block of `i` elements of a and `j` of b, NaN if that is empty."""
        of_a = at(onward, jnp.minimum(first - i, last), i > 0)
        of_b = at(through, jnp.maximum(last + j, first), j > 0)
        return jnp.where(i + j > 0, blocks.worth((i + j).astype(v.dtype), *blocks.add(of_a, of_b)), jnp.nan)

    def over(m: Array) -> Array:
        """The value of the block of all that `m` would clip."""
        return worth(count(lambda k: a(k) > m), count(lambda k: b(k) < m))

    i = count(lambda k: over(a(k)) < a(k))
    j = count(lambda k: over(b(k)) > b(k))
    place = jnp.arange(v.size)
    pair = jnp.minimum(jnp.right_shift(place, level + 1), pairs - 1)
    clipped = (place > last[pair] - i[pair]) & (place < first[pair] + j[pair])
    is_second = (jnp.right_shift(place, level) & 1) == 1
    longer = blocks.add(at(through, last[pair], is_second), through), blocks.add(onward, at(onward, first[pair], ~is_second))
    return jnp.where(clipped, worth(i, j)[pair], v), *longer


_isotonic = _define.define_constant("sortax_isotonic", shape=_shape, xla=_xla, native=_native_lowering)
