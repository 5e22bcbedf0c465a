"""Jobs from the command line: what Dogwatch runs itself."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dogwatch.cli.client import connect
from dogwatch.cli.edit import NO_SCHEDULE, OF_ALL, unscheduled
from dogwatch.cli.length import LENGTH
from dogwatch.cli.output import as_json, there
from dogwatch.cli.runs import trigger_command
from dogwatch.cli.schedule import EXPRESSION
from dogwatch.cli.session import Group, Session, command, joined, said
from dogwatch.cli.watches import STATUS, ls, show
from dogwatch.cli.zone import local_zone
from dogwatch.core.problems import invalid

LANGUAGES = ("bash", "python", "node")
_BY_SUFFIX = {".sh": "bash", ".bash": "bash", ".py": "python", ".js": "node", ".mjs": "node"}
_HTTP = frozenset({"url", "method", "body", "expected_status", "headers"})
_SCRIPT = frozenset({"language", "args", "env", "input", "interpreter", "network"})
_PARTS = _HTTP | _SCRIPT | {"script", "timeout_s"}


_WHAT = joined(
    click.option("--slug", help="Short name for commands; made from NAME if absent."),
    EXPRESSION,
    click.option("--tz", "timezone", metavar="ZONE", help="Its time zone; else this one's."),
    click.option("--starts-at", metavar="TIME", help="Nothing is due before; ISO 8601."),
    click.option("--tag", "tags", multiple=True, help="A tag; may be repeated."),
    click.option("--url", help="Request this address."),
    click.option("--method", help="GET if absent."),
    click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="Repeatable."),
    click.option("--body", help="Body of the request."),
    click.option("--expect", "expected_status", metavar="STATUS", help="Such as 200-299,304."),
    click.option("--script", metavar="FILE|-", help="Run this script; its text is kept."),
    click.option("--language", type=click.Choice(LANGUAGES), help="Told from FILE if absent."),
    click.option("--interpreter", metavar="PROGRAM", help="One that the server allows."),
    click.option("--network/--no-network", default=None,
                 help="A network for the script; in a sandbox by a proxy."),
    click.option("--arg", "args", multiple=True, help="An argument; may be repeated."),
    click.option("--env", multiple=True, metavar="NAME=VALUE", help="May be repeated."),
    click.option("--input", metavar="JSON", help="For runs that nobody gives another."),
    click.option("--timeout", "timeout_s", type=LENGTH, metavar="10m", help="Stop then."),
    click.option("--retries", type=click.IntRange(0), metavar="N", help="Tries after a failure."),
    click.option("--backoff", "backoff_s", type=LENGTH, metavar="30s", help="Wait first."),
    click.option("--overlap", metavar="RULE", help="skip, queue_one, allow or cancel_previous."),
    click.option("--lost-run", metavar="RULE", help="If its node ends: fail, rerun or skip."),
    click.option("--priority", type=click.IntRange(0, 3), help="A higher one goes first."),
    click.option("--max-runs", type=click.IntRange(0), help="Pause after so many; 0: no limit."),
    click.option("--reset-on-resume/--no-reset-on-resume", default=None,
                 help="Count from 0 again when resumed."),
    click.option("--concurrency-key", metavar="KEY", help="Share places with other jobs of it."),
    click.option("--concurrency-limit", type=click.IntRange(1), help="So many at once."),
)  # fmt: skip


@click.group("job", cls=Group)
def job_command() -> None:
    """Make and show jobs: requests and scripts that Dogwatch runs itself.

    `dogwatch ls`, `runs`, `logs` and `cancel` do the rest.
    """


@command(
    "add",
    """
dogwatch job add "Health of the shop" --url https://shop.example.org/health --schedule 60
dogwatch job add "Rotate reports" --script rotate.py --schedule "15 3 * * *" --retries 2
dogwatch job add cleanup --script - --language bash --schedule @daily < cleanup
""",
)
@click.argument("name")
@_WHAT
def job_add(session: Session, **options: Any) -> None:
    """Make a job: a request to --url, or a --script."""
    given = said(options)
    action = _action(given)
    job = connect(session).send(
        "POST",
        "/jobs",
        {"timezone": local_zone(session.environ), **_rules(given), "action": action},
    )
    if session.json:
        as_json(job)
        return
    next_due = there(job.get("next_due_at"), job.get("timezone") or "UTC")
    told = (
        f"is scheduled. Next due: {next_due}"
        if job.get("schedule")
        else "runs when it is asked to."
    )
    click.echo(f"{job['slug']} {told}")
    click.echo(f"  dogwatch trigger {job['slug']} --follow")


@command(
    "edit",
    """
