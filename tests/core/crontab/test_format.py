"""Whether a crontab is a user's or a system's, by its lines alone."""

import pytest

from dogwatch.core.crontab import Crontab, Entry, Known, guessed

DEPLOY = Known({"deploy", "mail"}.__contains__, {"dump", "mail", "python3"}.__contains__)


@pytest.mark.parametrize(
    ("text", "known", "found"),
    [
        ("0 2 * * * root dump", Known(), "root"),
        ("0 2 * * * dump --all", Known(), None),
        ("0 2 * * * deploy dump", DEPLOY, "deploy"),
        ("0 2 * * * deploy dump", Known(), None),
        ("0 2 * * * mail ana", DEPLOY, None),  # a user, and a program as well
        ("0 2 * * * python3 /opt/x", DEPLOY, None),
        ("@daily root dump\n@daily strange word", Known(), None),
    ],
)
def test_lines_tell_it(text: str, known: Known, found: str | None) -> None:
    crontab = guessed(text, known)
    assert isinstance(crontab, Crontab)
    assert crontab.entries[0].user == found


def test_where_they_do_not_tell_the_first_line_is_asked_about() -> None:
    asked = guessed("0 2 * * * root cd /\n0 1 * * * nosuchuser /opt/x\n", Known())
    assert isinstance(asked, Entry)
    assert (asked.line, asked.user) == (1, "root")
