"""Runs from the command line: runs, logs, trigger."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dogwatch.cli.client import Api, Limits, connect, slugs
from dogwatch.cli.exits import FAILED
from dogwatch.cli.output import as_json, local, pairs, table, took
from dogwatch.cli.session import Session, command
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.states import marked

_RUN_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")
GOOD = frozenset({"ok", "slow"})
PATIENT = Limits(connect_s=10.0, answer_s=60.0)  # the server sends a comment more often than that


@command(
    "runs",
    """
dogwatch runs
dogwatch runs nightly-backup -n 5 --outcome fail
dogwatch runs 01kam3v7t0000000000000000a
""",
)
@click.argument("slug", metavar="[SLUG|RUN]", required=False)
@click.option("-n", "count", type=click.IntRange(1, 100_000), default=20, help="How many.")
@click.option("--outcome", help="Only runs that ended so: ok, slow, fail, timeout, missed ….")
def runs_command(session: Session, slug: str | None, count: int, outcome: str | None) -> None:
    """List runs, newest first; of one run, all that is known."""
    api = connect(session)
    if slug and _RUN_ID.fullmatch(slug):
        _show(session, api, slug)
        return
    runs = api.pages("/runs", count, watch=slug, outcome=outcome)
    if session.json:
        as_json(runs)
        return
    named = slugs(api, runs)
    columns = ("run", "slug", "outcome", "started", "took", "attempt", "reason")
    table([_row(run, named) for run in runs], columns)


def _show(session: Session, api: Api, run_id: str) -> None:
    run = api.get(f"/runs/{run_id}")
    if session.json:
        as_json(run)
        return
    value, condition = run.get("output_value"), run.get("condition")
    times = ("slot_at", "queued_at", "started_at", "finished_at")
    phases = (run.get("phases_ms") or {}).items()
    told = {
        "run": run["id"],
        "watch": slugs(api, [run]).get(run["watch_id"]),
        "outcome": outcome_of(run),
        **{name.removesuffix("_at"): run.get(name) and local(run[name]) for name in times},
        "by": run.get("trigger"),
        "attempt": run.get("attempt"),
        "exit status": run.get("exit_code"),
        "answer": run.get("status_code"),
        "phases": ", ".join(f"{name} {took(round(ms))}" for name, ms in phases),
        "input": run.get("input"),
        "output value": None if value is None else json.dumps(value, ensure_ascii=False),
        "condition": None if condition is None else str(condition).lower(),
        "preview": run.get("preview"),
    }
    pairs(told)
    _nodes(api, run_id)
    _effects(api, run_id)


def _nodes(api: Api, run_id: str) -> None:
    """Print what became of the nodes, if the run is that of a workflow."""
    tree = _seen(api, f"/runs/{run_id}/tree")
    if tree is None:
        return
    if tree["rerun_of"]:
        since = f" from {tree['rerun_from']} on" if tree["rerun_from"] else ""
        click.echo(f"It repeats {tree['rerun_of']}{since}.")
    click.echo()
    table([_step(one) for one in tree["steps"]], ("node", "outcome", "run", "took", "reason"))


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    run = step.get("run") or {}
    words = mark_of({**run, "outcome": step["outcome"], "state": step["state"]})
    return {
        "node": step["node"],
        "outcome": f"{words}, handled" if step["handled"] else words,
        "run": run.get("id", "–"),
        "took": took(run.get("duration_ms")),
        "reason": step["reason"] or run.get("reason", ""),
    }


def _effects(api: Api, run_id: str) -> None:
    """Print what followed the run by conditional actions."""
    effects = (_seen(api, f"/runs/{run_id}/effects") or {}).get("effects")
    if effects:
        click.echo()
        table(map(_effect, effects), ("on", "what", "state", "id", "reason"))


def _effect(effect: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "on": effect["action"]["on"],
        "what": "a run" if effect["action"]["run"] else "a message",
        "state": effect["state"],
        "id": effect["run_id"] or effect["delivery_id"] or "–",
        "reason": effect["reason"],
    }


def _seen(api: Api, path: str) -> Any:
    """Return what is there, None for what is not, or not for this key."""
    try:
        return api.get(path)
    except Problem as problem:
        if problem.kind in ("not_found", "refused"):
            return None
        raise


def _row(run: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, Any]:
    return {
        "run": run["id"],
        "slug": named.get(run.get("watch_id", ""), "–"),
        "outcome": mark_of(run),
        "started": local(run.get("started_at") or run.get("slot_at") or run.get("queued_at")),
        "took": took(run.get("duration_ms")),
        "attempt": run.get("attempt") or "",
        "reason": why(run),
    }


def why(run: Mapping[str, Any]) -> str:
    """Return the reason of a run's outcome, and who cancelled it for what."""
    told = [run.get("reason") or "", run.get("cancel_reason") or ""]
    return ": ".join(dict.fromkeys(filter(None, told)))


def outcome_of(run: Mapping[str, Any]) -> str:
    """Return `✕ Failed after 1.5 s: exit status 3`, as much of it as is known.

    What took so long is the last attempt, which is told where there were others.
    """
    words = mark_of(run)
    if run.get("duration_ms") is not None:
        words += f" after {took(run['duration_ms'])}"
    if (run.get("attempt") or 1) > 1:
        words += f" in attempt {run['attempt']}"
    return f"{words}: {why(run)}" if why(run) else words


def mark_of(run: Mapping[str, Any]) -> str:
    """Return shape and word of how a run ended or goes, or what it waits for."""
    waits = "" if run.get("outcome") else run.get("waits") or waiting(run)
    return str(waits or marked(run.get("outcome") or run["state"]))


