"""Probes from the command line: made, listed, shown with their figures, and tried."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dogwatch.cli.client import Api, connect
from dogwatch.cli.edit import OF_ALL
from dogwatch.cli.exits import FAILED
from dogwatch.cli.length import LENGTH
from dogwatch.cli.output import as_json, local, pairs, state, table, took
from dogwatch.cli.runs import GOOD, PATIENT, mark_of, why
from dogwatch.cli.schedule import SCHEDULE
from dogwatch.cli.session import Group, Session, command, joined, said
from dogwatch.cli.watches import show
from dogwatch.cli.zone import local_zone
from dogwatch.core.plain import printable
from dogwatch.core.probe.address import address_of, target_of
from dogwatch.core.probe.demands import said as demanded
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.schedule.interval import is_interval, shortest

_FIELDS = ("method", "headers", "body", "expected_status", "user_agent", "timeout_s")
_DEMANDS = ("contains", "lacks", "certificate_days")
_OF_TARGET = frozenset({*_FIELDS, *_DEMANDS, "insecure", "target"})
_PLACE = frozenset({"url", "host", "port", "name", "type"})
_PHASES = ("dns", "connect", "tls", "first_byte", "total")


_WHAT = joined(
    click.option("--every", "--schedule", "schedule", type=SCHEDULE, metavar="EXPR",
                 help="Seconds, a cron line or words."),
    click.option("--slug", help="Short name for commands; made from NAME if absent."),
    click.option("--tag", "tags", multiple=True, help="A tag; may be repeated."),
    click.option("--method", help="GET if absent."),
    click.option("--header", "headers", multiple=True, metavar="NAME:VALUE",
                 help="May be repeated."),
    click.option("--body", help="Body of the request."),
    click.option("--expect", "expected_status", metavar="STATUS", help="Such as 200-299,304."),
    click.option("--contains", multiple=True, metavar="TEXT", help="The body must hold it."),
    click.option("--lacks", multiple=True, metavar="TEXT", help="The body must not hold it."),
    click.option("--certificate-days", type=click.IntRange(0), metavar="N",
                 help="Good for N more."),
    click.option("--slow-after", "slow_after_ms", type=click.IntRange(1), metavar="MS",
                 help="Slower is degraded."),
    click.option("--timeout", "timeout_s", type=LENGTH, metavar="10s", help="Give up."),
    click.option("--user-agent", metavar="TEXT", help="What the request calls itself."),
    click.option("--insecure/--secure", default=None, help="Take any certificate, or good ones."),
    click.option("--failures", "failures_before_down", type=click.IntRange(1, 10), metavar="N",
                 help="Bad slots before it is down."),
    click.option("--successes", "successes_before_up", type=click.IntRange(1), metavar="N",
                 help="Good slots before it is up."),
    click.option("--rechecks", type=click.IntRange(0, 5), metavar="N",
                 help="Asked again before a slot is bad."),
    click.option("--location", "locations", multiple=True, help="Where from; may be repeated."),
    click.option("--agree", type=click.IntRange(1), metavar="N", help="Locations that must agree."),
    click.option("--target", metavar="JSON|@FILE", help="More fields of the target."),
)  # fmt: skip


@click.group("probe", cls=Group)
def probe_command() -> None:
    """Make, list, show and try probes: endpoints that Dogwatch asks whether they are well.

    `dogwatch runs` and `flips` show what came of them.
    """


@command(
    "add",
    """
dogwatch probe add Shop https://shop.example.org/health --every 60 --contains '"ok"'
dogwatch probe add Shop https://shop.example.org/ --slow-after 800 --certificate-days 14
dogwatch probe add Mail tcp://mail.example.org:25 --every 30
dogwatch probe add Certificate tls://example.org --every 1h
dogwatch probe add Name dns://example.org/MX --every 5m
dogwatch probe add Router icmp://192.0.2.1 --every 10
dogwatch probe add API https://api.example.org/ --target @target.json
""",
)
@click.argument("name")
@click.argument("address", metavar="ADDRESS")
@_WHAT
def probe_add(session: Session, name: str, address: str, **options: Any) -> None:
    """Make a probe of ADDRESS: http(s)://…, tcp://HOST:PORT, tls://HOST, dns://NAME/TYPE or
    icmp://HOST."""  # fmt: skip
    given = said(options)
    target = _target(address, given) | _more(given.get("target"))
    spec = {"name": name, "target": target, "schedule": "60"} | _spec(given)
    if not is_interval(spec["schedule"]):
        spec["timezone"] = local_zone(session.environ)
    probe = connect(session).send("POST", "/probes", spec)
    if session.json:
        as_json(probe)
        return
    click.echo(f"{probe['slug']} is probed. First asked: {local(probe.get('next_due_at'))}")
    click.echo(f"  dogwatch probe test {probe['slug']}")


