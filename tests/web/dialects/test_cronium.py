"""Cronium's API as its document states it: events, logs, variables, tokens; faults and shapes."""

import asyncio
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from dogwatch.core.result import Outcome, Result
from dogwatch.usecases import runs
from dogwatch.usecases.limiting import Memory, limits_of
from dogwatch.usecases.runs import Ended
from dogwatch.web.dialect.refusal import Refusal
from dogwatch.web.dialects.cronium.errors import worded
from tests.web.asgi_client import Answer, Client
from tests.web.dialects.conftest import ON_BOTH, Door, House

BACKUP = {"name": "Daily backup", "type": "BASH", "script": "echo hello", "schedule": "0 2 * * *"}
HTTP = {"name": "Ask", "type": "HTTP_REQUEST", "httpUrl": "http://example.org/x"}
EVENT = [
    "id", "userId", "name", "description", "shared", "type", "content", "httpMethod", "httpUrl",
    "httpHeaders", "httpBody", "toolActionConfig", "status", "triggerType", "scheduleNumber",
    "scheduleUnit", "customSchedule", "startTime", "timezone", "runLocation", "serverId",
    "timeoutValue", "timeoutUnit", "retries", "executionCount", "maxExecutions",
    "resetCounterOnActive", "payloadVersion", "lastRunAt", "nextRunAt", "successCount",
    "failureCount", "tags", "createdAt", "updatedAt", "script", "schedule", "lastRun", "nextRun",
    "envVars", "server", "servers", "eventServers", "conditionalActions", "successEvents",
    "failEvents", "alwaysEvents", "conditionEvents",
]  # fmt: skip
LOG = [
    "id", "eventId", "workflowId", "status", "output", "startTime", "endTime", "duration",
    "successful", "eventName", "eventType", "retries", "error", "userId", "executionId",
    "exitCode", "executedAt", "success", "errorMessage", "executionTime", "serverId",
]  # fmt: skip
VARIABLE = ["id", "userId", "key", "value", "description", "createdAt", "updatedAt"]
NOW = "2026-01-05T12:00:00Z"


@pytest.fixture
def client(door: Door) -> Client:
    return door("cronium")


def data_of(answer: Answer, status: int = 200) -> Any:
    """Return the data of an answer, whose members stand beside it once more."""
    assert answer.status == status, answer.text
    said = answer.json
    assert list(said)[:4] == ["success", "data", "message", "timestamp"]
    assert said["success"] is True
    assert re.fullmatch(r"2026-01-05T12:0\d:\d\dZ", said["timestamp"])
    assert list(said)[4:] == list(said["data"])
    assert all(said[name] == value for name, value in said["data"].items())
    return said["data"]


def made(client: Client, **changes: Any) -> Any:
    return data_of(client("POST", "/api/events", BACKUP | changes), 201)["event"]


def faults(answer: Answer) -> dict[str, str]:
    assert answer.status == 400, answer.text
    assert list(answer.json) == ["error", "message", "code", "details", "timestamp"]
    assert answer.json["error"] == "Validation Error"
    assert answer.json["message"] == "Invalid request data"
    assert answer.json["code"] == 400
    return {one["field"]: one["message"] for one in answer.json["details"]}


def run_all(house: House, outcome: Outcome = Outcome.OK, **more: Any) -> list[runs.Work]:
    """Run what waits, to this end."""
    vault, at = house.services.vault, house.clock.now()
    works = house.write(lambda tx: runs.claim(tx, "script", "node", at, 50, vault))
    result = Result(outcome, "told", duration_ms=1500, retryable=False, **more)
    house.write(lambda tx: runs.finish(tx, [Ended(work, result) for work in works], at))
    return works


# --- events -----------------------------------------------------------------------------------


def test_nothing_is_told_by_name_then_type(client: Client) -> None:
    answer = client("POST", "/api/events", {})
    assert answer.status == 400
    assert answer.json == {
        "error": "Validation Error",
        "message": "Invalid request data",
        "code": 400,
        "details": [
            {"field": "name", "message": "Name is required"},
            {
                "field": "type",
                "message": "Type must be one of: BASH, PYTHON, NODEJS, HTTP_REQUEST",
            },
        ],
        "timestamp": NOW,
    }


