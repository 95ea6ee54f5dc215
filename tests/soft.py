"""The table of soft relaxations, each with its matrix form in NumPy."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

import sortax as sx
from ops import for_relaxation


@dataclasses.dataclass(frozen=True)
class Soft:
    """A relaxation by its temperature, and what the literature's formulas give for a float64 vector."""

    make: Callable
    sort: Callable
    """(x, t) -> the soft sorted vector."""
    place: Callable
    """(x, w, t) -> for each element, the sum of the values w of the places, weighted by its column."""
    rank: Callable | None = None
    """(x, t) -> ranks, where they are not `place` of the positions."""
    unit: int = 1
    """The power of the unit of x that the temperature has in ranking, and that in sorting where it differs."""
    sorting_unit: int | None = None
    balanced: bool = True
    """Whether ranks sum to n(n - 1)/2 and masks to k."""
    operator: bool = True
    rtol: float = 1e-11

    def ranks(self, x, t):
        return self.place(x, np.arange(x.size) * 1.0, t) if self.rank is None else self.rank(x, t)


def softsort(power):
    def matrix(x, t):
        d = np.abs(np.sort(x)[:, None] - x) ** power
        P = np.exp(-d / t)
        return P / P.sum(1, keepdims=True)

    return matrix


def sinkhorn(x, t):
    """The symmetric kernel of the sorted elements, scaled alike on both sides: each step at least halves the error."""
    s, d = np.sort(x), np.ones(x.size)
    K = np.exp(-np.abs(s[:, None] - s) / t)
    for _ in range(200):
        d = np.sqrt(d / (K @ d))
    return (d[:, None] * K * d)[:, np.argsort(np.argsort(x))]


def binned(cdf):
    """The mass in each bin, between the edges where the sum of distribution functions is a whole number, by bisection."""

    def matrix(x, t):
        n = x.size
        low, high = np.full(n + 1, x.min() - 60 * t * n), np.full(n + 1, x.max() + 60 * t * n)
        for _ in range(200):
            middle = (low + high) / 2
            above = cdf((middle[:, None] - x) / t).sum(1) > np.arange(n + 1)
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        F = cdf((low[:, None] - x) / t)
        F[0], F[-1] = 0, 1
        return F[1:] - F[:-1]

    return matrix


def laplace(z):
    return np.where(z < 0, np.exp(np.minimum(z, 0)) / 2, 1 - np.exp(-np.maximum(z, 0)) / 2)


def logistic(z):
    return (1 + np.tanh(z / 2)) / 2


def pooled(s, w, value):
    """Pool adjacent violators: the blocks of the non-decreasing fit of `value`."""
    blocks = []
    for i in range(s.size):
        block = [i]
        while blocks and value(s[blocks[-1]], w[blocks[-1]]) >= value(s[block], w[block]):
            block = blocks.pop() + block
        blocks.append(block)
    return blocks


def project(s, w, kl):
    """The point of the permutahedron of w nearest to s, both ascending; of that of exp(w) in Kullback and Leibler's sense."""
    value = (lambda s, w: np.logaddexp.reduce(s) - np.logaddexp.reduce(w)) if kl else (lambda s, w: s.mean() - w.mean())
    y = np.empty(s.size)
    for block in pooled(s, w, value):
        y[block] = s[block] - value(s[block], w[block])
    return y


def permutahedron(kl):
    def sort(x, t):
        rho = np.arange(x.size) / t
        return -project(rho, np.sort(-x), kl)[::-1] if kl else project(rho, np.sort(x), kl)

    def place(x, w, t):
        order = np.argsort(x, kind="stable")
        w = np.sort(w)
        y = np.empty(x.size)
        y[order] = (
            np.exp(project(x[order] / t, np.log(w - w[0] + 1), True)) + w[0] - 1 if kl else project(x[order] / t, w, kl)
        )
        return y

    return sort, place


def by_matrix(make, matrix, **others):
    """A relaxation with a matrix. Ranks are mean positions, weighted by the columns and divided by their sums."""

    def rank(x, t):
        P = matrix(x, t)
        return P.T @ np.arange(x.size) / P.sum(0)

    return Soft(make, lambda x, t: matrix(x, t) @ x, lambda x, w, t: matrix(x, t).T @ w, **{"rank": rank, **others})


def by_cdf(make, cdf, **others):
    return by_matrix(make, binned(cdf), rank=lambda x, t: cdf((x[:, None] - x) / t).sum(1) - 0.5, **others)


SOFT = {
    "SoftSort": by_matrix(sx.SoftSort, softsort(1), balanced=False),
    "SoftSort squared": by_matrix(lambda t: sx.SoftSort(t, "squared"), softsort(2), balanced=False, unit=2, rtol=1e-11),
    "SoftSort doubly stochastic": by_matrix(lambda t: sx.SoftSort(t, doubly_stochastic=True), sinkhorn),
    "LapSum": by_cdf(sx.LapSum, laplace),
    "SigmoidSum": by_cdf(sx.SigmoidSum, logistic),
    "Permutahedron l2": Soft(sx.Permutahedron, *permutahedron(False), sorting_unit=-1, operator=False),
    "Permutahedron kl": Soft(lambda t: sx.Permutahedron(t, "kl"), *permutahedron(True), sorting_unit=0, operator=False),
}
OPERATORS = [name for name, soft in SOFT.items() if soft.operator]


def one_form_on_both_paths(names=SOFT):
    """Parameters of which the XLA path runs one form of each relaxation: the others are made of the same primitives."""
    one = lambda name: " " not in name or name == "Permutahedron l2"
    return [pytest.param(name, marks=[pytest.mark.lowering] * one(name)) for name in names]


def ops_of(name):
    return for_relaxation(SOFT[name].operator)


def numbers(n=9, seed=0):
    return np.random.default_rng(seed).normal(size=n)
