"""CronOwl's HTTP monitors as its document states them."""

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from typing import Any

import pytest

from dogwatch.core.result import Outcome, Result
from dogwatch.store import probes as store_probes
from dogwatch.store.tx import Tx
from dogwatch.usecases import aliases, probes, probing, workspaces
from dogwatch.usecases.probing import Reply
from tests.web.asgi_client import Client
from tests.web.dialects.conftest import ON_BOTH, Door, House
from tests.web.dialects.test_cronowl import fault, hooked

API = {
    "name": "Production API",
    "url": "https://api.example.com/health",
    "method": "GET",
    "intervalSeconds": 60,
    "expectedStatusCodes": [200],
    "assertions": {"maxResponseTimeMs": 2000, "bodyContains": '"status":"ok"'},
    "alertAfterFailures": 2,
    "tags": ["production", "api"],
}
MONITOR = [
    "id", "name", "url", "method", "expectedStatusCodes", "timeoutMs", "intervalSeconds", "headers",
    "body", "contentType", "assertions", "status", "lastCheckedAt", "lastResponseTimeMs",
    "lastStatusCode", "lastError", "alertAfterFailures", "consecutiveFailures", "uptimePercent24h",
    "avgResponseTime24h", "isEnabled", "webhookUrl", "tags", "createdAt", "updatedAt",
]  # fmt: skip
SECRET = {"Authorization": "Bearer abcdefgh", "X-Api-Key": "short", "Accept": "text/html"}


@pytest.fixture
def client(door: Door) -> Client:
    return door("cronowl")


def made(client: Client, **changes: Any) -> Any:
    answer = client("POST", "/api/v1/http-monitors", API | changes)
    assert answer.status == 200, answer.text
    return answer.json["data"]


def path_of(monitor: Any) -> str:
    return f"/api/v1/http-monitors/{monitor['id']}"


def shown(client: Client, monitor: Any) -> Any:
    return client.get(path_of(monitor)).json["data"]


def changed(client: Client, monitor: Any, **body: Any) -> Any:
    answer = client("PATCH", path_of(monitor), body)
    assert answer.status == 200, answer.text
    return answer.json["data"]


def answered(house: House, *results: Result) -> None:
    """Have the monitor that is due next asked once for each result."""
    for result in results:
        due_at = house.write(lambda tx: store_probes.next_due_at(tx, "here"))
        assert due_at
        house.clock.advance((due_at - house.clock.now()).total_seconds())
        house.write(partial(asked, house, result))


def asked(house: House, result: Result, tx: Tx) -> None:
    at = house.clock.now()
    questions = probing.claim(tx, "here", "n1", at, 10, house.services.vault)
    assert questions
    probing.finish(tx, [Reply(one, result, at, at) for one in questions], at)


def at(house: House) -> str:
    return f"{house.clock.now():%Y-%m-%dT%H:%M:%SZ}"


OK = Result(Outcome.OK, "status 200", duration_ms=145, status_code=200)
BAD = Result(Outcome.FAIL, "expected status 200, got 503", duration_ms=80, status_code=503)
SLOW = Result(Outcome.OK, "status 200", duration_ms=2_500, status_code=200)


def stored(house: House, monitor: Any, client: Client) -> Any:
    """Return the request of a monitor as it is asked."""
    vault = house.services.vault

    def found(tx: Any) -> Any:
        _, record = aliases.find(tx, house.workspace.id, "cronowl", monitor["id"])
        return probes.probe_of(probes.find(tx, house.workspace.id, record.id)[1], vault)

    return house.write(found).target


