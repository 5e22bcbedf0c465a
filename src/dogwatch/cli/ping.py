"""`dogwatch ping`: one signal from a shell."""

import os
import stat
import sys
from typing import Any

import click

from dogwatch.cli.excerpt import Excerpt
from dogwatch.cli.exits import AWAY, CODES
from dogwatch.cli.output import as_json
from dogwatch.cli.pings import Desk, Errand, Fate, Receipt, desk_of, new_ping
from dogwatch.cli.session import Session, command
from dogwatch.clock import SystemClock
from dogwatch.core.plain import whole_number
from dogwatch.core.problems import invalid
from dogwatch.outbox import Ping

BODY_LIMIT_BYTES = 10_000
_WITHIN_S = 8.0
_WORDS = {"ok": "", "start": "start", "fail": "fail", "log": "log"}
EXAMPLES = """
dogwatch ping nightly-backup
pg_dump shop 2>&1 >shop.sql | dogwatch ping nightly-backup log
dogwatch ping --flush
"""


@command("ping", EXAMPLES)
@click.argument("slug", required=False)
@click.argument("signal", default="ok", metavar="[ok|start|fail|log|0-255]")
@click.option("--rid", metavar="ID", help="Run id that joins a start to its end.")
@click.option("--create", is_flag=True, help="Make the watch if there is none.")
@click.option("--flush", is_flag=True, help="Send what was kept while the server was away.")
def ping_command(
    session: Session, slug: str | None, signal: str, rid: str | None, create: bool, flush: bool
) -> None:
    """Send one signal for SLUG (or a ping key, or a ping URL).

    Standard input, unless it is a terminal, becomes the ping's body. When the server is away
    the ping is kept, sent later with its own time, and the exit code is 5.
    """
    clock = SystemClock()
    desk = desk_of(session, clock)
    if flush:
        raise click.exceptions.Exit(_flush(session, desk))
    if not slug:
        raise click.UsageError("Missing argument 'SLUG'; or give --flush.")
    more: dict[str, Any] = {"rid": rid, "body": _input(), "create": {} if create else None}
    ping = new_ping(session, slug, _signal(signal), clock, **more)
    raise click.exceptions.Exit(_told(session, Errand(desk, ping).settle(_WITHIN_S)))


def _signal(word: str) -> str:
    if word in _WORDS:
        return _WORDS[word]
    number = whole_number(word, 9)
    if number is not None and number <= 255:
        return str(number)
    raise invalid("signal", f"{word!r} is none of ok, start, fail, log or an exit status 0-255")


def _input() -> str:
    """Return what is piped in; a terminal or a device such as /dev/null has nothing to say."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return ""
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)):
        return ""
    excerpt = Excerpt(BODY_LIMIT_BYTES)
    while piece := sys.stdin.buffer.read(65536):
        excerpt.add(piece)
    return excerpt.text()


def _told(session: Session, receipt: Receipt) -> int:
    if session.json:
        why = receipt.problem.message if receipt.problem else None
        as_json({"ping": receipt.fate.value, "reason": why})
    else:
        for line in receipt.told:
            click.echo(line, err=True)
    if receipt.fate is Fate.KEPT:
        return AWAY
    return CODES[receipt.problem.kind] if receipt.problem else 0


def _flush(session: Session, desk: Desk) -> int:
    counts = dict.fromkeys(Fate, 0)

    def tell(ping: Ping, receipt: Receipt) -> None:
        counts[receipt.fate] += 1
        if receipt.problem:
            click.echo(f"dogwatch: {ping.to}: {receipt.problem.message}", err=True)

    away = desk.flush(tell=tell)
    left = len(desk.outbox.waiting())
    if session.json:
        as_json({"sent": counts[Fate.SENT], "refused": counts[Fate.REFUSED], "kept": left})
    else:
        click.echo(f"{counts[Fate.SENT]} sent, {counts[Fate.REFUSED]} refused, {left} kept")
    return AWAY if away else int(counts[Fate.REFUSED] > 0)
