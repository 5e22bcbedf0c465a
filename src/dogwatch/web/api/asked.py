"""What may be asked for: the bodies of watches, jobs, runs and channels."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from dogwatch.core.problems import Problem
from dogwatch.core.run import CONCURRENCY_KEY, CatchUp, LostRun, Overlap, Policy
from dogwatch.core.spec import WatchSpec, check
from dogwatch.usecases import jobs
from dogwatch.usecases.channels import MOST_WINDOW_S
from dogwatch.usecases.jobs import JobSpec
from dogwatch.web.api.body import Body
from dogwatch.web.api.instants import DATE_TIME, instant
from dogwatch.web.api.settings import checked
from dogwatch.web.api.told import ChannelKind, Tag, tell

_ALIASES = {"grace_s": "start_by_s", "slow_after_s": "slow_after_ms"}
_SPEC = frozenset(field.name for field in fields(WatchSpec))
_POLICY = frozenset(field.name for field in fields(Policy))
_CLEARED = WatchSpec(name="", start_by_s=None)


def _same(value: Any) -> Any:
    return value


_ENUMS: Mapping[str, Callable[[Any], Any]] = {
    "overlap": Overlap,
    "catch_up": CatchUp,
    "lost_run": LostRun,
}


class WatchFields(Body):
    """What may be said of a watch; null clears a field, so that its default holds."""

    model_config = ConfigDict(json_schema_extra=tell)

    slug: str | None = None
    description: str | None = None
    tags: list[Tag] | None = None
    project: str | None = None
    schedule: str | list[str] | None = Field(
        default=None, description="Cron, OnCalendar or an interval; several lines as a list."
    )
    timezone: str | None = Field(default=None, description="IANA name; UTC if not given.")
    starts_at: str | None = Field(
        default=None,
        description="ISO 8601 with a zone: nothing is due before; an interval is first due then.",
        json_schema_extra=DATE_TIME,
    )
    start_by_s: int | None = Field(
        default=None,
        description="Grace after a due time. If not given or null: 300, for jobs no limit.",
    )
    grace_s: int | None = Field(default=None, description="The same as start_by_s.")
    finish_by_s: int | None = None
    slow_after_ms: int | None = None
    slow_after_s: float | None = None
    min_duration_ms: int | None = None
    early_s: int | None = None
    failures_before_down: int | None = None
    successes_before_up: int | None = None

    def spec(self, base: WatchSpec) -> WatchSpec:
        """Return `base` with what is said here."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        for alias, name in _ALIASES.items():
            if alias in said:
                value = said.pop(alias)
                said[name] = _ms(value) if alias == "slow_after_s" else value
        if isinstance(said.get("schedule"), list):
            said["schedule"] = "\n".join(said["schedule"])
        if said.get("starts_at") is not None:
            said["starts_at"] = _start(said["starts_at"])
        said = {name: value for name, value in said.items() if name in _SPEC}
        cleared = {n: getattr(_CLEARED, n) for n, value in said.items() if value is None}
        tags = {"tags": tuple(said["tags"])} if said.get("tags") else {}
        return replace(base, **said | cleared | tags)

    def faults(self) -> dict[str, str]:
        """Return what the rules of the core find, under the names that were sent."""
        wrong = {
            alias: f"is the same as {name}; give one of them"
            for alias, name in _ALIASES.items()
            if {alias, name} <= self.model_fields_set
        }
        if self.starts_at is not None and _start(self.starts_at) is None:
            wrong["starts_at"] = "give a time such as 2027-01-01T00:00:00Z"
        try:
            check(self.spec(WatchSpec(name="x")))
        except Problem as problem:
            sent = {name: alias for alias, name in _ALIASES.items() if self._sent(alias)}
            return {sent.get(n, n): text for n, text in problem.fields.items()} | wrong
        return wrong

    def check(self) -> None:
        """Raise a Problem of all bad fields."""
        if wrong := self.faults():
            raise Problem("invalid", "see errors", wrong)

    def _sent(self, name: str) -> bool:
        return name in self.model_fields_set


def _ms(seconds: float | None) -> int | None:
    """Return milliseconds; what is no sensible number stays out of range."""
    return None if seconds is None else round(seconds * 1000) if 0 < seconds < 1e12 else -1


def _start(text: str) -> datetime | None:
    try:
        return instant("starts_at", text)
    except Problem:
        return None


class WatchNew(WatchFields):
    """A new watch."""

    stand_in: ClassVar[Mapping[str, Any]] = {"name": "x"}
    name: str


