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
    done = here("job", "add", "J", "--url", "http://x", *words, *more, "--overlap", "allow")
    assert (done.returncode, "dogwatch trigger j" in done.stdout) == (0, True)
    assert sent(told) == {
        "name": "J",
        "schedule": "60",
        "timezone": "UTC",
        "tags": ["a"],
        "max_attempts": 3,
        "backoff_s": 5,
        "overlap": "allow",
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
