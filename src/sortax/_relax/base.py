"""The protocol of a relaxation: every op of the library is a formula in these methods.

A relaxation is a frozen pytree, so its numbers can be traced, batched and learned. It takes whole batches. In all methods
`axis` is non-negative, `descending` turns the order of the keys around but keeps that of ties, and `segments` are
integers shaped like `x`: each segment is in order by itself, the lowest first.
"""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Bool, Float, Int, Shaped

from .._permutation import AbstractPermutation


class AbstractRelaxation(eqx.Module):
    """What sorting means: two things, `sort` and `place`, and six that follow from them but are often cheaper."""

    @abc.abstractmethod
    def sort(
        self,
        x: Shaped[Array, "*shape"],
        axis: int,
        *,
        descending: bool = False,
        segments: Int[Array, "*shape"] | None = None,
    ) -> Shaped[Array, "*shape"]:
        """`x` in order along `axis`."""

    @abc.abstractmethod
    def place(
        self,
        x: Shaped[Array, "*shape"],
        w: Shaped[Array, "*shape"],
        axis: int,
        *,
        descending: bool = False,
        segments: Int[Array, "*shape"] | None = None,
    ) -> Shaped[Array, "*shape"]:
        """Give the j-th of `x` in order the j-th of `w`, which does not decrease: the j of a rank is j."""

    @abc.abstractmethod
    def sort_weighted(
        self, x: Shaped[Array, "*shape"], w: Float[Array, "*shape"], axis: int
    ) -> tuple[Shaped[Array, "*shape"], Float[Array, "*shape"]]:
        """`sort(x)`, and the weights of its entries, of which only the values count."""

    @abc.abstractmethod
    def select(
        self,
        x: Shaped[Array, "*shape"],
        ranks: Int[Array, "*ranks"],
        axis: int,
        *,
        where: Bool[Array, "*shape"] | None = None,
    ) -> Shaped[Array, "*ranks"]:
        """The entries of `sort(x)` at `ranks`, which are in range; elements that are not `where` come after all others."""

    @abc.abstractmethod
    def top_k(
        self, x: Shaped[Array, "*shape"], k: int, axis: int, *, descending: bool
    ) -> tuple[Shaped[Array, "..."], Int[Array, "..."]]:
        """The first `k` of `sort(x)`, and the indices that exact sorting has for them."""

    @abc.abstractmethod
    def partition(self, x: Shaped[Array, "*shape"], kth: tuple[int, ...], axis: int) -> Shaped[Array, "*shape"]:
        """`sort(x)`, of which only the entries `kth` (sorted, distinct) need stand in order, and all others between them."""

    @abc.abstractmethod
    def rank(
        self,
        x: Shaped[Array, "*shape"],
        axis: int,
        *,
        method: str,
        descending: bool = False,
        segments: Int[Array, "*shape"] | None = None,
    ) -> Shaped[Array, "*shape"]:
        """Ranks from 0 inside the own segment: `place` of 0, 1, 2, ..., with ties by `method` where there are any."""

    @abc.abstractmethod
    def mask(
        self,
        x: Shaped[Array, "*shape"],
        k: Int[Array, "*rows"],
        axis: int,
        *,
        segments: Int[Array, "*shape"] | None = None,
    ) -> Float[Array, "*shape"]:
        """Membership of the `k` largest of the own segment: `place` of 0, ..., 0, 1, ..., 1."""


class AbstractPermutationRelaxation(AbstractRelaxation):
    """A relaxation that has an operator: `sort(x)` is `P @ x` and `place(x, w)` is `P.T @ w`."""

    @abc.abstractmethod
    def permutation(self, keys: tuple[Shaped[Array, "*shape"], ...], axis: int, *, descending: bool) -> AbstractPermutation:
        """The operator that sorts by `keys`, most significant first."""


def as_relaxation(relax: Any) -> Any:
    """`relax`, or one sentence that says what it must be."""
    if not isinstance(relax, AbstractRelaxation):
        raise TypeError(f"relax must be a relaxation such as sortax.Exact(), got {relax!r}.")
    return relax


def as_permutation_relaxation(relax: Any) -> Any:
    """`relax`, if it has an operator, or one sentence that says what it must be."""
    if not isinstance(as_relaxation(relax), AbstractPermutationRelaxation):
        raise TypeError(f"relax must have a permutation, as sortax.Exact() has, got {relax!r}.")
    return relax
