"""Named inputs, the same for every suite."""

from collections.abc import Callable

import numpy as np


def random(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=n)


def _outlier(n: int) -> np.ndarray:
    x = 1 + np.random.default_rng(0).random(n) / 8
    x[n // 2] = 1e30
    return x


def _with_nan(n: int) -> np.ndarray:
    x = random(n)
    x[:: max(n // 100, 1)] = np.nan
    return x


DISTRIBUTIONS: dict[str, Callable[[int], np.ndarray]] = {
    "random": random,
    "uniform": lambda n: np.random.default_rng(0).random(n),
    "constant": lambda n: np.full(n, 3.0),
    "sorted": lambda n: np.sort(random(n)),
    "reversed": lambda n: np.sort(random(n))[::-1],
    "few values": lambda n: np.random.default_rng(0).integers(0, 10, n).astype(float),
    "small range": lambda n: 1 + np.random.default_rng(0).integers(0, 1000, n) * 1e-6,
    "one outlier": _outlier,
    "with NaN": _with_nan,
}
