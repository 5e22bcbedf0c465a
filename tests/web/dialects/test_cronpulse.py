"""CronPulse's API as its document and its clients state it: keys, codes, shapes, faults."""

import re
from typing import Any

import pytest

from dogwatch.usecases import aliases, runs, watches, workspaces
from dogwatch.usecases.limiting import Memory, limits_of
from tests.web.asgi_client import Answer, Client
from tests.web.dialects.conftest import ON_BOTH, Door, House

PROJECT = {"name": "New Project", "url": "https://example.com"}
HEALTH = {
    "name": "Health Check",
    "url": "https://example.com/health",
    "method": "GET",
    "schedule": "*/5 * * * *",
    "heartbeat": True,
    "heartbeatTolerance": 5,
    "timeout": 30,
    "expectedStatusCode": 200,
    "headers": {"Accept": "text/plain"},
}
JOB = [
    "id", "name", "projectId", "url", "method", "schedule", "heartbeat", "heartbeatTolerance",
    "timeout", "expectedStatusCode", "headers", "body", "lastStatus", "lastActivityAt", "nextRunAt",
]  # fmt: skip
CUID = re.compile(r"cl[a-z0-9]{23}")


@pytest.fixture
def client(door: Door) -> Client:
    return door("cronpulse")


def project(client: Client, **changes: Any) -> Any:
    answer = client("POST", "/api/v1/projects", PROJECT | changes)
    assert answer.status == 201, answer.text
    return answer.json


def made(client: Client, owner: Any = None, **changes: Any) -> Any:
    owner = owner or project(client)
    answer = client("POST", "/api/v1/jobs", HEALTH | {"projectId": owner["id"]} | changes)
    assert answer.status == 201, answer.text
    return answer.json


def shown(client: Client, job: Any) -> Any:
    return client.get(f"/api/v1/jobs/{job['id']}").json


def ping(client: Client, key: str, state: str = "", said: str = "") -> Answer:
    query = {"client": "cronpulse python"} | ({"errorMessage": said} if said else {})
    return Client(client.app).get(f"/cronpulse/api/ping/{key}{state}", **query)


@ON_BOTH
def test_a_project_from_its_making_to_its_end(client: Client) -> None:
    one = project(client)
    assert list(one) == ["id", "name", "url", "jobs"]
    assert CUID.fullmatch(one["id"])
    assert one == {"id": one["id"], **PROJECT, "jobs": []}
    job = made(client, one)
    summary = {"id": job["id"], "name": "Health Check", "lastStatus": None}
    assert client.get("/api/v1/projects").json == [one | {"jobs": [summary]}]
    path = f"/api/v1/projects/{one['id']}"
    changed = client("PUT", path, {"name": "Shop"})
    assert (changed.status, changed.json) == (200, one | {"name": "Shop", "jobs": [summary]})
    assert client.get(path).json == changed.json
    gone = client("DELETE", path)
    assert (gone.status, gone.json) == (200, {"success": True})
    assert client.get("/api/v1/projects").json == []
    assert client.get("/api/v1/jobs").json == []
    assert client.get(path).json == {"error": "Not found"}


@ON_BOTH
def test_a_job_from_its_making_to_its_end(client: Client) -> None:
    one = project(client)
    job = made(client, one)
    assert list(job) == JOB
    assert CUID.fullmatch(job["id"])
    assert job == HEALTH | {
        "id": job["id"], "projectId": one["id"], "body": None, "lastStatus": None,
        "lastActivityAt": None, "nextRunAt": "2026-01-05T12:05:00Z",
    }  # fmt: skip
    assert shown(client, job) == job
    path = f"/api/v1/jobs/{job['id']}"
    sent = {
        "name": "Updated Job Name", "url": "https://example.com/new-endpoint",
        "schedule": "0 * * * *", "heartbeat": False, "timeout": 60,
    }  # fmt: skip
    changed = client("PUT", path, sent)
    assert (changed.status, list(changed.json)) == (200, JOB)
    assert changed.json == job | sent | {"nextRunAt": "2026-01-05T13:00:00Z"}
    gone = client("DELETE", path)
    assert (gone.status, gone.json) == (200, {"success": True})
    assert client.get(path).status == 404


