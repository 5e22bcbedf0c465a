"""Watches: made, read, changed, paused, removed."""

from typing import Any

import pytest

from tests.web.api.conftest import House
from tests.web.asgi_client import Client


def test_a_watch_is_made_with_all_its_fields(api: Client, house: House) -> None:
    made = api(
        "POST",
        "/watches",
        {
            "name": "Sync",
            "slug": "sync",
            "description": "copies files",
            "tags": ["db", "prod"],
            "project": "store",
            "schedule": ["0 2 * * *", "0 14 * * *"],
            "timezone": "Europe/Warsaw",
            "grace_s": 60,
            "finish_by_s": 600,
            "slow_after_s": 2.5,
            "min_duration_ms": 10,
            "early_s": 30,
            "failures_before_down": 2,
            "successes_before_up": 3,
        },
    )
    assert made.status == 201
    assert made.headers["location"] == f"/api/v1/watches/{made.json['id']}"
    watch = made.json
    assert watch["ping_url"].startswith("http://dogwatch.test/ping/")
    id_and_key = {"id": watch["id"], "ping_url": watch["ping_url"]}
    assert watch == id_and_key | {"resumes_at": None} | {
        "slug": "sync",
        "name": "Sync",
        "description": "copies files",
        "kind": "heartbeat",
        "status": "new",
        "phase": "new",
        "since_at": "2026-01-05T12:00:00.000Z",
        "schedule": "0 2 * * *\n0 14 * * *",
        "starts_at": None,
        "schedule_english": watch["schedule_english"],
        "schedule_fault": None,
        "timezone": "Europe/Warsaw",
        "start_by_s": 60,
        "grace_s": 60,
        "finish_by_s": 600,
        "slow_after_ms": 2500,
        "min_duration_ms": 10,
        "early_s": 30,
        "failures_before_down": 2,
        "successes_before_up": 3,
        "tags": ["db", "prod"],
        "project": "store",
        "next_due_at": "2026-01-05T13:00:00.000Z",
        "deadline_at": None,
        "last_ping_at": None,
        "last_ok_at": None,
        "last_run": None,
        "late": False,
        "running": 0,
        "created_at": "2026-01-05T12:00:00.000Z",
        "updated_at": "2026-01-05T12:00:00.000Z",
    }
    assert "Europe/Warsaw" in watch["schedule_english"]


def test_a_watch_is_found_by_id_and_by_slug(api: Client, watch: Any) -> None:
    assert api.get(f"/watches/{watch['id']}").json == watch
    assert api.get("/watches/nightly-backup").json == watch


def test_defaults_and_null(api: Client) -> None:
    plain = api("POST", "/watches", {"name": "A"}).json
    assert (plain["start_by_s"], plain["timezone"], plain["schedule"]) == (300, "UTC", None)
    nulls = {"name": "B", "slug": None, "start_by_s": None, "timezone": None, "tags": None}
    made = api("POST", "/watches", nulls).json
    assert (made["slug"], made["start_by_s"], made["timezone"], made["tags"]) == (
        "b", 300, "UTC", [],
    )  # fmt: skip


def test_a_taken_slug_is_a_conflict(api: Client, watch: Any) -> None:
    again = api("POST", "/watches", {"name": "Other", "slug": watch["slug"]})
    assert again.status == 409
    assert again.faults == {"slug": "nightly-backup is taken"}


def test_every_fault_is_told_at_once(api: Client) -> None:
    made = api(
        "POST",
        "/watches",
        {
            "slug": "Not A Slug",
            "schedule": "61 * * * *",
            "tags": "db",
            "grace_s": -1,
            "slow_after_s": "soon",
            "finish_by": 3,
            "description": "nul \0 here",
            "project": "half \ud800",
        },
    )
    assert made.status == 422
    assert set(made.faults) == {
        "name", "slug", "schedule", "tags", "grace_s", "slow_after_s", "finish_by",
        "description", "project",
    }  # fmt: skip
    assert made.faults["name"] == "is required"
    assert "not a field" in made.faults["finish_by"]
    assert made.json["title"]
    assert made.json["status"] == 422


