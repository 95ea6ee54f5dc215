"""Named inputs, the same for every suite and every program."""

import dataclasses
import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True)
class Input:
    """An array by its description, so that another process can make the same."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    distribution: str = "random"
    seed: int = 0

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * jnp.dtype(self.dtype).itemsize

    def array(self) -> np.ndarray:
        rng, size = np.random.default_rng(self.seed), math.prod(self.shape)
        dtype = jnp.dtype(self.dtype)
        if self.distribution == "random" and dtype.kind in "iub":
            # The whole range, so that no digit of a radix sort is spared.
            low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
            x = rng.integers(low, high, size, np.uint8 if dtype.kind == "b" else dtype, endpoint=True)
        else:
            x = (DISTRIBUTIONS | _GROUPS)[self.distribution](rng, size)
        return x.astype(dtype).reshape(self.shape)


def _one_outlier(rng: np.random.Generator, n: int) -> np.ndarray:
    x = rng.random(n)
    x[n // 2] = 1e30
    return x


def _with_nan(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.where(rng.random(n) < 0.01, np.nan, rng.standard_normal(n))


DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "random": lambda rng, n: rng.standard_normal(n),
    "constant": lambda rng, n: np.full(n, 3.0),
    "sorted": lambda rng, n: np.sort(rng.standard_normal(n)),
    "reversed": lambda rng, n: np.sort(rng.standard_normal(n))[::-1],
    "few values": lambda rng, n: rng.integers(0, 10, n) / 10,
    "small range": lambda rng, n: 1 + rng.random(n) / 1000,
    "one outlier": _one_outlier,
    "with NaN": _with_nan,
}
_GROUPS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "10^4 groups": lambda rng, n: rng.integers(0, 10**4, n),
}