@ON_BOTH
def test_a_monitor_from_its_making_to_its_end(client: Client, house: House) -> None:
    monitor = made(client)
    assert list(monitor) == MONITOR
    assert re.fullmatch(r"mon_[A-Za-z0-9]+", monitor["id"])
    assert {name: monitor[name] for name in API} == API
    assert (monitor["status"], monitor["isEnabled"], monitor["timeoutMs"]) == (
        "pending",
        True,
        10000,
    )
    unknown = ("headers", "body", "contentType", "lastCheckedAt", "lastResponseTimeMs",
               "lastStatusCode", "lastError", "uptimePercent24h", "avgResponseTime24h",
               "webhookUrl")  # fmt: skip
    assert {monitor[name] for name in unknown} == {None}
    assert shown(client, monitor) == monitor
    target = stored(house, monitor, client)
    assert (target.user_agent, target.request.method) == ("CronOwl-HttpMonitor/1.0", "GET")
    house.clock.advance(1)
    after = changed(client, monitor, intervalSeconds=120, assertions={"maxResponseTimeMs": 3000})
    assert (after["intervalSeconds"], after["assertions"]) == (
        120, {"maxResponseTimeMs": 3000, "bodyContains": '"status":"ok"'},
    )  # fmt: skip
    assert after["updatedAt"] > monitor["updatedAt"]
    gone = client("DELETE", path_of(monitor))
    assert gone.json == {"success": True, "data": {"deleted": True, "id": monitor["id"]}}
    fault(client.get(path_of(monitor)), 404, "NOT_FOUND")


def test_defaults(client: Client) -> None:
    body = {"name": "x", "url": "http://example.com"}
    monitor = client("POST", "/api/v1/http-monitors", body).json["data"]
    defaults = {
        "method": "GET", "expectedStatusCodes": [200, 201, 204], "timeoutMs": 10000,
        "intervalSeconds": 300, "alertAfterFailures": 2, "tags": [], "assertions": None,
    }  # fmt: skip
    assert {name: monitor[name] for name in defaults} == defaults


@ON_BOTH
def test_how_it_goes(client: Client, house: House) -> None:
    monitor = made(client)
    answered(house, OK)
    found = shown(client, monitor)
    told = ("status", "lastCheckedAt", "lastResponseTimeMs", "lastStatusCode", "lastError",
            "consecutiveFailures", "uptimePercent24h", "avgResponseTime24h")  # fmt: skip
    assert [found[name] for name in told] == [
        "up", at(house), 145, 200, None, 0, 100.0, 145,
    ]  # fmt: skip
    answered(house, BAD)
    found = shown(client, monitor)
    assert [found[name] for name in told] == [
        "up", at(house), 80, 503, BAD.reason, 1, 50.0, 145,
    ]  # fmt: skip
    answered(house, BAD)
    assert [shown(client, monitor)[name] for name in told[:1]] == ["down"]
    answered(house, SLOW)
    assert shown(client, monitor)["status"] == "degraded"
    answered(house, OK)
    found = shown(client, monitor)
    assert (found["status"], found["uptimePercent24h"], found["avgResponseTime24h"]) == (
        "up", 60.0, 930,
    )  # fmt: skip
    house.clock.advance(timedelta(days=2).total_seconds())
    assert shown(client, monitor)["uptimePercent24h"] is None


def test_its_webhook_is_told_of_the_monitor(client: Client, house: House) -> None:
    url = "https://api.example.com/health?token=abcdefgh"
    monitor = made(client, url=url, webhookUrl="https://hooks.example.org/in")
    told = []
    for result in (OK, BAD, BAD, OK, SLOW):
        answered(house, result)
        told += hooked(house)
    assert [one["event"] for one in told] == [
        "http_monitor.down", "http_monitor.up", "http_monitor.degraded",
    ]  # fmt: skip
    known = {"id": monitor["id"], "name": monitor["name"], "url": url.replace("abcdefgh", "***")}
    assert [one["httpMonitor"] for one in told] == [
        {**known, "status": "down", "statusCode": 503, "responseTimeMs": 80},
        {**known, "status": "up", "statusCode": 200, "responseTimeMs": 145},
        {**known, "status": "degraded", "statusCode": 200, "responseTimeMs": 2_500},
    ]


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([BAD], "pending"), ([BAD, BAD], "down"), ([SLOW], "degraded"), ([OK], "up"),
        ([OK, BAD], "up"), ([BAD, OK, SLOW], "degraded"),
    ],
)  # fmt: skip
def test_who_is_enabled_again_is_what_he_was(
    client: Client, house: House, results: Sequence[Result], status: str
) -> None:
    """Two failures take it down: one alone makes it no better than it was, either."""
    monitor = made(client)
    answered(house, *results)
    for enabled in (True, False, True):
        assert changed(client, monitor, isEnabled=enabled)["status"] == status