def test_two_names_of_one_limit_are_one_too_many(api: Client) -> None:
    made = api("POST", "/watches", {"name": "A", "grace_s": 1, "start_by_s": 2})
    assert made.faults == {"grace_s": "is the same as start_by_s; give one of them"}


def test_numbers_are_not_coerced(api: Client) -> None:
    made = api("POST", "/watches", {"name": "A", "grace_s": "60", "early_s": True})
    assert set(made.faults) == {"grace_s", "early_s"}
    assert api("POST", "/watches", {"name": "A", "schedule": 60}).faults.keys() == {"schedule"}
    huge = api("POST", "/watches", {"name": "A", "slow_after_s": 1e300, "finish_by_s": 10**40})
    assert set(huge.faults) == {"slow_after_s", "finish_by_s"}


def test_patch_changes_what_is_sent_and_null_clears(api: Client, watch: Any) -> None:
    assert api("PATCH", "/watches/nightly-backup", {"start_by_s": 60}).json["start_by_s"] == 60
    changed = api("PATCH", "/watches/nightly-backup", {"name": "New", "start_by_s": None}).json
    assert changed["name"] == "New"
    assert (changed["start_by_s"], changed["grace_s"]) == (300, 300)
    assert (changed["slug"], changed["schedule"]) == (watch["slug"], watch["schedule"])
    cleared = api("PATCH", "/watches/nightly-backup", {"schedule": None}).json
    assert (cleared["schedule"], cleared["next_due_at"]) == (None, None)
    assert api("PATCH", "/watches/nightly-backup", {"name": None}).status == 422
    assert api("PATCH", "/watches/nightly-backup", {"name": ""}).faults.keys() == {"name"}
    assert api("PATCH", "/watches/none", {}).status == 404


def test_patch_checks_a_schedule_against_the_stored_zone(api: Client, watch: Any) -> None:
    bad = api("PATCH", f"/watches/{watch['id']}", {"timezone": "Mars/Base", "nope": 1})
    assert bad.faults.keys() == {"timezone", "nope"}


def test_pings_runs_and_flips_are_read_back(api: Client, house: House, watch: Any) -> None:
    key = watch["ping_url"].rpartition("/")[2]
    for word in ("/start", "", "/fail", "/3"):
        house.clock.advance(1)
        assert house.ping(key, word).status == 200
    pings = api.get("/watches/nightly-backup/pings").json["data"]
    assert [(one["kind"], one["exit_code"]) for one in pings] == [
        ("fail", 3), ("fail", None), ("ok", None), ("start", None),
    ]  # fmt: skip
    assert (pings[0]["body"], pings[0]["body_bytes"], pings[0]["method"]) == ("done", 4, "POST")
    runs = api.get("/watches/nightly-backup/runs").json["data"]
    assert [run["outcome"] for run in runs] == ["fail", "fail", "ok"]
    assert runs[2]["duration_ms"] == 1000
    flips = api.get("/watches/nightly-backup/flips").json["data"]
    assert [(one["from_status"], one["to_status"], one["event"]) for one in flips] == [
        ("up", "down", "down"), ("new", "up", None),
    ]  # fmt: skip
    assert api.get("/flips", watch="nightly-backup").json["data"] == flips
    now = api.get("/watches/nightly-backup").json
    assert (now["status"], now["last_run"]["id"]) == ("down", runs[0]["id"])
    assert now["last_ping_at"] == "2026-01-05T12:00:04.000Z"
    assert now["last_ok_at"] == "2026-01-05T12:00:02.000Z"


def test_late_is_told_until_it_is_judged(api: Client, house: House, watch: Any) -> None:
    house.ping(watch["ping_url"].rpartition("/")[2])
    house.clock.advance(3601)
    now = api.get("/watches/nightly-backup").json
    assert (now["status"], now["phase"], now["late"]) == ("up", "late", True)
    assert now["deadline_at"] == "2026-01-05T13:05:00.000Z"


