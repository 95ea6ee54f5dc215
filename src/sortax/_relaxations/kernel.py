"""Matrices whose weights are a kernel of distance: what stands at each place is a mean of what is near it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from .. import _primitives as primitives
from .._order import SortedOrder
from .._permutation import AbstractMatrix
from .base import in_floats, tied


class Kernel(eqx.Module):
    r"""$\kappa(d) = e^{-(d r)^p}$ with the rate r, and the sum of exponentials of d r that stands for it."""

    rate: Float[Array, "*rows"]
    power: int = eqx.field(static=True)
    terms: primitives.ExponentialSum = eqx.field(static=True)


class KernelMatrix(eqx.Module):
    r"""$K_{ij} = \kappa(s_i - x_j)$ between elements in order, for a kernel that is a sum of exponentials of distance.

    Elements that are equal share the places of all of them: s differentiates as their mean. But each x differentiates by itself,
    and by symmetry does not move what it is equal to.
    """

    gaps: Float[Array, "*shape"]
    """The distances between neighbours, times the rate: a structure, without a derivative."""
    rows: Float[Array, "*shape"]
    """s and x, both measured from the centre, times the rate."""
    columns: Float[Array, "*shape"]
    axis: int = eqx.field(static=True)
    terms: primitives.ExponentialSum = eqx.field(static=True)

    def __call__(self, v: Array, *, rows: Array | None = None, columns: Array | None = None) -> Array:
        """K @ v, where rows and columns stand at s and x, or as they are given."""
        rows = self.rows if rows is None else rows
        columns = self.columns if columns is None else columns
        return primitives.kernel_sum(self.gaps, rows, columns, v, self.axis % v.ndim, terms=self.terms)

    def transposed(self, w: Array) -> Array:
        """K.T @ w."""
        return self(w, rows=self.columns, columns=self.rows)

    def symmetric(self, v: Array) -> Array:
        """K @ v with rows at x as well."""
        return self(v, rows=self.columns)

    @property
    def ones(self) -> Float[Array, "*shape"]:
        return jnp.ones_like(self.columns)


def kernel_matrix(order: SortedOrder, kernel: Kernel) -> KernelMatrix:
    """The matrix between the elements of an order that is split where nothing is left of the kernel."""
    x = order.centred
    s, gaps = tied(order, x), scaled_gaps(order, kernel.rate)
    return KernelMatrix(gaps, s * kernel.rate, x * kernel.rate, order.axis, kernel.terms)


def scaled_gaps(order: SortedOrder, rate: Float[Array, "*rows"]) -> Float[Array, "*shape"]:
    """The gaps times a rate, as primitives take them: a structure, without a derivative."""
    gaps = order.gaps
    return lax.stop_gradient(jnp.where(gaps != 0, gaps * rate, 0))


class ScaledKernelMatrix(AbstractMatrix):
    """A kernel matrix of which rows and columns are scaled."""

    kernel: Kernel
    K: KernelMatrix
    row_scales: Float[Array, "*shape"]
    column_scales: Float[Array, "*shape"]

    def mix(self, v: Array) -> Array:
        return in_floats(
            lambda v: self.K(v * self.column_scales.astype(v.dtype)) * self.row_scales.astype(v.dtype), v, self.order.dtype
        )

    def spread(self, w: Array) -> Array:
        return in_floats(
            lambda w: self.K.transposed(w * self.row_scales.astype(w.dtype)) * self.column_scales.astype(w.dtype),
            w,
            self.order.dtype,
        )

    def log_entries(self, rows: Int[Array, "*shape"], columns: Int[Array, "*shape"]) -> Float[Array, "*shape"]:
        axis, order = self.order.positive_axis, self.order
        x = order.finite_values
        s, is_together = tied(order, x), order.share_component(rows, columns)
        distance = jnp.where(is_together, primitives.gather(rows, s, axis) - primitives.gather(columns, x, axis), 0)
        exponent = (jnp.abs(distance) * self.kernel.rate) ** self.kernel.power
        log = jnp.where(is_together, -exponent, -jnp.inf)
        log_rows, log_columns = jnp.log(self.row_scales), jnp.log(self.column_scales)
        return log + primitives.gather(rows, log_rows, axis) + primitives.gather(columns, log_columns, axis)


def entropies(order: SortedOrder, kernel: Kernel) -> Float[Array, "*shape"]:
    """For each element in order the entropy of the weights that decay with the distances of all elements."""

    def log_mass(log_scale: Array) -> Array:
        K = kernel_matrix(order, Kernel(kernel.rate * jnp.exp(log_scale), kernel.power, kernel.terms))
        return jnp.log(K(K.ones))

    # log Z, and the mean of the exponent, which is what log Z loses as the scale of distances grows.
    zero = jnp.zeros_like(kernel.rate)
    mass, growth = jax.jvp(log_mass, (zero,), (zero + 1,))
    return mass - growth / kernel.power


@jax.custom_jvp
def balancing_scales(K: KernelMatrix) -> Float[Array, "*shape"]:
    """The scales d of rows and columns alike that make d_i K_ij d_j doubly stochastic."""
    steps = 30 if K.rows.dtype == jnp.float32 else 56

    def step(_: int, log_scale: Array) -> Array:
        # A kernel that is positive definite halves the error at least.
        return (log_scale - jnp.log(K.symmetric(jnp.exp(log_scale)))) / 2

    return jnp.exp(lax.fori_loop(0, steps, step, jnp.zeros_like(K.rows)))


@balancing_scales.defjvp
def _balancing_scales_jvp(primals: Any, tangents: Any) -> Any:
    (K,), (dK,) = primals, tangents
    d = balancing_scales(K)
    _, moved = jax.jvp(lambda K: jnp.log(K.symmetric(d)), (K,), (dK,))

    def equation(u: Array) -> Array:
        return u + d * K.symmetric(d * u)

    def solve(f: Any, b: Array) -> Array:
        # Its eigenvalues are from 1 to 2: each step leaves a third of the error at most.
        steps = 18 if b.dtype == jnp.float32 else 36
        return lax.fori_loop(0, steps, lambda _, u: u + (b - f(u)) * (2 / 3), b * (2 / 3))

    return d, d * lax.custom_linear_solve(equation, -moved, solve, symmetric=True)
