"""CronBeats' API as its document and its clients state it: keys, codes, shapes, faults."""

import re
from datetime import timedelta
from typing import Any

import pytest

from dogwatch.usecases import put_away, watches
from dogwatch.usecases.limiting import Memory, limits_of
from tests.web.asgi_client import Answer, Client
from tests.web.dialects.conftest import ON_BOTH, Door, House

BACKUP = {
    "name": "Daily Database Backup",
    "expected_interval_seconds": 86400,
    "grace_seconds": 600,
    "description": "PostgreSQL backup to S3",
    "timezone": "UTC",
}
MADE = ["id", "job_key", "name", "ping_url", "is_enabled", "created_at"]
WHOLE = [
    *MADE, "description", "expected_interval_seconds", "grace_seconds", "timezone",
    "current_state", "updated_at",
]  # fmt: skip
STATE = [
    "status", "last_ping_at", "last_signal", "next_expected_at", "progress", "progress_message",
]  # fmt: skip


@pytest.fixture
def client(door: Door) -> Client:
    return door("cronbeats")


def test_the_verbs_of_http_are_good_for_those_in_the_path(client: Client) -> None:
    path = f"/api/v1/jobs/{made(client)['id']}"
    assert client("PUT", path, {"name": "again"}).json["data"]["name"] == "again"
    gone = client("DELETE", path)
    assert (gone.status, gone.body) == (204, b"")
    assert client.get(path).status == 404


def made(client: Client, **changes: Any) -> Any:
    answer = client("POST", "/api/v1/jobs", BACKUP | changes)
    assert answer.status == 201, answer.text
    return answer.json["data"]


def shown(client: Client, job: Any) -> Any:
    return client.get(f"/api/v1/jobs/{job['id']}").json["data"]


def ping(client: Client, job: Any, end: str = "", body: Any = None, method: str = "POST") -> Answer:
    return Client(client.app)(method, f"/ping/{job['job_key']}{end}", body)


@ON_BOTH
def test_a_job_from_its_making_to_its_end(client: Client) -> None:
    job = made(client)
    assert list(job) == MADE
    assert re.fullmatch(r"[A-Za-z0-9]{8}", job["job_key"])
    assert job["ping_url"] == f"http://dogwatch.test/cronbeats/ping/{job['job_key']}"
    assert type(job["id"]) is int
    found = shown(client, job)
    assert list(found) == WHOLE
    assert list(found["current_state"]) == STATE
    assert found["current_state"]["status"] == "pending"
    path = f"/api/v1/jobs/{job['id']}"
    changed = client("PUT", f"{path}/update", {"grace_seconds": 60, "timezone": "Europe/Paris"})
    assert (changed.json["data"]["grace_seconds"], changed.json["data"]["timezone"]) == (
        60,
        "Europe/Paris",
    )
    gone = client("POST", f"{path}/delete")
    assert (gone.status, gone.body) == (204, b"")
    assert client.get(path).status == 404
    assert ping(client, job).json == {"status": "error", "message": "Job not found or disabled"}


@ON_BOTH
def test_a_deleted_job_can_be_had_again(client: Client, api: Client, house: House) -> None:
    job = made(client)
    house.clock.advance(1)
    other = made(client)
    path, month = f"/api/v1/jobs/{job['id']}", timedelta(days=30, seconds=1)
    slug = api.get("/watches").json["data"][0]["slug"]
    ping(client, job)

    def listed() -> list[int]:
        return [one["id"] for one in client.get("/api/v1/jobs").json["data"]]

    def prune() -> None:
        house.write(lambda tx: put_away.tidy(tx, house.clock.now(), 100))

    assert client("POST", f"{path}/delete").status == 204
    for method, end in (("GET", ""), ("PUT", "/update"), ("POST", "/delete"), ("POST", "/pause"),
                        ("POST", "/resume"), ("GET", "/signals")):  # fmt: skip
        assert client(method, path + end, {}).status == 404, end
    bulk = client("POST", "/api/v1/jobs/bulk/resume", {"job_ids": [job["id"]]}).json["data"]
    assert bulk["failed"] == [{"id": job["id"], "error": "Job not found"}]
    assert listed() == [other["id"]]
    assert api.get(f"/watches/{slug}").json["status"] == "paused"
    told = "It was deleted through CronBeats and goes for good on "
    assert told in api.get(f"/watches/{slug}/why").json["sentence"]
    assert api("POST", f"/watches/{slug}/resume").status == 200
    assert told not in api.get(f"/watches/{slug}/why").json["sentence"]
    assert listed() == [job["id"], other["id"]]
    assert len(client.get(f"{path}/signals").json["data"]) == 1
    house.clock.advance(1)
    client("POST", f"{path}/pause")
    assert shown(client, job)["is_enabled"] is False
    house.clock.advance(month.total_seconds())
    prune()
    client("POST", f"{path}/delete")
    prune()
    assert api.get(f"/watches/{slug}").status == 200
    house.clock.advance(month.total_seconds())
    prune()
    assert api.get(f"/watches/{slug}").status == 404
    assert listed() == [other["id"]]


