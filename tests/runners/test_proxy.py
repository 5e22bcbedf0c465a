"""The network of a sandbox: what its proxy lets out, and that there is no other way."""

import asyncio
import os
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, suppress
from ipaddress import ip_network
from typing import Any

import pytest

from dogwatch.runners.proxy import PORT, Allowance, Proxy
from tests.runners.boxes import Boxed, Cell, sandbox_of_this_process
from tests.runners.test_script import children, descriptors

LOOPBACK = [ip_network("127.0.0.0/8")]
ASK = f"""
import socket, sys
def ask(text, more=b""):
    with socket.create_connection(("127.0.0.1", {PORT}), timeout=20) as made:
        made.sendall(text.encode() + b"\\r\\n\\r\\n" + more)
        heard = b""
        while piece := made.recv(65536):
            heard += piece
    return heard.decode()
"""


@pytest.fixture(scope="module", params=[True, False], ids=["open", "closed"])
def any_cell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cell]:
    """A server that lets nobody reach private addresses, or all reach loopback."""
    made = Cell(
        sandbox_of_this_process(), tmp_path_factory.mktemp("proxy"),
        allow=LOOPBACK if request.param else (),
    )  # fmt: skip
    made.run("true")
    files, family = descriptors(), children()
    yield made
    assert (descriptors(), children()) == (files, family)
    made.close()


def is_open(cell: Cell) -> bool:
    return cell.egress.allowed("127.0.0.1")


async def answer(reader: StreamReader, writer: StreamWriter) -> None:
    """Echo the head of a request as its answer, and after a tunnel's greeting what comes."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + head)
        await writer.drain()
    writer.close()


def served(cell: Cell, story: Callable[[int], Coroutine[Any, Any, Boxed]]) -> Boxed:
    """Tell a story with a server on the loopback of this machine."""

    async def told() -> Boxed:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            return await story(server.sockets[0].getsockname()[1])

    return cell.wait(told())


async def ran(cell: Cell, source: str) -> Boxed:
    boxed = Boxed()
    boxed.result = await cell.begin(
        source, "python", network=True, on_output=lambda _, one: boxed.output.add(one)
    )
    return boxed


def test_egress_says_who_is_reached(any_cell: Cell) -> None:
    source = """
print(ask("GET http://127.0.0.1:PORT/x?y HTTP/1.1\\r\\nHost: z"))
print(ask("CONNECT 127.0.0.1:PORT HTTP/1.1", b"GET /tunnel HTTP/1.1\\r\\n\\r\\n"))
"""
    out = served(any_cell, lambda port: ran(any_cell, ASK + source.replace("PORT", str(port)))).out
    assert ("GET /x?y HTTP/1.1" in out, "GET /tunnel HTTP/1.1" in out) == (
        is_open(any_cell), is_open(any_cell),
    )  # fmt: skip
    assert out.count("403 Forbidden") == (0 if is_open(any_cell) else 2)


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "10.0.0.1", "[fd00::1]", "0.0.0.0", "100.64.0.1"]
)
def test_private_places_are_refused(any_cell: Cell, host: str) -> None:
    source = f'{ASK}print(ask("CONNECT {host}:80 HTTP/1.1"))'
    out = any_cell.run(source, "python", network=True).out
    assert "403 Forbidden" in out
    assert "blocked address" in out


def test_nonsense_is_refused(any_cell: Cell) -> None:
    source = 'print(ask("GET / HTTP/1.1"), ask("x" * 40_000))'
    assert any_cell.run(ASK + source, "python", network=True).out.count("400 Bad Request") == 2


def test_there_is_no_other_way(any_cell: Cell) -> None:
    name = f"\0dogwatch-{os.getpid()}"
    source = """
import os
def reach(family, kind, address):
    with socket.socket(family, kind) as one:
        one.settimeout(5)
        try:
            one.connect(address); one.send(b"hello"); print(address, "reached")
        except OSError as fault:
            print(address, "denied")
for port in (PORT, 22, 53, 80, 5432): reach(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port))
for place in ("192.0.2.1", "169.254.169.254"):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM): reach(socket.AF_INET, kind, (place, 53))
reach(socket.AF_UNIX, socket.SOCK_STREAM, NAME)
print(sorted(os.listdir("/sys/class/net")) if os.path.exists("/sys") else "no /sys")
print(len(open("/proc/net/route").readlines()), "line of routes")
"""
    with socket.create_server(("127.0.0.1", 0)) as own, socket.socket(socket.AF_UNIX) as bus:
        bus.bind(name)
        bus.listen()
        told = source.replace("PORT", str(own.getsockname()[1])).replace("NAME", repr(name))
        out = any_cell.run(ASK + told, "python", network=True).out
    assert (out.count("denied"), "reached" in out) == (10, False)
    assert "1 line of routes" in out


def test_without_the_wish_there_is_no_proxy(any_cell: Cell) -> None:
    out = any_cell.run(
        f'{ASK}\nimport os\nprint("http_proxy" in os.environ)\nask("")', "python"
    ).out
    assert out.startswith("False\n")
    assert "ConnectionRefusedError" in out
    told = 'echo "$http_proxy $HTTPS_PROXY $ALL_PROXY"'
    assert any_cell.run(told, network=True).out == f"http://127.0.0.1:{PORT} " * 2 + (
        f"http://127.0.0.1:{PORT}\n"
    )


def test_a_run_that_ends_hangs_up(any_cell: Cell) -> None:
    """A connection under way ends with its run; nothing of it is left in the server."""
    source = f"""
import socket, time
made = socket.create_connection(("127.0.0.1", {PORT})); made.sendall(b"CONNECT "); time.sleep(60)
"""
    boxed = any_cell.run(source, "python", network=True, timeout_s=1)
    assert boxed.result.reason == "no end within 1 s"


def exchange(allowance: Allowance, sent: list[bytes]) -> list[bytes]:
    """Return what a proxy answers to connections one after the other, all to one server."""

    async def story() -> list[bytes]:
        async def connect(_host: str, _port: int, _timeout_s: float) -> socket.socket:
            near, far = socket.socketpair()
            reader, writer = await asyncio.open_connection(sock=far)
            echoes.add(asyncio.create_task(answer(reader, writer)))
            near.setblocking(False)
            return near

        echoes: set[asyncio.Task[None]] = set()
        listener = socket.create_server(("127.0.0.1", 0))
        proxy = Proxy(connect, allowance)
        proxy.serve(listener)
        heard = []
        for one in sent:
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            writer.write(one)
            heard.append(await reader.read())
            writer.close()
        await proxy.close()
        await asyncio.gather(*echoes)
        return heard

    return asyncio.run(story())


def test_a_run_has_so_many_connections() -> None:
    asked = b"GET http://example.org/ HTTP/1.1\r\n\r\n"
    first, second = exchange(Allowance(connections=1), [asked, asked])
    assert b"Host: example.org" in first
    assert second.startswith(b"HTTP/1.1 429 Too Many Requests")


def test_a_run_has_so_many_bytes() -> None:
    asked = b"GET http://example.org/ HTTP/1.1\r\n\r\n"
    assert exchange(Allowance(mib=0), [asked]) == [b""]


def test_connections_beyond_wait_their_turn() -> None:
    with closing(socket.socket()):
        asked = b"GET http://example.org/ HTTP/1.1\r\n\r\n"
        assert all(b"200 OK" in one for one in exchange(Allowance(at_once=1), [asked] * 3))
