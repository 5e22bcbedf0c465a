"""Webhooks: what is signed and posted, and what a receiver's answer means."""

import asyncio
import base64
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from dogwatch.clock import SystemClock
from dogwatch.core.alerts import Attempt, Verdict
from dogwatch.core.problems import Problem
from dogwatch.egress import Egress
from dogwatch.notify.formats import PREFIX, sign, standard, standard_headers
from dogwatch.notify.http_channel import encoded, seconds_asked
from dogwatch.notify.webhook import WebhookChannel, new_secret
from tests.harness.messages import MESSAGE, told
from tests.harness.ports import free_port

AT = datetime(2026, 11, 20, 1, 20, tzinfo=UTC)
URL = "https://hooks.example/in?room=1"
OLD, NEW = (PREFIX + base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))
# --- what is signed --------------------------------------------------------------------------


def test_the_specification_s_own_example() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert (
        sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_any_of_several_secrets_verifies_and_no_other() -> None:
    body = encoded(standard(MESSAGE))
    sent = dict(standard_headers(MESSAGE, SystemClock().now(), body, [OLD, NEW]))
    for secret in (OLD, NEW):
        assert Webhook(secret).verify(body, sent) == standard(MESSAGE)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, sent)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(body + b" ", sent)


def test_a_retry_keeps_id_and_body_and_is_signed_anew() -> None:
    body = encoded(standard(MESSAGE))
    first, second = (
        dict(standard_headers(MESSAGE, AT + timedelta(seconds=late), body, [OLD]))
        for late in (0, 5)
    )
    assert first["webhook-id"] == second["webhook-id"] == "01kdelivery"
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 5
    assert first["webhook-signature"] != second["webhook-signature"]


@given(st.text(max_size=100))
def test_any_name_makes_a_body_that_verifies(name: str) -> None:
    body = encoded(standard(told(name=name, reason=name, output_tail=name)))
    sent = dict(standard_headers(MESSAGE, SystemClock().now(), body, [OLD]))
    read = Webhook(OLD).verify(body, sent)
    assert read["data"]["watch"]["name"] == name.encode(errors="replace").decode()


# --- what is accepted ------------------------------------------------------------------------


def test_a_secret_is_made_when_none_is_given() -> None:
    made = [WebhookChannel().check({"url": URL}) for _ in range(2)]
    assert [settings.public for settings in made] == [{"url": URL, "format": "standard"}] * 2
    secrets = [settings.secret["secrets"] for settings in made]
    assert secrets[0] != secrets[1]
    assert WebhookChannel().check({"url": URL, "secrets": secrets[0]}).secret == made[0].secret


def test_secrets_are_never_public() -> None:
    settings = WebhookChannel().check({"url": URL, "secrets": [NEW, OLD]})
    assert (settings.public, settings.secret) == (
        {"url": URL, "format": "standard"},
        {"secrets": [NEW, OLD]},
    )


BAD_URLS = [
    None,
    "",
    7,
    "hooks.example/in",
    "ftp://hooks.example",
    "https://",
    "https:///path",
    "https://user:pass@hooks.example/",
    "https://hooks.example:99999/",
    "https://hooks.example:0/",
    "https://[::1/",
    "http://[::1%25lo]/",
    "http://[fe80::1%eth0]/",
    "http://a%2eb/",
    "https://hooks.example/a b",
    "https://hooks.example/\r\nHost: evil.example",
    "https://höoks.example/",
    "https://hooks.example/" + "a" * 2048,
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_bad_url_is_refused(url: object) -> None:
    with pytest.raises(Problem) as caught:
        WebhookChannel().check({"url": url})
    assert caught.value.kind == "invalid"
    assert set(caught.value.fields) == {"url"}


@pytest.mark.parametrize(
    "url", ["http://hooks.example", "https://hooks.example:8443/x", "http://[::1]:9/"]
)
def test_a_good_url_is_kept(url: str) -> None:
    assert WebhookChannel().check({"url": url}).public["url"] == url


def whsec(length: int) -> str:
    return PREFIX + base64.b64encode(b"k" * length).decode()


@pytest.mark.parametrize(
    "secrets",
    [
        [whsec(23)],
        [whsec(65)],
        ["s3cret" * 8],
        [PREFIX + "not*base64"],
        [7],
        NEW,
        [NEW] * 4,
        7,
        0,
        "",
        {},
        False,
    ],
)
def test_bad_secrets_are_refused_without_repeating_them(secrets: object) -> None:
    with pytest.raises(Problem) as caught:
        WebhookChannel().check({"url": URL, "secrets": secrets})
    assert set(caught.value.fields) == {"secrets"}
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("length", [24, 64])
def test_secrets_of_24_to_64_bytes_are_taken(length: int) -> None:
    settings = {"url": URL, "secrets": [whsec(length)]}
    assert WebhookChannel().check(settings).secret == {"secrets": [whsec(length)]}


def test_all_bad_fields_are_named() -> None:
    with pytest.raises(Problem) as caught:
        WebhookChannel().check({"url": "x", "secrets": ["y"], "colour": "red"})
    assert set(caught.value.fields) == {"url", "secrets", "colour"}


# --- Retry-After -----------------------------------------------------------------------------

WISHES = [
    (None, None),
    ("", None),
    ("120", 120),
    (" 7 ", 7),
    ("0", 0),
    ("9" * 400, 9_999_999_999),
    ("-5", None),
    ("1.5", None),
    ("١٢", None),
    ("soon", None),
    (format_datetime(AT + timedelta(seconds=90), usegmt=True), 90),
    ("Fri, 20 Nov 2026 01:21:00 -0000", 60),
    ("Fri, 20 Nov 2026 01:19:00 GMT", 0),
    ("Fri, 20 Nov 99999 01:19:00 GMT", None),
]


@pytest.mark.parametrize(("value", "seconds"), WISHES)
def test_retry_after_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert seconds_asked(value, AT) == seconds


# --- a real receiver -------------------------------------------------------------------------


@dataclass
class Receiver:
    """Answers every request with the same bytes, or as `manner` says; keeps what it got."""

    answer: bytes = b""
    manner: str = "answer"
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        pairs = (line.partition(": ") for line in head[1:] if line)
        lower = {name.lower(): value for name, _, value in pairs}
        self.got.append((lower, await reader.readexactly(int(lower["content-length"]))))
        if self.manner == "hang":
            await self.over.wait()
        if self.manner == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            return
        writer.write(self.answer)
        writer.close()
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def egress(*allow: str) -> AsyncIterator[Egress]:
    """Open the door for one scene."""
    door = Egress(allow=[ip_network(network) for network in allow])
    try:
        yield door
    finally:
        await door.close()


def answer(status: str, *lines: str, body: str = "") -> bytes:
    length = f"Content-Length: {len(body.encode())}"
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, length, "", body]).encode()


