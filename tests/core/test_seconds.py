"""Cron lines with seconds: what they become, and that this is due when they say."""

from datetime import UTC, datetime, timedelta

import pytest

from dogwatch.core.schedule import parse
from dogwatch.core.schedule.seconds import without_seconds

START = datetime(2026, 3, 1, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ("0 2 * * *", "0 2 * * *"),
        ("@daily", "@daily"),
        ("0 0 2 * * *", "0 2 * * *"),
        ("0 */5 9-17 L * 1#2", "*/5 9-17 L * 1#2"),
        ("* * * * * *", "*-*-* *:*:*"),
        ("*/15 * * * * *", "*-*-* *:*:0/15"),
        ("5,10 30 2 1 * *", "*-*-1 2:30:5,10"),
        ("30 0 12 * JAN MON-FRI", "Mon,Tue,Wed,Thu,Fri *-1-* 12:0:30"),
        ("7 0 0 1 * MON", "*-*-1 0:0:7\nMon *-*-* 0:0:7"),
    ],
)
def test_what_a_line_becomes(line: str, ours: str) -> None:
    assert without_seconds(line) == ours
    assert parse(ours).after(START)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("60 * * * * *", "second"),
        ("x * * * * *", "second"),
        ("*/0 * * * * *", "second"),
        ("1 99 * * * *", "minute"),
        ("1 0 0 L * *", "second 0 only"),
        ("1 0 0 * * 5L", "second 0 only"),
        ("1 0 0 31 2 *", "never"),
    ],
)
def test_what_is_wrong_is_told(line: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        without_seconds(line)


@pytest.mark.parametrize("seconds", ["*/7", "3", "0,59", "10-20/5", "*"])
@pytest.mark.parametrize("rest", ["*/13 * * * *", "5 3 * * *", "0 0 1,15 * SUN", "0 12 * 3 1-3"])
def test_it_is_due_at_the_seconds_of_the_minutes_of_the_rest(seconds: str, rest: str) -> None:
    """The oracle: each due minute of the rest, with each of the seconds."""
    wanted = sorted(_seconds(seconds))
    minutes = parse(rest).next(5, START - timedelta(minutes=1))
    expected = [at + timedelta(seconds=second) for at in minutes for second in wanted]
    found = parse(without_seconds(f"{seconds} {rest}")).next(
        len(expected), START - timedelta(seconds=1)
    )
    assert found == expected


def _seconds(text: str) -> set[int]:
    sets = {"*/7": range(0, 60, 7), "3": [3], "0,59": [0, 59], "10-20/5": [10, 15, 20]}
    return set(sets.get(text, range(60)))