def test_what_is_not_sent_has_a_default(client: Client) -> None:
    sent = {name: HEALTH[name] for name in ("name", "url", "method", "schedule")}
    answer = client("POST", "/api/v1/jobs", sent | {"projectId": project(client)["id"]})
    found = {name: answer.json[name] for name in JOB[6:12]}
    assert found == {
        "heartbeat": False, "heartbeatTolerance": 5, "timeout": 30, "expectedStatusCode": 200,
        "headers": {}, "body": None,
    }  # fmt: skip


def test_a_job_is_an_http_job_of_ours(client: Client, api: Client) -> None:
    one = project(client, name="Shop")
    made(client, one, expectedStatusCode=301, body="x", method="POST", timeout=7)
    made(client, one, name="Plain", heartbeat=False)
    strict, plain = sorted(api.get("/jobs").json["data"], key=lambda job: -len(job["name"]))
    assert (strict["kind"], strict["project"], strict["timezone"]) == ("job", "Shop", "UTC")
    assert (strict["grace_s"], plain["grace_s"]) == (300, None)
    action = strict["action"]
    assert (action["expected_status"], action["max_redirects"]) == ("301", 0)
    assert (action["body"], action["timeout_s"]) == ("x", 7)
    assert plain["action"]["max_redirects"] == 5


def test_a_job_moves_to_another_project(client: Client) -> None:
    job, other = made(client), project(client, name="Other")
    path = f"/api/v1/jobs/{job['id']}"
    assert client("PUT", path, {"projectId": other["id"]}).json["projectId"] == other["id"]
    assert [one["id"] for one in client.get("/api/v1/jobs", projectId=other["id"]).json] == [
        job["id"]
    ]
    assert client.get("/api/v1/jobs", projectId=job["projectId"]).json == []
    assert client.get("/api/v1/jobs", projectId="clnone").json == {"error": "Not found"}
    assert client("PUT", path, {"projectId": "clnone"}).status == 404


def test_projects_of_one_name_stay_apart(client: Client) -> None:
    first, second = project(client), project(client)
    made(client, second)
    found = {one["id"]: len(one["jobs"]) for one in client.get("/api/v1/projects").json}
    assert found == {first["id"]: 0, second["id"]: 1}


def test_what_is_sent_back_as_it_was_shown_changes_nothing(client: Client, api: Client) -> None:
    job = made(client, headers={"Authorization": "Bearer token", "Accept": "text/plain"})
    assert job["headers"] == {"Authorization": "***", "Accept": "text/plain"}
    again = client("PUT", f"/api/v1/jobs/{job['id']}", job | {"timeout": 9})
    assert again.json == job | {"timeout": 9}
    moved = client("PUT", f"/api/v1/jobs/{job['id']}", {"url": "https://evil.example/"})
    assert (moved.status, list(moved.json)) == (400, ["error"])


def test_the_tolerance_is_kept_without_the_rule(client: Client) -> None:
    job = made(client, heartbeatTolerance=17)
    path = f"/api/v1/jobs/{job['id']}"
    off = client("PUT", path, {"heartbeat": False}).json
    assert (off["heartbeat"], off["heartbeatTolerance"]) == (False, 17)
    on = client("PUT", path, {"heartbeat": True}).json
    assert (on["heartbeat"], on["heartbeatTolerance"]) == (True, 17)
    assert client("PUT", path, {"heartbeatTolerance": 0}).json["heartbeatTolerance"] == 0


