"""Arguments that every op shares, checked and normalised in one place: arrays, axes, pairs of axes, payloads."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array


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


def normalize(axis: Any, ndim: int) -> int:
    """A non-negative axis of an array with `ndim` axes."""
    try:
        position = axis.__index__()
    except AttributeError:
        raise TypeError(f"axis must be an integer or None, got {axis!r}.") from None
    if not -ndim <= position < ndim:
        allowed = f"an axis from {-ndim} to {ndim - 1}" if ndim else "axis=None, since a scalar has no axis"
        raise ValueError(
            f"axis {position} is out of range for an array with {ndim} {'axis' if ndim == 1 else 'axes'}; pass {allowed}."
        )
    return position % ndim


def flatten_if_none(x: Array, axis: int | None) -> tuple[Array, int]:
    """`x` and a non-negative axis; `axis=None` flattens first, as in NumPy."""
    if axis is None:
        return x.ravel(), 0
    return x, normalize(axis, x.ndim)


def as_keys(name: str, keys: Any) -> tuple[Array, ...]:
    """Sort keys, an array or a tuple of them, as a tuple of arrays of one shape, most significant first."""
    if not isinstance(keys, tuple):
        return (as_array(name, keys),)
    if not keys:
        raise ValueError(f"{name} is an empty tuple; pass at least one array to sort by.")
    arrays = tuple(as_array(f"each of {name}", key) for key in keys)
    shapes = [array.shape for array in arrays]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"{name} must all have one shape, got {', '.join(map(str, shapes))}.")
    return arrays


def check_operand(name: str, shape: tuple[int, ...], rows: tuple[int, ...], axis: int) -> None:
    """An operand of a permutation of `rows` has that shape, that shape with trailing columns, or that axis alone."""
    if shape[: len(rows)] != rows and shape != (rows[axis],):
        alone = f", or ({rows[axis]},)" if len(rows) > 1 else ""
        raise ValueError(f"{name} must have shape {rows}, or that with trailing columns{alone}, got {shape}.")


def exceeds(n: Any, dtype: DTypeLike) -> bool:
    """Whether indices below `n` do not fit `dtype`; a symbolic size, known only at run time, is taken to fit."""
    return isinstance(n, int) and n - 1 > np.iinfo(dtype).max


def index_dtype(dtype: DTypeLike | None, n: Any) -> np.dtype:
    """The dtype in which an op returns indices below `n`: `dtype`, or JAX's default integer."""
    if dtype is None:
        return np.dtype(jax.dtypes.canonicalize_dtype(np.int64 if exceeds(n, np.int32) else int))
    chosen = np.dtype(jax.dtypes.canonicalize_dtype(dtype))
    if not np.issubdtype(chosen, np.integer):
        raise TypeError(f"dtype must be an integer dtype, since indices are integers, got {chosen}.")
    if exceeds(n, chosen):
        raise ValueError(f"dtype {chosen} cannot hold the indices of an axis of {n} elements; pass a wider one.")
    return chosen
