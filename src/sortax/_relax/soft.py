"""What soft relaxations share: a temperature, and the ops that follow from `sort` and `place`."""

import abc
import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from .. import _axis
from .. import _primitives as primitives
from .._keys import wide_float
from .base import AbstractRelaxation


def as_temperature(temperature: ArrayLike) -> Float[Array, ""]:
    """A positive number as an array: a change of it retraces nothing, and it can be learned."""
    t = _axis.as_real("temperature", temperature)
    if t.ndim:
        raise ValueError(
            f"temperature must be one number, got shape {t.shape}; map over a relaxation with jax.vmap for several."
        )
    value = _axis.known(temperature)
    if value is not None and not 0 < value < jnp.inf:
        raise ValueError(f"temperature must be positive and finite, got {value}; for no softness take sortax.Exact().")
    t = t if jnp.issubdtype(t.dtype, jnp.floating) else t.astype(float)
    if value is not None and not float(jnp.finfo(t.dtype).tiny) <= float(value) <= float(jnp.finfo(t.dtype).max):
        raise ValueError(
            f"temperature {value} is zero or infinite in {t.dtype}, JAX's default float type; pass one from "
            f"{jnp.finfo(t.dtype).tiny:.2g} to {jnp.finfo(t.dtype).max:.2g}, or enable 64-bit types."
        )
    return t


@jax.custom_jvp
def reciprocal(t: Float[Array, ""]) -> Float[Array, ""]:
    """1 / t, of which the derivative is a number wherever it is one, since t^2 is not formed."""
    return 1 / t


@reciprocal.defjvp
def _reciprocal_jvp(primals: Any, tangents: Any) -> Any:
    r = reciprocal(*primals)
    return r, -r * (r * tangents[0])


def or_nan(temperature: Float[Array, ""], y: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """`y`, with its derivatives, or NaN for a temperature that was traced and is not positive and finite in the type of `y`."""
    t = temperature.astype(y.dtype)
    return y * jnp.where((t >= jnp.finfo(t.dtype).tiny) & (t < jnp.inf), 1, jnp.nan).astype(y.dtype)


class AbstractSoftRelaxation(AbstractRelaxation):
    """A relaxation whose entries of a sorted array are mixtures of all elements: a part of an order is a part of all of it."""

    temperature: eqx.AbstractVar[Float[Array, ""]]

    @abc.abstractmethod
    def log_neighbours(self, x: Array, axis: int) -> Float[Array, "*shape"]:
        """The logarithm of how many elements each of `x`, in order, is spread over; without a derivative."""

    def sort_weighted(self, x: Array, w: Array, axis: int) -> tuple[Array, Array]:
        # Weights say where in the order the values are read, and that order is exact.
        (indices,) = primitives.sort(x, axis, outputs=(primitives.INDICES,))
        return self.sort(x, axis), primitives.permute(indices, w, axis)

    def select(self, x: Array, ranks: Array, axis: int, *, where: Array | None = None) -> Array:
        if where is None:
            return primitives.take(ranks, self.sort(x, axis), axis)
        s = self.sort(jnp.where(where, x, 0), axis, segments=(~where).astype(jnp.int32))
        return primitives.take(ranks, s, axis)

    def top_k(self, x: Array, k: int, axis: int, *, descending: bool) -> tuple[Array, Array]:
        (indices,) = primitives.top_k(x, k, axis, descending=descending, outputs=(primitives.INDICES,))
        return lax.slice_in_dim(self.sort(x, axis, descending=descending), 0, k, axis=axis), indices

    def partition(self, x: Array, kth: tuple[int, ...], axis: int) -> Array:
        return self.sort(x, axis)


def as_floats(relax: Any, x: Array) -> Array:
    """`x` if it is of floats, which mixtures are, or one sentence that says so."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"{type(relax).__name__} mixes elements, which {x.dtype} cannot hold; pass floats.")
    return x


def check_soft_ranks(relax: Any, method: str) -> None:
    if method != "average":
        raise ValueError(f"{type(relax).__name__} has no ties to break: method must be 'average', got {method!r}.")


@functools.partial(jax.jit, static_argnums=(0, 4, 5))
def sort_by_operator(
    permutation: Callable[..., Any], relax: Any, x: Array, segments: Array | None, axis: int, descending: bool
) -> Array:
    """`P @ x`, in which what is not finite is by itself."""
    s = or_nan(relax.temperature, permutation(relax, x, segments, axis, descending).sorted_values())
    return (-s if descending else s).astype(x.dtype)


@functools.partial(jax.jit, static_argnums=(0, 5, 6))
def place_by_operator(
    permutation: Callable[..., Any], relax: Any, x: Array, w: Array, segments: Array | None, axis: int, descending: bool
) -> Array:
    """`P.T @ w`."""
    return permutation(relax, x, segments, axis, descending).T @ w


def mask_by_place(relax: Any, x: Array, k: Array, axis: int, *, segments: Array | None) -> Array:
    """Soft membership of the k largest: what each element has of the last k places."""
    taken = primitives.places(x.shape, axis, segments, from_end=True) < k
    return relax.place(x, taken.astype(wide_float(x.dtype)), axis, segments=segments)


def wide(x: Array) -> Array:
    """`x` in floats of 32 bits at least."""
    return x.astype(wide_float(x.dtype))
