"""Isotonic regression: the nearest array that does not decrease."""

import functools

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .. import _primitives as primitives
from .._checks import as_real
from .._keys import wide_float
from . import arguments
from .order_statistics import as_weights, check_whole


def isotonic_regression(
    y: ArrayLike, axis: int | None = -1, *, weights: ArrayLike | None = None, increasing: bool = True
) -> Float[Array, "..."]:
    r"""The nearest array that does not decrease: `scipy.optimize.isotonic_regression` and that of scikit-learn, differentiable.

    It minimises $\sum_i w_i (v_i - y_i)^2$ over $v_0 \le v_1 \le \dots$ along the axis. Neighbours that would decrease are pooled
    in a block $B$, in which $v = \sum_B w_i y_i / \sum_B w_i$.

    **Arguments:**

    - `y`: array of any real dtype.
    - `axis`: the axis along which to fit, or `None` for the flattened array; along all others are fits of their own.
    - `weights`: how much each element counts, not negative and finite: of the shape of `y`, or a vector along the axis. A whole
      weight is so many copies, and an element of weight zero has the fit of the one before it (or of the first that counts).
    - `increasing`: whether the result does not decrease; otherwise it does not increase.

    **Returns:**

    The fit, of the shape of `y`: floats of its dtype, or of JAX's default for integers.

    **Derivatives:** each element of a block has the share $w_i / \sum_B w$ of what the block is given, and a weight has
    $(y_i - v_i) / \sum_B w$; of an element without weight both are zero.

    **Ties:** equal neighbours are one block and share a derivative, which is exact for perturbations that pool.

    **NaN:** where an element that counts is NaN or infinite, a weight is negative, infinite or NaN, or all are zero, the whole fit
    is NaN.

    **Cost:** O(n) time and memory, serial along a row on a CPU, and log2(n) levels elsewhere. Sums are accumulated in double
    precision.

    **Raises:** `ValueError` if `axis` is out of range or `weights` do not fit; `TypeError` if `y` is complex or `increasing` no
    boolean.

    Barlow, Bartholomew, Bremner and Brunk, "Statistical inference under order restrictions" (1972); Best and Chakravarti, "Active
    set algorithms for isotonic regression" (1990).

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> y = jnp.array([1., 3., 2., 4.])
        >>> print(sx.isotonic_regression(y), sx.isotonic_regression(y, weights=jnp.array([1., 3., 1., 1.])))
        [1.  2.5 2.5 4. ] [1.   2.75 2.75 4.  ]
        >>> print(jax.grad(lambda y: sx.isotonic_regression(y)[1])(y))
        [0.  0.5 0.5 0. ]

        ```
    """
    x, increasing = as_real("y", y), arguments.as_flag("increasing", increasing)
    w = None if weights is None else as_weights(weights, x, axis)
    shape = x.shape
    axis, x, w = arguments.flatten_if_none(axis, x, w)
    check_whole(x, axis)
    return _fit(x, w, axis, increasing).reshape(shape)


@functools.partial(jax.jit, static_argnums=(2, 3))
def _fit(y: Array, weights: Array | None, axis: int, increasing: bool) -> Array:
    dtype = y.dtype if jnp.issubdtype(y.dtype, jnp.floating) else jnp.dtype(jnp.result_type(float))
    if y.size == 0:
        return y.astype(dtype)
    s, w = y.astype(wide_float(dtype)), jnp.ones(y.shape, wide_float(dtype))
    is_valid = jnp.ones((), bool)
    if weights is not None:
        counts, largest = weights > 0, jnp.max(weights, axis, keepdims=True)
        is_valid = (jnp.min(weights, axis, keepdims=True) >= 0) & (largest > 0) & (largest < jnp.inf)
        # The derivative ends at what does not count.
        w = jnp.where(counts & is_valid, weights, jnp.where(is_valid, 0, 1)).astype(s.dtype)
        s = primitives.gather(_nearest(counts, axis), s, axis)
    is_valid &= jnp.all(jnp.isfinite(s), axis, keepdims=True)
    s = jnp.where(is_valid, s if increasing else -s, 0)
    begins = lax.broadcasted_iota(jnp.int32, s.shape, axis) == 0
    starts = primitives.isotonic(begins, lax.stop_gradient(s), lax.stop_gradient(w), axis, fit="weighted")
    if weights is None:
        v = primitives.run_mean(starts, s, axis)
    else:
        # From the first of the block, so that the mean of equal numbers is that number.
        first = lax.stop_gradient(primitives.first_of_run(starts, s, axis))
        shares = w / primitives.run_mean(starts, w, axis)
        v = first + primitives.run_mean(starts, shares * (s - first), axis)
    return jnp.where(is_valid, v if increasing else -v, jnp.nan).astype(dtype)


def _nearest(counts: Array, axis: int) -> Array:
    """Of each element the index of the last that counts, up to itself, or else of the first."""
    first = jnp.argmax(counts, axis, keepdims=True).astype(jnp.int32)
    return jnp.maximum(primitives.last_index(counts, axis), first)