def post(receiver: Receiver, timeout_s: float = 10, at: datetime = AT) -> Attempt:
    """Send the message to a receiver on a free port."""

    async def scene() -> Attempt:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings = {"url": f"http://127.0.0.1:{port}/hook?a=1", "secrets": [OLD, NEW]}
        async with server, egress("127.0.0.0/8") as door:
            attempt = await WebhookChannel(timeout_s=timeout_s).send(door, settings, MESSAGE, at)
            receiver.over.set()
        return attempt

    return asyncio.run(scene())


def test_what_arrives_is_what_was_signed() -> None:
    receiver = Receiver(answer("200 OK", body="thanks"))
    attempt = post(receiver, at=SystemClock().now())
    assert (attempt.verdict, attempt.status_code) == (Verdict.SENT, 200)
    assert attempt.detail == "HTTP 200 thanks"
    assert attempt.duration_ms < 10_000
    ((sent, body),) = receiver.got
    assert (sent["content-type"], sent["webhook-id"]) == ("application/json", "01kdelivery")
    for secret in (OLD, NEW):
        assert Webhook(secret).verify(body, dict(sent)) == json.loads(body) == standard(MESSAGE)


ANSWERS = [
    (answer("204 No Content"), Verdict.SENT, 204, None),
    (answer("302 Found", "Location: http://127.0.0.1:1/"), Verdict.RETRY, 302, None),
    (answer("404 Not Found", body="no such hook"), Verdict.RETRY, 404, None),
    (answer("410 Gone"), Verdict.DISABLE, 410, None),
    (answer("429 Too Many", "Retry-After: 120"), Verdict.RETRY, 429, 120.0),
    (
        answer("429 Too Many", f"retry-after: {format_datetime(AT + timedelta(minutes=2))}"),
        Verdict.RETRY,
        429,
        120.0,
    ),
    (answer("500 Oops", body="it broke\n\0badly"), Verdict.RETRY, 500, None),
    (answer("503 Away", "Retry-After: soon"), Verdict.RETRY, 503, None),
]


@pytest.mark.parametrize(("said", "verdict", "code", "asked"), ANSWERS)
def test_an_answer_decides(said: bytes, verdict: Verdict, code: int, asked: float | None) -> None:
    receiver = Receiver(said)
    attempt = post(receiver)
    assert (attempt.verdict, attempt.status_code) == (verdict, code)
    assert attempt.retry_after_s == asked
    assert len(receiver.got) == 1


def test_a_long_answer_is_cut_and_made_plain() -> None:
    attempt = post(Receiver(answer("500 Oops", body="\x1b[31mé\r\n" * 9000)))
    assert attempt.detail.startswith("HTTP 500 [31mé [31mé")
    assert len(attempt.detail) == 500


def test_a_hanging_receiver_is_given_up_in_time() -> None:
    attempt = post(Receiver(manner="hang"), timeout_s=0.2)
    assert (attempt.verdict, attempt.status_code) == (Verdict.RETRY, None)
    assert attempt.detail
    assert 150 <= attempt.duration_ms < 5000


@pytest.mark.parametrize(
    "receiver_answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"]
)
def test_half_an_answer_is_none(receiver_answer: bytes) -> None:
    assert post(Receiver(receiver_answer)).verdict is Verdict.RETRY


def test_a_reset_is_tried_again() -> None:
    attempt = post(Receiver(manner="reset"))
    assert (attempt.verdict, attempt.status_code) == (Verdict.RETRY, None)


def test_a_receiver_that_is_away_is_tried_again() -> None:
    port = free_port()

    async def scene() -> Attempt:
        settings = {"url": f"http://127.0.0.1:{port}/", "secrets": [NEW]}
        async with egress("127.0.0.0/8") as door:
            return await WebhookChannel().send(door, settings, MESSAGE, AT)

    attempt = asyncio.run(scene())
    assert (attempt.verdict, attempt.status_code) == (Verdict.RETRY, None)
    assert attempt.detail


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://169.254.169.254/", "http://[::1]:9/"]
)
def test_a_forbidden_address_fails_for_good(url: str) -> None:
    async def scene() -> Attempt:
        async with egress() as door:
            return await WebhookChannel().send(door, {"url": url, "secrets": [NEW]}, MESSAGE, AT)

    attempt = asyncio.run(scene())
    assert (attempt.verdict, attempt.status_code) == (Verdict.FAILED, None)
    assert attempt.detail
