"""The shapes of CronPulse: camelCase, bare JSON, times like 2024-01-30T12:00:00Z."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool
from pydantic.alias_generators import to_camel

from dogwatch.core.http_action import MAX_BODY, MAX_URL
from dogwatch.core.result import Outcome
from dogwatch.core.watch import Status
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.lists import Record, Run, WatchView
from dogwatch.usecases.projects import Project
from dogwatch.web.dialect.times import Instant

TOLERANCE_MIN, MOST_TOLERANCE_MIN = 5, 10_080
TIMEOUT_S, MOST_TIMEOUT_S = 30, 300
MINUTE_S = 60
# How often each of these has an interval's slots in an hour or a day, as cron writes it.
_HOUR_MIN, _DAY_H = 60, 24


class _Shown(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class JobSummary(_Shown):
    """A job as its project shows it."""

    id: str
    name: str
    last_status: str | None


class ProjectOut(_Shown):
    """A project with its jobs."""

    id: str
    name: str
    url: str
    jobs: list[JobSummary]


class Job(_Shown):
    """A job; what is watched only has no `url`."""

    id: str
    name: str
    project_id: str
    url: str
    method: str
    schedule: str
    heartbeat: bool
    heartbeat_tolerance: int
    timeout: int
    expected_status_code: int
    headers: dict[str, str]
    body: str | None
    last_status: str | None
    last_activity_at: Instant | None
    next_run_at: Instant | None


class Done(BaseModel):
    """That something was deleted."""

    success: Literal[True] = True


def project_out(project: Project, jobs: list[JobSummary]) -> ProjectOut:
    """Return a project with its jobs."""
    return ProjectOut(id=project.id, name=project.name, url=project.url, jobs=jobs)


def summary(named: Named, view: WatchView) -> JobSummary:
    """Return a job as its project shows it."""
    return JobSummary(id=named[0].name, name=named[1].name, last_status=last_status(view))


def job_out(named: Named, view: WatchView, project: Project, action: Mapping[str, Any]) -> Job:
    """Return a job; `action` is what it does, its secrets masked, empty if it is watched only."""
    alias, record = named
    paused = record.watch.status is Status.PAUSED
    return Job(
        id=alias.name,
        name=record.name,
        project_id=project.id,
        schedule=cron_of(record),
        **_rule(record, alias.said),
        **_request(action),
        last_status=last_status(view),
        last_activity_at=_last_activity_at(record),
        next_run_at=None if paused else view.next_due_at,
    )


def _rule(record: Record, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dead man's rule: that of a job is whether its start is judged."""
    grace_s = record.watch.plan.start_by_s
    tolerance_min = said.get("heartbeat_tolerance", TOLERANCE_MIN)
    if grace_s is not None and grace_s != tolerance_s(tolerance_min):
        tolerance_min = -(-grace_s // MINUTE_S)
    return {"heartbeat": grace_s is not None, "heartbeat_tolerance": tolerance_min}


def tolerance_s(minutes: int) -> int:
    """Return a tolerance in seconds: no run begins without a moment's delay, so one at least."""
    return max(minutes, 1) * MINUTE_S


def _request(action: Mapping[str, Any]) -> dict[str, Any]:
    headers: dict[str, str] = {}
    for name, value in action.get("headers", ()):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return {
        "url": action.get("url", ""),
        "method": action.get("method", "GET"),
        "timeout": -int(-action.get("timeout_s", TIMEOUT_S) // 1),
        "expected_status_code": int(action.get("expected_status", "200")[:3]),
        "headers": headers,
        "body": action.get("body") or None,
    }


def _last_activity_at(record: Record) -> datetime | None:
    times = [at for at in (record.last_ping_at, record.watch.heard_at) if at]
    return max(times, default=None)


def last_status(view: WatchView) -> str | None:
    """Return running, missed, success or failed; None as long as nothing has been heard."""
    watch, run = view.record.watch, view.last_run
    if any(one.started_at for one in watch.open):
        return "running"
    if _silent(view.record, run):
        return "missed"
    return {"good": "success", "slow": "success", "bad": "failed"}.get(watch.heard)


def _silent(record: Record, run: Run | None) -> bool:
    """Whether the last that is known of a job is that nothing was heard of it in time."""
    watch = record.watch
    if watch.status is Status.DOWN and watch.since_at and _heard_before(record, watch.since_at):
        return True
    if run is None or run.finished_at is None or not _heard_before(record, run.finished_at):
        return False
    left = run.outcome is Outcome.TIMEOUT and run.trigger == "ping"
    return left or run.outcome is Outcome.MISSED


def _heard_before(record: Record, at: datetime) -> bool:
    return record.watch.heard_at is None or record.watch.heard_at < at


def cron_of(record: Record) -> str:
    """Return a schedule as cron has it; one that cron has no words for, as it is."""
    schedule = record.watch.plan.schedule
    interval_s = schedule.interval_s if schedule else None
    minutes, seconds = divmod(interval_s or 0, MINUTE_S)
    hours, rest = divmod(minutes, _HOUR_MIN)
    if not interval_s or seconds:
        return record.schedule or ""
    if hours == 0 and _HOUR_MIN % minutes == 0:
        return "* * * * *" if minutes == 1 else f"*/{minutes} * * * *"
    if rest == 0 and hours <= _DAY_H and _DAY_H % hours == 0:
        return {1: "0 * * * *", _DAY_H: "0 0 * * *"}.get(hours, f"0 */{hours} * * *")
    return record.schedule or ""


_NAMED = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
Name = Annotated[str, Field(strict=True, min_length=1, max_length=200, pattern=_NAMED)]
Address = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_URL)]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
Cron = Annotated[str, Field(strict=True, min_length=1, max_length=256)]
Tolerance = Annotated[int, Field(strict=True, ge=0, le=MOST_TOLERANCE_MIN)]
Timeout = Annotated[int, Field(strict=True, ge=1, le=MOST_TIMEOUT_S)]
StatusCode = Annotated[int, Field(strict=True, ge=100, le=599)]
Text = Annotated[str, Field(strict=True, max_length=MAX_BODY)]
ProjectId = Annotated[str, Field(strict=True)]
Headers = dict[str, Annotated[str, Field(strict=True)]]


