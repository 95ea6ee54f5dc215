"""Matrices of any weights between pairs, of which blocks of rows are made one after another and never kept."""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, PyTree

from .. import _primitives as primitives
from .._permutation import AbstractMatrix

_BLOCK = 1 << 18
"""How many pairs are weighed at a time."""


class PairwiseMatrix(AbstractMatrix):
    r"""A matrix whose rows are softmaxes of weights between pairs of elements, without ever holding n^2 of them.

    $$ M_{ij} = e^{w(r_i, c_j)} \Big/ \sum_k e^{w(r_i, c_k)}, $$

    where k runs over the component of i, and entries between two components are 0. `M @ v` and `M.T @ w` take and give arrays
    in order, shaped like the `x` of the order.

    **Arguments:**

    - `order`: the order whose components the matrix keeps apart.
    - `log_weight`: the function w of what describes a row and what describes a column, elementwise: it is called with arrays
      that broadcast against each other.
    - `rows`, `columns`: what describes each row and each column: pytrees of arrays in order, shaped like `x`.

    **Cost:** O(n^2) time, and O(n) memory: blocks of rows are weighed one after another, and again for derivatives, which exist in
    either mode and to any order.

    **Raises:** `ValueError` if an array of `rows` or `columns` has another shape than `x`.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> order = sx.SortedOrder(jnp.array([2., 5., 4.]), -1)
        >>> M = sx.PairwiseMatrix(order, lambda a, b: -(a - b) ** 2, order.values, order.values)
        >>> print(*(f"{y:.3f}" for y in M @ order.values))
        2.036 4.239 4.731

        ```
    """

    log_weight: Callable[..., Float[Array, "..."]] = eqx.field(static=True)
    rows: PyTree[Array]
    columns: PyTree[Array]

    def __check_init__(self) -> None:
        for name, tree in (("rows", self.rows), ("columns", self.columns)):
            for leaf in jax.tree.leaves(tree):
                if jnp.shape(leaf) != self.order.shape:
                    raise ValueError(
                        f"each array of {name} must have the shape of x, {self.order.shape}, got {jnp.shape(leaf)}."
                    )

    def mix(self, v: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        v = self._axis_last(v)

        def of_block(block: Any) -> Array:
            return jnp.einsum("...rc,...c->...r", self._weights(block), v, precision=lax.Precision.HIGHEST)

        return self._joined(lax.map(jax.checkpoint(of_block), self._blocks(self.rows)))

    def spread(self, w: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        def add(total: Array, block: Any) -> tuple[Array, None]:
            block, w = block
            shares = jnp.einsum("...rc,...r->...c", self._weights(block), w, precision=lax.Precision.HIGHEST)
            return total + shares, None

        # Rows that blocks are filled up with give nothing.
        parts = self._blocks(self.rows), self._split(self._axis_last(w), fill_with_zeros=True)
        total, _ = lax.scan(jax.checkpoint(add), jnp.zeros_like(self._axis_last(w)), parts)
        return jnp.moveaxis(total, -1, self.order.positive_axis)

    def log_entries(self, rows: Int[Array, "*shape"], columns: Int[Array, "*shape"]) -> Float[Array, "*shape"]:
        axis = self.order.positive_axis
        take = functools.partial(primitives.gather, axis=axis)

        def of_block(block: Any) -> Array:
            return jax.nn.logsumexp(self._log_weights(block), -1)

        log_sums = self._joined(lax.map(jax.checkpoint(of_block), self._blocks(self.rows)))
        of_rows = jax.tree.map(lambda leaf: take(rows, leaf), self.rows)
        of_columns = jax.tree.map(lambda leaf: take(columns, leaf), self.columns)
        log = self.log_weight(of_rows, of_columns) - take(rows, log_sums)
        return jnp.where(self.order.share_component(rows, columns), log, -jnp.inf)

    def _log_weights(self, block: tuple[Any, Array]) -> Float[Array, "*batch rows columns"]:
        """The logarithms of weights of a block of rows, -inf between two components."""
        rows, start = block
        of_rows = jax.tree.map(lambda leaf: leaf[..., :, None], rows)
        of_columns = jax.tree.map(lambda leaf: self._axis_last(leaf)[..., None, :], self.columns)
        is_together = start[..., :, None] == self._axis_last(self.order.component_start)[..., None, :]
        return jnp.where(is_together, self.log_weight(of_rows, of_columns), -jnp.inf)

    def _weights(self, block: tuple[Any, Array]) -> Float[Array, "*batch rows columns"]:
        return jax.nn.softmax(self._log_weights(block), -1)

    def _blocks(self, rows: Any) -> tuple[Any, Array]:
        """What describes the rows, and the component of each, block by block along a new first axis."""
        return jax.tree.map(lambda leaf: self._split(self._axis_last(leaf)), (rows, self.order.component_start))

    def _split(self, x: Array, *, fill_with_zeros: bool = False) -> Array:
        n = x.shape[-1]
        length = max(1, min(n, _BLOCK // max(1, x.size)))
        count = -(-n // length)
        widths = [(0, 0)] * (x.ndim - 1) + [(0, count * length - n)]
        x = jnp.pad(x, widths) if fill_with_zeros else jnp.pad(x, widths, mode="edge")
        return jnp.moveaxis(x.reshape(*x.shape[:-1], count, length), -2, 0)

    def _joined(self, blocks: Array) -> Array:
        x = jnp.moveaxis(blocks, 0, -2)
        x = x.reshape(*x.shape[:-2], -1)[..., : self.order.shape[self.order.positive_axis]]
        return jnp.moveaxis(x, -1, self.order.positive_axis)

    def _axis_last(self, x: Array) -> Array:
        return jnp.moveaxis(x, self.order.positive_axis, -1)
