"""Moments on the command line: 2036-01-05T22:00:00Z; and times of day: 22:00."""

import re
from datetime import datetime
from typing import Any

import click

from dogwatch.cli.parameter import ParamType

_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class Moment(ParamType[str]):
    """An ISO 8601 time; one without a zone is of this machine's."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the time with its zone, or fail with what is wrong."""
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2036-01-05T22:00:00Z", param, ctx)
        return str(value) if at.tzinfo else at.astimezone().isoformat()


class ClockTime(ParamType[str]):
    """A time of day."""

    name = "time of day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it, or fail with what is wrong."""
        if not _OF_DAY.fullmatch(str(value)):
            self.fail(f"{value!r} is not a time of day such as 22:00", param, ctx)
        return str(value)


MOMENT, CLOCK_TIME = Moment(), ClockTime()
