"""The compiled kernels: found, checked and registered here, and lowered to. No other file knows that C++ exists.

A wrong library must never harm JAX: everything that can be told from the file is checked before it is loaded, and the
version of XLA's foreign function interface before anything is registered, because a handler that is
newer than the runtime would stop the whole CPU backend from starting.
"""

import ctypes
import dataclasses
import os
import re
import struct
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from . import _jax
from ._jax import ShapedArray
from ._lowering import inline


def _dtypes(names: str) -> tuple[np.dtype, ...]:
    return tuple(np.dtype(getattr(jax.numpy, name)) for name in names.split())


REAL_FLOATS = _dtypes("float16 bfloat16 float32 float64")
INEXACT = (*REAL_FLOATS, *_dtypes("complex64 complex128"))
SORTABLE = (*_dtypes("bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64"), *REAL_FLOATS)

_LIBRARY = Path(__file__).parent / "libsortax_kernels.so"
_TARGETS = (
    *("sort", "select", "top_k", "partition", "permute"),
    *("run_mean", "middle_of_run", "linear_scan", "isotonic", "kernel_sum", "inverse_cdf", "bin_masses"),
)
_ABI = 8
_CONTRACT = re.compile(rb"sortax-kernels abi=(\d+) ffi=(\d+)\.(\d+)\0")


@dataclasses.dataclass(frozen=True)
class NativeStatus:
    """Whether the compiled kernels are in use, and why or why not; `str()` of it is one sentence."""

    available: bool
    reason: str
    instructions: str | None = None
    """The vector instructions that the kernels use on this processor, as `"AVX-512"`; None on the XLA path."""

    def __str__(self) -> str:
        return f"{f'native kernels ({self.instructions})' if self.available else 'XLA path'}: {self.reason}"


class _Unusable(Exception):
    """Why a library cannot serve."""


_status: NativeStatus | None = None
_lock = threading.Lock()


def native_status() -> NativeStatus:
    """Which path sorts on the CPU, and why.

    The library is looked for on the first call of this function or of an op, and never again; set the environment variable
    `SORTAX_NATIVE=0` before that to take the XLA path.

    **Returns:**

    A `NativeStatus` with the fields `available`, `reason` and `instructions`.

    ??? example
        ```python
        >>> import sortax as sx
        >>> isinstance(sx.native_status().available, bool)
        True

        ```
    """
    global _status
    with _lock:
        if _status is None:
            _status = _load(_LIBRARY)
        return _status


def _load(path: Path) -> NativeStatus:
    if os.environ.get("SORTAX_NATIVE") == "0":
        return NativeStatus(False, "SORTAX_NATIVE=0 is set.")
    try:
        _check_file(path)
        library = _open(path)
        for name in _TARGETS:
            target = f"sortax_{name}"
            handler = jax.ffi.pycapsule(getattr(library, target))
            jax.ffi.register_ffi_target(target, handler, platform="cpu")
            _jax.allow_splitting(target)
        library.sortax_instructions.restype = ctypes.c_char_p
        instructions = library.sortax_instructions().decode()
    except _Unusable as unusable:
        return NativeStatus(False, str(unusable))
    # Whatever else goes wrong with a foreign library, JAX must go on without it.
    except Exception as error:
        return NativeStatus(False, f"{path.name} could not be used ({error}).")
    return NativeStatus(True, f"{path} is loaded.", instructions)


def _check_file(path: Path) -> None:
    if not path.exists():
        raise _Unusable(f"{path.name} was not built; install from source with a C++ compiler to have it.")
    image = path.read_bytes()
    # The loader maps what the headers promise, and reading beyond the end of a truncated file kills the process.
    if not _is_whole(image):
        raise _Unusable(f"{path.name} is truncated or not a library; reinstall sortax.")
    contract = _CONTRACT.search(image)
    if contract is None:
        raise _Unusable(f"{path.name} does not say what it was built for; reinstall sortax.")
    abi, major, minor = map(int, contract.groups())
    if abi != _ABI:
        raise _Unusable(f"{path.name} has kernel interface {abi} and this sortax needs {_ABI}; reinstall sortax.")
    runtime = _runtime_version()
    if major != runtime[0] or minor > runtime[1]:
        raise _Unusable(
            f"{path.name} was built for version {major}.{minor} of XLA's foreign function interface and this jaxlib "
            f"has {runtime[0]}.{runtime[1]}; upgrade jaxlib or rebuild sortax."
        )


