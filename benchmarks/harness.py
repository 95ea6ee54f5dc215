"""Timing of programs that do the same thing: in turn within one run, so that a drift of the machine hits all alike.

A round times each program once; a ratio is taken within a round, and the median over the rounds is what counts.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

OURS = "sortax"

Program = Callable[[], Any]


@dataclasses.dataclass(frozen=True)
class Case:
    """What is timed: programs by name, `sortax` among them, and the least ratio aimed at against each other one."""

    name: str
    programs: dict[str, Program]
    floors: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds a call over the rounds, and how many times as long as sortax took."""

    seconds: tuple[float, float, float]
    ratio: tuple[float, float, float]


def quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return (values[0],) * 3
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, median, third


def run(case: Case, *, rounds: int, least: float = 2e-3, most: float = 20.0) -> dict[str, Timing]:
    """Time the programs of a case in turn: at least `least` seconds a sample, about `most` seconds in all."""
    repeats, once = {}, 0.0
    for name, program in case.programs.items():
        program()
        seconds = _seconds(program, 1)
        repeats[name] = max(1, round(least / seconds))
        once += max(seconds, least)
    rounds = max(3, min(rounds, int(most / once)))
    samples: dict[str, list[float]] = {name: [] for name in case.programs}
    for order in _turns(list(case.programs), rounds):
        for name in order:
            samples[name].append(_seconds(case.programs[name], repeats[name]))
    ours = samples[OURS]
    return {
        name: Timing(quartiles(taken), quartiles([other / own for other, own in zip(taken, ours, strict=True)]))
        for name, taken in samples.items()
    }


def _turns(names: list[str], rounds: int) -> Iterator[list[str]]:
    """Every other round runs backwards, so that no program always follows the same one."""
    for i in range(rounds):
        yield names if i % 2 == 0 else names[::-1]


def _seconds(program: Program, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        program()
    return (time.perf_counter() - start) / repeats
