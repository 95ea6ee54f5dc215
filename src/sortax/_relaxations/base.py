"""What a relaxation is: a matrix M on sorted elements, so that P = M Π, and the ops that follow from it."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Inexact, Int, Real, Shaped

from .. import _primitives as primitives
from .._keys import wide_float
from .._order import SortedOrder
from .._permutation import AbstractMatrix, Permutation


class AbstractRelaxation(eqx.Module):
    r"""What sorting means: a matrix M that mixes elements in sorted order, given by its two products.

    Whoever writes one defines `mix` and `spread`. All ops of the library follow, with masks, segments, axes and both modes of
    differentiation; a method below is overridden only where a closed form is cheaper, or where the published definition is
    another one. Rows of M sum to one, and no entry connects two components of the order.

    A relaxation is a frozen pytree. A field that is a Python number is an operand under `jit`, so that another number retraces
    nothing, and one that is an array can be trained. Methods take whole batches: arrays are shaped like `x`, whatever its axes.
    """

    @abc.abstractmethod
    def mix(self, order: SortedOrder, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """M @ v: what stands at each place of the order; `v` is in order, as the result is."""

    @abc.abstractmethod
    def spread(self, order: SortedOrder, w: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """M.T @ w: what each element has of `w`; both are in order. In every op `w` does not decrease along the order."""

    def sort(self, order: SortedOrder) -> Shaped[Array, "*shape"]:
        """The sorted array, in order: `mix` of the elements."""
        check_floats(self, order)
        return order.uncentred(self.mix(order, order.centred))

    def rank(self, order: SortedOrder) -> Float[Array, "*shape"]:
        """The rank of each element of the input in its segment, from 0: its mean position, `spread(position) / spread(1)`.

        Positions are counted from the start of the component, so that nothing else moves the rank.
        """
        offset, M = order.index - order.component_start, self.matrix(order)
        mean = M.spread(offset.astype(order.dtype)) / M.spread(jnp.ones(order.shape, order.dtype))
        return order.scatter((order.position - offset).astype(order.dtype) + mean)

    def top_k_mask(self, order: SortedOrder, k: Int[Array, "*#shape"]) -> Float[Array, "*shape"]:
        """The membership of each element of the input in the `k` last of its segment: `spread` of 0, ..., 0, 1, ..., 1.

        It sums to `k`, or to the size of the segment if that is less; `k` may differ from segment to segment, and is in order
        then. The order has ties reversed.
        """
        return order.scatter(self.spread(order, (order.position_from_end < k).astype(order.dtype)))

    def select(self, order: SortedOrder, ranks: Int[Array, "*ranks"]) -> Shaped[Array, "*ranks"]:
        """The entries of the sorted array at these indices along its axis, which are in range."""
        return primitives.gather(ranks, self.sort(order), order.positive_axis)

    def top_k(self, order: SortedOrder, k: int) -> tuple[Shaped[Array, "..."], Int[Array, "..."]]:
        """The first `k` entries of the sorted array, and the indices of the first `k` elements in exact order."""
        values, indices = (lax.slice_in_dim(y, 0, k, axis=order.positive_axis) for y in (self.sort(order), order.indices))
        return values, indices

    def partition(self, order: SortedOrder, kth: tuple[int, ...]) -> Shaped[Array, "*shape"]:
        """The sorted array, of which only the entries `kth` need stand in their places, and all others between them."""
        return self.sort(order)

    def weighted_quantile(
        self,
        order: SortedOrder,
        weights: Float[Array, "*shape"],
        q: Any,
        quantile: Callable[..., Shaped[Array, "*ranks"]],
    ) -> Shaped[Array, "*ranks"]:
        """`quantile` of the sorted array, of the weights in exact order, which say where values are read, and of the arrays `q`."""
        return quantile(self.sort(order), order.gather(weights), q)

    def matrix(self, order: SortedOrder) -> AbstractMatrix:
        """M, where what its products have in common is computed once."""
        return RelaxationMatrix(order, self)

    def permutation(self, order: SortedOrder) -> Permutation:
        """The operator P = M Π."""
        return Permutation(self.matrix(order))

    # What a relaxation may also have.

    def weighted_rank(self, order: SortedOrder, weights: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Ranks of the input where each element of the order counts as so many, which are in order and in its dtype."""
        raise TypeError(f"{name_of(self)} has no ranks among weighted elements; Exact, LapSum and SigmoidSum have.")

    def integer_ranks(self, order: SortedOrder, method: str) -> Real[Array, "*shape"]:
        """Ranks of the input in which ties are broken by `method`, as in `sortax.rank`."""
        raise ValueError(f"{name_of(self)} has no ties to break: method must be 'average', got {method!r}.")

    def running_max(self, x: Shaped[Array, "*shape"], axis: int, smallest: bool) -> Shaped[Array, "*shape"]:
        """The largest element so far along the axis, or the smallest."""
        raise TypeError(f"{name_of(self)} has no running maximum, which is soft in no published form; Exact has.")

    def log_entries(
        self, order: SortedOrder, rows: Int[Array, "*shape"], columns: Int[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        """The logarithms of the entries of M at these indices of the order."""
        raise TypeError(f"{name_of(self)} has no logarithms of entries; SoftSort, LapSum and SigmoidSum have.")

    def temperature_for(self, order: SortedOrder, neighbours: Float[Array, ""]) -> Float[Array, ""]:
        """The temperature at which an element of the order is spread over so many elements."""
        raise TypeError(f"{name_of(self)} has no temperature to find; SoftSort, LapSum, SigmoidSum and Permutahedron have.")


class RelaxationMatrix(AbstractMatrix):
    """The matrix of a relaxation that is given by its two products."""

    relax: AbstractRelaxation

    def mix(self, v: Array) -> Array:
        return in_floats(lambda v: self.relax.mix(self.order, v.astype(self.order.dtype)), v, self.order.dtype)

    def spread(self, w: Array) -> Array:
        return in_floats(lambda w: self.relax.spread(self.order, w.astype(self.order.dtype)), w, self.order.dtype)

    def log_entries(self, rows: Array, columns: Array) -> Array:
        return self.relax.log_entries(self.order, rows, columns)


def as_relaxation(relax: Any) -> Any:
    """`relax`, or one sentence that says what it must be."""
    if not isinstance(relax, AbstractRelaxation):
        raise TypeError(f"relax must be a relaxation such as sortax.Exact(), got {relax!r}.")
    return relax


def name_of(relax: AbstractRelaxation) -> str:
    return type(relax).__name__


def check_floats(relax: AbstractRelaxation, order: SortedOrder) -> None:
    """Mixtures of elements are floats."""
    if not jnp.issubdtype(order.values.dtype, jnp.floating):
        raise TypeError(f"{name_of(relax)} mixes elements, which {order.values.dtype} cannot hold; pass floats.")


def in_floats(product: Callable[[Array], Array], v: Array, dtype: Any) -> Array:
    """A real product with `v`, in floats of `dtype` at least; the parts of complex numbers apart."""
    if jnp.issubdtype(v.dtype, jnp.complexfloating):
        return lax.complex(in_floats(product, v.real, dtype), in_floats(product, v.imag, dtype))
    if not jnp.issubdtype(v.dtype, jnp.floating):
        raise TypeError(f"a soft permutation mixes values, which {v.dtype} cannot hold; pass floats.")
    return product(v.astype(jnp.promote_types(dtype, wide_float(v.dtype)))).astype(v.dtype)


def weighted_positions(order: SortedOrder, weights: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The mean position of the copies of each element of the order, in its segment, where each counts as so many copies."""
    axis, begins = order.positive_axis, order.segment_begins
    mass = primitives.linear_scan((~begins).astype(weights.dtype), weights, axis)
    before = jnp.where(begins, 0, primitives.shifted(mass, axis, 1))
    below, up_to = (
        of_run(order.run_begins, y, axis)
        for of_run, y in ((primitives.first_of_run, before), (primitives.last_of_run, mass))
    )
    return (below + up_to - 1) / 2


def tied(order: SortedOrder, x: Inexact[Array, "*shape"]) -> Inexact[Array, "*shape"]:
    """`x`, which is in order and the same for equal elements, with the derivative of their mean."""
    return with_derivative(x, order.run_mean(x))


@jax.custom_jvp
def with_derivative(value: Array, carrier: Array) -> Array:
    """`value`, with the derivative of `carrier`."""
    return value


@with_derivative.defjvp
def _with_derivative_jvp(primals: Any, tangents: Any) -> Any:
    return with_derivative(*primals), tangents[1]
