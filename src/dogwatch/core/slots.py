"""Slots: which due time a piece of evidence belongs to, and when silence is a miss."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice

from dogwatch.core.data import data, replace
from dogwatch.core.schedule import Schedule

REARM_S = 60
# Slots of a watch that end at once, each with a line: a ping waits until they are written.
MAX_WALK = 100
# Of more slots than `MAX_WALK` that end at once, the last one told has this reason.
STRETCH = "this stands for all up to the next one told: too many for a line each"
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is expected of a watch.

    `start_by_s` (grace) runs from the due time to the deadline; None, which only jobs have, leaves
    a late start unjudged.
    `finish_by_s` runs from the start of a run; None means by the deadline of the slot after it
    (for jobs: whenever the run's own timeout says). A success slower than `slow_after_ms`
    degrades, one quicker than `min_duration_ms` is a failure. `early_s` before the due time,
    evidence already counts for it; None means the grace, at most half the gap to the next slot.
    """

    schedule: Schedule | None = None
    start_by_s: int | None = 300
    finish_by_s: int | None = None
    slow_after_ms: int | None = None
    min_duration_ms: int | None = None
    early_s: int | None = None
    failures_before_down: int = 1
    successes_before_up: int = 1

    @property
    def relative(self) -> bool:
        """Whether each slot is counted from the evidence before it (a plain interval)."""
        return self.schedule is not None and self.schedule.relative

    @property
    def grace(self) -> timedelta:
        """The time from a due time to its deadline."""
        return timedelta(seconds=self.start_by_s or 0)

    def after(self, at: datetime) -> datetime | None:
        """Return the first slot after `at`, None where nothing is scheduled."""
        return self.schedule.after(at) if self.schedule else None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which nobody here listened: our own outage, or a step of the wall clock.

    `elsewhere`: others did, and what was told meanwhile was told to them.
    """

    start_at: datetime
    end_at: datetime
    elsewhere: bool = False

    def holds(self, at: datetime) -> bool:
        """Whether `at` lies inside the gap."""
        return self.start_at <= at < self.end_at

    def meets(self, opens_at: datetime, until: datetime) -> bool:
        """Whether some of a window lies inside the gap."""
        return self.start_at < until and opens_at < self.end_at


def in_gap(at: datetime, gaps: Sequence[Gap]) -> bool:
    """Whether nobody listened at `at`, so that silence then proves nothing."""
    return any(gap.holds(at) for gap in gaps)


def excuse(plan: Plan, slot_at: datetime, gaps: Sequence[Gap]) -> Gap | None:
    """Return the latest gap because of which silence about a slot proves nothing, if any does.

    It holds the slot; or its window was open while others listened, who may have heard.
    """
    opens_at, until = slot_at - early(plan, slot_at), slot_at + plan.grace
    found = [
        gap for gap in gaps if gap.holds(slot_at) or (gap.elsewhere and gap.meets(opens_at, until))
    ]
    return max(found, key=lambda gap: gap.end_at, default=None)


@lru_cache(maxsize=16_384)  # asked by every ping, about the one slot its watch owes
def early(plan: Plan, slot_at: datetime) -> timedelta:
    """Return how long before `slot_at` evidence already counts for it."""
    if plan.early_s is not None:
        return timedelta(seconds=plan.early_s)
    following = plan.after(slot_at)
    half = (following - slot_at) / 2 if following else plan.grace
    return min(plan.grace, half)


def deadline(plan: Plan, slot_at: datetime, gaps: Sequence[Gap] = ()) -> datetime:
    """Return when silence about `slot_at` is judged, re-armed after each gap in its window."""
    until = slot_at + plan.grace
    if not gaps:
        return until
    rearm = max(plan.grace, timedelta(seconds=REARM_S))
    if plan.relative and plan.schedule:
        # A ping lost in the gap is followed by the next one only an interval later.
        rearm += timedelta(seconds=plan.schedule.interval_s or 0)
    opens_at = slot_at - early(plan, slot_at)
    for gap in gaps:
        if gap.meets(opens_at, until):
            until = max(until, gap.end_at + rearm)
    return until


def finish_deadline(
    plan: Plan, started_at: datetime, slot_at: datetime | None, *, job: bool
) -> datetime | None:
    """Return when a started run that has not finished is called timed out."""
    if plan.finish_by_s is not None:
        return started_at + timedelta(seconds=plan.finish_by_s)
    if job:
        return None
    following = plan.after(max(started_at, slot_at) if slot_at else started_at)
    return following + plan.grace if following else None


def walk(plan: Plan, slot_at: datetime | None, until: datetime) -> Iterator[datetime]:
    """Yield `slot_at` and the slots after it that are due at `until`."""
    at = slot_at
    while at is not None and at <= until:
        yield at
        at = plan.after(at)


def walked(plan: Plan, slot_at: datetime, until: datetime) -> tuple[datetime, ...]:
    """Return the slots that `walk` yields; of more than `MAX_WALK`, the first ones and the last."""
    slots = tuple(islice(walk(plan, slot_at, until), MAX_WALK))
    last = last_due(plan, slots[-1], until) if len(slots) == MAX_WALK else None
    return (*slots, last) if last else slots


def last_due(plan: Plan, since: datetime, until: datetime) -> datetime | None:
    """Return the latest slot after `since` that is due at `until`, by halving."""
    slot, high = plan.after(since), until
    if slot is None or slot > until:
        return None
    while (following := plan.after(slot)) and following <= until:
        middle = slot + (high - slot) / 2
        jumped = plan.after(middle)
        if jumped and jumped <= until:
            slot = jumped
        else:
            slot, high = following, middle
    return slot


@data()
class Attribution:
    """Where evidence belongs: the slot it settles, those it passes over, the one owed next.

    `late`: the slot had lapsed already.
    """

    slot_at: datetime | None
    owed_at: datetime | None
    passed: tuple[datetime, ...] = ()
    late: bool = False


def attribute(
    plan: Plan, owed_at: datetime | None, unheard: Sequence[datetime], at: datetime
) -> Attribution:
    """Attribute evidence of time `at`, with `owed_at` owed and the slots `unheard` lapsed.

    Evidence settles the latest slot that is due, until its deadline; else the coming one if its
    window has opened; else the latest that is due or lapsed, as late; else none.
    """
    if owed_at is None:
        return replace(_late(plan, unheard, at, None), owed_at=plan.after(at))
    if plan.relative:
        return _attribute_relative(plan, owed_at, unheard, at)
    if at < owed_at - early(plan, owed_at):
        return _late(plan, unheard, at, owed_at)
    due = walked(plan, owed_at, at) or (owed_at,)
    coming = plan.after(due[-1])
    # A gap of ours can keep a slot owed beyond its deadline; it takes no evidence from the next.
    if coming and due[-1] + plan.grace < at and coming - early(plan, coming) <= at:
        due = (*due, coming)
    return Attribution(due[-1], plan.after(due[-1]), due[:-1])


def _attribute_relative(
    plan: Plan, owed_at: datetime, unheard: Sequence[datetime], at: datetime
) -> Attribution:
    """Any evidence settles the owed slot, provided that it moves the next one forward."""
    moved = plan.after(at)
    if moved is None or moved <= owed_at:
        return _late(plan, unheard, at, owed_at)
    late = _late(plan, unheard, at, moved)
    return late if late.slot_at and at < owed_at else Attribution(owed_at, moved)


def _late(
    plan: Plan, unheard: Sequence[datetime], at: datetime, owed_at: datetime | None
) -> Attribution:
    """The lapsed slot in whose time `at` lies: until the window of the slot after it opens."""
    if not unheard:
        return Attribution(None, owed_at)
    opened = (slot for slot in reversed(unheard) if slot - early(plan, slot) <= at)
    slot_at = next(opened, None)
    following = plan.after(slot_at) if slot_at and owed_at else None
    if following and following - early(plan, following) <= at:
        slot_at = None
    return Attribution(slot_at, owed_at, late=slot_at is not None)
