"""Arguments of ops, checked and normalised in one place: axes, masks, flags, keys."""

import math
import operator
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array

from .._checks import as_array, broadcasts, exceeds


def as_few(name: str, x: Any) -> Array:
    """The same for an argument of a few numbers, which may be a list."""
    return as_array(name, jnp.asarray(x) if isinstance(x, list | tuple) else x)


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


def flatten_if_none(axis: int | None, x: Array, *others: Array | None) -> tuple[int, Array, *tuple[Any, ...]]:
    """A non-negative axis, and the arrays of one shape, which `axis=None` flattens first, as in NumPy; None stays so."""
    if axis is None:
        return 0, x.ravel(), *(None if y is None else y.ravel() for y in others)
    return normalize(axis, x.ndim), x, *others


def as_keys(name: str, keys: Any) -> tuple[Array, ...]:
    """Sort keys, an array or a tuple of them, as a tuple of arrays of one shape, most significant first."""
    if not isinstance(keys, tuple):
        return (as_array(name, keys),)
    if not keys:
        raise ValueError(f"{name} is an empty tuple; pass at least one array to sort by.")
    arrays = tuple(as_array("each of the keys", key) for key in keys)
    shapes = [array.shape for array in arrays]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"{name} must all have one shape, got {', '.join(map(str, shapes))}.")
    return arrays


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


def merged(axis: Any, x: Array, *others: Array | None) -> tuple[int, Array, *tuple[Any, ...]]:
    """The one axis to reduce, and the arrays of one shape: several axes, or all for None, are merged into the last.

    Others that are None stay so.
    """
    shape = x.shape
    if axis is not None and not isinstance(axis, Sequence):
        return normalize(axis, len(shape)), x, *others
    axes = tuple(range(len(shape))) if axis is None else tuple(normalize(d, len(shape)) for d in axis)
    if len(set(axes)) != len(axes):
        raise ValueError(f"axis {axis} names an axis twice; name each once.")
    kept = tuple(d for d in range(len(shape)) if d not in axes)
    size = math.prod(shape[d] for d in axes)
    rows = (*(shape[d] for d in kept), size)

    def with_one_axis(y: Any) -> Any:
        return y if y is None else y.transpose(*kept, *axes).reshape(rows)

    return len(kept), with_one_axis(x), *map(with_one_axis, others)


def kept_shape(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """The shape of a reduction along `axis` with `keepdims`."""
    if axis is None:
        return (1,) * len(shape)
    axes = {normalize(d, len(shape)) for d in (axis if isinstance(axis, Sequence) else (axis,))}
    return tuple(1 if d in axes else n for d, n in enumerate(shape))


def as_mask(where: Any, shape: tuple[int, ...]) -> Array | None:
    """`where` as a boolean array of that shape, or None."""
    if where is None:
        return None
    mask = as_array("where", where)
    if mask.dtype != jnp.bool_:
        raise TypeError(f"where must be boolean, got dtype {mask.dtype}; pass a comparison such as x > 0.")
    if not broadcasts(mask.shape, shape):
        raise ValueError(f"where must broadcast to the array's shape {shape}, got shape {mask.shape}.")
    return jnp.broadcast_to(mask, shape)


def as_integer(name: str, value: Any) -> int:
    """`value` as a Python integer, known when traced."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer that is known when traced, got {value!r}.") from None


def as_count(k: Any) -> Array:
    """`k` as one integer, which may be traced."""
    count = as_array("k", k)
    if not jnp.issubdtype(count.dtype, jnp.integer) or count.ndim:
        raise TypeError(f"k must be one integer, got an array of shape {count.shape} and dtype {count.dtype}.")
    return count


def as_flag(name: str, value: Any) -> bool:
    """`value` as a Python boolean, known when traced."""
    if not isinstance(value, bool | int | np.bool_ | np.integer):
        raise TypeError(f"{name} must be one boolean, True or False, that is known when traced, got {value!r}.")
    return bool(value)


def as_flags(name: str, value: Any, count: int) -> tuple[bool, ...]:
    """`value` as a Python boolean for each of so many keys, known when traced: one for all of them, or one each."""
    if not isinstance(value, list | tuple):
        return (as_flag(name, value),) * count
    if len(value) != count:
        raise ValueError(f"{name} must be one boolean, or one for each of the {count} keys, got {len(value)} of them.")
    return tuple(as_flag(f"each of {name}", flag) for flag in value)


MODES = ("largest", "smallest")
_INSTEAD = {"kind": "leave it out, every sort here is stable", "order": "sort by several keys with sort_by"}


def refuse(op: str, **unsupported: Any) -> None:
    """Arguments that `jax.numpy` has for the sake of NumPy's signature, and refuses."""
    for name, value in unsupported.items():
        if value is not None and value is not False:
            shown = repr(value) if isinstance(value, bool | int | float | str) else "..."
            raise TypeError(
                f"{op} got {name}={shown}, which jax.numpy does not support; {_INSTEAD.get(name, 'leave it out')}."
            )
