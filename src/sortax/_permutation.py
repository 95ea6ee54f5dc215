"""Permutations as linear operators: P = M Π puts an array into sorted order, and then mixes it as a relaxation does.

Nothing of size n x n exists unless `.dense()` asks for it.
"""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Inexact, Int, Shaped

from . import _primitives as primitives
from ._checks import as_array, check_operand
from ._order import SortedOrder


class AbstractMatrix(eqx.Module):
    """A stack of n x n matrices M between elements in order, one a row of the array, given by its products.

    `M @ v` is `mix` and `M.T @ w` is `spread`, for arrays in order that are shaped like `x`.
    """

    order: SortedOrder
    """The order whose elements it mixes."""

    @abc.abstractmethod
    def mix(self, v: Shaped[Array, "*shape"]) -> Shaped[Array, "*shape"]:
        """M @ v."""

    @abc.abstractmethod
    def spread(self, w: Shaped[Array, "*shape"]) -> Shaped[Array, "*shape"]:
        """M.T @ w."""

    @abc.abstractmethod
    def log_entries(self, rows: Int[Array, "*shape"], columns: Int[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The logarithms of the entries at these indices of the order."""

    def __matmul__(self, v: Shaped[Array, "*shape"]) -> Shaped[Array, "*shape"]:
        return self.mix(v)

    @property
    def T(self) -> "TransposedMatrix":
        """The transpose."""
        return TransposedMatrix(self)


class TransposedMatrix(eqx.Module):
    """The transpose of a matrix, for its products."""

    T: AbstractMatrix
    """The matrix itself."""

    def __matmul__(self, w: Shaped[Array, "*shape"]) -> Shaped[Array, "*shape"]:
        return self.T.spread(w)


class Permutation(eqx.Module):
    r"""The permutation that sorts, or a relaxation of it, as a linear operator.

    With `x` of shape `(*left, n, *right)`, sorted along the axis of length n, the operator is a stack of n x n
    matrices, one for each of the `(*left, *right)` rows, and

    - `P @ v` with `v` shaped like `x` applies each matrix to its own row;
    - `P @ v` with `v` of shape `(*left, n, *right, *columns)` applies it to every column as well, as a matrix
      product does;
    - `P @ v` with `v` of shape `(n,)` applies every matrix to that one vector; the result is shaped like `x`.

    `P.T @ w` follows the same rules. Both are linear in the array, differentiate in it in either mode and to any order,
    and cost O(n) time and memory a row. [`sortax.permutation`][] makes it.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> P = sx.permutation(jnp.array([3., 1., 2.]))
        >>> print(P @ jnp.array([3., 1., 2.]), P.T @ jnp.array([1., 2., 3.]))
        [1. 2. 3.] [3. 1. 2.]
        >>> print(P.indices, P.inverse)
        [1 2 0] [2 0 1]

        ```
    """

    matrix: AbstractMatrix
    """The matrix M of the relaxation, between elements in order."""
    is_transposed: bool = eqx.field(static=True, default=False)

    @property
    def T(self) -> "Permutation":
        """The transpose: carries what is in sorted order, a cotangent for example, back to where it came from."""
        return Permutation(self.matrix, not self.is_transposed)

    @property
    def order(self) -> SortedOrder:
        """The permutation Π that sorts exactly."""
        return self.matrix.order

    @property
    def indices(self) -> Int[Array, "*shape"]:
        """Integers shaped like `x`: the i-th in exact sorted order is `x[indices[i]]`; of the transpose, its `inverse`."""
        return self.order.inverse if self.is_transposed else self.order.indices

    @property
    def inverse(self) -> Int[Array, "*shape"]:
        """The inverse permutation of `indices`: `x[j]` is the `inverse[j]`-th in exact sorted order."""
        return self.order.indices if self.is_transposed else self.order.inverse

    @property
    def axis(self) -> int:
        """The axis of `x` that is permuted, counted from the end."""
        return self.order.axis

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `dense()`: the other axes of `x`, then n, n."""
        shape, axis = self.order.shape, self.order.positive_axis
        return (*shape[:axis], *shape[axis + 1 :], shape[axis], shape[axis])

    def __matmul__(self, v: Any) -> Shaped[Array, "..."]:
        v = as_array("the right-hand side of P @ v", v)
        shape, axis = self.order.shape, self.order.positive_axis
        check_operand("the right-hand side of P @ v", v.shape, shape, axis)
        if v.shape == (shape[axis],) and len(shape) > 1:
            v = jnp.broadcast_to(v.reshape([-1 if d == axis else 1 for d in range(len(shape))]), shape)
        if v.ndim == len(shape):
            return self._product(v)
        # All columns share one matrix.
        columns = v.shape[len(shape) :]
        y = jax.vmap(self._product, -1, -1)(v.reshape(*shape, -1))
        return y.reshape(*shape, *columns)

    def _product(self, v: Array) -> Array:
        if self.is_transposed:
            # Gathered through the inverse, which keeps every bit: XLA scatters narrow floats in wider ones.
            return primitives.permute(self.order.inverse, self.matrix.T @ v, self.order.positive_axis)
        return self.matrix @ self.order.gather(v)

    def log_entries(self, columns: Any) -> Float[Array, "*shape"]:
        r"""$\log P_{i c_i}$: of each row the entry in one column, computed as a logarithm, so that none underflows.

        **Arguments:**

        - `columns`: integers shaped like `x`; the i-th along the axis is the column asked for in row i.

        **Returns:** floats shaped like `x`: zero or below, -inf for an entry that is zero, NaN for a column out of range.
        What is masked by multiplying should be masked by `jnp.where` here, since 0 * -inf is NaN.

        **Cost:** O(n) a row; there is no matrix. **Raises:** `TypeError` unless `columns` are integers, or if the relaxation has
        no logarithms of entries; `ValueError` unless they have the shape of `x`.

        ??? example
            ```python
            >>> import jax.numpy as jnp, sortax as sx
            >>> P = sx.permutation(jnp.array([2., 5., 4.]), relax=sx.SoftSort(1.))
            >>> print(*(f"{p:.3f}" for p in jnp.exp(P.log_entries(jnp.array([0, 2, 1])))))
            0.844 0.665 0.705

            ```
        """
        columns = as_array("columns", columns)
        if not jnp.issubdtype(columns.dtype, jnp.integer):
            raise TypeError(f"columns must be integers, got {columns.dtype}.")
        shape, axis = self.order.shape, self.order.positive_axis
        if columns.shape != shape:
            raise ValueError(f"columns must have the shape of x, {shape}, got {columns.shape}.")
        n = shape[axis]
        if n == 0:
            return jnp.zeros(shape)
        in_range = jnp.clip(columns, 0, n - 1).astype(self.order.indices.dtype)
        if self.is_transposed:
            log = self.matrix.log_entries(in_range, self.order.inverse)
        else:
            index = lax.broadcasted_iota(in_range.dtype, shape, axis)
            log = self.matrix.log_entries(index, primitives.gather(in_range, self.order.inverse, axis))
        return jnp.where((columns >= 0) & (columns < n), log, jnp.nan)

    def log_prob(self, indices: Any) -> Float[Array, "*batch"]:
        r"""$\sum_i \log P_{i p_i}$: the log-probability of a permutation p of which each entry is drawn by itself from its row.

        Its negative over n is the cross-entropy that teaches a network a known order, as in SoftSort and NeuralSort,
        from n entries instead of n^2.

        **Arguments:**

        - `indices`: integers shaped like `x`: the i-th in the right order is `x[indices[i]]`, as `jnp.argsort` gives it.

        **Returns:** one number a row. **Raises:** `TypeError` unless the indices are integers, or if the relaxation has
        no logarithms of entries; `ValueError` unless they have the shape of `x`.

        ??? example
            ```python
            >>> import jax.numpy as jnp, sortax as sx
            >>> P = sx.permutation(jnp.array([2., 5., 4.]), relax=sx.SoftSort(1.))
            >>> print(f"{P.log_prob(jnp.array([0, 2, 1])):.3f}")
            -0.926

            ```
        """
        return jnp.sum(self.log_entries(indices), self.axis)

    def dense(self) -> Inexact[Array, "*batch n n"]:
        """The matrix, of shape `(*batch, n, n)` with the other axes of `x` in front; n^2 memory, for looking at."""
        shape, axis = self.order.shape, self.order.positive_axis
        n = shape[axis]
        identity = jnp.eye(n).reshape([n if d == axis else 1 for d in range(len(shape))] + [n])
        return jnp.moveaxis(self @ jnp.broadcast_to(identity, (*shape, n)), axis, -2)