dogwatch job edit rotate-reports --script rotate.py
dogwatch job edit rotate-reports --env REGION=eu-1 --timeout 600 --retries 2
dogwatch job edit cleanup --max-runs 10 --priority 2
dogwatch job edit cleanup --no-schedule
""",
)
@click.argument("job", metavar="SLUG")
@click.option("--name", help="What people read.")
@_WHAT
@NO_SCHEDULE
def job_edit(session: Session, job: str, no_schedule: bool, **options: Any) -> None:
    """Change a job; what is not given stays, other --env too. --tag and --arg replace all."""
    given = said(options)
    given |= unscheduled(given, no_schedule=no_schedule)
    if not given:
        raise click.UsageError("Nothing to change; give an option.")
    api = connect(session)
    changes = _rules(given)
    if given.keys() & _PARTS:
        changes["action"] = _changed(api.get(f"/jobs/{job}")["action"], given)
    changed = api.send("PATCH", f"/jobs/{job}", changes)
    as_json(changed) if session.json else show(changed)


def _changed(action: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an action with what is given; secrets that are not given stay as they are stored."""
    meant = "url" if action["kind"] == "http" else "script"
    other = "script" if meant == "url" else "url"
    if other in given:
        return _action(given)
    told = {"script": "-"} if meant == "script" else {"url": action["url"]}
    usual = action.get("language")
    new = _action(
        {**told, **given}, stored=meant == "script" and "script" not in given, usual=usual
    )
    if "env" in new:
        new["env"] = {**action["env"], **new["env"]}
    return {**action, **new}


def _rules(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of the watch and the run rules."""
    rules = {name: value for name, value in given.items() if name not in _PARTS}
    if "retries" in rules:
        rules["max_attempts"] = rules.pop("retries") + 1
    if rules.get("max_runs") == 0:
        rules["max_runs"] = None
    return rules


def _action(
    given: Mapping[str, Any], *, stored: bool = False, usual: str | None = None
) -> dict[str, Any]:
    """Return the action that is meant; `stored`: its script stays the one that is stored.

    `usual` is the language of a script that does not tell its own.
    """
    if ("url" in given) == ("script" in given):
        raise click.UsageError("Give --url or --script, one of them.")
    kind, own, other = ("http", _HTTP, _SCRIPT) if "url" in given else ("script", _SCRIPT, _HTTP)
    if strange := sorted(given.keys() & other):
        raise click.UsageError(f"{', '.join(strange)}: not for a job of kind {kind}.")
    action = {name: given[name] for name in own | {"timeout_s"} if name in given}
    if kind == "script" and not stored:
        action |= _script(given["script"], given.get("language"), usual)
    if "input" in action:
        action["input"] = _json("--input", action["input"])
    for name, sign in (("headers", ":"), ("env", "=")):
        if name in action:
            action[name] = dict(_split(f"--{name}", text, sign) for text in action[name])
    return {"kind": kind, **action}


def _script(file: str, language: str | None, usual: str | None) -> dict[str, str]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is no text in UTF-8"
        raise invalid("--script", f"cannot read {file}: {why}") from None
    language = language or _BY_SUFFIX.get(Path(file).suffix) or _of_first_line(text) or usual
    if not language:
        raise click.UsageError(f"What is {file} written in? Give --language.")
    return {"language": language, "source": text}


def _of_first_line(text: str) -> str | None:
    """Return the language that a `#!` line names."""
    first = text.partition("\n")[0]
    found = [one for one in (*LANGUAGES, "sh") if first.startswith("#!") and one in first]
    return None if not found else "bash" if found[0] == "sh" else found[0]


def _json(option: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise invalid(option, "is no JSON; text stands in quotes: '\"text\"'") from None


def _split(option: str, text: str, sign: str) -> tuple[str, str]:
    name, found, value = text.partition(sign)
    if not found or not name.strip():
        raise invalid(option, f"{text!r} is not NAME{sign}VALUE")
    return name.strip(), value.strip() if sign == ":" else value


@command("ls", "dogwatch job ls\ndogwatch job ls --status down\ndogwatch job ls --tag prod --json")
@STATUS
@click.option("--tag", help="Only jobs with this tag.")
def job_ls(session: Session, **filters: str | None) -> None:
    """List the jobs."""
    ls(session, "jobs", filters, "dogwatch job add Cleanup --script cleanup.sh --schedule @daily")


@command("show", "dogwatch job show rotate-reports\ndogwatch job show rotate-reports --json")
@click.argument("slug")
def job_show(session: Session, slug: str) -> None:
    """Show a job: its watch, what it does and its run rules."""
    job = connect(session).get(f"/jobs/{slug}")
    as_json(job) if session.json else show(job)


@command("reset", "dogwatch job reset cleanup\ndogwatch job reset cleanup --json")
@click.argument("slug")
def job_reset(session: Session, slug: str) -> None:
    """Count the runs of a job from 0 again, where it has a most of them."""
    job = connect(session).send("POST", f"/jobs/{slug}/reset", {})
    as_json(job) if session.json else click.echo(f"{job['slug']} counts from 0 again")


for one in (job_add, job_ls, job_edit, job_show, job_reset, trigger_command, *OF_ALL):
    job_command.add_command(one)
