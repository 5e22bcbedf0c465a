"""Incidents: which flips are one trouble, and what is said again while nobody has acknowledged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from dogwatch.core.alerts import Rule

# What goes down within this time of the last one belongs to the same trouble.
JOIN = timedelta(seconds=60)
MAX_SNOOZE_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of an incident by one rule: first and last, and to whom it was escalated."""

    rule: Rule
    first_at: datetime
    last_at: datetime
    escalated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something to be said again, or to somebody else."""

    kind: Literal["reminder", "escalation"]
    rule_id: str
    channel_id: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be said now, and when to ask again."""

    now: tuple[FollowUp, ...] = ()
    next_at: datetime | None = None


def snoozing_until_at(until_at: datetime | None, state: str, at: datetime) -> datetime | None:
    """Return until when nothing is said of an incident, None if it is not snoozed at `at`."""
    return until_at if until_at and until_at > at and state == "open" else None


def plan(told: Sequence[Told], snoozed_until_at: datetime | None, at: datetime) -> Plan:
    """Return what an open incident that nobody acknowledged has to say at `at`.

    A snooze holds everything; at its end all who were told are reminded.
    """
    if snoozed_until_at and snoozed_until_at > at:
        return Plan(next_at=snoozed_until_at)
    due = [one for each in told for one in _due(each, snoozed_until_at, at)]
    now = [follow_up for due_at, follow_up in due if due_at <= at]
    later = [due_at for due_at, _ in due if due_at > at]
    # What is said now is said again later; the times of that come from what was told by then.
    return Plan(tuple(now), at if now else min(later, default=None))


def _due(
    told: Told, snoozed_until_at: datetime | None, at: datetime
) -> Iterator[tuple[datetime, FollowUp]]:
    rule = told.rule
    reminder_at = _reminder_at(told, snoozed_until_at)
    if reminder_at:
        yield _loud(rule, reminder_at, at), FollowUp("reminder", rule.id, rule.channel_id)
    for step in rule.escalations:
        if step.channel_id not in told.escalated:
            due_at = told.first_at + timedelta(seconds=step.after_s)
            yield _loud(rule, due_at, at), FollowUp("escalation", rule.id, step.channel_id)


def _reminder_at(told: Told, snoozed_until_at: datetime | None) -> datetime | None:
    times = [snoozed_until_at] if snoozed_until_at and told.last_at < snoozed_until_at else []
    if told.rule.repeat_s:
        times.append(told.last_at + timedelta(seconds=told.rule.repeat_s))
    return min(times, default=None)


def _loud(rule: Rule, due_at: datetime, at: datetime) -> datetime:
    """Return the time, or the end of the quiet hours in which it, or `at`, comes too early."""
    return (rule.quiet.until(max(due_at, at)) if rule.quiet else None) or due_at
