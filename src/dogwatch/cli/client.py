"""A thin client of our own server: the one place besides egress that opens a connection."""

import json
import ssl
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from dogwatch.cli.exits import kind_of
from dogwatch.cli.session import Session
from dogwatch.core.problems import Problem

DEFAULT_SERVER = "http://127.0.0.1:8000"
_LONGEST_PAGE = 200
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to wait for a connection, and then for each answer."""

    connect_s: float = 10.0
    answer_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    body: bytes


@contextmanager
def _exchange(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, limits: Limits
) -> Iterator[HTTPResponse]:
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    connection = _connection(parts, limits.connect_s)
    try:
        connection.connect()
        connection.sock.settimeout(limits.answer_s)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body, dict(headers))
        yield connection.getresponse()
    except (OSError, HTTPException) as error:
        raise Problem("away", f"no answer from {origin} ({_reason(error)}); is it up?") from error
    finally:
        connection.close()


def _connection(parts: SplitResult, timeout_s: float) -> HTTPConnection:
    host, port = _host_and_port(parts)
    if parts.scheme == "http":
        return HTTPConnection(host, port, timeout=timeout_s)
    context = ssl.create_default_context()
    return HTTPSConnection(host, port, timeout=timeout_s, context=context)


def _host_and_port(parts: SplitResult) -> tuple[str, int | None]:
    try:
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts.hostname, parts.port
    except ValueError:
        pass  # the port is no number
    host = (parts.netloc or parts.geturl().partition("/")[0]).rpartition("@")[2]
    shown = f"{parts.scheme}://{host}" if parts.netloc else host
    raise Problem("invalid", f"{shown} is not a server's address; give http://HOST:PORT")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def ask(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, limits: Limits
) -> Answer:
    """Return the answer whatever its status; Problem away without an answer."""
    with _exchange(method, url, headers, body, limits) as response:
        return Answer(response.status, response.read())


def post(url: str, headers: Mapping[str, str], body: bytes, limits: Limits) -> Answer:
    """Post bytes and return the answer whatever its status; Problem away without an answer."""
    return ask("POST", url, headers, body, limits)


@dataclass(frozen=True, slots=True)
class Api:
    """The native API of one server; failures are Problems worded by the server."""

    server: str
    key: str | None
    limits: Limits = Limits()

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON at a path below /api/v1."""
        return self.send("GET", path, query=query)

    def send(self, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        """Send JSON and return the JSON of the answer, None when it has none."""
        with self._open(method, path, body, query) as response:
            text = response.read()
        return _decoded(text, self.server) if text else None

    def text(self, path: str) -> str:
        """Return the text at a path."""
        with self._open("GET", path) as response:
            return response.read().decode("utf-8", "replace")

    def pages(self, path: str, limit: int = sys.maxsize, **query: Any) -> list[Any]:
        """Return all items, or up to `limit`, following next_cursor."""
        found: list[Any] = []
        cursor: str | None = None
        while len(found) < limit:
            size = min(limit - len(found), 100)
            page = self.get(path, **query, limit=size, cursor=cursor)
            found += page["data"]
            cursor = page.get("next_cursor")
            if not cursor or not page["data"]:
                break
        return found[:limit]

    def events(self, path: str) -> Iterator[tuple[str, Any]]:
        """Yield the (name, data) of server-sent events until the stream ends."""
        with self._open("GET", path, accept="text/event-stream") as response:
            yield from _events(response)

    @contextmanager
    def _open(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Any = None,
        accept: str = "application/json",
    ) -> Iterator[HTTPResponse]:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = f"{self.server}/api/v1{quote(path, errors='replace')}" + (
            f"?{urlencode(given, errors='replace')}" if given else ""
        )
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept, "Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        with _exchange(method, url, headers, sent, self.limits) as response:
            if response.status >= 300:
                raise refusal(response.status, response.read())
            yield response


def _decoded(text: bytes, server: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Problem("away", f"{server} does not answer like a Dogwatch server") from None


def _events(response: HTTPResponse) -> Iterator[tuple[str, Any]]:
    """Read server-sent events (WHATWG HTML, 9.2.6): fields by line, a blank line ends one."""
    name, data = "message", list[str]()
    for raw in response:
        field, _, value = raw.decode("utf-8", "replace").rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif not field and data and not value:
            yield name, json.loads("\n".join(data))
            name, data = "message", []


def refusal(status: int, body: bytes) -> Problem:
    """Return the Problem that an answer of 300 or more stands for."""
    try:
        told = json.loads(body)
        errors = {item["field"]: item["message"] for item in told.get("errors") or []}
        message = told.get("detail") or told.get("title") or f"the server answered {status}"
    except (ValueError, TypeError, KeyError, AttributeError):
        errors, message = {}, f"the server answered {status}"
    more = {field: why for field, why in errors.items() if why not in message}
    lines = [message, *(f"  {field}: {why}" for field, why in more.items())]
    if status == 401:
        lines.append("  set DOGWATCH_KEY (make one with `dogwatch key new --name me --scopes '*'`)")
    return Problem(kind_of(status), "\n".join(lines), errors)


def server_of(session: Session) -> str:
    """Return the server's base address: option, DOGWATCH_SERVER, DATA/server.url, default.

    A data directory that was named and has none is a Problem: whoever listens at the default
    address is somebody else.
    """
    named = session.server or session.environ.get("DOGWATCH_SERVER")
    found = named or _line(session, "server.url")
    if not found and (session.data or session.environ.get("DOGWATCH_DATA")):
        raise Problem(
            "away",
            f"no server has run on {session.data_dir}; start one there by `dogwatch up`, "
            "or give --server URL",
        )
    return (found or DEFAULT_SERVER).rstrip("/")


def connect(session: Session, limits: Limits = Limits()) -> Api:
    """Return the API of the session's server with DOGWATCH_KEY, else DATA/cli.key.

    The key file belongs to the data directory's own server: no other host is shown it.
    """
    server = server_of(session)
    key = session.environ.get("DOGWATCH_KEY") or None
    own = server == (_line(session, "server.url") or "").rstrip("/")
    if not key and (own or urlsplit(server).hostname in _LOOPBACK):
        key = _line(session, "cli.key")
    return Api(server, key, limits)


def slugs(api: Api, items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the slugs of the watches that items are about, by `watch_id`.

    Several are looked up by one question; those that its answer has no room for are asked alone.
    """
    ids = dict.fromkeys(item["watch_id"] for item in items if item.get("watch_id"))
    listed = _shown(api, "/watches", limit=_LONGEST_PAGE) if len(ids) > 1 else None
    named = {one["id"]: one["slug"] for one in listed["data"]} if listed else {}
    return {watch_id: named.get(watch_id) or _slug(api, watch_id) for watch_id in ids}


def _slug(api: Api, watch_id: str) -> str:
    found = _shown(api, f"/watches/{watch_id}")
    return str(found["slug"]) if found else "–"


def _shown(api: Api, path: str, **query: Any) -> Any:
    """Return the JSON at a path, None for what was deleted meanwhile or is not ours to read."""
    try:
        return api.get(path, **query)
    except Problem as problem:
        if problem.kind in ("not_found", "refused"):
            return None
        raise


def _line(session: Session, name: str) -> str | None:
    try:
        return (session.data_dir / name).read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None
