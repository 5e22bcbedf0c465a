"""Egress against real servers on loopback."""

import asyncio
import gzip
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from threading import Event as ThreadEvent
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dogwatch.core.addresses import Network
from dogwatch.egress import Egress, EgressError, Request, Response
from dogwatch.egress.message import Kind
from dogwatch.egress.redirect import follow
from tests.harness.ports import free_port

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A raw server that answers every request with the same bytes, and keeps what it heard."""

    def __init__(self, answer: bytes | Handler) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.port = 0
        self.gone = asyncio.Event()
        self.tasks: set[asyncio.Task[Any] | None] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head + await reader.readexactly(_length(head)))
            if isinstance(self.answer, bytes):
                writer.write(self.answer)
                await writer.drain()
            else:
                await self.answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.gone.set()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def finish(self) -> None:
        """Leave no connection behind; cancel what a dead client does not end."""
        for task in list(filter(None, self.tasks)):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(x.split(b":")[1]) for x in lines if x.startswith(b"content-length:")), 0)


@asynccontextmanager
async def serving(
    answer: bytes | Handler, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    server = Server(answer)
    listening = await asyncio.start_server(server.serve, host, 0, ssl=tls, backlog=1024)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.finish()


@asynccontextmanager
async def opened(allow: Sequence[Network] = LOOPBACK) -> AsyncIterator[Egress]:
    egress = Egress(allow)
    try:
        yield egress
    finally:
        await egress.close()


def ok(body: bytes = b"ok", *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def redirect(url: str, status: int = 302) -> bytes:
    return ok(b"", f"Location: {url}", status=f"{status} Moved")


async def get(answer: bytes | Handler, **options: Any) -> Response:
    async with serving(answer) as server, opened() as egress:
        return await egress.fetch(Request("GET", server.url, **options))


async def refused(answer: bytes | Handler, **options: Any) -> EgressError:
    with pytest.raises(EgressError) as caught:
        await get(answer, **options)
    return caught.value


async def kind_of(url: str, allow: Sequence[Network] = (), **options: Any) -> Kind:
    async with opened(allow) as egress:
        with pytest.raises(EgressError) as caught:
            await egress.fetch(Request("GET", url, **options))
    return caught.value.kind


def head_of(request: bytes) -> dict[str, str]:
    lines = request.decode().partition("\r\n\r\n")[0].split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}


# --- an ordinary exchange


def test_an_answer() -> None:
    response = asyncio.run(get(ok(b"hello", "X-One: 1", "X-Two: \u00e9", "x-one: 2")))
    assert (response.status_code, response.body, response.truncated) == (200, b"hello", False)
    assert response.headers[1:] == (("X-One", "1"), ("X-Two", "\u00e9"), ("x-one", "2"))
    assert response.remote_ip == "127.0.0.1"
    assert set(response.phases_ms) == {"dns", "connect", "tls", "first_byte", "total"}
    assert all(value >= 0 for value in response.phases_ms.values())
    assert 0 < response.phases_ms["connect"] <= response.phases_ms["total"]


def test_what_goes_out() -> None:
    async def scenario() -> bytes:
        async with serving(ok()) as server, opened() as egress:
            headers = [("X-Empty", ""), ("X-Name", "\u00e9"), ("Content-Type", "text/plain")]
            await egress.fetch(Request("PUT", server.url + "a?b=c#d", headers, b"body"))
            return server.requests[0]

    sent = asyncio.run(scenario())
    assert sent.startswith(b"PUT /a?b=c HTTP/1.1\r\n")
    assert sent.endswith(b"\r\n\r\nbody")
    head = head_of(sent)
    assert (head["x-empty"], head["x-name"], head["content-type"]) == ("", "\u00e9", "text/plain")
    assert head["user-agent"].startswith("Dogwatch/")
    assert "expect" not in head


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_without_a_body(method: str) -> None:
    async def scenario() -> bytes:
        async with serving(ok()) as server, opened() as egress:
            response = await egress.fetch(Request(method, server.url))
            assert response.body == b"ok"
            return server.requests[0]

    sent = asyncio.run(scenario())
    assert sent.startswith(method.encode() + b" / HTTP/1.1\r\n")
    assert "content-type" not in head_of(sent)


def test_head_waits_for_no_body() -> None:
    async def scenario() -> Response:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"
        async with serving(head) as server, opened() as egress:
            return await egress.fetch(Request("HEAD", server.url, timeout_s=5))

    response = asyncio.run(scenario())
    assert (response.status_code, response.body) == (200, b"")


def test_handles_are_used_again_without_a_trace_of_the_last_request() -> None:
    async def scenario() -> list[bytes]:
        async with serving(ok()) as server, opened() as egress:
            await egress.fetch(Request("POST", server.url, [("X-Secret", "1")], b"data"))
            await egress.fetch(Request("HEAD", server.url))
            await egress.fetch(Request("GET", server.url))
            return server.requests

    _, head, plain = asyncio.run(scenario())
    assert head.startswith(b"HEAD /")
    assert plain.startswith(b"GET /")
    assert b"secret" not in (head + plain).lower()
    assert b"content-length" not in plain.lower()


def test_interim_answers_leave_no_headers() -> None:
    response = asyncio.run(get(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + ok()))
    assert response.status_code == 200
    assert [name for name, _ in response.headers] == ["Content-Length"]


def test_200_at_once() -> None:
    async def scenario() -> int:
        async with serving(ok()) as server, opened() as egress:
            request = Request("GET", server.url)
            responses = await asyncio.gather(*(egress.fetch(request) for _ in range(200)))
            return sum(response.body == b"ok" for response in responses)

    assert asyncio.run(scenario()) == 200


# --- addresses


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "0",
        "[::]",
        "169.254.169.254",
        "10.0.0.1",
        "[fd00:ec2::254]",
        "①②⑦.⓪.⓪.①",
    ],
)
def test_local_addresses_are_blocked_in_every_spelling(host: str) -> None:
    async def scenario() -> None:
        async with serving(ok()) as server:
            assert await kind_of(f"http://{host}:{server.port}/", timeout_s=5) == "blocked"
            assert server.requests == []

    asyncio.run(scenario())


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "localhost", "LocalHost"])
def test_the_same_spellings_work_where_loopback_is_allowed(host: str) -> None:
    async def scenario() -> Response:
        async with serving(ok()) as server, opened() as egress:
            return await egress.fetch(Request("GET", f"http://{host}:{server.port}/"))

    response = asyncio.run(scenario())
    assert response.remote_ip == "127.0.0.1"


def test_ipv6() -> None:
    async def scenario() -> Response:
        async with serving(ok(), host="::1") as server, opened() as egress:
            return await egress.fetch(Request("GET", f"http://[::1]:{server.port}/"))

    assert asyncio.run(scenario()).remote_ip == "::1"


def test_the_reason_is_said() -> None:
    async def scenario() -> None:
        async with opened(()) as egress:
            with pytest.raises(EgressError, match=r"^blocked address: loopback; --allow-private"):
                await egress.fetch(Request("GET", "http://127.0.0.1:1/?token=s3cret"))

    asyncio.run(scenario())


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert asyncio.run(get(ok())).status_code == 200


def test_a_name_that_resolves_to_nothing_is_a_dns_error() -> None:
    assert asyncio.run(kind_of(f"http://{'a' * 70}/", timeout_s=20)) == "dns"


# --- bad requests


@pytest.mark.parametrize(
    "url",
    [
        "http://user@127.0.0.1/",
        "http://user:s3cret@127.0.0.1/",
        "http://127.0.0.1/\r\nX: y",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://127.0.0.1:0/",
        "127.0.0.1",
        "http://" + "ä" * 70 + "/",
    ],
)
def test_bad_urls(url: str) -> None:
    async def scenario() -> None:
        async with opened() as egress:
            with pytest.raises(EgressError) as caught:
                await egress.fetch(Request("GET", url))
        assert caught.value.kind == "bad_url"
        assert "s3cret" not in str(caught.value)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", [("Host", "x")]),
        ("GET", [("X-A", "1\r\nX-B: 2")]),
        ("GET", [("Transfer-Encoding", "chunked")]),
        ("GET / HTTP/1.1\r\nX: ", []),
        ("CONNECT", []),
    ],
)
def test_bad_methods_and_headers(method: str, headers: list[tuple[str, str]]) -> None:
    async def scenario() -> EgressError:
        async with opened() as egress:
            with pytest.raises(EgressError) as caught:
                await egress.fetch(Request(method, "http://127.0.0.1:1/", headers))
        return caught.value

    assert asyncio.run(scenario()).kind == "protocol"


# --- redirects


def test_a_redirect_is_returned_as_it_came_unless_followed() -> None:
    response = asyncio.run(get(redirect("/next")))
    assert (response.status_code, dict(response.headers)["Location"]) == (302, "/next")


def test_a_redirect_is_followed() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ok(b"end") if hops else redirect("/next page?q=1"))
        hops.append(1)

    async def scenario() -> tuple[Response, list[bytes]]:
        async with serving(answer) as server, opened() as egress:
            headers = [("Authorization", "secret")]
            response = await egress.fetch(Request("GET", server.url, headers, max_redirects=1))
            return response, server.requests

    hops: list[int] = []
    response, requests = asyncio.run(scenario())
    assert response.body == b"end"
    assert requests[1].startswith(b"GET /next%20page?q=1 HTTP/")
    assert head_of(requests[1])["authorization"] == "secret"


def test_headers_that_nobody_wants_are_not_read_but_to_be_redirected() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ok(b"end", "X-Seen: 1") if hops else redirect("/next"))
        hops.append(1)

    hops: list[int] = []
    response = asyncio.run(get(answer, max_redirects=1, wants_headers=False))
    assert (response.body, response.headers, len(hops)) == (b"end", (), 2)
    assert dict(asyncio.run(get(ok(b"end", "X-Seen: 1"))).headers)["X-Seen"] == "1"


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest",
        "http://10.0.0.1/",
        "http://[::1]:1/",
        "//192.168.0.1/",
        "http://[::ffff:10.0.0.1]/",
        "http://100.100.100.200/",
    ],
)
def test_a_redirect_to_a_blocked_address_is_refused(target: str) -> None:
    async def scenario() -> Kind:
        async with serving(redirect(target)) as server:
            return await kind_of(server.url, [ip_network("127.0.0.1")], max_redirects=5)

    assert asyncio.run(scenario()) == "blocked"


@pytest.mark.parametrize(
    "target", ["ftp://127.0.0.1/", "file:///etc/passwd", "http://u:p@127.0.0.1/", "http://["]
)
def test_a_redirect_to_another_kind_of_url_is_refused(target: str) -> None:
    assert asyncio.run(refused(redirect(target), max_redirects=5)).kind == "bad_url"


def test_redirects_are_counted() -> None:
    error = asyncio.run(refused(redirect("/"), max_redirects=3))
    assert (error.kind, str(error)) == ("protocol", "more than 3 redirects")


def test_user_headers_stay_behind_when_the_origin_changes() -> None:
    async def scenario() -> tuple[bytes, bytes]:
        async with serving(ok()) as other, serving(redirect(other.url, 307)) as server:
            headers = [("Authorization", "s3cret"), ("Cookie", "s3cret"), ("X-Key", "s3cret")]
            headers.append(("Content-Type", "text/plain"))
            request = Request("POST", server.url, headers, b"body", max_redirects=1)
            async with opened() as egress:
                await egress.fetch(request)
            return server.requests[0], other.requests[0]

    first, second = asyncio.run(scenario())
    assert first.count(b"s3cret") == 3
    assert b"s3cret" not in second
    assert second.endswith(b"body")
    assert head_of(second)["content-type"] == "text/plain"


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (302, "PUT", "PUT"),
        (301, "DELETE", "DELETE"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
    ],
)
def test_the_method_after_a_redirect(status: int, method: str, becomes: str) -> None:
    headers = [("Content-Type", "text/plain"), ("X-Key", "1")]
    request = Request(method, "http://a/x", headers, b"" if method == "HEAD" else b"body")
    hop = follow(request, status, "y")
    assert (hop.method, hop.url) == (becomes, "http://a/y")
    changed = becomes != method
    assert (hop.body == b"") == (changed or method == "HEAD")
    assert dict(hop.headers) == ({"X-Key": "1"} if changed else dict(headers))


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("http://A:80/", True),
        ("/", True),
        ("https://a/", False),
        ("http://a:81/", False),
        ("http://b/", False),
        ("//b/", False),
    ],
)
def test_what_counts_as_the_same_origin(target: str, kept: bool) -> None:
    hop = follow(Request("GET", "http://a/", [("X-Key", "1")]), 302, target)
    assert bool(hop.headers) == kept


# --- answers that misbehave


def test_a_big_body_is_cut_and_the_status_counts() -> None:
    response = asyncio.run(get(ok(b"x" * 3_000_000)))
    assert (response.status_code, response.truncated) == (200, True)
    assert len(response.body) == 1024 * 1024


@pytest.mark.parametrize(("size", "truncated"), [(9, False), (10, False), (11, True)])
def test_the_cap_is_exact(size: int, truncated: bool) -> None:
    response = asyncio.run(get(ok(b"x" * size), max_body_bytes=10))
    assert (len(response.body), response.truncated) == (min(size, 10), truncated)


def test_a_gzip_answer_is_decoded() -> None:
    body = gzip.compress(b"hello")
    assert asyncio.run(get(ok(body, "Content-Encoding: gzip"))).body == b"hello"


def test_a_gzip_bomb_is_cut() -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 50_000_000, 1), 9)
    response = asyncio.run(get(ok(bomb, "Content-Encoding: gzip, gzip")))
    assert (response.status_code, response.truncated) == (200, True)
    assert len(response.body) == 1024 * 1024


def test_an_endless_body_is_cut() -> None:
    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    assert asyncio.run(get(pour, timeout_s=10)).truncated


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: 0123456789\r\n" * 4_000 + b"\r\n",
        b"HTTP/1.1 100 Continue\r\nX-More: 1\r\n\r\n" * 3_000,
        b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 400_000 + b"\r\n\r\n",
    ],
    ids=["one 70 KiB", "many", "interim", "one 400 KiB"],
)
def test_large_headers_are_an_error(head: bytes) -> None:
    assert asyncio.run(refused(head)).kind == "too_large"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\nhello",
    ],
)
def test_garbage_is_a_protocol_error(answer: bytes) -> None:
    assert asyncio.run(refused(answer, timeout_s=5)).kind == "protocol"


def test_a_reset_is_a_connect_error() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    error = asyncio.run(refused(reset))
    assert error.kind == "connect"
    assert "connection lost" in str(error)


def test_a_closed_port_is_a_connect_error() -> None:
    async def scenario() -> None:
        async with opened() as egress:
            with pytest.raises(EgressError, match="could not connect") as caught:
                await egress.fetch(Request("GET", f"http://127.0.0.1:{free_port()}/"))
        assert caught.value.kind == "connect"

    asyncio.run(scenario())


# --- deadlines and cancelling


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0)


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize("handler", [drip, hang])
def test_the_deadline_holds(handler: Handler) -> None:
    error = asyncio.run(refused(handler, timeout_s=0.3))
    assert (error.kind, str(error)) == ("timeout", "timed out after 0.3 s")


def test_the_deadline_covers_all_hops() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.1)
        writer.write(redirect("/"))

    assert asyncio.run(refused(slow, timeout_s=0.35, max_redirects=10)).kind == "timeout"


def test_a_server_that_never_accepts() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}/"
        assert asyncio.run(kind_of(url, LOOPBACK, timeout_s=0.2)) == "timeout"


def test_cancelling_the_task_closes_the_connection() -> None:
    async def scenario() -> int:
        async with serving(hang) as server, opened() as egress:
            task = asyncio.ensure_future(egress.fetch(Request("GET", server.url)))
            await until(lambda: bool(server.requests))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.gone.wait(), 60)
            server.answer = ok()
            return (await egress.fetch(Request("GET", server.url))).status_code

    assert asyncio.run(scenario()) == 200


def test_closing_aborts_what_is_under_way() -> None:
    async def scenario() -> None:
        async with serving(hang) as server:
            egress = Egress(LOOPBACK)
            task = asyncio.ensure_future(egress.fetch(Request("GET", server.url)))
            await until(lambda: bool(server.requests))
            await egress.close()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.gone.wait(), 60)
            await egress.close()

    asyncio.run(scenario())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


def test_nothing_leaks_when_many_are_cancelled() -> None:
    async def scenario() -> tuple[int, int]:
        async with serving(hang) as server, opened() as egress:
            request = Request("GET", server.url)
            before = open_files()
            tasks = [asyncio.ensure_future(egress.fetch(request)) for _ in range(100)]
            await until(lambda: len(server.requests) == 100)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.wait_for(asyncio.gather(*filter(None, server.tasks)), 60)
            return before, open_files()

    before, after = asyncio.run(scenario())
    assert after <= before + 5  # the loop and libcurl keep a few for themselves


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


# --- names


class Counter:
    """Counts from any thread."""

    def __init__(self) -> None:
        self._seen: list[None] = []

    def add(self) -> None:
        self._seen.append(None)

    @property
    def value(self) -> int:
        return len(self._seen)


def test_a_hanging_name_server_holds_nobody_back(monkeypatch: pytest.MonkeyPatch) -> None:
    real, entered, release = socket.getaddrinfo, Counter(), ThreadEvent()

    def hanging(host: Any, *args: Any, **kwargs: Any) -> Any:
        if str(host).endswith("hanging.test") and not kwargs.get("flags"):
            entered.add()
            release.wait(60)
            raise socket.gaierror
        return real(host, *args, **kwargs)

    async def scenario() -> None:
        async with serving(ok()) as server, opened() as egress:
            urls = [f"http://{n}.hanging.test/" for n in range(40)] + ["http://0.hanging.test/"]
            slow = [egress.fetch(Request("GET", url, timeout_s=2)) for url in urls]
            waiting = asyncio.gather(*slow, return_exceptions=True)
            await until(lambda: entered.value == 40)
            fine = await egress.fetch(Request("GET", f"http://localhost:{server.port}/"))
            assert fine.status_code == 200
            assert {getattr(e, "kind", None) for e in await waiting} == {"timeout"}

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    try:
        asyncio.run(scenario())
    finally:
        release.set()
    assert entered.value == 40


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name that is no literal resolve to these addresses."""
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("flags"):
            return real(host, *args, **kwargs)
        return [(0, 0, 0, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1", "127.0.0.1"], ["fd00::1", "127.0.0.1"], ["127.0.0.1", "10.0.0.1"]]
)
def test_only_the_approved_addresses_of_a_name_are_used(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    async def scenario() -> tuple[Response, str, bytes]:
        async with serving(ok()) as server, opened() as egress:
            url = f"http://Mixed.test:{server.port}/"
            response = await egress.fetch(Request("GET", url, timeout_s=5))
            approved = await egress.check_address("mixed.test", server.port)
            (await egress.connect("mixed.test", server.port, 5)).close()
            return response, approved, server.requests[0]

    answering(monkeypatch, *addresses)
    response, approved, sent = asyncio.run(scenario())
    assert response.remote_ip == approved == "127.0.0.1"
    assert head_of(sent)["host"].lower().startswith("mixed.test:")


def test_a_name_with_private_addresses_alone_is_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "10.0.0.1", "fd00::1", "::ffff:192.168.0.1")
    assert asyncio.run(kind_of("http://private.test/", LOOPBACK)) == "blocked"


def test_connect_goes_on_to_the_next_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> str:
        async with serving(ok()) as server, opened() as egress:
            with await egress.connect("two.test", server.port, 5) as connection:
                return str(connection.getpeername()[0])

    answering(monkeypatch, "127.0.0.2", "127.0.0.1")
    assert asyncio.run(scenario()) == "127.0.0.1"


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a self-signed certificate for 127.0.0.1 with its key; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dogwatch test")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


async def get_tls(certificate: Path, host: str = "127.0.0.1", **options: Any) -> Response:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with serving(ok(), tls=context) as server, opened() as egress:
        return await egress.fetch(Request("GET", f"https://{host}:{server.port}/", **options))


def test_an_unknown_certificate_is_refused(certificate: Path) -> None:
    with pytest.raises(EgressError, match="self-signed") as caught:
        asyncio.run(get_tls(certificate))
    assert caught.value.kind == "tls"


def test_an_unknown_certificate_passes_where_that_is_asked_for(certificate: Path) -> None:
    response = asyncio.run(get_tls(certificate, verify_tls=False))
    assert response.status_code == 200
    assert response.phases_ms["tls"] > 0


def test_a_trusted_certificate(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert asyncio.run(get_tls(certificate)).status_code == 200
    with pytest.raises(EgressError) as caught:
        asyncio.run(get_tls(certificate, host="localhost"))
    assert caught.value.kind == "tls"


def test_tls_to_a_plain_server_is_a_tls_error() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def scenario() -> Kind:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            return await kind_of(f"https://127.0.0.1:{port}/", LOOPBACK, timeout_s=5)

    assert asyncio.run(scenario()) == "tls"


# --- plain sockets


def test_connect() -> None:
    async def scenario() -> bytes:
        async with serving(ok()) as server, opened() as egress:
            connection = await egress.connect("localhost", server.port, 5)
            with connection:
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(connection, b"GET / HTTP/1.0\r\n\r\n")
                return await loop.sock_recv(connection, 15)

    assert asyncio.run(scenario()) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0x7f.1"])
def test_connect_refuses_local_addresses(host: str) -> None:
    async def scenario() -> None:
        async with opened(()) as egress:
            for attempt in (egress.connect(host, 25, 5), egress.check_address(host, 25)):
                with pytest.raises(EgressError, match="loopback") as caught:
                    await attempt
                assert caught.value.kind == "blocked"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("host", "named", "why"),
    [
        ("0x7f.1", False, ("127.0.0.1", "loopback")),
        ("::ffff:10.0.0.1", False, ("::ffff:10.0.0.1", "private")),
        ("192.0.2.1.example", False, None),
        ("inside.test", True, ("10.0.0.1", "private")),
        ("inside.test", False, None),
        ("\ud800", True, None),
        ("93.184.216.34", True, None),
    ],
)
def test_an_early_word_on_what_is_blocked(
    monkeypatch: pytest.MonkeyPatch, host: str, named: bool, why: tuple[str, str] | None
) -> None:
    async def scenario() -> tuple[str, str] | None:
        async with opened(()) as egress:
            with suppress(EgressError):  # what is remembered is not looked up, nor told
                await egress.check_address("inside.test", 1)
            return await egress.blocked(host, named)

    if host != "\ud800":
        answering(monkeypatch, "10.0.0.1")
    assert asyncio.run(scenario()) == why


def test_a_name_with_one_good_address_is_not_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> tuple[str, str] | None:
        async with opened(()) as egress:
            return await egress.blocked("mixed.test", named=True)

    answering(monkeypatch, "10.0.0.1", "93.184.216.34")
    assert asyncio.run(scenario()) is None


@pytest.mark.parametrize("host", ["a\0b", "a" * 300, "\ud800"])
def test_connect_to_no_host(host: str) -> None:
    async def scenario() -> None:
        async with opened() as egress:
            with pytest.raises(EgressError) as caught:
                await egress.connect(host, 25, 20)
        assert caught.value.kind == "dns"

    asyncio.run(scenario())


def test_connect_to_a_closed_port() -> None:
    async def scenario() -> None:
        async with opened() as egress:
            assert await egress.check_address("127.0.0.1", 1) == "127.0.0.1"
            with pytest.raises(EgressError, match="refused") as caught:
                await egress.connect("127.0.0.1", 1, 5)
        assert caught.value.kind == "connect"

    asyncio.run(scenario())


def test_a_trusted_host_may_be_anywhere() -> None:
    async def connects() -> None:
        listener = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        egress = Egress()
        with pytest.raises(EgressError, match="loopback"):
            await egress.connect("127.0.0.1", port, 5)
        connected = await egress.connect("127.0.0.1", port, 5, trusted=True)
        assert connected.getpeername() == ("127.0.0.1", port)
        connected.close()
        await egress.close()
        listener.close()

    asyncio.run(connects())
