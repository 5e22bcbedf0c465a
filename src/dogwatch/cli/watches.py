"""Watches from the command line: add, ls, show, next, pause, resume."""

from collections.abc import Mapping
from typing import Any

import click

from dogwatch.cli.client import Api, connect
from dogwatch.cli.output import as_json, local, pairs, state, table, took
from dogwatch.cli.session import Session, command

_ALL = 100_000


@command(
    "add",
    """
dogwatch add "Nightly backup" --schedule "0 2 * * *" --tz Europe/Warsaw --grace 1200
dogwatch add heartbeat --schedule 60 --tag db1 --tag prod
dogwatch add sync --slug sync-db1 --schedule "*/10 * * * *" --json
""",
)
@click.argument("name")
@click.option("--slug", help="Short name for commands and addresses; made from NAME if absent.")
@click.option("--schedule", metavar="EXPR", help="Cron line, OnCalendar, or seconds.")
@click.option("--tz", "timezone", metavar="ZONE", help="Time zone of the schedule.")
@click.option("--grace", "grace_s", type=click.IntRange(0), metavar="S", help="Start by, seconds.")
@click.option("--finish-by", "finish_by_s", type=click.IntRange(1), metavar="S", help="Seconds.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")
def add_command(session: Session, **options: Any) -> None:
    """Make a watch: something that runs elsewhere and pings when it did."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    watch = connect(session).send("POST", "/watches", given)
    if session.json:
        as_json(watch)
        return
    click.echo(f"{watch['slug']} is watched. Next due: {local(watch.get('next_due_at'))}")
    click.echo(f"  dogwatch run {watch['slug']} -- COMMAND")
    if watch.get("ping_url"):
        click.echo(f"  curl -fsS {watch['ping_url']}")


@command("ls", "dogwatch ls\ndogwatch ls --status down\ndogwatch ls --tag prod --json")
@click.option("--status", help="Only watches in this state.")
@click.option("--tag", help="Only watches with this tag.")
def ls_command(session: Session, status: str | None, tag: str | None) -> None:
    """List the watches."""
    watches = connect(session).pages("/watches", _ALL, status=status, tag=tag)
    if session.json:
        as_json(watches)
    elif watches:
        columns = ("state", "slug", "schedule", "last", "next", "tags")
        table([_row(watch) for watch in watches], columns)
    else:
        click.echo('No watches. Make one: dogwatch add "Nightly backup" --schedule "0 2 * * *"')


def _row(watch: Mapping[str, Any]) -> dict[str, Any]:
    last = watch.get("last_run") or {}
    return {
        "state": state(watch),
        "slug": watch["slug"],
        "schedule": watch.get("schedule"),
        "last": local(watch.get("last_ping_at") or last.get("finished_at")),
        "next": local(watch.get("next_due_at")),
        "tags": watch.get("tags") or "",
    }


@command("show", "dogwatch show nightly-backup\ndogwatch show nightly-backup --json")
@click.argument("slug")
def show_command(session: Session, slug: str) -> None:
    """Show one watch."""
    watch = connect(session).get(f"/watches/{slug}")
    if session.json:
        as_json(watch)
        return
    pairs(
        {
            "name": watch["name"],
            "slug": watch["slug"],
            "kind": watch.get("kind"),
            "state": f"{state(watch)} since {local(watch.get('since_at'))}",
            "schedule": watch.get("schedule"),
            "timezone": watch.get("timezone"),
            "next due": local(watch.get("next_due_at")),
            "last ping": local(watch.get("last_ping_at")),
            "last run": _last_run(watch.get("last_run")),
            "tags": watch.get("tags"),
            "ping url": watch.get("ping_url"),
        }
    )


def _last_run(run: Mapping[str, Any] | None) -> str:
    """Return `fail in 4.0 min: exit status 3`, as much of it as is known."""
    if not run:
        return "–"
    words = str(run.get("outcome") or run["state"])
    if run.get("duration_ms") is not None:
        words += f" in {took(run['duration_ms'])}"
    return f"{words}: {run['reason']}" if run.get("reason") else words


@command("next", "dogwatch next\ndogwatch next -n 3\ndogwatch next nightly-backup --json")
@click.argument("slug", required=False)
@click.option("-n", "count", type=click.IntRange(1, 1000), default=10, help="How many.")
def next_command(session: Session, slug: str | None, count: int) -> None:
    """Show what is due next: of all watches, or the next dates of one."""
    api = connect(session)
    due = _dates(api, slug, count) if slug else _soonest(api, count)
    if session.json:
        as_json(due)
    else:
        table([{**item, "due": local(item["due_at"])} for item in due], ("due", "slug", "schedule"))


def _soonest(api: Api, count: int) -> list[dict[str, Any]]:
    watches = [watch for watch in api.pages("/watches", _ALL) if watch.get("next_due_at")]
    watches.sort(key=lambda watch: str(watch["next_due_at"]))
    return [_due(watch, watch["next_due_at"]) for watch in watches[:count]]


def _dates(api: Api, slug: str, count: int) -> list[dict[str, Any]]:
    from dogwatch.clock import SystemClock  # the schedule's rules: only this command needs them
    from dogwatch.core.schedule import parse

    watch = api.get(f"/watches/{slug}")
    if not watch.get("schedule"):
        return []
    schedule = parse(watch["schedule"], watch.get("timezone") or "UTC")
    if schedule.relative:
        return [_due(watch, watch["next_due_at"])] if watch.get("next_due_at") else []
    dates = schedule.next(count, SystemClock().now())
    return [_due(watch, date.isoformat().replace("+00:00", "Z")) for date in dates]


def _due(watch: Mapping[str, Any], due_at: str) -> dict[str, Any]:
    return {"slug": watch["slug"], "due_at": due_at, "schedule": watch.get("schedule")}


@command("pause", "dogwatch pause nightly-backup\ndogwatch pause nightly-backup --json")
@click.argument("slug")
def pause_command(session: Session, slug: str) -> None:
    """Stop expecting anything of a watch."""
    _act(session, slug, "pause")


@command("resume", "dogwatch resume nightly-backup\ndogwatch resume nightly-backup --json")
@click.argument("slug")
def resume_command(session: Session, slug: str) -> None:
    """Expect again, from now on."""
    _act(session, slug, "resume")


def _act(session: Session, slug: str, verb: str) -> None:
    api = connect(session)
    watch = api.get(f"/watches/{slug}")
    changed = api.send("POST", f"/watches/{watch['id']}/{verb}", {}) or watch
    if session.json:
        as_json(changed)
    else:
        click.echo(f"{watch['slug']}: {state(changed)}")
