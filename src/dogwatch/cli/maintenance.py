"""Who is left alone, and when: maintenance, depend."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import click

from dogwatch.cli.client import Api, connect
from dogwatch.cli.confirm import YES, confirm
from dogwatch.cli.length import LENGTH
from dogwatch.cli.moment import CLOCK_TIME, MOMENT
from dogwatch.cli.named import named, send_as
from dogwatch.cli.output import as_json, local, table
from dogwatch.cli.scope import ALL_OF, SCOPE, scopes
from dogwatch.cli.scope import asked as asked_scope
from dogwatch.cli.session import Group, Session, command, joined
from dogwatch.cli.session import said as given_of
from dogwatch.cli.zone import local_zone
from dogwatch.clock import SystemClock
from dogwatch.core.windows import WindowSpec

_DAYS = click.Choice(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
# The options that say when, and those that each kind of window takes; the first tells the kind.
_OPTION = {
    "start_at": "--from", "end_at": "--until", "days": "--day", "start": "--at",
    "cron": "--cron", "length": "--for", "tz": "--tz",
}  # fmt: skip
_OPTIONS = _OPTION | {"duration_s": "--for", "timezone": "--tz"}
_OF_KIND = {
    "weekly": ("days", "start", "length", "tz"),
    "cron": ("cron", "length", "tz"),
    "once": ("start_at", "end_at", "length"),
}
_said = joined(
    click.option("--from", "start_at", type=MOMENT, metavar="TIME", help="Once: its begin; now."),
    click.option("--until", "end_at", type=MOMENT, metavar="TIME", help="Once: its end."),
    click.option("--day", "days", type=_DAYS, multiple=True, help="Weekly; may be repeated."),
    click.option("--at", "start", type=CLOCK_TIME, metavar="22:00", help="Weekly: its begin."),
    click.option("--cron", metavar="LINE", help="From each due time of a cron line on."),
    click.option("--for", "length", type=LENGTH, metavar="2h", help="How long, of any kind."),
    click.option(
        "--tz", metavar="ZONE", help="Time zone of --day or --cron; this machine's if absent."
    ),
    SCOPE,
)


@click.group("maintenance", cls=Group)
def maintenance_command() -> None:
    """Windows in which no alert opens; what is still down at the end alerts then."""


@command(
    "add",
    """
dogwatch maintenance add "Disk change" --for 2h --watch shop-web
dogwatch maintenance add Upgrade --from 2036-01-05T22:00:00Z --until 2036-01-06T02:00:00Z
dogwatch maintenance add Saturdays --day sat --at 22:00 --for 2h --tag db1
dogwatch maintenance add Monthly --cron "0 3 1 * *" --for 1h --tz Europe/Warsaw
""",
)
@click.argument("name")
@_said
def maintenance_add(session: Session, name: str, **given: Any) -> None:
    """Make a window for watches: for all, unless told which."""
    window = _window(given, local_zone(session.environ))
    asked = {"name": name, "scope": asked_scope(given) or ALL_OF, "window": window}
    api = connect(session)
    made = send_as(api, "POST", "/maintenance", asked, _OPTIONS)
    as_json(made) if session.json else click.echo(_told(api, made))


def _told(api: Api, one: Mapping[str, Any]) -> str:
    return f"{one['name']} is window {one['id']}: {scopes(api, [one])(one)}, {_when(one)}"


@command(
    "edit",
    """
dogwatch maintenance edit Upgrade --until 2036-01-06T04:00:00Z
dogwatch maintenance edit Saturdays --day sun --at 23:00
dogwatch maintenance edit 01kam3v7t0000000000000000a --name Upgrade --all
""",
)
@click.argument("maintenance")
@click.option("--name", help="What people call it.")
@_said
@click.option("--all", "every", is_flag=True, help="For all watches from now on.")
def maintenance_edit(session: Session, maintenance: str, name: str | None, **given: Any) -> None:
    """Change a window, by its name or id; what is not given stays."""
    scope = asked_scope(given) or (ALL_OF if given["every"] else None)
    asked: dict[str, Any] = {"name": name} if name else {}
    asked |= {"scope": scope} if scope else {}
    anew = bool(given_of({name: given[name] for name in _OPTION}))
    if not asked and not anew:
        raise click.UsageError("Nothing to change; give an option.")
    api = connect(session)
    found = named(api, "maintenance", maintenance)
    asked |= {"window": _changed(found["window"], given)} if anew else {}
    changed = send_as(api, "PATCH", f"/maintenance/{found['id']}", asked, _OPTIONS)
    as_json(changed) if session.json else click.echo(_told(api, changed))


def _changed(window: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a window with what is said anew; another kind begins from nothing."""
    kind, said = _said_of(given, window["kind"])
    kept = window if kind == window["kind"] else {"timezone": window.get("timezone", "UTC")}
    if kind == "once":
        kept = {name: kept[name] for name in ("start_at", "end_at") if name in kept}
        return {"kind": kind, **_once(kept, said)}
    return {**kept, **said, "kind": kind}


