"""Exact sorting, with a choice of what its derivative is where elements are equal."""

import functools
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .. import _primitives as primitives
from .._checks import check_choice
from .._order import SortedOrder
from .._permutation import AbstractMatrix
from .base import AbstractRelaxation, tied, weighted_positions, with_derivative


class Exact(AbstractRelaxation):
    r"""Exact sorting: values as `jax.numpy` has them, derivatives by the permutation that sorts.

    Away from ties all three policies agree: with $p$ the permutation that sorts, $y_i = x_{p_i}$ and

    $$ dy_i = dx_{p_i}, \qquad \bar x_{p_i} = \bar y_i. $$

    At ties several permutations sort $x$, and `ties` says which of them differentiates:

    - `"stable"`, the default: the one that a stable sort picks, which is also the gradient of `jnp.sort`.
    - `"average"`: the mean of all of them. $dy$ is averaged over each group of equal elements, and so is the
      cotangent: the subgradient of least norm, the same for equal elements, as `jnp.max` has it. `P.T @ arange(n)`
      gives SciPy's "average" ranks, from 0.
    - `"directional"`: the true one-sided derivative $\lim_{h \downarrow 0} (\mathrm{sort}(x + h\,dx) - \mathrm{sort}(x))/h$,
      which sorts $dx$ inside each group. It is not linear in $dx$, so it exists in forward mode only; reverse mode
      raises `ValueError`.

    **Arguments:**

    - `ties`: `"stable"`, `"average"` or `"directional"`.

    **Ties:** equal means equal order: -0 ties with +0, and all NaNs tie with each other.

    **NaN:** after every number, in the order in which they came (before every number when descending).

    **Cost:** O(n log n) at most, O(n) by radix on a CPU; O(n) memory. `"average"` adds one pass over the tangent,
    `"directional"` a second sort.

    **Raises:** `ValueError` for another tie policy.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x = jnp.array([2., 1., 0., 2.])
        >>> def largest(ties):
        ...     return lambda x: sx.sort(x, relax=sx.Exact(ties))[-1]
        >>> print(jax.grad(largest("stable"))(x), jax.grad(largest("average"))(x))
        [0. 0. 0. 1.] [0.5 0.  0.  0.5]
        >>> print(jax.jvp(largest("directional"), (x,), (jnp.array([3., 1., 0., 1.]),))[1])
        3.0

        ```
    """

    ties: Literal["stable", "average", "directional"] = eqx.field(static=True, default="stable")

    def __check_init__(self) -> None:
        check_choice("tie policy", self.ties, primitives.POLICIES)

    def mix(self, order: SortedOrder, v: Array) -> Array:
        if self.ties == "average":
            return order.run_mean(v)
        return order.permuted_by_tangents(v) if self.ties == "directional" else v

    def spread(self, order: SortedOrder, w: Array) -> Array:
        if self.ties == "average":
            return order.run_mean(w)
        return order.permuted_by_tangents(w, transpose=True) if self.ties == "directional" else w

    def sort(self, order: SortedOrder) -> Array:
        # Values to the bit, whatever their dtype.
        if self.ties == "directional":
            axis, segments = order.positive_axis, order.segments
            return primitives.sort(order.x, axis, segments=segments, descending=order.descending, ties=self.ties)[0]
        is_averaged = self.ties == "average" and jnp.issubdtype(order.values.dtype, jnp.inexact)
        return tied(order, order.values) if is_averaged else order.values

    def rank(self, order: SortedOrder) -> Array:
        return self.integer_ranks(order, "average")

    def weighted_rank(self, order: SortedOrder, weights: Array) -> Array:
        return order.scatter(weighted_positions(order, weights))

    def integer_ranks(self, order: SortedOrder, method: str) -> Array:
        axis, segments = order.positive_axis, order.segments
        return primitives.rank(order.x, axis, method=method, descending=order.descending, segments=segments)

    def top_k_mask(self, order: SortedOrder, k: Array) -> Array:
        if self.ties == "average" or order.segments is not None:
            return super().top_k_mask(order, k)
        # A constant, for which nothing is put back.
        return (order.shape[order.positive_axis] - 1 - order.inverse < k).astype(order.dtype)

    def select(self, order: SortedOrder, ranks: Array) -> Array:
        return order.at(ranks, self.ties) if order.is_one_segment else super().select(order, ranks)

    def top_k(self, order: SortedOrder, k: int) -> tuple[Array, Array]:
        if not order.is_one_segment or order.where is not None:
            return super().top_k(order, k)
        axis, descending = order.positive_axis, order.descending
        values, indices = primitives.top_k(order.x, k, axis, descending=descending, ties=self.ties)
        return values, indices

    def partition(self, order: SortedOrder, kth: tuple[int, ...]) -> Array:
        whole = order.is_one_segment and order.where is None
        return order.partitioned(kth, self.ties)[0] if whole else super().partition(order, kth)

    def weighted_quantile(self, order: SortedOrder, weights: Array, q: Any, quantile: Callable[..., Array]) -> Array:
        if self.ties == "directional":
            axis, descending = order.positive_axis, order.descending
            operands = order.segments_in_order, order.values, order.gather(weights), q
            return _quantile_by_direction(axis, descending, quantile, *operands)
        return super().weighted_quantile(order, weights, q, quantile)

    def running_max(self, x: Array, axis: int, smallest: bool) -> Array:
        if self.ties == "directional":
            return _running_max_by_direction(axis, smallest, (x,), x)
        is_largest, begins = primitives.running_max((x,), axis, smallest=smallest)
        index = _index_of_largest(x, is_largest, begins, axis, smallest)
        y = primitives.gather(index, x, axis)
        if self.ties == "stable" or not jnp.issubdtype(x.dtype, jnp.inexact):
            return y
        # The mean over those that are equal to it so far.
        decay = (~begins).astype(x.dtype)
        moved = jnp.where(is_largest, x - lax.stop_gradient(x), 0)
        total, count = (primitives.linear_scan(decay, b, axis) for b in (moved, is_largest.astype(x.dtype)))
        return with_derivative(y, total / count)

    def matrix(self, order: SortedOrder) -> "ExactMatrix":
        return ExactMatrix(order, self)

    def log_entries(self, order: SortedOrder, rows: Array, columns: Array) -> Array:
        if self.ties != "average":
            return jnp.where(rows == columns, 0.0, -jnp.inf)
        axis = order.positive_axis
        begins = order.run_begins
        run = jnp.cumsum(begins, axis, dtype=jnp.int32)
        # Of each run one element is its first: the mean is one over how many there are.
        share = primitives.gather(rows, order.run_mean(begins.astype(float)), axis)
        is_same = primitives.gather(rows, run, axis) == primitives.gather(columns, run, axis)
        return jnp.where(is_same, jnp.log(share), -jnp.inf)


