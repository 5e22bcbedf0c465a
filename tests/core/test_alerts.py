"""Who is told, in which words, and when again."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.alerts import (
    RETRY_PLAN_S,
    TAIL_BYTES,
    Event,
    Message,
    Rule,
    Scope,
    Verdict,
    event_of,
    matches,
    one_line,
    retry_after,
    span,
    subject,
    tail,
    text,
    to_json,
    verdict_of,
)

SINCE = datetime(2026, 11, 20, 1, 20, 3, 250_000, tzinfo=UTC)
MESSAGE = Message(
    delivery_id="01kdelivery",
    event=Event.DOWN,
    workspace="Main",
    watch_id="w1",
    slug="nightly-backup",
    name="Nightly database backup",
    tags=("db1", "prod"),
    status="down",
    previous_status="up",
    since_at=SINCE,
    expected_at=SINCE - timedelta(minutes=20, seconds=3),
    reason="nothing came for 20 min",
    last_ok_at=SINCE - timedelta(days=1),
    duration_ms=None,
    down_for_s=None,
    output_tail="",
    url="https://dogwatch.example/i/nightly-backup",
    timezone="Europe/Warsaw",
)

STATUSES = ("new", "up", "degraded", "down", "paused")
TOLD = {
    ("new", "down"): Event.DOWN,
    ("up", "down"): Event.DOWN,
    ("degraded", "down"): Event.DOWN,
    ("paused", "down"): Event.DOWN,
    ("new", "degraded"): Event.DEGRADED,
    ("up", "degraded"): Event.DEGRADED,
    ("down", "degraded"): Event.RECOVERED,
    ("down", "up"): Event.RECOVERED,
    ("degraded", "up"): Event.RECOVERED,
}


@pytest.mark.parametrize(("before", "after"), list(product(STATUSES, STATUSES)))
def test_each_flip_means_one_event_or_none(before: str, after: str) -> None:
    assert event_of(before, after) == TOLD.get((before, after))


RULES = [
    (Scope(), True),
    (Scope("tags", frozenset({"prod", "staging"})), True),
    (Scope("tags", frozenset({"staging"})), False),
    (Scope("tags"), False),
    (Scope("project", frozenset({"p1"})), True),
    (Scope("project", frozenset({"p2"})), False),
    (Scope("watches", frozenset({"w1"})), True),
    (Scope("watches", frozenset({"prod", "p1"})), False),
]


@pytest.mark.parametrize(("scope", "expected"), RULES)
def test_a_rule_covers_what_its_scope_says(scope: Scope, expected: bool) -> None:
    rule = Rule("r1", "c1", frozenset({Event.DOWN}), scope)
    assert matches(rule, Event.DOWN, "w1", {"db1", "prod"}, "p1") is expected
    assert not matches(rule, Event.RECOVERED, "w1", {"db1", "prod"}, "p1")


def test_a_watch_without_project_is_in_no_project() -> None:
    rule = Rule("r1", "c1", scope=Scope("project", frozenset({"p1"})))
    assert not matches(rule, Event.DOWN, "w1", (), None)


def test_a_rule_tells_down_and_recovered_unless_told_otherwise() -> None:
    told = {event for event in Event if matches(Rule("r", "c"), event, "w", (), None)}
    assert told == {Event.DOWN, Event.RECOVERED}


def test_down_in_words() -> None:
    assert text(MESSAGE).splitlines() == [
        "Down: Nightly database backup",
        "",
        "Why: nothing came for 20 min",
        "Expected: 2026-11-20 02:00 Warsaw",
        "Since: 2026-11-20 02:20 Warsaw",
        "Last good: 2026-11-19 02:20 Warsaw",
        "Tags: db1, prod",
        "Workspace: Main",
        "Open: https://dogwatch.example/i/nightly-backup",
    ]


def test_a_failure_shows_its_last_lines() -> None:
    output = "\n".join(f"line {number}" for number in range(9)) + "\n"
    words = text(replace(MESSAGE, reason="exit status 3", duration_ms=240_000, output_tail=output))
    assert "Took: 4 min" in words
    assert words.endswith("Last lines of output:\n  line 4\n  line 5\n  line 6\n  line 7\n  line 8")


def test_recovery_says_how_long_it_was() -> None:
    recovered = replace(
        MESSAGE, event=Event.RECOVERED, reason="", expected_at=None, down_for_s=4830, tags=()
    )
    assert text(recovered).splitlines() == [
        "Recovered: Nightly database backup",
        "",
        "Since: 2026-11-20 02:20 Warsaw",
        "Was down for: 1 h 20 min",
        "Workspace: Main",
        "Open: https://dogwatch.example/i/nightly-backup",
    ]


def test_tests_and_rehearsals_say_so() -> None:
    assert "This is a test of this channel. Nothing is wrong." in text(
        replace(MESSAGE, event=Event.TEST)
    )
    rehearsal = replace(MESSAGE, rehearsal=True)
    assert subject(rehearsal) == "[Rehearsal] Down: Nightly database backup"
    assert "This is a rehearsal. Nothing is wrong." in text(rehearsal)


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../etc/passwd", "", "Europe/\0"])
def test_a_lost_time_zone_loses_no_message(zone: str) -> None:
    assert "Since: 2026-11-20 01:20 UTC" in text(replace(MESSAGE, timezone=zone))


@given(st.text(max_size=400), st.text(max_size=3000))
def test_any_name_and_output_give_a_plain_screen(name: str, output: str) -> None:
    message = replace(MESSAGE, name=name, reason=name, output_tail=output, workspace=name)
    assert subject(message).splitlines() in ([subject(message)], [subject(message).rstrip()])
    words = text(message)
    words.encode()
    assert len(words) < 3000
    assert words.split("\n") == words.splitlines()
    assert not any(ord(c) < 32 and c != "\n" for c in words)


BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize("mark", [*BREAKS, "\r\n"])
def test_every_line_break_becomes_a_space(mark: str) -> None:
    assert one_line(f"a{mark}b") == "a b"


def test_half_characters_are_replaced_and_long_lines_cut() -> None:
    assert one_line("a\ud800b") == "a\ufffdb"
    assert one_line("x" * 30, 10) == "x" * 9 + "…"
    assert one_line("x" * 10, 10) == "x" * 10
    assert len(one_line("x" * 900)) == 500
    assert subject(replace(MESSAGE, name="x" * 900)) == f"Down: {'x' * 159}…"


def test_a_tail_cut_inside_a_character_drops_it() -> None:
    assert tail("é" * 600) == "é" * 512
    assert tail("a" + "é" * 600 + "b") == "é" * 511 + "b"


@given(st.text(max_size=4000))
def test_a_tail_is_five_lines_and_a_kilobyte_at_most(output: str) -> None:
    kept = tail(output)
    assert len(kept.encode()) <= TAIL_BYTES
    assert kept.count("\n") < 5
    assert tail(kept) == kept.rstrip()


SPANS = [
    (0, "0 s"),
    (-3, "0 s"),
    (59.4, "59 s"),
    (59.6, "1 min"),
    (3599, "59 min"),
    (3600, "1 h"),
    (4830, "1 h 20 min"),
    (86_400, "1 d"),
    (183_600, "2 d 3 h"),
]


@pytest.mark.parametrize(("seconds", "words"), SPANS)
def test_a_length_of_time_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_the_webhook_schema() -> None:
    assert to_json(replace(MESSAGE, output_tail="a\nb\n", duration_ms=12)) == {
        "type": "watch.down",
        "timestamp": "2026-11-20T01:20:03.250Z",
        "data": {
            "delivery_id": "01kdelivery",
            "event": "down",
            "rehearsal": False,
            "workspace": "Main",
            "watch": {
                "id": "w1",
                "slug": "nightly-backup",
                "name": "Nightly database backup",
                "tags": ["db1", "prod"],
                "url": "https://dogwatch.example/i/nightly-backup",
            },
            "status": "down",
            "previous_status": "up",
            "since_at": "2026-11-20T01:20:03.250Z",
            "expected_at": "2026-11-20T01:00:00.250Z",
            "reason": "nothing came for 20 min",
            "last_ok_at": "2026-11-19T01:20:03.250Z",
            "duration_ms": 12,
            "down_for_s": None,
            "output_tail": "a\nb",
        },
    }


@pytest.mark.parametrize("event", list(Event))
def test_every_event_has_its_type(event: Event) -> None:
    body = to_json(replace(MESSAGE, event=event, expected_at=None))
    assert body["type"] == f"watch.{event.value}"
    assert json.loads(json.dumps(body)) == body


def test_the_plan_starts_fast_and_lasts_a_day() -> None:
    assert RETRY_PLAN_S[:8] == (0, 5, 15, 60, 300, 900, 1800, 3600)
    assert all(earlier <= later for earlier, later in pairwise(RETRY_PLAN_S))
    assert max(RETRY_PLAN_S) == 2 * 3600
    assert 23 * 3600 < sum(RETRY_PLAN_S) <= 24 * 3600


@given(st.integers(0, 30), st.floats(0, 1))
def test_jitter_moves_a_wait_by_a_tenth(attempt: int, jitter: float) -> None:
    wait = retry_after(attempt, jitter)
    if attempt >= len(RETRY_PLAN_S):
        assert wait is None
    else:
        assert wait == pytest.approx(RETRY_PLAN_S[attempt], rel=0.1001)


RETRY_AFTERS = [
    (1, None, 5),
    (1, 0, 5),
    (1, 120, 120),
    (1, 86_400, 3600),
    (5, 30, 900),
    (8, 86_400, 7200),
    (len(RETRY_PLAN_S), 30, None),
]


@pytest.mark.parametrize(("attempt", "asked", "expected"), RETRY_AFTERS)
def test_a_wish_for_later_is_honoured_up_to_an_hour(
    attempt: int, asked: float | None, expected: float | None
) -> None:
    assert retry_after(attempt, 0.5, asked) == expected


VERDICTS = [
    *((code, Verdict.SENT) for code in (200, 201, 204, 299)),
    *((code, Verdict.RETRY) for code in (199, 300, 301, 302, 308, 400, 401, 404, 408, 425, 429)),
    *((code, Verdict.RETRY) for code in (500, 502, 503, 599, None)),
    (410, Verdict.DISABLE),
]


@pytest.mark.parametrize(("code", "verdict"), VERDICTS)
def test_only_2xx_is_arrival(code: int | None, verdict: Verdict) -> None:
    assert verdict_of(code) is verdict