def test_secrets_are_masked_and_masks_keep_them(client: Client, house: House) -> None:
    monitor = made(client, headers=SECRET, method="POST", body="{}", contentType="text/plain")
    assert monitor["headers"] == {
        "Authorization": "Bear****", "X-Api-Key": "********", "Accept": "text/html",
    }  # fmt: skip
    assert (monitor["body"], monitor["contentType"]) == ("[REDACTED]", "text/plain")
    again = {name: monitor[name] for name in ("headers", "body", "contentType")}
    after = changed(client, monitor, **again | {"name": "y"})
    assert after["headers"] == monitor["headers"]
    request = stored(house, monitor, client).request
    assert dict(request.headers) == SECRET | {"Content-Type": "text/plain"}
    assert request.body == "{}"


def test_who_may_not_change_it_is_not_told_the_secrets_of_its_address(
    door: Door, client: Client
) -> None:
    monitor = made(client, url="https://api.example.com/v1?token=secret&page=2")
    assert monitor["url"] == "https://api.example.com/v1?token=secret&page=2"
    reader = door("cronowl", "read:watches", "read:jobs")
    assert shown(reader, monitor)["url"] == "https://api.example.com/v1?token=***&page=2"


def test_secrets_do_not_move_to_another_address(client: Client, house: House) -> None:
    monitor = made(client, headers=SECRET)
    for body in ({}, {"headers": monitor["headers"]}):
        answer = client("PATCH", path_of(monitor), {"url": "https://evil.example", **body})
        assert fault(answer, 400, "VALIDATION_ERROR") == {"field": "headers"}
    assert changed(client, monitor, url="https://api.example.com/v2")["url"].endswith("/v2")
    after = changed(client, monitor, url="https://b.example", headers={"Authorization": "n" * 9})
    assert after["headers"] == {"Authorization": "nnnn****"}


def test_a_body_goes_with_post_and_put_alone(client: Client, house: House) -> None:
    monitor = made(client, body="x")
    assert monitor["body"] is None
    assert changed(client, monitor, method="PUT", body="x")["body"] == "[REDACTED]"
    assert changed(client, monitor, method="HEAD")["body"] is None
    assert stored(house, monitor, client).request.method == "HEAD"


CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"timeoutMs": 5}, {"timeoutMs": 1000}),
    ({"timeoutMs": 10**30}, {"timeoutMs": 30000}),
    ({"intervalSeconds": -5}, {"intervalSeconds": 1}),
    ({"alertAfterFailures": 0}, {"alertAfterFailures": 1}),
    ({"alertAfterFailures": 99}, {"alertAfterFailures": 10}),
    ({"expectedStatusCodes": [204, "x", 99, 600, 200, 204]}, {"expectedStatusCodes": [204, 200]}),
    ({"expectedStatusCodes": [*range(200, 300)]}, {"expectedStatusCodes": [*range(200, 300)]}),
    ({"headers": {"A": "b", "C": 5}}, {"headers": {"A": "b"}}),
    ({"headers": None}, {"headers": None}),
    ({"headers": {"content-type": "text/plain"}}, {"headers": None, "contentType": "text/plain"}),
    ({"contentType": "text/plain"}, {"contentType": "text/plain", "headers": None}),
    ({"assertions": None}, {"assertions": None}),
    ({"assertions": {"bodyContains": None}}, {"assertions": {"maxResponseTimeMs": 2000}}),
    ({"assertions": {"bodyNotContains": "x", "maxResponseTimeMs": None, "bodyContains": ""}},
     {"assertions": {"bodyNotContains": "x"}}),
    ({"isEnabled": False}, {"isEnabled": False, "status": "pending"}),
    ({"tags": [" A "]}, {"tags": ["a"]}),
    ({"tags": None}, {"tags": []}),
    ({"webhookUrl": "https://a.example/x"}, {"webhookUrl": "https://a.example/x"}),
]  # fmt: skip


