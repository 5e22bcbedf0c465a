"""Every form of error is problem+json."""

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from dogwatch.core.problems import Problem
from dogwatch.web.app import build
from tests.web.api.conftest import House
from tests.web.asgi_client import Answer, Client


def is_problem(answer: Answer, status: int) -> None:
    """Assert the one form of all errors."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json.keys() == {"type", "title", "status", "detail", "errors"}
    assert answer.json["status"] == status
    assert answer.json["detail"]


@pytest.mark.parametrize("path", ["/nothing", "/watches/", "/watches/a/b/c", "", "/", "/runs/a/b"])
def test_unknown_paths_are_404(api: Client, path: str) -> None:
    is_problem(api.get(path), 404)


def test_outside_of_the_api_as_well(house: House) -> None:
    front = Client(build(house.services))
    is_problem(front.get("/nothing"), 404)
    wrong = front("POST", "/healthz")
    is_problem(wrong, 405)
    assert wrong.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/watches", "GET, HEAD, POST"),
        ("POST", "/watches/x", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/watches/x/pause", "POST"),
        ("POST", "/rules/x", "DELETE, GET, HEAD, PATCH"),
        ("DELETE", "/docs", "GET, HEAD"),
    ],
)
def test_wrong_methods_are_405(api: Client, method: str, path: str, allow: str) -> None:
    answer = api(method, path)
    is_problem(answer, 405)
    assert answer.headers["allow"] == allow
    assert allow in answer.json["detail"]


def test_head_is_get_without_content(api: Client, house: House, watch: Any) -> None:
    """RFC 9110, section 9.3.2: every address that answers GET, errors and the live tail too."""
    made = api("POST", "/jobs", {"name": "J", "action": {"kind": "http", "url": "http://x"}})
    run = api("POST", f"/jobs/{made.json['slug']}/trigger").json["id"]
    names = {"watches": watch["slug"], "jobs": "j", "runs": run}
    seen = 0
    for path, methods in api.get("/openapi.json").json["paths"].items():
        name = names.get(path.split("/")[1], "nobody")
        address = path.replace("{name}", name)
        head = api("HEAD", address)
        assert (head.body, head.status) == (b"", 405 if "get" not in methods else head.status)
        if "get" in methods and not address.endswith("/stream"):
            get = api.get(address)
            assert (head.status, head.headers) == (get.status, get.headers), address
            seen += get.status == 200
    assert seen > 12
    live = api("HEAD", f"/runs/{run}/output/stream")
    assert (live.status, live.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    front = Client(build(house.services))
    for address in ("/", "/healthz", "/readyz", "/style.css", "/api/v1/docs", "/icon.svg"):
        assert front("HEAD", address).headers == front.get(address).headers
        assert front("HEAD", address).body == b""
    assert front("HEAD", "/api/v1/watches").status == 401


STRANGE = ("x" * 5000, "%00", "a%20b", "%F0%9F%98%80", "..", "A", "%FF", "'; drop table runs")


def test_ids_of_any_kind_are_404(api: Client) -> None:
    for name in STRANGE:
        for list_name in ("watches", "jobs", "runs", "channels", "deliveries"):
            is_problem(api.get(f"/{list_name}/{name}"), 404)


def test_unreadable_json_is_400(api: Client) -> None:
    words = (b"{", b"[1,", b"\xff\xfe", b"nonsense", b'{"name": "\xff"}', b"{'a': 1}")
    for body in (*words, b"[" * 4_000, b"9" * 5000):
        answer = api("POST", "/watches", body)
        is_problem(answer, 400)
        assert "JSON" in answer.json["detail"]


def test_json_that_is_no_object_is_422(api: Client) -> None:
    for body in (b"3", b"null", b'"text"', b"[]", b""):
        answer = api("POST", "/watches", body)
        is_problem(answer, 422)
        assert answer.json["errors"]


def test_text_that_no_database_holds_is_422(api: Client) -> None:
    bad = b'{"name": "a\\u0000b", "tags": ["\\ud800"], "\\udfff": 1, "a\\u0000": 2}'
    answer = api("POST", "/watches", bad)
    is_problem(answer, 422)
    assert {"name", "tags.0"} <= answer.faults.keys()
    action = {"kind": "http", "url": "http://x", "body": "\0", "headers": {"a": "\ud800"}}
    job = api("POST", "/jobs", {"name": "J", "action": action})
    assert {"action.body", "action.headers.a"} <= job.faults.keys()


def test_json_nested_too_deep_is_422(api: Client) -> None:
    deep: Any = 1
    for _ in range(100):
        deep = {"a": deep}
    is_problem(api("POST", "/watches", {"name": deep}), 422)
    api("POST", "/jobs", {"name": "J", "action": {"kind": "http", "url": "http://x"}})
    is_problem(api("POST", "/jobs/j/trigger", {"input": deep}), 422)


BAD_QUERIES = (
    ("limit", "0"), ("limit", "201"), ("limit", "many"), ("cursor", "!!"), ("cursor", "AAAA"),
    ("cursor", "x" * 9000), ("cursor", "\0"), ("slug", "\0"), ("tag", "x" * 65), ("status", "\0"),
)  # fmt: skip


def test_bad_queries_are_422_and_name_the_field(api: Client) -> None:
    for field, value in BAD_QUERIES:
        answer = api.get("/watches", **{field: value})
        is_problem(answer, 422)
        assert answer.faults.keys() == {field}


def test_other_lists_refuse_nul_too(api: Client, watch: Any) -> None:
    for path in ("/runs", "/flips", "/deliveries"):
        assert api.get(path, watch="\0").faults.keys() == {"watch"}
    of_other_list = api.get("/watches/nightly-backup/pings", cursor="YWJj")
    assert of_other_list.faults.keys() == {"cursor"}


@pytest.mark.parametrize("length", ["²", "9" * 5_000])
def test_a_length_that_is_none_is_no_fault(api: Client, length: str) -> None:
    assert api("POST", "/watches", {"name": "A"}, headers={"content-length": length}).status < 500


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_must_say_that_it_is_json(api: Client, media_type: str) -> None:
    answer = api("POST", "/watches", {"name": "A"}, headers={"content-type": media_type})
    is_problem(answer, 415)
    fine = {"content-type": "application/json; charset=utf-8"}
    assert api("POST", "/watches", {"name": "A"}, headers=fine).status == 201


def test_a_body_is_at_most_1_mib(api: Client) -> None:
    whole = json.dumps({"name": "A", "description": ""})
    fits = whole[:-2] + " " * (1024 * 1024 - len(whole)) + whole[-2:]
    big = fits[:-1] + " " + fits[-1:]
    assert len(fits) == 1024 * 1024
    assert api("POST", "/watches", fits.encode()).faults.keys() == {"description"}
    is_problem(api("POST", "/watches", big.encode()), 413)
    undeclared = {"content-length": "", "transfer-encoding": "chunked"}
    is_problem(api("POST", "/watches", big.encode(), headers=undeclared), 413)


def test_the_unexpected_is_500_without_details(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    words = "secret words"

    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(words)

    api = house.client("*", vault=Broken())
    answer = api.get("/watches")
    is_problem(answer, 500)
    assert "secret" not in answer.text
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert "RuntimeError" in record.message
    assert words not in record.message


@pytest.mark.parametrize(
    ("problem", "status", "retry_after"),
    [
        (Problem("away", "later", retry_after_s=1.2), 503, "2"),
        (Problem("away", "later"), 503, "5"),
        (Problem("limited", "slow down", retry_after_s=0.1), 429, "1"),
        (Problem("conflict", "no"), 409, None),
    ],
)
def test_problems_have_their_status(
    house: House, problem: Problem, status: int, retry_after: str | None
) -> None:
    class Refusing:
        async def aread(self, fn: Any, workspace_id: int | None = None) -> Any:
            raise problem

        awrite = aread

        def on_wake(self, listener: Any) -> Any:
            return lambda: None

    services = replace(house.services, door=Refusing())
    answer = Client(build(services), "dw_live_x", "/api/v1").get("/watches")
    is_problem(answer, status)
    assert answer.headers.get("retry-after") == retry_after
    assert answer.json["detail"] == problem.message
