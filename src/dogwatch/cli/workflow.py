"""`dogwatch workflow`: graphs of jobs, as text, in versions, and as they ran."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from dogwatch.cli.client import Api, connect
from dogwatch.cli.confirm import YES, confirm
from dogwatch.cli.manifest import by_line
from dogwatch.cli.output import as_json, local, pairs, state, table, took
from dogwatch.cli.runs import FOLLOW, id_of, outcome_of, tell_begun, waiting
from dogwatch.cli.session import Group, Session, command
from dogwatch.core.plain import counted
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.spec import slug_of
from dogwatch.core.states import look
from dogwatch.core.workflow.critical import critical
from dogwatch.core.workflow.definition import from_json, to_json
from dogwatch.core.workflow.drawing import drawn
from dogwatch.core.workflow.graph import Graph
from dogwatch.core.workflow.reading import FIELDS, read

_COLORS = {"ok": "green", "slow": "yellow", "fail": "red", "timeout": "red", "running": "cyan"}


@click.group("workflow", cls=Group)
def workflow_command() -> None:
    """Graphs of jobs: what runs after what, and when."""


@command("ls", "dogwatch workflow ls\ndogwatch workflow ls --json")
def workflow_ls(session: Session) -> None:
    """List the workflows."""
    found = connect(session).pages("/workflows")
    if session.json:
        as_json(found)
        return
    rows = [
        {
            **one,
            "state": state(one),
            "nodes": len(one["nodes"]),
            "last": outcome_of(one["last_run"]) if one.get("last_run") else "–",
            "next": local(one.get("next_due_at")),
        }
        for one in found
    ]
    table(rows, ("slug", "state", "version", "nodes", "last", "next"))


@command("show", "dogwatch workflow show nightly-orders")
@click.argument("slug")
def workflow_show(session: Session, slug: str) -> None:
    """Draw a workflow, coloured by its last run."""
    api = connect(session)
    workflow = api.get(f"/workflows/{slug}")
    last = workflow.get("last_run")
    tree = api.get(f"/runs/{last['id']}/tree") if last else None
    if session.json:
        as_json({"workflow": workflow, "last_run": tree})
        return
    pairs(
        {
            "workflow": workflow["name"],
            "state": state(workflow),
            "version": workflow["version"],
            "schedule": workflow.get("schedule_english"),
            "next": local(workflow.get("next_due_at")),
            "last run": f"{last['id']} {outcome_of(last)}" if last else "none yet",
        }
    )
    click.echo()
    _draw(workflow, tree)


def _draw(workflow: Mapping[str, Any], tree: Mapping[str, Any] | None) -> None:
    steps = {one["node"]: one for one in tree["steps"]} if tree else {}
    states = {key: one["outcome"] or one["state"] for key, one in steps.items()}
    notes = {
        one["key"]: "  ".join(filter(None, (one["job"], _told(steps.get(one["key"])))))
        for one in workflow["nodes"]
    }
    graph = _graph(workflow)
    for line in drawn(graph, states, notes, critical(graph, _ended(steps))):
        click.secho(line.text, fg=_COLORS.get(line.state), dim=line.state == "skipped")


def _ended(steps: Mapping[str, Mapping[str, Any]]) -> dict[str, datetime]:
    """Return when the nodes ended that did."""
    runs = {key: one.get("run") or {} for key, one in steps.items()}
    return {
        key: datetime.fromisoformat(run["finished_at"])
        for key, run in runs.items()
        if run.get("started_at") and run.get("finished_at")
    }


def _graph(workflow: Mapping[str, Any]) -> Graph:
    nodes = [{"key": one["key"], "job": one["job"]} for one in workflow["nodes"]]
    return from_json({"name": "", "nodes": nodes, "edges": workflow["edges"]}).graph


def _told(step: Mapping[str, Any] | None) -> str:
    if step is None or step["state"] == "waiting":
        return ""
    run = step.get("run") or {}
    waits = "" if step["outcome"] else waiting(run)
    words = waits or look(step["outcome"] or step["state"]).word
    if run.get("duration_ms") is not None:
        words += f" in {took(run['duration_ms'])}"
    if step["reason"]:
        words += f": {step['reason']}"
    return f"{words} (handled)" if step["handled"] else words


@command(
    "run",
    "dogwatch workflow run nightly-orders\n"
    "dogwatch workflow run nightly-orders --input '{\"day\": 1}' --follow",
)
@click.argument("slug")
@click.option("--input", "given", metavar="TEXT", help="What the first nodes are handed.")
@FOLLOW
def workflow_run(session: Session, slug: str, given: str | None, follow: bool) -> None:
    """Run a workflow now.

    With --follow the exit code is 0 if the run ended ok or slow, else 1.
    """
    api, body = connect(session), {} if given is None else {"input": given}
    run = api.send("POST", f"/workflows/{slug}/trigger", body)
    tell_begun(session, api, run, follow=follow)


@command("cancel", "dogwatch workflow cancel nightly-orders --reason 'wrong day'")
@click.argument("slug")
@click.option("--reason", help="Why; at most 200 characters.")
def workflow_cancel(session: Session, slug: str, reason: str | None) -> None:
    """Stop the latest run of a workflow, and pass over the rest of it."""
    api = connect(session)
    last = api.get(f"/workflows/{slug}").get("last_run")
    if last is None:
        raise Problem("not_found", f"{slug} has no run")
    run = api.send("POST", f"/runs/{last['id']}/cancel", {"reason": reason} if reason else {})
    if session.json:
        as_json(run)
    else:
        told = outcome_of(run) if run.get("outcome") else "is being stopped"
        click.echo(f"{run['id']} {told}")


@command(
    "rerun",
    "dogwatch workflow rerun nightly-orders\n"
    "dogwatch workflow rerun nightly-orders --from load\n"
    "dogwatch workflow rerun 01kam3v7t0000000000000000a --from load",
)
@click.argument("run", metavar="RUN|SLUG")
@click.option("--from", "node", metavar="NODE", help="Take over what ended before this node.")
def workflow_rerun(session: Session, run: str, node: str | None) -> None:
    """Repeat a run at its version: one run, or a workflow's latest; whole, or from a node on."""
    api = connect(session)
    body = {"node": node} if node else {}
    made = api.send("POST", f"/runs/{id_of(api, run)}/rerun", body)
    as_json(made) if session.json else click.echo(f"{made['id']} {made['state']}")


