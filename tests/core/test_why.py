"""Why, in one sentence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dogwatch.core.alerts import Event
from dogwatch.core.why import Alert, State, alert_sentence, state_sentence

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
STATE = State(
    phase="up", since_at=NOON, reason="", heard_at=NOON, ok_at=NOON,
    due_at=NOON + timedelta(minutes=10), deadline_at=NOON + timedelta(minutes=15),
    failures=0, failures_before_down=1,
)  # fmt: skip
AT, DUE, UNTIL = (f"2026-01-05 12:{minute} UTC" for minute in ("00:00", "10:00", "15:00"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, f"It is up: the last evidence, at {AT}, was good; the next is due at {DUE} and has "
             f"until {UNTIL}."),
        ({"deadline_at": None}, f"It is up: the last evidence, at {AT}, was good; it is due next "
                                f"at {DUE}."),
        ({"phase": "degraded", "deadline_at": None, "due_at": None},
         f"It is degraded since {AT}: it was slow; the last evidence came at {AT}."),
        ({"phase": "degraded", "deadline_at": None, "reason": "the certificate expires in 4 days"},
         f"It is degraded since {AT}: the certificate expires in 4 days; the last evidence came at "
         f"{AT}; it is due next at {DUE}."),
        ({"phase": "late"}, f"It is late: it was due at {DUE} and nothing has come; this is judged "
                            f"at {UNTIL}."),
        ({"phase": "down", "reason": "exit status 3"},
         f"It is down since {AT}: exit status 3; it was last good at {AT}."),
        ({"phase": "down", "ok_at": None, "failures": 4, "failures_before_down": 3},
         f"It is down since {AT}: it failed, 4 times in a row where 3 are enough; it was never "
         "good."),
        ({"phase": "paused"},
         f"It is paused since {AT}: nothing is expected until it is resumed."),
        ({"phase": "paused", "resumes_at": NOON + timedelta(minutes=10)},
         f"It is paused since {AT}: nothing is expected until {DUE}, then it resumes by itself."),
        ({"phase": "new"},
         "It is new: nothing has been heard of it, and before that silence is not judged."),
    ],
)  # fmt: skip
def test_why_it_is_so(changes: dict[str, object], told: str) -> None:
    assert state_sentence(replace(STATE, **changes)) == told  # type: ignore[arg-type]  # by name


def test_why_nobody_was_told() -> None:
    assert alert_sentence(None, []).startswith("Nobody was told anything")
    told = alert_sentence(Event.DOWN, [])
    assert told == "Nobody was told that it went down: no rule sent this event of this watch then."


def test_a_long_answer_is_cut() -> None:
    told = alert_sentence(Event.LATE, [Alert("Ops", "sent", "x" * 500)])
    assert told == f"That it was late: Ops was told ({'x' * 159}…)."


def test_what_became_of_each_alert() -> None:
    alerts = [
        Alert("Ops", "sent", "HTTP 204"),
        Alert("Team", "held", "quiet hours of the rule", "quiet", NOON),
        Alert("Mail", "failed", "no such box"),
        Alert("Chat", "suppressed", "maintenance: Upgrade"),
        Alert("Pager", "pending", "", attempts=2),
        Alert("New", "pending", ""),
    ]
    assert alert_sentence(Event.RECOVERED, alerts) == (
        "That it recovered: Ops was told (HTTP 204); "
        f"Team will be told at {AT} or later (quiet hours of the rule); "
        "Mail could not be told (no such box); Chat was not told (maintenance: Upgrade); "
        "a message to Pager is on its way after 2 attempts; a message to New is on its way."
    )