TOLD = [
    ("events", {"type": "HTTP_REQUEST"}, "httpUrl", "Http url is required"),
    ("events", {"type": "BASH", "script": "x", "schedule": "0 0 30 2 *"}, "schedule",
     "Schedule: day of month '30' never comes in month '2'"),
    ("workflows", {"nodes": ["n", "n"]}, "nodes.1.id", "nodes.1.id: n is there already"),
    ("workflows", {"nodes": ["n", "m"], "edges": ["nm", "mn"]}, "edges",
     "Edges: they go round in a circle: n → m → n"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "field", "told"), TOLD)
def test_faults_are_sentences_about_what_clients_send(
    client: Client, path: str, body: Any, field: str, told: str
) -> None:
    number = made(client)["id"]
    nodes = [{"id": name, "eventId": number} for name in body.get("nodes", ())]
    edges = [{"source": one[0], "target": one[1]} for one in body.get("edges", ())]
    graph = {"triggerType": "MANUAL", "nodes": nodes, "edges": edges} if nodes else {}
    assert faults(client("POST", f"/api/{path}", {"name": "x", **body, **graph})) == {field: told}


@ON_BOTH
def test_an_event_from_its_making_to_its_end(client: Client, house: House) -> None:
    event = made(client, status="active", envVars={"A": "secret"})
    assert list(event) == EVENT
    assert type(event["id"]) is int
    assert (event["status"], event["nextRunAt"]) == ("ACTIVE", "2026-01-06T02:00:00Z")
    assert (event["script"], event["content"]) == ("echo hello", "echo hello")
    assert event["envVars"] == [{"id": 1, "eventId": event["id"], "key": "A", "value": "***"}]
    path = f"/api/events/{event['id']}"
    assert data_of(client.get(path)) == {"event": event}
    listed = data_of(client.get("/api/events"))
    assert listed == {
        "events": [event], "pagination": {"page": 1, "limit": 10, "total": 1, "pages": 1},
    }  # fmt: skip
    body = {"envVars": {"B": "mine"}, "input": {"x": 1}}
    execution = data_of(client("POST", f"{path}/execute", body))["execution"]
    assert list(execution) == ["id", "eventId", "status", "startedAt", "input"]
    assert (execution["status"], execution["input"]) == ("running", {"x": 1})
    (log,) = data_of(client.get(f"{path}/logs"))["logs"]
    assert list(log) == LOG
    assert (log["id"], log["status"], log["success"]) == (execution["id"], "PENDING", False)
    (work,) = run_all(house, exit_code=0)
    assert (work.given, work.action["env"]) == ('{"x":1}', {"A": "secret", "B": "mine"})
    log = data_of(client.get(f"/api/logs/{execution['id']}"))["log"]
    assert (log["status"], log["success"], log["exitCode"]) == ("SUCCESS", True, 0)
    assert (log["duration"], log["executionTime"], log["error"]) == (1500, 1.5, None)
    shown = data_of(client.get(path))["event"]
    counts = ("executionCount", "successCount", "failureCount", "lastRunAt", "lastRun")
    assert [shown[name] for name in counts] == [1, 1, 0, NOW, NOW]
    gone = client("DELETE", path)
    assert (gone.status, gone.body) == (204, b"")
    answer = client.get(path)
    assert answer.json == {
        "error": "Not Found",
        "message": f"Event with ID {event['id']} not found",
        "code": 404,
        "timestamp": NOW,
    }


