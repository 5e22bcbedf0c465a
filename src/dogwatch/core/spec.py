"""What a user says of a watch, checked: every fault is named at once, by field."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dogwatch.core.problems import Problem, invalid, refuse
from dogwatch.core.schedule import WITHIN, Schedule, parse, parse_from
from dogwatch.core.slots import Plan

NAME_LENGTH = 200
DESCRIPTION_LENGTH = 4_000
TAGS = 20
TAG_LENGTH = 50
MAX_LIMIT_S = 366 * 86_400
GRACE_S = 300
PROJECT_LENGTH = 64
# A name stands on one line wherever it is shown.
_CONTROL = re.compile(r"[\x01-\x1f\x7f]+")
_SLUG = re.compile(r"[a-z0-9_-]{1,64}")
_LIKE_AN_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")
# Behind a key, these words and any number are what a ping reports, and no slug.
_RESERVED = frozenset({"start", "fail", "log"})
_REPORT = re.compile(f"{'|'.join(sorted(_RESERVED))}|-?[0-9]+")
SLUG_PATTERN = f"^(?!(?:{_REPORT.pattern}|{_LIKE_AN_ID.pattern})$){_SLUG.pattern}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSpec:
    """A watch as its owner describes it. Durations in seconds; see `Plan` for their meaning.

    A heartbeat without a deadline would watch nothing: None for its `start_by_s` means `GRACE_S`.
    """

    name: str
    slug: str | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    project: str | None = None
    schedule: str | None = None
    timezone: str = "UTC"
    starts_at: datetime | None = None
    start_by_s: int | None = GRACE_S
    finish_by_s: int | None = None
    slow_after_ms: int | None = None
    min_duration_ms: int | None = None
    early_s: int | None = None
    failures_before_down: int = 1
    successes_before_up: int = 1

    def plan(self, *, job: bool = False) -> Plan:
        """Return the plan of the watch; Problem if the schedule is bad."""
        limits = {name: getattr(self, name) for name in RANGES}
        if self.start_by_s is None and not job:
            limits["start_by_s"] = GRACE_S
        return Plan(self.parsed(), **limits)

    def parsed(self) -> Schedule | None:
        """Return the schedule, from its start on."""
        return parse_from(self.schedule, self.timezone, self.starts_at) if self.schedule else None


# The least and the most of each number.
RANGES = {
    "start_by_s": (0, MAX_LIMIT_S),
    "finish_by_s": (1, MAX_LIMIT_S),
    "slow_after_ms": (1, MAX_LIMIT_S * 1_000),
    "min_duration_ms": (0, MAX_LIMIT_S * 1_000),
    "early_s": (0, MAX_LIMIT_S),
    "failures_before_down": (1, 100),
    "successes_before_up": (1, 100),
}


def check(spec: WatchSpec) -> WatchSpec:
    """Return the spec, tidied; a Problem names every bad field."""
    bad: dict[str, str] = {}
    name = _CONTROL.sub(" ", _text(spec.name)).strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        bad["name"] = f"give 1 to {NAME_LENGTH} characters"
    if spec.slug is not None and (fault := _slug_fault(spec.slug)):
        bad["slug"] = fault
    if len(spec.description) > DESCRIPTION_LENGTH:
        bad["description"] = f"at most {DESCRIPTION_LENGTH} characters"
    if len(spec.tags) > TAGS or not all(
        0 < len(_text(tag).strip()) <= TAG_LENGTH for tag in spec.tags
    ):
        bad["tags"] = f"at most {TAGS} tags of 1 to {TAG_LENGTH} characters"
    if spec.project is not None and not 1 <= len(spec.project) <= PROJECT_LENGTH:
        bad["project"] = f"give 1 to {PROJECT_LENGTH} characters"
    bad |= beyond(RANGES, spec) | _bad_schedule(spec)
    refuse(bad)
    return _tidy(spec, name)


def check_due(spec: WatchSpec, at: datetime) -> None:
    """Raise a Problem if a line of a checked spec's schedule is not due within five years, or if
    it starts later than that."""
    if spec.starts_at and spec.starts_at > at + WITHIN:
        raise invalid("starts_at", "is more than 5 years from now")
    schedule = spec.parsed()
    line = schedule.silent_line(at) if schedule else None
    if line is not None:
        raise invalid("schedule", f"{line[:40]!r} does not fire within 5 years from now")


def _slug_fault(slug: str) -> str | None:
    """Say why a watch cannot have this slug; one in the form of an id might be another's."""
    if not _SLUG.fullmatch(slug) or _REPORT.fullmatch(slug):
        return "use 1 to 64 of a-z, 0-9, - and _; not start, fail, log or a number"
    return "looks like an id; make it shorter or longer" if _LIKE_AN_ID.fullmatch(slug) else None


def _tidy(spec: WatchSpec, name: str) -> WatchSpec:
    values = {field: getattr(spec, field) for field in WatchSpec.__slots__}
    tags = tuple(dict.fromkeys(_text(tag).strip() for tag in spec.tags))
    return WatchSpec(
        **values | {"name": name, "description": _text(spec.description), "tags": tags}
    )


def beyond(ranges: Mapping[str, tuple[int, int]], source: object) -> dict[str, str]:
    """Return the faults of numbers of a source that are less than the least or above the most."""
    values = {field: getattr(source, field) for field in ranges}
    return {
        field: f"give a whole number from {least} to {most}"
        for field, (least, most) in ranges.items()
        if values[field] is not None and not least <= values[field] <= most
    }


def _bad_schedule(spec: WatchSpec) -> dict[str, str]:
    try:
        parse(spec.schedule if spec.schedule else "@daily", spec.timezone)
    except Problem as problem:
        elsewhere = _bad_schedule(replace(spec, timezone="UTC")) if spec.timezone != "UTC" else {}
        return {**problem.fields, **elsewhere}
    return {} if spec.schedule != "" else {"schedule": "is empty; leave it out for none"}


def _text(value: str) -> str:
    """Return `value` without NUL and half characters, which no database keeps."""
    return value.replace("\x00", "").encode(errors="replace").decode()


def slug_of(name: str, taken: Collection[str] = ()) -> str:
    """Return a slug for a name that is not among `taken`: "Nightly Backup!" -> nightly-backup."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-")[:48] or "watch"
    if slug not in taken and not _slug_fault(slug):
        return slug
    return next(f"{slug}-{n}" for n in range(2, len(taken) + 3) if f"{slug}-{n}" not in taken)
