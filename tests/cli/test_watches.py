"""add, ls, show, next, pause, resume against recorded answers."""

import json
from typing import Any

import pytest

from tests.cli.stub import Here, Program, Stub

WATCH: dict[str, Any] = {
    "id": "w1",
    "slug": "backup",
    "name": "Nightly backup",
    "kind": "heartbeat",
    "status": "up",
    "since_at": "2026-11-20T02:00:00Z",
    "schedule": "0 2 * * *",
    "timezone": "Europe/Warsaw",
    "ping_url": "http://x/ping/abc",
    "next_due_at": "2026-11-21T01:00:00Z",
    "last_ping_at": "2026-11-20T01:04:00Z",
    "last_run": {"state": "done", "outcome": "fail", "reason": "exit 3", "duration_ms": 240_000},
    "tags": ["db", "prod"],
    "late": False,
    "running": 0,
}


@pytest.fixture
def told(stub: Stub) -> Stub:
    """The stub with one watch."""
    stub.replies |= {
        "GET /api/v1/watches": (200, {"data": [WATCH], "next_cursor": None}),
        "GET /api/v1/watches/backup": (200, WATCH),
        "POST /api/v1/watches": (201, WATCH),
        "PATCH /api/v1/watches/backup": (200, WATCH),
        "DELETE /api/v1/watches/w1": (204, ""),
        "POST /api/v1/watches/w1/pause": (200, {**WATCH, "status": "paused"}),
        "POST /api/v1/watches/w1/resume": (200, WATCH),
    }
    return stub


def test_add_sends_what_was_given_and_says_how_to_ping(here: Here, told: Stub) -> None:
    options = (
        "--schedule", "0 2 * * *", "--tz", "Europe/Warsaw", "--grace", "60", "--tag", "db",
        "--slow-after", "10m", "--failures", "3", "--successes", "2",
    )  # fmt: skip
    done = here("add", "Nightly backup", *options)
    assert json.loads(told.requests[0].body) == {
        "name": "Nightly backup",
        "schedule": "0 2 * * *",
        "timezone": "Europe/Warsaw",
        "grace_s": 60,
        "slow_after_s": 600,
        "failures_before_down": 3,
        "successes_before_up": 2,
        "tags": ["db"],
    }
    assert "curl -fsS http://x/ping/abc" in done.stdout
    assert "dogwatch run backup -- COMMAND" in done.stdout


def test_a_schedule_may_be_said_in_words(here: Here, told: Stub) -> None:
    assert here("add", "x", "--schedule", "every weekday at 7").returncode == 0
    assert json.loads(told.requests[-1].body)["schedule"] == "0 7 * * 1-5"
    assert here("edit", "backup", "--schedule", "every blue moon").returncode == 0
    assert json.loads(told.requests[-1].body)["schedule"] == "every blue moon", "as it was typed"
    assert "At 07:00 every weekday" in here("explain", "every weekday at 7").stdout


def test_a_watch_that_no_other_api_was_asked_for_has_no_names_there(here: Here, told: Stub) -> None:
    told.replies["GET /api/v1/watches/backup/dialects"] = (200, {"data": []})
    assert here("dialect", "names", "backup").stdout.startswith("None yet: ")
    assert here.json("dialect", "names", "backup") == []


def test_a_description_is_given_and_shown(here: Here, told: Stub) -> None:
    about = "Runbook: https://wiki.example/backup"
    assert here("add", "x", "--description", about).returncode == 0
    assert json.loads(told.requests[-1].body)["description"] == about
    told.replies["PATCH /api/v1/watches/backup"] = (200, {**WATCH, "description": about})
    assert about in here("edit", "backup", "--description", about).stdout


def test_add_says_that_without_a_schedule_silence_is_no_alert(here: Here, told: Stub) -> None:
    assert "backup is watched. Next due: Sat 2026-11-21 02:00:00" in here("add", "x").stdout
    told.replies["POST /api/v1/watches"] = (201, {**WATCH, "schedule": None, "next_due_at": None})
    done = here("add", "Nightly backup")
    first, second, *_ = done.stdout.splitlines()
    assert done.returncode == 0
    assert first == "backup is watched, without a schedule: only failures alert, silence does not."
    assert second.startswith("  dogwatch edit backup --schedule ")
    assert "Next due" not in done.stdout


def test_ls_is_aligned_and_in_local_time(dogwatch: Program, told: Stub) -> None:
    heads, row = dogwatch("ls", TZ="Europe/Warsaw").stdout.splitlines()
    assert row.index("backup") == heads.index("SLUG")
    assert row.index("Sat 2026-11-21 02:00:00 CET") == heads.index("NEXT")
    assert row.endswith("db, prod")


