"""What becomes of an alert: flip, rule, windows, parents and clock in; send, hold or suppress out.

Nothing else decides. What opens a trouble may be held by anything here; what closes one is held by
quiet hours and digests alone, and is suppressed only where its opening was not told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dogwatch.core.alerts import Event, Rule

# A watch above may end its trouble in ways that wake nobody, so it is looked at again.
PARENT_AGAIN = timedelta(minutes=5)
# A watch above whose own judgement is due this soon may be what is really down.
PARENT_SOON = timedelta(seconds=30)


class Held(StrEnum):
    """What an alert waits for."""

    MAINTENANCE = "maintenance"
    PARENT = "parent"
    SNOOZE = "snooze"
    DELAY = "delay"
    QUIET = "quiet"
    DIGEST = "digest"
    GROUP = "group"


# These have been decided: they go, but together with others.
TOGETHER = frozenset({Held.DIGEST, Held.GROUP})


class Fate(StrEnum):
    """What became of the alert before, of the same watch to the same channel."""

    NONE = "none"
    TOLD = "told"
    HELD = "held"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Send:
    """It goes now."""


@dataclass(frozen=True, slots=True)
class Hold:
    """It waits, and is decided anew then."""

    until_at: datetime
    by: Held
    because: str


@dataclass(frozen=True, slots=True)
class Suppress:
    """It never goes."""

    because: str


Decision = Send | Hold | Suppress


@dataclass(frozen=True, slots=True)
class Case:
    """All that counts for one alert to one channel by one rule.

    `began_at` is the time of the flip. `over`: why it is no longer true, empty while it is.
    `before` is the fate of the alert that it closes, `ends` the event of that, None if what was
    before is not known. `maintenance` is the name and the end of a
    window the watch is in, `parent` the name of a watch above that is down, `parent_due` that of
    one which is about to be judged.
    """

    event: Event
    rule: Rule
    began_at: datetime
    at: datetime
    over: str = ""
    before: Fate = Fate.TOLD
    ends: Event | None = None
    maintenance: tuple[str, datetime] | None = None
    parent: str = ""
    parent_due: str = ""
    snoozed_until_at: datetime | None = None


def decide(case: Case) -> Decision:
    """Return what becomes of an alert at `case.at`."""
    if case.over:
        return Suppress(case.over)
    if case.event is Event.RECOVERED and (because := _untold(case)):
        return Suppress(because)
    return next(_holds(case), Send())


def _untold(case: Case) -> str:
    """Return why nobody waits for a recovery, or nothing.

    Every flip that a rule sends leaves an alert. So where the rule asks for such, and there is
    none, it did not send it then. Who asks for recoveries alone hears them all.
    """
    if case.before in (Fate.HELD, Fate.SUPPRESSED):
        return "nobody was told of what it ends"
    slow = case.ends is Event.DEGRADED
    asked = case.rule.asks(Event.DOWN) or (slow and case.rule.asks(Event.DEGRADED))
    if case.before is Fate.NONE and case.ends and asked:
        return "no rule told it of what this ends"
    return ""


def _holds(case: Case) -> Iterator[Hold]:
    if case.event is not Event.RECOVERED:
        yield from _opening_holds(case)
    quiet = case.rule.quiet
    if quiet and (until_at := quiet.until(case.at)):
        yield Hold(until_at, Held.QUIET, "quiet hours of the rule")
    if case.rule.digest:
        yield Hold(case.rule.digest.after(case.at), Held.DIGEST, "told in the rule's digest")


def _opening_holds(case: Case) -> Iterator[Hold]:
    if case.maintenance:
        name, end_at = case.maintenance
        yield Hold(end_at, Held.MAINTENANCE, f"maintenance: {name}")
    if case.parent:
        yield Hold(
            case.at + PARENT_AGAIN, Held.PARENT, f"{case.parent}, which it depends on, is down"
        )
    elif case.parent_due and case.began_at + PARENT_SOON > case.at:
        told = f"{case.parent_due}, which it depends on, is about to be judged"
        yield Hold(case.began_at + PARENT_SOON, Held.PARENT, told)
    if case.snoozed_until_at and case.snoozed_until_at > case.at:
        yield Hold(case.snoozed_until_at, Held.SNOOZE, "its incident is snoozed")
    due_at = case.began_at + timedelta(seconds=case.rule.delay_s)
    if due_at > case.at:
        told = f"the rule waits {case.rule.delay_s} s to see whether it lasts"
        yield Hold(due_at, Held.DELAY, told)


def most_eager(decisions: Sequence[Decision]) -> int:
    """Return which of several rules' decisions for one channel counts: the one that tells first."""
    return min(range(len(decisions)), key=lambda n: _eagerness(decisions[n]))


def _eagerness(decision: Decision) -> tuple[int, float]:
    match decision:
        case Send():
            return 0, 0.0
        case Hold(until_at=until_at):
            return 1, until_at.timestamp()
        case Suppress():
            return 2, 0.0


def superseded(event: Event, by: Event | None) -> str:
    """Return why an alert that was held goes no more, once the watch has flipped again."""
    if by is None:
        return "it was paused before this was to be told"
    if event is Event.RECOVERED:
        return "it changed again before this was to be told"
    ended = by is Event.RECOVERED
    return "it recovered before this was to be told" if ended else "it got worse meanwhile"
