"""The tour in the terminal: headings, tables and verdicts, by rich."""

import re
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Grid

from .act import Chapter, Claim, Table

_CODE = re.compile(r"`([^`]*)`")


def marked(text: str) -> str:
    """Backticks become colour."""
    return _CODE.sub(r"[cyan]\1[/]", escape(text))


def heading(console: Console, number: int, count: int, title: str) -> None:
    console.print()
    console.print(Rule(f"[bold]{number}/{count}  {escape(title)}", align="left", style="blue"))


def chapter(console: Console, found: Chapter) -> None:
    console.print(Padding(marked(found.lead), (0, 0, 1, 0)))
    if found.claims:
        _claims(console, found.claims)
    for table in found.tables:
        _table(console, table)


def _claims(console: Console, claims: Sequence[Claim]) -> None:
    grid = Grid(show_lines=True, border_style="bright_black", expand=True)
    grid.add_column("")
    grid.add_column("claim", ratio=5)
    grid.add_column("evidence", ratio=6)
    for claim in claims:
        verdict = "[bold green]✓[/]" if claim.held else "[bold red]✗[/]"
        evidence = marked(claim.evidence) + ("" if claim.held else "\n[bold red]failed[/]")
        code = f"\n[cyan]{escape(claim.code)}[/]" if claim.code else ""
        grid.add_row(verdict, marked(claim.says) + code, evidence)
    console.print(grid)


def _table(console: Console, table: Table) -> None:
    grid = Grid(border_style="bright_black")
    for k, name in enumerate(table.head):
        grid.add_column(marked(name), justify="right" if k else "left")
    for row in table.rows:
        grid.add_row(*map(marked, row))
    # A title or caption of the grid itself would be folded to the width of a narrow table.
    console.print(f"\n[bold]{marked(table.title)}[/]")
    console.print(grid)
    if table.note:
        console.print(marked(table.note), style="bright_black")
