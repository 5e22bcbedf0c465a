"""Pings of the dialects: their paths and answers, in front of what is behind them.

Any ping path finds any key, and the answer has the form of the dialect whose look the key has.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from typing import Any, TypeVar

from dogwatch.clock import Clock
from dogwatch.core.ping import NOWHERE, Answer, Collector, Heard, Target, heard_at, keep
from dogwatch.core.problems import Problem
from dogwatch.usecases.door import Door
from dogwatch.usecases.limiting import Asked, Limiter, longest_wait_s
from dogwatch.web.inbox import PingInbox
from dogwatch.web.origin import Network, origin_of
from dogwatch.web.pings import (
    App,
    Receive,
    Scope,
    Send,
    collected,
    retry_after,
    unknown_wait_s,
    user_agent,
)

# How long a look at what is known of a watch may take; a ping itself is kept without it.
PATIENCE_S = 3.0
METHODS = "GET, POST, HEAD"
# How much is read of a body that may be JSON, which says nothing once it is cut.
MOST_JSON_BYTES = 1024 * 1024

T = TypeVar("T")

_log = logging.getLogger("dogwatch.pings")


@dataclass(frozen=True, slots=True)
class Knock:
    """A ping as it arrived: `path` from `/ping/` on, as a rule, and `body` as text."""

    path: str
    query: bytes
    body: str
    at: datetime
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a ping, and how long that took; `door` leads to what is known of its watch,
    None where the database is waited for."""

    answer: Answer
    took_ms: float
    door: Door | None


@dataclass(frozen=True, slots=True)
class Said:
    """What is answered to a ping."""

    status: int
    media_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PingForm:
    """How a dialect is pinged. `reads` says whether a path is of its form, `target` whom and what
    such a ping means (None: it means nothing), and `said` words what became of it; `refused`
    words that it was not recorded, with status 405, 429 or 503. `before` is done before it is
    recorded, and says what it means in the end.

    `windows` are those of an address that pings, and `limited` words, with the seconds to wait,
    that one is spent or that too many keys were wrong: a ping with a good key is recorded all the
    same. `most_bytes` of a body are read where that is more than of others; `limit_header` tells
    how many are kept.
    """

    name: str
    reads: Callable[[str], bool]
    target: Callable[[Knock], Target | None]
    said: Callable[[Knock, Target, Became], Awaitable[Said]]
    refused: Callable[[int], Said]
    before: Callable[[Target, Knock, Door], Awaitable[Target]] | None = None
    windows: Callable[[str], Sequence[Asked]] | None = None
    limited: Callable[[int], Said] | None = None
    most_bytes: int = 0
    limit_header: str = ""

    def waiting(self, wait_s: float) -> Said:
        """Word that the sender is to wait."""
        return self.limited(max(1, ceil(wait_s))) if self.limited else self.refused(429)


