"""Results as tables for the terminal, one a group, and as JSON lines for the record."""

import json
import statistics
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from . import machine
from .harness import Case, Effort, Measurement, quartiles

# Seconds a call under which most of any program's time is the way from Python to it and back.
_DISPATCH = 50e-6
# Cores that others take from which a table says so.
_NOISE = 0.2
_MARKS = {True: "[green]✓[/]", False: "[red]✗[/]"}


class Report:
    """A table is printed when its group ends, a JSON line when its case does: what was measured is never lost."""

    def __init__(self, suite: str, effort: Effort, output: Path | None) -> None:
        # Where nobody watches, as in a log, no row need wrap.
        self.console = Console()
        if not self.console.is_terminal:
            self.console = Console(width=110)
        self._common = {"suite": suite, **machine.describe(), "rounds_at_most": effort.rounds}
        self._output = output
        if output is not None:
            output.parent.mkdir(parents=True, exist_ok=True)
        self._group = ""
        self._table = Table()
        self._tiny, self._most_others = False, 0.0
        self._goals: list[tuple[bool, str]] = []
        # Refreshed by hand: a spinner is a thread that would run beside the programs.
        self._status = Live(console=self.console, auto_refresh=False, transient=True)

    def __enter__(self) -> "Report":
        shown = {key: value for key, value in self._common.items() if value is not None}
        self.console.print(", ".join(f"{key} {value}" for key, value in shown.items()), highlight=False)
        self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._status.stop()
        self._end_group()
        if self._goals:
            missed = [text for reached, text in self._goals if not reached]
            self.console.print(f"{len(self._goals) - len(missed)} of {len(self._goals)} goals reached.")
            for text in missed:
                self.console.print(f"  missed: {text}", highlight=False)

    def say(self, line: str) -> None:
        self.console.print(line, highlight=False)

    def show_status(self, line: str) -> None:
        self._status.update(line, refresh=True)

    def add(self, case: Case, measurement: Measurement, others: float | None) -> None:
        """`others`: the cores that other processes kept busy meanwhile, if known."""
        if case.group != self._group:
            self._end_group()
            self._group, self._table, self._tiny, self._most_others = case.group, _empty_table(case), False, 0.0
        self._most_others = max(self._most_others, others or 0.0)
        for i, program in enumerate(measurement.samples):
            self._add_row(case, program, measurement, others, first=i == 0)

    def _end_group(self) -> None:
        if not self._group:
            return
        self.console.print()
        self.console.print(self._table)
        if self._tiny:
            self.say(f"Below {1e6 * _DISPATCH:.0f} µs a call, dispatch from Python is most of what every program takes.")
        if self._most_others >= _NOISE:
            self.say(
                f"Other processes took up to {self._most_others:.1f} cores: programs with threads look slower than they are."
            )

    def _add_row(self, case: Case, program: str, measurement: Measurement, others: float | None, first: bool) -> None:
        samples = measurement.samples[program]
        ratios = measurement.ratios(program, case.reference)
        value, ratio, goal = statistics.median(samples), statistics.median(ratios), case.goals.get(program)
        reached = goal.reached(value, ratio) if goal else None
        if goal and reached is not None:
            found = f"{ratio:.3g}" if goal.at_least else _with_unit(value, measurement.unit)
            noise = f" (while others took {others:.1f} cores)" if others is not None and others >= _NOISE else ""
            self._goals.append((reached, f"{case.title}, {program}: {found}, goal {goal}{noise}"))
        self._tiny |= measurement.unit == "s" and value < _DISPATCH
        is_reference = program == case.reference
        self._table.add_row(
            case.name if first else "",
            program,
            _with_unit(value, measurement.unit),
            _spread(samples, measurement.unit),
            "" if is_reference else f"{ratio:.3g}",
            "" if is_reference else _spread(ratios, ""),
            f"{goal} {_MARKS[reached]}" if goal and reached is not None else "",
        )
        self._write(
            group=case.group,
            case=case.name,
            program=program,
            unit=measurement.unit,
            median=value,
            quartiles=[quartiles(samples)[0], quartiles(samples)[2]],
            reference=case.reference,
            ratio=ratio,
            ratio_quartiles=[quartiles(ratios)[0], quartiles(ratios)[2]],
            goal=str(goal) if goal else None,
            reached=reached,
            rounds=len(samples),
            calls_a_sample=measurement.calls[program],
            native=measurement.native,
            cores_taken_by_others=others,
        )

    def _write(self, **row: Any) -> None:
        if self._output is not None:
            with self._output.open("a") as file:
                file.write(json.dumps({**self._common, **row}, ensure_ascii=False) + "\n")


def _empty_table(case: Case) -> Table:
    table = Table(title=case.group, title_justify="left", title_style="bold", box=None)
    table.add_column("case")
    table.add_column("program", no_wrap=True)
    for name in ("median", "quartiles", f"× {case.reference}", "quartiles"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("goal", no_wrap=True)
    return table


def _scale(value: float, unit: str) -> tuple[float, str]:
    """By what to divide, and the unit then."""
    if unit != "s":
        return 1.0, unit
    return next(((scale, name) for scale, name in ((1.0, "s"), (1e-3, "ms")) if value >= scale), (1e-6, "µs"))


def _with_unit(value: float, unit: str) -> str:
    scale, name = _scale(value, unit)
    return f"{value / scale:.3g} {name}"


def _spread(values: list[float], unit: str) -> str:
    if len(values) == 1:
        return ""
    first, median, third = quartiles(values)
    scale, _ = _scale(median, unit)
    return f"{first / scale:.3g}..{third / scale:.3g}"