@pytest.mark.parametrize(
    ("sent", "shown", "next_at"),
    [
        ({"schedule": "0 2 * * *"}, ("SCHEDULE", 1, "MINUTES", "0 2 * * *"), "2026-01-06T02:00"),
        ({"customSchedule": "*/20 * * * * *"}, ("SCHEDULE", 1, "MINUTES", "*/20 * * * * *"),
         "2026-01-05T12:00:20Z"),
        ({"scheduleNumber": 5}, ("SCHEDULE", 5, "MINUTES", None), "2026-01-05T12:05:00Z"),
        ({"scheduleNumber": 7}, ("SCHEDULE", 7, "MINUTES", None), "2026-01-05T12:07:00Z"),
        ({"scheduleNumber": 45, "scheduleUnit": "seconds"}, ("SCHEDULE", 45, "SECONDS", None),
         "2026-01-05T12:00:45Z"),
        ({"scheduleNumber": 6, "scheduleUnit": "HOURS"}, ("SCHEDULE", 6, "HOURS", None),
         "2026-01-05T18:00:00Z"),
        ({"scheduleNumber": 1, "scheduleUnit": "DAYS"}, ("SCHEDULE", 1, "DAYS", None),
         "2026-01-06T00:00:00Z"),
        ({"triggerType": "SCHEDULED", "startTime": "2026-01-05T15:30:00Z", "scheduleNumber": 2,
          "scheduleUnit": "HOURS"}, ("SCHEDULE", 2, "HOURS", None), "2026-01-05T15:30:00Z"),
        ({"schedule": "0 2 * * *", "timezone": "Europe/Warsaw"},
         ("SCHEDULE", 1, "MINUTES", "0 2 * * *"), "2026-01-06T01:00:00Z"),
        ({"scheduleUnit": "HOURS"}, ("MANUAL", 1, "HOURS", None), None),
        ({"triggerType": "MANUAL", "scheduleNumber": 5}, ("MANUAL", 5, "MINUTES", None), None),
    ],
)  # fmt: skip
def test_every_way_to_say_a_schedule(
    client: Client, sent: Any, shown: tuple[Any, ...], next_at: str | None
) -> None:
    body = {"name": "x", "type": "PYTHON", "content": "pass", "status": "ACTIVE"} | sent
    event = data_of(client("POST", "/api/events", body), 201)["event"]
    names = ("triggerType", "scheduleNumber", "scheduleUnit", "customSchedule")
    assert tuple(event[name] for name in names) == shown
    assert (event["nextRunAt"] or "").startswith(next_at or "")
    assert bool(event["nextRunAt"]) is bool(next_at)


@ON_BOTH
def test_what_was_read_and_is_sent_back_changes_nothing(client: Client) -> None:
    first = made(client, name="first", envVars=[{"key": "A", "value": "b"}])
    headers = [{"key": "Authorization", "value": "Bearer x"}, {"key": "Accept", "value": "a/b"}]
    actions = [
        {"type": "ON_FAILURE", "action": "SCRIPT", "details": {"targetEventId": first["id"]}}
    ]
    second = data_of(
        client("POST", "/api/events", HTTP | {
            "httpHeaders": headers, "httpMethod": "post", "httpBody": "{}", "retries": 3,
            "maxExecutions": 7, "tags": ["a"], "timeoutValue": 2, "timeoutUnit": "MINUTES",
            "conditionalActions": actions, "shared": True,
        }), 201,
    )["event"]  # fmt: skip
    assert second["httpHeaders"] == [
        {"key": "Authorization", "value": "***"}, {"key": "Accept", "value": "a/b"},
    ]  # fmt: skip
    assert (second["httpMethod"], second["timeoutValue"], second["timeoutUnit"]) == (
        "POST", 2, "MINUTES",
    )  # fmt: skip
    assert second["failEvents"] == second["conditionalActions"]
    for event in (first, second):
        for method in ("PUT", "PATCH"):
            path = f"/api/events/{event['id']}"
            assert data_of(client(method, path, event))["event"] == event
            assert data_of(client(method, path, {}))["event"] == event


def test_one_thing_is_changed_by_whichever_of_its_names(client: Client) -> None:
    event = made(client)
    path = f"/api/events/{event['id']}"

    def changed(**sent: Any) -> Any:
        return data_of(client("PATCH", path, data_of(client.get(path))["event"] | sent))["event"]

    assert changed(content="echo a")["script"] == "echo a"
    assert changed(script="echo b")["content"] == "echo b"
    assert changed(schedule="0 3 * * *")["customSchedule"] == "0 3 * * *"
    assert changed(customSchedule="0 4 * * *")["schedule"] == "0 4 * * *"
    assert changed(scheduleNumber=10)["customSchedule"] is None
    assert changed(triggerType="MANUAL")["schedule"] is None
    assert changed(type="PYTHON", content="print(1)")["type"] == "PYTHON"
    asks = changed(type="HTTP_REQUEST", httpUrl="http://example.org")
    assert (asks["type"], asks["content"], asks["envVars"]) == ("HTTP_REQUEST", None, [])


