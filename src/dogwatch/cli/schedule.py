"""Schedules on the command line: in words, too, as on the pages."""

from typing import Any

import click

from dogwatch.cli.parameter import ParamType
from dogwatch.core.schedule.words import cron_of


class Schedule(ParamType[str]):
    """A schedule as people say it, such as "every weekday at 7"; the server judges it."""

    name = "schedule"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the line of cron that is meant; what is no such saying is returned as it is."""
        del param, ctx
        return cron_of(str(value))


SCHEDULE = Schedule()
EXPRESSION = click.option(
    "--schedule", type=SCHEDULE, metavar="EXPR", help="Cron line, OnCalendar, seconds or words."
)
