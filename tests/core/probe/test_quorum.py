"""What several locations saw of one slot."""

import pytest

from dogwatch.core.probe.quorum import agreed
from dogwatch.core.result import Outcome, Result

WORDS = {
    "ok": Result(Outcome.OK, duration_ms=10),
    "slow": Result(Outcome.SLOW, "slow", duration_ms=5),
    "bad": Result(Outcome.FAIL, "status 500"),
    "late": Result(Outcome.TIMEOUT, "timed out"),
}


def verdict(said: str, of: int, agree: int, *, over: bool = False) -> str:
    words = said.split()
    results = {f"l{n}": WORDS[word] for n, word in enumerate(words)}
    result = agreed(results, of, agree, over=over)
    return str(result.outcome) if result else "open"


@pytest.mark.parametrize(
    ("said", "of", "agree", "outcome"),
    [
        ("", 3, 2, "open"),
        ("bad", 3, 2, "open"),
        ("bad bad", 3, 2, "fail"),
        ("late bad", 3, 2, "timeout"),
        ("ok", 3, 2, "open"),
        ("ok ok", 3, 2, "ok"),
        ("ok bad", 3, 2, "open"),
        ("ok bad ok", 3, 2, "ok"),
        ("ok slow", 3, 2, "slow"),
        ("ok bad bad", 3, 2, "fail"),
        ("bad", 3, 1, "fail"),
        ("ok ok", 3, 1, "open"),
        ("ok ok ok", 3, 1, "ok"),
        ("ok", 3, 3, "ok"),
        ("bad", 1, 1, "fail"),
    ],
)
def test_verdicts(said: str, of: int, agree: int, outcome: str) -> None:
    assert verdict(said, of, agree) == outcome


@pytest.mark.parametrize(
    ("said", "outcome"), [("", "unknown"), ("bad", "unknown"), ("ok bad", "ok"), ("ok", "ok")]
)
def test_when_time_is_up_those_that_answered_decide(said: str, outcome: str) -> None:
    assert verdict(said, 3, 2, over=True) == outcome


def test_the_reason_names_who_saw_what() -> None:
    down = agreed({"fra": WORDS["bad"], "nyc": WORDS["late"]}, 3, 2)
    assert down is not None
    assert down.reason == "2 of 3 locations: fra: status 500; nyc: timed out"
    up = agreed({"fra": WORDS["bad"], "nyc": WORDS["ok"], "sin": WORDS["ok"]}, 3, 2)
    assert up is not None
    assert up.reason == "only 1 of 3 locations: fra: status 500"