@ON_BOTH
def test_statuses_and_filters(client: Client, door: Door, house: House) -> None:
    events = {}
    for status in ("DRAFT", "Active", "paused", "ARCHIVED"):
        events[status.upper()] = made(client, name=status, status=status)
        house.clock.advance(1)
    by_hand = {"name": "by hand", "type": "BASH", "script": ":", "status": "ACTIVE"}
    client("POST", "/api/events", by_hand)
    names = {
        wanted: [one["name"] for one in client.get("/api/events", status=wanted).json["events"]]
        for wanted in ("active", "inactive", "scheduled", "DRAFT", "paused", "archived")
    }
    assert names == {
        "active": ["by hand", "Active"], "inactive": ["ARCHIVED", "paused", "DRAFT"],
        "scheduled": ["Active"], "DRAFT": ["DRAFT"], "paused": ["paused"], "archived": ["ARCHIVED"],
    }  # fmt: skip
    for query, told in (
        ({"status": "nope"},
         "Status must be one of: ACTIVE, INACTIVE, SCHEDULED, DRAFT, PAUSED, ARCHIVED"),
        ({"page": "x"}, "Page must be a whole number"), ({"page": 0}, "Page must be at least 1"),
        ({"limit": 101}, "Limit must be at most 100"),
    ):  # fmt: skip
        assert list(faults(client.get("/api/events", **query)).values()) == [told]
    second = client.get("/api/events", page=2, limit=2).json
    assert [one["name"] for one in second["events"]] == ["paused", "Active"]
    assert second["pagination"] == {"page": 2, "limit": 2, "total": 5, "pages": 3}
    path = f"/api/events/{events['DRAFT']['id']}"
    for method, end, status in (
        ("POST", "/activate", "ACTIVE"), ("DELETE", "/activate", "PAUSED"),
    ):  # fmt: skip
        assert client(method, path + end).json["event"]["status"] == status
    for status in ("ARCHIVED", "DRAFT", "inactive", "ACTIVE"):
        shown = client("PATCH", path, {"status": status}).json["event"]["status"]
        assert shown == {"inactive": "PAUSED"}.get(status, status)


def test_the_last_execution_pauses_and_a_reset_counts_anew(client: Client, house: House) -> None:
    event = made(client, status="ACTIVE", maxExecutions=1)
    path = f"/api/events/{event['id']}"
    client("POST", f"{path}/execute")
    refused = client("POST", f"{path}/execute")
    assert (refused.status, refused.json["error"]) == (409, "Conflict")
    run_all(house, Outcome.FAIL, exit_code=3)
    shown = client.get(path).json["event"]
    assert (shown["status"], shown["executionCount"], shown["failureCount"]) == ("PAUSED", 1, 1)
    (log,) = client.get(f"{path}/logs").json["logs"]
    assert (log["status"], log["error"], log["exitCode"]) == ("FAILURE", "told", 3)
    assert client("POST", f"{path}/activate").status == 409
    reset = client("POST", f"{path}/reset-counter").json["event"]
    assert (reset["executionCount"], reset["status"]) == (0, "PAUSED")
    client("PATCH", path, {"resetCounterOnActive": True})
    assert client("POST", f"{path}/activate").json["event"]["status"] == "ACTIVE"


@ON_BOTH
def test_logs_are_paged_in_both_ways(client: Client, house: House) -> None:
    event = made(client)
    path = f"/api/events/{event['id']}"
    ids: list[str] = []
    for _ in range(3):
        ids.insert(0, client("POST", f"{path}/execute").json["execution"]["id"])
        run_all(house)
        house.clock.advance(1)
    lists = {
        "page": client.get(f"{path}/logs", page=2, limit=2).json,
        "offset": client.get(f"{path}/logs", offset=2, limit=2).json,
        "all": client.get("/api/logs").json,
    }
    assert [[log["id"] for log in one["logs"]] for one in lists.values()] == [ids[2:], ids[2:], ids]
    assert lists["page"]["pagination"] == lists["offset"]["pagination"]
    assert lists["page"]["pagination"] == {"page": 2, "limit": 2, "total": 3, "pages": 2}
    assert lists["all"]["pagination"] == {"page": 1, "limit": 100, "total": 3, "pages": 1}


# --- variables, tokens, and the rest ------------------------------------------------------------


