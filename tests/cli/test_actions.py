"""action ls, add and rm against recorded answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stub import Here, Stub

PATH = "/api/v1/jobs/fetch/actions"
FIRST: dict[str, Any] = {
    "on": "success", "run": "w2", "channel": None, "subject": None, "message": None
}  # fmt: skip
SECOND: dict[str, Any] = {
    "on": "failure", "run": None, "channel": "c1", "subject": "Oh", "message": "{{event.error}}"
}  # fmt: skip


@pytest.fixture
def told(stub: Stub) -> Stub:
    """The stub with one job, which two things follow."""
    stub.replies |= {
        f"GET {PATH}": (200, {"actions": [FIRST, SECOND]}),
        f"PUT {PATH}": (200, {"actions": []}),
        "GET /api/v1/watches/w2": (200, {"id": "w2", "slug": "load"}),
        "GET /api/v1/channels": (200, {"data": [{"id": "c1", "name": "ops"}], "next_cursor": None}),
    }
    return stub


def sent(told: Stub) -> Any:
    return json.loads(told.requests[-1].body)["actions"]


def test_they_are_listed_by_name(here: Here, told: Stub) -> None:
    assert [line.split() for line in here("action", "ls", "fetch").stdout.splitlines()[1:]] == [
        ["1", "success", "run", "load"], ["2", "failure", "tell", "ops:", "Oh", "{{event.error}}"]
    ]  # fmt: skip
    assert here.json("action", "ls", "fetch")["actions"] == [FIRST, SECOND]


def test_one_is_added_to_those_that_are_there(here: Here, told: Stub, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("{{output}}")
    given = ("--on", "always", "--channel", "ops", "--message", f"@{tmp_path / 'note'}")
    assert here("action", "add", "fetch", *given).stdout == "Nothing follows its runs.\n"
    assert sent(told) == [
        {"on": "success", "run": "w2"},
        {"on": "failure", "channel": "c1", "subject": "Oh", "message": "{{event.error}}"},
        {"on": "always", "channel": "c1", "message": "{{output}}"},
    ]
    here("action", "add", "fetch", "--on", "condition", "--run", "load")
    assert sent(told)[2] == {"on": "condition", "run": "load"}


def test_one_is_removed_by_number(here: Here, told: Stub) -> None:
    here("action", "rm", "fetch", "1", "--yes")
    assert [one["on"] for one in sent(told)] == ["failure"]
    done = here("action", "rm", "fetch", "3", "--yes")
    assert (done.returncode, "fetch has 2 actions" in done.stderr) == (2, True)


def test_a_text_that_cannot_be_read_is_2(here: Here, told: Stub) -> None:
    given = ("--on", "always", "--channel", "ops", "--message", "@/no/such")
    done = here("action", "add", "fetch", *given)
    assert (done.returncode, "cannot read /no/such" in done.stderr) == (2, True)
