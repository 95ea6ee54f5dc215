"""What an act of the tour is, and what it hands over: claims with their evidence, tables, and pictures drawn later.

In every text, what stands between backticks is code.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .pictures.style import Theme

Step = Callable[[str, float], None]
"""Tells the progress bar what happens now and which fraction of the act is done."""


@dataclass(frozen=True)
class Claim:
    """A sentence, the numbers for or against it, and the verdict. `code` is the sentence as an expression.

    A `timing` claim depends on how quiet the machine is.
    """

    says: str
    evidence: str
    held: bool
    code: str = ""
    timing: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; the first column is left-aligned, the others are right-aligned."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A figure, drawn once for each theme; `alt` says in words what it shows."""

    name: str
    alt: str
    caption: str
    draw: "Callable[[Theme], Figure]"


@dataclass(frozen=True)
class Chapter:
    """All that one act found. `headlines` are (number, what it is) for the top of the page."""

    lead: str
    claims: Sequence[Claim] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    headlines: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Act:
    title: str
    run: Callable[[Step], Chapter]