class DialectPings:
    """Answers the pings of dialects once the inbox has; the rest is `next_app`'s.

    `mounts` are the paths below which a dialect lives; there, a key of whatever length that nobody
    has is its own to answer. A request with a complete head counts.
    """

    def __init__(
        self,
        forms: Sequence[PingForm],
        mounts: Mapping[str, PingForm | None],
        inbox: PingInbox,
        door: Door | None,
        clock: Clock,
        next_app: App,
        trusted_proxies: Sequence[Network] = (),
        body_limit_bytes: int = 10_000,
        unknown: Limiter | None = None,
    ) -> None:
        self._forms = forms
        self._mounts = mounts
        self._inbox = inbox
        self._door = door
        self._clock = clock
        self._next_app = next_app
        self._trusted_proxies = tuple(trusted_proxies)
        self._body_limit_bytes = body_limit_bytes
        self._unknown = unknown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        mount, path = self._below(scope["path"]) if scope["type"] == "http" else ("", "")
        form = self._form(mount, path)
        if form is None:
            await self._next_app(scope, receive, send)
            return
        asked = self._mounts.get(mount) or form
        if scope["method"] in METHODS.split(", "):
            await self._ping(form, asked, path, scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await _send(send, Said(204, "text/plain", b"", _ALLOWED), 0, head=False)
        else:
            said = asked.refused(405)
            await _send(send, replace(said, headers={**said.headers, "Allow": METHODS}), 0)

    def _below(self, path: str) -> tuple[str, str]:
        """Return the mount of a dialect and the path below it; that of a ping without `/api`."""
        mount, slash, rest = path[1:].partition("/")
        mounted = mount in self._mounts
        below = f"{slash}{rest}" if mounted else path
        own = below.removeprefix("/api") if below.startswith("/api/ping/") else below
        return mount if mounted else "", own

    def _form(self, mount: str, path: str) -> PingForm | None:
        """Return what answers a ping; None where a path is none."""
        for form in self._forms if path else ():
            if form.reads(path):
                return form
        return self._mounts.get(mount) if path.startswith("/ping/") else None

    async def _ping(
        self,
        form: PingForm,
        asked: PingForm,
        path: str,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer a ping of a form; `asked` is the dialect that words a key which nobody has."""
        at, began_s = self._clock.now(), self._clock.monotonic()
        body = await collected(receive, max(self._body_limit_bytes, form.most_bytes))
        text = body.text() if body.total else ""
        knock = Knock(path, scope["query_string"], text, at, scope["method"])
        target = form.target(knock) or NOWHERE
        try:
            target = await self._meant(form, target, knock)
            heard = self._heard(target, knock, scope, body)
            answer = await self._inbox.put(heard)
            if answer is Answer.UNKNOWN and asked is not form:
                form, target = asked, asked.target(knock) or NOWHERE
            wait_s = max(
                await unknown_wait_s(self._unknown, answer, heard.remote_ip),
                await _window_wait_s(self._unknown, form, heard.remote_ip),
            )
            took_ms = (self._clock.monotonic() - began_s) * 1000
            if wait_s:
                said = form.waiting(wait_s)
            else:
                said = await self._worded(form, knock, target, Became(answer, took_ms, self._door))
        except Exception as error:
            if not isinstance(error, Problem):
                _log.error("a ping of %s was not answered: %s", form.name, type(error).__name__)
            wait_s = (error.retry_after_s if isinstance(error, Problem) else None) or 5
            said = form.refused(503)
        if form.limit_header:
            limit = {form.limit_header: str(self._body_limit_bytes)}
            said = replace(said, headers={**said.headers, **limit})
        await _send(send, said, wait_s, head=scope["method"] == "HEAD")

    async def _meant(self, form: PingForm, target: Target, knock: Knock) -> Target:
        """Return what a ping means to its watch; by itself, where the database is away."""
        if form.before is None or self._door is None:
            return target
        known = await _unless_away(form.before(target, knock, self._door))
        return known or target

    async def _worded(self, form: PingForm, knock: Knock, target: Target, became: Became) -> Said:
        """Word what became of a ping, with less to tell where the database is away."""
        said = await _unless_away(form.said(knock, target, became))
        return said or await form.said(knock, target, replace(became, door=None))

    def _heard(self, target: Target, knock: Knock, scope: Scope, body: Collector) -> Heard:
        origin, limit = origin_of(scope, self._trusted_proxies), self._body_limit_bytes
        text = None if target.text is None else target.text.encode(errors="replace")
        return target.heard(
            body=body.text(limit) if text is None else keep(text, limit, len(text)),
            body_bytes=body.total,
            method=scope["method"],
            scheme=origin.scheme,
            user_agent=user_agent(scope["headers"]),
            remote_ip=origin.ip,
            at=heard_at(target.at, knock.at),
        )


async def _unless_away(look: Awaitable[T]) -> T | None:
    """Await a look at the database; None where that is away or stalls."""
    try:
        return await asyncio.wait_for(look, PATIENCE_S)
    except TimeoutError:
        return None
    except Problem as problem:
        if problem.kind != "away":
            raise
        return None


async def _window_wait_s(limiter: Limiter | None, form: PingForm, ip: str) -> float:
    """Count a ping by its address; return how long its sender must wait, 0 while few."""
    if limiter is None or form.windows is None:
        return 0
    spent = await _unless_away(limiter.spend(form.windows(ip)))  # a kept ping is not refused
    return longest_wait_s(spent or ())


async def _send(send: Send, said: Said, wait_s: float, *, head: bool = False) -> None:
    headers = [
        *((name.lower().encode(), value.encode()) for name, value in said.headers.items()),
        (b"content-type", said.media_type.encode()),
        *([(b"content-length", str(len(said.body)).encode())] if said.status != 204 else []),
        (b"cache-control", b"no-store"),
        *([retry_after(wait_s)] if wait_s else []),
    ]
    await send({"type": "http.response.start", "status": said.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else said.body})


_ALLOWED = {"access-control-allow-origin": "*", "access-control-allow-methods": METHODS}


def object_of(body: str) -> dict[str, Any] | None:
    """Return the JSON object that a body is, with a mark of its byte order before it or without;
    None where it is none."""
    try:
        said = json.loads(body.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def json_said(status: int, body: Mapping[str, Any]) -> Said:
    """Return an answer in JSON."""
    return Said(status, "application/json", json.dumps(body).encode())
