"""The protocol of a relaxation: every op of the library is a formula in these methods.

A relaxation is a frozen pytree, so its numbers can be traced, batched and learned. It takes whole batches.
"""

import abc

import equinox as eqx
from jaxtyping import Array, Shaped

from .._permutation import AbstractPermutation


class AbstractRelaxation(eqx.Module):
    """What sorting means. `axis` is non-negative; descending order is that of the keys turned around, ties kept."""

    @abc.abstractmethod
    def sort(self, x: Shaped[Array, "*shape"], axis: int, *, descending: bool) -> Shaped[Array, "*shape"]:
        """`x` in order along `axis`."""

    @abc.abstractmethod
    def place(self, x: Shaped[Array, "*shape"], w: Shaped[Array, "*shape"], axis: int) -> Shaped[Array, "*shape"]:
        """Give the j-th smallest of `x` the j-th of `w`, which does not decrease along `axis`: the j of a rank is j."""


class AbstractPermutationRelaxation(AbstractRelaxation):
    """A relaxation that has an operator: `sort(x)` is `P @ x` and `place(x, w)` is `P.T @ w`."""

    @abc.abstractmethod
    def permutation(self, keys: tuple[Shaped[Array, "*shape"], ...], axis: int, *, descending: bool) -> AbstractPermutation:
        """The operator that sorts by `keys`, most significant first."""
