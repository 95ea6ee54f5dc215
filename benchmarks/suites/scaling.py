"""The suite `scaling`: how the time an element and the memory of value and gradient grow with the number of elements."""

import dataclasses
import math
from collections.abc import Iterator

from ..harness import OURS, Case, Effort, Measurement, Timing
from ..inputs import Input
from ..processes import PeakMemory
from ..programs import Problem

_POWERS = (10**4, 10**5, 10**6, 10**7)
# A relaxation and the ops by it; ranks take other kernels than sorted values.
_SOFT = {
    "SoftSort": ("sort", "rank"),
    "LapSum": ("sort", "rank"),
    "SigmoidSum": ("rank",),
    "Permutahedron l2": ("sort", "rank"),
}


@dataclasses.dataclass(frozen=True)
class TimeAnElement(Timing):
    """Nanoseconds a call, divided by the number of elements."""

    size: int = 1

    def measure(self, effort: Effort) -> Measurement:
        found = super().measure(effort)
        samples = {name: [1e9 * seconds / self.size for seconds in each] for name, each in found.samples.items()}
        return dataclasses.replace(found, unit="ns", samples=samples)


def cases() -> Iterator[Case]:
    exact = {OURS: "sortax:sort"}
    yield from _sizes("sort", exact, {}, (*_POWERS, 10**8))
    for relax, ops in _SOFT.items():
        for op in ops:
            options = {"op": op, "relax": relax, "temperature": 0.1}
            yield from _sizes(f"{relax} {op}", {OURS: "benchmarks.soft_baselines:soft"}, options, (*_POWERS, 3 * 10**7))


def _sizes(name: str, op: dict[str, str], options: dict[str, object], sizes: tuple[int, ...]) -> Iterator[Case]:
    for n in sizes:
        x = Input((n,))
        programs, exponent = Problem(op, x, options).value_and_vjp, int(math.log10(n))
        title = f"1e{exponent}" if n == 10**exponent else f"{n // 10**exponent}e{exponent}"
        yield TimeAnElement(f"{name}, value and gradient", title, programs, slow=n >= 10**7, size=n)
        # Of fewer elements, the process itself takes more.
        if n >= 10**6:
            yield PeakMemory(f"{name}, extra memory", title, x, programs, (OURS,), slow=n >= 10**7)
