"""Which scripts run at which level of isolation."""

import pytest

from dogwatch.core.isolation import Least, Level, lacking


@pytest.mark.parametrize(
    ("level", "least", "reason"),
    [
        ("bubblewrap", "bubblewrap", None),
        ("bubblewrap", "trusted", None),
        ("trusted", "trusted", None),
        ("trusted", "bubblewrap", "the workspace demands isolation by bubblewrap, and here it is "
         "trusted (bwrap is missing)"),
        ("off", "trusted", "bwrap is missing"),
        ("off", "bubblewrap", "bwrap is missing"),
    ],
)  # fmt: skip
def test_a_level_is_enough_or_the_reason_is_told(
    level: Level, least: Least, reason: str | None
) -> None:
    assert lacking(level, least, "bwrap is missing") == reason


def test_without_a_reason_the_words_stand_alone() -> None:
    assert lacking("off", "trusted") == "scripts are switched off here"
    assert str(lacking("trusted", "bubblewrap")).endswith("here it is trusted")