@ON_BOTH
def test_a_variable_from_its_making_to_its_end(client: Client) -> None:
    body = {"key": " DATABASE_URL ", "value": "pg://x", "description": "words"}
    variable = data_of(client("POST", "/api/variables", body), 201)["variable"]
    assert list(variable) == VARIABLE
    assert (variable["key"], variable["value"]) == ("DATABASE_URL", "pg://x")
    assert type(variable["id"]) is int
    taken = client("POST", "/api/variables", body)
    assert (taken.status, taken.json["error"]) == (409, "Conflict")
    client("POST", "/api/variables", {"key": "A", "value": ""})
    some = data_of(client.get("/api/variables"))
    assert [one["key"] for one in some["variables"]] == ["A", "DATABASE_URL"]
    assert some["pagination"] == {"page": 1, "limit": 2, "total": 2, "pages": 1}
    path = "/api/variables/DATABASE_URL"
    assert data_of(client.get(path))["variable"] == variable
    changed = data_of(client("PUT", path, {"value": "pg://y"}))["variable"]
    assert (changed["value"], changed["description"]) == ("pg://y", "words")
    kept = data_of(client("PUT", path, {"description": None}))["variable"]
    assert (kept["value"], kept["description"]) == ("pg://y", None)
    assert data_of(client("DELETE", path)) == {}
    missing = client("PUT", path, {"value": "x"})
    assert missing.json["message"] == "Variable with key DATABASE_URL not found"


@ON_BOTH
def test_tokens_are_shown_once_do_what_they_may_and_end(client: Client, house: House) -> None:
    body = {"name": "ci", "permissions": ["read", "Execute"], "expiresAt": "2026-01-05T13:00:00Z"}
    said = data_of(client("POST", "/api/tokens", body), 201)
    assert list(said) == ["token", "displayToken"]
    assert len(said["displayToken"]) == 32
    assert list(said["token"]) == [
        "id", "userId", "name", "status", "permissions", "lastUsed", "expiresAt", "createdAt",
        "updatedAt",
    ]  # fmt: skip
    assert said["token"]["permissions"] == ["READ", "EXECUTE"]
    own = Client(client.app, said["displayToken"], client.base)
    event = made(client)
    assert own.get("/api/events").status == 200
    assert own("POST", f"/api/events/{event['id']}/execute").status == 200
    refused = own("POST", "/api/events", BACKUP)
    assert (refused.status, refused.json["error"]) == (403, "Forbidden")
    assert refused.json["message"] == "the API key lacks the permission write"
    listed = data_of(client.get("/api/tokens"))
    assert [one["status"] for one in listed["tokens"]] == ["ACTIVE", "ACTIVE"]
    assert said["displayToken"] not in str(listed)
    revoked = data_of(client("PUT", f"/api/tokens/{said['token']['id']}"))["token"]
    assert revoked["status"] == "REVOKED"
    assert client("DELETE", f"/api/tokens/{said['token']['id']}").status == 404
    assert own.get("/api/events").status == 401


def test_there_are_no_servers_and_health_needs_no_token(client: Client) -> None:
    assert data_of(client.get("/api/servers")) == {
        "servers": [], "pagination": {"page": 1, "limit": 10, "total": 0, "pages": 0},
    }  # fmt: skip
    answer = Client(client.app, None, client.base).get("/api/health")
    assert (answer.status, answer.json) == (200, {"status": "ok", "timestamp": NOW})


def test_events_of_other_doors_are_here_and_heartbeats_are_not(
    client: Client, api: Client, watch: Any
) -> None:
    action = {"kind": "script", "language": "node", "source": "1", "env": {"K": "v"}}
    made = {"name": "native", "schedule": "every 90s", "action": action}
    assert api("POST", "/jobs", made).status == 201
    (event,) = client.get("/api/events").json["events"]
    assert (event["name"], event["type"], event["status"]) == ("native", "NODEJS", "ACTIVE")
    assert (event["scheduleNumber"], event["scheduleUnit"]) == (90, "SECONDS")


def test_the_document_names_every_path(client: Client) -> None:
    document = Client(client.app).get("/cronium/api/openapi.json").json
    assert set(document["paths"]) == {
        f"/api{path}"
        for path in (
            "/events", "/events/{number}", "/events/{number}/execute", "/events/{number}/activate",
            "/events/{number}/reset-counter", "/events/{number}/logs", "/logs", "/logs/{name}",
            "/variables", "/variables/{name}", "/servers", "/tokens", "/tokens/{name}",
            "/workflows", "/workflows/{number}", "/workflows/{number}/execute",
            "/workflows/executions", "/workflows/{number}/executions",
            "/workflows/{number}/executions/{name}", "/workflows/{number}/archive",
            "/workflows/bulk-archive", "/workflows/webhook/{key}", "/webhooks/{key}",
            "/events/download", "/events/{number}/run", "/events/{number}/workflows", "/health",
        )
    }  # fmt: skip


