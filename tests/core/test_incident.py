"""What is said again while nobody has acknowledged, and when."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from dogwatch.core.alerts import Escalation, Rule
from dogwatch.core.incident import Plan, Told, plan
from dogwatch.core.windows import Quiet

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def told(last: float = 0, escalated: frozenset[str] = frozenset(), **rule: Any) -> Told:
    return Told(Rule("r", "team", **rule), at(0), at(last), escalated)


def short(found: Plan) -> tuple[list[str], float | None]:
    """Return what is said to whom, and in how many minutes after noon one looks again."""
    said = [f"{one.kind} {one.channel_id}" for one in found.now]
    return said, (found.next_at - NOON).total_seconds() / 60 if found.next_at else None


STEPS = (Escalation("chief", 1800), Escalation("owner", 3600))


def test_a_rule_without_more_to_say() -> None:
    assert short(plan([told()], None, at(100))) == ([], None)
    assert short(plan([], None, at(100))) == ([], None)


def test_repeats() -> None:
    assert short(plan([told(repeat_s=600)], None, at(5))) == ([], 10)
    assert short(plan([told(repeat_s=600)], None, at(10))) == (["reminder team"], 10)
    assert short(plan([told(10, repeat_s=600)], None, at(10))) == ([], 20)


def test_escalations_each_once() -> None:
    assert short(plan([told(escalations=STEPS)], None, at(29))) == ([], 30)
    assert short(plan([told(escalations=STEPS)], None, at(30))) == (["escalation chief"], 30)
    after = told(escalations=STEPS, escalated=frozenset({"chief"}))
    assert short(plan([after], None, at(31))) == ([], 60)
    both = told(escalations=STEPS, escalated=frozenset({"chief", "owner"}))
    assert short(plan([both], None, at(100))) == ([], None)


def test_what_was_missed_while_we_were_away_is_said_at_once() -> None:
    found = plan([told(repeat_s=600, escalations=STEPS)], None, at(300))
    assert short(found)[0] == ["reminder team", "escalation chief", "escalation owner"]


def test_a_snooze_holds_all_and_reminds_at_its_end() -> None:
    rule: dict[str, Any] = {"repeat_s": 600, "escalations": STEPS}
    assert short(plan([told(**rule)], at(90), at(45))) == ([], 90)
    assert short(plan([told()], at(90), at(90))) == (["reminder team"], 90)
    assert short(plan([told(90)], at(90), at(91))) == ([], None)


def test_quiet_hours_hold_reminders() -> None:
    quiet = Quiet(time(12, 5), time(13))
    assert short(plan([told(repeat_s=600, quiet=quiet)], None, at(0))) == ([], 60)
    assert short(plan([told(repeat_s=60, quiet=quiet)], None, at(6))) == ([], 60)
    assert short(plan([told(repeat_s=600, quiet=quiet)], None, at(60)))[0] == ["reminder team"]


def test_the_nearest_of_several_rules_counts() -> None:
    assert short(plan([told(repeat_s=900), told(repeat_s=300)], None, at(1))) == ([], 5)
