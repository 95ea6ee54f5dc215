"""Permutations as linear operators: `P @ v` puts v into sorted order, `P.T @ w` puts it back.

Nothing of size n x n exists unless `.dense()` asks for it.
"""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Inexact, Int, Shaped

from ._axis import as_array, check_operand
from ._primitives import average, permute, refine, take


class AbstractPermutation(eqx.Module):
    """A (mean of) permutation(s) of one axis, as the linear operator that sorts.

    With `x` of shape `(*left, n, *right)`, sorted along the axis of length n, the operator is a stack of n x n
    matrices, one for each of the `(*left, *right)` rows, and

    - `P @ v` with `v` shaped like `x` applies each matrix to its own row;
    - `P @ v` with `v` of shape `(*left, n, *right, *columns)` applies it to every column as well, as a matrix
      product does;
    - `P @ v` with `v` of shape `(n,)` applies every matrix to that one vector; the result is shaped like `x`.

    `P.T @ w` follows the same rules. Both are linear in the array, differentiate in it in either mode and to any order,
    and cost O(n) time and memory a row.
    """

    indices: eqx.AbstractVar[Int[Array, "*shape"]]
    """Integers shaped like `x`: the i-th in sorted order is `x[indices[i]]`."""

    inverse: eqx.AbstractVar[Int[Array, "*shape"]]
    """The inverse permutation of `indices`: `x[j]` stands at place `inverse[j]` of the sorted order."""

    axis: eqx.AbstractVar[int]
    """The axis of `x` that is permuted, counted from the end."""

    @property
    @abc.abstractmethod
    def T(self) -> "AbstractPermutation":
        """The transpose: carries what is in sorted order, a cotangent for example, back to where it came from."""

    @abc.abstractmethod
    def _apply(self, v: Shaped[Array, "*shape_and_columns"], axis: int, columns: int) -> Shaped[Array, "*shape_and_columns"]:
        """The operator on `v` along the non-negative `axis`, with `columns` trailing axes beyond those of `x`."""

    @abc.abstractmethod
    def _log_entries(self, columns: Int[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
        """`log_entries` along the non-negative `axis`, of columns that are in range."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `dense()`: the other axes of `x`, then n, n."""
        n = self.indices.shape[self.axis]
        axis = self.axis % self.indices.ndim
        return (*self.indices.shape[:axis], *self.indices.shape[axis + 1 :], n, n)

    def __matmul__(self, v: Any) -> Shaped[Array, "..."]:
        v = as_array("the right-hand side of P @ v", v)
        shape = self.indices.shape
        axis = self.axis % len(shape)
        check_operand("the right-hand side of P @ v", v.shape, shape, axis)
        if v.shape == (shape[axis],) and len(shape) > 1:
            v = jnp.broadcast_to(v.reshape([-1 if d == axis else 1 for d in range(len(shape))]), shape)
        return self._apply(v, axis, v.ndim - len(shape))

    def log_entries(self, columns: Any) -> Float[Array, "*shape"]:
        r"""$\log P_{i c_i}$: of each row the entry in one column, computed as a logarithm, so that none underflows.

        **Arguments:**

        - `columns`: integers shaped like `x`; the i-th along the axis is the column asked for in row i.

        **Returns:** floats shaped like `x`: zero or below, -inf for an entry that is zero, NaN for a column out of range.
        What is masked by multiplying should be masked by `jnp.where` here, since 0 * -inf is NaN.

        **Cost:** O(n) a row; there is no matrix. **Raises:** `TypeError` unless `columns` are integers, and `ValueError` unless
        they have the shape of `x`.

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
        if columns.shape != self.indices.shape:
            raise ValueError(f"columns must have the shape of x, {self.indices.shape}, got {columns.shape}.")
        axis = self.axis % self.indices.ndim
        n = columns.shape[axis]
        if n == 0:
            return jnp.zeros(columns.shape)
        log = self._log_entries(jnp.clip(columns, 0, n - 1).astype(self.indices.dtype), axis)
        return jnp.where((columns >= 0) & (columns < n), log, jnp.nan)

    def log_prob(self, indices: Any) -> Float[Array, "*batch"]:
        r"""$\sum_i \log P_{i p_i}$: the log-probability of a permutation p whose places are drawn each by itself from its row.

        Less its sign and over n, it is the cross-entropy that teaches a network a known order, as in SoftSort and NeuralSort,
        from n entries instead of n^2.

        **Arguments:**

        - `indices`: integers shaped like `x`: the i-th in the right order is `x[indices[i]]`, as `jnp.argsort` gives it.

        **Returns:** one number a row. **Raises:** as `log_entries`.

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
        shape = self.indices.shape
        axis = self.axis % len(shape)
        n = shape[axis]
        eye = jnp.eye(n).reshape([n if d == axis else 1 for d in range(len(shape))] + [n])
        return jnp.moveaxis(self @ jnp.broadcast_to(eye, (*shape, n)), axis, -2)


class Permutation(AbstractPermutation):
    """One permutation a row: `P @ v` is `v[indices]`, and the transpose is the inverse.

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

    indices: Int[Array, "*shape"]
    inverse: Int[Array, "*shape"]
    axis: int = eqx.field(static=True)

    @property
    def T(self) -> "Permutation":
        return Permutation(self.inverse, self.indices, self.axis)

    def _apply(self, v: Array, axis: int, columns: int) -> Array:
        return permute(_with_columns(self.indices, columns), v, axis)

    def _log_entries(self, columns: Array, axis: int) -> Array:
        return _one_entry(self, columns)


class AveragedPermutation(AbstractPermutation):
    """The mean of all permutations that sort: doubly stochastic, equal weights inside each group of equal elements.

    `indices` and `inverse` are those of the stable sort, which is one of them.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> P = sx.permutation(jnp.array([5., 1., 5.]), relax=sx.Exact("average"))
        >>> print(P.T @ jnp.arange(3.))
        [1.5 0.  1.5]

        ```
    """

    indices: Int[Array, "*shape"]
    inverse: Int[Array, "*shape"]
    axis: int = eqx.field(static=True)
    starts: Bool[Array, "*shape"]
    """Where a group of equal elements starts, in sorted order."""
    transposed: bool = eqx.field(static=True, default=False)

    @property
    def T(self) -> "AveragedPermutation":
        return AveragedPermutation(self.inverse, self.indices, self.axis, self.starts, not self.transposed)

    def _apply(self, v: Array, axis: int, columns: int) -> Array:
        if not jnp.issubdtype(v.dtype, jnp.inexact):
            raise TypeError(
                f'Exact(ties="average") averages values of equal keys, which {v.dtype} cannot hold; '
                'pass floats, or ties="stable".'
            )
        indices, starts = _with_columns(self.indices, columns), _with_columns(self.starts, columns)
        if self.transposed:
            return permute(indices, average(starts, v, axis), axis)
        return average(starts, permute(indices, v, axis), axis)

    def _log_entries(self, columns: Array, axis: int) -> Array:
        row, element = sorted_places(self, columns, axis, self.transposed)
        group = jnp.cumsum(self.starts, axis, dtype=jnp.int32)
        # Of each group one element is its start: the mean is one over how many there are.
        share = take(row, average(self.starts, self.starts.astype(float), axis), axis)
        return jnp.where(take(row, group, axis) == take(element, group, axis), jnp.log(share), -jnp.inf)


class DirectionalPermutation(AbstractPermutation):
    """The stable permutation, whose products have the true one-sided derivative where keys are equal.

    Forward mode only as far as the keys are differentiated: a tie is resolved by the direction of the perturbation.

    ??? example
        ```python
        >>> import jax, jax.numpy as jnp, sortax as sx
        >>> x, dx = jnp.array([2., 1., 2., 2.]), jnp.array([3., 1., 2., 1.])
        >>> product = lambda x: sx.permutation(x, relax=sx.Exact("directional")) @ x
        >>> print(jax.jvp(product, (x,), (dx,))[1])
        [1. 1. 2. 3.]

        ```
    """

    indices: Int[Array, "*shape"]
    inverse: Int[Array, "*shape"]
    axis: int = eqx.field(static=True)
    keys: tuple[Shaped[Array, "*shape"], ...]
    """What is sorted by, most significant first."""
    descending: bool = eqx.field(static=True)
    transposed: bool = eqx.field(static=True, default=False)

    @property
    def T(self) -> "DirectionalPermutation":
        return DirectionalPermutation(self.inverse, self.indices, self.axis, self.keys, self.descending, not self.transposed)

    def _apply(self, v: Array, axis: int, columns: int) -> Array:
        keys = [jnp.broadcast_to(_with_columns(key, columns), v.shape) for key in self.keys]
        return refine(keys, v, axis, descending=self.descending, transpose=self.transposed)

    def _log_entries(self, columns: Array, axis: int) -> Array:
        return _one_entry(self, columns)


def sorted_places(P: AbstractPermutation, columns: Array, axis: int, transposed: bool) -> tuple[Array, Array]:
    """For each entry asked for, the places in sorted order: the one that it is a weight of, and that of the element."""
    if transposed:
        return columns, P.indices
    return lax.broadcasted_iota(columns.dtype, columns.shape, axis), take(columns, P.inverse, axis)


def _one_entry(P: AbstractPermutation, columns: Array) -> Array:
    return jnp.where(columns == P.indices, 0.0, -jnp.inf)


def _with_columns(x: Array, columns: int) -> Array:
    return x.reshape(x.shape + (1,) * columns)
