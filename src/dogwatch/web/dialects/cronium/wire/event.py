"""Events: our jobs by the names that Cronium has for their parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from dogwatch.core.problems import invalid
from dogwatch.core.run import Policy
from dogwatch.core.spec import WatchSpec
from dogwatch.core.watch import Status
from dogwatch.usecases.aliases import Alias, Named
from dogwatch.usecases.jobs import JobSpec
from dogwatch.usecases.lists import JobRow, Record
from dogwatch.web.api.masks import masked_action, unmasked_action
from dogwatch.web.dialects.cronium.wire.fields import UNITS
from dogwatch.web.dialects.cronium.wire.timing import Timing, changed, timing_of

LANGUAGES = {"BASH": "bash", "PYTHON": "python", "NODEJS": "node"}
TYPES = {language: name for name, language in LANGUAGES.items()}
HTTP = "HTTP_REQUEST"
# What is kept of a rest that is none of ours, for as long as that rest lasts.
RESTS = ("DRAFT", "ARCHIVED")
# Our names of fields, by theirs.
FIELDS: Mapping[str, str] = {
    "source": "script",
    "timeout_s": "timeoutValue",
    "url": "httpUrl",
    "method": "httpMethod",
    "headers": "httpHeaders",
    "body": "httpBody",
    "env": "envVars",
    "starts_at": "startTime",
    "max_attempts": "retries",
    "max_runs": "maxExecutions",
    "min_interval_s": "schedule",
}


@dataclass(frozen=True, slots=True)
class Event:
    """An event as its owner describes it."""

    name: str = ""
    type: str = "BASH"
    description: str = ""
    shared: bool = False
    content: str | None = None
    http_method: str = "GET"
    http_url: str | None = None
    http_headers: tuple[tuple[str, str], ...] = ()
    http_body: str | None = None
    env_vars: Mapping[str, str] = field(default_factory=dict)
    status: str = "DRAFT"
    timing: Timing = field(default_factory=Timing)
    timeout_value: int = 30
    timeout_unit: str = "SECONDS"
    retries: int = 0
    max_executions: int | None = None
    reset_counter_on_active: bool = False
    tags: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Our kind of action."""
        return "http" if self.type == HTTP else "script"

    def with_changes(self, changes: Mapping[str, Any]) -> "Event":
        """Return the event with what was sent of it."""
        times = {name: changes[name] for name in TIMES if name in changes}
        own = {name: value for name, value in changes.items() if name in OWN}
        if own.get("type") == HTTP:  # what only the script had goes with it
            own.setdefault("env_vars", {})
        return replace(self, timing=changed(self.timing, times), **own)

    def action(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is run; what was `stored` and has no field here stays, masks are lifted."""
        timeout_s = self.timeout_value * UNITS[self.timeout_unit]
        if self.kind == "http":
            if self.env_vars:
                raise invalid("env", "is for scripts; a request has none")
            mine: dict[str, Any] = {
                "url": self.http_url or "",
                "method": self.http_method,
                "headers": [list(pair) for pair in self.http_headers],
                "body": self.http_body or "",
            }
        else:
            mine = {"language": LANGUAGES[self.type], "source": self.content or ""}
            mine["env"] = dict(self.env_vars)
        kept = stored if ("url" in stored) is (self.kind == "http") else {}
        return unmasked_action({**kept, **mine, "timeout_s": timeout_s}, kept)

    def job(self, stored: Mapping[str, Any], watch: WatchSpec, policy: Policy) -> JobSpec:
        """Return the job that this event is; `watch` and `policy` say what it has no fields for."""
        spec = replace(
            watch,
            name=self.name,
            description=self.description,
            tags=self.tags,
            schedule=self.timing.line,
            timezone=self.timing.timezone,
            starts_at=self.timing.start_time,
        )
        rules = replace(
            policy,
            max_attempts=self.retries + 1,
            max_runs=self.max_executions,
            reset_on_resume=self.reset_counter_on_active,
        )
        return JobSpec(spec, self.kind, self.action(stored), rules)

    def said(self) -> dict[str, Any]:
        """Return what only this dialect has fields for, apart from the status."""
        return {
            "shared": self.shared,
            "timing": self.timing.said(),
            "timeout": [self.timeout_value, self.timeout_unit],
        }


TIMES = tuple(one.name for one in fields(Timing))
OWN = frozenset(one.name for one in fields(Event)) - {"timing"}


def event_of(named: Named, job: JobRow, action: Mapping[str, Any]) -> Event:
    """Return the event that a job is, its secrets masked."""
    alias, record = named
    shown, policy = masked_action(action), job.policy
    value, unit = _timeout(alias, shown["timeout_s"])
    return Event(
        name=record.name,
        description=record.description,
        shared=alias.said.get("shared", False),
        status=status_of(alias, record),
        timing=timing_of(
            record.schedule, record.timezone, record.starts_at, alias.said.get("timing", {})
        ),
        timeout_value=value,
        timeout_unit=unit,
        retries=policy.max_attempts - 1,
        max_executions=policy.max_runs,
        reset_counter_on_active=policy.reset_on_resume,
        tags=record.tags,
        **_of_action(shown),
    )


def type_of(action: Mapping[str, Any]) -> str:
    """Return the type of an event with this action."""
    return HTTP if "url" in action else TYPES[action["language"]]


def _of_action(shown: Mapping[str, Any]) -> dict[str, Any]:
    if "url" in shown:
        return {
            "type": HTTP,
            "http_method": shown["method"],
            "http_url": shown["url"],
            "http_headers": tuple((name, value) for name, value in shown["headers"]),
            "http_body": shown["body"] or None,
        }
    return {
        "type": type_of(shown),
        "content": shown["source"],
        "env_vars": shown["env"],
    }


def _timeout(alias: Alias, timeout_s: float) -> tuple[int, str]:
    value, unit = alias.said.get("timeout", (0, "SECONDS"))
    if value * UNITS[unit] == timeout_s:
        return value, unit
    return max(1, round(timeout_s)), "SECONDS"


def status_of(alias: Alias, record: Record) -> str:
    """Return the status of an event: a draft that somebody ran or paused elsewhere is none."""
    if record.watch.status is not Status.PAUSED:
        return "ACTIVE"
    rest: Mapping[str, str] = alias.said.get("rest", {})
    return rest["status"] if rest.get("since") == since(record) else "PAUSED"


def since(record: Record) -> str:
    """Return since when a watch has its state, as the dialect keeps it."""
    at: datetime | None = record.watch.since_at
    return at.isoformat() if at else ""
