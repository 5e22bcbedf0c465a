"""The HTTP/1.1 edge: uvicorn's protocol with absolute deadlines and a strict reading of heads.

Nothing a client does or leaves undone holds a connection for ever, no request is understood in
two ways (RFC 9112, sections 3, 5, 6), and every ping whose head arrived whole reaches the
application with whatever came of its body, even if the client is gone by then.
"""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from math import inf
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import httptools
import uvicorn
from uvicorn._types import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    Scope,
)
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from dogwatch.clock import Clock, SystemClock
from dogwatch.web.corked import Corked

# What counts even if nobody waits for the answer.
_ALWAYS = "/ping/"
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+;=:\[\]-]*")


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """What one connection may take.

    `head_s` runs from the first byte (of the first request: from the connection's opening) to
    the end of the head; `stall_s` between two pieces of a body, `body_s` over all of it;
    `idle_s` between two requests; `unread_s` while a client takes nothing of its answer.
    `linger_s` is how long a refused client may finish sending, so that it reads the refusal;
    `drain_s` how long a body may still take once the server stops. Deadlines are looked at
    every `sweep_s`.
    """

    head_s: float = 10
    stall_s: float = 10
    body_s: float = 300
    idle_s: float = 15
    unread_s: float = 30
    linger_s: float = 2
    drain_s: float = 0.5
    sweep_s: float = 1
    head_bytes: int = 64 * 1024
    connections: int = 4096


class Phase(Enum):
    """What a connection waits for: the client in HEAD, BODY and IDLE, us in ANSWER and LAST.

    LAST and REFUSED read no more: the one closes behind the answers owed, the other has said why
    and waits for the client to go.
    """

    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    IDLE = auto()
    LAST = auto()
    REFUSED = auto()