def _window(given: Mapping[str, Any], zone: str) -> dict[str, Any]:
    kind, said = _said_of(given, "once")
    if kind == "once":
        return {"kind": kind, **_once({}, said)}
    return {"kind": kind, "timezone": zone, **said}


def _said_of(given: Mapping[str, Any], usual: str) -> tuple[str, dict[str, Any]]:
    """Return the kind that is meant, and what is said of it; what means nothing there is refused,
    as it would be left out in silence."""
    times = given_of({name: given[name] for name in _OPTION})
    kind = next((kind for kind, (first, *_) in _OF_KIND.items() if first in times), usual)
    if strange := [_OPTION[name] for name in times if name not in _OF_KIND[kind]]:
        known = ", ".join(_OPTION[name] for name in _OF_KIND[kind])
        told = f"{', '.join(strange)}: not of this kind of window, which takes {known}."
        raise click.UsageError(told)
    names = {"length": "duration_s", "tz": "timezone"}
    said = {names.get(name, name): value for name, value in times.items()}
    return kind, said | ({"days": list(said["days"])} if "days" in said else {})


def _once(kept: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return begin and end; it begins now unless told, and its length may tell its end."""
    if said.keys() >= {"end_at", "duration_s"}:
        raise click.UsageError("Give --until or --for, not both.")
    if not {"end_at", "duration_s"} & (said.keys() | kept.keys()):
        raise click.UsageError("Say how long: --for 2h, or --until TIME.")
    now = SystemClock().now().isoformat(timespec="seconds")
    told = {"start_at": now, **kept, **said}
    length_s = told.pop("duration_s", None)
    if length_s is None:
        return told
    try:
        end_at = datetime.fromisoformat(told["start_at"]) + timedelta(seconds=length_s)
    except OverflowError:
        raise click.UsageError("--for: too long; no calendar has its end.") from None
    return told | {"end_at": end_at.isoformat()}


def _when(one: Mapping[str, Any]) -> str:
    """Return the times of a window in words."""
    window = dict(one["window"])
    if window["kind"] == "once":
        return f"{local(window['start_at'])} to {local(window['end_at'])}"
    return WindowSpec(**window | {"days": tuple(window.get("days", ()))}).words()


@command("ls", "dogwatch maintenance ls\ndogwatch maintenance ls --json")
def maintenance_ls(session: Session) -> None:
    """List the windows."""
    api = connect(session)
    found = api.pages("/maintenance")
    if session.json:
        as_json(found)
        return
    of = scopes(api, found)
    rows = [
        {
            "maintenance": one["id"],
            "name": one["name"],
            "of": of(one),
            "when": _when(one),
            "open_until": one["open_until_at"] and local(one["open_until_at"]),
        }
        for one in found
    ]
    table(rows, ("maintenance", "name", "of", "when", "open_until"))


@command("rm", "dogwatch maintenance rm Upgrade\ndogwatch maintenance rm Upgrade --yes")
@click.argument("maintenance")
@YES
def maintenance_rm(session: Session, maintenance: str, yes: bool) -> None:
    """Delete a window, by its name or id; what is still down under it alerts now."""
    api = connect(session)
    found = named(api, "maintenance", maintenance)
    confirm(f"Delete the window {found['name']}?", yes=yes)
    api.send("DELETE", f"/maintenance/{found['id']}")
    done = {"deleted": found["id"]}
    as_json(done) if session.json else click.echo(f"window {found['name']} is deleted")


for one in (maintenance_add, maintenance_edit, maintenance_ls, maintenance_rm):
    maintenance_command.add_command(one)


@command(
    "depend",
    """
dogwatch depend web-shop --on database --on router
dogwatch depend web-shop
dogwatch depend web-shop --none
""",
)
@click.argument("watch")
@click.option("--on", "parents", multiple=True, metavar="SLUG", help="May be repeated.")
@click.option("--none", "nothing", is_flag=True, help="Depend on nothing any more.")
def depend_command(session: Session, watch: str, parents: tuple[str, ...], nothing: bool) -> None:
    """Say what a watch depends on: while one of these is down, it opens no alerts."""
    if parents and nothing:
        raise click.UsageError("Give --on or --none, one of them.")
    api, path = connect(session), f"/watches/{watch}/parents"
    changed = parents or nothing
    found = api.send("PUT", path, {"parents": list(parents)}) if changed else api.get(path)
    if session.json:
        as_json(found)
    else:
        named = ", ".join(one["slug"] for one in found["parents"])
        click.echo(f"{watch} depends on {named or 'nothing'}")
