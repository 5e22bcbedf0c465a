"""Runs from the command line: runs, logs, trigger."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from dogwatch.cli.client import Api, Limits, connect
from dogwatch.cli.output import as_json, local, table, took
from dogwatch.cli.session import Session, command
from dogwatch.core.problems import Problem, invalid

_RUN_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")
_FOLLOW = Limits(connect_s=10.0, answer_s=60.0)  # the server sends a comment more often than that


@command("runs", "dogwatch runs\ndogwatch runs nightly-backup -n 5\ndogwatch runs --outcome fail")
@click.argument("slug", required=False)
@click.option("-n", "count", type=click.IntRange(1, 100_000), default=20, help="How many.")
@click.option("--outcome", help="Only runs that ended so: ok, slow, fail, timeout, missed ….")
def runs_command(session: Session, slug: str | None, count: int, outcome: str | None) -> None:
    """List runs, newest first."""
    runs = connect(session).pages("/runs", count, watch=slug, outcome=outcome)
    if session.json:
        as_json(runs)
    else:
        table([_row(run) for run in runs], ("run", "outcome", "started", "took", "reason"))


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run": run["id"],
        "outcome": run.get("outcome") or run["state"],
        "started": local(run.get("started_at") or run.get("slot_at") or run.get("queued_at")),
        "took": took(run.get("duration_ms")),
        "reason": run.get("reason") or "",
    }


@command(
    "logs",
    """
dogwatch logs nightly-backup
dogwatch logs -f nightly-backup
dogwatch logs 01kam3v7t0000000000000000a
""",
)
@click.argument("run", metavar="RUN|SLUG")
@click.option("-f", "--follow", is_flag=True, help="Print what comes until the run ends.")
def logs_command(session: Session, run: str, follow: bool) -> None:
    """Print a run's output: of one run, or of a watch's latest."""
    api = connect(session)
    run_id = run if _RUN_ID.fullmatch(run) else _latest(api, run)
    if follow:
        _follow(session, replace(api, limits=_FOLLOW), run_id)
        return
    text = api.text(f"/runs/{run_id}/output")
    if session.json:
        as_json({"run": run_id, "output": text})
    else:
        click.echo(text, nl=bool(text) and not text.endswith("\n"))


def _latest(api: Api, slug: str) -> str:
    runs = api.pages("/runs", 1, watch=slug)
    if not runs:
        raise Problem("not_found", f"{slug} has no runs yet")
    return str(runs[0]["id"])


def _follow(session: Session, api: Api, run_id: str) -> None:
    for name, data in api.events(f"/runs/{run_id}/output/stream"):
        if session.json:
            click.echo(json.dumps({"event": name, "data": data}, ensure_ascii=False))
        elif name == "output":
            click.echo(data["text"], nl=False, err=data.get("stream") == "stderr")
        if name == "end":
            return
    raise Problem("away", "the server ended the stream before the run ended; follow again")


@command(
    "trigger",
    """
dogwatch trigger report
dogwatch trigger report --input '{"month": "2026-11"}'
dogwatch trigger report --follow
""",
)
@click.argument("slug")
@click.option("--input", "given", metavar="JSON", help="Input that the run is handed.")
@click.option("-f", "--follow", is_flag=True, help="Print its output until it ends.")
def trigger_command(session: Session, slug: str, given: str | None, follow: bool) -> None:
    """Run a job now."""
    api = connect(session)
    job = api.get(f"/jobs/{slug}")
    run = api.send("POST", f"/jobs/{job['id']}/trigger", {"input": _json(given)})
    if follow:
        _follow(session, replace(api, limits=_FOLLOW), run["id"])
    elif session.json:
        as_json(run)
    else:
        click.echo(f"{run['id']} {run['state']}")


def _json(given: str | None) -> Any:
    try:
        return None if given is None else json.loads(given)
    except ValueError as error:
        raise invalid("--input", f"is not JSON: {error}") from None