def test_a_watch_never_heard_of_shows_the_next_slot(api: Client, house: House, watch: Any) -> None:
    house.clock.advance(7300)
    assert api.get("/watches/nightly-backup").json["next_due_at"] == "2026-01-05T15:00:00.000Z"


@pytest.mark.parametrize("body", [{"for_s": 3600}, {"until_at": "2026-01-05T14:00:00+01:00"}])
def test_a_pause_ends_by_itself(api: Client, watch: Any, body: dict[str, Any]) -> None:
    paused = api("POST", f"/watches/{watch['id']}/pause", body)
    assert (paused.status, paused.json["status"]) == (200, "paused")
    assert paused.json["resumes_at"] == "2026-01-05T13:00:00.000Z"
    assert api("GET", "/watches").json["data"][0]["resumes_at"] == paused.json["resumes_at"]
    again = api("POST", f"/watches/{watch['id']}/resume", {})
    assert again.json["resumes_at"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"for_s": 60, "until_at": "2026-01-06T00:00:00Z"}, "for_s"),
        ({"for_s": 0}, "for_s"),
        ({"until_at": "2026-01-06T00:00:00"}, "until_at"),
        ({"until_at": "2026-01-04T00:00:00Z"}, "until_at"),
        ({"until_at": "2036-01-04T00:00:00Z"}, "until_at"),
    ],
)
def test_a_pause_of_no_sense_is_refused(
    api: Client, watch: Any, body: dict[str, Any], field: str
) -> None:
    refused = api("POST", f"/watches/{watch['id']}/pause", body)
    assert (refused.status, list(refused.faults)) == (422, [field])
    assert api("GET", f"/watches/{watch['id']}").json["status"] != "paused"


def test_pause_and_resume(api: Client, watch: Any) -> None:
    paused = api("POST", f"/watches/{watch['id']}/pause", {})
    assert (paused.status, paused.json["status"], paused.json["next_due_at"]) == (
        200, "paused", None,
    )  # fmt: skip
    resumed = api("POST", f"/watches/{watch['id']}/resume")
    assert (resumed.status, resumed.json["status"]) == (200, "new")
    assert api("POST", "/watches/none/pause").status == 404


def test_delete_takes_it_all(api: Client, house: House, watch: Any) -> None:
    house.ping(watch["ping_url"].rpartition("/")[2])
    gone = api("DELETE", "/watches/nightly-backup")
    assert (gone.status, gone.body) == (204, b"")
    assert api.get("/watches/nightly-backup").status == 404
    assert api("DELETE", "/watches/nightly-backup").status == 404
    assert api.get("/runs").json["data"] == []


def test_filters(api: Client) -> None:
    api("POST", "/watches", {"name": "A", "tags": ["x"], "project": "p"})
    api("POST", "/watches", {"name": "B", "tags": ["x", "y"]})
    api("POST", "/watches/b/pause")
    api("POST", "/jobs", {"name": "C", "action": {"kind": "http", "url": "http://example.org"}})

    def slugs(**filters: str) -> list[str]:
        return sorted(one["slug"] for one in api.get("/watches", **filters).json["data"])

    assert slugs() == ["a", "b", "c"]
    assert slugs(tag="x") == ["a", "b"]
    assert slugs(tag="y", status="paused") == ["b"]
    assert slugs(kind="job") == ["c"]
    assert slugs(project="p") == slugs(slug="a") == ["a"]
    assert slugs(tag="none") == []


def test_other_workspaces_are_not_seen(api: Client, house: House, watch: Any) -> None:
    from dogwatch.store import workspaces
    from dogwatch.usecases import keys

    at, vault = house.clock.now(), house.services.vault
    other = house.write(lambda tx: workspaces.add(tx, "Other", "otherpingkey", at))
    token = house.write(lambda tx: keys.add(tx, other, "k", ["*"], vault, at))
    stranger = Client(api.app, token, "/api/v1")
    assert stranger.get("/watches").json == {"data": [], "next_cursor": None}
    assert stranger.get(f"/watches/{watch['id']}").status == 404
    assert stranger("DELETE", f"/watches/{watch['id']}").status == 404
    assert stranger.get("/workspace").json["name"] == "Other"
