"""What soft permutations share: M mixes elements that are in order, and the operator puts them there and back.

`P @ v` is `mix` of `v` in order, and `P.T @ w` is `spread` of `w`, put back to where the elements came from.
"""

import abc

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Shaped

from .. import _primitives as primitives
from .._keys import wide_float
from .._permutation import AbstractPermutation
from ._line import Line, with_columns


class AbstractSoftPermutation(AbstractPermutation):
    """A permutation whose rows are weights of all elements."""

    line: eqx.AbstractVar[Line]
    """The elements in order."""
    in_order: eqx.AbstractVar[Float[Array, "*shape"]]
    """The values of the line, each of which differentiates by itself, in elements that are equal as well."""
    centre: eqx.AbstractVar[Float[Array, "*shape"]]
    """For each element in order a number near it to measure from."""
    transposed: eqx.AbstractVar[bool]

    @abc.abstractmethod
    def mix(self, v: Float[Array, "*shape_and_columns"], columns: int) -> Float[Array, "*shape_and_columns"]:
        """M @ v: what each place has of `v`, which is in order, as the result is."""

    @abc.abstractmethod
    def spread(self, w: Float[Array, "*shape_and_columns"], columns: int) -> Float[Array, "*shape_and_columns"]:
        """M.T @ w: what each element in order has of `w`, which the places give."""

    def _apply(self, v: Shaped[Array, "*shape_and_columns"], axis: int, columns: int) -> Shaped[Array, "*shape_and_columns"]:
        if jnp.issubdtype(v.dtype, jnp.complexfloating):
            return lax.complex(self._apply(v.real, axis, columns), self._apply(v.imag, axis, columns))
        if not jnp.issubdtype(v.dtype, jnp.floating):
            raise TypeError(f"a soft permutation mixes values, which {v.dtype} cannot hold; pass floats.")
        dtype = jnp.promote_types(self.line.values.dtype, wide_float(v.dtype))
        order = with_columns(self.line.indices, columns)
        if self.transposed:
            y = self.spread(v.astype(dtype), columns).astype(v.dtype)
            return primitives.permute(order, y, axis, transpose=True)
        return self.mix(primitives.permute(order, v, axis).astype(dtype), columns).astype(v.dtype)

    def sorted_values(self) -> Float[Array, "*shape"]:
        """M @ x for the elements themselves, measured from near by; those that are not finite stay as they are."""
        values = self.line.values
        y = self.mix(self.line.centred(self.in_order, self.centre), 0) + self.centre
        return jnp.where(jnp.isfinite(values), y, values)
