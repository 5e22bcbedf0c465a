"""CronOwl's API as its document states it: keys, checks, pings, status history, faults."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from dogwatch.core.alerts import Attempt, Verdict
from dogwatch.notify import formats
from dogwatch.store.tx import Tx
from dogwatch.usecases import keys, telling, watches, workspaces
from dogwatch.usecases.callers import host
from dogwatch.usecases.limiting import Memory, limits_of
from dogwatch.web.dialects.cronowl.fields import PRESETS
from tests.web.asgi_client import Answer, Client
from tests.web.dialects.conftest import ON_BOTH, Door, House

BACKUP = {
    "name": "Database Backup",
    "cronExpression": "0 2 * * *",
    "timezone": "Europe/Moscow",
    "gracePeriod": 10,
    "tags": ["production", "critical"],
    "maxDuration": 300000,
}
CHECK = [
    "id", "name", "slug", "schedule", "scheduleType", "cronExpression", "timezone", "gracePeriod",
    "status", "paused", "lastPing", "lastDuration", "webhookUrl", "tags", "maxDuration",
    "createdAt",
]  # fmt: skip
PING = ["id", "timestamp", "ip", "userAgent", "duration", "exitCode", "output", "status"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def client(door: Door) -> Client:
    return door("cronowl")


def made(client: Client, **changes: Any) -> Any:
    answer = client("POST", "/api/v1/checks", BACKUP | changes)
    assert answer.status == 200, answer.text
    assert list(answer.json) == ["success", "data"]
    return answer.json["data"]


def hourly(client: Client, **changes: Any) -> Any:
    return made(client, **{"cronExpression": None, "gracePeriod": 5} | changes)


def shown(client: Client, check: Any) -> Any:
    return client.get(f"/api/v1/checks/{check['id']}").json["data"]


def ping(client: Client, check: Any, method: str = "GET", body: Any = None, **query: Any) -> Answer:
    return Client(client.app)(method, f"/cronowl/api/ping/{check['slug']}", body, query=query)


def lapsed(house: House, seconds: float) -> None:
    house.clock.advance(seconds)
    house.write(lambda tx: watches.lapse(tx, house.clock.now()))


def fault(answer: Answer, status: int, code: str) -> Any:
    """Return the details of an error in its one form."""
    assert (answer.status, answer.json["success"]) == (status, False), answer.text
    error = answer.json["error"]
    assert error["code"] == code, answer.text
    assert list(error) in (["code", "message"], ["code", "message", "details"])
    assert answer.headers["content-type"] == "application/json"
    return error.get("details")


def hooked(house: House) -> list[Any]:
    """Send what webhooks are to be told now; return the bodies."""
    at, vault = house.clock.now(), house.services.vault
    room, good = telling.Room(10, 10), Attempt(Verdict.SENT, 200, "ok", 5)

    def sent(tx: Tx) -> Sequence[telling.Parcel]:
        parcels = telling.claim(tx, "n1", at, room, vault, "http://dogwatch.test")
        telling.settle(tx, [telling.Answered(one, good, 0.5) for one in parcels], at)
        return parcels

    return [formats.cronowl(one.message) for one in house.write(sent)]


# --- keys --------------------------------------------------------------------------------------


@ON_BOTH
def test_a_key_makes_another_that_works_until_it_is_revoked(client: Client, house: House) -> None:
    house.clock.advance(0.002)  # keys made in one millisecond have no order
    key = client("POST", "/api/v1/auth/keys", {"name": " CI/CD Pipeline "}).json["data"]
    assert list(key) == ["id", "name", "key", "prefix", "createdAt"]
    assert re.fullmatch(r"sk_live_[A-Za-z0-9_-]{32}", key["key"])
    assert (key["name"], key["prefix"]) == ("CI/CD Pipeline", key["key"][:12] + "...")
    assert TIME.fullmatch(key["createdAt"])
    second = Client(client.app, key["key"], client.base)
    assert second.get("/api/v1/checks").status == 200
    listed = client.get("/api/v1/auth/keys").json["data"]
    assert [list(one) for one in listed] == [
        ["id", "name", "prefix", "createdAt", "lastUsedAt"]
    ] * 2
    assert [one["name"] for one in listed] == ["test", "CI/CD Pipeline"]
    assert listed[1]["lastUsedAt"] == "2026-01-05T12:00:00Z"
    gone = client("DELETE", f"/api/v1/auth/keys/{key['id']}")
    assert gone.json == {"success": True, "data": {"revoked": True}}
    fault(second.get("/api/v1/checks"), 401, "INVALID_API_KEY")
    fault(client("DELETE", f"/api/v1/auth/keys/{key['id']}"), 404, "NOT_FOUND")
    native = str(house.client("*").token)
    fault(client("DELETE", f"/api/v1/auth/keys/{native[:16]}"), 404, "NOT_FOUND")


def test_there_are_ten_keys_at_most(client: Client) -> None:
    for number in range(9):
        assert client("POST", "/api/v1/auth/keys", {"name": f"k{number}"}).status == 200
    details = fault(client("POST", "/api/v1/auth/keys", {"name": "k"}), 400, "LIMIT_EXCEEDED")
    assert details == {"current": 10, "limit": 10, "plan": "pro"}


def test_the_name_of_a_key_is_judged(client: Client) -> None:
    names: list[Any] = [None, 5, "", "   ", "x" * 51, [], "a\nb", "\x00", {}]
    for name in names:
        answer = client("POST", "/api/v1/auth/keys", {"name": name})
        assert fault(answer, 400, "VALIDATION_ERROR") == {"field": "name"}
    assert fault(client("POST", "/api/v1/auth/keys"), 400, "VALIDATION_ERROR") == {"field": "name"}
    assert len(client.get("/api/v1/auth/keys").json["data"]) == 1


def test_a_key_gives_no_more_than_it_has(door: Door, client: Client) -> None:
    few = door("cronowl", "read:watches", "manage:keys")
    made = few("POST", "/api/v1/auth/keys", {"name": "reader"}).json["data"]
    reader = Client(client.app, made["key"], client.base)
    assert reader.get("/api/v1/checks").status == 200
    fault(reader("POST", "/api/v1/checks", BACKUP), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "UNAUTHORIZED"),
        ("sk_live_abc", "UNAUTHORIZED"),
        ("Basic c2s6", "UNAUTHORIZED"),
        ("Bearer", "UNAUTHORIZED"),
        ("Bearer dw_live_abc", "INVALID_API_KEY"),
        ("Bearer sk_live_xxxxxxxxxxxx", "INVALID_API_KEY"),
        ("Bearer " + "x" * 5_000, "INVALID_API_KEY"),
    ],
)
def test_who_has_no_good_key_learns_nothing(client: Client, header: str | None, code: str) -> None:
    stranger = Client(client.app, None, client.base)
    headers = {"authorization": header} if header else {}
    answer = stranger("GET", "/api/v1/checks", headers=headers)
    assert fault(answer, 401, code) is None
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


# --- checks ------------------------------------------------------------------------------------


@ON_BOTH
def test_a_check_from_its_making_to_its_end(client: Client) -> None:
    check = made(client)
    assert list(check) == CHECK
    assert re.fullmatch(r"[A-Za-z0-9]{20}", check["id"])
    assert re.fullmatch(r"[a-z0-9]{10}", check["slug"])
    assert TIME.fullmatch(check["createdAt"])
    expected = BACKUP | {
        "schedule": "cron", "scheduleType": "cron", "status": "new", "paused": False,
        "lastPing": None, "lastDuration": None, "webhookUrl": None,
    }  # fmt: skip
    assert {name: check[name] for name in expected} == expected
    path = f"/api/v1/checks/{check['id']}"
    changed = client("PATCH", path, {"name": "Daily Backup", "tags": ["prod", "db"]}).json["data"]
    assert changed == check | {"name": "Daily Backup", "tags": ["prod", "db"]}
    assert shown(client, check) == changed
    gone = client("DELETE", path)
    assert (gone.status, gone.json) == (200, {"success": True, "data": {"deleted": True}})
    fault(client.get(path), 404, "NOT_FOUND")
    answer = ping(client, check)
    assert (answer.status, answer.json) == (404, {"error": "Check not found"})


def test_defaults(client: Client) -> None:
    check = client("POST", "/api/v1/checks", {"name": " x "}).json["data"]
    told = ("name", "schedule", "scheduleType", "cronExpression", "timezone", "gracePeriod", "tags")
    assert [check[name] for name in told] == ["x", "every hour", "preset", None, "UTC", 5, []]
    empty = dict.fromkeys(BACKUP) | {"name": "x", "webhookUrl": "", "schedule": ""}
    assert client("POST", "/api/v1/checks", empty).json["data"]["schedule"] == "every hour"


def test_every_preset_is_counted_from_the_last_ping(client: Client, house: House) -> None:
    checks = {
        seconds: hourly(client, schedule=preset, gracePeriod=1)
        for preset, seconds in PRESETS.items()
    }
    lapsed(house, 17)
    began_at = house.clock.now()
    for check in checks.values():
        ping(client, check)
    for seconds, check in checks.items():
        assert (check["schedule"], check["scheduleType"]) != ("cron", "cron")
        until = began_at + timedelta(seconds=seconds + 59)
        lapsed(house, (until - house.clock.now()).total_seconds())
        assert shown(client, check)["status"] == "up"
        lapsed(house, 2)
        assert shown(client, check)["status"] == "down"


@pytest.mark.parametrize(
    ("given", "made_of", "changed_to"),
    [(0, 0, 0), (60, 60, 60), (61, 60, None), (-1, 0, None), (10**30, 60, None), (5.0, 5, 5)],
)
def test_grace_is_clamped_when_made_and_judged_when_changed(
    client: Client, given: Any, made_of: int, changed_to: int | None
) -> None:
    assert made(client, gracePeriod=given)["gracePeriod"] == made_of
    check = made(client)
    answer = client("PATCH", f"/api/v1/checks/{check['id']}", {"gracePeriod": given})
    if changed_to is None:
        assert fault(answer, 400, "VALIDATION_ERROR") == {"field": "gracePeriod"}
    else:
        assert answer.json["data"]["gracePeriod"] == changed_to


def test_tags_are_tidied(client: Client) -> None:
    tags = [" Prod ", "DB", "db", 5, None, "", *(f"t{n}" for n in range(20))]
    expected = ["prod", "db", *(f"t{n}" for n in range(8))]
    check = made(client, tags=tags)
    assert check["tags"] == expected
    path = f"/api/v1/checks/{check['id']}"
    assert client("PATCH", path, {"tags": None}).json["data"]["tags"] == []


def test_schedules_take_each_others_place(client: Client) -> None:
    check = made(client)
    path = f"/api/v1/checks/{check['id']}"

    def after(**body: Any) -> tuple[Any, ...]:
        data = client("PATCH", path, body).json["data"]
        return data["schedule"], data["scheduleType"], data["cronExpression"]

    assert after(schedule="every day") == ("every day", "preset", None)
    assert after(cronExpression="*/5 * * * *") == ("cron", "cron", "*/5 * * * *")
    assert after(cronExpression="@daily", schedule="every week") == ("cron", "cron", "@daily")
    assert after(cronExpression=None) == ("every hour", "preset", None)
    assert after(cronExpression=None, schedule="every week") == ("every week", "preset", None)
    assert after(cronExpression=None) == ("every week", "preset", None)
    assert after(cronExpression="@daily", schedule="cron") == ("cron", "cron", "@daily")
    assert after(cronExpression="@daily", schedule="every week") == ("cron", "cron", "@daily")
    assert made(client, schedule="whatever")["cronExpression"] == BACKUP["cronExpression"]


def test_what_is_null_is_cleared(client: Client) -> None:
    check = made(client, webhookUrl="https://hooks.example.org/in?key=1")
    assert check["webhookUrl"] == "https://hooks.example.org/in?key=1"
    cleared = {"webhookUrl": None, "maxDuration": None, "tags": None}
    data = client("PATCH", f"/api/v1/checks/{check['id']}", cleared).json["data"]
    assert [data[name] for name in cleared] == [None, None, []]


@ON_BOTH
def test_lists_are_paged_filtered_and_newest_first(client: Client, house: House) -> None:
    checks = []
    for number in range(4):
        checks.append(hourly(client, name=f"c{number}", tags=["even"] if number % 2 == 0 else []))
        house.clock.advance(1)
    ping(client, checks[0])
    ping(client, checks[1], status="failure")

    def names(**query: Any) -> list[str]:
        return [one["name"] for one in client.get("/api/v1/checks", **query).json["data"]]

    assert names() == ["c3", "c2", "c1", "c0"]
    assert (names(status="up"), names(status="down"), names(status="new")) == (
        ["c0"], ["c1"], ["c3", "c2"],
    )  # fmt: skip
    assert names(status="sleepy") == names(status="") == names()
    assert names(tag="even") == names(tag=" Even ") == ["c2", "c0"]
    assert names(tag="even", status="new") == ["c2"]
    meta = client.get("/api/v1/checks", page=2, limit=3).json["meta"]
    assert list(meta.items()) == [("page", 2), ("limit", 3), ("total", 4), ("totalPages", 2)]
    assert names(page=2, limit=3) == ["c0"]
    wide = client.get("/api/v1/checks", limit=1000, page=-3).json["meta"]
    assert (wide["limit"], wide["page"]) == (100, 1)
    assert fault(client.get("/api/v1/checks", limit="many"), 400, "VALIDATION_ERROR") == {
        "field": "limit"
    }


WRONG: dict[str, list[Any]] = {
    "name": [5, "   ", "x" * 201, [], {}, True, "a\x00b", "a\nb", "\x1b[31m"],
    "schedule": [5, "every 7 minutes", "Every hour", [], True, "x" * 9_999],
    "cronExpression": [
        5, "x", "61 * * * *", "* * * * * *", "0 0 30 2 *", [], "0 2 * * *\n0 3 * * *", "@reboot",
        "0 2 * * \x00", "x" * 9_999,
    ],
    "timezone": [5, "Mars/Olympus", "../etc/passwd", [], "x" * 9_999],
    "gracePeriod": ["5", 2.5, True, [], {}],
    "tags": ["prod", 5, {}, True, ["x" * 51], ["a\x00"], ["a\nb"]],
    "webhookUrl": [5, "not a url", "ftp://example.org", "https://", "https://a b", [], "x" * 9_999],
    "maxDuration": ["5", -1, 0, 1.5, True, 10**15, []],
}  # fmt: skip
NOT_CLEARED = {"name", "schedule", "timezone", "gracePeriod"}


@pytest.mark.parametrize("field", WRONG)
def test_a_bad_field_is_named_and_changes_nothing(client: Client, field: str) -> None:
    check = made(client)
    path = f"/api/v1/checks/{check['id']}"
    preset = BACKUP | {"cronExpression": None}
    calls = [("POST", "/api/v1/checks", preset | {field: value}) for value in WRONG[field]]
    calls += [("PATCH", path, {field: value}) for value in WRONG[field]]
    calls += [("PATCH", path, {field: None})] if field in NOT_CLEARED else []
    for method, where, body in calls:
        details = fault(client(method, where, body), 400, "VALIDATION_ERROR")
        assert details["field"] == field
        assert (details.get("validOptions") == list(PRESETS)) is (field == "schedule")
    assert client.get("/api/v1/checks").json["data"] == [check]


def test_a_name_is_required(client: Client) -> None:
    for body in ({}, {"name": None}, {"name": ""}, None):
        answer = client("POST", "/api/v1/checks", body)
        assert fault(answer, 400, "VALIDATION_ERROR") == {"field": "name"}


BROKEN = (
    b"{", b"[]", b"null", b"5", b'"x"', b"\xff\xfe", b"[" * 200_000, b'{"name": NaN}',
    b'{"name": Infinity}', b"name=x", b'{"name": 1' + b"0" * 5_000 + b"}", b'{"name": "\\ud800"}',
    b'{"tags": ' + b"[" * 200_000, b'{"name": "x", "name": "y"}',
)  # fmt: skip


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_body_that_cannot_be_read_is_told(client: Client, kind: str) -> None:
    check = made(client)
    for method, path in (
        ("POST", "/api/v1/checks"), ("PATCH", f"/api/v1/checks/{check['id']}"),
        ("POST", "/api/v1/auth/keys"), ("POST", "/api/v1/http-monitors"),
    ):  # fmt: skip
        for body in BROKEN:
            answer = client(method, path, body, headers={"content-type": kind})
            fault(answer, 400, "VALIDATION_ERROR")
    assert client.get("/api/v1/checks").json["data"] == [check]


@ON_BOTH
def test_pausing_and_resuming(client: Client) -> None:
    check = hourly(client)
    ping(client, check)
    path = f"/api/v1/checks/{check['id']}"
    fault(client("POST", f"{path}/resume"), 400, "NOT_PAUSED")
    paused = client("POST", f"{path}/pause")
    assert paused.json == {"success": True, "data": {"paused": True, "id": check["id"]}}
    fault(client("POST", f"{path}/pause"), 400, "ALREADY_PAUSED")
    assert [shown(client, check)[name] for name in ("status", "paused")] == ["up", True]
    resumed = client("POST", f"{path}/resume")
    assert resumed.json == {"success": True, "data": {"paused": False, "id": check["id"]}}
    assert [shown(client, check)[name] for name in ("status", "paused")] == ["up", False]


def test_a_paused_check_is_not_judged_and_still_hears(client: Client, house: House) -> None:
    fresh, fallen = hourly(client), hourly(client)
    ping(client, fallen)
    lapsed(house, 3_901)
    assert shown(client, fallen)["status"] == "down"
    for check in (fresh, fallen):
        client("POST", f"/api/v1/checks/{check['id']}/pause")
    assert [shown(client, one)["status"] for one in (fresh, fallen)] == ["new", "down"]
    house.clock.advance(5)
    for check in (fresh, fallen):
        assert ping(client, check).json == {"ok": True, "message": "Pong!"}
    lapsed(house, 100_000)
    assert [shown(client, one)["status"] for one in (fresh, fallen)] == ["up", "up"]
    assert len(client.get(f"/api/v1/checks/{fresh['id']}/pings").json["data"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/checks/nothing", 404, "NOT_FOUND"),
        ("PATCH", "/api/v1/checks/nothing", 404, "NOT_FOUND"),
        ("DELETE", "/api/v1/checks/nothing", 404, "NOT_FOUND"),
        ("POST", "/api/v1/checks/nothing/pause", 404, "NOT_FOUND"),
        ("GET", "/api/v1/checks/nothing/pings", 404, "NOT_FOUND"),
        ("GET", "/api/v1/checks/nothing/status", 404, "NOT_FOUND"),
        ("GET", "/api/v1/checks/" + "é" * 500, 404, "NOT_FOUND"),
        ("GET", "/api/v1/nothing", 404, "NOT_FOUND"),
        ("GET", "/api/v1/checks/", 404, "NOT_FOUND"),
        ("PUT", "/api/v1/checks", 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "/api/v1/checks/x", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_what_is_not_there_is_told_in_its_own_form(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    fault(client(method, path, {} if method in ("PATCH", "POST") else None), status, code)


def test_other_workspaces_are_not_there(client: Client, house: House) -> None:
    check = made(client)
    at, vault = house.clock.now(), house.services.vault
    other = house.write(lambda tx: workspaces.make(tx, "other", at))
    token = house.write(
        lambda tx: keys.make(tx, host(other.id), "k", ["*"], vault, at, dialect="cronowl").token
    )
    foreign = Client(client.app, token, client.base)
    fault(foreign.get(f"/api/v1/checks/{check['id']}"), 404, "NOT_FOUND")
    assert foreign.get("/api/v1/checks").json["data"] == []


@ON_BOTH
def test_watches_of_other_doors_are_checks_too(client: Client, watch: Any, api: Client) -> None:
    (check,) = client.get("/api/v1/checks").json["data"]
    assert (check["name"], check["cronExpression"], check["gracePeriod"]) == (
        watch["name"], "0 * * * *", 5,
    )  # fmt: skip
    assert ping(client, check).status == 200
    made(client)
    assert {one["name"] for one in api.get("/watches").json["data"]} == {
        "Database Backup", "Nightly backup",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("schedule", "told"),
    [("every 45 s", ("every 45 seconds", "preset", None)),
     (None, ("", "preset", None)),
     ("Mon *-*-* 05:00", ("cron", "cron", "Mon *-*-* 05:00"))],
)  # fmt: skip
def test_schedules_that_it_has_no_words_for_are_told_and_stay_when_sent_back(
    client: Client, api: Client, schedule: str | None, told: Any
) -> None:
    before = api("POST", "/watches", {"name": "x", "schedule": schedule, "grace_s": 7200}).json
    (check,) = client.get("/api/v1/checks").json["data"]
    assert (check["schedule"], check["scheduleType"], check["cronExpression"]) == told
    sent = client("PATCH", f"/api/v1/checks/{check['id']}", check | {"name": "y"})
    assert sent.json["data"] == check | {"name": "y"}
    (after,) = api.get("/watches").json["data"]
    assert (after["schedule"], after["start_by_s"]) == (before["schedule"], 7200)


# --- pings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize(
    "form", ["/cronowl/api/ping/{}", "/api/ping/{}", "/ping/{}", "/api/ping/{}/"]
)
def test_a_ping_is_answered_200_and_makes_it_up(client: Client, method: str, form: str) -> None:
    check = hourly(client)
    answer = Client(client.app)(method, form.format(check["slug"]))
    assert answer.status == 200
    assert method == "HEAD" or answer.json == {"ok": True, "message": "Pong!"}
    found = shown(client, check)
    assert (found["status"], found["lastPing"]) == ("up", "2026-01-05T12:00:00Z")


SAID: list[tuple[dict[str, Any], str, Any, Any]] = [
    # what is said, status of the check, status and exit code of the ping
    ({}, "up", None, None),
    ({"duration": 45000}, "up", None, None),
    ({"exit_code": 0}, "up", "success", 0),
    ({"exitCode": 0}, "up", "success", 0),
    ({"exit_code": 3}, "down", "failure", 3),
    ({"exit_code": -1}, "down", "failure", -1),
    ({"status": "success"}, "up", "success", None),
    ({"status": "failure"}, "down", "failure", None),
    ({"status": "fail"}, "down", "failure", None),
    ({"status": "success", "exit_code": 3}, "up", "success", 3),
    ({"status": "failure", "exit_code": 0}, "down", "failure", 0),
    ({"status": "odd"}, "up", None, None),
    ({"exit_code": "x"}, "up", None, None),
    ({"exit_code": 10**30}, "up", None, None),
    ({"start": 1}, "new", "start", None),
    ({"start": 0}, "up", None, None),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_pings_say(client: Client, method: str) -> None:
    for said in SAID:
        one_ping_says(client, method, *said)


def one_ping_says(
    client: Client, method: str, words: Any, status: str, told: Any, exit_code: Any
) -> None:
    check = hourly(client)
    answer = ping(client, check, **words) if method == "GET" else ping(client, check, "POST", words)
    message = "Start signal recorded" if told == "start" else "Pong!"
    assert (answer.status, answer.json) == (200, {"ok": True, "message": message})
    assert shown(client, check)["status"] == status
    history = client.get(f"/api/v1/checks/{check['id']}/pings").json
    assert history["meta"] == {"checkId": check["id"], "checkName": check["name"], "count": 1}
    (kept,) = history["data"]
    assert list(kept) == PING
    assert (kept["status"], kept["exitCode"], kept["duration"], kept["userAgent"]) == (
        told, exit_code, words.get("duration"), None,
    )  # fmt: skip


def test_query_and_body_are_one(client: Client) -> None:
    check = hourly(client)
    body = {"output": "1.2 GB\x00 done", "exit_code": 4}
    agent = {"user-agent": "curl/8.0"}
    path = f"/api/ping/{check['slug']}"
    Client(client.app)("POST", path, body, query={"duration": 7, "exit_code": 0}, headers=agent)
    (kept,) = client.get(f"/api/v1/checks/{check['id']}/pings").json["data"]
    assert {**kept, "id": "?"} == {
        "id": "?", "timestamp": "2026-01-05T12:00:00Z", "ip": "127.0.0.1", "userAgent": "curl/8.0",
        "duration": 7, "exitCode": 4, "output": "1.2 GB\N{REPLACEMENT CHARACTER} done",
        "status": "failure",
    }  # fmt: skip


def test_a_body_that_cannot_be_read_is_ignored(client: Client) -> None:
    check = hourly(client)
    for body in (b"{", b"\xff", b"[" * 200_000, b"[]", b"NaN", b'{"output": 5}', b"output=x"):
        assert ping(client, check, "POST", body).json == {"ok": True, "message": "Pong!"}
    kept = client.get(f"/api/v1/checks/{check['id']}/pings").json["data"]
    assert [one["output"] for one in kept] == [None] * 7


def test_a_long_output_keeps_its_beginning_and_the_failure(client: Client) -> None:
    check = hourly(client)
    ping(client, check, "POST", {"output": "é" * 60_000, "status": "failure"})
    (kept,) = client.get(f"/api/v1/checks/{check['id']}/pings").json["data"]
    assert (kept["output"], kept["status"]) == ("é" * 5_000, "failure")


@pytest.mark.parametrize(
    "slug", ["aaaaaaaaaa", "AAAAAAAAAA", "db-backup-xyz", "a%00b", "x" * 3_000]
)
def test_a_slug_that_nobody_has_is_told(client: Client, slug: str) -> None:
    answer = Client(client.app)("GET", f"/cronowl/api/ping/{slug}")
    assert (answer.status, answer.json) == (404, {"error": "Check not found"})


def test_an_address_that_pings_too_often_is_told_and_still_counted(
    door: Door, house: House
) -> None:
    memory = Memory(house.clock)
    limited = door("cronowl", limits=limits_of(house.database, memory, house.clock))
    check = hourly(limited)
    answers = [ping(limited, check) for _ in range(101)]
    assert {one.status for one in answers[:100]} == {200}
    last = answers[-1]
    assert (last.status, last.json) == (429, {"error": "Too many requests", "retryAfter": 60})
    assert (last.headers["retry-after"], last.headers["x-ratelimit-remaining"]) == ("60", "0")
    path = f"/api/v1/checks/{check['id']}/pings"
    newest = limited.get(path, limit=1).json["data"][0]
    assert newest["id"] == f"ping{101}"
    house.clock.advance(60)
    assert ping(limited, check).status == 200


# --- state -------------------------------------------------------------------------------------


@ON_BOTH
def test_the_history_of_its_status(client: Client, house: House) -> None:
    check = hourly(client)
    path = f"/api/v1/checks/{check['id']}/status"
    assert client.get(path).json == {
        "success": True,
        "data": [],
        "meta": {
            "checkId": check["id"], "checkName": check["name"], "currentStatus": "new", "count": 0,
        },
    }  # fmt: skip
    ping(client, check)
    lapsed(house, 3_901)
    lapsed(house, 99)
    ping(client, check)
    client("POST", f"/api/v1/checks/{check['id']}/pause")
    client("POST", f"/api/v1/checks/{check['id']}/resume")
    history = client.get(path).json
    assert [list(one) for one in history["data"]] == [["id", "status", "timestamp", "duration"]] * 3
    assert [tuple(one.values())[1:] for one in history["data"]] == [
        ("up", "2026-01-05T13:06:40Z", 99),
        ("down", "2026-01-05T13:05:01Z", 3_901),
        ("up", "2026-01-05T12:00:00Z", None),
    ]
    assert (history["meta"]["currentStatus"], history["meta"]["count"]) == ("up", 3)
    (last,) = client.get(path, limit=1).json["data"]
    assert last == history["data"][0]


def test_a_check_that_never_pinged_is_never_down(client: Client, house: House) -> None:
    check = made(client, cronExpression="* * * * *")
    ping(client, check, start=1)
    lapsed(house, 100_000)
    assert shown(client, check)["status"] == "new"


def test_a_start_moves_no_deadline(client: Client, house: House) -> None:
    check = hourly(client)
    ping(client, check)
    house.clock.advance(3_600)
    ping(client, check, start=1)
    assert shown(client, check)["lastPing"] == "2026-01-05T12:00:00Z"
    lapsed(house, 301)
    assert shown(client, check)["status"] == "down"


def test_what_is_due_is_computed_in_its_zone(client: Client, house: House) -> None:
    """02:00 in Moscow is 23:00Z of the day before; the sample shows 02:00Z."""
    check = made(client)
    ping(client, check)
    lapsed(house, 11 * 3_600 + 599)
    assert shown(client, check)["status"] == "up"
    lapsed(house, 2)
    assert shown(client, check)["status"] == "down"


def test_slow_is_up(client: Client, house: House) -> None:
    check = hourly(client, maxDuration=1_000, webhookUrl="https://hooks.example.org/in")
    ping(client, check)
    house.clock.advance(60)
    ping(client, check, duration=1_001)
    (told,) = hooked(house)
    assert (told["event"], told["duration"], told["maxDuration"]) == ("check.slow", 1_001, 1_000)
    found = shown(client, check)
    assert (found["status"], found["lastDuration"]) == ("up", 1_001)


def test_how_long_it_took_stays_until_a_ping_says_otherwise(client: Client, house: House) -> None:
    check = hourly(client)
    pings: list[tuple[dict[str, Any], int]] = [
        ({"duration": 45_000}, 45_000), ({}, 45_000), ({"duration": 7}, 7),
    ]  # fmt: skip
    for query, told in pings:
        house.clock.advance(60)
        ping(client, check, **query)
        assert shown(client, check)["lastDuration"] == told


# --- webhooks ----------------------------------------------------------------------------------


@ON_BOTH
def test_a_webhook_is_a_channel_of_its_own(client: Client, api: Client) -> None:
    check = made(client, webhookUrl="https://hooks.example.org/in")
    path = f"/api/v1/checks/{check['id']}"
    (channel,) = api.get("/channels").json["data"]
    assert (channel["kind"], channel["settings"]["format"]) == ("webhook", "cronowl")
    (rule,) = api.get("/rules").json["data"]
    assert rule["channel_id"] == channel["id"]
    assert set(rule["events"]) == {"down", "recovered", "degraded"}
    (named,) = api.get("/watches").json["data"]
    assert rule["scope"]["values"] == [named["id"]]
    slack = "https://hooks.slack.com/services/T0/B0/xyz"
    assert client("PATCH", path, {"webhookUrl": slack}).json["data"]["webhookUrl"] == slack
    (channel,) = api.get("/channels").json["data"]
    assert channel["kind"] == "slack"
    assert client("PATCH", path, {"name": "y"}).json["data"]["webhookUrl"] == slack
    discord = "https://discord.com/api/webhooks/1/xyz"
    client("PATCH", path, {"webhookUrl": discord})
    assert [one["kind"] for one in api.get("/channels").json["data"]] == ["discord"]
    client("DELETE", path)
    assert api.get("/channels").json["data"] == []


def test_the_channel_of_a_webhook_goes_with_its_check_wherever_that_is_deleted(
    client: Client, api: Client
) -> None:
    url = "https://hooks.example.org/in"
    one, two, three = (made(client, name=name, webhookUrl=url) for name in ("a", "b", "c"))
    channels = {one["name"]: one["id"] for one in api.get("/channels").json["data"]}
    # One that somebody uses for more than its check stays.
    rule = {"channel_id": channels["CronOwl: c"], "events": ["down"]}
    assert api("POST", "/rules", rule).status == 201
    assert client("DELETE", f"/api/v1/checks/{one['id']}").status == 200
    for slug in ("b", "c"):
        assert api("DELETE", f"/watches/{slug}").status == 204
    assert [one["name"] for one in api.get("/channels").json["data"]] == ["CronOwl: c"]
    assert [client.get(f"/api/v1/checks/{one['id']}").status for one in (two, three)] == [404] * 2


def test_a_channel_that_somebody_removed_is_no_webhook(client: Client, api: Client) -> None:
    check = made(client, webhookUrl="https://hooks.example.org/in")
    (channel,) = api.get("/channels").json["data"]
    assert api("DELETE", f"/channels/{channel['id']}").status == 204
    assert shown(client, check)["webhookUrl"] is None
    assert client("DELETE", f"/api/v1/checks/{check['id']}").status == 200


def test_who_may_not_change_it_is_not_told_the_address(door: Door, client: Client) -> None:
    check = made(client, webhookUrl="https://hooks.example.org/in?key=secret")
    assert shown(door("cronowl", "read:watches"), check)["webhookUrl"] is None


# --- limits ------------------------------------------------------------------------------------


def test_every_answer_tells_what_is_left_of_the_minute(door: Door, house: House) -> None:
    memory = Memory(house.clock)
    limited = door("cronowl", limits=limits_of(house.database, memory, house.clock))
    house.clock.advance(0.5)
    first = limited.get("/api/v1/checks").headers
    reset = int(house.clock.now().timestamp()) + 61  # rounded up
    assert [first[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "reset")] == [
        "60", "59", str(reset),
    ]  # fmt: skip
    house.clock.advance(10)
    for _ in range(59):
        limited.get("/api/v1/checks")
    last = limited.get("/api/v1/checks")
    details = fault(last, 429, "RATE_LIMIT_EXCEEDED")
    assert details == {"retryAfter": 50, "limit": 60, "remaining": 0}
    assert last.headers["retry-after"] == "50"
    assert last.headers["x-ratelimit-remaining"] == "0"
    other = door("cronowl", limits=limits_of(house.database, memory, house.clock))
    assert other.get("/api/v1/checks").status == 200


def test_the_plan_is_told_where_it_allows_no_more(client: Client, house: House) -> None:
    house.write(lambda tx: workspaces.assign(tx, house.workspace.id, "free"))
    for number in range(25):
        made(client, name=f"c{number}")
    details = fault(client("POST", "/api/v1/checks", BACKUP), 400, "LIMIT_EXCEEDED")
    assert details == {"current": 25, "limit": 25, "plan": "free"}
    (check, *_) = client.get("/api/v1/checks").json["data"]
    answer = client("PATCH", f"/api/v1/checks/{check['id']}", {"webhookUrl": "https://a.example"})
    assert fault(answer, 400, "LIMIT_EXCEEDED") == {"current": 0, "limit": 0, "plan": "free"}
    assert len(client.get("/api/v1/checks", limit=100).json["data"]) == 25


def test_health_is_told_to_everybody(client: Client) -> None:
    answer = Client(client.app).get("/cronowl/api/health")
    assert list(answer.json) == ["status", "timestamp", "uptime", "version"]
    assert (answer.status, answer.json["status"]) == (200, "ok")


def test_the_document_names_every_path(client: Client) -> None:
    document = Client(client.app).get("/cronowl/api/v1/openapi.json").json
    assert set(document["paths"]) == {"/api/health", "/api/ping/{slug}", *(
        f"/api/v1{path}"
        for path in (
            "/auth/keys", "/auth/keys/{name}", "/checks", "/checks/{name}", "/checks/{name}/pause",
            "/checks/{name}/resume", "/checks/{name}/pings", "/checks/{name}/status",
            "/http-monitors", "/http-monitors/{name}",
        )
    ), "/api/status/{slug}", "/api/status/{slug}/badge"}  # fmt: skip
    check = document["components"]["schemas"]["Check"]
    assert list(check["properties"]) == CHECK
    for path, statuses in (
        ("checks", ["up", "down", "new"]), ("http-monitors", ["up", "down", "degraded", "pending"]),
    ):  # fmt: skip
        asked = document["paths"][f"/api/v1/{path}"]["get"]["parameters"]
        schemas = {one["name"]: one["schema"] for one in asked}
        assert set(schemas) == {"page", "limit", "status", "tag"}
        assert schemas["status"]["enum"] == statuses
