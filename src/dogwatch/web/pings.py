"""The hot path: a raw ASGI application for `/ping/…` in front of everything else."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from math import ceil
from typing import Any

from dogwatch.clock import Clock
from dogwatch.core.ping import NOWHERE, Answer, Collector, Heard, heard_at, read_path
from dogwatch.core.problems import Problem
from dogwatch.usecases.limiting import Limiter, longest_wait_s, unknown_ping_windows
from dogwatch.web.inbox import PingInbox
from dogwatch.web.origin import Network, origin_of

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

USER_AGENT_LENGTH = 200

# As long as the ping tokens of CronBeats, CronPulse, CronOwl, CronMonitor, the ids of CronPulse's
# jobs, and the tokens of Healthchecks.
FOREIGN = frozenset({8, 9, 10, 12, 25, 36})
_PREFIX = "/ping/"
_METHODS = b"GET, POST, HEAD"
_WORDS = {
    Answer.RECORDED: (200, b"OK"),
    Answer.CREATED: (201, b"Created"),
    Answer.UNKNOWN: (404, b"not found"),
    Answer.AMBIGUOUS: (409, b"ambiguous: several watches have this name, ping one by its own key"),
}


class Pings:
    """Answers GET, POST and HEAD on `/ping/…` once the inbox has; the rest is `next_app`'s.

    A request with a complete head always counts, whatever becomes of its body or its client.
    Every path passes through the inbox, so that a 404 takes as long whatever its reason; and a
    known key counts from wherever it comes, too many unknown ones from there or not.
    """

    def __init__(
        self,
        inbox: PingInbox,
        clock: Clock,
        next_app: App,
        trusted_proxies: Sequence[Network] = (),
        body_limit_bytes: int = 10_000,
        unknown: Limiter | None = None,
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self._next_app = next_app
        self._trusted_proxies = tuple(trusted_proxies)
        self._body_limit_bytes = body_limit_bytes
        self._unknown = unknown
        limit = str(body_limit_bytes).encode()
        self._headers: Headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"access-control-allow-origin", b"*"),
            (b"ping-body-limit", limit),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http" or not is_ping(scope["path"]):
            await self._next_app(scope, receive, send)
        elif scope["method"] in ("GET", "POST", "HEAD"):
            await self._ping(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await self._answer(send, 204, b"", (b"access-control-allow-methods", _METHODS))
        else:
            await self._answer(send, 405, b"method not allowed", (b"allow", _METHODS))

    async def _ping(self, scope: Scope, receive: Receive, send: Send) -> None:
        arrived_at = self._clock.now()
        body = await collected(receive, self._body_limit_bytes)
        try:
            heard = self._heard(scope, body, arrived_at)
            answer = await self._inbox.put(heard)
        except Exception as error:
            await self._refuse(send, error)
        else:
            wait_s = await unknown_wait_s(self._unknown, answer, heard.remote_ip)
            if wait_s:
                await self._answer(send, 429, b"too many unknown keys", retry_after(wait_s))
            else:
                await self._answer(send, *_WORDS[answer])

    def _heard(self, scope: Scope, body: Collector, arrived_at: datetime) -> Heard:
        target = read_path(scope["path"], scope["query_string"]) or NOWHERE
        origin = origin_of(scope, self._trusted_proxies)
        return target.heard(
            body=body.text() if body.total else "",
            body_bytes=body.total,
            method=scope["method"],
            scheme=origin.scheme,
            user_agent=user_agent(scope["headers"]),
            remote_ip=origin.ip,
            at=heard_at(target.at, arrived_at),
        )

    async def _refuse(self, send: Send, error: Exception) -> None:
        wait_s = (error.retry_after_s if isinstance(error, Problem) else None) or 5
        text = b"The ping was NOT recorded: the server cannot store it now. Send it again."
        await self._answer(send, 503, text, retry_after(wait_s))

    async def _answer(
        self, send: Send, status: int, text: bytes, *headers: tuple[bytes, bytes]
    ) -> None:
        length = [] if status == 204 else [(b"content-length", str(len(text)).encode())]
        every = [*self._headers, *length, *headers]
        await send({"type": "http.response.start", "status": status, "headers": every})
        await send({"type": "http.response.body", "body": text})


def is_ping(path: str) -> bool:
    """Whether a path is one of our own pings; keys of some lengths have the look of a dialect's."""
    return path.startswith(_PREFIX) and len(path[len(_PREFIX) :].partition("/")[0]) not in FOREIGN


async def collected(receive: Receive, limit_bytes: int) -> Collector:
    """Read a body to its end, or to the point where the client went or stalled."""
    body = Collector(limit_bytes)
    more = True
    while more:
        message = await receive()
        if piece := message.get("body"):
            body.add(piece)
        more = message["type"] == "http.request" and message.get("more_body", False)
    return body


async def unknown_wait_s(unknown: Limiter | None, answer: Answer, ip: str) -> float:
    """Count a key that nobody knows; return how long its sender must wait, 0 while few."""
    if unknown is None or answer is not Answer.UNKNOWN:
        return 0
    return longest_wait_s(await unknown.spend(unknown_ping_windows(ip)))


def retry_after(wait_s: float) -> tuple[bytes, bytes]:
    """Return the header that tells when to send again."""
    return b"retry-after", str(max(1, ceil(wait_s))).encode()


def user_agent(headers: Headers) -> str:
    """Return what a client says it is, as it is kept."""
    for name, value in headers:
        if name == b"user-agent":
            return value.decode("utf-8", "replace").replace("\0", "")[:USER_AGENT_LENGTH]
    return ""
