"""runs, logs and trigger against recorded answers."""

import json
from typing import Any

import pytest

from tests.cli.stub import Here, Stub

RUN_ID = "01kam3v7t0000000000000000a"
RUN: dict[str, Any] = {
    "id": RUN_ID,
    "state": "done",
    "outcome": "fail",
    "reason": "exit status 3",
    "started_at": "2026-11-20T02:00:00Z",
    "duration_ms": 1500,
}
STREAM = (
    'event: output\ndata: {"stream": "stdout", "text": "one\\n"}\n\n'
    'event: output\ndata: {"stream": "stderr", "text": "two\\n"}\n\n'
    f"event: end\ndata: {json.dumps(RUN)}\n\n"
)


@pytest.fixture
def told(stub: Stub) -> Stub:
    """The stub with one job and one run."""
    stub.replies |= {
        "GET /api/v1/runs": (200, {"data": [RUN], "next_cursor": None}),
        f"GET /api/v1/runs/{RUN_ID}/output": (200, "one\ntwo"),
        f"GET /api/v1/runs/{RUN_ID}/output/stream": (200, STREAM),
        "GET /api/v1/jobs/report": (200, {"id": "j1", "slug": "report"}),
        "POST /api/v1/jobs/j1/trigger": (202, {"id": RUN_ID, "state": "queued"}),
    }
    return stub


def test_runs_are_listed(here: Here, told: Stub) -> None:
    heads, row = here("runs", "report", "--outcome", "fail").stdout.splitlines()
    assert row.split() == [RUN_ID, "fail", "Fri", "2026-11-20", *row.split()[4:]]
    assert row.index("exit status 3") == heads.index("REASON")
    assert "1.5 s" in row
    assert told.requests[0].query == {"watch": "report", "outcome": "fail", "limit": "20"}


def test_logs_of_a_run_and_of_a_slugs_latest(here: Here, told: Stub) -> None:
    assert here("logs", RUN_ID).stdout == "one\ntwo\n"
    assert here("logs", "report").stdout == "one\ntwo\n"
    assert here.json("logs", RUN_ID) == {"run": RUN_ID, "output": "one\ntwo"}


def test_logs_without_a_run_is_3(here: Here, stub: Stub) -> None:
    stub.replies["GET /api/v1/runs"] = (200, {"data": [], "next_cursor": None})
    done = here("logs", "report")
    assert (done.returncode, done.stderr) == (3, "dogwatch: report has no runs yet\n")


def test_following_keeps_the_streams_apart(here: Here, told: Stub) -> None:
    done = here("logs", "-f", "report")
    assert (done.returncode, done.stdout, done.stderr) == (0, "one\n", "two\n")


def test_following_in_json_is_a_line_an_event(here: Here, told: Stub) -> None:
    events = [json.loads(line) for line in here("logs", "-f", RUN_ID, "--json").stdout.splitlines()]
    assert [event["event"] for event in events] == ["output", "output", "end"]


def test_a_stream_that_breaks_off_is_5(here: Here, told: Stub) -> None:
    told.replies[f"GET /api/v1/runs/{RUN_ID}/output/stream"] = (200, ": hello\n\n")
    assert here("logs", "-f", RUN_ID).returncode == 5


def test_trigger_hands_over_its_input(here: Here, told: Stub) -> None:
    assert here("trigger", "report", "--input", '{"a": 1}').stdout == f"{RUN_ID} queued\n"
    assert json.loads(told.requests[-1].body) == {"input": {"a": 1}}
    assert here("trigger", "report", "--follow").stdout == "one\n"


def test_input_must_be_json(here: Here, told: Stub) -> None:
    assert here("trigger", "report", "--input", "{").returncode == 2
