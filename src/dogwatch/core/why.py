"""Why a watch is as it is, and why somebody was told or was not: facts in, one sentence out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dogwatch.core.alerts import Event
from dogwatch.core.plain import one_line


@dataclass(frozen=True, slots=True)
class State:
    """The evidence, the rule and the clock behind a watch's phase.

    `heard_at` is the last evidence, `ok_at` the last good one; `reason` what the last change of
    status gave. A slot is due at `due_at` and judged at `deadline_at`. `unasked`: where, and since
    when, nobody asks what is a probe. A pause ends by itself at `resumes_at`.
    """

    phase: str
    since_at: datetime | None
    reason: str
    heard_at: datetime | None
    ok_at: datetime | None
    due_at: datetime | None
    deadline_at: datetime | None
    failures: int
    failures_before_down: int
    unasked: Sequence[tuple[str, datetime]] = ()
    resumes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """What became of one flip at one channel; `again`: it was said again, and as what."""

    channel: str
    state: str
    reason: str
    hold: str | None = None
    due_at: datetime | None = None
    attempts: int = 0
    again: str = ""


def state_sentence(state: State) -> str:
    """Return why a watch is as it is, e.g. "It is late: it was due at …"."""
    told = {
        "new": _new,
        "up": _good,
        "degraded": _degraded,
        "late": _late,
        "down": _down,
        "paused": _paused,
    }
    return " ".join([told[state.phase](state), *map(_unwatched, state.unasked)])


def _unwatched(place: tuple[str, datetime]) -> str:
    location, since_at = place
    return (
        f"It is unwatched from {location}: its turn came at {clock(since_at)}, and no node of that "
        "location is there to ask."
    )


_WHAT = {
    Event.DOWN: "it went down",
    Event.RECOVERED: "it recovered",
    Event.LATE: "it was late",
}
# A service's answer may be long; all of it is in the JSON.
_ANSWER_LENGTH = 160


def alert_sentence(event: Event | None, alerts: Sequence[Alert]) -> str:
    """Return why people were told of the last thing that means something to them, or were not."""
    if event is None:
        return "Nobody was told anything: nothing has happened yet that people are told of."
    what = _WHAT.get(event, "it was degraded")
    if any(one.again for one in alerts):
        what = "it is still down"
    if not alerts:
        return f"Nobody was told that {what}: no rule sent this event of this watch then."
    return f"That {what}: {'; '.join(map(_alert, alerts))}."


def clock(at: datetime | None) -> str:
    """Return a time in UTC to the second."""
    return "an unknown time" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _new(state: State) -> str:
    return "It is new: nothing has been heard of it, and before that silence is not judged."


def _good(state: State) -> str:
    heard = clock(state.heard_at)
    return f"It is up: the last evidence, at {heard}, was good{_next(state)}."


def _degraded(state: State) -> str:
    told = (
        f"It is degraded since {clock(state.since_at)}: {one_line(state.reason) or 'it was slow'}"
    )
    return f"{told}; the last evidence came at {clock(state.heard_at)}{_next(state)}."


def _next(state: State) -> str:
    if state.deadline_at:
        return (
            f"; the next is due at {clock(state.due_at)} and has until {clock(state.deadline_at)}"
        )
    return f"; it is due next at {clock(state.due_at)}" if state.due_at else ""


def _late(state: State) -> str:
    return (
        f"It is late: it was due at {clock(state.due_at)} and nothing has come; "
        f"this is judged at {clock(state.deadline_at)}."
    )


def _down(state: State) -> str:
    told = f"It is down since {clock(state.since_at)}: {one_line(state.reason) or 'it failed'}"
    if state.failures_before_down > 1:
        told += f", {state.failures} times in a row where {state.failures_before_down} are enough"
    last = f"it was last good at {clock(state.ok_at)}" if state.ok_at else "it was never good"
    return f"{told}; {last}."


def _paused(state: State) -> str:
    told = f"It is paused since {clock(state.since_at)}: nothing is expected until"
    if state.resumes_at is None:
        return f"{told} it is resumed."
    return f"{told} {clock(state.resumes_at)}, then it resumes by itself."


def _alert(alert: Alert) -> str:
    notes = filter(None, [alert.again, one_line(alert.reason, _ANSWER_LENGTH)])
    reason = f" ({said})" if (said := ": ".join(notes)) else ""
    match alert.state:
        case "sent":
            return f"{alert.channel} was told{reason}"
        case "failed":
            return f"{alert.channel} could not be told{reason}"
        case "suppressed":
            return f"{alert.channel} was not told{reason}"
        case "held":
            return f"{alert.channel} will be told at {clock(alert.due_at)} or later{reason}"
    tries = f" after {alert.attempts} attempts" if alert.attempts else ""
    kind = alert.again or "message"
    article = "an" if kind.startswith("e") else "a"
    return f"{article} {kind} to {alert.channel} is on its way{tries}"
