"""Lengths of time on the command line: 90s, 5m, 2h, 1d."""

from typing import Any

import click

from dogwatch.cli.parameter import ParamType
from dogwatch.core.schedule.interval import interval_s


class Length(ParamType[int]):
    """A length of time, read as seconds."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds, or fail with what is wrong."""
        if isinstance(value, int):
            return value
        if value in ("0", "0s"):  # no schedule, but a length
            return 0
        try:
            return interval_s(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a length of time such as 90s, 5m or 2h", param, ctx)


LENGTH = Length()
