"""The shapes of Healthchecks: tags in one text, seconds, times like 2020-03-24T14:02:03+00:00."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import PydanticCustomError

from dogwatch.core.ping import Kind
from dogwatch.core.spec import WatchSpec
from dogwatch.core.watch import Status, phase
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.lists import FlipRow, Record
from dogwatch.web.api.problems import faults_of
from dogwatch.web.dialect.text import LINES, ONE_LINE
from dogwatch.web.dialects.healthchecks.errors import FAULTS

TIMEOUT_S, GRACE_S = 86_400, 3_600
LEAST_S, MOST_S = 60, 31_536_000
MOST_EPOCH_S = 10_000_000_000
UNNAMED = "unnamed"
# What only this dialect has a field for, as it is until somebody says more.
SAID: Mapping[str, Any] = {
    "manual_resume": False,
    "methods": "",
    "start_kw": "",
    "success_kw": "",
    "failure_kw": "",
    "filter_subject": False,
    "filter_body": False,
    "filter_http_body": False,
    "filter_default_fail": False,
}
_STATUSES = {
    "late": "grace",
    Status.NEW: "new",
    Status.UP: "up",
    Status.DEGRADED: "up",
    Status.DOWN: "down",
    Status.PAUSED: "paused",
}
_TYPES = {Kind.OK: "success", Kind.FAIL: "fail", Kind.START: "start", Kind.LOG: "log"}


def iso(at: datetime | None) -> str | None:
    """Return a time as this dialect writes it."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat() if at else None


def unique_key(uuid: str) -> str:
    """Return what names a check to those who may not ping it: a hash of half of its UUID."""
    half = uuid.replace("-", "")[:16]
    return hashlib.sha1(half.encode(), usedforsecurity=False).hexdigest()


def check(
    named: Named,
    pings: int,
    channels: Sequence[str],
    origin: str,
    badge_url: str,
    version: str,
    at: datetime,
    *,
    readonly: bool,
) -> dict[str, Any]:
    """Return a check; who may only read is told of no address by which it is pinged or changed."""
    alias, record = named
    watch, said = record.watch, alias.said
    running = any(run.started_at for run in watch.open)
    status = _STATUSES[phase(watch, at)]
    silent = watch.status in (Status.NEW, Status.PAUSED, Status.DOWN)
    shown: dict[str, Any] = {
        "name": "" if said.get("nameless") and record.name == UNNAMED else record.name,
        "slug": record.slug,
        "tags": " ".join(record.tags),
        "desc": record.description,
        "grace": watch.plan.start_by_s or 0,
        "n_pings": pings,
        "status": "started" if running and version == "v1" else status,
        "started": running,
        "last_ping": iso(watch.heard_at),  # a start and a log are no success and no failure
        "next_ping": None if silent else iso(watch.slot_at),
        **_said(said),
        "badge_url": badge_url,
    }
    if watch.duration_ms:
        shown["last_duration"] = watch.duration_ms // 1000
    if readonly:
        shown["unique_key"] = unique_key(alias.name)
    else:
        place = f"{origin}/api/{version}/checks/{alias.name}"
        shown |= {
            "uuid": alias.name,
            "ping_url": f"{origin}/ping/{alias.name}",
            "update_url": place,
            "pause_url": f"{place}/pause",
            "resume_url": f"{place}/resume",
            "channels": ",".join(channels),
        }
    return shown | _timing(record)