def _is_whole(image: bytes) -> bool:
    """Whether an ELF file reaches as far as its headers say; files of other formats are left to their loader."""
    if image[:4] != b"\x7fELF":
        return len(image) > 4 and image[:4] in (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
    if len(image) < 64 or image[4:6] != b"\x02\x01":
        return False
    program_headers, section_headers = struct.unpack_from("<QQ", image, 32)
    program_size, programs, section_size, sections = struct.unpack_from("<HHHH", image, 54)
    if max(program_headers + program_size * programs, section_headers + section_size * sections) > len(image):
        return False
    for i in range(programs):
        offset, _, _, size = struct.unpack_from("<QQQQ", image, program_headers + i * program_size + 8)
        if offset + size > len(image):
            return False
    return True


def _runtime_version() -> tuple[int, int]:
    header = Path(jax.ffi.include_dir()) / "xla" / "ffi" / "api" / "c_api.h"
    try:
        versions = dict(re.findall(r"#define XLA_FFI_API_(MAJOR|MINOR) (\d+)", header.read_text()))
        return int(versions["MAJOR"]), int(versions["MINOR"])
    except (OSError, KeyError):
        raise _Unusable(f"the version of jaxlib's foreign function interface cannot be read from {header}.") from None


def _open(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise _Unusable(f"{path.name} does not load on this platform ({error}).") from None


def lower(ctx: Any, name: str, *operands: Any, axis: int, **attributes: Any) -> Any:
    """Lower to the kernel `name`, which works along `axis` of its operands; None if it cannot serve.

    Along that axis operands and results may differ in length. The first operand may have length one along axes that the
    others have longer: it is shared along them.
    """
    if not native_status().available:
        return None
    try:
        return _lower(ctx, name, *operands, axis=axis, **attributes)
    # That is a JAX whose interfaces have another form: the XLA path gives the same results.
    except Exception as error:
        warnings.warn(
            f"sortax takes the XLA path, which is slower, since JAX {jax.__version__} does not lower to its kernel {name} "
            f"({type(error).__name__}: {error}); upgrade sortax.",
            RuntimeWarning,
            stacklevel=2,
        )
        return None


def _lower(ctx: Any, name: str, *operands: Any, axis: int, **attributes: Any) -> Any:
    """The same, where there is a library and JAX is as known.

    On several devices the arrays are presented to XLA as (axes of the first..., axis, shared...), so that the leading axes
    are a batch, which the partitioners may split. The layout says that memory stays as it is.
    """
    full = ctx.avals_in[-1]
    shared = tuple(d for d in range(full.ndim) if d != axis and ctx.avals_in[0].shape[d] != full.shape[d])
    rows = tuple(d for d in range(full.ndim) if d != axis and d not in shared)
    attributes["axis"] = np.int64(axis)
    attributes["shared"] = np.asarray(shared, np.int64)
    # XLA copies a result whose layout is not the default one; where nothing can be split, nothing needs to move.
    alone = _jax.is_on_one_device(ctx)
    order = tuple(range(full.ndim)) if alone else (*rows, axis, *shared)
    attributes["order"] = np.asarray(order, np.int64)
    if alone:
        return jax.ffi.ffi_lowering(f"sortax_{name}")(ctx, *operands, **attributes)

    kept = order[: len(rows) + 1]
    orders = [kept if aval is ctx.avals_in[0] else order for aval in ctx.avals_in]
    shapes = [tuple(aval.shape[d] for d in order) for aval, order in zip(ctx.avals_in, orders, strict=True)]
    avals = [ShapedArray(shape, aval.dtype) for shape, aval in zip(shapes, ctx.avals_in, strict=True)]
    results = [ShapedArray(tuple(aval.shape[d] for d in order), aval.dtype) for aval in ctx.avals_out]
    hints = _jax.batch_hints(f"sortax_{name}", len(rows), avals, results)
    if hints is None:
        return None
    call = jax.ffi.ffi_lowering(
        f"sortax_{name}",
        operand_layouts=[_layout(each) for each in orders],
        result_layouts=[_layout(order)] * len(results),
        extra_attributes=hints,
    )
    presented = _presented(ctx, operands, orders)
    outputs = call(ctx.replace(avals_in=avals, avals_out=results), *presented, **attributes)
    back = tuple(map(int, np.argsort(order)))
    return inline(ctx.replace(avals_in=results), lambda *arrays: [x.transpose(back) for x in arrays], *outputs)


def _presented(ctx: Any, operands: Sequence[Any], orders: Sequence[tuple[int, ...]]) -> list[Any]:
    """The operands with their axes in `orders`; axes left out have length one and are dropped."""

    def present(*arrays: Any) -> list[Any]:
        kept = [x.reshape([x.shape[d] for d in sorted(order)]) for x, order in zip(arrays, orders, strict=True)]
        return [x.transpose(np.argsort(np.argsort(order))) for x, order in zip(kept, orders, strict=True)]

    return inline(ctx, present, *operands)


def _layout(order: tuple[int, ...]) -> tuple[int, ...]:
    """Minor-to-major axes of an array whose axis i is axis order[i] of a row-major one."""
    return tuple(sorted(range(len(order)), key=lambda i: -order[i]))