@ON_BOTH
def test_each_ping_is_answered_and_tells_the_status(client: Client, house: House) -> None:
    job = made(client)
    for state, status in (
        ("", "success"), ("/start", "running"), ("/success", "success"), ("/fail", "failed"),
        ("/start", "running"), ("", "success"),
    ):  # fmt: skip
        house.clock.advance(1)
        answer = ping(client, job["id"], state)
        assert (answer.status, answer.json) == (200, {"success": True})
        found = shown(client, job)
        assert found["lastStatus"] == status
        assert found["lastActivityAt"] == house.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_slow_run_is_a_success(client: Client, house: House, api: Client) -> None:
    job = made(client)
    slug = api.get("/jobs").json["data"][0]["slug"]
    assert api("PATCH", f"/watches/{slug}", {"slow_after_s": 5}).status == 200
    ping(client, job["id"], "/start")
    house.clock.advance(6)
    ping(client, job["id"], "/success")
    assert api.get(f"/watches/{slug}").json["status"] == "degraded"
    assert shown(client, job)["lastStatus"] == "success"


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("mount", ["", "/cronpulse"])
def test_a_key_of_nine_characters_pings_below_every_mount(
    client: Client, house: House, method: str, mount: str
) -> None:
    job = made(client)
    key = key_of(house, job)
    assert re.fullmatch(r"[a-z0-9]{9}", key)
    stranger = Client(client.app)
    for path in (f"/api/ping/{key}", f"/api/ping/{key}/fail", f"/api/run/{key}"):
        assert stranger(method, mount + path).status == 200
    assert shown(client, job)["lastStatus"] == "running"
    assert stranger(method, f"{mount}/api/complete/{key}").status == 200
    assert shown(client, job)["lastStatus"] == "success"
    asked = {"failed": "disk full"}
    assert stranger(method, f"{mount}/api/complete/{key}", query=asked).status == 200
    assert shown(client, job)["lastStatus"] == "failed"


def key_of(house: House, job: Any) -> str:
    return house.write(
        lambda tx: aliases.find(tx, house.workspace.id, "cronpulse", job["id"])[0].ping_key
    )


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("disk full", "disk full"), ("True", ""), ("true", ""), ("1", ""), ("\0ä", "\ufffdä")],
)
def test_the_message_of_a_failure_is_kept(
    client: Client, api: Client, sent: str, kept: str
) -> None:
    job = made(client)
    ping(client, job["id"], "/fail", sent)
    slug = api.get("/jobs").json["data"][0]["slug"]
    (found,) = api.get(f"/watches/{slug}/pings").json["data"]
    assert (found["kind"], found["body"]) == ("fail", kept)


@pytest.mark.parametrize(
    "path", ["/api/ping/nosuchkey", "/api/ping/nosuchkey/start", "/api/ping/nosuchkey/explode",
             "/api/run/nosuchkey", "/api/complete/nosuchkey", "/api/ping/no", "/api/run/NO"],
)  # fmt: skip
def test_an_unknown_key_is_not_found(client: Client, path: str) -> None:
    answer = Client(client.app).get(f"/cronpulse{path}")
    assert (answer.status, list(answer.json)) == (404, ["error"])


@ON_BOTH
def test_a_start_and_then_silence_is_missed_and_comes_back(client: Client, house: House) -> None:
    job = made(client, heartbeatTolerance=2)
    ping(client, job["id"], "/start")

    def status_after(seconds: int) -> Any:
        house.clock.advance(seconds)
        house.write(lambda tx: watches.lapse(tx, house.clock.now()))
        return shown(client, job)["lastStatus"]

    assert status_after(119) == "running"
    assert status_after(2) == "missed"
    assert ping(client, job["id"], "/success").status == 200
    assert status_after(1) == "success"


@ON_BOTH
def test_a_run_that_does_not_begin_in_time_is_missed(client: Client, house: House) -> None:
    strict = made(client, heartbeatTolerance=2)
    loose = made(client, heartbeat=False)
    house.clock.advance(301)
    house.write(lambda tx: runs.fire_due(tx, house.clock.now()))
    assert shown(client, strict)["lastStatus"] is None
    house.clock.advance(121)
    house.write(lambda tx: watches.lapse(tx, house.clock.now()))
    assert shown(client, strict)["lastStatus"] == "missed"
    assert shown(client, loose)["lastStatus"] is None


def test_a_run_of_a_ping_holds_up_none_of_ours(client: Client, house: House, api: Client) -> None:
    job = made(client, heartbeat=False)
    ping(client, job["id"], "/start")
    ping(client, job["id"], "/start")
    house.clock.advance(301)
    house.write(lambda tx: runs.fire_due(tx, house.clock.now()))
    found = api.get("/runs").json["data"]
    assert [(one["trigger"], one["outcome"]) for one in found] == [
        ("schedule", None), ("ping", None)
    ]  # fmt: skip


