"""What a figure depends on besides the program: processor, versions, commit, and which path sorted."""

import datetime
import os
import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

import sortax as sx


def describe() -> dict[str, Any]:
    status = sx.native_status()
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "device": jax.devices()[0].device_kind,
        "python": platform.python_version(),
        **{package: _version(package) for package in ("jax", "jaxlib", "numpy", "torch")},
        "sortax": sx.__version__,
        "native": status.available,
        "native_reason": status.reason,
        "commit": _commit(),
    }


class Others:
    """How many cores other processes keep busy from its making on; a program with threads of its own needs them free."""

    def __init__(self) -> None:
        self._start = self._now()

    def cores(self) -> float | None:
        """None where the system does not say."""
        if self._start is None or (now := self._now()) is None:
            return None
        wall, busy = (after - before for before, after in zip(self._start, now, strict=True))
        return max(0.0, busy / wall)

    @staticmethod
    def _now() -> tuple[float, float] | None:
        try:
            ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        except OSError:
            return None
        user, nice, system, _idle, _iowait, irq, softirq, steal = ticks
        everyone = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        return time.monotonic(), everyone - sum(os.times()[:4])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of this checkout, `-dirty` where it was changed; None where there is no git or no checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None
