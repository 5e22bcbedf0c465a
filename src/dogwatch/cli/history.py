"""What was heard and what came of it: pings, flips."""

from collections.abc import Mapping
from typing import Any

import click

from dogwatch.cli.client import connect, slugs
from dogwatch.cli.output import as_json, local, table
from dogwatch.cli.session import Session, command
from dogwatch.core.plain import one_line
from dogwatch.core.states import marked

BODY_LENGTH = 100


@command("pings", "dogwatch pings nightly-backup\ndogwatch pings nightly-backup -n 3 --json")
@click.argument("slug")
@click.option("-n", "count", type=click.IntRange(1, 100_000), default=20, help="How many.")
def pings_command(session: Session, slug: str, count: int) -> None:
    """List the pings of a watch, newest first."""
    found = connect(session).pages(f"/watches/{slug}/pings", count)
    if session.json:
        as_json(found)
    else:
        table([_ping(ping) for ping in found], ("at", "kind", "exit", "rid", "from", "body"))


def _ping(ping: Mapping[str, Any]) -> dict[str, Any]:
    lines = str(ping.get("body") or "").strip().splitlines()
    return {
        "at": local(ping["at"]),
        "kind": ping["kind"],
        "exit": "" if ping.get("exit_code") is None else ping["exit_code"],
        "rid": (ping.get("rid") or "")[:8],
        "from": ping.get("remote_ip") or "",
        "body": one_line(lines[-1], BODY_LENGTH) if lines else "",
    }


@command("flips", "dogwatch flips\ndogwatch flips nightly-backup -n 5 --json")
@click.argument("slug", required=False)
@click.option("-n", "count", type=click.IntRange(1, 100_000), default=20, help="How many.")
def flips_command(session: Session, slug: str | None, count: int) -> None:
    """List the changes of state, newest first."""
    api = connect(session)
    found = api.pages("/flips", count, watch=slug)
    if session.json:
        as_json(found)
        return
    named = slugs(api, found)
    rows = [
        {
            **flip,
            "at": local(flip["at"]),
            "slug": named[flip["watch_id"]],
            "from": marked(flip["from_status"]),
            "to": marked(flip["to_status"]),
        }
        for flip in found
    ]
    table(rows, ("at", "slug", "from", "to", "reason"))