# --- faults -------------------------------------------------------------------------------------

DEEP = b"[" * 200_000 + b"]" * 200_000
TEXT: list[Any] = [5, [], True, {}]
WRONG: dict[str, list[Any]] = {
    "name": [None, "", " ", "x" * 201, "a\nb", "a\0b", "\ud800", *TEXT],
    "type": [None, "", "RUBY", 1, [], "BASH\0"],
    "description": ["x" * 4001, "a\0b", "\udfff", *TEXT],
    "script": ["", "x" * 262_145, "a\0b", "\ud800", *TEXT],
    "content": ["a\0b", "\ud800", *TEXT],
    "status": [None, "", "asleep", 5, []],
    "triggerType": ["", "sometimes", 5, "WEBHOOK"],
    "schedule": ["x", "every 5m", "* * * *", "61 * * * *", "0 0 31 2 *", "\0", *TEXT],
    "customSchedule": ["x", "99 * * * * *", *TEXT],
    "scheduleNumber": [0, -1, 1.5, "5", True, 10**15, [], {}],
    "scheduleUnit": ["WEEKS", 5, []],
    "startTime": ["soon", 5, "2026-13-01T00:00:00Z", [], "9999-12-31T23:59:59-14:00"],
    "timezone": ["Mars/Olympus", "", "../etc", 5, "x" * 65],
    "runLocation": ["REMOTE", 5, []],
    "serverId": [1, "a"],
    "timeoutValue": [0, -1, 10**8, 1.5, "30", True],
    "timeoutUnit": ["YEARS", 5],
    "retries": [-1, 11, 1.5, "3", True],
    "maxExecutions": [-1, 10**10, 1.5, "3", True],
    "resetCounterOnActive": ["yes", 1],
    "shared": ["yes", 1],
    "tags": ["a", [5], [""], ["x" * 51], ["a"] * 21, ["a\0"]],
    "envVars": ["a", [5], [{"key": 5, "value": "a"}], {"A": 5}, {"1A": "b"}, {"LD_PRELOAD": "x"},
                {"A": "b\0"}, [{"key": "A"}], {"A": "\ud800"}],
    "conditionalActions": ["a", [5], [{}], [{"type": "NEVER", "action": "SCRIPT"}],
                           [{"type": "ALWAYS", "action": "SCRIPT",
                             "details": {"targetEventId": 987654321}}],
                           [{"type": "ALWAYS", "action": "SEND_MESSAGE", "details": {}}],
                           [{"type": "ALWAYS", "action": "NONE", "details": "x"}]],
}  # fmt: skip
WRONG_HTTP: dict[str, list[Any]] = {
    "httpUrl": ["", "ftp://x", "http://a b", "x" * 5000, "http://u:p@x/", *TEXT],
    "httpMethod": ["FETCH", 5],
    "httpHeaders": ["a", [5], [{"key": "Host", "value": "x"}], [{"key": "A", "value": 5}],
                    [{"key": "A", "value": "b\r\nC: d"}], [{"key": "a b", "value": "x"}]],
    "httpBody": ["x" * 262_145, "\ud800", *TEXT],
    "envVars": [{"A": "b"}],
}  # fmt: skip


def _bad(name: str, value: Any, base: Any) -> Any:
    return pytest.param(base, name, value, id=f"{name} {str(value)[:30]!r}")


BAD = [
    *(_bad(name, value, BACKUP) for name, many in WRONG.items() for value in many),
    *(_bad(name, value, HTTP) for name, many in WRONG_HTTP.items() for value in many),
]


OTHER = {"content": "script", "customSchedule": "schedule"}


