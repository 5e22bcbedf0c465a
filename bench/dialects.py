"""Each dialect's list of 50 and its create, against the bare framework with the same bytes.

The application is called in this process, on SQLite, one call after the other: what is measured is
the dialect and all below it, without the HTTP server that both sides share. Healthchecks itself is
on no package index, so there is no figure of its own beside these.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from fastapi import FastAPI, Response

from bench.table import Row
from bench.turns import Sample, in_turns
from dogwatch.boot.store import Store, opened
from dogwatch.config import load
from dogwatch.core.dialects import DIALECTS
from dogwatch.usecases import keys, pings, workspaces
from dogwatch.usecases.callers import host
from dogwatch.web.app import build
from dogwatch.web.pings import App
from dogwatch.web.services import Services
from tests.web.asgi_client import Client

LISTED, CALLS = 50, 30
PULSE = {
    "name": "Bench", "url": "https://x.example", "method": "GET", "schedule": "0 2 * * *",
}  # fmt: skip


class Asked(NamedTuple):
    """How a dialect lists and makes."""

    listing: str
    making: str
    body: dict[str, Any]


ASKED = {
    "cronbeats": Asked(
        "/api/v1/jobs?per_page=50", "/api/v1/jobs",
        {"name": "Bench", "expected_interval_seconds": 3600},
    ),
    "cronium": Asked(
        "/api/events?limit=50", "/api/events",
        {"name": "Bench", "type": "HTTP_REQUEST", "httpUrl": "https://x.example"},
    ),
    "cronmonitor": Asked(
        "/api/v1/monitors?per_page=50", "/api/v1/monitors",
        {"name": "Bench", "schedule": "0 2 * * *"},
    ),
    "cronowl": Asked("/api/v1/checks?limit=50", "/api/v1/checks", {"name": "Bench"}),
    "cronpulse": Asked("/api/v1/jobs", "/api/v1/jobs", PULSE),
    "healthchecks": Asked("/api/v3/checks/", "/api/v3/checks/", {"name": "Bench"}),
}  # fmt: skip


def rows() -> Iterator[Row]:
    """Measure each dialect on a store of its own."""
    for name, asked in ASKED.items():
        with (
            tempfile.TemporaryDirectory(prefix="dogwatch-bench-") as folder,
            opened(load({"data": folder}, {})) as store,
        ):
            yield from _measured(name, asked, store)


def _measured(name: str, asked: Asked, store: Store) -> Iterator[Row]:
    client, body = _client(name, store), dict(asked.body)
    if name == "cronpulse":
        project = {"name": "Bench", "url": "https://x.example"}
        body["projectId"] = client("POST", "/api/v1/projects", project).json["id"]
    for _ in range(LISTED):
        made = client("POST", asked.making, body)
        assert made.status in (200, 201), made.text
    path, _, query = asked.listing.partition("?")
    given = dict([query.split("=")]) if query else {}
    listed = client("GET", path, query=given)
    sides: tuple[tuple[str, str, str, dict[str, str], Any, bytes], ...] = (
        ("list of 50", "GET", path, given, None, listed.body),
        ("create", "POST", asked.making, {}, body, made.body),
    )
    for what, method, place, asked_for, sent, answer in sides:
        bare = Client(_bare(method, answer))
        found = in_turns({
            "ours": _timed(client, method, place, asked_for, sent),
            "bare": _timed(bare, method, "/", {}, sent),
        }, rounds=3)  # fmt: skip
        title = f"{DIALECTS[name].title}: {what}"
        yield Row(title, found["ours"].rate, "the bare framework", found["bare"].rate)


def _client(name: str, store: Store) -> Client:
    at, dialect = store.clock.now(), DIALECTS[name]
    home = store.database.write(lambda tx: workspaces.first(tx, at)).result()
    made = store.database.write(
        lambda tx: keys.make(
            tx, host(home.id), "bench", dialect.scopes, store.vault, at, dialect=name
        )
    ).result()
    services = Services(
        door=store.database, clock=store.clock, vault=store.vault, base_url="http://bench/",
        record_pings=lambda batch: store.database.awrite(
            lambda tx: pings.record(tx, batch, store.clock.now())
        ),
        stopping=asyncio.Event(), dialect=store.database.dialect,
    )  # fmt: skip
    bearer = name in ("cronium", "cronmonitor", "cronowl")
    header = "" if bearer else "x-api-key"
    return Client(build(services), made.token, f"/{dialect.mount}", header)


def _bare(method: str, answer: bytes) -> App:
    """Return FastAPI with one route, which says these bytes."""
    app = FastAPI()

    async def said() -> Response:
        return Response(answer, media_type="application/json")

    app.add_api_route("/", said, methods=[method])
    return app  # type: ignore[return-value]  # an ASGI application, whose types are its own


def _timed(
    client: Client, method: str, path: str, query: dict[str, str], body: Any
) -> Callable[[], Sample]:
    async def calls() -> float:
        began_s = time.perf_counter()
        for _ in range(CALLS):
            answer = await client.send(method, path, body, query=query)
            assert answer.status < 300
        return time.perf_counter() - began_s

    return lambda: Sample(CALLS / asyncio.run(calls()))