class _Sent(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")

    def given(self) -> dict[str, Any]:
        """Return what was sent, by our spelling of its names."""
        return self.model_dump(exclude_unset=True)


class ProjectNew(_Sent):
    """What makes a project."""

    name: Name
    url: Address


class ProjectChange(_Sent):
    """What changes of a project; what is not sent stays."""

    name: Name = ""
    url: Address = ""


class JobNew(_Sent):
    """What makes a job. A heartbeat is missed so many minutes of tolerance after its time."""

    name: Name
    project_id: ProjectId
    url: Address
    method: Method
    schedule: Cron
    heartbeat: StrictBool = False
    heartbeat_tolerance: Tolerance = TOLERANCE_MIN
    timeout: Timeout = TIMEOUT_S
    expected_status_code: StatusCode = 200
    headers: Headers = {}
    body: Text | None = None


class JobChange(_Sent):
    """What changes of a job; what is not sent stays."""

    name: Name = ""
    project_id: ProjectId = ""
    url: Address = ""
    method: Method = "GET"
    schedule: Cron = ""
    heartbeat: StrictBool = False
    heartbeat_tolerance: Tolerance = 0
    timeout: Timeout = TIMEOUT_S
    expected_status_code: StatusCode = 200
    headers: Headers = {}
    body: Text | None = None


# Fields of a request, by our names for them.
_ACTION = {"url": "url", "method": "method", "timeout": "timeout_s", "headers": "headers"}
REQUEST = frozenset({*_ACTION, "expected_status_code", "body"})


def action_of(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was sent of the request that a job makes, by our names for it."""
    action = {ours: sent[name] for name, ours in _ACTION.items() if name in sent}
    if "body" in sent:
        action["body"] = sent["body"] or ""
    if "expected_status_code" in sent:
        code = sent["expected_status_code"]
        # Who expects a redirect wants to see it, not what it leads to.
        action |= {"expected_status": str(code), "max_redirects": 0 if code // 100 == 3 else 5}
    return action


class JobsAsked(_Sent):
    """Of which project."""

    project_id: str | None = None
