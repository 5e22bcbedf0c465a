"""Who is told what, and when a delivery is tried again. Flips alone lead here."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from dogwatch.core.windows import Digest, Quiet


class Event(StrEnum):
    """What people can be told about, gravest first; `test` is sent by hand and matches no flip.

    `slow` is another word for `degraded` in rules. `late` comes from no flip: a slot is due and has
    not been judged yet. `note` is what a conditional action says.
    """

    DOWN = "down"
    DEGRADED = "degraded"
    SLOW = "slow"
    LATE = "late"
    RECOVERED = "recovered"
    NOTE = "note"
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
        """Tell whether a watch with this id, these tags and this project is meant."""
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

    def asks(self, event: Event) -> bool:
        """Tell whether it sends this event of what is in its scope."""
        return event in self.events or (event is Event.DEGRADED and Event.SLOW in self.events)

    @property
    def follows_up(self) -> bool:
        """Whether it has more to say while nobody acknowledges."""
        return bool(self.waits_s)

    @property
    def waits_s(self) -> tuple[int, ...]:
        """Return how long it waits each time before it has more to say."""
        repeat_s = (self.repeat_s,) if self.repeat_s else ()
        return (*repeat_s, *(step.after_s for step in self.escalations))


def said_again(rules: Iterable[Rule]) -> set[str]:
    """Return the ids of rules that send one channel what a rule before them sends it already."""
    seen, again = set[tuple[str, frozenset[Event], Scope]](), set[str]()
    for rule in rules:
        said = (rule.channel_id, rule.events, rule.scope)
        if said in seen:
            again.add(rule.id)
        seen.add(said)
    return again


def matches(
    rule: Rule, event: Event, watch_id: str, tags: Collection[str], project: str | None
) -> bool:
    """Tell whether the rule sends this event of this watch to its channel."""
    return rule.asks(event) and rule.scope.covers(watch_id, tags, project)


# They keep an alert open until its end comes under the same name.
PAGERS = frozenset({"pagerduty", "opsgenie"})
# Machines and pagers want each flip; people want one message for one cause.
ONE_EACH = PAGERS | {"webhook"}
GROUP_WINDOW_S = 10


def group_window_s(kind: str, own: int | None) -> int:
    """Return for how many seconds a channel of this kind collects flips for one message.

    `own` is what its owner said, if anything. 0: each flip is a message of its own.
    """
    if own is not None:
        return own
    return 0 if kind in ONE_EACH else GROUP_WINDOW_S


def product_of(settings: Mapping[str, Any]) -> str:
    """Return the product whose words a channel uses, "" for our own."""
    form = str(settings.get("format", "standard"))
    return "" if form == "standard" else form


def where(settings: Mapping[str, Any]) -> str:
    """Return where a channel leads, as far as it may be shown; empty where all is masked."""
    known = (settings.get(name) for name in ("to", "url", "room", "chat_id", "server_url"))
    to = next((one for one in known if one and one != "***"), "")
    return ", ".join(to) if isinstance(to, list) else str(to)


def tells_of_one(kind: str, settings: Mapping[str, Any]) -> bool:
    """Tell whether each message of a channel is about one watch: other products have no lists, and
    watches that fell together recover one by one."""
    return kind in PAGERS or bool(product_of(settings))


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