def test_ls_tells_when_a_probe_was_asked_whatever_pinged_it(here: Here, stub: Stub) -> None:
    asked = {"state": "done", "outcome": "ok", "finished_at": "2026-11-20T03:00:00Z"}
    probe = {**WATCH, "kind": "probe", "last_run": asked}
    stub.replies["GET /api/v1/watches"] = (200, {"data": [probe], "next_cursor": None})
    assert "Fri 2026-11-20 03:00:00" in here("ls").stdout


def test_ls_of_nothing_says_how_to_begin(here: Here, stub: Stub) -> None:
    stub.replies["GET /api/v1/watches"] = (200, {"data": [], "next_cursor": None})
    assert "dogwatch add" in here("ls").stdout
    assert here.json("ls") == []


def test_json_is_as_the_server_said(here: Here, told: Stub) -> None:
    assert here.json("ls", "--status", "up") == [WATCH]
    assert told.requests[0].query["status"] == "up"
    assert here.json("show", "backup") == WATCH
    assert here.json("pause", "backup")["status"] == "paused"


def test_show_tells_the_last_run(here: Here, told: Stub) -> None:
    out = here("show", "backup").stdout
    assert "last run   ✕ Failed after 4 min: exit 3" in out
    assert "✓ OK since Fri 2026-11-20" in out


def test_show_tells_what_is_expected(here: Here, told: Stub) -> None:
    limits = {"start_by_s": 90, "finish_by_s": None, "slow_after_ms": 1500,
              "failures_before_down": 3, "successes_before_up": 1}  # fmt: skip
    told.replies["GET /api/v1/watches/backup"] = (200, {**WATCH, **limits})
    shown = here("show", "backup").stdout.splitlines()
    assert [line.split(None, 1) for line in shown if "grace" in line] == [["grace", "1 min 30 s"]]
    assert [line.split("  ")[0] for line in shown if "1.5 s" in line] == ["slow after"]
    assert [line.split("  ")[0] for line in shown if "in a row" in line] == ["down after"]


def test_show_of_an_unknown_watch_is_3(here: Here, told: Stub) -> None:
    assert here("show", "nonsense").returncode == 3


def test_next_of_all_is_sorted(here: Here, stub: Stub) -> None:
    later = {**WATCH, "slug": "later", "next_due_at": "2026-11-21T05:00:00Z"}
    never = {**WATCH, "slug": "never", "next_due_at": None}
    stub.replies["GET /api/v1/watches"] = (200, {"data": [later, never, WATCH]})
    assert [item["slug"] for item in here.json("next")] == ["backup", "later"]
    assert len(here.json("next", "-n", "1")) == 1


def test_next_of_one_follows_its_schedule(here: Here, told: Stub) -> None:
    dates = [item["due_at"] for item in here.json("next", "backup", "-n", "3")]
    assert dates == sorted(set(dates))
    assert {date[10:] for date in dates} <= {"T01:00:00Z", "T00:00:00Z"}


def test_pause_and_resume_say_the_state(here: Here, told: Stub) -> None:
    assert here("pause", "backup").stdout == "backup: ‖ Paused\n"
    until = {**WATCH, "status": "paused", "resumes_at": "2026-11-20T08:00:00Z"}
    told.replies["POST /api/v1/watches/w1/pause"] = (200, until)
    assert here("pause", "backup", "--for", "4h").stdout == (
        "backup: ‖ Paused, resumes Fri 2026-11-20 08:00:00 UTC\n"
    )
    assert json.loads(told.requests[-1].body) == {"for_s": 14_400}
    assert here("pause", "backup", "--until", "2026-11-20T08:00Z").returncode == 0
    assert json.loads(told.requests[-1].body) == {"until_at": "2026-11-20T08:00Z"}
    assert here("pause", "backup", "--for", "soon").returncode == 2
    told.replies["POST /api/v1/watches/w1/pause"] = (422, {"detail": "until_at: give a time"})
    late = here("pause", "backup", "--until", "2020-01-01T00:00Z")
    assert late.stderr == "dogwatch: --until: give a time\n"
    assert here("resume", "backup").stdout == "backup: ✓ OK\n"


def test_late_and_running_are_told_beside_the_status(here: Here, stub: Stub) -> None:
    late = {**WATCH, "late": True, "running": 1}
    stub.replies["GET /api/v1/watches"] = (200, {"data": [late], "next_cursor": None})
    assert "▲ Late ◔" in here("ls").stdout


def test_show_before_the_first_run(here: Here, told: Stub) -> None:
    told.replies["GET /api/v1/watches/backup"] = (200, {**WATCH, "last_run": None})
    shown = here("show", "backup")
    assert shown.returncode == 0
    assert "last run" in shown.stdout