@command(
    "edit",
    """
dogwatch probe edit shop --address https://shop.example.org/health --contains '"ok"'
dogwatch probe edit shop --timeout 5 --header "X-Probe: dogwatch"
dogwatch probe edit shop --every 5m --failures 3
""",
)
@click.argument("probe", metavar="SLUG")
@click.option("--name", help="What people read.")
@click.option("--address", help="Ask this from now on; as in `add`.")
@_WHAT
def probe_edit(session: Session, probe: str, address: str | None, **options: Any) -> None:
    """Change a probe; what is not given stays.

    --header replaces all headers, and --contains, --lacks and --certificate-days all demands.
    """
    given = said(options)
    if not given and not address:
        raise click.UsageError("Nothing to change; give an option.")
    api, changes = connect(session), _spec(given)
    if address or given.keys() & _OF_TARGET:
        changes["target"] = _changed(api.get(f"/probes/{probe}")["target"], address, given)
    changed = api.send("PATCH", f"/probes/{probe}", changes)
    as_json(changed) if session.json else _print(changed)


def _changed(
    target: Mapping[str, Any], address: str | None, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a target with what is given; secrets that are not given stay as they are stored."""
    new = _target(address or address_of(target), given) | _more(given.get("target"))
    if new["kind"] != target["kind"]:
        return new
    kept = {name: value for name, value in target.items() if name not in _PLACE}
    return kept | new


def _spec(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of the probe beside its target."""
    return {name: value for name, value in given.items() if name not in _OF_TARGET}


def _target(address: str, given: Mapping[str, Any]) -> dict[str, Any]:
    target = target_of(address)
    fields = {key: given[key] for key in _FIELDS if key in given}
    if target["kind"] == "http":
        return target | _asked(given, fields)
    demands = {key for key in _DEMANDS if key in given}
    if target["kind"] == "tls":
        if "certificate_days" in demands:
            demands.remove("certificate_days")
            target["days_left"] = given["certificate_days"]
        if "insecure" in given:
            target["verify"] = not given["insecure"]
    if odd := sorted(demands | fields.keys() - {"timeout_s"}):
        raise click.UsageError(f"{', '.join(odd)}: for http and https only.")
    return target | fields


def _asked(given: Mapping[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of a request and its answer."""
    target = dict(fields)
    if "headers" in target:
        target["headers"] = [_header(line) for line in target["headers"]]
    if "insecure" in given:
        target["verify_tls"] = not given["insecure"]
    demands: list[dict[str, Any]] = [
        {"kind": f"body_{how}", "text": text}
        for how in ("contains", "lacks")
        for text in given.get(how, ())
    ]
    if "certificate_days" in given:
        demands.append({"kind": "certificate_days", "least": given["certificate_days"]})
    return target | ({"assertions": demands} if demands else {})


def _header(line: str) -> list[str]:
    name, found, value = line.partition(":")
    if not found:
        raise invalid("--header", "write NAME:VALUE")
    return [name.strip(), value.strip()]


def _more(text: str | None) -> dict[str, Any]:
    """Return the fields of a JSON object, which may lie in a file."""
    if text is None:
        return {}
    try:
        found = json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    except (OSError, ValueError) as error:
        raise invalid("--target", f"cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise invalid("--target", "must be a JSON object")
    return found


@command("ls", "dogwatch probe ls\ndogwatch probe ls --status down --json")
@click.option("--status", help="Only probes in this state.")
@click.option("--tag", help="Only probes with this tag.")
def probe_ls(session: Session, status: str | None, tag: str | None) -> None:
    """List the probes."""
    probes = connect(session).pages("/probes", status=status, tag=tag)
    if session.json:
        as_json(probes)
    elif probes:
        table(map(_row, probes), ("state", "slug", "target", "every", "last", "took"))
    else:
        click.echo("No such probes. Make one: dogwatch probe add Shop https://shop.example/")


def _row(probe: Mapping[str, Any]) -> dict[str, Any]:
    last = probe.get("last_run") or {}
    return {
        "state": state(probe),
        "slug": probe["slug"],
        "target": address_of(probe["target"]),
        "every": shortest(probe["schedule"]).removeprefix("every "),
        "last": local(last.get("finished_at")),
        "took": took(last.get("duration_ms")),
    }


@command("show", "dogwatch probe show shop\ndogwatch probe show shop --json")
@click.argument("slug")
def probe_show(session: Session, slug: str) -> None:
    """Show a probe: its state, its target, what was seen last, and its figures."""
    api = connect(session)
    probe = api.get(f"/probes/{slug}")
    figures = api.get(f"/watches/{probe['id']}/statistics")["windows"]
    if session.json:
        as_json(probe | {"statistics": figures})
        return
    _print(probe)
    _print_figures(figures)


def _print(probe: Mapping[str, Any]) -> None:
    show(
        probe,
        {
            "target": address_of(probe["target"]),
            "demands": demanded(probe["target"]),
            "rechecks": f"{probe['rechecks']}, each after {probe['recheck_after_s']} s",
            "locations": f"{', '.join(probe['locations'])}; {probe['agree']} must agree",
        },
    )


@command("stats", "dogwatch probe stats shop\ndogwatch probe stats shop --json")
@click.argument("slug")
def probe_stats(session: Session, slug: str) -> None:
    """Show uptime and durations over 24 hours, 7, 30 and 90 days."""
    figures = connect(session).get(f"/watches/{slug}/statistics")["windows"]
    as_json(figures) if session.json else _print_figures(figures)


def _print_figures(figures: list[dict[str, Any]]) -> None:
    columns = ("last", "uptime", "asked", "bad", "average", "p50", "p95", "p99", "gaps")
    table(map(_figures, figures), columns)


def _figures(window: Mapping[str, Any]) -> dict[str, Any]:
    uptime = window["uptime_percent"]
    return {
        "last": window["name"],
        "uptime": None if uptime is None else f"{uptime:g} %",
        "asked": window["ok"] + window["slow"] + window["bad"],
        "bad": window["bad"],
        "average": _ms(window["average_ms"]),
        **{name: _ms(window[f"{name}_ms"]) for name in ("p50", "p95", "p99")},
        "gaps": len(window["gaps"]) or None,
    }


def _ms(value: float | None) -> str:
    return took(None if value is None else round(value))


@command("test", "dogwatch probe test shop\ndogwatch probe test shop --json")
@click.argument("slug")
def probe_test(session: Session, slug: str) -> None:
    """Ask once, now, and print what was seen. The exit code is 0 if it was good, else 1."""
    api = connect(session)
    run = _ended(api, api.send("POST", f"/probes/{slug}/test", {})["id"])
    if session.json:
        as_json(run)
    else:
        _print_seen(run)
    if run.get("outcome") not in GOOD:
        raise click.exceptions.Exit(FAILED)


def _ended(api: Api, run_id: str) -> dict[str, Any]:
    """Wait for the end of a run and return it."""
    path = f"/runs/{run_id}/output/stream"
    if any(name == "end" for name, _ in replace(api, limits=PATIENT).events(path)):
        return dict(api.get(f"/runs/{run_id}"))
    raise Problem("away", "the server ended the stream before the probe was answered; try again")


def _print_seen(run: Mapping[str, Any]) -> None:
    phases = run.get("phases_ms") or {}
    pairs(
        {
            "outcome": mark_of(run),
            "reason": why(run),
            "detail": run.get("detail"),
            "status": run.get("status_code"),
            "phases": [f"{name} {phases[name]:g} ms" for name in _PHASES if name in phases],
        }
    )
    if run.get("preview"):
        click.echo(f"\n{printable(run['preview'])}")


for _verb in (
    probe_add, probe_edit, probe_ls, probe_show, probe_stats, probe_test, *OF_ALL
):  # fmt: skip
    probe_command.add_command(_verb)
