"""Secrets that are still to be filled in."""

from typing import Any

import pytest

from dogwatch.web.api.manifest.unfilled import faults, unfilled

X = "${X}"


@pytest.mark.parametrize(
    ("section", "told", "places"),
    [
        ("variables", {"key": "A", "value": " ${DB_PW1} "}, ["value"]),
        ("variables", {"key": "A", "value": "a${X}"}, []),
        ("variables", {"key": X, "value": 1, "description": X}, []),
        ("channels", {"kind": "slack", "settings": {"url": X}}, ["settings.url"]),
        ("channels", {"kind": "webhook", "settings": {"url": f"https://a.b/?token={X}&n={X}"}},
         ["settings.url"]),
        ("channels", {"name": X, "kind": "slack", "settings": X}, []),
        ("channels", {"kind": ["no"], "settings": {"url": X}}, []),
        ("jobs", {"action": {"headers": {"Authorization": X, "Accept": X}}},
         ["action.headers.Authorization"]),
        ("jobs", {"action": {"headers": [["Accept", X], ["X-Key", X], [X], X]}},
         ["action.headers.1"]),
        ("jobs", {"action": {"env": {"A": X, "B": "b"}, "source": X}}, ["action.env.A"]),
        ("jobs", {"action": {"url": f"https://a.b/?key={X}#c"}}, ["action.url"]),
        ("jobs", {"action": [X]}, []),
        ("probes", {"target": {"headers": {"Cookie": X}}}, ["target.headers.Cookie"]),
        ("watches", {"name": X}, []),
    ],
)  # fmt: skip
def test_a_secret_that_is_a_name_alone_is_refused(
    section: str, told: dict[str, Any], places: list[str]
) -> None:
    assert list(unfilled(section, told)) == places


def test_the_fault_names_what_to_fill_in() -> None:
    url = "https://a.b/?token=${DBPW}&key=${N}"
    found = unfilled("jobs", {"action": {"url": url, "env": {"A": "${DBPW}"}, "source": "$HOME"}})
    assert faults(found) == {
        "action.env.A": "fill in ${DBPW} first, by hand or by envsubst '$DBPW $N'",
        "action.url": "fill in ${DBPW} and ${N} first",
    }
    assert faults({}) == {}
