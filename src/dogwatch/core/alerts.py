"""Who is told what, in which words, and when a delivery is tried again. Flips alone lead here."""

import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

from dogwatch.core.windows import Digest, Quiet


class Event(StrEnum):
    """What people can be told about, gravest first; `test` is sent by hand and matches no flip.

    `slow` is another word for `degraded` in rules: nothing but slowness degrades. `late` comes from
    no flip: a slot is due and has not been judged yet.
    """

    DOWN = "down"
    DEGRADED = "degraded"
    SLOW = "slow"
    LATE = "late"
    RECOVERED = "recovered"
    TEST = "test"


_EVENTS = {
    ("new", "degraded"): Event.DEGRADED,
    ("up", "degraded"): Event.DEGRADED,
    ("down", "degraded"): Event.RECOVERED,  # it works again, though not well
    ("down", "up"): Event.RECOVERED,
    ("degraded", "up"): Event.RECOVERED,
}


def event_of(from_status: str, to_status: str) -> Event | None:
    """Return the event a flip means to people; None for a first sign of life, pause and resume."""
    if to_status == "down":
        return None if from_status == "down" else Event.DOWN
    return _EVENTS.get((str(from_status), str(to_status)))


# --- rules -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scope:
    """Which watches: all, those with any of the tags, those of the projects, or these by id."""

    kind: Literal["all", "tags", "project", "watches"] = "all"
    values: frozenset[str] = frozenset()

    def covers(self, watch_id: str, tags: Collection[str], project: str | None) -> bool:
        """Tell whether a watch with this id, tags and project id is meant."""
        match self.kind:
            case "all":
                return True
            case "tags":
                return not self.values.isdisjoint(tags)
            case "project":
                return project in self.values
            case "watches":
                return watch_id in self.values


