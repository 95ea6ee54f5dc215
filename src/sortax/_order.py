"""The sorted order of an array: the permutation Π of P = M Π, and what a relaxation may ask of it.

Nothing above this file knows axes, directions, segments, masks, NaN or infinities. All arrays are plain fields, so that under
`jit` those that nobody reads are not computed.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Inexact, Int, Shaped

from . import _primitives as primitives
from ._keys import chosen, wide_float


class SortedOrder(eqx.Module):
    r"""The elements of an array in sorted order along one axis.

    Arrays "in order" are shaped like `x`, with the smallest element first along the axis (the largest if `descending`). Segments
    follow one another, each sorted by itself, and what `where` leaves out comes after all of them. *Components* are the runs of
    neighbours that a relaxation may mix: numbers of one segment, infinities of one sign, or NaNs. Each element that is left out is
    one by itself, in the order of the input.

    **Arguments:**

    - `keys`: an array, or several of one shape, most significant first; the last of them is `x`, and elements that differ in
      another key are in different segments.
    - `axis`: the axis to sort along.
    - `descending`: largest first; one flag, or one for each of the keys. Equal elements keep their order.
    - `segments`: integers that broadcast to `x`: lower segments come first.
    - `where`: booleans shaped like `x`: which elements take part.
    - `reverse_ties`: whether equal elements of `x` stand in reverse order, so that the first of them is the last.

    ??? example
        ```python
        >>> import jax.numpy as jnp, sortax as sx
        >>> order = sx.SortedOrder(jnp.array([3., 1., 2.]), -1)
        >>> print(order.values, order.indices, order.inverse)
        [1. 2. 3.] [1 2 0] [2 0 1]

        ```
    """

    keys: tuple[Shaped[Array, "*shape"], ...]
    """The keys as they were given, with 0 for what is left out."""
    segments: Int[Array, "*shape"] | None
    """The segment of each element as it was given, or None where all are in one."""
    where: Bool[Array, "*shape"] | None
    """Which elements take part, as it was given."""
    values: Shaped[Array, "*shape"]
    """`x` in order, in its own dtype; it differentiates as the stable sort does."""
    indices: Int[Array, "*shape"]
    """The i-th in order is `x[indices[i]]`."""
    inverse: Int[Array, "*shape"]
    """The inverse permutation: `x[j]` is the `inverse[j]`-th in order."""
    segments_in_order: Int[Array, "*shape"] | None
    split_begins: Bool[Array, "*shape"] | None
    """Where components begin in an order that was `split`."""
    split_centre: Float[Array, "*shape"] | None
    """The centres of these components."""
    axis: int = eqx.field(static=True)
    """Counted from the end."""
    directions: tuple[bool, ...] = eqx.field(static=True)
    """Of each of the keys whether it descends."""
    is_one_segment: bool = eqx.field(static=True)
    """Whether all elements that take part are in one segment."""

    def __init__(
        self,
        keys: Shaped[Array, "*shape"] | tuple[Shaped[Array, "*shape"], ...],
        axis: int,
        *,
        descending: bool | tuple[bool, ...] = False,
        segments: Int[Array, "..."] | None = None,
        where: Bool[Array, "*shape"] | None = None,
        reverse_ties: bool = False,
    ):
        keys = keys if isinstance(keys, tuple) else (keys,)
        *groups, x = keys
        self.directions = descending if isinstance(descending, tuple) else (descending,) * len(keys)
        axis = axis % x.ndim
        self.is_one_segment = not groups and segments is None
        segments = None if segments is None else jnp.broadcast_to(segments, x.shape)
        if where is not None:
            keys = tuple(chosen(where, key, jnp.zeros_like(key)) for key in keys)
            last = jnp.iinfo(jnp.int32).max
            segments = (~where).astype(jnp.int32) if segments is None else jnp.where(where, segments, last)
        self.keys, self.where = keys, where
        self.axis, self.split_begins, self.split_centre = axis - x.ndim, None, None
        if groups:
            self._sort_by_several_keys(segments, axis)
            return
        self.values, self.indices, self.inverse = primitives.sort(
            self.x,
            axis,
            segments=segments,
            descending=self.descending,
            reverse_ties=reverse_ties,
            outputs=(primitives.VALUES, primitives.INDICES, primitives.INVERSE),
        )
        self.segments = segments
        self.segments_in_order = None if segments is None else self.gather(segments)

    def _sort_by_several_keys(self, segments: Array | None, axis: int) -> None:
        *groups, x = self.keys
        directions = self.directions
        if segments is not None:
            groups, directions = [segments, *groups], (False, *directions)
        self.indices = primitives.lexsort([*groups, x], axis, descending=directions)
        self.inverse, self.values = primitives.invert(self.indices, axis), primitives.permute(self.indices, x, axis)
        self.segments, self.segments_in_order = primitives.groups_of(groups, self.indices, axis)

    @property
    def x(self) -> Shaped[Array, "*shape"]:
        """What is sorted, as it was given, with 0 for what is left out."""
        return self.keys[-1]

    @property
    def descending(self) -> bool:
        """Whether the largest `x` is first."""
        return self.directions[-1]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `x`."""
        return self.values.shape

    @property
    def dtype(self) -> Any:
        """The floating dtype to compute in: that of `x`, in 32 bits at least."""
        return wide_float(self.values.dtype)

    @property
    def positive_axis(self) -> int:
        """The axis, counted from the front."""
        return self.axis % self.values.ndim

    def gather(self, v: Shaped[Array, "*shape"]) -> Shaped[Array, "*shape"]:
        """Π v: the elements of `v` in order."""
        return primitives.permute(self.indices, v, self.positive_axis)

    def scatter(self, w: Shaped[Array, "*shape"]) -> Shaped[Array, "*shape"]:
        """Π.T w: from the order back to the places of the input."""
        return primitives.permute(self.indices, w, self.positive_axis, transpose=True)

    @property
    def index(self) -> Int[Array, "*shape"]:
        """0, 1, 2, ... along the axis."""
        return lax.broadcasted_iota(jnp.int32, self.shape, self.positive_axis)

    @property
    def position(self) -> Int[Array, "*shape"]:
        """The position of each place of the order in its own segment, from 0."""
        # Without segments nothing is scanned, which would take time to compile.
        return self.index if self.segments_in_order is None else self.index - self._first(self.segment_begins)

    @property
    def position_from_end(self) -> Int[Array, "*shape"]:
        """The same from the end of the own segment, from 0."""
        if self.segments_in_order is None:
            return self.shape[self.positive_axis] - 1 - self.index
        return self._last(self.segment_begins) - self.index

    @property
    def is_left_out(self) -> Bool[Array, "*shape"]:
        """Which places of the order have what `where` leaves out: the last ones."""
        if self.where is None:
            return jnp.zeros(self.shape, bool)
        return self.index >= jnp.sum(self.where, self.axis, keepdims=True, dtype=jnp.int32)

    def with_left_out(self, y: Shaped[Array, "*shape"], x: Shaped[Array, "*shape"]) -> Shaped[Array, "*shape"]:
        """`y`, which is in order, with what `where` leaves out of `x` at its end, without a derivative."""
        return y if self.where is None else chosen(self.is_left_out, self.gather(lax.stop_gradient(x)), y)

    @property
    def component_begins(self) -> Bool[Array, "*shape"]:
        """Where a component begins."""
        return jnp.isinf(self.gaps) if self.split_begins is None else self.split_begins

    @property
    def component_start(self) -> Int[Array, "*shape"]:
        """The index of the first element of the own component."""
        return self._first(self.component_begins)

    @property
    def component_size(self) -> Int[Array, "*shape"]:
        """How many elements the own component has."""
        return self._last(self.component_begins) + 1 - self.component_start

    def share_component(self, i: Int[Array, "*shape"], j: Int[Array, "*shape"]) -> Bool[Array, "*shape"]:
        """Whether the elements at these indices of the order are in one component."""
        start, axis = self.component_start, self.positive_axis
        return primitives.gather(i, start, axis) == primitives.gather(j, start, axis)

    @property
    def finite(self) -> Bool[Array, "*shape"]:
        """Whether the values are finite."""
        return jnp.isfinite(self.values)

    @property
    def ascending(self) -> Float[Array, "*shape"]:
        """The values in `dtype`, negated where the order descends, so that they never decrease in a segment."""
        values = self.values.astype(self.dtype)
        return -values if self.descending else values

    @property
    def finite_values(self) -> Float[Array, "*shape"]:
        """`ascending`, with 0 for what is not finite."""
        return jnp.where(self.finite, self.ascending, 0)

    @property
    def gaps(self) -> Float[Array, "*shape"]:
        """The distance of each element from the one before it, infinite where a component begins; without a derivative."""
        s = lax.stop_gradient(self.ascending)
        before = primitives.shifted(s, self.positive_axis, 1)
        # Infinities of one sign are no distance apart, and NaNs neither; all else is infinitely far from them.
        is_same = (s == before) | (jnp.isnan(s) & jnp.isnan(before))
        distance = jnp.where(is_same, 0, s - before)
        return jnp.where(self.segment_begins | ~jnp.isfinite(distance), jnp.inf, distance)

    @property
    def centre(self) -> Float[Array, "*shape"]:
        """The number of the own component from which `centred` is measured; without a derivative."""
        return self._centre(self.component_begins) if self.split_centre is None else self.split_centre

    @property
    def centred(self) -> Float[Array, "*shape"]:
        """`ascending` minus the `centre`; 0 for what is not finite."""
        return jnp.where(self.finite, self.finite_values - self.centre, 0)

    def uncentred(self, y: Float[Array, "*shape"]) -> Shaped[Array, "*shape"]:
        """From what stands at each place of the order, relative to the centre, to the dtype and the direction of `x`.

        What is not finite stays as it is.
        """
        y = jnp.where(self.finite, y + self.centre, self.ascending)
        return (-y if self.descending else y).astype(self.values.dtype)

    def split(self, width: Float[Array, "*rows"] | float) -> "SortedOrder":
        """The same order with components that end also at gaps wider than `width`, which broadcasts to `x`.

        Then no sum over a component is measured from an element that has no part in it, which may be larger by any factor.
        """
        begins = jnp.isinf(gaps := self.gaps) | (gaps > width)
        found = begins, self._centre(begins)
        return eqx.tree_at(lambda order: (order.split_begins, order.split_centre), self, found, is_leaf=lambda x: x is None)

    @property
    def run_begins(self) -> Bool[Array, "*shape"]:
        """Where a run of equal elements begins; all NaNs are equal, and so are -0 and +0."""
        in_order = [self.values] if self.segments_in_order is None else [self.segments_in_order, self.values]
        begins = primitives.starts(in_order, self.positive_axis)
        return begins if self.where is None else begins | self.is_left_out

    def run_mean(self, v: Inexact[Array, "*shape"]) -> Inexact[Array, "*shape"]:
        """Each element of `v`, which is in order, replaced by the mean over the run of equal elements."""
        return primitives.run_mean(self.run_begins, v, self.positive_axis)

    def permuted_by_tangents(self, v: Shaped[Array, "*shape"], *, transpose: bool = False) -> Shaped[Array, "*shape"]:
        """`v`, which is in order, as a perturbation of the keys would put it: the same values with the one-sided derivative.

        It exists in forward mode only.
        """
        keys, directions = [self.gather(key) for key in self.keys], self.directions
        if self.segments_in_order is not None:
            keys, directions = [self.segments_in_order, *keys], (False, *directions)
        return primitives.permute_by_tangents(keys, v, self.positive_axis, descending=directions, transpose=transpose)

    def at(self, ranks: Int[Array, "*ranks"], ties: str = "stable") -> Shaped[Array, "*ranks"]:
        """The elements at these indices of an order of one segment, by selection; `ties` says how they differentiate."""
        x, axis = self.x, self.positive_axis
        return primitives.select(x, ranks, axis, where=self.where, descending=self.descending, ties=ties)[0]

    def partitioned(self, kth: tuple[int, ...], ties: str = "stable") -> list[Array]:
        """The elements `kth` of an order of one segment in their places, others between them as in the input; and the indices."""
        x, axis, outputs = self.x, self.positive_axis, (primitives.VALUES, primitives.INDICES)
        return primitives.partition(x, kth, axis, descending=self.descending, ties=ties, outputs=outputs)

    @property
    def segment_begins(self) -> Bool[Array, "*shape"]:
        """Where a segment begins, and each element that is left out."""
        begins = self.index == 0
        if self.segments_in_order is not None:
            begins |= self.segments_in_order != primitives.shifted(self.segments_in_order, self.positive_axis, 1)
        return begins if self.where is None else begins | self.is_left_out

    def _first(self, begins: Bool[Array, "*shape"]) -> Int[Array, "*shape"]:
        return lax.cummax(jnp.where(begins, self.index, 0), self.positive_axis)

    def _last(self, begins: Bool[Array, "*shape"]) -> Int[Array, "*shape"]:
        n = self.shape[self.positive_axis]
        ends = primitives.shifted(begins, self.positive_axis, -1, True)
        return lax.cummin(jnp.where(ends, self.index, n - 1), self.positive_axis, reverse=True)

    def _centre(self, begins: Bool[Array, "*shape"]) -> Float[Array, "*shape"]:
        return primitives.middle_of_run(begins, lax.stop_gradient(self.finite_values), self.positive_axis)