def test_a_deleted_job_can_be_deleted_for_good(client: Client, api: Client) -> None:
    path = f"/api/v1/jobs/{made(client)['id']}"
    assert client("POST", f"{path}/delete").status == 204
    assert client("DELETE", path).status == 204
    assert client("DELETE", path).status == 404
    assert api.get("/watches").json["data"] == []


@ON_BOTH
def test_the_id_of_a_job_that_is_gone_is_given_to_no_other(client: Client) -> None:
    job = made(client)
    client("DELETE", f"/api/v1/jobs/{job['id']}")
    assert made(client)["id"] == job["id"] + 1


@ON_BOTH
def test_a_list_is_paged_and_filtered(client: Client, house: House) -> None:
    jobs = []
    for number in range(3):
        jobs.append(made(client, name=f"j{number}"))
        house.clock.advance(1)
    ping(client, jobs[0])
    ping(client, jobs[1], "/end/fail")
    client("POST", f"/api/v1/jobs/{jobs[2]['id']}/pause")
    page = client.get("/api/v1/jobs", page=2, per_page=2).json
    assert list(page["meta"]) == ["page", "per_page", "total", "total_pages", "timestamp"]
    assert (page["meta"]["total"], page["meta"]["total_pages"]) == (3, 2)
    assert [list(one) for one in page["data"]] == [WHOLE]
    names = {
        wanted: [one["name"] for one in client.get("/api/v1/jobs", status=wanted).json["data"]]
        for wanted in ("all", "enabled", "disabled", "healthy", "down", "late")
    }
    assert names == {
        "all": ["j0", "j1", "j2"], "enabled": ["j0", "j1"], "disabled": ["j2"],
        "healthy": ["j0"], "down": ["j1"], "late": [],
    }  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    ("end", "action"),
    [("", "ping"), ("/start", "start"), ("/end/success", "end"), ("/end/fail", "end"),
     ("/progress/40", "progress"), ("/progress", "progress")],
)  # fmt: skip
def test_each_signal_is_answered_as_clients_expect(
    client: Client, method: str, end: str, action: str
) -> None:
    job = made(client)
    answer = ping(client, job, end, {"message": "half"} if method == "POST" else None, method)
    assert answer.status == 200
    assert list(answer.json) == [
        "status", "message", "action", "job_key", "timestamp", "processing_time_ms",
        "next_expected",
    ]  # fmt: skip
    said = answer.json
    assert (said["status"], said["message"], said["action"]) == ("success", "OK", action)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", said["timestamp"])
    assert type(said["processing_time_ms"]) is float
    assert said["next_expected"] is None or isinstance(said["next_expected"], str)
    state = shown(client, job)["current_state"]
    assert state["last_signal"] == action


def test_a_start_without_an_end_is_down_once_interval_and_grace_have_passed(
    client: Client, house: House
) -> None:
    job = made(client, expected_interval_seconds=3_600, grace_seconds=600)
    ping(client, job)
    house.clock.advance(1_800)
    ping(client, job, "/start")
    for seconds, status in (4_199, "late"), (2, "down"):
        house.clock.advance(seconds)
        house.write(lambda tx: watches.lapse(tx, house.clock.now()))
        assert shown(client, job)["current_state"]["status"] == status


