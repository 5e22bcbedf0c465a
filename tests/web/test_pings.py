"""The ping door: answers after the inbox did, and counts whatever comes with a good head."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from dogwatch.core.ping import Answer, Heard, Kind
from dogwatch.core.problems import Problem
from dogwatch.web.inbox import PingInbox
from dogwatch.web.pings import Pings, Receive, Scope, Send

KEY = "p5YCBTTOAiII1rsp6"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
DISCONNECT = {"type": "http.disconnect"}


class StoppedClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Door:
    """A ping door over a record that remembers and answers as told."""

    def __init__(self, answer: Answer | Exception = Answer.RECORDED) -> None:
        self.answer = answer
        self.heard: list[Heard] = []
        self.passed_on: list[str] = []
        self.pings = Pings(
            PingInbox(self._record),
            StoppedClock(),
            self._next_app,
            trusted_proxies=[ip_network("10.0.0.0/8")],
            body_limit_bytes=20,
        )

    async def _record(self, pings: Sequence[Heard]) -> Sequence[Answer]:
        self.heard += pings
        if isinstance(self.answer, Exception):
            raise self.answer
        return [self.answer] * len(pings)

    async def _next_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.passed_on.append(scope["type"])

    def ask(
        self,
        method: str = "GET",
        path: str = f"/ping/{KEY}",
        query: bytes = b"",
        headers: Sequence[tuple[bytes, bytes]] = (),
        messages: Sequence[dict[str, Any]] = ({"type": "http.request"},),
    ) -> "Reply":
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": list(headers),
            "client": ("198.51.100.7", 5000),
            "scheme": "http",
        }
        return Reply(asyncio.run(call(self.pings, scope, messages)))


async def call(
    app: Pings, scope: Scope, messages: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    coming = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(coming)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


class Reply:
    def __init__(self, sent: list[dict[str, Any]]) -> None:
        start, body = sent
        self.status: int = start["status"]
        self.headers: dict[bytes, bytes] = dict(start["headers"])
        self.body: bytes = body["body"]


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_a_ping_is_heard(method: str) -> None:
    door = Door()
    reply = door.ask(
        method,
        f"/ping/{KEY}/7",
        b"rid=a1",
        [(b"user-agent", b"curl/8.5"), (b"x-forwarded-for", b"6.6.6.6")],
        [part(b"out", more=False)],
    )
    assert (reply.status, reply.body) == (200, b"OK")
    assert reply.headers[b"content-type"].startswith(b"text/plain")
    assert reply.headers[b"ping-body-limit"] == b"20"
    assert reply.headers[b"access-control-allow-origin"] == b"*"
    assert door.heard == [
        Heard(
            key=KEY,
            kind=Kind.FAIL,
            exit_code=7,
            rid="a1",
            body="out",
            body_bytes=3,
            method=method,
            scheme="http",
            user_agent="curl/8.5",
            remote_ip="198.51.100.7",
            at=NOW,
        )
    ]


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        (Answer.CREATED, 201, b"Created"),
        (Answer.UNKNOWN, 404, b"not found"),
        (Answer.AMBIGUOUS, 409, b"ambiguous"),
    ],
)
def test_answers(answer: Answer, status: int, text: bytes) -> None:
    reply = Door(answer).ask(path=f"/ping/{KEY}/nightly", query=b"create=1")
    assert reply.status == status
    assert reply.body.startswith(text)


def test_not_found_looks_alike_whatever_the_reason() -> None:
    door = Door(Answer.UNKNOWN)
    paths = [KEY, KEY[:-1] + "0", "short", "", "%00", f"{KEY}/256", f"{KEY}/a/b/c", "ключ"]
    replies = [door.ask(path="/ping/" + path) for path in paths]
    assert {(reply.status, reply.body) for reply in replies} == {(404, b"not found")}
    assert all(reply.headers == replies[0].headers for reply in replies)
    assert len(door.heard) == len(paths)
    assert len({heard.key for heard in door.heard}) == 3


@pytest.mark.parametrize("trouble", [OSError("full"), Problem("away", "no database")])
def test_trouble_is_never_a_false_200(trouble: Exception) -> None:
    reply = Door(trouble).ask()
    assert reply.status == 503
    assert reply.headers[b"retry-after"] == b"5"
    assert b"NOT recorded" in reply.body
    assert b"full" not in reply.body


def test_trouble_can_say_when_to_come_back() -> None:
    reply = Door(Problem("limited", "busy", retry_after_s=30)).ask()
    assert reply.headers[b"retry-after"] == b"30"


@pytest.mark.parametrize(
    ("messages", "body", "size"),
    [
        ([part(b""), part(b"a"), part(b"b", more=False)], "ab", 2),
        ([part(b"half"), DISCONNECT], "half", 4),
        ([DISCONNECT], "", 0),
        ([part(b"\xff\x00", more=False)], "��", 2),
        ([part(b"0123456789" * 5, more=False)], "0123456789\n[30 bytes dropped]\n0123456789", 50),
        (
            [part(b"x" * 1000)] * 50 + [part(b"end", more=False)],
            "xxxxxxxxxx\n[49983 bytes dropped]\nxxxxxxxend",
            50003,
        ),
    ],
)
def test_the_body_never_stops_a_ping(messages: list[dict[str, Any]], body: str, size: int) -> None:
    door = Door()
    assert door.ask("POST", messages=messages).status == 200
    assert [(heard.body, heard.body_bytes) for heard in door.heard] == [(body, size)]


def test_spooled_ping_keeps_its_time() -> None:
    door = Door()
    for at in (NOW - timedelta(hours=1), NOW + timedelta(hours=1)):
        door.ask(query=f"at={at.timestamp()}".encode())
    assert [heard.at for heard in door.heard] == [NOW - timedelta(hours=1), NOW]


def test_user_agent_is_cut_and_storable() -> None:
    door = Door()
    door.ask(headers=[(b"user-agent", b"\xff" + b"a" * 999)])
    assert door.heard[0].user_agent == "�" + "a" * 199


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "BREW"])
def test_other_methods(method: str) -> None:
    door = Door()
    reply = door.ask(method)
    assert reply.status == 405
    assert reply.headers[b"allow"] == b"GET, POST, HEAD"
    assert door.heard == []


def test_preflight() -> None:
    reply = Door().ask("OPTIONS")
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers[b"access-control-allow-methods"] == b"GET, POST, HEAD"
    assert b"content-length" not in reply.headers


@pytest.mark.parametrize(
    "scope",
    [
        {"type": "lifespan"},
        {"type": "websocket", "path": f"/ping/{KEY}"},
        {"type": "http", "method": "GET", "path": "/"},
        {"type": "http", "method": "GET", "path": "/pings/x"},
    ],
)
def test_the_rest_goes_on(scope: Scope) -> None:
    door = Door()
    asyncio.run(call(door.pings, scope, []))
    assert door.passed_on == [scope["type"]]
    assert door.heard == []