@dataclass(frozen=True, slots=True)
class Escalation:
    """Tells another channel where nobody has acknowledged within `after_s` of the first alert."""

    channel_id: str
    after_s: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Sends the `events` of the watches in `scope` to one channel.

    An opening alert waits `delay_s` and goes only if it is still true; in `quiet` hours all waits
    for their end. With a `digest` all is told at its time of day. What went is said again every
    `repeat_s` until it is acknowledged or over, and to others by `escalations`.
    """

    id: str
    channel_id: str
    events: frozenset[Event] = frozenset({Event.DOWN, Event.RECOVERED})
    scope: Scope = Scope()
    delay_s: int = 0
    quiet: Quiet | None = None
    repeat_s: int | None = None
    digest: Digest | None = None
    escalations: tuple[Escalation, ...] = ()

    @property
    def follows_up(self) -> bool:
        """Whether it has more to say while nobody acknowledges."""
        return bool(self.repeat_s or self.escalations)


def matches(
    rule: Rule, event: Event, watch_id: str, tags: Collection[str], project: str | None
) -> bool:
    """Tell whether the rule sends this event of this watch to its channel."""
    asked = event in rule.events or (event is Event.DEGRADED and Event.SLOW in rule.events)
    return asked and rule.scope.covers(watch_id, tags, project)


# Machines and pagers want each flip; people want one message for one cause.
ONE_EACH = frozenset({"webhook", "pagerduty", "opsgenie"})
GROUP_WINDOW_S = 10


def group_window_s(kind: str, own: int | None) -> int:
    """Return for how many seconds a channel of this kind collects flips for one message.

    `own` is what its owner said, if anything. 0: each flip is a message of its own.
    """
    if own is not None:
        return own
    return 0 if kind in ONE_EACH else GROUP_WINDOW_S


# --- messages --------------------------------------------------------------------------------

TAIL_LINES = 5
TAIL_BYTES = 1024
_NAME_LENGTH = 160
_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Message:
    """The facts of one delivery: one flip, or one test, told to one channel.

    `delivery_id` stays the same over retries, so receivers can tell a repeat. `since_at` is when
    the present status began. `duration_ms` is that of the run which changed the status,
    `down_for_s` is how long a recovered watch was down. `timezone` (IANA) is for people's times.
    """

    delivery_id: str
    event: Event
    workspace: str
    watch_id: str
    slug: str
    name: str
    tags: tuple[str, ...]
    status: str
    previous_status: str
    since_at: datetime
    expected_at: datetime | None
    reason: str
    last_ok_at: datetime | None
    duration_ms: int | None
    down_for_s: float | None
    output_tail: str
    url: str
    rehearsal: bool = False
    timezone: str = "UTC"


def subject(message: Message) -> str:
    """Return one line without control characters: "Down: Nightly database backup"."""
    words = f"{message.event.capitalize()}: {one_line(message.name, _NAME_LENGTH)}"
    return f"[Rehearsal] {words}" if message.rehearsal else words


def text(message: Message) -> str:
    """Return the facts in plain words, at most one phone screen, no control characters but \\n."""
    return "\n".join([subject(message), "", *_notes(message), *_facts(message), *_output(message)])


def to_json(message: Message) -> dict[str, object]:
    """Return the webhook's body; keys are only ever added.

    `{"type": "watch.down" | "watch.degraded" | "watch.recovered" | "watch.test",
    "timestamp": since_at, "data": {...}}`; times are RFC 3339 in UTC, what is unknown is null.
    """
    watch = {
        "id": message.watch_id,
        "slug": message.slug,
        "name": message.name,
        "tags": list(message.tags),
        "url": message.url,
    }
    data = {
        "delivery_id": message.delivery_id,
        "event": str(message.event),
        "rehearsal": message.rehearsal,
        "workspace": message.workspace,
        "watch": watch,
        "status": str(message.status),
        "previous_status": str(message.previous_status),
        "since_at": _iso(message.since_at),
        "expected_at": _iso(message.expected_at),
        "reason": message.reason,
        "last_ok_at": _iso(message.last_ok_at),
        "duration_ms": message.duration_ms,
        "down_for_s": message.down_for_s,
        "output_tail": tail(message.output_tail),
    }
    return {"type": f"watch.{message.event}", "timestamp": _iso(message.since_at), "data": data}


def tail(output: str) -> str:
    """Return the last lines of an output that a message may carry: 5 lines, 1024 bytes."""
    lines = "\n".join(printable(output).rstrip().split("\n")[-TAIL_LINES:])
    return lines.encode()[-TAIL_BYTES:].decode(errors="ignore")


def one_line(value: str, length: int = _REASON_LENGTH) -> str:
    """Return `value` as one printable line: line breaks of every Unicode kind become spaces."""
    line = " ".join(printable(value).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def printable(value: str) -> str:
    """Return `value` with \\n as its only line break and without control or half characters."""
    return "".join(map(_printable, value.replace("\r\n", "\n")))


def span(seconds: float) -> str:
    """Return a length of time in at most two units: "40 s", "4 min", "1 h 20 min", "2 d 3 h"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return _two(minutes // 60, "h", minutes % 60, "min")
    return _two(minutes // 1440, "d", minutes % 1440 // 60, "h")


def _two(major: int, major_unit: str, minor: int, minor_unit: str) -> str:
    return f"{major} {major_unit}" + (f" {minor} {minor_unit}" if minor else "")


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if character in "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029":
        return "\n"
    if category == "Cs":
        return "\ufffd"
    return character if category != "Cc" or character == "\n" else " "


def _notes(message: Message) -> Iterator[str]:
    if message.event is Event.TEST:
        yield "This is a test of this channel. Nothing is wrong."
    if message.rehearsal:
        yield "This is a rehearsal. Nothing is wrong."


def _facts(message: Message) -> Iterator[str]:
    if message.reason:
        yield f"Why: {one_line(message.reason)}"
    if message.expected_at:
        yield f"Expected: {_local(message.expected_at, message.timezone)}"
    yield f"Since: {_local(message.since_at, message.timezone)}"
    if message.down_for_s is not None:
        yield f"Was down for: {span(message.down_for_s)}"
    if message.duration_ms is not None:
        yield f"Took: {span(message.duration_ms / 1000)}"
    if message.last_ok_at and message.event is not Event.RECOVERED:
        yield f"Last good: {_local(message.last_ok_at, message.timezone)}"
    if message.tags:
        yield f"Tags: {one_line(', '.join(message.tags), _NAME_LENGTH)}"
    yield f"Workspace: {one_line(message.workspace, _NAME_LENGTH)}"
    yield f"Open: {message.url}"


def _output(message: Message) -> Iterator[str]:
    if output := tail(message.output_tail):
        yield ""
        yield "Last lines of output:"
        yield from (f"  {line}" for line in output.split("\n"))


def _iso(at: datetime | None) -> str | None:
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _local(at: datetime, timezone: str) -> str:
    try:
        local = at.astimezone(ZoneInfo(timezone))
    except (ValueError, OSError, KeyError):  # a zone this machine lost must not lose the message
        return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{local:%Y-%m-%d %H:%M} {timezone.rpartition('/')[2].replace('_', ' ')}"


# --- attempts --------------------------------------------------------------------------------


class Verdict(StrEnum):
    """What one attempt came to: arrived, try again, never will, or the receiver wants no more."""

    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: what it came to, and the service's answer in words, without secrets.

    `status_code` is that of HTTP or SMTP, None where no answer came.
    """

    verdict: Verdict
    status_code: int | None
    detail: str
    duration_ms: int
    retry_after_s: float | None = None


# Seconds before the first attempt, the second, and so on: a day in all.
RETRY_PLAN_S: tuple[float, ...] = (0, 5, 15, 60, 300, 900, 1800, 3600, *[7200] * 11)
RETRY_AFTER_CAP_S = 3600.0
_JITTER = 0.1


def retry_after(attempt: int, jitter: float, retry_after_s: float | None = None) -> float | None:
    """Return the seconds to wait after `attempt` attempts, None when the day is over.

    `jitter` (0..1, drawn by the caller) spreads the wait by ±10 %. The receiver's own
    `retry_after_s` is honoured up to an hour; it can only lengthen the wait.
    """
    if attempt >= len(RETRY_PLAN_S):
        return None
    planned = RETRY_PLAN_S[attempt] * (1 - _JITTER + 2 * _JITTER * jitter)
    return max(planned, min(retry_after_s or 0.0, RETRY_AFTER_CAP_S))


def verdict_of(status_code: int | None) -> Verdict:
    """Judge an HTTP answer (None: none came) as Standard Webhooks does.

    2xx alone is arrival and 410 ends the subscription. All else is tried again, redirects too:
    they are not followed, as the body was signed for this address, and most are mistakes that
    get mended.
    """
    if status_code is not None and 200 <= status_code < 300:
        return Verdict.SENT
    return Verdict.DISABLE if status_code == 410 else Verdict.RETRY