@pytest.mark.parametrize("end", ["/start", "/progress/40"])
def test_a_job_that_only_began_is_pending_until_it_is_done(client: Client, end: str) -> None:
    job = made(client)
    ping(client, job, end)
    path = f"/api/v1/jobs/{job['id']}"
    for verb in ("", "pause", "resume"):
        assert not verb or client("POST", f"{path}/{verb}").status == 200
        wanted = "disabled" if verb == "pause" else "pending"
        assert shown(client, job)["current_state"]["status"] == wanted
    assert client.get("/api/v1/jobs", status="healthy").json["data"] == []
    ping(client, job, "/end/success")
    assert shown(client, job)["current_state"]["status"] == "healthy"


@ON_BOTH
def test_progress_is_shown_until_the_end(client: Client) -> None:
    job = made(client)
    ping(client, job, "/start")
    ping(client, job, "/progress/40", {"message": "x" * 30_000})
    state = shown(client, job)["current_state"]
    assert (state["progress"], state["progress_message"]) == (40, "x" * 255)
    ping(client, job, "/progress", {"message": "more", "progress": 60})
    state = shown(client, job)["current_state"]
    assert (state["progress"], state["progress_message"]) == (60, "more")
    ping(client, job, "/end/success")
    state = shown(client, job)["current_state"]
    assert (state["status"], state["progress"]) == ("healthy", None)
    signals = client.get(f"/api/v1/jobs/{job['id']}/signals").json["data"]
    assert [(one["signal"], one["status"]) for one in signals] == [
        ("end", "success"), ("progress", None), ("progress", None), ("start", None),
    ]  # fmt: skip
    assert list(signals[0]) == [
        "id", "signal", "status", "progress", "message", "ip_address", "duration_ms",
        "received_at",
    ]  # fmt: skip


@ON_BOTH
def test_the_end_of_a_run_tells_how_long_it_took(client: Client, house: House) -> None:
    """Its start may be on an older page, and progress in between is no end."""
    job = made(client)
    for end, seconds in (
        ("", 0), ("/start", 1), ("/progress/40", 2), ("/end/success", 0), ("/end/success", 5),
        ("/start", 7), ("/start", 3), ("/end/fail", 1), ("/start", 9), ("", 0),
    ):  # fmt: skip
        ping(client, job, end)
        house.clock.advance(seconds)
    path = f"/api/v1/jobs/{job['id']}/signals"
    signals = client.get(path).json["data"]
    assert [(one["signal"], one["duration_ms"]) for one in signals] == [
        ("ping", 9_000), ("start", None), ("end", 3_000), ("start", None), ("start", None),
        ("end", None), ("end", 3_000), ("progress", None), ("start", None), ("ping", None),
    ]  # fmt: skip
    alone = [client.get(path, page=page, per_page=1).json["data"][0] for page in range(1, 11)]
    assert alone == signals


@pytest.mark.parametrize(
    ("end", "status"),
    [("/progress/101", 400), ("/end/maybe", 400), ("/nonsense", 400), ("/progress/-1", 400)],
)
def test_a_signal_that_means_nothing_is_told(client: Client, end: str, status: int) -> None:
    answer = ping(client, made(client), end)
    assert (answer.status, answer.json["status"]) == (status, "error")


@ON_BOTH
def test_late_comes_first_then_down_then_healthy_again(client: Client, house: House) -> None:
    job = made(client, expected_interval_seconds=300, grace_seconds=60)
    ping(client, job)

    def status_after(seconds: int) -> Any:
        house.clock.advance(seconds)
        house.write(lambda tx: watches.lapse(tx, house.clock.now()))
        return shown(client, job)["current_state"]["status"]

    assert status_after(299) == "healthy"
    assert status_after(2) == "late"
    for wanted, count in (("late", 1), ("healthy", 0), ("enabled", 1), ("down", 0)):
        assert len(client.get("/api/v1/jobs", status=wanted).json["data"]) == count
    assert status_after(60) == "down"
    ping(client, job)
    assert shown(client, job)["current_state"]["status"] == "healthy"


