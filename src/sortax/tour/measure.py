"""How the tour compares: bits with bits, and seconds with seconds of programs that take turns in one process."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from importlib import metadata
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

import sortax as sx

_Name = TypeVar("_Name", bound=Hashable)


def same_bits(a: Any, b: Any) -> bool:
    """Equal shape, dtype and bits: -0 is not +0, and a NaN equals only the same NaN."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def in_words(*checks: bool, equal: str, unequal: str) -> str:
    return equal if all(checks) else unequal


def with_vjp(f: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """The compiled program (x, cotangent) -> (f(x), cotangent of x)."""

    @jax.jit
    def program(x: Any, g: Any) -> Any:
        y, pull = jax.vjp(f, x)
        return y, pull(g)[0]

    return program


def alternate(programs: Mapping[_Name, Callable[[], Any]], rounds: int, at_least: float = 0.0) -> dict[_Name, list[float]]:
    """Seconds a call, one number a round. Programs take turns, so that what else the machine does slows them alike.

    **Arguments:**

    - `programs`: functions without arguments; each is called twice before the clock starts, which compiles it.
    - `at_least`: seconds to fill in each round by calling again, for programs too short for the clock.
    """
    repeat = {}
    for name, program in programs.items():
        jax.block_until_ready(program())
        repeat[name] = max(1, int(at_least / _seconds(program, 1)))
    taken: dict[_Name, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            taken[name].append(_seconds(program, repeat[name]))
    return taken


def _seconds(program: Callable[[], Any], repeat: int) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        jax.block_until_ready(program())
    return (time.perf_counter() - start) / repeat


def ratio(taken: Mapping[str, list[float]], slow: str, fast: str) -> float:
    return statistics.median(taken[slow]) / statistics.median(taken[fast])


def duration(seconds: float) -> str:
    """Three significant digits in the unit that suits."""
    unit, scale = ("s", 1.0) if seconds >= 1 else ("ms", 1e-3) if seconds >= 1e-3 else ("µs", 1e-6)
    number = seconds / scale
    return f"{number:.0f} {unit}" if number >= 99.95 else f"{number:.{1 if number >= 9.995 else 2}f} {unit}"


def power_of_ten(n: float) -> str:
    exponent = round(float(np.log10(n)))
    return "10" + str(exponent).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))


def speed_claim() -> tuple[float, str]:
    """How many times less than `jnp.sort` is claimed for the way sortax runs here, and that way in words."""
    device = jax.default_backend()
    if device != "cpu":
        return 1.0, f"XLA on {device}"
    # Asked of the program itself: what `native_status` says is for people, and this is what runs.
    if "stablehlo.custom_call" in jax.jit(sx.sort).lower(jnp.zeros(1000, jnp.float32)).as_text():
        return 20.0, "compiled kernels"
    return 3.0, "plain XLA, without the compiled kernels"


def busy() -> str:
    """A sentence for whoever reads a timing, if other programs had the processor as well; else nothing."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return f" The machine was busy: load {load:.1f} on {_cores()} cores." if load > _cores() else ""


def machine() -> list[tuple[str, str]]:
    """What a reader needs to compare the timings with their own."""
    return [
        ("sortax", f"{sx.__version__}, running on {speed_claim()[1]}"),
        ("sx.native_status()", str(sx.native_status())),
        ("JAX", f"{jax.__version__}, jaxlib {metadata.version('jaxlib')}"),
        ("NumPy", np.__version__),
        ("Python", platform.python_version()),
        ("Device", f"{jax.devices()[0].device_kind} ({jax.default_backend()})"),
        ("Processor", f"{_processor()}, {_cores()} cores"),
        ("System", f"{platform.system()} {platform.release()}"),
    ]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
