"""Results as a table for the terminal and as JSON lines for the record."""

import datetime
import json
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import sortax as sx
from rich.console import Console
from rich.table import Table

from .harness import OURS, Case, Timing
from .process import Figure


def machine() -> dict[str, Any]:
    """What a figure depends on: processor, versions, commit, and which path sorted."""
    info = Path("/proc/cpuinfo")
    models = [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    versions = {}
    for package in ("jax", "jaxlib", "numpy", "torch"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "date": datetime.date.today().isoformat(),
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **versions,
        "sortax": sx.__version__,
        "native": sx.native_status().available,
        "commit": commit.stdout.strip() or None,
    }


class Report:
    """Rows as they come, each to the file at once, so that an interrupted run keeps what it measured."""

    def __init__(self, output: Path | None) -> None:
        self.console = Console()
        self.machine = machine()
        self.file = output.open("a") if output else None
        self.table = Table("case", "program", "ms", "quartiles", "x sortax", "aim", title="sortax against others: medians")
        for column in self.table.columns[2:5]:
            column.justify = "right"

    def add(self, case: Case, timings: dict[str, Timing]) -> None:
        for name, timing in timings.items():
            low, median, high = (f"{1e3 * s:.3g}" for s in timing.seconds)
            floor = case.floors.get(name)
            ratio = "" if name == OURS else f"{timing.ratio[1]:.1f}"
            self.table.add_row(case.name if name == OURS else "", name, median, f"{low}..{high}", ratio, _aim(timing.ratio[1], floor))
            self._write(case=case.name, program=name, seconds=timing.seconds, ratio=timing.ratio, floor=floor)
        self.table.add_section()

    def add_figure(self, figure: Figure) -> None:
        mark = "[green]✓[/]" if figure.reached else "[red]✗[/]"
        bound = f"{'≥' if figure.at_least else '≤'} {figure.bound:g} {mark}"
        self.table.add_row(figure.name, "", "", "", f"{figure.value:.3g} {figure.unit}", bound)
        self._write(case=figure.name, value=figure.value, unit=figure.unit, bound=figure.bound)

    def show(self) -> None:
        self.console.print(self.table)
        self.console.print({key: value for key, value in self.machine.items() if value is not None})

    def _write(self, **row: Any) -> None:
        if self.file:
            self.file.write(json.dumps({**row, **self.machine}) + "\n")
            self.file.flush()


def _aim(ratio: float, floor: float | None) -> str:
    if not floor:
        return ""
    return f"≥ {floor:g} {'[green]✓[/]' if ratio >= floor else '[red]✗[/]'}"
