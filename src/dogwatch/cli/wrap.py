"""`dogwatch run`: wrap any command. Nothing about the server may change what the command does."""

import math
import os
import sys
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import click

from dogwatch.cli.child import Child, Ending, fill_streams
from dogwatch.cli.excerpt import Excerpt
from dogwatch.cli.length import LENGTH
from dogwatch.cli.pings import Errand, Receipt, desk_of, new_ping
from dogwatch.cli.schedule import SCHEDULE
from dogwatch.cli.session import Session, command
from dogwatch.cli.zone import local_zone
from dogwatch.clock import Clock, SystemClock

OUTPUT_LIMIT_BYTES = 10_000
_BUDGET_S = 5.0
EXAMPLES = """
dogwatch run nightly-backup -- /usr/local/bin/backup.sh --full
dogwatch run report --timeout 10m --quiet -- make report
dogwatch run sync --create --schedule "*/10 * * * *" --tz Europe/Berlin -- rsync -a a/ b/
"""
LONGEST_S = 1e8


class Seconds(click.FloatRange):
    """A length of time that a timer can be set to: seconds, with a fraction or none, or 10m."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds; nan, which no range refuses, is a usage error, too."""
        try:
            value = float(value)
        except ValueError:
            value = LENGTH.convert(value, param, ctx)
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is no number of seconds", param, ctx)
        return number


@command("run", EXAMPLES)
@click.argument("slug")
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...")
@click.option("--create", is_flag=True, help="Make the watch if there is none.")
@click.option("--schedule", type=SCHEDULE, metavar="EXPR", help="Schedule of a watch that is made.")
@click.option("--tz", "timezone", metavar="ZONE", help="Its time zone; this machine's if absent.")
@click.option("--grace", type=LENGTH, metavar="5m", help="Its grace.")
@click.option("--timeout", type=Seconds(0, LONGEST_S, min_open=True), metavar="10m",
              help="Stop then.")  # fmt: skip
@click.option("--no-output", is_flag=True, help="Don't send output; don't even touch it.")
@click.option("--quiet", "-q", is_flag=True, help="No remarks of our own.")
def run_command(session: Session, slug: str, words: tuple[str, ...], **options: Any) -> None:
    """Run a command and tell Dogwatch when it starts, how it ends and what it said.

    SLUG is a watch's slug, its ping key or its ping URL. The exit code is always the command's:
    128+n after signal n, 124 after --timeout, 127 when it is not found, 126 when it cannot be
    run. When the server is away, what it missed is kept and sent later with its own times.
    """
    fill_streams()
    excerpt = None if options["no_output"] else Excerpt(OUTPUT_LIMIT_BYTES)
    child = Child(words, excerpt, options["timeout"])
    with child.signals():
        report = Report(session, slug, SystemClock(), _watch(slug, options, session.environ))
        ending = child.run()
        remarks = report.finish(ending, excerpt.text() if excerpt else "")
    if not options["quiet"]:
        _tell(filter(None, [ending.remark, *remarks]))
    raise click.exceptions.Exit(ending.status)


def _tell(lines: Iterable[str]) -> None:
    """Write to standard error past Python's buffer, which would fail once more at the exit."""
    if sys.stderr is not None:
        with suppress(OSError):
            os.write(2, "".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))


class Report:
    """The two pings around a command, sent beside it; the run id tells runs apart.

    Whatever goes wrong here is remarked upon, and changes nothing else.
    """

    def __init__(
        self, session: Session, to: str, clock: Clock, create: dict[str, Any] | None
    ) -> None:
        self._session = session
        self._to = to
        self._clock = clock
        self._more: dict[str, Any] = {"rid": str(uuid.uuid4()), "create": create}
        self._fault = ""
        self._start = self._errand("start")

    def finish(self, ending: Ending, output: str) -> list[str]:
        """Send the end after the start, within one budget of time for both; return remarks."""
        until = self._clock.monotonic() + _BUDGET_S
        started = self._settle(self._start, until)
        body = "\n".join(filter(None, [output, ending.remark]))
        ended = self._settle(self._errand(str(ending.status), body=body), until)
        return _remarks([*started, *ended], self._fault)

    def _errand(self, signal: str, **more: Any) -> Errand | None:
        try:
            ping = new_ping(self._session, self._to, signal, self._clock, **self._more, **more)
            return Errand(desk_of(self._session, self._clock), ping)
        except Exception as error:  # nothing here may disturb the command
            self._fault = f"{type(error).__name__}: {error}"
            return None

    def _settle(self, errand: Errand | None, until: float) -> list[Receipt]:
        return [errand.settle(until - self._clock.monotonic())] if errand else []


def _watch(slug: str, options: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any] | None:
    if not options["create"]:
        return None
    names = {"schedule": "schedule", "timezone": "timezone", "grace": "grace_s"}
    given = {field: options[name] for name, field in names.items() if options[name] is not None}
    if "schedule" in given:
        given = {"timezone": local_zone(environ)} | given
    return {"name": slug, "slug": slug} | given if given else {}


def _remarks(receipts: list[Receipt], fault: str) -> list[str]:
    told = [f"dogwatch: ping not sent: {fault}"] if fault else []
    told += [line for receipt in receipts for line in receipt.told]
    return list(dict.fromkeys(told))