def test_a_bad_field_is_named_and_changes_nothing(client: Client) -> None:
    mine = {id(base): made(client, **base) for base in (BACKUP, HTTP)}
    before = client.get("/api/events").json["events"]

    async def send_all() -> list[tuple[str, Any, Answer]]:
        told = []
        for param in BAD:
            base, name, value = param.values
            given = {**base, name: value}
            given.pop(OTHER.get(name, ""), None)
            told.append((name, value, await client.send("POST", "/api/events", given)))
            path = f"/api/events/{mine[id(base)]['id']}"
            told.append((name, value, await client.send("PATCH", path, {name: value})))
        return told

    for name, value, answer in asyncio.run(send_all()):
        named = {"content": ("content", "script"), "customSchedule": ("customSchedule", "schedule"),
                 "scheduleNumber": ("scheduleNumber", "schedule")}.get(name, (name,))  # fmt: skip
        assert answer.status == 400, (name, str(value)[:80], answer.text[:300])
        told = faults(answer)
        assert any(field.partition(".")[0] in named for field in told), (name, value, told)
    assert client.get("/api/events").json["events"] == before


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"5", b"\xff", DEEP, b'{"name": Infinity}', b'{"name": NaN}', b'{"a":1,"a":2}',
     b'{"name": "\\u0000' + b"x" * 2_000_000, b'{"a":"' + b"\xc3\x28" + b'"}'],
    ids=range(10),
)  # fmt: skip
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/events"), ("POST", "/api/variables"), ("POST", "/api/workflows"),
     ("POST", "/api/tokens")],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_a_validation_error(
    client: Client, method: str, path: str, body: bytes
) -> None:
    assert faults(client(method, path, body))


@pytest.mark.parametrize("media_type", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_json_is_read_whatever_it_is_called(client: Client, media_type: str) -> None:
    answer = client("POST", "/api/events", BACKUP, headers={"content-type": media_type})
    assert answer.status == 201


VARIABLE_FAULTS: list[tuple[Any, str]] = [
    ({}, "key"), ({"key": "A"}, "value"), ({"key": None, "value": "x"}, "key"),
    ({"key": "", "value": "x"}, "key"), ({"key": "A B", "value": "x"}, "key"),
    ({"key": "x" * 101, "value": "x"}, "key"), ({"key": "PATH", "value": "x"}, "key"),
    ({"key": "CRONIUM_X", "value": "x"}, "key"), ({"key": 5, "value": "x"}, "key"),
    ({"key": "A", "value": 5}, "value"), ({"key": "A", "value": None}, "value"),
    ({"key": "A", "value": "x" * 10_001}, "value"), ({"key": "A", "value": "\0"}, "value"),
    ({"key": "A", "value": "\ud800"}, "value"),
    ({"key": "A", "value": "x", "description": "x" * 501}, "description"),
    ({"key": "A", "value": "x", "description": 5}, "description"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"key": "A B", "value": "x"},
         "Key: use 1 to 100 letters, digits, _, . and -, a letter or _ first"),
        ({"key": "A", "value": "x" * 10_001}, "Value: at most 10000 characters"),
        ({"key": "A", "value": "a\0"}, "Value holds a NUL character"),
        ({"key": "A"}, "Value is required"),
    ],
    ids=["key", "long", "nul", "missing"],
)  # fmt: skip
def test_a_fault_is_told_as_a_sentence(client: Client, body: Any, told: str) -> None:
    assert list(faults(client("POST", "/api/variables", body)).values()) == [told]


def test_bad_variables_are_told(client: Client) -> None:
    for body, field in VARIABLE_FAULTS:
        assert field in faults(client("POST", "/api/variables", body)), body
    assert client.get("/api/variables").json["variables"] == []


def test_a_bad_execution_is_told_and_starts_nothing(client: Client) -> None:
    script = f"/api/events/{made(client)['id']}"
    request = f"/api/events/{made(client, **HTTP)['id']}"
    for path, body, field in (
        (script, {"envVars": "a"}, "envVars"), (script, {"envVars": {"1": "b"}}, "envVars.1"),
        (script, {"envVars": {"LD_PRELOAD": "b"}}, "envVars.LD_PRELOAD"),
        (script, {"envVars": {"A": "\0"}}, "envVars.A"),
        (script, {"envVars": {"A": 5}}, "envVars.A"),
        (script, {"input": "\ud800"}, "input"), (script, {"input": ["\udfff"]}, "input"),
        (request, {"envVars": {"A": "b"}}, "envVars"), (script, b"nonsense", "body"),
    ):  # fmt: skip
        told = faults(client("POST", f"{path}/execute", body))
        assert field in told, (body, told)
    assert client.get("/api/logs").json["logs"] == []