class WatchChange(WatchFields):
    """Changes of a watch: what is not sent stays."""

    name: str = Field(default="x", description="Stays if not sent.")


class JobFields(WatchFields):
    """What may be said of a job besides its watch: its run rules."""

    overlap: Literal["skip", "queue_one", "allow", "cancel_previous"] | None = None
    catch_up: Literal["none", "last", "all"] | None = None
    catch_up_max: int | None = None
    catch_up_window_s: int | None = None
    max_attempts: int | None = None
    backoff_s: int | None = None
    lost_run: Literal["fail", "rerun", "skip"] | None = None
    priority: int | None = Field(default=None, description="0 to 3; a higher one goes first.")
    max_runs: int | None = Field(
        default=None, description="After so many runs the job is paused; null: no limit."
    )
    reset_on_resume: bool | None = Field(
        default=None, description="Whether resuming counts runs from 0 again; else reset does."
    )
    concurrency_key: str | None = Field(
        default=None,
        description="Jobs of a workspace that name the same share places.",
        json_schema_extra={"pattern": f"^{CONCURRENCY_KEY}$"},
    )
    concurrency_limit: int | None = Field(
        default=None, description="So many of them run at once, 1 if absent; the lowest counts."
    )

    def policy(self, base: Policy, default: Policy) -> Policy:
        """Return `base` with what is said here; null means the default."""
        said = {name: getattr(self, name) for name in self.model_fields_set & _POLICY}
        values: dict[str, Any] = {
            name: getattr(default, name) if value is None else _ENUMS.get(name, _same)(value)
            for name, value in said.items()
        }
        return replace(base, **values)

    def given_action(self) -> dict[str, Any] | None:
        """Return the action as it was sent."""
        return None

    def faults(self) -> dict[str, str]:
        """Return what the rules of the core find in watch, action and run rules."""
        wrong = super().faults()
        action = self.given_action()
        kind, rest = split(action) if action is not None else ("http", {"url": "http://x"})
        spec = JobSpec(WatchSpec(name="x"), kind, rest, self.policy(Policy(), Policy()))
        try:
            jobs.check(spec)
        except Problem as problem:
            wrong |= problem.fields
        return wrong


_Action = Annotated[
    dict[str, Any],
    Field(
        description="`kind` is http (url, method, headers, body, timeout_s, expected_status, "
        "max_redirects) or script (language, source, args, env, timeout_s, output_cap_bytes, "
        "memory_limit_mb, file_limit_mb, input, interpreter, network)."
    ),
]


class JobNew(JobFields):
    """A new job."""

    stand_in: ClassVar[Mapping[str, Any]] = {
        "name": "x",
        "action": {"kind": "http", "url": "http://x"},
    }
    name: str
    action: _Action

    def given_action(self) -> dict[str, Any]:
        """Return the action as it was sent."""
        return self.action


class JobChange(JobFields):
    """Changes of a job: what is not sent stays; an action is replaced as a whole."""

    name: str = Field(default="x", description="Stays if not sent.")
    action: _Action = Field(default={"kind": "http", "url": "http://x"})

    def given_action(self) -> dict[str, Any] | None:
        """Return the action if one was sent."""
        return self.action if self._sent("action") else None


def split(action: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the kind of an action and the rest of it."""
    return str(action.get("kind")), {n: value for n, value in action.items() if n != "kind"}


class Trigger(Body):
    """A run by hand: its input, as text or as a JSON object."""

    input: str | dict[str, Any] | None = None


class Cancel(Body):
    """Why a run shall stop."""

    reason: Annotated[str, Field(max_length=200)] | None = None


class Nothing(Body):
    """No fields."""


_GROUP: Any = Field(
    default=None,
    description="Seconds for which flips are collected for one message, 0: each is told by itself."
    " If not given or null: 0 for webhook, pagerduty and opsgenie, 10 for all others.",
    json_schema_extra={"minimum": 0, "maximum": MOST_WINDOW_S},
)


class ChannelNew(Body):
    """A new channel; its settings are those of its kind."""

    stand_in: ClassVar[Mapping[str, Any]] = {
        "name": "x",
        "kind": "webhook",
        "settings": {"url": "http://x"},
    }
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    kind: ChannelKind
    settings: dict[str, Any]
    group_window_s: int | None = _GROUP

    def check(self) -> None:
        """Raise a Problem of all settings that the kind refuses."""
        checked(self.kind, self.settings)


class ChannelChange(Body):
    """Changes of a channel: settings that are not sent stay, null takes one out."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")] = "x"
    settings: dict[str, Any] = Field(default_factory=dict)
    enabled: bool = True
    group_window_s: int | None = _GROUP