def _said(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what only this dialect has fields for; `subject…` are old names of two of them."""
    shown = {name: said.get(name, default) for name, default in SAID.items()}
    by_subject = bool(shown["filter_subject"])
    subjects = {
        "subject": shown["success_kw"] if by_subject else "",
        "subject_fail": shown["failure_kw"] if by_subject else "",
    }
    first = {name: shown.pop(name) for name in ("manual_resume", "methods")}
    return first | subjects | shown


def _timing(record: Record) -> dict[str, Any]:
    schedule = record.watch.plan.schedule
    if schedule is None:
        return {"timeout": TIMEOUT_S}
    if schedule.interval_s:
        return {"timeout": schedule.interval_s}
    return {"schedule": record.schedule, "tz": record.timezone}


def ping(
    row: Mapping[str, Any], number: int, place: str, said: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the `number`th ping of the log; `place` is the address of its check, of which this is
    `said`."""
    takes_it = said.get("methods", "") in ("", row["method"])
    ignored = row["kind"] == Kind.LOG and (said.get("filter_http_body") or not takes_it)
    shown = {
        "type": "ign" if ignored else _TYPES[row["kind"]],
        "date": row["at"].astimezone(UTC).isoformat(),
        "n": number,
        "scheme": row["scheme"],
        "remote_addr": row["remote_ip"],
        "method": row["method"],
        "ua": row["user_agent"],
        "rid": row["rid"],
    }
    if row["duration_ms"] is not None:
        shown["duration"] = row["duration_ms"] / 1000
    if row["exit_code"] is not None:
        shown["exitstatus"] = row["exit_code"]
    return shown | {"body_url": f"{place}/pings/{number}/body" if row["body"] else None}


def flip(row: FlipRow) -> dict[str, Any]:
    """Return one change between up and down."""
    return {"timestamp": iso(row.at), "up": 0 if row.to_status == "down" else 1}


Text = Annotated[str, Field(strict=True)]
Seconds = Annotated[int, Field(strict=True, ge=LEAST_S, le=MOST_S)]
Unique = Literal["name", "slug", "tags", "timeout", "grace"]


class InItsWords(BaseModel):
    """What clients send, whose faults are told as Healthchecks does; the unknown is left out."""

    model_config = ConfigDict(extra="ignore")

    @field_validator("*", mode="wrap")
    @classmethod
    def _in_its_words(
        cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            fault = error.errors()[0]
            words = FAULTS.get(fault["type"]) or " ".join(faults_of([fault]).values())
            told = f"an item in '{info.field_name}' {words}" if fault["loc"] else words
            raise PydanticCustomError("fault", "{told}", {"told": told}) from None


class FlipsAsked(InItsWords):
    """Which flips: of the last `seconds`, from `start` on, and before `end`, in seconds of the
    epoch; where several are given, all of them."""

    seconds: Annotated[int, Field(ge=0, le=MOST_S)] | None = None
    start: Annotated[int, Field(ge=0, le=MOST_EPOCH_S)] | None = None
    end: Annotated[int, Field(ge=0, le=MOST_EPOCH_S)] | None = None

    def covers(self, flip_at: datetime, at: datetime) -> bool:
        """Whether a flip is asked for at a time."""
        ago_s, epoch_s = (at - flip_at).total_seconds(), flip_at.timestamp()
        return (
            (self.seconds is None or ago_s <= self.seconds)
            and (self.start is None or epoch_s >= self.start)
            and (self.end is None or epoch_s < self.end)
        )


class CheckSent(InItsWords):
    """What makes or changes a check; what is not sent stays."""

    name: Annotated[str, Field(strict=True, max_length=100), ONE_LINE] = ""
    slug: Annotated[str, Field(strict=True, pattern=r"^[a-z0-9-_]*$", max_length=64)] = ""
    tags: Annotated[str, Field(strict=True, max_length=500), ONE_LINE] = ""
    desc: Annotated[str, Field(strict=True, max_length=4_000), LINES] = ""
    timeout: Seconds = TIMEOUT_S
    grace: Seconds = GRACE_S
    schedule: Annotated[str, Field(strict=True, max_length=256)] = ""
    tz: Annotated[str, Field(strict=True, max_length=64)] = "UTC"
    manual_resume: StrictBool = False
    methods: Literal["", "POST"] = ""
    channels: Text = ""
    unique: list[Unique] = []
    subject: Annotated[str, Field(strict=True, max_length=200), ONE_LINE] = ""
    subject_fail: Annotated[str, Field(strict=True, max_length=200), ONE_LINE] = ""
    start_kw: Annotated[str, Field(strict=True, max_length=200), ONE_LINE] = ""
    success_kw: Annotated[str, Field(strict=True, max_length=200), ONE_LINE] = ""
    failure_kw: Annotated[str, Field(strict=True, max_length=200), ONE_LINE] = ""
    filter_subject: StrictBool = False
    filter_body: StrictBool = False
    filter_http_body: StrictBool = False
    filter_default_fail: StrictBool = False

    def said(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was sent of what only this dialect has a field for.

        A `subject` is what is looked for in subjects from then on, as in the days of those fields.
        """
        sent, old = self.model_fields_set, dict[str, Any]()
        if "subject" in sent:
            old["success_kw"] = self.subject
        if "subject_fail" in sent:
            old["failure_kw"] = self.subject_fail
        if old:
            both = dict(before) | old
            old["filter_subject"] = bool(both.get("success_kw") or both.get("failure_kw"))
        nameless = {"nameless": not self.name} if "name" in sent or not before else {}
        return old | self.model_dump(exclude_unset=True, include=set(SAID)) | nameless

    def spec(self, before: WatchSpec) -> WatchSpec:
        """Return the watch as it shall be; a schedule wins over a timeout.

        A run may take as long as the grace, unless another limit was set elsewhere.
        """
        sent = self.model_fields_set
        changed: dict[str, Any] = {}
        if "name" in sent:
            changed["name"] = self.name or UNNAMED
        if "slug" in sent and self.slug:
            changed["slug"] = self.slug
        if "tags" in sent:
            changed["tags"] = self._tags
        if "desc" in sent:
            changed["description"] = self.desc
        if "grace" in sent:
            changed["start_by_s"] = self.grace
            if before.finish_by_s == before.start_by_s:
                changed["finish_by_s"] = self.grace
        if "tz" in sent:
            changed["timezone"] = self.tz
        if "schedule" in sent:
            changed["schedule"] = self.schedule
        elif "timeout" in sent:
            changed["schedule"] = f"every {self.timeout}s"
        return replace(before, **changed)

    @property
    def _tags(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.tags.split()))

    @property
    def looks(self) -> bool:
        """Whether there is to be looked for a check: all that `unique` names was sent as well."""
        return bool(self.unique) and self.model_fields_set.issuperset(self.unique)

    def same(self, record: Record) -> bool:
        """Whether a check has all of what `unique` names."""
        schedule = record.watch.plan.schedule
        held = {
            "name": record.name,
            "slug": record.slug,
            "tags": record.tags,
            "timeout": schedule.interval_s if schedule else None,
            "grace": record.watch.plan.start_by_s,
        }
        wanted = {"name": self.name or UNNAMED, "tags": self._tags}
        return all(held[name] == wanted.get(name, getattr(self, name)) for name in self.unique)


FRESH = WatchSpec(
    name=UNNAMED, schedule=f"every {TIMEOUT_S}s", start_by_s=GRACE_S, finish_by_s=GRACE_S
)