@pytest.mark.parametrize(
    ("refusal", "status", "said"),
    [
        (Refusal("fault", "x", mark="m1"), 500,
         {"error": "Internal Server Error", "message": "An unexpected error occurred",
          "code": 500, "timestamp": NOW, "requestId": "m1"}),
        (Refusal("away", "the database is away"), 503,
         {"error": "Service Unavailable", "message": "the database is away", "code": 503,
          "timestamp": NOW}),
        (Refusal("exceeded", "the plan has no more"), 403,
         {"error": "Forbidden", "message": "the plan has no more", "code": 403,
          "timestamp": NOW}),
    ],
    ids=lambda value: getattr(value, "why", ""),
)  # fmt: skip
def test_what_seldom_happens_has_the_same_form(refusal: Refusal, status: int, said: Any) -> None:
    answer = worded(refusal, datetime(2026, 1, 5, 12, tzinfo=UTC))
    assert (answer.status_code, json.loads(bytes(answer.body))) == (status, said)


def test_bad_tokens_are_told(client: Client) -> None:
    for body, field in (
        ({}, "name"), ({"name": ""}, "name"), ({"name": "x", "permissions": []}, "permissions"),
        ({"name": "x", "permissions": ["root"]}, "permissions.0"),
        ({"name": "x", "expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"name": "x", "expiresAt": 5}, "expiresAt"),
    ):  # fmt: skip
        assert field in faults(client("POST", "/api/tokens", body)), body


@pytest.mark.parametrize(
    ("method", "path", "status", "error", "message"),
    [
        ("GET", "/api/events/987654", 404, "Not Found", "Event with ID 987654 not found"),
        ("GET", "/api/events/abc", 400, "Validation Error", "Invalid request data"),
        ("GET", f"/api/events/{9**30}", 400, "Validation Error", "Invalid request data"),
        ("GET", "/api/events?status=sleepy", 400, "Validation Error", "Invalid request data"),
        ("GET", "/api/events?limit=101", 400, "Validation Error", "Invalid request data"),
        ("GET", "/api/events?page=0", 400, "Validation Error", "Invalid request data"),
        ("GET", "/api/logs?limit=1001", 400, "Validation Error", "Invalid request data"),
        ("GET", "/api/logs/exec_x", 404, "Not Found", "Log with ID exec_x not found"),
        ("GET", "/api/variables/NONE", 404, "Not Found", "Variable with key NONE not found"),
        ("GET", "/api/workflows/987654", 404, "Not Found", "Workflow with ID 987654 not found"),
        ("DELETE", "/api/tokens/x", 404, "Not Found", "Token with ID x not found"),
        ("GET", "/api/nothing", 404, "Not Found", "there is nothing at this address"),
        ("PUT", "/api/events", 405, "Method Not Allowed", "this address takes"),
        ("POST", "/api/servers", 405, "Method Not Allowed", "this address takes"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_in_its_own_form(
    client: Client, method: str, path: str, status: int, error: str, message: str
) -> None:
    path, _, query = path.partition("?")
    answer = client(method, path, query=dict([query.split("=")]) if query else None)
    assert (answer.status, answer.json["error"], answer.json["code"]) == (status, error, status)
    assert answer.json["message"].startswith(message)


def test_who_has_no_valid_token_is_told(client: Client) -> None:
    for token in (None, "x" * 32, "dw_live_" + "x" * 33):
        answer = Client(client.app, token, client.base).get("/api/events")
        assert answer.json == {
            "error": "Unauthorized",
            "message": "Invalid or missing API token",
            "code": 401,
            "timestamp": NOW,
        }


def test_a_hundred_requests_a_minute(door: Door, house: House) -> None:
    memory = Memory(house.clock)
    limited = door("cronium", limits=limits_of(house.database, memory, house.clock))

    async def many() -> list[Answer]:
        return [await limited.send("GET", "/api/servers") for _ in range(101)]

    *passed, last = asyncio.run(many())
    assert {answer.status for answer in passed} == {200}
    assert (last.status, last.headers["retry-after"]) == (429, "60")
    assert last.json == {
        "error": "Rate Limit Exceeded",
        "message": "Too many requests; try again later",
        "code": 429,
        "timestamp": NOW,
        "retryAfter": 60,
    }


def test_a_script_is_refused_where_none_may_run(door: Door) -> None:
    answer = door("cronium", scripts_on=False)("POST", "/api/events", BACKUP)
    assert (answer.status, answer.json["error"]) == (403, "Forbidden")
    assert "scripts are switched off" in answer.json["message"]