def test_what_is_taken(client: Client) -> None:
    for sent, after in CHANGES:
        monitor = made(client)
        found = changed(client, monitor, **sent)
        assert {name: found[name] for name in after} == after
        other = {name for name in found if found[name] != monitor[name]} - {"updatedAt"}
        assert other <= set(after)
        assert shown(client, monitor) == found


WRONG: dict[str, list[Any]] = {
    "name": [5, "  ", "x" * 201, "a\x00", "a\nb", []],
    "url": [
        5, "x", "ftp://a.example", "https://", "https://a b", "https://u:p@a.example", [],
        "http://localhost/x", "http://127.0.0.1", "http://[::1]:80/", "http://10.0.0.1",
        "http://192.168.1.1", "http://172.16.0.1", "http://169.254.169.254/", "http://100.64.0.1",
        "http://a.local", "http://a.internal", "http://x.localhost", "http://nas.lan.",
        "https://a.example/" + "x" * 9_999, "https://a.example/\x00",
    ],
    "method": [5, "DELETE", "get", []],
    "expectedStatusCodes": [5, "200", {}, [600], ["x"], [2.5], [*range(100, 599, 2)]],
    "timeoutMs": ["5", 1.5, True, []],
    "intervalSeconds": ["5", 1.5, True, [], 10**15],
    "headers": [5, "x", [], {"a b": "x"}, {"Host": "x"}, {"A": "x\ny"}, {"A": "x" * 40_000}],
    "body": [5, [], {}, "a\x00", "x" * 300_000],
    "contentType": [5, "image/png", []],
    "assertions": [
        5, "x", [], {"maxResponseTimeMs": "5"}, {"maxResponseTimeMs": 0}, {"bodyContains": 5},
        {"bodyContains": "x" * 1_001}, {"bodyNotContains": "a\x00"}, {"bodyNotContains": []},
    ],
    "alertAfterFailures": ["5", 1.5, True],
    "tags": [5, "x", {}, ["x" * 51]],
    "webhookUrl": [5, "x", "ftp://a.example"],
}  # fmt: skip
OPTIONS = {"method", "contentType"}
NOT_CLEARED = set(WRONG) - {
    "headers", "body", "contentType", "assertions", "tags", "webhookUrl",
}  # fmt: skip


@pytest.mark.parametrize("field", WRONG)
def test_a_bad_field_is_named_and_changes_nothing(client: Client, field: str) -> None:
    monitor = made(client)
    path = path_of(monitor)
    calls = [("POST", "/api/v1/http-monitors", API | {field: value}) for value in WRONG[field]]
    calls += [("PATCH", path, {field: value}) for value in WRONG[field]]
    calls += [("PATCH", path, {field: None})] if field in NOT_CLEARED else []
    for method, where, body in calls:
        details = fault(client(method, where, body), 400, "VALIDATION_ERROR")
        assert details["field"] == field
        assert ("validOptions" in details) is (field in OPTIONS)
    assert client.get("/api/v1/http-monitors").json["data"] == [monitor]


def test_what_is_required_is_missed(client: Client) -> None:
    for field in ("name", "url"):
        rest = {name: value for name, value in API.items() if name != field}
        for body in (rest, rest | {field: None}, rest | {field: ""}):
            answer = client("POST", "/api/v1/http-monitors", body)
            assert fault(answer, 400, "VALIDATION_ERROR") == {"field": field}


def test_a_switch_allows_private_targets(door: Door) -> None:
    inside = door("cronowl", allow_private_targets=(ip_network("10.0.0.0/8"),))
    assert made(inside, url="http://10.1.2.3/")["url"] == "http://10.1.2.3/"
    assert made(inside, url="http://db.internal/")["url"] == "http://db.internal/"
    answer = inside("POST", "/api/v1/http-monitors", API | {"url": "http://192.168.0.1/"})
    assert fault(answer, 400, "VALIDATION_ERROR") == {"field": "url"}