def test_watches_of_other_doors_are_jobs_too(client: Client, house: House, watch: Any) -> None:
    (found,) = client.get("/api/v1/projects").json
    (job,) = client.get("/api/v1/jobs").json
    assert (found["name"], found["jobs"][0]["id"]) == ("No project", job["id"])
    assert (job["url"], job["schedule"], job["heartbeat"]) == ("", "0 * * * *", True)
    path = f"/api/v1/jobs/{job['id']}"
    assert client("PUT", path, job | {"name": "Renamed"}).json == job | {"name": "Renamed"}
    assert client("PUT", path, {"heartbeatTolerance": 9}).json["heartbeatTolerance"] == 9
    assert client("PUT", path, {"url": "https://example.com"}).status == 400
    assert ping(client, job["id"]).status == 200
    path = f"/api/v1/projects/{found['id']}"
    assert client("PUT", path, found | {"name": "Others"}).json["name"] == "Others"
    assert client("PUT", path, {"url": "nowhere"}).status == 400
    kept = client("DELETE", path)
    assert (kept.status, list(kept.json)) == (400, ["error"])


def test_permissions_have_the_words_of_the_document(door: Door) -> None:
    reader = door("cronpulse", "read:projects")
    assert reader.get("/api/v1/projects").status == 200
    for method, path in (("POST", "/api/v1/projects"), ("GET", "/api/v1/jobs")):
        answer = reader(method, path, PROJECT if method == "POST" else None)
        assert (answer.status, answer.json) == (403, {"error": "Insufficient permissions"})
    writer = door("cronpulse", "write:projects")
    assert writer("POST", "/api/v1/projects", PROJECT).status == 201
    assert writer.get("/api/v1/projects").status == 403


WRONG_PROJECT: dict[str, list[Any]] = {
    "name": [None, 5, "", " ", "x" * 201, [], "\ud800", "a\0b"],
    "url": [
        None,
        5,
        "",
        "ftp://example.com",
        "example.com",
        "https://",
        "https://a b",
        "\ud800",
        "http://[::1",
        "http://x:99999/",
        "https://a\0b",
    ],
}
WRONG: dict[str, list[Any]] = {
    **WRONG_PROJECT,
    "projectId": [None, 5, []],
    "method": [None, 5, "get", "TRACE", ""],
    "schedule": [None, 5, "", "* * * *", "61 * * * *", "every 5m", "* * * * *\n1 * * * *",
                 "x" * 300],
    "heartbeat": [None, "yes", 1],
    "heartbeatTolerance": [None, -1, 1.5, "5", True, 10**15],
    "timeout": [None, 0, -1, 301, "30", True, 10**15],
    "expectedStatusCode": [None, 99, 600, "200", 200.5, True],
    "headers": [None, [], "x", {"a": 5}, {"a b": "c"}, {"a": "b\r\nc"}, {"Host": "x"}],
    "body": [5, [], {}, "x" * 300_000],
}  # fmt: skip


def cases(wrong: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, many in wrong.items() for value in many]


def told(answer: Answer, field: str) -> None:
    assert (answer.status, list(answer.json)) == (400, ["error"]), answer.text
    assert answer.json["error"].startswith(field), answer.text


@pytest.mark.parametrize(("field", "value"), cases(WRONG), ids=lambda value: repr(value)[:40])
def test_a_bad_field_of_a_job_is_named_and_changes_nothing(
    client: Client, field: str, value: Any
) -> None:
    job = made(client)
    told(
        client("POST", "/api/v1/jobs", HEALTH | {"projectId": job["projectId"], field: value}),
        field,
    )
    told(client("PUT", f"/api/v1/jobs/{job['id']}", {field: value}), field)
    assert client.get("/api/v1/jobs").json == [job]


