"""Runs the acts one after the other, shows them in the terminal as they end, and writes the report."""

import pathlib
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from . import report, terminal
from .act import Act, Chapter, Claim
from .acts import ACTS
from .measure import machine
from .pictures import style

ALL_HELD, FAILED, ONLY_TIMING_FAILED = 0, 1, 3


def run(output: pathlib.Path) -> int:
    """Write the report into the folder `output`, and return the exit status."""
    console = Console()
    began = time.perf_counter()
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("[bright_black]{task.fields[now]}"),
        console=console,
        transient=True,
    ) as progress:
        chapters = [_play(progress, number, act, output) for number, act in enumerate(ACTS, 1)]
    seconds = time.perf_counter() - began
    claims = [claim for chapter in chapters for claim in chapter.claims]
    page = report.write(output, [act.title for act in ACTS], chapters, machine(), seconds)
    _conclude(console, claims, seconds, page)
    return exit_status(claims)


def exit_status(claims: list[Claim]) -> int:
    failed = [claim for claim in claims if not claim.held]
    if not failed:
        return ALL_HELD
    return ONLY_TIMING_FAILED if all(claim.timing for claim in failed) else FAILED


def _play(progress: Progress, number: int, act: Act, output: pathlib.Path) -> Chapter:
    terminal.heading(progress.console, number, len(ACTS), act.title)
    task = progress.add_task(f"Act {number} of {len(ACTS)}", total=1.0, now="")

    def step(now: str, done: float) -> None:
        progress.update(task, completed=done, now=now)

    chapter = act.run(step)
    step("drawing", 0.98)
    for picture in chapter.pictures:
        for theme in style.THEMES:
            with style.use(theme):
                picture.draw(theme).savefig(output / report.file_name(picture, theme))
    progress.remove_task(task)
    terminal.chapter(progress.console, chapter)
    return chapter


def _conclude(console: Console, claims: list[Claim], seconds: float, page: pathlib.Path) -> None:
    failed = [claim for claim in claims if not claim.held]
    console.print()
    if failed:
        console.print(f"[bold red]{len(failed)} of {len(claims)} claims failed[/] in {seconds:.0f} s:")
        for claim in failed:
            console.print(f"  [red]✗[/] {terminal.marked(claim.says)}")
    else:
        console.print(f"[bold green]All {len(claims)} claims held[/] in {seconds:.0f} s.")
    console.print(f"The report: {page.resolve()}", soft_wrap=True, highlight=False)
