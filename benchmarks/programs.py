"""Programs by library: the same op on the same input, compiled and with its data in place before any clock starts.

Ops are named by import path. So a problem is plain data that another process can be handed, and a library that is not
installed costs nothing.
"""

import contextlib
import dataclasses
import functools
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from .inputs import Input

LIBRARIES = ("sortax", "jax", "numpy", "torch", "torchsort", "rax", "lapsum")
MISSING = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]

_BY_TORCH = ("torch", "torchsort", "lapsum")
# PyTorch stores these types but does not sort them; NumPy compares those of others one call at a time.
_LACKS = {"torch": ("uint16", "uint32", "uint64"), "numpy": ("bfloat16",)}

Program = Callable[[], Any]
Function = Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class Problem:
    """An op, `{library: "module:function"}`, its inputs and its options; makes the programs that are compared."""

    op: Mapping[str, str]
    input: Input
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    others: tuple[Input, ...] = ()

    def forward(self, only: str | None = None) -> dict[str, Program]:
        """One program a library, or that of one library."""
        x, *others = (each.array() for each in (self.input, *self.others))
        makers = {"numpy": _by_numpy} | dict.fromkeys(_BY_TORCH, _by_torch)
        return {
            library: makers.get(library, _compiled)(function, x, *others)
            for library, function in self._functions(only).items()
            if x.dtype.name not in _LACKS.get(library, ())
        }

    def value_and_vjp(self, only: str | None = None) -> dict[str, Program]:
        """The value and the cotangent of the input, for a random cotangent of the value."""
        x = self.input.array()
        functions = self._functions(only)
        value = jax.eval_shape(_first(next(iter(functions.values()))), x)
        g = dataclasses.replace(self.input, shape=value.shape, distribution="random", seed=1).array()
        functions.pop("numpy", None)
        return {
            library: _vjp_by_torch(function, x, g) if library in _BY_TORCH else _compiled(_with_vjp(function), x, g)
            for library, function in functions.items()
        }

    def _functions(self, only: str | None) -> dict[str, Function]:
        return {
            library: functools.partial(pkgutil.resolve_name(path), **self.options)
            for library, path in self.op.items()
            if library not in MISSING and only in (None, library)
        }


def _compiled(function: Function, *operands: np.ndarray) -> Program:
    # Only 64-bit inputs ask for x64: under it the integers of argsort are 64 bits wide, which is not JAX's default.
    wide = any(jax.dtypes.canonicalize_dtype(x.dtype) != x.dtype for x in operands)
    with jax.enable_x64(True) if wide else contextlib.nullcontext():
        arrays = jax.block_until_ready(jax.device_put(operands))
        program = jax.jit(function).lower(*arrays).compile()
    return lambda: jax.block_until_ready(program(*arrays))


def _with_vjp(function: Function) -> Function:
    def value_and_vjp(x: jax.Array, g: jax.Array) -> tuple[jax.Array, jax.Array]:
        y, vjp = jax.vjp(_first(function), x)
        return y, vjp(g)[0]

    return value_and_vjp


def _first(function: Function) -> Function:
    """Where an op gives indices as well, they come second."""

    def values(x: Any) -> Any:
        result = function(x)
        return result[0] if isinstance(result, tuple | list) else result

    return values


def _by_numpy(function: Function, *operands: np.ndarray) -> Program:
    return lambda: function(*operands)


def _by_torch(function: Function, *operands: np.ndarray) -> Program:
    tensors = [_tensor(x) for x in operands]
    return lambda: function(*tensors)


def _vjp_by_torch(function: Function, x: np.ndarray, g: np.ndarray) -> Program:
    leaf, cotangent = _tensor(x).requires_grad_(), _tensor(g)

    def program() -> tuple[Any, Any]:
        leaf.grad = None
        y = _first(function)(leaf)
        y.backward(cotangent)
        return y, leaf.grad

    return program


def _tensor(x: np.ndarray) -> Any:
    import torch

    if x.dtype.name == "bfloat16":  # of which PyTorch reads no NumPy array
        return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(x)