@ON_BOTH
def test_lists_are_paged_filtered_and_newest_first(client: Client, house: House) -> None:
    first = made(client, name="a", tags=["x"])
    answered(house, BAD, BAD)
    second = made(client, name="b")
    house.clock.advance(1)
    made(client, name="c", tags=["x"])
    client("PATCH", path_of(first), {"isEnabled": False})

    def names(**query: Any) -> Sequence[str]:
        return [one["name"] for one in client.get("/api/v1/http-monitors", **query).json["data"]]

    assert names() == ["c", "b", "a"]
    assert (names(status="down"), names(status="pending")) == (["a"], ["c", "b"])
    assert names(status="nonsense") == ["c", "b", "a"]
    assert (names(tag="X"), names(tag="x", status="down")) == (["c", "a"], ["a"])
    answer = client.get("/api/v1/http-monitors", page=2, limit=2).json
    assert answer["meta"] == {"page": 2, "limit": 2, "total": 3, "totalPages": 2}
    assert [one["name"] for one in answer["data"]] == ["a"]
    assert second["id"] not in {one["id"] for one in answer["data"]}


def test_checks_are_no_monitors_and_monitors_no_checks(client: Client, api: Client) -> None:
    monitor = made(client)
    check = client("POST", "/api/v1/checks", {"name": "x"}).json["data"]
    target = {"kind": "tcp", "host": "a.example", "port": 5}
    api("POST", "/probes", {"name": "tcp", "target": target, "schedule": "60"})
    assert [one["id"] for one in client.get("/api/v1/checks").json["data"]] == [check["id"]]
    (listed,) = client.get("/api/v1/http-monitors").json["data"]
    assert listed["id"] == monitor["id"]
    fault(client.get(f"/api/v1/checks/{monitor['id']}"), 404, "NOT_FOUND")
    fault(client.get(f"/api/v1/http-monitors/{check['id']}"), 404, "NOT_FOUND")
    names = {one["name"] for one in api.get("/probes").json["data"]}
    assert names == {"Production API", "tcp"}


def test_probes_of_other_doors_are_monitors_and_keep_what_it_cannot_say(
    client: Client, api: Client
) -> None:
    demands = [{"kind": "json", "path": "$.a"}, {"kind": "body_lacks", "text": "x"}]
    target = {"kind": "http", "url": "https://a.example", "method": "DELETE", "body": "b",
              "timeout_s": 60, "assertions": demands}  # fmt: skip
    made = api("POST", "/probes", {"name": "n", "target": target, "schedule": "0 2 * * *"})
    assert made.status == 201, made.text
    (monitor,) = client.get("/api/v1/http-monitors").json["data"]
    assert changed(client, monitor, **monitor) == monitor
    (same,) = api.get("/probes").json["data"]
    assert (same["target"], same["schedule"]) == (made.json["target"], "0 2 * * *")
    assert (monitor["method"], monitor["assertions"]) == ("DELETE", {"bodyNotContains": "x"})
    assert monitor["expectedStatusCodes"] == [*range(200, 300)]
    changed(client, monitor, name="m", assertions={"bodyContains": "y"})
    (after,) = api.get("/probes").json["data"]
    kinds = [one["kind"] for one in after["target"]["assertions"]]
    assert kinds == ["json", "body_lacks", "body_contains"]
    assert (after["target"]["method"], after["target"]["body"]) == ("DELETE", "b")


def test_the_plan_raises_the_interval_and_counts_monitors(client: Client, house: House) -> None:
    house.write(lambda tx: workspaces.assign(tx, house.workspace.id, "free"))
    monitor = made(client, intervalSeconds=60)
    assert monitor["intervalSeconds"] == 300
    assert changed(client, monitor, intervalSeconds=10)["intervalSeconds"] == 300
    details = fault(client("POST", "/api/v1/http-monitors", API), 400, "LIMIT_EXCEEDED")
    assert details == {"current": 1, "limit": 1, "plan": "free"}
