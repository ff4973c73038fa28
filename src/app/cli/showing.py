"""Answers as tables for people and as JSON for machines, and the question before much is lost."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.box import HEAVY_HEAD, Box
from rich.console import Console
from rich.table import Column, Table

from app.cli.console import fail

AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; needed where nobody can be asked.")]

UNWRAPPED = 10_000
"""Columns of what is no terminal: each row stays one line, whatever reads it."""


def show_json(value: Any) -> None:
    typer.echo(json.dumps(value, default=_plain))


def show_table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Aligned text; on a terminal with lines, and where a row is too long for that as a block.

    So nothing is cut that has to be typed again.
    """
    console = _console()
    if not console.is_terminal:
        console.print(_table(titles, rows, box=None))
        return
    unlimited = console.options.update(width=UNWRAPPED)
    for box in (HEAVY_HEAD, None):
        table = _table(titles, rows, box=box)
        if console.measure(table, options=unlimited).maximum <= console.width:
            console.print(table)
            return
    for number, row in enumerate(rows):
        if number:
            console.print()
        show_facts(zip(titles, row, strict=True))


def show_facts(facts: Iterable[tuple[str, object]]) -> None:
    """One thing, a line for each of its members."""
    table = Table.grid("", Column(overflow="fold"), padding=(0, 2, 0, 0))
    table.columns[0].style = "bold"
    for title, value in facts:
        table.add_row(title, _cell(value))
    _console().print(table)


def _console() -> Console:
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = UNWRAPPED
    return console


def _table(titles: Sequence[str], rows: Sequence[Sequence[object]], *, box: Box | None) -> Table:
    table = Table(*titles, box=box, pad_edge=box is not None)
    for row in rows:
        table.add_row(*map(_cell, row))
        for column, value in zip(table.columns, row, strict=True):
            if isinstance(value, int) and not isinstance(value, bool):
                column.justify = "right"
    return table


def utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def confirm(question: str, *, yes: bool) -> None:
    """End the command here unless the operator agrees; where there is no terminal, by `--yes`."""
    if yes:
        return
    if not sys.stdin.isatty():
        fail(f"{question} Nobody can be asked here: say --yes")
    if not typer.confirm(question, err=True):
        fail("nothing was changed")


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return utc(value)
        case _:
            # What other systems sent may hold characters that a terminal would obey.
            return "".join(
                each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in str(value)
            )


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)
