"""`dogwatch run`: wrap any command. Nothing about the server may change what the command does."""

import uuid
from typing import Any

import click

from dogwatch.cli.child import Child, Ending
from dogwatch.cli.excerpt import Excerpt
from dogwatch.cli.pings import Desk, Errand, Fate, Receipt, desk_of, new_ping
from dogwatch.cli.session import Session, command
from dogwatch.clock import Clock, SystemClock

OUTPUT_LIMIT_BYTES = 10_000
_BUDGET_S = 5.0
EXAMPLES = """
dogwatch run nightly-backup -- /usr/local/bin/backup.sh --full
dogwatch run report --timeout 600 --quiet -- make report
dogwatch run sync --create --schedule "*/10 * * * *" --tz Europe/Berlin -- rsync -a a/ b/
"""


@command("run", EXAMPLES)
@click.argument("slug")
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...")
@click.option("--create", is_flag=True, help="Make the watch if there is none.")
@click.option("--schedule", metavar="EXPR", help="Schedule of a watch that is made.")
@click.option("--tz", "timezone", metavar="ZONE", help="Its time zone.")
@click.option("--grace", type=click.IntRange(0), metavar="S", help="Its grace in seconds.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="S", help="Stop then.")
@click.option("--no-output", is_flag=True, help="Don't send output; don't even touch it.")
@click.option("--quiet", "-q", is_flag=True, help="No remarks of our own.")
def run_command(session: Session, slug: str, words: tuple[str, ...], **options: Any) -> None:
    """Run a command and tell Dogwatch when it starts, how it ends and what it said.

    SLUG is a watch's slug, its ping key or its ping URL. The exit code is always the command's:
    128+n after signal n, 124 after --timeout, 127 when it is not found, 126 when it cannot be
    run. When the server is away, what it missed is kept and sent later with its own times.
    """
    clock = SystemClock()
    excerpt = None if options["no_output"] else Excerpt(OUTPUT_LIMIT_BYTES)
    report = Report(session, slug, clock, _watch(slug, options))
    child = Child(words, excerpt, options["timeout"])
    with child.signals():
        ending = child.run()
        receipts = report.finish(ending, excerpt.text() if excerpt else "")
    if not options["quiet"]:
        for line in filter(None, [ending.remark, *_remarks(receipts)]):
            click.echo(line, err=True)
    raise click.exceptions.Exit(ending.status)


class Report:
    """The two pings around a command, sent beside it; the run id tells runs apart."""

    def __init__(
        self, session: Session, to: str, clock: Clock, create: dict[str, Any] | None
    ) -> None:
        self._session = session
        self._to = to
        self._clock = clock
        self._more: dict[str, Any] = {"rid": str(uuid.uuid4()), "create": create}
        self._desk: Desk = desk_of(session, clock)
        self._start = Errand(self._desk, new_ping(session, to, "start", clock, **self._more))

    def finish(self, ending: Ending, output: str) -> list[Receipt]:
        """Send the end after the start, within one budget of time for both."""
        until = self._clock.monotonic() + _BUDGET_S
        body = "\n".join(filter(None, [output, ending.remark]))
        ping = new_ping(
            self._session, self._to, str(ending.status), self._clock, body=body, **self._more
        )
        started = self._start.settle(until - self._clock.monotonic())
        ended = Errand(self._desk, ping).settle(until - self._clock.monotonic())
        return [started, ended]


def _watch(slug: str, options: dict[str, Any]) -> dict[str, Any] | None:
    if not options["create"]:
        return None
    names = {"schedule": "schedule", "timezone": "timezone", "grace": "grace_s"}
    given = {field: options[name] for name, field in names.items() if options[name] is not None}
    return {"name": slug, "slug": slug} | given if given else {}


def _remarks(receipts: list[Receipt]) -> set[str]:
    told = set()
    for receipt in receipts:
        if receipt.problem:
            later = "; kept, sent later" if receipt.fate is Fate.KEPT else ""
            told.add(f"dogwatch: ping not sent: {receipt.problem.message}{later}")
    return told