@pytest.mark.parametrize(
    ("field", "value"), cases(WRONG_PROJECT), ids=lambda value: repr(value)[:40]
)
def test_a_bad_field_of_a_project_is_named_and_changes_nothing(
    client: Client, field: str, value: Any
) -> None:
    one = project(client)
    told(client("POST", "/api/v1/projects", PROJECT | {field: value}), field)
    told(client("PUT", f"/api/v1/projects/{one['id']}", {field: value}), field)
    assert client.get("/api/v1/projects").json == [one]


@pytest.mark.parametrize("field", ["name", "projectId", "url", "method", "schedule"])
def test_a_required_field_is_missed(client: Client, field: str) -> None:
    sent = HEALTH | {"projectId": project(client)["id"]}
    told(client("POST", "/api/v1/jobs", {k: v for k, v in sent.items() if k != field}), field)


@pytest.mark.parametrize("unknown", ["clnone", "", "\0", "\ud800"])
def test_an_unknown_project_comes_before_bad_fields(client: Client, unknown: str) -> None:
    answer = client("POST", "/api/v1/jobs", {"projectId": unknown, "name": 5})
    assert (answer.status, answer.json) == (404, {"error": "Not found"})


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 200_000, b'{"name": NaN}', b""])
def test_a_body_that_cannot_be_read_is_a_bad_request(client: Client, body: bytes) -> None:
    answer = client("POST", "/api/v1/projects", body)
    assert (answer.status, list(answer.json)) == (400, ["error"])


@ON_BOTH
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/jobs/clnone", 404),
        ("PUT", "/api/v1/projects/clnone", 404),
        ("DELETE", "/api/v1/jobs/clnone", 404),
        ("GET", "/api/v1/jobs/\0", 404),
        ("GET", "/api/v1/projects/\0ä", 404),
        ("GET", "/api/v1/nothing", 404),
        ("PATCH", "/api/v1/jobs", 405),
        ("POST", "/api/v1/projects/clnone", 405),
    ],
)
def test_what_is_not_there_is_told_in_its_own_form(
    client: Client, method: str, path: str, status: int
) -> None:
    answer = client(method, path)
    assert (answer.status, list(answer.json)) == (status, ["error"])


def test_missing_and_wrong_keys_are_told_apart(client: Client) -> None:
    stranger = Client(client.app, None, client.base)
    wrong = Client(client.app, "cpk_wrong", client.base, "x-api-key")
    missing, invalid = stranger.get("/api/v1/projects"), wrong.get("/api/v1/projects")
    assert (missing.status, missing.json) == (401, {"error": "Missing API key"})
    assert (invalid.status, invalid.json) == (401, {"error": "Invalid API key"})
    assert re.fullmatch(r"cpk_[A-Za-z0-9]{40}", client.token or "")


def test_it_is_limited_as_the_plan_says(door: Door, house: House) -> None:
    limits = limits_of(house.database, Memory(house.clock), house.clock)
    free = door("cronpulse", limits=limits).get("/api/v1/projects")
    assert not [name for name in free.headers if name.startswith("x-ratelimit")]
    house.write(lambda tx: workspaces.assign(tx, house.workspace.id, "free"))
    limits = limits_of(house.database, Memory(house.clock), house.clock)
    limited = door("cronpulse", limits=limits)
    answers = [limited.get("/api/v1/projects") for _ in range(61)]
    assert {one.status for one in answers[:60]} == {200}
    last = answers[-1]
    assert (last.status, last.json) == (429, {"error": "Too many requests"})
    assert (last.headers["retry-after"], last.headers["content-type"]) == ("60", "application/json")


def test_401_comes_before_403_and_that_before_404(door: Door) -> None:
    reader = door("cronpulse", "read:projects")
    stranger = Client(reader.app, "cpk_wrong", reader.base, "x-api-key")
    for client, status in ((stranger, 401), (reader, 403), (door("cronpulse"), 404)):
        assert client("PUT", "/api/v1/jobs/clnone", {"name": 5}).status == status


def test_a_body_in_any_content_type_is_read(client: Client) -> None:
    for media in ("", "text/plain", "application/x-www-form-urlencoded"):
        answer = client("POST", "/api/v1/projects", PROJECT, headers={"content-type": media})
        assert answer.status == 201, media
