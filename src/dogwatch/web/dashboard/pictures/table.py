"""A picture as a table: what it shows, as numbers in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

Cell = str | int | datetime


@dataclass(frozen=True, slots=True)
class Table:
    """Heads and rows; times are shown on the clock of who looks. `note` says what is above all."""

    label: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