# --- as text ----------------------------------------------------------------------------------


@command("export", "dogwatch workflow export nightly-orders > orders.yaml")
@click.argument("slug")
def workflow_export(session: Session, slug: str) -> None:
    """Print a workflow as YAML; apply takes it back."""
    from dogwatch.core.workflow.text import written  # only files want it

    api = connect(session)
    number = api.get(f"/workflows/{slug}")["version"]
    definition = api.get(f"/workflows/{slug}/versions/{number}")["definition"]
    as_json(definition) if session.json else click.echo(written(definition), nl=False)


@command("validate", "dogwatch workflow validate orders.yaml")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
def workflow_validate(session: Session, files: tuple[str, ...]) -> None:
    """Judge files without a server; whether the jobs exist, apply finds out."""
    for path in files:
        definition = _read(path)
        nodes, edges = len(definition["nodes"]), len(definition["edges"])
        if not session.json:
            click.echo(f"{path}: good, {counted(nodes, 'node')} and {counted(edges, 'edge')}")
    if session.json:
        as_json({"valid": list(files)})


def _read(path: str) -> dict[str, Any]:
    """Return what a file holds, judged and in its usual form."""
    from dogwatch.core.manifest.text import located  # only files want it
    from dogwatch.core.workflow.text import loaded

    text = _text_of(path)
    try:
        return to_json(read(loaded(text, "FILE")))
    except Problem as problem:
        raise by_line(path, located(text, problem, in_order=True)) from None


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise invalid("FILE", f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise invalid("FILE", "is no UTF-8") from None


@command("apply", "dogwatch workflow apply orders.yaml\ndogwatch workflow apply flows/*.yaml")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
def workflow_apply(session: Session, files: tuple[str, ...]) -> None:
    """Make workflows as files say, or change those that are there; all files are judged first."""
    asked = [_read(path) for path in files]
    api = connect(session)
    done = [_apply(api, one) for one in asked]
    if session.json:
        as_json([{"slug": one["slug"], "version": one["version"], "was": was} for one, was in done])
        return
    for one, was in done:
        change = "made" if was is None else "changed" if was != one["version"] else "as it was"
        click.echo(f"{one['slug']}: {change}, version {one['version']}")


def _apply(api: Api, asked: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """Return the workflow afterwards, and the version that it had before."""
    slug = asked.get("slug") or slug_of(asked["name"])
    asked = {**asked, "slug": slug}
    before = _present(api, slug)
    if before is None:
        return api.send("POST", "/workflows", asked), None
    # What a file does not say is as usual, not as it was.
    whole = {**dict.fromkeys(FIELDS), **asked}
    return api.send("PATCH", f"/workflows/{slug}", whole), before["version"]


def _present(api: Api, slug: str) -> Any:
    try:
        return api.get(f"/workflows/{slug}")
    except Problem as problem:
        if problem.kind == "not_found":
            return None
        raise


# --- versions ---------------------------------------------------------------------------------


@command("versions", "dogwatch workflow versions nightly-orders")
@click.argument("slug")
def workflow_versions(session: Session, slug: str) -> None:
    """List the versions of a workflow, the newest first."""
    found = connect(session).pages(f"/workflows/{slug}/versions")
    if session.json:
        as_json(found)
        return
    rows = [{**one, "saved": local(one["made_at"]), "by": one["made_by"] or "–"} for one in found]
    table(rows, ("number", "saved", "by"))


@command("diff", "dogwatch workflow diff nightly-orders 3\ndogwatch workflow diff orders 1 3")
@click.argument("slug")
@click.argument("before", type=click.IntRange(1))
@click.argument("after", type=click.IntRange(1), required=False)
def workflow_diff(session: Session, slug: str, before: int, after: int | None) -> None:
    """Show what changed since a version, or from one to another."""
    api = connect(session)
    after = after or api.get(f"/workflows/{slug}")["version"]
    told = api.get(f"/workflows/{slug}/diff", before=before, after=after)
    if session.json:
        as_json(told)
        return
    for one in told["differences"]:
        if one["before"] is not None:
            click.secho(f"- {one['field']}: {json.dumps(one['before'])}", fg="red")
        if one["after"] is not None:
            click.secho(f"+ {one['field']}: {json.dumps(one['after'])}", fg="green")
    if not told["differences"]:
        click.echo("They are the same.")


@command("restore", "dogwatch workflow restore nightly-orders 2")
@click.argument("slug")
@click.argument("number", type=click.IntRange(1))
def workflow_restore(session: Session, slug: str, number: int) -> None:
    """Save an old version anew, as the present one."""
    api = connect(session)
    made = api.send("POST", f"/workflows/{slug}/versions/{number}/restore", {})
    as_json(made) if session.json else click.echo(f"{slug}: version {made['version']} is {number}")


@command("rm", "dogwatch workflow rm nightly-orders")
@click.argument("slug")
@YES
def workflow_rm(session: Session, slug: str, yes: bool) -> None:
    """Delete a workflow with its versions and runs; its jobs stay."""
    confirm(f"Delete the workflow {slug} with its runs?", yes=yes)
    connect(session).send("DELETE", f"/workflows/{slug}")
    as_json({"deleted": slug}) if session.json else click.echo(f"{slug} is deleted")


for one in (
    workflow_ls, workflow_show, workflow_run, workflow_rerun, workflow_cancel, workflow_export,
    workflow_validate, workflow_apply, workflow_versions, workflow_diff, workflow_restore,
    workflow_rm,
):  # fmt: skip
    workflow_command.add_command(one)
