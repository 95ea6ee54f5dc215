"""The report: one HTML page with its style inside, and the pictures beside it, each in a light and a dark version."""

import datetime
import pathlib
import re
from collections.abc import Sequence
from html import escape
from importlib import resources

from .act import Chapter, Claim, Picture, Table
from .pictures.style import DARK, LIGHT, Theme

_CODE = re.compile(r"`([^`]*)`")


def file_name(picture: Picture, theme: Theme) -> str:
    return f"{picture.name}.png" if theme is LIGHT else f"{picture.name}-{theme.name}.png"


def write(
    output: pathlib.Path,
    titles: Sequence[str],
    chapters: Sequence[Chapter],
    machine: Sequence[tuple[str, str]],
    seconds: float,
) -> pathlib.Path:
    """Write `index.html` into `output`, and return its path."""
    style = resources.files("sortax.tour").joinpath("page.css").read_text(encoding="utf-8")
    sections = [_section(k, title, chapter) for k, (title, chapter) in enumerate(zip(titles, chapters, strict=True), 1)]
    body = [_head(titles, chapters, seconds), *sections, _foot(machine, seconds)]
    page = output / "index.html"
    page.write_text(
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>sortax: the guided tour</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n",
        encoding="utf-8",
    )
    return page


def _marked(text: str) -> str:
    """Backticks become code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _head(titles: Sequence[str], chapters: Sequence[Chapter], seconds: float) -> str:
    claims = [claim for chapter in chapters for claim in chapter.claims]
    failed = sum(not claim.held for claim in claims)
    verdict = f"{failed} of {len(claims)} claims failed" if failed else f"All {len(claims)} claims held"
    figures = [pair for chapter in chapters for pair in chapter.headlines]
    cards = "".join(f"<li><strong>{escape(number)}</strong><span>{_marked(what)}</span></li>" for number, what in figures)
    links = "".join(f'<a href="#act-{k}">{escape(title)}</a>' for k, title in enumerate(titles, 1))
    return (
        "<header>\n<h1>sortax <span>the guided tour</span></h1>\n"
        "<p>Differentiate through anything that sorts, in JAX. Everything on this page was computed on this machine by "
        "<code>python -m sortax</code>.</p>\n"
        f'<p class="verdict {"bad" if failed else "good"}">{_sign(not failed)} {verdict} in {seconds:.0f} seconds</p>\n'
        f'<ul class="headlines">{cards}</ul>\n<nav>{links}</nav>\n</header>'
    )


def _section(number: int, title: str, chapter: Chapter) -> str:
    # Each claim stands next to its numbers, and the pictures come before the long tables.
    parts = [
        f'<h2><span class="number">{number}</span> {escape(title)}</h2>',
        f'<p class="lead">{_marked(chapter.lead)}</p>',
    ]
    if chapter.claims:
        parts.append(_claims(chapter.claims))
    parts += [_picture(picture) for picture in chapter.pictures]
    parts += [_table(table) for table in chapter.tables]
    return f'<section id="act-{number}">\n' + "\n".join(parts) + "\n</section>"


def _sign(held: bool) -> str:
    return '<span class="sign held">✓</span>' if held else '<span class="sign failed">✗</span>'


def _own_line(code: str) -> str:
    return f"<br><code>{escape(code)}</code>" if code else ""


def _claims(claims: Sequence[Claim]) -> str:
    rows = "\n".join(
        f'<tr class="{"held" if claim.held else "failed"}"><td>{_sign(claim.held)}</td>'
        f"<td>{_marked(claim.says)}{_own_line(claim.code)}</td>"
        f"<td>{'' if claim.held else '<strong>Failed:</strong> '}{_marked(claim.evidence)}</td></tr>"
        for claim in claims
    )
    head = '<thead><tr><th aria-label="verdict"></th><th>Claim</th><th>Evidence</th></tr></thead>'
    return f'<table class="claims">{head}<tbody>\n{rows}\n</tbody></table>'


def _picture(picture: Picture) -> str:
    return (
        f'<figure><picture><source srcset="{file_name(picture, DARK)}" media="(prefers-color-scheme: dark)">'
        f'<img src="{file_name(picture, LIGHT)}" alt="{escape(picture.alt)}" loading="lazy"></picture>'
        f"<figcaption>{_marked(picture.caption)}</figcaption></figure>"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{_marked(name)}</th>" for name in table.head)
    rows = "\n".join("<tr>" + "".join(f"<td>{_marked(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    note = f'<p class="note">{_marked(table.note)}</p>' if table.note else ""
    return (
        f'<div class="numbers"><h3>{_marked(table.title)}</h3>'
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>{note}</div>'
    )


def _foot(machine: Sequence[tuple[str, str]], seconds: float) -> str:
    when = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    facts = [*machine, ("Written", f"{when}, after {seconds:.0f} s")]
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f"<footer>\n<dl>{items}</dl>\n</footer>"
