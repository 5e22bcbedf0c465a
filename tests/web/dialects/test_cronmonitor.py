"""CronMonitor's API as its document states it: keys, codes, shapes, faults."""

import re
from datetime import timedelta
from typing import Any

import pytest

from dogwatch.usecases import keys, watches, workspaces
from dogwatch.usecases.callers import host
from dogwatch.usecases.limiting import Memory, limits_of
from tests.web.asgi_client import Answer, Client
from tests.web.dialects.conftest import ON_BOTH, Door, House

BACKUP = {
    "name": "Daily Backup",
    "schedule": "0 2 * * *",
    "timezone": "Europe/Warsaw",
    "grace_period": 300,
}
IN_LIST = [
    "id", "name", "schedule", "timezone", "grace_period", "status", "last_ping_at",
    "next_expected_at", "created_at",
]  # fmt: skip
ALONE = [
    *IN_LIST[:6], "ping_url", "last_ping_at", "next_expected_at", "ping_count", "failure_count",
    "created_at",
]  # fmt: skip
MADE = [*IN_LIST[:6], "ping_url", "created_at"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def client(door: Door) -> Client:
    return door("cronmonitor")


def made(client: Client, **changes: Any) -> Any:
    answer = client("POST", "/api/v1/monitors", BACKUP | changes)
    assert answer.status == 201, answer.text
    return answer.json["data"]


def shown(client: Client, monitor: Any) -> Any:
    return client.get(f"/api/v1/monitors/{monitor['id']}").json["data"]


def ping(client: Client, monitor: Any, end: str = "", method: str = "GET", **given: Any) -> Answer:
    path = monitor["ping_url"].partition("dogwatch.test")[2]
    return Client(client.app)(method, path + end, **given)


@ON_BOTH
def test_a_monitor_from_its_making_to_its_end(client: Client) -> None:
    monitor = made(client)
    assert list(monitor) == MADE
    assert re.fullmatch(r"mon_[a-z0-9]+", monitor["id"])
    assert re.fullmatch(r"http://dogwatch\.test/cronmonitor/ping/[a-z0-9]{12}", monitor["ping_url"])
    assert monitor["status"] == "pending"
    assert TIME.fullmatch(monitor["created_at"])
    listed = client.get("/api/v1/monitors").json
    assert listed["meta"] == {"total": 1, "page": 1, "per_page": 50}
    assert [list(one) for one in listed["data"]] == [IN_LIST]
    assert list(shown(client, monitor)) == ALONE
    printed = {"name": "Daily Backup (Updated)", "grace_period": 600}
    changed = client("PATCH", f"/api/v1/monitors/{monitor['id']}", printed)
    assert list(changed.json["data"]) == [*IN_LIST[:5], "updated_at"]
    assert printed.items() <= changed.json["data"].items()
    gone = client("DELETE", f"/api/v1/monitors/{monitor['id']}")
    assert (gone.status, gone.body) == (204, b"")
    assert client.get(f"/api/v1/monitors/{monitor['id']}").status == 404


def test_what_is_expected_is_computed_in_the_zone(client: Client) -> None:
    """The sample shows 02:00Z for 02:00 in Warsaw, which is 01:00Z in winter."""
    monitor = made(client)
    assert shown(client, monitor)["next_expected_at"] == "2026-01-06T01:00:00Z"


@pytest.mark.parametrize("end", ["", "?status=success&duration=2.5&message=done"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_a_ping_is_answered_200_and_makes_it_up(client: Client, method: str, end: str) -> None:
    monitor = made(client)
    path, _, query = end.partition("?")
    answer = ping(client, monitor, path, method, query=dict(
        pair.split("=") for pair in query.split("&") if pair))  # fmt: skip
    assert answer.status == 200
    assert method == "HEAD" or answer.json == {"message": "OK"}
    detail = shown(client, monitor)
    assert (detail["status"], detail["ping_count"]) == ("up", 1)


@ON_BOTH
def test_the_history_says_how_long_and_what(client: Client) -> None:
    monitor = made(client)
    ping(client, monitor, "", "POST", body={"duration": 2.5, "message": "1.2GB"})
    ping(client, monitor, "/fail", "POST", body=b"message=disk+full")
    answer = client.get(f"/api/v1/monitors/{monitor['id']}/pings", limit=10).json
    assert answer["meta"] == {"total": 2, "page": 1, "per_page": 10}
    failed, done = answer["data"]
    assert list(done) == ["id", "pinged_at", "status", "duration", "message", "ip_address"]
    assert (done["status"], done["duration"], done["message"]) == ("success", 2.5, "1.2GB")
    assert (failed["status"], failed["message"]) == ("fail", "disk full")
    assert re.fullmatch(r"ping_\w+", done["id"])
    assert shown(client, monitor)["status"] == "down"
    assert shown(client, monitor)["failure_count"] == 1


@pytest.mark.parametrize(
    "body",
    [{"message": "x" * 30_000, "status": "fail"}, b'\xef\xbb\xbf{"status": "fail", "message": "x"}',
     b"message=" + b"x" * 30_000 + b"&status=fail"],
    ids=["long", "with a mark of its byte order", "a long form"],
)  # fmt: skip
def test_a_failure_is_one_however_it_is_told(client: Client, body: Any) -> None:
    monitor = made(client)
    ping(client, monitor, "", "POST", body=body)
    (told,) = client.get(f"/api/v1/monitors/{monitor['id']}/pings").json["data"]
    assert (told["status"], set(told["message"])) == ("fail", {"x"})


@pytest.mark.parametrize(
    ("body", "message"),
    [({"duration": 2.5}, None), (b"duration=2.5&status=success", None), (b"a=b", "a=b"),
     ({"files": 7}, '{"files": 7}'), (b"GET /?a=1&status=200", "GET /?a=1&status=200"),
     (b"Backup completed: 1.2GB", "Backup completed: 1.2GB")],
    ids=str,
)  # fmt: skip
def test_a_body_is_the_message_unless_it_says_something_else(
    client: Client, body: Any, message: str | None
) -> None:
    monitor = made(client)
    ping(client, monitor, "", "POST", body=body)
    (told,) = client.get(f"/api/v1/monitors/{monitor['id']}/pings").json["data"]
    assert told["message"] == message


@pytest.mark.parametrize("body", [b"x" * 100, {"message": "x" * 100}], ids=["text", "JSON"])
def test_of_what_a_ping_says_no_more_is_kept_than_of_any_body(door: Door, body: Any) -> None:
    few = door("cronmonitor", ping_body_limit_bytes=20)
    monitor = made(few)
    ping(few, monitor, "", "POST", body=body)
    (told,) = few.get(f"/api/v1/monitors/{monitor['id']}/pings").json["data"]
    assert told["message"] == f"{'x' * 10}\n[80 bytes dropped]\n{'x' * 10}"


@ON_BOTH
def test_history_has_an_inclusive_beginning_and_an_exclusive_end(
    client: Client, house: House
) -> None:
    monitor = made(client)
    ping(client, monitor)
    at = house.clock.now()
    house.clock.advance(60)
    ping(client, monitor)
    path = f"/api/v1/monitors/{monitor['id']}/pings"
    later = (at + timedelta(seconds=60)).isoformat()
    assert client.get(path, **{"from": at.isoformat()}).json["meta"]["total"] == 2
    assert client.get(path, to=later).json["meta"]["total"] == 1
    assert client.get(path, **{"from": "yesterday"}).status == 422


@pytest.mark.parametrize(
    ("asked", "found"),
    [("2001-01-01", 1), ("20010101", 1), ("20010101T000000Z", 1), ("2001-01-01 00:00:00", 1),
     ("2001-01-01T00:00:00+02:00", 1), ("2001-01-01T00:00:00 02:00", 1), ("22001231", 0),
     ("2001-01-01T00:00:00.000 0200", 1), ("2200-12-31", 0), ("2200-12-31T00:00:00 02:00", 0)],
)  # fmt: skip
def test_a_beginning_is_told_as_iso_8601_has_it(client: Client, asked: str, found: int) -> None:
    monitor = made(client)
    ping(client, monitor)
    path = f"/api/v1/monitors/{monitor['id']}/pings"
    assert client.get(path, **{"from": asked}).json["meta"]["total"] == found


@pytest.mark.parametrize("asked", ["1638360000", "2025-13-01", "5", "0001-01-01T00:00:00+10:00"])
def test_what_is_no_date_is_refused(client: Client, asked: str) -> None:
    answer = client.get(f"/api/v1/monitors/{made(client)['id']}/pings", to=asked)
    assert (answer.status, list(answer.json["error"]["details"])) == (422, ["to"])


@ON_BOTH
def test_pausing_and_resuming_with_an_empty_body_of_json(client: Client, house: House) -> None:
    monitor = made(client)
    ping(client, monitor)
    path = f"/api/v1/monitors/{monitor['id']}"
    paused = client("POST", f"{path}/pause").json["data"]
    house.clock.advance(60)
    assert client("POST", f"{path}/pause").json["data"] == paused
    assert (list(paused), paused["status"]) == (["id", "status", "paused_at"], "paused")
    detail = shown(client, monitor)
    assert (detail["status"], detail["next_expected_at"]) == ("paused", None)
    assert ping(client, monitor).status == 200
    assert shown(client, monitor)["status"] == "paused"
    resumed = client("POST", f"{path}/resume").json["data"]
    assert (list(resumed), resumed["status"]) == (["id", "status", "resumed_at"], "up")


def test_one_that_was_never_heard_resumes_as_pending(client: Client) -> None:
    monitor = made(client, enabled=False)
    assert monitor["status"] == "paused"
    resumed = client("POST", f"/api/v1/monitors/{monitor['id']}/resume")
    assert resumed.json["data"]["status"] == "pending"


def test_enabled_pauses_and_resumes(client: Client) -> None:
    monitor = made(client)
    path = f"/api/v1/monitors/{monitor['id']}"
    client("PATCH", path, {"enabled": False})
    assert shown(client, monitor)["status"] == "paused"
    client("PATCH", path, {"enabled": True})
    assert shown(client, monitor)["status"] == "pending"


def test_either_header_opens_and_bearer_decides(client: Client) -> None:
    token, stranger = client.token, Client(client.app, None, client.base)
    path = "/api/v1/monitors"
    assert stranger("GET", path, headers={"x-api-key": str(token)}).status == 200
    both = {"authorization": "Bearer wrong", "x-api-key": str(token)}
    assert stranger("GET", path, headers=both).status == 401


def test_who_has_no_good_key_learns_nothing(client: Client, house: House) -> None:
    native = house.client("*").token
    answers = [
        Client(client.app, token, client.base).get("/api/v1/monitors")
        for token in (None, "garbage", native)
    ]
    unauthorized = {"error": {"code": "unauthorized", "message": "Invalid or missing API token"}}
    assert [(one.status, one.json) for one in answers] == [(401, unauthorized)] * 3


def test_its_key_does_not_open_other_doors(client: Client) -> None:
    assert Client(client.app, client.token, "/api/v1").get("/watches").status == 401


def test_a_key_that_reads_changes_nothing(door: Door, client: Client) -> None:
    monitor = made(client)
    reader = door("cronmonitor", "read:watches")
    assert reader.get(f"/api/v1/monitors/{monitor['id']}").status == 200
    refused = reader("DELETE", f"/api/v1/monitors/{monitor['id']}")
    assert (refused.status, refused.json["error"]["code"]) == (403, "forbidden")


WRONG: dict[str, list[Any]] = {
    "name": [None, 5, "", "x" * 201, [], {}, True],
    "schedule": [
        None,
        5,
        "",
        "x" * 300,
        "every 5m",
        "0 0 30 2 *",
        "61 * * * *",
        [],
        "0 2 * * *\n0 3 * * *",
    ],
    "timezone": [None, 5, "", "Mars/Olympus", "../etc/passwd", "localtime"],
    "grace_period": [None, -1, 2.5, "300", True, 10**12, [], 1e400],
    "enabled": [None, "yes", 1, []],
}


@pytest.mark.parametrize(
    ("field", "value"), [(name, value) for name, many in WRONG.items() for value in many], ids=repr
)
def test_a_bad_field_is_named_and_changes_nothing(client: Client, field: str, value: Any) -> None:
    monitor = made(client)
    before = client.get("/api/v1/monitors").json
    for method, path, body in (
        ("POST", "/api/v1/monitors", BACKUP | {field: value}),
        ("PATCH", f"/api/v1/monitors/{monitor['id']}", {field: value}),
    ):
        answer = client(method, path, body)
        if value == 1e400:  # JSON has no such number
            assert answer.json["error"]["code"] == "validation_error"
            continue
        error = answer.json["error"]
        assert (answer.status, error["code"]) == (422, "validation_error")
        assert list(error["details"]) == [field]
        assert all(isinstance(text, str) for text in error["details"][field])
    assert client.get("/api/v1/monitors").json == before


def test_a_bad_schedule_is_told_as_the_document_prints_it(client: Client) -> None:
    answer = client("POST", "/api/v1/monitors", BACKUP | {"schedule": "every 5m"})
    assert answer.json == {
        "error": {
            "code": "validation_error",
            "message": "Invalid schedule format",
            "details": {"schedule": ["Must be a valid cron expression"]},
        },
    }


def test_all_bad_fields_are_told_at_once(client: Client) -> None:
    bad = {"name": "", "schedule": "0 33 * * *", "timezone": "Mars", "grace_period": -1}
    monitor = made(client)
    for method, path in (
        ("POST", "/api/v1/monitors"),
        ("PATCH", f"/api/v1/monitors/{monitor['id']}"),
    ):
        error = client(method, path, bad).json["error"]
        assert list(error["details"]) == list(bad)
        assert error["details"]["schedule"] == ["hour '33' is not valid (0-23)"]
        assert error["details"]["name"] == ["must have at least 1 character"]
    details = client("POST", "/api/v1/monitors", bad | {"schedule": "5m"}).json["error"]["details"]
    assert details["schedule"] == ["Must be a valid cron expression"]


@pytest.mark.parametrize("field", ["name", "schedule"])
def test_what_is_required_is_missed(client: Client, field: str) -> None:
    body = {name: value for name, value in BACKUP.items() if name != field}
    answer = client("POST", "/api/v1/monitors", body)
    assert (answer.status, list(answer.json["error"]["details"])) == (422, [field])


@pytest.mark.parametrize(
    "body",
    [b"{", b"[" * 200_000, b"\xff\xfe", b'"text"', b"[]", b"null", b'{"name": NaN}', b"{'a': 1}",
     b'{"name": 1' + b"0" * 5_000 + b"}"],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_told(client: Client, body: bytes) -> None:
    answer = client("POST", "/api/v1/monitors", body)
    assert (answer.status, answer.json["error"]["code"]) == (422, "validation_error")


def test_text_that_no_database_keeps_is_refused(client: Client) -> None:
    answer = client("POST", "/api/v1/monitors", {"name": "a\0b", "schedule": "0 2 * * *"})
    assert answer.json["error"]["details"] == {
        "name": ["must be one line without control characters"]
    }
    answer = client("POST", "/api/v1/monitors", b'{"name": "\\ud800", "schedule": "0 2 * * *"}')
    assert answer.status == 422


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/monitors/mon_nothing", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("PUT", "/api/v1/monitors", 405, "method_not_allowed"),
        ("GET", "/api/v1/monitors?per_page=101", 422, "validation_error"),
        ("GET", "/api/v1/monitors?page=0", 422, "validation_error"),
        ("GET", "/api/v1/monitors?page=x", 422, "validation_error"),
    ],
)
def test_what_is_not_there_is_told_in_its_own_form(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    path, _, query = path.partition("?")
    answer = client(method, path, query=dict([query.split("=")]) if query else None)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("token", ["000000000000", "ABCDEFGHIJKL", "aaaaaaaaaaa-"])
def test_a_token_that_nobody_has_is_told(client: Client, token: str) -> None:
    answer = Client(client.app).get(f"/ping/{token}")
    assert (answer.status, answer.json) == (404, {"message": "Monitor not found"})


def test_one_ping_path_serves_with_and_without_the_mount(client: Client) -> None:
    token = made(client)["ping_url"].rpartition("/")[2]
    stranger = Client(client.app)
    assert stranger.get(f"/ping/{token}").json == {"message": "OK"}
    assert stranger.get(f"/cronmonitor/ping/{token}").json == {"message": "OK"}


@ON_BOTH
def test_silence_is_down_after_the_grace(client: Client, house: House) -> None:
    monitor = made(client, schedule="0 * * * *", timezone="UTC")
    ping(client, monitor)
    house.clock.advance(3600 + 299)
    house.write(lambda tx: watches.lapse(tx, house.clock.now()))
    assert shown(client, monitor)["status"] == "up"
    house.clock.advance(3)
    house.write(lambda tx: watches.lapse(tx, house.clock.now()))
    assert shown(client, monitor)["status"] == "down"
    ping(client, monitor)
    assert shown(client, monitor)["status"] == "up"


@ON_BOTH
def test_a_ping_up_to_the_grace_early_counts_for_the_time_to_come(
    client: Client, house: House
) -> None:
    """At 02:00 in Warsaw, which is 01:00Z in winter; it is noon of the 5th."""
    monitor = made(client)
    house.clock.advance(13 * 3600 - 2)
    ping(client, monitor)
    assert shown(client, monitor)["next_expected_at"] == "2026-01-07T01:00:00Z"
    house.clock.advance(600)
    house.write(lambda tx: watches.lapse(tx, house.clock.now()))
    assert shown(client, monitor)["status"] == "up"
    assert shown(client, monitor)["failure_count"] == 0


def test_pending_and_paused_monitors_are_never_down(client: Client, house: House) -> None:
    pending, resting = made(client), made(client)
    ping(client, resting)
    client("POST", f"/api/v1/monitors/{resting['id']}/pause")
    house.clock.advance(3 * 86_400)
    house.write(lambda tx: watches.lapse(tx, house.clock.now()))
    assert [shown(client, one)["status"] for one in (pending, resting)] == ["pending", "paused"]
    resumed = client("POST", f"/api/v1/monitors/{resting['id']}/resume").json["data"]
    assert resumed["status"] == "up"
    assert shown(client, resting)["next_expected_at"] == "2026-01-09T01:00:00Z"
    assert shown(client, resting)["failure_count"] == 0


@pytest.mark.parametrize(("plan", "limit"), [("free", 100), ("pro", 1_000), ("business", 10_000)])
def test_each_plan_has_its_limit(door: Door, house: House, plan: str, limit: int) -> None:
    house.write(lambda tx: workspaces.assign(tx, house.workspace.id, plan))
    limits = limits_of(house.database, Memory(house.clock), house.clock)
    told = door("cronmonitor", limits=limits).get("/api/v1/monitors").headers
    assert (told["x-ratelimit-limit"], told["x-ratelimit-remaining"]) == (
        str(limit), str(limit - 1),
    )  # fmt: skip


@ON_BOTH
def test_watches_of_other_doors_are_monitors_too(client: Client, watch: Any) -> None:
    (monitor,) = client.get("/api/v1/monitors").json["data"]
    assert monitor["name"] == watch["name"]
    again = client.get("/api/v1/monitors").json["data"]
    assert again == [monitor]
    assert shown(client, monitor)["id"] == monitor["id"]


def test_a_monitor_is_a_watch_of_the_native_api(client: Client, api: Client) -> None:
    made(client)
    (found,) = api.get("/watches").json["data"]
    assert (found["name"], found["schedule"]) == ("Daily Backup", "0 2 * * *")


@ON_BOTH
def test_pages_are_counted(client: Client, house: House) -> None:
    for number in range(3):
        made(client, name=f"m{number}")
        house.clock.advance(1)
    answer = client.get("/api/v1/monitors", page=2, per_page=2).json
    assert [one["name"] for one in answer["data"]] == ["m2"]
    assert answer["meta"] == {"total": 3, "page": 2, "per_page": 2}


def test_other_workspaces_are_not_there(client: Client, house: House) -> None:
    monitor = made(client)
    at, vault = house.clock.now(), house.services.vault
    other = house.write(lambda tx: workspaces.make(tx, "other", at))
    token = house.write(
        lambda tx: keys.make(tx, host(other.id), "k", ["*"], vault, at, dialect="cronmonitor").token
    )
    foreign = Client(client.app, token, client.base)
    assert foreign.get(f"/api/v1/monitors/{monitor['id']}").status == 404
    assert foreign.get("/api/v1/monitors").json["data"] == []


def test_its_page_says_what_it_is(client: Client) -> None:
    for end in ("", "/"):
        page = Client(client.app).get(f"/cronmonitor{end}")
        assert page.status == 200
        assert "CronMonitor" in page.text


def test_it_may_have_a_host_name_of_its_own(door: Door) -> None:
    client = door("cronmonitor", dialect_hosts={"cronmonitor": "mon.example.org"})
    rooted = Client(client.app, client.token)
    name = {"host": "Mon.example.org:443"}
    answer = rooted("POST", "/api/v1/monitors", BACKUP, headers=name)
    url = answer.json["data"]["ping_url"]
    assert url.startswith("http://mon.example.org/ping/")
    token = url.rpartition("/")[2]
    assert rooted("GET", f"/ping/{token}", headers=name).json == {"message": "OK"}
    assert rooted("GET", "/api/v1/monitors").status == 404


def test_the_document_names_every_path(client: Client) -> None:
    document = Client(client.app).get("/cronmonitor/api/v1/openapi.json").json
    assert set(document["paths"]) == {
        "/api/v1/monitors",
        "/api/v1/monitors/{name}",
        "/api/v1/monitors/{name}/pause",
        "/api/v1/monitors/{name}/resume",
        "/api/v1/monitors/{name}/pings",
        "/ping/{token}",
        "/ping/{token}/fail",
    }


def test_every_answer_tells_what_is_left_of_the_hour(door: Door, house: House) -> None:
    memory = Memory(house.clock)
    limited = door("cronmonitor", limits=limits_of(house.database, memory, house.clock))
    reset = str(int(house.clock.now().timestamp()) // 3600 * 3600 + 3600)
    for left, path in ((9_999, "/api/v1/monitors"), (9_998, "/api/v1/monitors/mon_none")):
        said = limited.get(path).headers
        assert said["x-ratelimit-limit"] == "10000"
        assert said["x-ratelimit-remaining"] == str(left)
        assert said["x-ratelimit-reset"] == reset


def test_too_many_are_told_when_to_come_back(door: Door, house: House) -> None:
    at = house.clock.now()
    house.write(lambda tx: workspaces.assign(tx, house.workspace.id, "free"))
    memory = Memory(house.clock)
    limited = door("cronmonitor", limits=limits_of(house.database, memory, house.clock))
    answers = [limited.get("/api/v1/monitors") for _ in range(101)]
    assert {one.status for one in answers[:100]} == {200}
    last = answers[-1]
    error = {"error": {"code": "rate_limit_exceeded", "message": "Too many requests"}}
    assert (last.status, last.json) == (429, error)
    assert int(last.headers["retry-after"]) == 3600 - int(at.timestamp()) % 3600
    assert last.headers["x-ratelimit-remaining"] == "0"
