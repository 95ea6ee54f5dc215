"""What arguments must be, said in one sentence where they are not: arrays, real numbers, choices."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array

from ._jax import Tracer


def as_array(name: str, x: Any) -> Array:
    """`x` as a JAX array, or one sentence that says what `name` must be."""
    # A list would be traced element by element, slowly, which is why jax.numpy refuses it as well.
    if not (
        hasattr(x, "__jax_array__") or isinstance(x, jax.Array | np.ndarray | np.generic | bool | int | float | complex)
    ):
        raise TypeError(f"{name} must be an array, got {type(x).__name__}; wrap it in jnp.asarray(...).")
    try:
        array = jnp.asarray(x)
    except TypeError as error:
        raise TypeError(f"{name} must be a numeric or boolean array, got {getattr(x, 'dtype', type(x))}.") from error
    if not (jnp.issubdtype(array.dtype, jnp.number) or array.dtype == jnp.bool_):
        raise TypeError(f"{name} must be a numeric or boolean array, got dtype {array.dtype}.")
    return array


def as_real(name: str, x: Any) -> Array:
    """`x` as an array of numbers that lie on a line."""
    array = as_array(name, x)
    check_real(name, array)
    return array


def check_real(name: str, array: Array) -> None:
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise TypeError(
            f"{name} must be real, since complex numbers have no quantiles or means of order, got {array.dtype}."
        )


def check_operand(name: str, shape: tuple[int, ...], rows: tuple[int, ...], axis: int) -> None:
    """An operand of a permutation of `rows` has that shape, that shape with trailing columns, or that axis alone."""
    if shape[: len(rows)] != rows and shape != (rows[axis],):
        alone = f", or ({rows[axis]},)" if len(rows) > 1 else ""
        raise ValueError(f"{name} must have shape {rows}, or that with trailing columns{alone}, got {shape}.")


def broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether an array of `shape` broadcasts to `target`."""
    try:
        return np.broadcast_shapes(shape, target) == target
    except ValueError:
        return False


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"unknown {name} {value!r}; pass one of {', '.join(map(repr, choices))}.")


def concrete_or_none(x: Any) -> np.ndarray | None:
    """The values of `x`, or None where they are known only at run time."""
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(x)):
        return None
    # Explicitly, so that a user may forbid implicit transfers.
    return np.asarray(jax.device_get(x))


def exceeds(n: Any, dtype: DTypeLike) -> bool:
    """Whether indices below `n` do not fit `dtype`; a symbolic size, known only at run time, is taken to fit."""
    return isinstance(n, int) and n - 1 > np.iinfo(dtype).max
