"""Schedules as people say them."""

import pytest

from dogwatch.core.schedule import parse, shortest
from dogwatch.core.schedule.words import cron_of


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("every weekday at 7", "0 7 * * 1-5"),
        ("Every day at 02:00", "0 2 * * *"),
        ("daily at 4.15", "15 4 * * *"),
        ("every monday at 9:30", "30 9 * * 1"),
        ("Mondays and Fridays at 6pm", "0 18 * * 1,5"),
        ("on sat, sun at noon", "0 12 * * 6,0"),
        ("every weekend at midnight", "0 0 * * 6,0"),
        ("weekdays at 12 am", "0 0 * * 1-5"),
        ("nightly", "0 2 * * *"),
        ("every hour", "0 * * * *"),
        ("monthly", "0 0 1 * *"),
    ],
)
def test_sayings_become_cron(said: str, line: str) -> None:
    assert cron_of(said) == line
    parse(line)


@pytest.mark.parametrize(
    "text",
    ["0 2 * * *", "every 5m", "every tuesday at 25", "every day at 7:61", "each moon at 3",
     "every day", "mondays at 13pm", "Mon..Fri *-*-* 07:00", "", "at 7", "300"],
)  # fmt: skip
def test_all_else_stays_as_it_is(text: str) -> None:
    assert cron_of(text) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("5", "every 5s"), ("every 86400s", "every 1d"), ("90s", "every 90s"), ("1W", "every 1w"),
        (" every 120 minutes ", "every 2h"), ("every day", "every 1d"), ("0 2 * * *", "0 2 * * *"),
        ("@daily", "@daily"), ("Mon *-*-* 07:00", "Mon *-*-* 07:00"),
    ],
)  # fmt: skip
def test_the_fewest_words_of_an_interval_say_the_same(said: str, shown: str) -> None:
    assert shortest(said) == shown
    assert parse(shortest(said)).interval_s == parse(said).interval_s