@ON_BOTH
def test_a_paused_job_hears_nothing(client: Client) -> None:
    job = made(client)
    path = f"/api/v1/jobs/{job['id']}"
    paused = client("POST", f"{path}/pause")
    assert paused.json == {"success": True, "data": {"id": job["id"], "is_enabled": False}}
    again = client("POST", f"{path}/pause")
    assert (again.status, again.json["error"]) == (400, "already_disabled")
    assert ping(client, job).status == 404
    assert client("POST", f"{path}/resume").json["data"]["is_enabled"] is True
    again = client("POST", f"{path}/resume")
    assert (again.status, again.json["error"]) == (400, "already_enabled")


@ON_BOTH
def test_many_are_changed_at_once_and_failures_are_named(client: Client) -> None:
    first, second = made(client), made(client)
    client("POST", f"/api/v1/jobs/{second['id']}/pause")
    ids = [first["id"], second["id"], 987654321]
    answer = client("POST", "/api/v1/jobs/bulk/pause", {"job_ids": ids}).json
    assert answer == {
        "success": True,
        "data": {
            "total_requested": 3,
            "successfully_paused": 1,
            "failed": [
                {"id": second["id"], "error": "Job is already disabled"},
                {"id": 987654321, "error": "Job not found"},
            ],
        },
    }
    resumed = client("POST", "/api/v1/jobs/bulk/resume", {"job_ids": ids[:2]}).json["data"]
    assert (resumed["successfully_resumed"], resumed["failed"]) == (2, [])
    deleted = client("POST", "/api/v1/jobs/bulk/delete", {"job_ids": ids[:2]}).json["data"]
    assert deleted["successfully_deleted"] == 2
    assert client.get("/api/v1/jobs").json["data"] == []
    too_many = client("POST", "/api/v1/jobs/bulk/delete", {"job_ids": [1] * 101})
    assert (too_many.status, list(too_many.json["errors"])) == (422, ["job_ids"])


def test_the_workspace_header_means_nothing(client: Client) -> None:
    made(client)
    answer = client("GET", "/api/v1/jobs", headers={"x-workspace-id": "999"})
    assert len(answer.json["data"]) == 1


def test_missing_and_wrong_keys_are_told_apart(client: Client) -> None:
    stranger = Client(client.app, None, client.base)
    wrong = Client(client.app, "cb_wrong", client.base, "x-api-key")
    missing, invalid = stranger.get("/api/v1/jobs"), wrong.get("/api/v1/jobs")
    assert (missing.status, missing.json["error"]) == (401, "missing_api_key")
    assert invalid.json == {
        "success": False,
        "error": "invalid_api_key",
        "message": "Invalid or expired API key",
        "meta": {"timestamp": "2026-01-05T12:00:00Z"},
    }


WRONG: dict[str, list[Any]] = {
    "name": [None, 5, "", "x" * 201, [], True],
    "expected_interval_seconds": [None, 0, 59, -1, 60.5, "60", True, 10**15, {}],
    "grace_seconds": [None, -1, 1.5, "5", True, 10**15],
    "description": [5, "x" * 256, []],
    "timezone": [None, 5, "", "Mars/Olympus", "../x"],
}


