"""How answers look: JSON, or short aligned text with times in the reader's own zone."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from dogwatch.core.plain import printable
from dogwatch.core.states import look, marked


def as_json(value: Any) -> None:
    """Print one JSON document; times stay as the server gave them, in UTC."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def local(moment: str | None) -> str:
    """Return an ISO moment in the local zone, to the second, with the zone; a dash for none."""
    if not moment:
        return "–"
    return datetime.fromisoformat(moment).astimezone().strftime("%a %Y-%m-%d %H:%M:%S %Z")


def there(moment: str | None, zone: str) -> str:
    """Return an ISO moment in a zone, to the second, with the zone's name; a dash for none."""
    if not moment:
        return "–"
    try:
        at = datetime.fromisoformat(moment).astimezone(ZoneInfo(zone))
    except ZoneInfoNotFoundError:  # the server knows it, this machine does not
        return local(moment)
    return f"{at:%a %Y-%m-%d %H:%M:%S} {zone}"


def took(milliseconds: int | None) -> str:
    """Return a duration in the largest fitting unit; a dash for none."""
    if milliseconds is None:
        return "–"
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{milliseconds} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def state(watch: Mapping[str, Any]) -> str:
    """Return a watch's status as shape and word; that it runs is told beside it."""
    word = "late" if watch.get("late") and watch["status"] == "up" else str(watch["status"])
    running = f" {look('running').shape}" if watch.get("running") else ""
    return f"{marked(word)}{running}"


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows under their column names: by rich on a terminal, plain and aligned elsewhere.

    Where there is none, say so, in a sentence and not in a bare header.
    """
    lines = [[_told(column, row.get(column)) for column in columns] for row in rows]
    if not lines:
        click.echo("None.")
        return
    heads = [column.replace("_", " ").upper() for column in columns]
    if sys.stdout.isatty():
        _rich(heads, lines)
    else:
        _plain([heads, *lines])


def pairs(values: Mapping[str, Any]) -> None:
    """Print names and values, one a line; what is empty is left out."""
    told = {name: _cell(value) for name, value in values.items() if value not in (None, "", [])}
    width = max(map(len, told), default=0)
    for name, value in told.items():
        click.echo(f"{name.ljust(width)}  {value}")


def _told(column: str, value: Any) -> str:
    return local(value) if column.endswith("_at") else _cell(value)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else " ".join(printable(str(value)).split("\n"))


def _plain(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _rich(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # slow to import, and only terminals want it
    from rich.table import Table

    grid = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for line in lines:
        grid.add_row(*line)
    Console(markup=False, highlight=False).print(grid)
