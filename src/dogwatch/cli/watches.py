"""Watches from the command line: add, ls, show, next, pause, resume."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import click

from dogwatch.cli.client import Api, connect
from dogwatch.cli.length import LENGTH
from dogwatch.cli.moment import MOMENT
from dogwatch.cli.named import send_as
from dogwatch.cli.output import as_json, local, pairs, state, table, there, took
from dogwatch.cli.runs import outcome_of
from dogwatch.cli.schedule import EXPRESSION
from dogwatch.cli.session import Session, command, joined, said
from dogwatch.cli.zone import local_zone
from dogwatch.core.lengths import words_of
from dogwatch.core.schedule.interval import shortest

STATUS = click.option("--status", help="Only those that are new, up, degraded, down or paused.")
LIMITS = joined(
    click.option("--grace", "grace_s", type=LENGTH, metavar="5m", help="Start by then."),
    click.option("--finish-by", "finish_by_s", type=LENGTH, metavar="1h", help="End by then."),
    click.option("--slow-after", "slow_after_s", type=LENGTH, metavar="10m",
                 help="Degraded if it takes longer."),
    click.option("--failures", "failures_before_down", type=click.IntRange(1), metavar="N",
                 help="Failures in a row before it is down."),
    click.option("--successes", "successes_before_up", type=click.IntRange(1), metavar="N",
                 help="Successes in a row before it is up."),
)  # fmt: skip
_TOLD = (
    ("grace", "start_by_s", words_of), ("finish by", "finish_by_s", words_of),
    ("slow after", "slow_after_ms", took),
    ("at least", "min_duration_ms", took),
    ("down after", "failures_before_down", "{} failures in a row".format),
    ("up after", "successes_before_up", "{} successes in a row".format),
)  # fmt: skip


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
@EXPRESSION
@click.option("--tz", "timezone", metavar="ZONE", help="Its time zone; this machine's if absent.")
@LIMITS
@click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")
@click.option("--description", help="What whoever is told should know; its first line is told.")
def add_command(session: Session, **options: Any) -> None:
    """Make a watch: something that runs elsewhere and pings when it did."""
    given = said(options)
    given.setdefault("timezone", local_zone(session.environ))
    watch = connect(session).send("POST", "/watches", given)
    if session.json:
        as_json(watch)
        return
    slug = watch["slug"]
    if watch.get("schedule"):
        click.echo(f"{slug} is watched. Next due: {_next(watch)}")
    else:
        click.echo(f"{slug} is watched, without a schedule: only failures alert, silence does not.")
        click.echo(f'  dogwatch edit {slug} --schedule "0 2 * * *"')
    click.echo(f"  dogwatch run {slug} -- COMMAND")
    if watch.get("ping_url"):
        click.echo(f"  curl -fsS {watch['ping_url']}")


def _next(watch: Mapping[str, Any]) -> str:
    return there(watch.get("next_due_at"), watch.get("timezone") or "UTC")


@command("ls", "dogwatch ls\ndogwatch ls --status down\ndogwatch ls --tag prod --json")
@STATUS
@click.option("--tag", help="Only watches with this tag.")
def ls_command(session: Session, **filters: str | None) -> None:
    """List the watches."""
    ls(session, "watches", filters, 'dogwatch add "Nightly backup" --schedule "0 2 * * *"')


def ls(session: Session, what: str, filters: Mapping[str, Any], first: str) -> None:
    """Print watches or jobs, those of the filters; `first` is the command that makes one."""
    api = connect(session)
    found = api.pages(f"/{what}", **filters)
    if session.json:
        as_json(found)
    elif found:
        columns = ("state", "slug", "schedule", "last", "next", "tags")
        table([_row(api, one) for one in found], columns)
    elif any(filters.values()):
        click.echo(f"No such {what}.")
    else:
        click.echo(f"No {what}. Make one: {first}")


def _row(api: Api, watch: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "state": state(watch),
        "slug": watch["slug"],
        "schedule": watch.get("schedule") and shortest(watch["schedule"]),
        "last": local(_last(api, watch)),
        "next": local(watch.get("next_due_at")),
        "tags": watch.get("tags") or "",
    }


def _last(api: Api, watch: Mapping[str, Any]) -> str | None:
    """Return when something was heard last; a ping of a probe says nothing of when it was asked."""
    pinged_at = watch.get("last_ping_at")
    if pinged_at and watch.get("kind") not in ("job", "probe"):
        return str(pinged_at)
    times = filter(None, (pinged_at, _last_finished(api, watch)))
    return max(times, key=datetime.fromisoformat, default=None)


def _last_finished(api: Api, watch: Mapping[str, Any]) -> str | None:
    """Return when a run ended last, that of a job which runs now being the one before."""
    last = watch.get("last_run") or {}
    if last and not last.get("finished_at"):
        done = api.pages("/runs", 20, watch=watch["id"], state="done")
        last = next((run for run in done if run.get("trigger") != "workflow"), {})
    return last.get("finished_at")


@command("show", "dogwatch show nightly-backup\ndogwatch show nightly-backup --json")
@click.argument("slug")
def show_command(session: Session, slug: str) -> None:
    """Show one watch, and what it does if it is a job."""
    api = connect(session)
    watch = api.get(f"/watches/{slug}")
    if watch.get("kind") in ("job", "probe"):
        watch = api.get(f"/{watch['kind']}s/{watch['id']}")
    if session.json:
        as_json(watch)
    else:
        show(watch)


def show(watch: Mapping[str, Any], more: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Print one watch or job, and what more there is to say of it."""
    pairs(
        {
            "name": watch["name"],
            "slug": watch["slug"],
            "kind": watch.get("kind"),
            "state": f"{state(watch)} since {local(watch.get('since_at'))}{_resumes(watch)}",
            "schedule": watch.get("schedule") and shortest(watch["schedule"]),
            "fault": watch.get("schedule_fault"),
            "timezone": watch.get("timezone"),
            "description": watch.get("description"),
            **_limits(watch),
            **_action(watch),
            "next due": _next(watch),
            "last ping": local(watch.get("last_ping_at")),
            "last run": outcome_of(watch["last_run"]) if watch.get("last_run") else "–",
            "tags": watch.get("tags"),
            "ping url": watch.get("ping_url"),
            **more,
        }
    )