def waiting(run: Mapping[str, Any]) -> str:
    """Return `waits for attempt 2 at 12:03`, if the run does."""
    if not run.get("retry_at"):
        return ""
    return f"waits for attempt {run['attempt'] + 1} at {local(run['retry_at'])}"


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
    run_id = id_of(api, run)
    if follow:
        _follow(session, api, run_id)
        return
    text = api.text(f"/runs/{run_id}/output")
    if session.json:
        as_json({"run": run_id, "output": text})
    else:
        click.echo(text, nl=bool(text) and not text.endswith("\n"))
        if not text:
            click.echo(f"dogwatch: no output was kept of run {run_id}", err=True)


def id_of(api: Api, run: str) -> str:
    """Return the id of a run that is named by it, or by the slug whose latest it is."""
    return run if _RUN_ID.fullmatch(run) else _latest(api, run)


def _latest(api: Api, slug: str) -> str:
    runs = api.pages("/runs", 1, watch=slug)
    if not runs:
        raise Problem("not_found", f"{slug} has no runs yet")
    return str(runs[0]["id"])


def _follow(session: Session, api: Api, run_id: str) -> dict[str, Any]:
    """Print what comes and, on standard error, how the run ended; return it."""
    line_ended = True
    for name, data in replace(api, limits=PATIENT).events(f"/runs/{run_id}/output/stream"):
        if session.json:
            click.echo(json.dumps({"event": name, "data": data}, ensure_ascii=False))
        elif name == "output":
            click.echo(data["text"], nl=False, err=data.get("stream") == "stderr")
            line_ended = data["text"].endswith("\n")
        elif name == "end":
            click.echo("\n" * (not line_ended) + f"dogwatch: {outcome_of(data)}", err=True)
        if name == "end":
            return dict(data)
    raise Problem("away", "the server ended the stream before the run ended; follow again")


FOLLOW = click.option("-f", "--follow", is_flag=True, help="Print its output until it ends.")


@command(
    "trigger",
    """
dogwatch trigger report
dogwatch trigger report --input '{"month": "2026-11"}'
dogwatch trigger report --input @month.txt --follow
dogwatch job trigger report
""",
)
@click.argument("slug")
@click.option("--input", "given", metavar="TEXT|@FILE|-", help="What the run is handed.")
@click.option("--json-input", is_flag=True, help="Refuse an input that is no JSON object.")
@FOLLOW
def trigger_command(
    session: Session, slug: str, given: str | None, json_input: bool, follow: bool
) -> None:
    """Run a job now.

    With --follow the exit code is 0 if the run ended ok or slow, else 1.
    """
    api = connect(session)
    text = _read(given)
    job = _job(api, slug)
    run = api.send("POST", f"/jobs/{job['id']}/trigger", {"input": _input(text, strict=json_input)})
    tell_begun(session, api, run, follow=follow)


def tell_begun(session: Session, api: Api, run: Mapping[str, Any], *, follow: bool) -> None:
    """Print a run that has been asked for; or what comes of it, and exit 1 unless that is good."""
    if follow:
        _say_why_it_waits(api, run["id"])
        if _follow(session, api, run["id"]).get("outcome") not in GOOD:
            raise click.exceptions.Exit(FAILED)
    elif session.json:
        as_json(run)
    else:
        click.echo(f"{run['id']} {run['state']}")


def _say_why_it_waits(api: Api, run_id: str) -> None:
    told = (_seen(api, f"/runs/{run_id}") or {}).get("waits")
    if told:
        click.echo(f"dogwatch: {told}", err=True)


def _job(api: Api, slug: str) -> Mapping[str, Any]:
    """Return a job; of anything else with this slug, say what runs it."""
    try:
        return dict(api.get(f"/jobs/{slug}"))
    except Problem as problem:
        kind = (_seen(api, f"/watches/{slug}") or {}).get("kind", "")
        told = _RUNS.get(kind, "").format(slug=slug)
        raise Problem("refused", told) if told else problem from None


_RUNS = {
    "workflow": "{slug} is a workflow; run it with `dogwatch workflow run {slug}`",
    "probe": "{slug} is a probe; ask once with `dogwatch probe test {slug}`",
    "heartbeat": "{slug} runs elsewhere; wrap it with `dogwatch run {slug} -- COMMAND`",
}


def _read(given: str | None) -> str | None:
    if given == "-":
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    if given is None or not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise invalid("--input", f"cannot read {given[1:]}: {error.strerror}") from None


def _input(text: str | None, *, strict: bool) -> Any:
    """Return a JSON object where the text is one, else the text."""
    if text is None or not (strict or text.lstrip().startswith("{")):
        return text
    try:
        found = json.loads(text)
    except ValueError as error:
        found, why_not = None, f"is not JSON: {error}"
    else:
        why_not = "is no JSON object"
    if strict and not isinstance(found, dict):
        raise invalid("--input", why_not)
    return found if isinstance(found, dict) else text


@command("cancel", "dogwatch cancel report\ndogwatch cancel 01kam3v7t0000000000000000a")
@click.argument("run", metavar="RUN|SLUG")
@click.option("--reason", help="Why; at most 200 characters.")
def cancel_command(session: Session, run: str, reason: str | None) -> None:
    """Stop a run: one run, or a job's latest."""
    api = connect(session)
    told = {"reason": reason} if reason else {}
    cancelled = api.send("POST", f"/runs/{id_of(api, run)}/cancel", told)
    if session.json:
        as_json(cancelled)
    else:
        ended = cancelled.get("outcome")
        click.echo(f"{cancelled['id']} {outcome_of(cancelled) if ended else 'is being stopped'}")
