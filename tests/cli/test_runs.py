"""runs, logs and trigger against recorded answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from dogwatch.core.states import marked
from tests.cli.stub import Here, Program, Stub

RUN_ID = "01kam3v7t0000000000000000a"
RUN: dict[str, Any] = {
    "id": RUN_ID,
    "watch_id": "w1",
    "state": "done",
    "attempt": 2,
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
        "GET /api/v1/watches/w1": (200, {"id": "w1", "slug": "report"}),
        "GET /api/v1/jobs/report": (200, {"id": "j1", "slug": "report"}),
        "POST /api/v1/jobs/j1/trigger": (202, {"id": RUN_ID, "state": "queued"}),
    }
    return stub


def test_runs_are_listed(here: Here, told: Stub) -> None:
    heads, row = here("runs", "report", "--outcome", "fail").stdout.splitlines()
    assert row.split()[:6] == [RUN_ID, "report", "✕", "Failed", "Fri", "2026-11-20"]
    assert row.index("  2  ") + 2 == heads.index("ATTEMPT")
    assert row.index("exit status 3") == heads.index("REASON")
    assert "1.5 s" in row
    assert told.requests[0].query == {"watch": "report", "outcome": "fail", "limit": "20"}


def test_a_run_is_shown_with_what_it_handed_on(here: Here, told: Stub) -> None:
    own = "01kam3v7t0000000000000000a"
    handed = {"output_value": {"rows": 3}, "condition": False, "phases_ms": {"dns": 1.4}}
    told.replies[f"GET /api/v1/runs/{own}"] = (200, {**RUN, "id": own, "input": "x", **handed})
    shown = here("runs", own).stdout
    assert 'output value  {"rows": 3}\n' in shown
    assert "condition     false\n" in shown
    assert "phases        dns 1 ms\n" in shown
    assert here.json("runs", own)["condition"] is False


def test_a_run_of_a_workflow_is_shown_with_its_nodes_and_what_followed(
    here: Here, told: Stub
) -> None:
    waits = {"id": "r2", "state": "queued", "attempt": 1, "reason": "attempt 1: boom",
             "retry_at": "2026-11-20T12:03:00Z"}  # fmt: skip
    step = {"outcome": None, "reason": "", "handled": False}
    steps = [
        {"node": "a", "state": "done", "run": {"id": "r1", "duration_ms": 1500}, **step,
         "outcome": "fail", "reason": "boom", "handled": True},
        {"node": "b", "state": "running", "run": waits, **step},
        {"node": "c", "state": "waiting", "run": None, **step},
    ]  # fmt: skip
    effect = {"action": {"on": "failure", "run": None}, "state": "refused", "reason": "gone",
              "run_id": None, "delivery_id": None}  # fmt: skip
    path = f"/api/v1/runs/{RUN_ID}"
    told.replies |= {
        f"GET {path}": (200, RUN),
        f"GET {path}/tree": (200, {"rerun_of": "r0", "rerun_from": "a", "steps": steps}),
        f"GET {path}/effects": (200, {"effects": [effect]}),
    }
    shown = [line.split("  ") for line in here("runs", RUN_ID).stdout.splitlines()]
    rows = [[word.strip() for word in line if word] for line in shown]
    assert ["It repeats r0 from a on."] in rows
    assert ["a", "✕ Failed, handled", "r1", "1.5 s", "boom"] in rows
    (b,) = [row for row in rows if row[:1] == ["b"]]
    assert b[1].startswith("waits for attempt 2 at Fri 2026-11-20 ")
    assert (b[2], b[-1]) == ("r2", "attempt 1: boom")
    assert next(row for row in rows if row[:1] == ["c"])[:3] == ["c", "◌ Waiting", "–"]
    assert ["failure", "a message", "refused", "–", "gone"] in rows


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
    end = "dogwatch: ✕ Failed after 1.5 s in attempt 2: exit status 3\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, "one\n", f"two\n{end}")


def test_following_in_json_is_a_line_an_event(here: Here, told: Stub) -> None:
    events = [json.loads(line) for line in here("logs", "-f", RUN_ID, "--json").stdout.splitlines()]
    assert [event["event"] for event in events] == ["output", "output", "end"]


def test_a_stream_that_breaks_off_is_5(here: Here, told: Stub) -> None:
    told.replies[f"GET /api/v1/runs/{RUN_ID}/output/stream"] = (200, ": hello\n\n")
    assert here("logs", "-f", RUN_ID).returncode == 5


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("workflow", "`dogwatch workflow run other`"),
        ("probe", "`dogwatch probe test other`"),
        ("heartbeat", "`dogwatch run other -- COMMAND`"),
    ],
)
def test_trigger_says_what_runs_that_which_is_no_job(
    here: Here, told: Stub, kind: str, words: str
) -> None:
    told.replies["GET /api/v1/watches/other"] = (200, {"kind": kind})
    done = here("trigger", "other")
    assert (done.returncode, words in done.stderr) == (4, True)
    assert here("trigger", "nothing").returncode == 3


def test_trigger_hands_over_its_input(here: Here, told: Stub) -> None:
    assert here("trigger", "report", "--input", '{"a": 1}').stdout == f"{RUN_ID} queued\n"
    assert json.loads(told.requests[-1].body) == {"input": {"a": 1}}


@pytest.mark.parametrize(("outcome", "code"), [("ok", 0), ("slow", 0), ("fail", 1), ("timeout", 1)])
def test_a_followed_run_tells_its_outcome(here: Here, told: Stub, outcome: str, code: int) -> None:
    end = {**RUN, "outcome": outcome}
    output = 'event: output\ndata: {"stream": "stdout", "text": "no end of line"}\n\n'
    stream = f"{output}event: end\ndata: {json.dumps(end)}\n\n"
    told.replies[f"GET /api/v1/runs/{RUN_ID}/output/stream"] = (200, stream)
    done = here("trigger", "report", "--follow")
    assert (done.returncode, done.stdout) == (code, "no end of line")
    assert done.stderr == f"\ndogwatch: {marked(outcome)} after 1.5 s in attempt 2: exit status 3\n"
    assert here("trigger", "report", "--follow", "--json").returncode == code


def test_a_followed_run_that_waits_says_why_once(here: Here, told: Stub) -> None:
    why = "waits for a place: 1 of 1 runs with the key db are under way"
    told.replies[f"GET /api/v1/runs/{RUN_ID}"] = (200, {**RUN, "outcome": None, "waits": why})
    lines = here("trigger", "report", "--follow").stderr.splitlines()
    assert lines[0] == f"dogwatch: {why}"
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("given", "sent"),
    [("plain", "plain"), ("{", "{"), ("[1]", "[1]"), ('{"a": 1}', {"a": 1}), ("@{home}/f", "é\n")],
)
def test_an_input_is_text_or_an_object(
    here: Here, told: Stub, home: Path, given: str, sent: object
) -> None:
    (home / "f").write_text("é\n")
    assert here("trigger", "report", "--input", given.replace("{home}", str(home))).returncode == 0
    assert json.loads(told.requests[-1].body) == {"input": sent}


def test_an_input_is_read_from_standard_input(dogwatch: Program, told: Stub) -> None:
    assert dogwatch("trigger", "report", "--input", "-", stdin="two\nlines").returncode == 0
    assert json.loads(told.requests[-1].body) == {"input": "two\nlines"}


@pytest.mark.parametrize("given", ["{", "[1]", "plain"])
def test_json_input_insists(here: Here, told: Stub, given: str) -> None:
    assert here("trigger", "report", "--json-input", "--input", given).returncode == 2


def test_an_input_that_cannot_be_read_is_2(here: Here, told: Stub) -> None:
    assert "no such file" in here("trigger", "report", "--input", "@/nope").stderr.lower()


def test_logs_of_a_silent_run_say_so(here: Here, told: Stub) -> None:
    told.replies[f"GET /api/v1/runs/{RUN_ID}/output"] = (200, "")
    done = here("logs", RUN_ID)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"dogwatch: no output was kept of run {RUN_ID}\n"


def test_a_cancelled_run_says_why(here: Here, told: Stub) -> None:
    run = {**RUN, "outcome": "skipped", "reason": "cancelled", "cancel_reason": "wrong month"}
    told.replies["GET /api/v1/runs"] = (200, {"data": [run], "next_cursor": None})
    assert "cancelled: wrong month" in here("runs").stdout


def test_a_run_of_a_watch_that_is_gone_is_listed(here: Here, told: Stub) -> None:
    del told.replies["GET /api/v1/watches/w1"]
    assert "  –  " in here("runs").stdout


def test_cancel_takes_a_run_or_a_slug(here: Here, told: Stub) -> None:
    told.replies[f"POST /api/v1/runs/{RUN_ID}/cancel"] = (202, {"id": RUN_ID, "state": "running"})
    assert here("cancel", RUN_ID).stdout == f"{RUN_ID} is being stopped\n"
    assert here("cancel", "report", "--reason", "wrong month").returncode == 0
    assert json.loads(told.requests[-1].body) == {"reason": "wrong month"}
    assert here.json("cancel", RUN_ID)["state"] == "running"
