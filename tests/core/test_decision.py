"""Flip, rule, windows, parents, clock -> send, hold until, suppress because."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.alerts import Event, Rule
from dogwatch.core.decision import (
    TOGETHER,
    Case,
    Decision,
    Fate,
    Hold,
    Send,
    Suppress,
    decide,
    most_eager,
    superseded,
)
from dogwatch.core.windows import Digest, Quiet

DOWN, LATE, DEGRADED, RECOVERED = Event.DOWN, Event.LATE, Event.DEGRADED, Event.RECOVERED
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
NIGHT = Quiet(time(11), time(13))
MORNING = Digest(time(8))
WINDOW: dict[str, Any] = {"maintenance": ("Upgrade", NOON + timedelta(hours=1))}


def told(decision: Decision) -> str:
    """Return a decision in short words: `send`, `quiet 60` (minutes after noon), `never: why`."""
    match decision:
        case Send():
            return "send"
        case Hold(until_at, by):
            return f"{by} {(until_at - NOON).total_seconds() / 60:g}"
        case Suppress(because):
            return f"never: {because}"


def case(event: Event = DOWN, rule: dict[str, Any] | None = None, **facts: Any) -> Case:
    given: dict[str, Any] = {"began_at": NOON, "at": NOON} | facts
    return Case(event, Rule("r", "c", **(rule or {})), **given)


def ended_untold(ends: Event, *asked: Event) -> Case:
    """Return a recovery that ends what there was no alert of, by a rule that asks for these too."""
    events = {"events": frozenset({RECOVERED, *asked})}
    return case(RECOVERED, events, before=Fate.NONE, ends=ends)


UNTOLD = "never: no rule told it of what this ends"
TABLE: list[tuple[str, Case, str]] = [
    ("nothing in the way", case(), "send"),
    ("no longer true", case(over="it is up"), "never: it is up"),
    ("a delay", case(rule={"delay_s": 300}), "delay 5"),
    ("a delay that is over", case(rule={"delay_s": 300}, at=NOON + timedelta(minutes=5)), "send"),
    ("quiet hours", case(rule={"quiet": NIGHT}), "quiet 60"),
    ("after quiet hours", case(rule={"quiet": NIGHT}, at=NOON + timedelta(hours=1)), "send"),
    ("a digest", case(rule={"digest": MORNING}), "digest 1200"),
    ("quiet before digest", case(rule={"quiet": NIGHT, "digest": MORNING}), "quiet 60"),
    ("maintenance", case(**WINDOW), "maintenance 60"),
    ("a parent is down", case(parent="Router"), "parent 5"),
    ("snoozed", case(snoozed_until_at=NOON + timedelta(minutes=9)), "snooze 9"),
    ("a snooze that is over", case(snoozed_until_at=NOON), "send"),
    ("maintenance before delay", case(rule={"delay_s": 60}, **WINDOW), "maintenance 60"),
    ("late in maintenance", case(LATE, **WINDOW), "maintenance 60"),
    ("degraded below a parent", case(DEGRADED, parent="Router"), "parent 5"),
    ("a recovery waits for no delay", case(RECOVERED, {"delay_s": 300}), "send"),
    ("nor for maintenance", case(RECOVERED, **WINDOW), "send"),
    ("nor for a parent", case(RECOVERED, parent="Router"), "send"),
    ("nor for a snooze", case(RECOVERED, snoozed_until_at=NOON + timedelta(1)), "send"),
    ("but for quiet hours", case(RECOVERED, {"quiet": NIGHT}), "quiet 60"),
    ("and for a digest", case(RECOVERED, {"digest": MORNING}), "digest 1200"),
    (
        "a recovery of what was held",
        case(RECOVERED, before=Fate.HELD),
        "never: nobody was told of what it ends",
    ),
    (
        "a recovery of what was suppressed",
        case(RECOVERED, before=Fate.SUPPRESSED),
        "never: nobody was told of what it ends",
    ),
    ("a recovery of nobody knows what", case(RECOVERED, before=Fate.NONE), "send"),
    ("a recovery of what no rule told", ended_untold(DOWN, DOWN), UNTOLD),
    ("a recovery of slowness no rule told", ended_untold(DEGRADED, Event.SLOW), UNTOLD),
    ("a recovery of slowness where falls are asked for", ended_untold(DEGRADED, DOWN), UNTOLD),
    ("a recovery of a fall where slowness is asked for", ended_untold(DOWN, DEGRADED), "send"),
    ("a recovery where lateness is asked for", ended_untold(DOWN, LATE), "send"),
    ("a recovery where nothing else is asked for", ended_untold(DOWN), "send"),
    ("an opening after a suppressed one", case(DOWN, before=Fate.SUPPRESSED), "send"),
]


@pytest.mark.parametrize(("what", "given", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_what_becomes_of_an_alert(what: str, given: Case, expected: str) -> None:
    assert told(decide(given)) == expected, what


def test_of_several_rules_the_one_that_tells_first_counts() -> None:
    rules: list[dict[str, Any]] = [{"quiet": NIGHT}, {"delay_s": 300}, {}]
    decisions = [decide(case(rule=rule)) for rule in rules]
    assert most_eager(decisions) == 2
    assert most_eager(decisions[:2]) == 1
    assert most_eager([Suppress("x"), decisions[0]]) == 1


def test_why_something_gave_way() -> None:
    assert superseded(DOWN, RECOVERED) == "it recovered before this was to be told"
    assert superseded(DEGRADED, DOWN) == "it got worse meanwhile"
    assert superseded(DOWN, None) == "it was paused before this was to be told"
    assert superseded(RECOVERED, DOWN) == "it changed again before this was to be told"


@given(
    event=st.sampled_from([DOWN, LATE, DEGRADED, RECOVERED]),
    delay_s=st.integers(0, 7200),
    quiet=st.none() | st.just(NIGHT),
    digest=st.none() | st.just(MORNING),
    parent=st.sampled_from(["", "Router"]),
    before=st.sampled_from(Fate),
    minutes=st.integers(0, 2000),
)
def test_every_hold_ends_later_and_every_silence_has_a_reason(
    event: Event, delay_s: int, quiet: Quiet | None, digest: Digest | None, parent: str,
    before: Fate, minutes: int,
) -> None:  # fmt: skip
    at = NOON + timedelta(minutes=minutes)
    rule = {"delay_s": delay_s, "quiet": quiet, "digest": digest}
    decision = decide(case(event, rule, parent=parent, before=before, at=at))
    if isinstance(decision, Hold):
        assert decision.until_at > at
        assert decision.because
    elif isinstance(decision, Suppress):
        assert decision.because
    if event is RECOVERED and isinstance(decision, Hold):
        assert decision.by in {*TOGETHER, "quiet"}