def test_add_means_the_zone_of_the_machine_and_names_it(dogwatch: Program, told: Stub) -> None:
    done = dogwatch("add", "Nightly", "--schedule", "0 2 * * *", TZ=":Europe/Warsaw")
    assert json.loads(told.requests[0].body)["timezone"] == "Europe/Warsaw"
    assert "Next due: Sat 2026-11-21 02:00:00 Europe/Warsaw\n" in done.stdout


@pytest.mark.parametrize("name", ["CET-1CEST", "Mars/Base", "/etc/localtime", ".."])
def test_a_zone_without_a_name_of_its_own_is_not_sent(
    dogwatch: Program, told: Stub, name: str
) -> None:
    dogwatch("add", "Nightly", TZ=name)
    assert json.loads(told.requests[0].body)["timezone"] != name


def test_a_zone_that_is_unknown_here_is_shown_in_ours(here: Here, told: Stub) -> None:
    told.replies["GET /api/v1/watches/backup"] = (200, {**WATCH, "timezone": "Mars/Base"})
    assert "next due   Sat 2026-11-21 01:00:00 UTC" in here("show", "backup").stdout


def test_filters_without_hits_do_not_ask_to_begin(here: Here, told: Stub) -> None:
    told.replies["GET /api/v1/watches"] = (200, {"data": [], "next_cursor": None})
    assert here("ls", "--tag", "nope").stdout == "No such watches.\n"


def test_ls_of_a_running_job_tells_the_run_before(here: Here, told: Stub) -> None:
    job = {**WATCH, "last_ping_at": None, "last_run": {"state": "running", "finished_at": None}}
    ended = {"state": "done", "finished_at": "2026-11-19T01:04:00Z"}
    told.replies["GET /api/v1/watches"] = (200, {"data": [job], "next_cursor": None})
    told.replies["GET /api/v1/runs"] = (200, {"data": [ended], "next_cursor": None})
    assert "Thu 2026-11-19 01:04:00 UTC" in here("ls").stdout
    assert told.requests[-1].query == {"watch": "w1", "state": "done", "limit": "20"}


def test_show_of_a_job_tells_what_it_does(here: Here, told: Stub) -> None:
    action = {"kind": "script", "language": "bash", "source": "one\ntwo\n", "timeout_s": 90}
    rules = {"max_attempts": 3, "backoff_s": 10, "overlap": "skip", "lost_run": "rerun"}
    told.replies["GET /api/v1/watches/backup"] = (200, {**WATCH, "kind": "job"})
    told.replies["GET /api/v1/jobs/w1"] = (200, {**WATCH, "action": action, **rules})
    lines = here("show", "backup").stdout.splitlines()
    assert "action     script: bash: one (and 1 lines)" in lines
    assert "timeout    1 min 30 s" in lines
    assert "attempts   3, the second after 10 s" in lines
    assert "lost run   rerun" in lines
    assert here.json("show", "backup")["action"] == action


def test_next_of_a_paused_watch_says_so(here: Here, told: Stub) -> None:
    told.replies["GET /api/v1/watches/backup"] = (200, {**WATCH, "status": "paused"})
    assert "backup is paused" in here("next", "backup").stderr


def test_edit_sends_what_was_given(here: Here, told: Stub) -> None:
    words = ("--schedule", "0 3 * * *", "--grace", "60", "--name", "N", "--slug", "n", "--tag", "a")
    assert here("edit", "backup", *words).returncode == 0
    assert json.loads(told.requests[0].body) == {
        "schedule": "0 3 * * *",
        "grace_s": 60,
        "name": "N",
        "slug": "n",
        "tags": ["a"],
    }
    here("edit", "backup", "--no-tags")
    assert json.loads(told.requests[-1].body) == {"tags": []}
    assert here("edit", "backup").returncode == 2
    assert here.json("edit", "backup", "--name", "N") == WATCH


def test_rm_asks_and_deletes(here: Here, dogwatch: Program, told: Stub) -> None:
    asked = dogwatch("rm", "backup", stdin="y\n")
    assert (asked.returncode, "give --yes" in asked.stderr) == (2, True)
    assert all(request.method == "GET" for request in told.requests)
    assert here("rm", "backup", "--yes").stdout == "backup is deleted\n"
    assert told.requests[-1].method == "DELETE"
    assert here.json("rm", "backup", "-y") == {"deleted": ["backup"]}


def test_rm_of_one_that_is_not_there_deletes_none(here: Here, told: Stub) -> None:
    assert here("rm", "backup", "nobody", "--yes").returncode == 3
    assert all(request.method == "GET" for request in told.requests)
