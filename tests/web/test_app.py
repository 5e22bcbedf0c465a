"""What stands around the API: pings, health, metrics, pages."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from dogwatch import __version__
from dogwatch.clock import SystemClock
from dogwatch.core.ping import Answer as PingAnswer
from dogwatch.core.ping import Heard
from dogwatch.core.problems import Problem
from dogwatch.store import nodes
from dogwatch.store.database import Database
from dogwatch.vault import Vault
from dogwatch.web.app import Services, build
from tests.web.asgi_client import Client


async def known(batch: Sequence[Heard]) -> Sequence[PingAnswer]:
    """Know every key that begins with "known"."""
    return [
        PingAnswer.RECORDED if heard.key.startswith("known") else PingAnswer.UNKNOWN
        for heard in batch
    ]


@pytest.fixture
def services(database: Database) -> Services:
    """Services over a real store."""
    return Services(
        door=database,
        clock=SystemClock(),
        vault=Vault(bytes(32)),
        base_url="http://dogwatch.test",
        record_pings=known,
        stopping=asyncio.Event(),
        dialect=database.dialect,
    )


@pytest.fixture
def web(services: Services) -> Client:
    """A client without a key."""
    return Client(build(services))


def test_the_loop_turns(web: Client) -> None:
    answer = web.get("/healthz")
    assert (answer.status, answer.body) == (200, b"ok")


def test_ready_while_an_engine_beats(web: Client, services: Services, database: Database) -> None:
    silent = web.get("/readyz")
    assert silent.status == 503
    assert silent.json["checks"] == {"database": "ok", "engine": "no engine is alive"}
    at = services.clock.now()
    database.write(lambda tx: nodes.join(tx, "n1", "here", at)).result()
    ready = web.get("/readyz")
    assert (ready.status, ready.json["status"]) == (200, "ready")


def test_not_ready_without_the_database(web: Client, database: Database) -> None:
    database.close()
    answer = web.get("/readyz")
    assert answer.status == 503
    assert "stopping" in answer.json["checks"]["database"]
    assert web.get("/healthz").status == 200
    assert web.get("/metrics").status == 200


def test_ready_may_be_asked_elsewhere(services: Services) -> None:
    async def ready() -> Mapping[str, str]:
        return {"disk": "full"}

    async def failing() -> Mapping[str, str]:
        raise OSError("disk")

    assert Client(build(replace(services, ready=ready))).get("/readyz").json == {
        "status": "not ready",
        "checks": {"disk": "full"},
    }
    assert Client(build(replace(services, ready=failing))).get("/readyz").status == 503


def test_metrics_count(web: Client, services: Services) -> None:
    for key in ("known-key", "known-key", "unknown-key"):
        web.get(f"/ping/{key}")
    text = web.get("/metrics").text
    assert 'dogwatch_pings_total{answer="recorded"} 2.0' in text
    assert 'dogwatch_pings_total{answer="unknown"} 1.0' in text
    assert 'dogwatch_pings_total{answer="created"} 0.0' in text
    info = f'database="{services.dialect}",version="{__version__}"'
    assert f"dogwatch_build_info{{{info}}} 1.0" in text
    assert "process_resident_memory_bytes" in text
    assert "# TYPE dogwatch_watches gauge" in text
    assert "# TYPE dogwatch_tasks gauge" in text


def test_a_ping_that_fails_is_not_counted(services: Services) -> None:
    async def away(batch: Sequence[Heard]) -> Sequence[PingAnswer]:
        raise Problem("away", "later")

    web = Client(build(replace(services, record_pings=away)))
    assert web.get("/ping/known-key").status == 503
    assert 'answer="recorded"} 0.0' in web.get("/metrics").text


@pytest.mark.parametrize("path", ["/", "/api/v1/docs"])
def test_pages_ask_nobody_else_for_anything(web: Client, path: str) -> None:
    answer = web.get(path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    addresses = re.findall(r'(?:src|href)="([^"]*)"', answer.text)
    assert addresses
    assert not [address for address in addresses if "//" in address]
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    style = next(address for address in addresses if address.endswith(".css"))
    sheet = web.get(f"{path.rpartition('/')[0]}/{style}")
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert "url(" not in sheet.text


def test_the_documentation_names_every_route(web: Client) -> None:
    document = web.get("/api/v1/openapi.json").json
    page = web.get("/api/v1/docs").text
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"<code>{method.upper()} {path}</code>" in page
            assert operation["description"]
            assert operation["security"] == [{"HTTPBearer": []}]
            assert "default" in operation["responses"]
    assert "failures_before_down" in page
    assert document["servers"] == [{"url": "/api/v1"}]
