"""`dogwatch job`: what it asks the server for."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stub import Here, Program, Stub

JOB = {"slug": "j", "name": "J", "status": "new", "timezone": "UTC", "next_due_at": None}


@pytest.fixture
def told(stub: Stub) -> Stub:
    """The stub with one job."""
    stub.replies |= {"POST /api/v1/jobs": (201, JOB), "GET /api/v1/jobs/j": (200, JOB)}
    return stub


def sent(stub: Stub) -> Any:
    return json.loads(stub.requests[-1].body)


def test_a_request(here: Here, told: Stub) -> None:
    words = ("--schedule", "60", "--retries", "2", "--backoff", "5", "--timeout", "9", "--tag", "a")
    more = ("--method", "POST", "--header", "X-A: b:c", "--body", "x", "--expect", "204")
    done = here("job", "add", "J", "--url", "http://x", *words, *more, "--overlap", "allow",
                "--lost-run", "skip")  # fmt: skip
    assert (done.returncode, "dogwatch trigger j" in done.stdout) == (0, True)
    assert sent(told) == {
        "name": "J",
        "schedule": "60",
        "timezone": "UTC",
        "tags": ["a"],
        "max_attempts": 3,
        "backoff_s": 5,
        "overlap": "allow",
        "lost_run": "skip",
        "action": {
            "kind": "http",
            "url": "http://x",
            "method": "POST",
            "headers": {"X-A": "b:c"},
            "body": "x",
            "expected_status": "204",
            "timeout_s": 9,
        },
    }


@pytest.mark.parametrize(
    ("name", "text", "language"),
    [
        ("a.sh", "true", "bash"),
        ("a.py", "pass", "python"),
        ("a.mjs", "0", "node"),
        ("a", "#!/bin/sh\ntrue", "bash"),
        ("a", "#!/usr/bin/env python3\npass", "python"),
    ],
)
def test_a_script_in_the_language_of_its_file(
    here: Here, told: Stub, home: Path, name: str, text: str, language: str
) -> None:
    (home / name).write_text(text)
    words = ("--script", str(home / name), "--arg", "-x", "--env", "A=b=c")
    assert here("job", "add", "J", *words).returncode == 0
    assert sent(told)["action"] == {
        "kind": "script",
        "language": language,
        "source": text,
        "args": ["-x"],
        "env": {"A": "b=c"},
    }


def test_a_script_from_standard_input(dogwatch: Program, told: Stub) -> None:
    words = ("job", "add", "J", "--script", "-", "--language", "bash", "--tz", "Europe/Warsaw")
    assert dogwatch(*words, stdin="true\n").returncode == 0
    assert sent(told)["action"]["source"] == "true\n"
    assert sent(told)["timezone"] == "Europe/Warsaw"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--url", "http://x", "--script", "a.sh"),
        ("--url", "http://x", "--arg", "a"),
        ("--url", "http://x", "--header", "nothing"),
        ("--script", "/nope.sh"),
        ("--script", "{home}/cli.key"),
    ],
)
def test_what_makes_no_sense_is_2(
    here: Here, told: Stub, home: Path, words: tuple[str, ...]
) -> None:
    given = [word.replace("{home}", str(home)) for word in words]
    assert here("job", "add", "J", *given).returncode == 2
    assert told.requests == []


def test_json_is_as_the_server_said(here: Here, told: Stub) -> None:
    assert here.json("job", "add", "J", "--url", "http://x") == JOB
    assert here.json("job", "show", "j") == JOB
    assert here("job", "show", "j").stdout.startswith("name       J\n")
    shared = JOB | {"action": {"kind": "http"}, "backoff_s": 0, "concurrency_key": "db",
                    "concurrency_limit": 2}  # fmt: skip
    told.replies["GET /api/v1/jobs/j"] = (200, shared)
    assert "concurrency  2 at once of the key db\n" in here("job", "show", "j").stdout


EVERY: dict[str, Any] = {
    "slug": "j", "name": "J", "status": "new", "timezone": "UTC", "next_due_at": None,
    "action": {"kind": "script", "language": "bash", "source": "true", "args": [],
               "env": {"TOKEN": "***"}, "timeout_s": 60, "input": None},
}  # fmt: skip


def test_rules_and_input_of_a_script(here: Here, told: Stub, tmp_path: Path) -> None:
    file = tmp_path / "a.sh"
    file.write_text("true")
    words = ("--input", '{"a": [1]}', "--interpreter", "/bin/bash", "--priority", "2")
    more = ("--max-runs", "5", "--reset-on-resume", "--starts-at", "2030-01-01T00:00:00Z")
    places = ("--concurrency-key", "db", "--concurrency-limit", "2")
    assert here("job", "add", "J", "--script", str(file), *words, *more, *places).returncode == 0
    asked = sent(told)
    assert (asked["concurrency_key"], asked["concurrency_limit"]) == ("db", 2)
    assert asked["action"]["input"] == {"a": [1]}
    assert asked["action"]["interpreter"] == "/bin/bash"
    rules = {"priority": 2, "max_runs": 5, "reset_on_resume": True}
    assert rules | {"starts_at": "2030-01-01T00:00:00Z"} == {
        name: asked[name] for name in ("priority", "max_runs", "reset_on_resume", "starts_at")
    }
    assert "no JSON" in here("job", "add", "J", "--script", str(file), "--input", "x").stderr


def test_an_edit_sends_what_changes_and_keeps_the_rest(here: Here, told: Stub, home: Path) -> None:
    told.replies |= {"GET /api/v1/jobs/j": (200, EVERY), "PATCH /api/v1/jobs/j": (200, EVERY)}
    assert here("job", "edit", "j", "--env", "B=2", "--timeout", "9").returncode == 0
    patch = next(one for one in reversed(told.requests) if one.method == "PATCH")
    action = json.loads(patch.body)["action"]
    assert (action["env"], action["timeout_s"]) == ({"TOKEN": "***", "B": "2"}, 9)
    assert (action["source"], action["language"]) == ("true", "bash")
    (home / "fresh").write_text("false")
    assert here("job", "edit", "j", "--script", str(home / "fresh")).returncode == 0
    action = sent(told)["action"]
    assert (action["source"], action["language"]) == ("false", "bash")  # it stays what it was
    assert here("job", "edit", "j", "--max-runs", "0", "--retries", "1").returncode == 0
    assert sent(told) == {"max_runs": None, "max_attempts": 2}
    assert here("job", "edit", "j").returncode == 2
    assert here("job", "edit", "j", "--no-schedule").returncode == 0
    assert sent(told) == {"schedule": None}
    assert here("job", "edit", "j", "--no-schedule", "--schedule", "60").returncode == 2
    assert here("job", "edit", "j", "--url", "http://x").returncode == 0
    assert sent(told) == {"action": {"kind": "http", "url": "http://x"}}


def test_a_reset(here: Here, told: Stub) -> None:
    told.replies["POST /api/v1/jobs/j/reset"] = (200, JOB)
    assert "counts from 0" in here("job", "reset", "j").stdout


def test_a_list(here: Here, told: Stub) -> None:
    nothing: dict[str, Any] = {"data": [], "next_cursor": None}
    told.replies["GET /api/v1/jobs"] = (200, nothing)
    assert here("job", "ls").stdout.startswith("No jobs. Make one: dogwatch job add ")
    assert here("job", "ls", "--tag", "x").stdout == "No such jobs.\n"
    assert told.requests[-1].query["tag"] == "x"
    told.replies["GET /api/v1/jobs"] = (200, nothing | {"data": [JOB | {"schedule": "@daily"}]})
    assert "j     @daily" in here("job", "ls").stdout
    assert here.json("job", "ls") == [JOB | {"schedule": "@daily"}]
