"""Commands about workspaces and their plans, on the store itself."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import click

from dogwatch import directory
from dogwatch.cli.confirm import YES, confirm
from dogwatch.cli.host import Visit, carry_out, note_export, see, verb
from dogwatch.cli.output import as_json, table
from dogwatch.cli.session import Group, Session
from dogwatch.core.instants import iso
from dogwatch.core.isolation import Least
from dogwatch.core.plain import counted
from dogwatch.core.plans import PLANS
from dogwatch.core.problems import Problem
from dogwatch.usecases import audit_log, members, people, workspaces
from dogwatch.usecases.workspaces import Workspace


@click.group("workspace", cls=Group)
def workspace_command() -> None:
    """List, add, rename, export and remove workspaces."""


def _row(workspace: Workspace) -> dict[str, Any]:
    return {
        "id": workspace.id,
        "name": workspace.name,
        "plan": workspace.plan,
        "least_isolation": workspace.least_isolation,
        "created_at": iso(workspace.created_at),
    }


def _print(session: Session, workspace: Workspace) -> None:
    row = _row(workspace)
    as_json(row) if session.json else table([row], tuple(row))


@verb(workspace_command, "ls", "dogwatch workspace ls\ndogwatch workspace ls --json")
def workspace_ls(session: Session, **flags: Any) -> None:
    """List all workspaces."""
    rows = [_row(one) for one in see(session, flags, lambda visit: workspaces.listed(visit.tx))]
    as_json(rows) if session.json else table(
        rows, ("id", "name", "plan", "least_isolation", "created_at")
    )


@verb(workspace_command, "add", "dogwatch workspace add Shop --owner ana@example.org")
@click.argument("name")
@click.option("--owner", metavar="WHO", help="A person, by id or address.")
def workspace_add(session: Session, name: str, owner: str | None, **flags: Any) -> None:
    """Make a workspace."""

    def made(visit: Visit) -> Workspace:
        workspace = workspaces.make(visit.tx, name, visit.at)
        if owner:
            members.appoint(visit.tx, workspace.id, people.find(visit.tx, owner), visit.at)
        return workspace

    _print(session, carry_out(session, flags, "workspaces.make", name, made))


@verb(workspace_command, "rename", "dogwatch workspace rename 1 Shop")
@click.argument("workspace")
@click.argument("name")
def workspace_rename(session: Session, workspace: str, name: str, **flags: Any) -> None:
    """Give a workspace, by id or name, another name."""

    def renamed(visit: Visit) -> Workspace:
        return workspaces.rename(visit.tx, visit.workspace_id, name)

    given = {**flags, "workspace": workspace}
    _print(session, carry_out(session, given, "workspace.change", workspace, renamed))


@verb(workspace_command, "isolate", "dogwatch workspace isolate Shop bubblewrap")
@click.argument("workspace")
@click.argument("least", type=click.Choice(get_args(Least)))
def workspace_isolate(session: Session, workspace: str, least: str, **flags: Any) -> None:
    """Run the scripts of a workspace, by id or name, at this level of isolation or a higher one."""

    def demanded(visit: Visit) -> Workspace:
        return workspaces.demand(visit.tx, visit.workspace_id, least)

    given = {**flags, "workspace": workspace}
    _print(session, carry_out(session, given, "workspace.change", workspace, demanded))


@verb(workspace_command, "export", "dogwatch workspace export Shop shop.jsonl")
@click.argument("workspace")
@click.argument("copy", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
def workspace_export(session: Session, workspace: str, copy: Path, **flags: Any) -> None:
    """Write all rows of a workspace into FILE as JSON lines, without secrets."""

    given = {**flags, "workspace": workspace}
    note_export(session, {**given}, workspaces.EXPORT)
    count = see(session, given, lambda visit: _written(visit, copy))
    as_json({"rows": count}) if session.json else click.echo(f"{copy}: {counted(count, 'row')}")


def _written(visit: Visit, copy: Path) -> int:
    """Write the rows of a workspace for the owner's eyes alone; return how many."""
    try:
        copy.touch(mode=0o600)
        with copy.open("w", encoding="utf-8") as lines:
            found = workspaces.export(visit.tx, visit.workspace_id)
            return sum(lines.write(f"{line}\n") > 0 for line in found)
    except OSError as error:
        raise Problem("refused", f"{copy} cannot be written: {error.strerror}") from None


@verb(workspace_command, "rm", "dogwatch workspace rm Shop\ndogwatch workspace rm 2 --yes\n"
      "dogwatch workspace rm Shop --export shop.jsonl")  # fmt: skip
@click.argument("workspace")
@YES
@click.option("--export", "copy", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Where its rows go first; if not given, into the data directory.")  # fmt: skip
def workspace_rm(
    session: Session, workspace: str, yes: bool, copy: Path | None, **flags: Any
) -> None:
    """Export a workspace, by id or name, and remove it with everything in it."""
    confirm(f"Remove the workspace {workspace} with everything in it, for good?", yes=yes)

    def removed(visit: Visit) -> tuple[Workspace, Path]:
        written = copy or _kept(session.data_dir, visit)
        _written(visit, written)
        audit_log.note(visit.tx, visit.caller, workspaces.EXPORT, str(written), visit.at)
        name = workspaces.get(visit.tx, visit.workspace_id).name
        return workspaces.remove(visit.tx, visit.workspace_id, name, visit.at), written

    given = {**flags, "workspace": workspace}
    gone, written = carry_out(session, given, "workspace.delete", workspace, removed)
    if session.json:
        as_json({"removed": gone.id, "export": str(written)})
    else:
        click.echo(f"{gone.name} is removed; what it held is in {written}")


def _kept(data: Path, visit: Visit) -> Path:
    """Return where the rows of a workspace are kept that goes."""
    folder = data / "removed"
    directory.make(folder)
    return folder / f"workspace-{visit.workspace_id}-{visit.at:%Y%m%dT%H%M%SZ}.jsonl"


# --- plans ------------------------------------------------------------------------------------


@click.group("plan", cls=Group)
def plan_command() -> None:
    """List the plans, and put workspaces on them."""


@verb(plan_command, "ls", "dogwatch plan ls\ndogwatch plan ls --json")
def plan_ls(session: Session, **flags: Any) -> None:
    """List the plans; a dash is no limit."""
    rows = [asdict(plan) for plan in PLANS.values()]
    if session.json:
        as_json(rows)
    else:
        columns = ("name", "watches", "http_monitors", "min_interval_s", "history_days",
                   "api_keys", "requests_per_minute", "requests_per_hour", "requests_per_day",
                   "members", "output_bytes", "concurrent_runs")  # fmt: skip
        table(rows, columns)


@verb(plan_command, "assign", "dogwatch plan assign Shop pro")
@click.argument("workspace")
@click.argument("plan")
def plan_assign(session: Session, workspace: str, plan: str, **flags: Any) -> None:
    """Put a workspace, by id or name, on another plan."""

    def assigned(visit: Visit) -> Workspace:
        return workspaces.assign(visit.tx, visit.workspace_id, plan)

    given = {**flags, "workspace": workspace}
    _print(session, carry_out(session, given, "plans.assign", workspace, assigned))