class EdgeProtocol(HttpToolsProtocol):
    """One connection; limits and clock belong to the class, so that uvicorn can make it."""

    limits: ClassVar[EdgeLimits] = EdgeLimits()
    clock: ClassVar[Clock] = SystemClock()

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.phase = Phase.HEAD
        self.deadline = inf
        self.body_until = inf
        self.fault = HTTPStatus.BAD_REQUEST
        self.in_request_line = True
        self.head_bytes = 0
        self.unused_bytes = 0  # received since the parser last made something of it
        self.unsent_bytes = 0
        self.unsent_since = 0.0
        self.running: RequestResponseCycle | None = None

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own narrowing
        """Start the clock of the first head, or refuse one connection too many."""
        super().connection_made(Corked(transport, self.loop))
        self._enter(Phase.HEAD, self.limits.head_s)
        self._sweep().arm()
        if len(self.connections) > self.limits.connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and hang up on what it cannot read in exactly one way."""
        if self.phase in (Phase.LAST, Phase.REFUSED):
            return
        if self.phase is Phase.IDLE:
            self._enter(Phase.HEAD, self.limits.head_s)
        self.unused_bytes += len(data)
        if self.in_request_line:
            data = self._in_ascii(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._answer_then_close()  # as plain HTTP; what follows might be another protocol
        except httptools.HttpParserError:
            self._refuse(self.fault)
        else:
            if self.unused_bytes > self.limits.head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def eof_received(self) -> bool | None:  # type: ignore[override]  # asyncio allows True, uvicorn's annotation does not
        """Answer a client that only stopped sending; True keeps the connection open for it.

        In the midst of an answer it counts as gone: a stream might never find out otherwise.
        """
        if self._is_answering() or self.phase is Phase.BODY:
            return None
        if self.phase is not Phase.LAST and not self._owes_answer():
            return None
        self._answer_then_close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the running application, and start those queued pings whose head was whole."""
        super().connection_lost(exc)
        if self.running is not None and not self.running.response_complete:
            _break_off(self.running)
        while self.pipeline:
            cycle, app = self.pipeline.pop()
            if cycle.scope["path"].startswith(_ALWAYS):
                _break_off(cycle)
                self._start_asgi_task(cycle, app)

    def shutdown(self) -> None:
        """Close when nothing is owed; else give a body that is under way a moment."""
        super().shutdown()
        if self.phase is Phase.REFUSED:
            self.transport.abort()
        elif self.phase is Phase.BODY:
            self.body_until = self.deadline = self.clock.monotonic() + self.limits.drain_s

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        if self.phase is not Phase.HEAD:
            self._enter(Phase.HEAD, self.limits.head_s)
        self.fault = HTTPStatus.BAD_REQUEST
        self.head_bytes = self.unused_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request target."""
        self.head_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header line; those behind a chunked body are dropped (RFC 9110, 6.5.1)."""
        if self.phase is Phase.HEAD:
            self.head_bytes += len(name) + len(value) + len(": \r\n")
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request to the application, unless its head is at fault."""
        fault = self._head_fault()
        if fault is not None:
            self.fault = fault
            raise ValueError(fault.phrase)  # comes back out of the parser as HttpParserError
        super().on_headers_complete()
        self.unused_bytes = 0
        self._enter(Phase.BODY, self.limits.stall_s)
        self.body_until = self.clock.monotonic() + self.limits.body_s

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        super().on_body(body)
        self.unused_bytes = 0
        self.deadline = min(self.clock.monotonic() + self.limits.stall_s, self.body_until)

    def on_message_complete(self) -> None:
        """End the request's body."""
        super().on_message_complete()
        self.unused_bytes = 0
        self.in_request_line = True
        if self._owes_answer():
            self._enter(Phase.ANSWER, inf)
        else:
            self._enter(Phase.IDLE, self.limits.idle_s)

    # The application's answers

    def on_response_complete(self) -> None:
        """Start the next request of the pipeline, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            if cycle.disconnected:
                self.transport.close()
        elif self.phase is Phase.ANSWER:
            self._enter(Phase.IDLE, self.limits.idle_s)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, _with_last_words(cycle, app))

    def _should_upgrade(self) -> bool:
        return False

    # Deadlines

    def expire(self, now: float) -> None:
        """Cut the connection if it outstayed its deadline at `now`, monotonic."""
        if self._is_unread(now):
            self.transport.abort()
        elif self.flow.read_paused:  # it is we who do not read
            self.deadline = max(self.deadline, now + self.limits.stall_s)
        elif now < self.deadline or self.transport.is_closing():
            return
        elif self.phase is Phase.REFUSED:
            self.transport.abort()
        elif self.phase is Phase.HEAD and (self.head_bytes or self._owes_answer()):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _is_unread(self, now: float) -> bool:
        """Whether the client took nothing of a waiting answer for too long."""
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes == 0 or unsent_bytes != self.unsent_bytes:
            self.unsent_bytes, self.unsent_since = unsent_bytes, now
        return now - self.unsent_since > self.limits.unread_s

    def _sweep(self) -> "Sweep":
        if self.server_state not in _sweeps:
            sweep = Sweep(self.connections, self.clock, self.limits.sweep_s)
            _sweeps[self.server_state] = sweep
        return _sweeps[self.server_state]

    def _enter(self, phase: Phase, allowed_s: float) -> None:
        self.phase = phase
        self.deadline = self.clock.monotonic() + allowed_s

    def _in_ascii(self, data: bytes) -> bytes:
        """Percent-encode what curl sends as typed and the parser takes for no address at all."""
        line, newline, rest = data.partition(b"\n")
        self.in_request_line = not newline
        if line.isascii():
            return data
        return _NOT_ASCII.sub(lambda byte: b"%%%02X" % byte[0][0], line) + newline + rest

    # Hanging up

    def _head_fault(self) -> HTTPStatus | None:
        if self.head_bytes > self.limits.head_bytes:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        return head_fault(self.parser.get_http_version(), self.headers)

    def _owes_answer(self) -> bool:
        """Whether someone still waits for an answer to the newest request."""
        cycle = self.cycle
        return cycle is not None and not (cycle.response_complete or cycle.disconnected)

    def _is_answering(self) -> bool:
        cycle = self.running
        return cycle is not None and cycle.response_started and not cycle.response_complete

    def _refuse(self, status: HTTPStatus) -> None:
        """Say why and hang up; but answers owed come first, in order, and then nothing."""
        if self._owes_answer() and not self.cycle.more_body:
            self._answer_then_close()
        elif self.phase is Phase.BODY and not self._is_answerable():
            self._close_behind_pipeline()
        else:
            self.transport.write(self._refusal(status))
            self._linger()

    def _is_answerable(self) -> bool:
        """Break off the request whose body is at fault; true if a refusal can be its answer."""
        if self._owes_answer():
            _break_off(self.cycle)
        return self.cycle is self.running and not self.cycle.response_started

    def _answer_then_close(self) -> None:
        if self._owes_answer():
            self.cycle.keep_alive = False
            self._enter(Phase.LAST, inf)
        else:
            self.transport.close()

    def _close_behind_pipeline(self) -> None:
        if self.pipeline:
            self._enter(Phase.LAST, inf)
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Close our half and drop what still comes: a reset would take the refusal with it."""
        self._enter(Phase.REFUSED, self.limits.linger_s)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _refusal(self, status: HTTPStatus) -> bytes:
        text = f"{status.phrase}\n".encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(text)).encode()),
            (b"connection", b"close"),
        ]
        lines = [name + b": " + value for name, value in headers]
        first = f"HTTP/1.1 {status.value} {status.phrase}".encode()
        return b"\r\n".join([first, *lines, b"", text])