class ExactMatrix(AbstractMatrix):
    """Exact products: to the bit, and of any dtype that need not be averaged."""

    relax: Exact

    def mix(self, v: Array) -> Array:
        return self.relax.mix(self.order, self._checked(v))

    def spread(self, w: Array) -> Array:
        return self.relax.spread(self.order, self._checked(w))

    def log_entries(self, rows: Array, columns: Array) -> Array:
        return self.relax.log_entries(self.order, rows, columns)

    def _checked(self, v: Array) -> Array:
        if self.relax.ties == "average" and not jnp.issubdtype(v.dtype, jnp.inexact):
            raise TypeError(
                f'Exact(ties="average") averages values of equal keys, which {v.dtype} cannot hold; '
                'pass floats, or ties="stable".'
            )
        return v


def _index_of_largest(x: Array, is_largest: Array, begins: Array, axis: int, smallest: bool) -> Array:
    """Of those that are equal the last, as at the end of a sort; of the smallest the first, unless they are NaN."""
    if not smallest:
        return primitives.last_index(is_largest, axis)
    return primitives.last_index(begins | (is_largest & (x != x)), axis)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _running_max_by_direction(axis: int, smallest: bool, keys: tuple[Array, ...], v: Array) -> Array:
    """The entries of `v` where the keys are largest so far, which a perturbation decides where these are equal."""
    found = primitives.running_max(keys, axis, smallest=smallest)
    return primitives.gather(_index_of_largest(keys[0], *found, axis, smallest), v, axis)


@_running_max_by_direction.defjvp
def _running_max_by_direction_jvp(axis: int, smallest: bool, primals: Any, tangents: Any) -> Any:
    (keys, v), (dkeys, dv) = primals, tangents
    by_key = zip(keys, dkeys, strict=True)
    # The perturbation of a key outranks the keys after it; an integer has none.
    refined = tuple(k for pair in by_key for k in pair if k.dtype != jax.dtypes.float0)
    dy = _running_max_by_direction(axis, smallest, refined, dv) if dv.dtype != jax.dtypes.float0 else dv
    return _running_max_by_direction(axis, smallest, keys, v), _refused_in_reverse(dy, axis)


def _refused_in_reverse(dy: Array, axis: int) -> Array:
    """The same; where it is transposed, a sentence says that there is no reverse mode."""
    place = lax.broadcasted_iota(jnp.int32, dy.shape, axis)
    return primitives.permute_by_tangents((place,), dy, axis, descending=(False,))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _quantile_by_direction(
    axis: int, descending: bool, quantile: Callable[..., Array], segments: Array | None, s: Array, w: Array, q: Any
) -> Array:
    """A quantile of elements that a perturbation puts in order: it decides which of those that are equal has which weight."""
    return quantile(s, w, q)


@_quantile_by_direction.defjvp
def _quantile_by_direction_jvp(
    axis: int, descending: bool, quantile: Callable[..., Array], primals: Any, tangents: Any
) -> Any:
    (segments, s, w, q), (_, ds, _, _) = primals, tangents
    keys, directions = (s, ds), (descending, descending)
    if segments is not None:
        keys, directions = (segments, *keys), (False, *directions)
    in_order = functools.partial(primitives.permute_by_tangents, keys, axis=axis, descending=directions)
    ds, w_moved = in_order(ds), in_order(w)
    _, dy = jax.jvp(lambda s: quantile(s, w_moved, q), (s,), (ds,))
    # Computed apart from the direction, as the value of a function that is linearised must be.
    return _quantile_by_direction(axis, descending, quantile, *primals), _refused_in_reverse(dy, axis)
