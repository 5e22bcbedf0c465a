"""What is sent and shown of events."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictInt, field_validator

from dogwatch.core.http_action import METHODS
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.lists import WatchView
from dogwatch.usecases.numbered import Score
from dogwatch.web.dialect.times import Instant
from dogwatch.web.dialects.cronium.answers import PageAsked, Pagination, Shape
from dogwatch.web.dialects.cronium.wire.actions import Action
from dogwatch.web.dialects.cronium.wire.event import HTTP, LANGUAGES, TIMES, Event
from dogwatch.web.dialects.cronium.wire.fields import (
    MOST,
    Count,
    Cron,
    Flag,
    Headers,
    Name,
    Pairs,
    Sent,
    StatusName,
    Tags,
    Text,
    Time,
    Type,
    Unit,
    Words,
    Zone,
    choice,
    fault,
    nullable,
)

MOST_DOWNLOADED = 1_000

Trigger = Annotated[
    str,
    nullable("MANUAL"),
    choice("MANUAL", "SCHEDULE", also={"SCHEDULED": "SCHEDULE"}),
]
Actions = Annotated[list[Action], nullable([]), Field(max_length=20)]
ACTIONS = ("conditional_actions", "conditional_events", "on_success_actions", "on_fail_actions")
Method = Annotated[str, nullable("GET"), choice(*METHODS)]


class _EventSent(Sent):
    """All that may be sent of an event; two spellings of one thing are both read."""

    name: Name = ""
    type: Type = ""
    description: Words = ""
    content: Text = None
    script: Text = None
    http_method: Method = "GET"
    http_url: Text = None
    http_headers: Headers = ()
    http_body: Text = None
    env_vars: Pairs = Field(default_factory=dict)
    status: StatusName = "DRAFT"
    trigger_type: Trigger = "MANUAL"
    schedule_number: Annotated[Count, nullable(1)] = 1
    schedule_unit: Unit = "MINUTES"
    custom_schedule: Cron = None
    schedule: Cron = None
    start_time: Time = None
    timezone: Zone = "UTC"
    run_location: str | None = None
    server_id: Any = None
    timeout_value: Annotated[Count, nullable(30)] = 30
    timeout_unit: Annotated[Unit, nullable("SECONDS")] = "SECONDS"
    retries: Annotated[StrictInt, nullable(0), Field(ge=0, le=10)] = 0
    max_executions: Annotated[StrictInt, Field(ge=0, le=MOST)] | None = None
    reset_counter_on_active: Flag = False
    shared: Flag = False
    tags: Tags = Field(default_factory=list)
    conditional_actions: Actions = Field(default_factory=list)
    conditional_events: Actions = Field(default_factory=list)
    on_success_actions: Actions = Field(default_factory=list)
    on_fail_actions: Actions = Field(default_factory=list)

    @field_validator("on_success_actions", "on_fail_actions", mode="before")
    @classmethod
    def _typed(cls, value: Any, info: Any) -> Any:
        """Give actions of the older spelling the type that their list says."""
        kind = "ON_SUCCESS" if info.field_name == "on_success_actions" else "ON_FAILURE"
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            return value
        return [{**one, "type": kind} for one in value]

    @field_validator("run_location", "server_id", mode="before")
    @classmethod
    def _here(cls, value: Any) -> None:
        """Refuse to run elsewhere: there are no servers."""
        if value is not None and not (isinstance(value, str) and value.upper() == "LOCAL"):
            raise fault("must be LOCAL or null: events run where Dogwatch runs, not over SSH")

    def changes(self, shown: "EventOut | None") -> dict[str, Any]:
        """Return what differs from what is `shown`: who sends back all that he read and one thing
        more means that one thing."""
        sent = {
            name: getattr(self, name)
            for name in self.model_fields_set - {"run_location", "server_id"}
            if shown is None or getattr(self, name) != shown.as_sent(name)
        }
        for name, other in (("script", "content"), ("schedule", "custom_schedule")):
            if name in sent:
                sent[other] = sent.pop(name) if sent[name] is not None else sent.get(other)
        if "tags" in sent:
            sent["tags"] = tuple(sent["tags"])
        followed = [sent.pop(name) for name in ACTIONS if name in sent]
        if followed:
            sent["conditional_actions"] = [one for some in followed for one in some]
        for name in ("custom_schedule", "max_executions"):  # "" and 0 are none
            if name in sent:
                sent[name] = sent[name] or None
        return sent


class EventNew(_EventSent):
    """What makes an event."""

    name: Name
    type: Type
    script: Text = Field(default=None, validate_default=True)
    http_url: Text = Field(default=None, validate_default=True)

    @field_validator("script")
    @classmethod
    def _has_script(cls, value: str | None, info: Any) -> str | None:
        scripted = info.data.get("type") in LANGUAGES
        if scripted and not value and not info.data.get("content", "?"):
            raise fault("is required")
        return value

    @field_validator("http_url")
    @classmethod
    def _has_url(cls, value: str | None, info: Any) -> str | None:
        if info.data.get("type") == HTTP and not value:
            raise fault("is required")
        return value


class EventChange(_EventSent):
    """What changes of an event; what is not sent stays."""


class Execute(Sent):
    """How an event is run by hand: what it finds in its environment and gets as input."""

    env_vars: Pairs = Field(default_factory=dict)
    input: Any = None


class Download(Sent):
    """Which events are handed out, all unless some are named, and as what."""

    event_ids: Annotated[list[StrictInt], Field(max_length=MOST_DOWNLOADED)] | None = None
    format: Annotated[str, nullable("JSON"), choice("JSON", "ZIP")] = "JSON"


class EventsAsked(PageAsked):
    """Which events."""

    status: Annotated[
        str | None,
        nullable(""),
        choice("", "ACTIVE", "INACTIVE", "SCHEDULED", "DRAFT", "PAUSED", "ARCHIVED"),
    ] = None


class EnvVar(Shape):
    """One variable of the environment; its value is never shown."""

    id: int
    event_id: int
    key: str
    value: str


class HeaderOut(Shape):
    """One header of a request."""

    key: str
    value: str


class EventOut(Shape):
    """An event: the names of its columns, then those that only the document has."""

    id: int
    user_id: str
    name: str
    description: str
    shared: bool
    type: str
    content: str | None
    http_method: str
    http_url: str | None
    http_headers: list[HeaderOut]
    http_body: str | None
    tool_action_config: None
    status: str
    trigger_type: str
    schedule_number: int
    schedule_unit: str
    custom_schedule: str | None
    start_time: Instant | None
    timezone: str
    run_location: Literal["LOCAL"]
    server_id: None
    timeout_value: int
    timeout_unit: str
    retries: int
    execution_count: int
    max_executions: int | None
    reset_counter_on_active: bool
    payload_version: int
    last_run_at: Instant | None
    next_run_at: Instant | None
    success_count: int
    failure_count: int
    tags: list[str]
    created_at: Instant
    updated_at: Instant
    script: str | None
    schedule: str | None
    last_run: Instant | None
    next_run: Instant | None
    env_vars: list[EnvVar]
    server: None
    servers: list[int]
    event_servers: list[int]
    conditional_actions: list[Action]
    success_events: list[Action]
    fail_events: list[Action]
    always_events: list[Action]
    condition_events: list[Action]

    @classmethod
    def of(
        cls, event: Event, named: Named, view: WatchView, score: Score, follows: Sequence[Action]
    ) -> Self:
        """Return what is shown of an event: how its runs ended, and what `follows` them."""
        number, record, timing = named[0].number, named[1], event.timing
        own = ("name", "description", "shared", "type", "content", "http_method", "http_url",
               "http_body", "status", "timeout_value", "timeout_unit", "retries",
               "max_executions", "reset_counter_on_active")  # fmt: skip
        last, following = view.last_run, None if event.status != "ACTIVE" else record.watch.slot_at
        last_at = (last.started_at or last.queued_at) if last else None
        return cls(
            id=number,
            user_id=str(record.workspace_id),
            http_headers=[HeaderOut(key=key, value=value) for key, value in event.http_headers],
            tool_action_config=None,
            **{name: getattr(event, name) for name in own},
            **{name: getattr(timing, name) for name in TIMES},
            run_location="LOCAL",
            server_id=None,
            execution_count=view.job.run_count if view.job else 0,
            payload_version=1,
            last_run_at=last_at,
            next_run_at=following,
            success_count=score.good,
            failure_count=score.bad,
            tags=list(event.tags),
            created_at=record.created_at,
            updated_at=record.updated_at,
            script=event.content,
            schedule=timing.custom_schedule or _cron_of(record.schedule),
            last_run=last_at,
            next_run=following,
            env_vars=_env(number, event.env_vars),
            server=None,
            servers=[],
            event_servers=[],
            conditional_actions=list(follows),
            success_events=[one for one in follows if one.type == "ON_SUCCESS"],
            fail_events=[one for one in follows if one.type == "ON_FAILURE"],
            always_events=[one for one in follows if one.type == "ALWAYS"],
            condition_events=[one for one in follows if one.type == "ON_CONDITION"],
        )

    def as_sent(self, name: str) -> Any:
        """Return a field in the form that `_EventSent` has it in."""
        match name:
            case "env_vars":
                return {one.key: one.value for one in self.env_vars}
            case "http_headers":
                return tuple((one.key, one.value) for one in self.http_headers)
            case "conditional_events":
                return self.conditional_actions
            case "on_success_actions":
                return self.success_events
            case "on_fail_actions":
                return self.fail_events
        return getattr(self, name)


def _env(number: int, env: Mapping[str, str]) -> list[EnvVar]:
    return [
        EnvVar(id=place, event_id=number, key=key, value=value)
        for place, (key, value) in enumerate(env.items(), 1)
    ]


def _cron_of(line: str | None) -> str | None:
    """Return a schedule if it is a cron line."""
    return line if line and "\n" not in line and len(line.split()) == 5 else None


class OneEvent(Shape):
    """An event."""

    event: EventOut


class SomeEvents(Shape):
    """A page of events."""

    events: list[EventOut]
    pagination: Pagination


class ExecutionOut(Shape):
    """A run that was just started."""

    id: str
    event_id: int
    status: str
    started_at: Instant
    input: Any


class OneExecution(Shape):
    """A run."""

    execution: ExecutionOut