def _limits(watch: Mapping[str, Any]) -> dict[str, str]:
    """Return what is expected of its runs beside the schedule, as far as anything is."""
    return {
        told: words(watch[name]) for told, name, words in _TOLD if watch.get(name) not in (None, 1)
    }


def _action(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a job does and by which rules, as far as it is not the default."""
    action = job.get("action")
    if not action:
        return {}
    source = str(action.get("source") or "").strip().splitlines()
    what = " ".join(filter(None, [action.get("method"), action.get("url"), action.get("language")]))
    more = f" (and {len(source) - 1} lines)" if len(source) > 1 else ""
    return {
        "action": f"{action['kind']}: {what}{': ' + source[0] if source else ''}{more}",
        "timeout": _length(action.get("timeout_s")),
        "attempts": _attempts(job),
        "overlap": job.get("overlap"),
        "concurrency": _shared(job),
        "catch up": job.get("catch_up"),
        "lost run": job.get("lost_run"),
    }


def _length(seconds: float | None) -> str | None:
    """Return a length of time; one with parts of a second in seconds."""
    if seconds is None:
        return None
    return words_of(int(seconds)) if seconds == int(seconds) else f"{seconds:g} s"


def _shared(job: Mapping[str, Any]) -> str:
    """Return `1 at once of the key db`, if the job shares its places."""
    key = job.get("concurrency_key")
    return f"{job['concurrency_limit']} at once of the key {key}" if key else ""


def _attempts(job: Mapping[str, Any]) -> str:
    most = job.get("max_attempts") or 1
    return f"{most}, the second after {words_of(job['backoff_s'])}" if most > 1 else "1, no retries"


@command("next", "dogwatch next\ndogwatch next -n 3\ndogwatch next nightly-backup --json")
@click.argument("slug", required=False)
@click.option("-n", "count", type=click.IntRange(1, 1000), default=10, help="How many.")
def next_command(session: Session, slug: str | None, count: int) -> None:
    """Show what is due next: of all watches, or the next dates of one."""
    api = connect(session)
    due = _of_one(api, slug, count) if slug else _soonest(api, count)
    if session.json:
        as_json(due)
    else:
        table([{**item, "due": local(item["due_at"])} for item in due], ("due", "slug", "schedule"))


def _soonest(api: Api, count: int) -> list[dict[str, Any]]:
    watches = [watch for watch in api.pages("/watches") if watch.get("next_due_at")]
    watches.sort(key=lambda watch: str(watch["next_due_at"]))
    return [_due(watch, watch["next_due_at"]) for watch in watches[:count]]


def _of_one(api: Api, slug: str, count: int) -> list[dict[str, Any]]:
    watch = api.get(f"/watches/{slug}")
    if watch["status"] == "paused":
        by = f"or it {_resumes(watch)[2:]}" if watch.get("resumes_at") else ""
        told = (
            f"dogwatch: {slug} is paused: nothing is expected until `dogwatch resume {slug}` {by}"
        )
        click.echo(told.rstrip(), err=True)
    return _dates(watch, count)


def _dates(watch: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    from dogwatch.clock import SystemClock  # the schedule's rules: only this command needs them
    from dogwatch.core.schedule import parse

    if not watch.get("schedule"):
        return []
    schedule = parse(watch["schedule"], watch.get("timezone") or "UTC")
    if schedule.relative:
        return [_due(watch, watch["next_due_at"])] if watch.get("next_due_at") else []
    dates = schedule.next(count, SystemClock().now())
    return [_due(watch, date.isoformat().replace("+00:00", "Z")) for date in dates]


def _due(watch: Mapping[str, Any], due_at: str) -> dict[str, Any]:
    return {"slug": watch["slug"], "due_at": due_at, "schedule": watch.get("schedule")}


@command(
    "pause",
    "dogwatch pause nightly-backup\n"
    "dogwatch pause nightly-backup --for 4h\n"
    "dogwatch job pause rotate-reports --for 2d\n"
    "dogwatch probe pause shop --for 30min",
)
@click.argument("slug")
@click.option("--until", "until_at", type=MOMENT, metavar="TIME", help="It resumes then.")
@click.option("--for", "for_s", type=LENGTH, metavar="LENGTH", help="It resumes after 4h, 2d ….")
def pause_command(session: Session, slug: str, **given: Any) -> None:
    """Stop expecting anything of a watch, until it is resumed or for a while."""
    _act(session, slug, "pause", {name: value for name, value in given.items() if value})


@command(
    "resume",
    "dogwatch resume nightly-backup\n"
    "dogwatch job resume rotate-reports\ndogwatch probe resume shop --json",
)
@click.argument("slug")
def resume_command(session: Session, slug: str) -> None:
    """Expect again, from now on."""
    _act(session, slug, "resume")


def _act(
    session: Session, slug: str, verb: str, body: Mapping[str, Any] = MappingProxyType({})
) -> None:
    api = connect(session)
    watch = api.get(f"/watches/{slug}")
    path, options = f"/watches/{watch['id']}/{verb}", {"until_at": "--until", "for_s": "--for"}
    changed = send_as(api, "POST", path, dict(body), options) or watch
    if session.json:
        as_json(changed)
    else:
        click.echo(f"{watch['slug']}: {state(changed)}{_resumes(changed)}")


def _resumes(watch: Mapping[str, Any]) -> str:
    """Return `, resumes Mon 2036-01-05 08:00:00 UTC`, of one that does so by itself."""
    return f", resumes {local(watch['resumes_at'])}" if watch.get("resumes_at") else ""