def head_fault(version: str, headers: list[tuple[bytes, bytes]]) -> HTTPStatus | None:
    """Return what is wrong with a head the parser let pass, None if nothing.

    The parser itself refuses two lengths, bare LF, folded lines, control bytes and spaces before
    a colon. Left are RFC 9112, 3.2 (one Host) and 6.1 (no Transfer-Encoding in HTTP/1.0, and
    none but chunked).
    """
    hosts = [value for name, value in headers if name == b"host"]
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if version not in ("1.0", "1.1"):
        return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
    if len(hosts) > 1 or (version == "1.1" and not hosts):
        return HTTPStatus.BAD_REQUEST
    if hosts and not _HOST.fullmatch(hosts[0]):
        return HTTPStatus.BAD_REQUEST
    if codings and (version == "1.0" or codings != [b"chunked"]):
        return HTTPStatus.BAD_REQUEST
    return None


def _break_off(cycle: RequestResponseCycle) -> None:
    """Let the application of `cycle` see that no more comes and nobody listens."""
    cycle.disconnected = True
    cycle.waiting_for_100_continue = False
    cycle.message_event.set()


def _with_last_words(cycle: RequestResponseCycle, app: ASGI3Application) -> ASGI3Application:
    """Give the application the body received before a disconnect, which uvicorn drops; and end it
    without a word where it is cut in the midst of its answer."""

    async def serve(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def hear() -> ASGIReceiveEvent:
            message = await receive()
            if message["type"] != "http.disconnect" or not cycle.body or cycle.response_complete:
                return message
            body, cycle.body = bytes(cycle.body), bytearray()
            return {"type": "http.request", "body": body, "more_body": cycle.more_body}

        try:
            await app(scope, hear, send)
        except asyncio.CancelledError:  # the server stops; a slow download is no fault to log
            if not cycle.response_started:
                raise
            _break_off(cycle)
            cycle.transport.close()

    return serve


class Sweep:
    """The one timer of a server: looks at every connection's deadline, while there are any."""

    def __init__(self, connections: set[Any], clock: Clock, every_s: float) -> None:
        self._connections = connections
        self._clock = clock
        self._every_s = every_s
        self._timer: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Look in `every_s`, unless that is due already."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._every_s, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._clock.monotonic()
        for connection in list(self._connections):
            connection.expire(now)
        if self._connections:
            self.arm()


_sweeps: WeakKeyDictionary[ServerState, Sweep] = WeakKeyDictionary()


class Server(uvicorn.Server):
    """uvicorn's server without its signal handlers: whoever assembles the process owns those."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signals alone."""
        yield

    @contextlib.asynccontextmanager
    async def serving(self, bound: socket.socket) -> AsyncIterator["asyncio.Task[None]"]:
        """Answer inside the block; leave it as soon as requests under way are answered."""
        task = asyncio.create_task(self.serve(sockets=[bound]))
        try:
            yield task
        finally:
            self.should_exit = True
            await task


def server(
    app: Callable[..., Awaitable[None]],
    host: str,
    port: int,
    limits: EdgeLimits | None = None,
    clock: Clock | None = None,
    graceful_s: int = 5,
) -> Server:
    """Return a server of `app` for a loop of the caller's choice."""
    own = {"limits": limits or EdgeLimits(), "clock": clock or SystemClock()}
    bound = type("BoundEdge", (EdgeProtocol,), own)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=bound,
        ws="none",
        loop="none",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=graceful_s,
    )
    return Server(config)
