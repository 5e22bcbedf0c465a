"""A small client that calls an ASGI application in this process."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

from dogwatch.web.pings import App

DEADLINE_S = 20.0


@dataclass(frozen=True)
class Answer:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def faults(self) -> dict[str, str]:
        """The bad fields of a problem."""
        assert self.headers["content-type"] == "application/problem+json"
        return {fault["field"]: fault["message"] for fault in self.json["errors"]}


@dataclass
class Exchange:
    """One request in flight: what the application sent so far, and when the client goes."""

    chunks: list[bytes]
    messages: asyncio.Queue[Mapping[str, Any]] = field(default_factory=asyncio.Queue)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> dict[str, Any]:
        if self.chunks:
            piece = self.chunks.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self.chunks)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.messages.put(message)


@dataclass(frozen=True)
class Client:
    """Calls `app` with the key `token`, as bearer or in `token_header`; paths are below `base`."""

    app: App
    token: str | None = None
    base: str = ""
    token_header: str = ""

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Send a request and return the whole answer."""
        return asyncio.run(self.send(method, path, body, **options))

    def get(self, path: str, **query: Any) -> Answer:
        return self("GET", path, query=query)

    async def send(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        exchange, task = self._begin(method, path, body, **options)
        await asyncio.wait_for(task, DEADLINE_S)
        start = exchange.messages.get_nowait()
        rest = [exchange.messages.get_nowait() for _ in range(exchange.messages.qsize())]
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        cookies = tuple(v.decode() for name, v in start["headers"] if name == b"set-cookie")
        body = b"".join(one.get("body", b"") for one in rest)
        return Answer(start["status"], headers, body, cookies)

    async def stream(self, path: str, **options: Any) -> AsyncGenerator[str, None]:
        """Yield what a stream sends, piece by piece; leaving the loop disconnects."""
        exchange, task = self._begin("GET", path, **options)
        try:
            start = await asyncio.wait_for(exchange.messages.get(), DEADLINE_S)
            assert start["status"] == 200
            more = True
            while more:
                message = await asyncio.wait_for(exchange.messages.get(), DEADLINE_S)
                more = message.get("more_body", False)
                if piece := message["body"]:
                    yield piece.decode()
        finally:
            exchange.gone.set()
            await asyncio.wait_for(task, DEADLINE_S)

    def _begin(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Exchange, asyncio.Task[None]]:
        raw = body if isinstance(body, bytes) else b"" if body is None else _encoded(body)
        given = {"content-type": "application/json", "content-length": str(len(raw))}
        if self.token and self.token_header:
            given[self.token_header] = self.token
        elif self.token:
            given["authorization"] = f"Bearer {self.token}"
        given |= dict(headers or {})
        path = self.base + quote(path, safe="/%")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode(errors="replace"),
            "raw_path": path.encode(),
            "query_string": urlencode(query or {}, doseq=True).encode(),
            "root_path": "",
            "headers": [(n.encode(), value.encode("latin-1")) for n, value in given.items()],
            "client": ("127.0.0.1", 5000),
            "server": ("127.0.0.1", 8000),
        }
        pieces = [raw[at : at + 65_536] for at in range(0, len(raw), 65_536)] or [b""]
        exchange = Exchange(pieces)
        task = asyncio.ensure_future(self.app(scope, exchange.receive, exchange.send))
        return exchange, task


def _encoded(body: Any) -> bytes:
    return json.dumps(body).encode()
