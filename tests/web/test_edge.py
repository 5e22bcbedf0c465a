"""The edge under clients that are slow, gone, broken or hostile; real sockets throughout."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from dogwatch.clock import SystemClock
from dogwatch.core.ping import Answer, Heard
from dogwatch.web.edge import EdgeLimits, EdgeProtocol, head_fault, server
from dogwatch.web.inbox import PingInbox
from dogwatch.web.pings import Pings, Receive, Scope, Send
from tests.eventually import eventually_async

PATIENT = EdgeLimits(sweep_s=0.05)
SHORT = EdgeLimits(head_s=1, stall_s=1, idle_s=1, linger_s=0.3, sweep_s=0.05)
DEADLINE_S = 60.0

Scene = Callable[["House"], Awaitable[None]]


class House:
    """A ping door behind the edge; `/hold` answers when released, `/early` before
    the body, `/stream` begins and waits for the client to go."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.came = asyncio.Semaphore(0)
        self.released = asyncio.Event()
        self.paths: list[str] = []
        self.ends: list[str] = []
        self.port = 0
        self.protocols: set[Any] = set()
        inbox = PingInbox(self._record)
        self.app = Pings(inbox, SystemClock(), self._other)

    async def _record(self, pings: Sequence[Heard]) -> Sequence[Answer]:
        self.heard += pings
        for _ in pings:
            self.came.release()
        return [Answer.RECORDED] * len(pings)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.paths.append(scope["path"])
        if scope["path"] == "/hold":
            await self.released.wait()
        size = 32_000_000 if scope["path"] == "/big" else 2
        headers = [(b"content-length", str(size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/stream":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.ends.append("gone")
        await send({"type": "http.response.body", "body": b"x" * size})

    async def talk(self, *pieces: bytes, eof: bool = False) -> bytes:
        """Send the pieces one after the other and read until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(DEADLINE_S):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                if eof:
                    writer.write_eof()
                return await reader.read()
        finally:
            await hang_up(writer)

    async def ping(self) -> bytes:
        return await self.talk(PING_AND_CLOSE)

    async def wait_for_pings(self, count: int) -> None:
        async with asyncio.timeout(DEADLINE_S):
            for _ in range(count):
                await self.came.acquire()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def open_house(limits: EdgeLimits, graceful_s: int = 5) -> AsyncIterator[House]:
    house = House()
    running = server(house.app, "127.0.0.1", 0, limits, graceful_s=graceful_s)
    task = asyncio.create_task(running.serve())
    await eventually_async(lambda: running.started)
    house.port = running.servers[0].sockets[0].getsockname()[1]
    house.protocols = running.server_state.connections
    try:
        yield house
    finally:
        house.released.set()
        running.should_exit = True
        await task


def play(scene: Scene, limits: EdgeLimits) -> None:
    """Play a scene in a house of its own."""

    async def whole() -> None:
        async with open_house(limits) as house:
            await scene(house)

    asyncio.run(whole())


def request(
    line: str = "GET /ping/key-0000001 HTTP/1.1", *headers: str, body: bytes = b""
) -> bytes:
    lines = [line, "Host: dog.example", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


PING = request()
PING_AND_CLOSE = request("GET /ping/key-0000001 HTTP/1.1", "Connection: close")
POST = "POST /ping/key-0000001 HTTP/1.1"


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_a_ping_is_answered_and_the_server_keeps_its_name_to_itself() -> None:
    async def scene(house: House) -> None:
        answer = await house.ping()
        assert statuses(answer) == [200]
        assert answer.endswith(b"\r\n\r\nOK")
        assert b"\r\ndate: " in answer
        assert b"server:" not in answer
        assert house.heard[0].remote_ip == "127.0.0.1"

    play(scene, PATIENT)


def test_head_answers_without_a_body() -> None:
    async def scene(house: House) -> None:
        answer = await house.talk(request("HEAD /ping/key-0000001 HTTP/1.1", "Connection: close"))
        assert statuses(answer) == [200]
        assert b"content-length: 2\r\n" in answer
        assert answer.endswith(b"\r\n\r\n")

    play(scene, PATIENT)


# Requests that could be read in two ways

AMBIGUOUS = {
    "both lengths": request(
        POST, "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "both, other order": request(
        POST, "Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n"
    ),
    "two lengths": request(POST, "Content-Length: 1", "Content-Length: 2", body=b"ab"),
    "one length twice": request(POST, "Content-Length: 2", "Content-Length: 2", body=b"ab"),
    "a list of lengths": request(POST, "Content-Length: 2, 2", body=b"ab"),
    "a signed length": request(POST, "Content-Length: +2", body=b"ab"),
    "gzip, not chunked": request(POST, "Transfer-Encoding: gzip", body=b"ab"),
    "gzip before chunked": request(POST, "Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunked before gzip": request(POST, "Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
    "chunked twice": request(
        POST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "chunked in 1.0": request(
        "POST /ping/key-0000001 HTTP/1.0", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "bare LF everywhere": PING.replace(b"\r\n", b"\n"),
    "bare LF behind the first line": PING.replace(b"\r\n", b"\n", 1),
    "bare LF behind a header": PING.replace(b"example\r\n", b"example\n"),
    "bare LF at the end": PING[:-2] + b"\n",
    "bare CR": PING.replace(b"example\r\n", b"example\rX: y\r\n"),
    "two hosts": request("GET /ping/key-0000001 HTTP/1.1", "Host: other"),
    "the same host twice": request("GET /ping/key-0000001 HTTP/1.1", "Host: dog.example"),
    "a list of hosts": PING.replace(b"dog.example", b"dog.example, other"),
    "a host with a space": PING.replace(b"dog.example", b"dog example"),
    "no host": b"GET /ping/key-0000001 HTTP/1.1\r\n\r\n",
    "a folded line": request("GET /ping/key-0000001 HTTP/1.1", "X: a", " b"),
    "a space before the colon": request("GET /ping/key-0000001 HTTP/1.1", "X : a"),
    "no colon": request("GET /ping/key-0000001 HTTP/1.1", "X"),
    "an empty name": request("GET /ping/key-0000001 HTTP/1.1", ": a"),
    "NUL in a value": request("GET /ping/key-0000001 HTTP/1.1", "X: a\0b"),
    "a control byte in a value": request("GET /ping/key-0000001 HTTP/1.1", "X: a\x01b"),
    "DEL in a value": request("GET /ping/key-0000001 HTTP/1.1", "X: a\x7fb"),
    "NUL in the path": request("GET /ping/key\0-00001 HTTP/1.1"),
    "an unknown version": request("GET /ping/key-0000001 HTTP/2.0"),
    "a tunnel": request("CONNECT dog.example:443 HTTP/1.1"),
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


def test_what_could_be_read_in_two_ways_is_refused() -> None:
    async def scene(house: House) -> None:
        for name, bad in AMBIGUOUS.items():
            house.heard.clear()
            answer = await house.talk(bad + PING)
            assert statuses(answer) in ([400], [505]), name
            assert b"connection: close\r\n" in answer, name
            assert len(house.heard) <= bad.startswith(b"POST"), name
            assert all(heard.body == "" for heard in house.heard), name

    play(scene, PATIENT)


def test_the_right_head_has_no_fault() -> None:
    assert head_fault("1.1", [(b"host", b"[2001:db8::1]:8000")]) is None
    assert head_fault("1.0", []) is None
    assert head_fault("1.1", [(b"host", b""), (b"transfer-encoding", b"Chunked")]) is None


def test_a_head_may_have_64_kib_and_no_more() -> None:
    async def scene(house: House) -> None:
        for size, status in ((60_000, 200), (66_000, 431), (400_000, 431)):
            whole = request(
                "GET /ping/key-0000001 HTTP/1.1", "Connection: close", "X: " + "x" * size
            )
            assert statuses(await house.talk(whole)) == [status]
            assert statuses(await house.talk(whole[:50_000], whole[50_000:])) == [status]
        many = ["X: y"] * 12_000
        assert statuses(await house.talk(request(POST, *many))) == [431]
        assert statuses(await house.talk(b"\r\n" * 40_000)) == [431]

    play(scene, PATIENT)


def test_endless_trailers_are_cut() -> None:
    async def scene(house: House) -> None:
        head = request(POST, "Transfer-Encoding: chunked", body=b"2\r\nab\r\n0\r\nX: ")
        answer = await house.talk(head, *[b"x" * 60_000] * 4)
        assert statuses(answer) == [431]
        await house.came.acquire()
        assert [heard.body for heard in house.heard] == ["ab"]

    play(scene, PATIENT)


def test_trailers_do_not_become_headers() -> None:
    async def scene(house: House) -> None:
        chunks = b"2\r\nab\r\n0\r\nUser-Agent: forged\r\n\r\n"
        head = request(POST, "Transfer-Encoding: chunked", "Connection: close", body=chunks)
        assert statuses(await house.talk(head)) == [200]
        assert [(heard.body, heard.user_agent) for heard in house.heard] == [("ab", "")]

    play(scene, PATIENT)


# Deadlines


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", []),
        (PING[:10], [408]),
        (PING[:-2], [408]),
        (b"\r\n", []),
    ],
)
def test_a_stalled_head_is_cut(sent: bytes, answer: list[int]) -> None:
    async def scene(house: House) -> None:
        assert statuses(await house.talk(sent)) == answer
        assert house.heard == []

    play(scene, SHORT)


def test_a_dripping_head_is_cut_at_the_absolute_deadline() -> None:
    async def scene(house: House) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        writer.write(PING[:-2])
        answer = asyncio.create_task(reader.read())
        while not answer.done() and loop.time() < begun + DEADLINE_S:
            writer.write(b"X: y\r\n")
            await asyncio.wait([answer], timeout=0.05)
        assert answer.done()
        assert statuses(await answer) == [408]
        assert loop.time() - begun > 0.2
        await hang_up(writer)

    play(scene, SHORT)


def test_an_idle_connection_is_closed_and_a_second_head_has_its_own_deadline() -> None:
    async def scene(house: House) -> None:
        assert statuses(await house.talk(PING)) == [200]
        assert statuses(await house.talk(PING, PING[:-2])) == [200, 408]

    play(scene, SHORT)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["Content-Length: 10"], b"half"),
        (["Transfer-Encoding: chunked"], b"4\r\nhalf\r\n"),
    ],
)
def test_a_stalled_body_is_cut_and_the_ping_counts(headers: list[str], body: bytes) -> None:
    async def scene(house: House) -> None:
        assert statuses(await house.talk(request(POST, *headers, body=body))) == []
        await house.wait_for_pings(1)
        assert [heard.body for heard in house.heard] == ["half"]

    play(scene, SHORT)


def test_a_body_that_moves_may_outlast_the_stall_but_not_its_whole_time() -> None:
    async def scene(house: House) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        writer.write(request(POST, "Content-Length: 1000000"))
        answer = asyncio.create_task(reader.read())
        while not answer.done() and loop.time() < begun + DEADLINE_S:
            writer.write(b"x")
            await asyncio.wait([answer], timeout=0.05)
        assert answer.done()
        assert loop.time() - begun > 2.6
        await house.wait_for_pings(1)
        assert house.heard[0].body_bytes > 10
        await hang_up(writer)

    # Far apart from the pause between two pieces: a machine that stands still is no stalled client.
    play(scene, replace(SHORT, stall_s=2.5, body_s=3))


def test_the_application_has_the_time_it_needs() -> None:
    async def scene(house: House) -> None:
        hold = request("GET /hold HTTP/1.1", "Connection: close")
        waiting = asyncio.create_task(house.talk(hold))
        assert statuses(await house.talk(PING)) == [200]
        assert statuses(await house.talk(PING)) == [200]
        assert not waiting.done()
        house.released.set()
        assert statuses(await waiting) == [200]

    play(scene, SHORT)


def test_a_body_behind_a_slow_answer_is_not_called_stalled() -> None:
    async def scene(house: House) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(request("GET /hold HTTP/1.1"))
        writer.write(request(POST, "Connection: close", "Content-Length: 4", body=b"do"))
        await eventually_async(lambda: house.paths)
        for _ in range(3):  # each waits for its own idle deadline
            assert statuses(await house.talk(PING)) == [200]
        writer.write(b"ne")
        house.released.set()
        async with asyncio.timeout(DEADLINE_S):
            assert statuses(await reader.read()) == [200, 200]
        assert house.heard[-1].body == "done"
        await hang_up(writer)

    play(scene, SHORT)


def test_an_answer_nobody_reads_is_dropped() -> None:
    async def scene(house: House) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", house.port, limit=1)
        writer.write(request("GET /big HTTP/1.1"))
        await eventually_async(lambda: house.paths)
        await eventually_async(lambda: not house.protocols)
        await hang_up(writer)

    play(scene, replace(SHORT, unread_s=0.3))


# Clients that leave


@pytest.mark.parametrize("headers", [[], ["Expect: 100-continue"]])
def test_a_client_that_leaves_midway_has_pinged(headers: list[str]) -> None:
    async def scene(house: House) -> None:
        half = request(POST, *headers, "Content-Length: 100", body=b"half")
        for reset in (False, True):
            with socket.create_connection(("127.0.0.1", house.port)) as client:
                client.sendall(half)
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            await house.wait_for_pings(1)
        assert house.heard[0].body == "half"

    play(scene, PATIENT)


def test_a_client_that_leaves_at_once_has_pinged_with_its_whole_body() -> None:
    async def scene(house: House) -> None:
        with socket.create_connection(("127.0.0.1", house.port)) as client:
            client.sendall(request(POST, "Content-Length: 4", body=b"done"))
        await house.wait_for_pings(1)
        assert [heard.body for heard in house.heard] == ["done"]

    play(scene, PATIENT)


def test_pipelined_pings_count_even_if_the_client_leaves() -> None:
    async def scene(house: House) -> None:
        post = request(POST, "Content-Length: 4", body=b"done")
        with socket.create_connection(("127.0.0.1", house.port)) as client:
            client.sendall(request("GET /hold HTTP/1.1") + PING + post + post[:-2])
        await eventually_async(lambda: house.paths)
        house.released.set()
        await house.wait_for_pings(3)
        assert [heard.body for heard in house.heard] == ["", "done", "do"]

    play(scene, PATIENT)


def test_nothing_else_is_begun_for_a_client_that_left() -> None:
    async def scene(house: House) -> None:
        with socket.create_connection(("127.0.0.1", house.port)) as client:
            dear = request("GET /dear HTTP/1.1") * 500
            client.sendall(request("GET /hold HTTP/1.1") + dear + PING)
            await eventually_async(lambda: house.paths)
        house.released.set()
        await house.wait_for_pings(1)
        assert house.paths.count("/dear") < 250

    play(scene, PATIENT)


@pytest.mark.parametrize("split", [0, 25, 32, 60])
def test_an_address_as_typed_counts(split: int) -> None:
    async def scene(house: House) -> None:
        line = "GET /ping/key-0000001?rid=n\xc3\xa4chtlich HTTP/1.1"
        whole = request(line, "Connection: close", "User-Agent: n\xc3\xa4")
        answer = await house.talk(whole[:split], whole[split:])
        assert statuses(answer) == [200]
        assert house.heard[0].rid
        assert house.heard[0].user_agent == "nä"

    play(scene, PATIENT)


@pytest.mark.parametrize("sent", [PING, request(POST, "Content-Length: 2", body=b"ab"), PING * 3])
def test_half_close_behind_a_whole_request_is_answered(sent: bytes) -> None:
    async def scene(house: House) -> None:
        answer = await house.talk(sent, eof=True)
        assert statuses(answer) == [200] * sent.count(b"HTTP/1.1")

    play(scene, PATIENT)


def test_half_close_within_a_body_counts() -> None:
    async def scene(house: House) -> None:
        await house.talk(request(POST, "Content-Length: 100", body=b"half"), eof=True)
        await house.wait_for_pings(1)
        assert house.heard[0].body == "half"

    play(scene, PATIENT)


def test_a_stream_hears_of_the_end() -> None:
    async def scene(house: House) -> None:
        with socket.create_connection(("127.0.0.1", house.port)) as client:
            client.sendall(request("GET /stream HTTP/1.1") + PING)
            await eventually_async(lambda: house.paths)
        await house.wait_for_pings(1)
        await eventually_async(lambda: house.ends)
        assert house.ends == ["gone"]

    play(scene, PATIENT)


# Pipelines


def test_pipelined_requests_are_answered_in_order() -> None:
    async def scene(house: House) -> None:
        posts = [
            request(POST, "Content-Length: 1", body=str(number).encode()) for number in range(8)
        ]
        answer = await house.talk(b"".join(posts) + PING_AND_CLOSE)
        assert statuses(answer) == [200] * 9
        assert [heard.body for heard in house.heard] == [*"01234567", ""]

    play(scene, PATIENT)


def test_a_long_pipeline_is_no_long_head() -> None:
    async def scene(house: House) -> None:
        answer = await house.talk(PING * 5000 + PING_AND_CLOSE)
        assert statuses(answer) == [200] * 5001

    play(scene, PATIENT)


@pytest.mark.parametrize(
    "bad", [b"nonsense\r\n\r\n", AMBIGUOUS["both lengths"], PING[:-2] + b"X: " + b"x" * 99_000]
)
def test_answers_owed_come_before_a_refusal(bad: bytes) -> None:
    async def scene(house: House) -> None:
        waiting = asyncio.create_task(house.talk(request("GET /hold HTTP/1.1") + PING + bad + PING))
        await eventually_async(lambda: house.paths)
        house.released.set()
        answer = await waiting
        assert statuses(answer) == [200, 200]
        assert len(house.heard) == 1

    play(scene, PATIENT)


def test_a_broken_body_in_the_pipeline_counts_and_ends_it() -> None:
    async def scene(house: House) -> None:
        broken = request(POST, "Transfer-Encoding: chunked", body=b"2\r\nab\r\nzz\r\n")
        assert statuses(await house.talk(PING + broken + PING)) == [200]
        await house.wait_for_pings(2)
        assert [heard.body for heard in house.heard] == ["", "ab"]

    play(scene, PATIENT)


def test_a_body_broken_behind_its_answer_gets_no_second_one() -> None:
    async def scene(house: House) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(request("POST /early HTTP/1.1", "Transfer-Encoding: chunked"))
        async with asyncio.timeout(DEADLINE_S):
            answer = await reader.readuntil(b"xx")
            writer.write(b"zz\r\n")
            answer += await reader.read()
        assert statuses(answer) == [200]
        await hang_up(writer)

    play(scene, PATIENT)


@pytest.mark.parametrize("protocol", ["websocket", "h2c"])
def test_an_upgrade_is_answered_as_plain_http_and_ends_the_connection(protocol: str) -> None:
    async def scene(house: House) -> None:
        upgrade = [f"Upgrade: {protocol}", "Connection: Upgrade"]
        wish = request("GET /ping/key-0000001 HTTP/1.1", *upgrade)
        answer = await house.talk(wish + PING)
        assert statuses(answer) == [200]
        assert len(house.heard) == 1

    play(scene, PATIENT)


# Load


def test_an_invalid_utf8_body_is_kept() -> None:
    async def scene(house: House) -> None:
        body = b"\xff\xfe\x00ok\xc3"
        post = request(POST, "Connection: close", f"Content-Length: {len(body)}", body=body)
        assert statuses(await house.talk(post)) == [200]
        assert house.heard[0].body == "���ok�"

    play(scene, PATIENT)


@pytest.mark.parametrize("chunked", [False, True])
def test_20_mib_do_not_grow_memory(chunked: bool) -> None:
    piece, count = b"0123456789abcdef" * 4096, 320
    frame = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
    end = b"0\r\n\r\n" if chunked else b""
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(piece) * count}"

    async def scene(house: House) -> None:
        head = request(POST, "Connection: close", length)
        before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert statuses(await house.talk(head, *[frame] * count, end)) == [200]
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
        assert house.heard[0].body_bytes == 20 * 1024 * 1024
        assert "dropped" in house.heard[0].body
        assert grown_kib < 8 * 1024

    play(scene, PATIENT)


def test_350_stalled_connections_do_not_slow_a_ping() -> None:
    stalls = [b"", PING[:20], request(POST, "Content-Length: 1000", body=b"half")]

    async def scene(house: House) -> None:
        clients = []
        for number in range(350):
            client = socket.create_connection(("127.0.0.1", house.port))
            client.sendall(stalls[number % 3])
            clients.append(client)
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for _ in range(20):
            assert statuses(await house.ping()) == [200]
        assert loop.time() - begun < PATIENT.stall_s
        for client in clients:
            client.close()
        await house.wait_for_pings(20 + 350 // 3)

    play(scene, PATIENT)


def test_a_connection_too_many_is_told() -> None:
    async def scene(house: House) -> None:
        _, first = await asyncio.open_connection("127.0.0.1", house.port)
        _, second = await asyncio.open_connection("127.0.0.1", house.port)
        assert statuses(await house.ping()) == [503]
        await hang_up(first)
        await hang_up(second)
        await eventually_async(lambda: not house.protocols)
        assert statuses(await house.ping()) == [200]

    play(scene, replace(SHORT, head_s=60, connections=2))


# Stopping


def test_stopping_counts_the_body_under_way_and_takes_no_second() -> None:
    async def scene() -> None:
        async with open_house(PATIENT) as house:
            client = socket.create_connection(("127.0.0.1", house.port))
            client.sendall(request(POST, "Content-Length: 100", body=b"half"))
            idle = socket.create_connection(("127.0.0.1", house.port))
            await eventually_async(
                lambda: len(house.protocols) == 2 and any(it.running for it in house.protocols)
            )
            begun = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begun < DEADLINE_S
        assert [heard.body for heard in house.heard] == ["half"]
        client.close()
        idle.close()

    asyncio.run(scene())


def test_an_answer_cut_by_the_stop_is_no_fault_to_log(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> bytes:
        async with open_house(PATIENT, graceful_s=0) as house:
            reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
            writer.write(request("GET /stream HTTP/1.1"))
            assert await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(DEADLINE_S):
            rest = await reader.read()
        await hang_up(writer)
        return rest

    assert asyncio.run(scene()) == b""
    assert [one.message for one in caplog.records if one.exc_info] == []


def test_limits_belong_to_the_server() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    bound = server(app, "127.0.0.1", 0, SHORT).config.http
    assert isinstance(bound, type)
    assert issubclass(bound, EdgeProtocol)
    assert bound.limits is SHORT
    assert EdgeProtocol.limits == EdgeLimits()