@pytest.mark.parametrize(
    ("field", "value"), [(name, value) for name, many in WRONG.items() for value in many], ids=repr
)
def test_a_bad_field_is_named_and_changes_nothing(client: Client, field: str, value: Any) -> None:
    job = made(client)
    before = client.get("/api/v1/jobs").json["data"]
    for method, path, body in (
        ("POST", "/api/v1/jobs", BACKUP | {field: value}),
        ("PUT", f"/api/v1/jobs/{job['id']}/update", {field: value}),
    ):
        answer = client(method, path, body)
        assert (answer.status, answer.json["error"]) == (422, "validation_error")
        assert list(answer.json) == ["success", "error", "message", "errors", "meta"]
        assert list(answer.json["errors"]) == [field]
    assert client.get("/api/v1/jobs").json["data"] == before


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 200_000, b'{"name": Infinity}'])
def test_a_body_that_cannot_be_read_is_a_bad_request(client: Client, body: bytes) -> None:
    answer = client("POST", "/api/v1/jobs", body)
    assert (answer.status, answer.json["error"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/jobs/0", 404, "not_found"),
        ("GET", "/api/v1/jobs/abc", 404, "not_found"),
        ("GET", f"/api/v1/jobs/{9**30}", 404, "not_found"),
        ("POST", "/api/v1/jobs/bulk/explode", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("PATCH", "/api/v1/jobs", 405, "method_not_allowed"),
        ("GET", "/api/v1/jobs?status=sleepy", 422, "validation_error"),
        ("GET", "/api/v1/jobs?per_page=101", 422, "validation_error"),
    ],
)
def test_what_is_not_there_is_told_in_its_own_form(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    path, _, query = path.partition("?")
    answer = client(method, path, query=dict([query.split("=")]) if query else None)
    assert (answer.status, answer.json["error"]) == (status, code)


def test_both_windows_are_told_and_the_spent_one_is_named(door: Door, house: House) -> None:
    memory = Memory(house.clock)
    limited = door("cronbeats", limits=limits_of(house.database, memory, house.clock))
    first = limited.get("/api/v1/jobs")
    noon = int(house.clock.now().timestamp())
    names = ["limit-minute", "remaining-minute", "reset-minute"]
    names += ["limit-day", "remaining-day", "reset-day"]
    assert [first.headers[f"x-ratelimit-{name}"] for name in names] == [
        "60", "59", str(noon + 60), "20000", "19999", str(noon + 12 * 3600),
    ]  # fmt: skip
    for _ in range(59):
        limited.get("/api/v1/jobs")
    last = limited.get("/api/v1/jobs")
    assert (last.status, last.headers["retry-after"]) == (429, "60")
    assert last.json == {
        "success": False,
        "message": "Rate limit exceeded",
        "error": {"type": "per_minute", "limit": 60, "reset_at": "2026-01-05 12:01:00"},
    }


def test_all_keys_of_a_workspace_spend_one_pool_and_a_spent_day_is_named(
    door: Door, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dogwatch.web.dialects.cronbeats.limits.PER_DAY", 3)
    limits = limits_of(house.database, Memory(house.clock), house.clock)
    keys = [door("cronbeats", limits=limits) for _ in range(2)]
    path, left = "/api/v1/integrations", "x-ratelimit-remaining-day"
    assert [keys[turn].get(path).headers[left] for turn in (0, 1, 0)] == ["2", "1", "0"]
    last = keys[1]("POST", "/api/v1/jobs", BACKUP)
    assert last.json == {
        "success": False,
        "message": "Rate limit exceeded",
        "error": {"type": "per_day", "limit": 3, "reset_at": "2026-01-06 00:00:00"},
    }
    assert (last.status, last.headers["retry-after"], last.headers[left]) == (429, "43200", "0")
    house.clock.advance(43_200)
    assert client_jobs(keys[0]) == []


def client_jobs(client: Client) -> Any:
    return client.get("/api/v1/jobs").json["data"]


def test_what_is_not_sent_has_a_default(client: Client) -> None:
    new = {"name": "Least", "expected_interval_seconds": 60, "color": "red"}
    found = shown(client, client("POST", "/api/v1/jobs", new).json["data"])
    told = [found[name] for name in ("description", "grace_seconds", "timezone", "is_enabled")]
    assert told == [None, 300, "UTC", True]


def test_a_ping_of_a_paused_job_stands_in_its_signals(client: Client) -> None:
    job = made(client)
    client("POST", f"/api/v1/jobs/{job['id']}/pause")
    assert ping(client, job, "/end/fail").status == 404
    assert shown(client, job)["current_state"]["status"] == "disabled"
    (signal,) = client.get(f"/api/v1/jobs/{job['id']}/signals").json["data"]
    assert (signal["signal"], signal["status"]) == ("end", "fail")


def test_watches_of_other_doors_are_jobs_too(client: Client, watch: Any) -> None:
    (job,) = client.get("/api/v1/jobs").json["data"]
    assert (job["name"], job["expected_interval_seconds"]) == (watch["name"], 3600)
    assert ping(client, job).status == 200
