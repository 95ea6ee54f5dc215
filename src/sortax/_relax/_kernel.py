"""Permutations that are made soft by a kernel of distance: the i-th in order is a mean of what is near it."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from .. import _primitives as primitives
from .._permutation import sorted_places
from ._line import Line, individually, line, with_columns
from ._soft_permutation import AbstractSoftPermutation


class Falloff(eqx.Module):
    r"""$\kappa(d) = e^{-(d r)^p}$ with the rate r, and the sum of exponentials of d r that stands for it."""

    rate: Float[Array, ""]
    power: int = eqx.field(static=True)
    terms: primitives.Terms = eqx.field(static=True)


class Kernel(eqx.Module):
    r"""$K_{ij} = \kappa(s_i - x_j)$ with both in order, for a kernel that is a sum of exponentials of distance.

    Elements that are equal, and so have one place each of several, share these places: s differentiates as their mean. But each
    x differentiates by itself, and by symmetry does not move what it is equal to.
    """

    line: Line
    x: Float[Array, "*shape"]
    """What `line` has in order, differentiated each by itself."""
    centre: Float[Array, "*shape"]
    """What they are measured from; see `Line.centre`."""
    falloff: Falloff

    def __call__(self, v: Array, columns: int = 0, *, rows_move: bool = False, columns_move: bool = True) -> Array:
        """K @ v for `v` in order with so many trailing columns; whether rows and columns are those of x, or of s."""
        axis, rate = self.line.axis % self.line.values.ndim, self.falloff.rate

        def at(x: Array) -> Array:
            return with_columns(self.line.centred(x, self.centre) * rate, columns).astype(v.dtype)

        s, x = at(self.line.values), at(self.x)
        ends = x if rows_move else s, x if columns_move else s
        z = with_columns(self.line.scaled(rate), columns)
        return primitives.flow(z, *ends, v, axis, terms=self.falloff.terms)

    def log_entries(self, row: Int[Array, "*shape"], element: Int[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The logarithm of K at these places in order."""
        axis, finite = self.line.axis % self.line.values.ndim, jnp.isfinite(self.line.values)
        s, x = self.line.finite_values, jnp.where(finite, self.x, 0)
        together = self.line.cell(row) == self.line.cell(element)
        distance = jnp.where(together, primitives.take(row, s, axis) - primitives.take(element, x, axis), 0)
        return jnp.where(together, -((jnp.abs(distance) * self.falloff.rate) ** self.falloff.power), -jnp.inf)


def kernel(x: Array, falloff: Falloff, axis: int, *, segments: Array | None, descending: bool) -> Kernel:
    on = line(x, axis, segments=segments, descending=descending, ties="average")
    return Kernel(on, individually(on, x, axis, descending=descending), on.centre(falloff.rate), falloff)


class KernelPermutation(AbstractSoftPermutation):
    """A soft permutation: row i has the weights of all elements in the i-th of the sorted ones, which sum to one.

    `indices` and `inverse` are those of the stable sort.
    """

    indices: Int[Array, "*shape"]
    inverse: Int[Array, "*shape"]
    axis: int = eqx.field(static=True)
    kernel: Kernel
    rows: Float[Array, "*shape"]
    """What scales each row, and each column, of the kernel."""
    columns: Float[Array, "*shape"]
    transposed: bool = eqx.field(static=True, default=False)

    @property
    def line(self) -> Line:
        return self.kernel.line

    @property
    def in_order(self) -> Array:
        return self.kernel.x

    @property
    def centre(self) -> Array:
        return self.kernel.centre

    @property
    def T(self) -> "KernelPermutation":
        return KernelPermutation(
            self.inverse, self.indices, self.axis, self.kernel, self.rows, self.columns, not self.transposed
        )

    def mix(self, v: Array, columns: int) -> Array:
        rows, scales = (with_columns(scale, columns).astype(v.dtype) for scale in (self.rows, self.columns))
        return self.kernel(v * scales, columns) * rows

    def spread(self, w: Array, columns: int) -> Array:
        rows, scales = (with_columns(scale, columns).astype(w.dtype) for scale in (self.rows, self.columns))
        return self.kernel(w * rows, columns, rows_move=True, columns_move=False) * scales

    def _log_entries(self, columns: Array, axis: int) -> Array:
        row, element = sorted_places(self, columns, axis, self.transposed)
        log_rows, log_columns = (
            jnp.log(primitives.take(*scale, axis)) for scale in ((row, self.rows), (element, self.columns))
        )
        return self.kernel.log_entries(row, element) + log_rows + log_columns


def entropies(x: Array, falloff: Falloff, axis: int) -> Float[Array, "*shape"]:
    """For each element in order the entropy of the weights that fall off with the distances of all elements."""

    def log_mass(log_scale: Array) -> Array:
        scaled = Falloff(falloff.rate * jnp.exp(log_scale), falloff.power, falloff.terms)
        K = kernel(x, scaled, axis, segments=None, descending=False)
        return jnp.log(K(jnp.ones_like(K.line.values)))

    # log Z, and the mean of the exponent, which is what log Z loses as the scale of distances grows.
    zero = jnp.zeros_like(falloff.rate)
    mass, growth = jax.jvp(log_mass, (zero,), (zero + 1,))
    return mass - growth / falloff.power


@jax.custom_jvp
def balance(kernel: Kernel) -> Float[Array, "*shape"]:
    """The scales d of rows and columns alike that make d_i K_ij d_j doubly stochastic."""
    steps = 30 if kernel.line.values.dtype == jnp.float32 else 56

    def step(_: int, log_scale: Array) -> Array:
        # A kernel that is positive definite halves the error at least.
        return (log_scale - jnp.log(kernel(jnp.exp(log_scale), rows_move=True))) / 2

    return jnp.exp(lax.fori_loop(0, steps, step, jnp.zeros_like(kernel.line.values)))


@balance.defjvp
def _balance_jvp(primals, tangents):
    (kernel,), (dkernel,) = primals, tangents
    d = balance(kernel)
    _, moved = jax.jvp(lambda k: jnp.log(k(d, rows_move=True)), (kernel,), (dkernel,))

    def equation(u: Array) -> Array:
        return u + d * kernel(d * u, rows_move=True)

    def solve(f, b: Array) -> Array:
        # Its eigenvalues are from 1 to 2: each step leaves a third of the error at most.
        steps = 18 if b.dtype == jnp.float32 else 36
        return lax.fori_loop(0, steps, lambda _, u: u + (b - f(u)) * (2 / 3), b * (2 / 3))

    return d, d * lax.custom_linear_solve(equation, -moved, solve, symmetric=True)
