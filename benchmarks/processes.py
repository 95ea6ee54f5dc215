"""Cases that need a fresh process for every sample: peak memory, and the time that an import takes."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import sortax as sx

from . import child
from .harness import Case, Effort, Measurement, Skipped
from .inputs import Input
from .programs import Program

_CLEAR = Path("/proc/self/clear_refs")


@dataclasses.dataclass(frozen=True)
class PeakMemory(Case):
    """The most that becomes resident during a first call, outputs included, in multiples of the input.

    The first call, because what a program keeps for the next one is memory that it takes.
    """

    input: Input
    programs: Callable[[str], dict[str, Program]]
    libraries: tuple[str, ...]

    def measure(self, effort: Effort) -> Measurement:
        if not _CLEAR.exists():
            raise Skipped("peak memory is read from /proc, which this system does not have")
        # Ours depends a little on how many threads happen to help; a peer takes long, and is there for comparison.
        rounds = {name: min(effort.rounds, 3) if name == self.reference else 1 for name in self.libraries}
        samples = {
            name: [child.call(_peak, self.programs, name) / self.input.nbytes for _ in range(count)]
            for name, count in rounds.items()
        }
        return Measurement("× input", samples, dict.fromkeys(samples, 1), sx.native_status().available)


def _peak(make: Callable[[str], dict[str, Program]], library: str) -> int:
    program = make(library)[library]
    _CLEAR.write_text("5")  # which sets the peak back to what is resident now
    before = _resident("VmRSS")
    # Held until the peak is read.
    results = program()
    peak = _resident("VmHWM") - before
    del results
    return peak


def _resident(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise RuntimeError(f"/proc/self/status has no {name}")
    return 1024 * int(found[1])


@dataclasses.dataclass(frozen=True)
class ImportTime(Case):
    """Seconds that modules take to import, each after those before it, in one process."""

    modules: tuple[str, ...]

    def measure(self, effort: Effort) -> Measurement:
        rounds = [child.call(child.import_seconds, self.modules) for _ in range(min(effort.rounds, 7))]
        samples = {name: [seconds[i] for seconds in rounds] for i, name in enumerate(self.modules)}
        return Measurement("s", samples, dict.fromkeys(samples, 1), sx.native_status().available)
