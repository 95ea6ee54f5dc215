"""Timing of programs that do the same thing: in turn within one run, so that a drift of the machine hits all alike.

A round takes one sample of each program, A B C A B C. A ratio is taken within a round, and its median is reported.
"""

import abc
import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Mapping

import sortax as sx

from . import child
from .programs import Program

OURS = "sortax"

# Seconds that a sample lasts at least, by repeated calls: far beyond what the clock itself takes.
_SAMPLE = 2e-3
# Seconds from which a call is its own warm-up: what ran before it no longer shows.
_LONG = 0.1


@dataclasses.dataclass(frozen=True)
class Effort:
    """Rounds at most, and about how many seconds for the rounds of one case."""

    rounds: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Goal:
    """What the project aims at: at least this ratio to the reference, or at most this value."""

    bound: float
    at_least: bool = True

    def reached(self, value: float, ratio: float) -> bool:
        return ratio >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Samples by program, one a round, in `unit`; a program may take part in the first rounds only."""

    unit: str
    samples: Mapping[str, list[float]]
    calls: Mapping[str, int]
    native: bool

    def ratios(self, program: str, reference: str) -> list[float]:
        """How many times as much as the reference, round by round."""
        return [theirs / ours for theirs, ours in zip(self.samples[program], self.samples[reference], strict=False)]


class Skipped(Exception):
    """Why a case cannot be measured here."""


@dataclasses.dataclass(frozen=True)
class Case(abc.ABC):
    """What is compared, and the goals by program; `slow` cases are left out of a quick run."""

    group: str
    name: str
    _: dataclasses.KW_ONLY
    goals: Mapping[str, Goal] = dataclasses.field(default_factory=dict)
    reference: str = OURS
    slow: bool = False

    @property
    def title(self) -> str:
        return f"{self.group}: {self.name}"

    @abc.abstractmethod
    def measure(self, effort: Effort) -> Measurement: ...


@dataclasses.dataclass(frozen=True)
class Timing(Case):
    """Seconds a call; in a process of its own if it needs an environment of its own."""

    programs: Callable[[], dict[str, Program]]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def measure(self, effort: Effort) -> Measurement:
        if self.goals:  # which a noisy median could miss or reach by luck
            effort = dataclasses.replace(effort, seconds=3 * effort.seconds)
        if self.environment:
            return child.call(take_turns, self.programs, effort, environment=self.environment)
        return take_turns(self.programs, effort)


def take_turns(make: Callable[[], dict[str, Program]], effort: Effort) -> Measurement:
    """Time the programs in rounds, as many as the effort allows and three at least."""
    programs = make()
    once = {name: _seconds_once(program) for name, program in programs.items()}
    calls = {name: math.ceil(_SAMPLE / seconds) for name, seconds in once.items()}
    a_round = sum(once[name] * (calls[name] + (once[name] < _LONG)) for name in programs)
    rounds = max(min(3, effort.rounds), min(effort.rounds, int(effort.seconds / a_round)))
    samples: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            if once[name] < _LONG:
                # Untimed: it finds the caches and the threads of another program as that one left them.
                program()
            samples[name].append(_seconds(program, calls[name]))
    return Measurement("s", samples, calls, sx.native_status().available)


def _seconds_once(program: Program) -> float:
    """Roughly what a call takes. A first call may start a library up, so only one far longer than that is believed."""
    seconds = _seconds(program, 1)
    if seconds < 10 * _LONG:
        seconds = _seconds(program, 1)
    return seconds if seconds >= _LONG else min(_seconds(program, 1) for _ in range(3))


def _seconds(program: Program, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        program()
    return (time.perf_counter() - start) / calls


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """The first, the median and the third."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, median, third
