"""What stands around the API: pings, health, metrics, pages."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import process_time
from typing import Any, cast
from urllib.parse import urljoin

import pytest

from dogwatch import __version__
from dogwatch.core.ping import Answer as PingAnswer
from dogwatch.core.ping import Heard
from dogwatch.core.problems import Problem
from dogwatch.store import nodes
from dogwatch.store.database import Database
from dogwatch.usecases import lists
from dogwatch.vault import Vault
from dogwatch.web.app import Services, build
from tests.harness.clock import ManualClock
from tests.web.asgi_client import Client


async def known(batch: Sequence[Heard]) -> Sequence[PingAnswer]:
    """Know every key that begins with "known"."""
    return [
        PingAnswer.RECORDED if heard.key.startswith("known") else PingAnswer.UNKNOWN
        for heard in batch
    ]


@pytest.fixture
def services(database: Database, manual_clock: ManualClock) -> Services:
    """Services over a real store."""
    return Services(
        door=database,
        clock=manual_clock,
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


def test_no_route_overlooks_a_line_feed_at_the_end(web: Client) -> None:
    for path in ("/", "/style.css", "/healthz", "/metrics", "/login", "/docs", "/live",
                 "/api/v1/docs", "/cronbeats", "/cronbeats/", "/cronbeats/style.css"):  # fmt: skip
        assert web.get(path).status < 400, path
        assert web.get(f"{path}%0A").status == 404, path


def test_ready_while_an_engine_beats(
    web: Client, manual_clock: ManualClock, database: Database
) -> None:
    silent = web.get("/readyz")
    assert silent.status == 503
    assert silent.json["checks"] == {"database": "ok", "engine": "no engine is alive"}
    manual_clock.advance(1)
    at = manual_clock.now()
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


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [(TimeoutError, (), "does not answer"), (KeyError, ("s3cret",), "it failed: KeyError"),
     (Problem, ("away", "the database is away"), "the database is away")],
)  # fmt: skip
def test_counts_that_fail_are_left_out_and_logged(
    web: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    kind: type[Exception], said: tuple[str, ...], told: str,
) -> None:  # fmt: skip
    def failing(tx: Any) -> Any:
        raise kind(*said)

    monkeypatch.setattr(lists, "counts", failing)
    answer = web.get("/metrics")
    assert (answer.status, "dogwatch_watches" in answer.text) == (200, False)
    assert "dogwatch_build_info" in answer.text
    logged = [one.getMessage() for one in caplog.records if one.name == "dogwatch.metrics"]
    assert logged == [f"/metrics leaves out what the store holds: {told}"]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        *((path, "no-store") for path in (
            "/healthz", "/readyz", "/metrics", "/nowhere", "/login", "/account", "/api/v1/watches",
            "/api/v1/nowhere", "/hook/none", "/hc/api/v1/checks/", "/cronowl/api/checks",
        )),
        *((path, None) for path in (
            "/", "/docs", "/api/v1/docs", "/api/v1/openapi.json", "/hc/openapi.json", "/hc",
        )),
        ("/style.css", "max-age=3600"),
    ],
)  # fmt: skip
def test_what_may_hold_something_of_somebody_is_kept_nowhere(
    web: Client, path: str, kept: str | None
) -> None:
    """What is the same for all has a tag."""
    answer = web.get(path)
    assert answer.headers.get("cache-control") == kept
    assert kept or answer.headers["etag"]


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
    for key in ("known-to-us", "known-to-us", "unknown-to-us"):
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
    assert web.get("/ping/known-to-us").status == 503
    assert 'answer="recorded"} 0.0' in web.get("/metrics").text


@pytest.mark.parametrize("path", ["/", "/cronbeats", "/api/v1/docs", "/docs", "/docs/pings"])
def test_pages_ask_nobody_else_for_anything(web: Client, path: str) -> None:
    answer = web.get(path)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    addresses = re.findall(r'(?:src|href)="([^"]*)"', answer.text)
    assert not [address for address in addresses if "//" in address]
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    kinds = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
    for ending, kind in kinds.items():
        address = next(address for address in addresses if address.endswith(ending))
        found = web.get(urljoin(path, address))
        assert (found.status, found.headers["content-type"]) == (200, kind)
        assert "url(" not in found.text


def test_what_an_alert_links_to_is_the_same_for_every_name(web: Client) -> None:
    sent = {name: web.get(f"/i/{name}") for name in ("nightly", "nobody")}
    assert {answer.status for answer in sent.values()} == {303}
    assert {answer.body for answer in sent.values()} == {b""}
    assert sent["nobody"].headers["location"] == "../login?next=i%2Fnobody"


@pytest.mark.parametrize("path", ["/", "/style.css", "/api/v1/docs", "/api/v1/openapi.json"])
def test_what_stays_the_same_is_not_sent_twice(web: Client, path: str) -> None:
    first = web.get(path)
    again = web("GET", path, headers={"if-none-match": first.headers["etag"]})
    assert (first.status, again.status, again.body) == (200, 304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert web("GET", path, headers={"if-none-match": '"older"'}).body == first.body


@pytest.mark.parametrize("path", ["/api/v1/docs", "/api/v1/openapi.json"])
def test_documents_are_written_once(web: Client, path: str) -> None:
    web.get(path)
    began = process_time()
    for _ in range(50):
        assert web.get(path).status == 200
    assert process_time() - began < 2, "each took longer than it takes to send"


def test_a_flood_costs_one_look_a_second(services: Services, manual_clock: ManualClock) -> None:
    looked = 0

    async def ready() -> Mapping[str, str]:
        nonlocal looked
        looked += 1
        await asyncio.sleep(0)
        return {"looks": str(looked)}

    web = Client(build(replace(services, ready=ready)))

    async def flood() -> set[str]:
        answers = await asyncio.gather(*(web.send("GET", "/readyz") for _ in range(50)))
        return {answer.json["checks"]["looks"] for answer in answers}

    assert asyncio.run(flood()) == {"1"}
    assert asyncio.run(flood()) == {"1"}
    manual_clock.advance(1)
    assert asyncio.run(flood()) == {"2"}


def test_metrics_are_counted_once_a_second(web: Client, manual_clock: ManualClock) -> None:
    before = web.get("/metrics").text
    web.get("/ping/known-to-us")
    assert web.get("/metrics").text == before
    manual_clock.advance(1)
    assert 'dogwatch_pings_total{answer="recorded"} 1.0' in web.get("/metrics").text


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


# --- errors, as pages and as problems ---------------------------------------------------------

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_is_told_of_our_mistakes_by_a_page(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of the mistake itself is on it, and programs get what they can read."""

    class Broken:
        secret = "".join(["hunter", "2"])  # the log has the lines of the program

        async def aread(self, *_: object) -> None:
            raise RuntimeError(self.secret)

        def on_wake(self, _: object) -> None:
            """Wake nobody."""

    web = Client(build(replace(services, door=cast("Any", Broken()))))
    for path, way in (("/status/main", "../"), ("/login", "./"), ("/i/x/edit", "../../")):
        answer = web("GET", path, headers=BROWSER | {"cookie": "dogwatch=x"})
        assert (answer.status, answer.headers["content-type"]) == (500, "text/html; charset=utf-8")
        assert "<h1>Internal Server Error</h1>" in answer.text
        assert f'<a href="{way}">' in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "hunter2" not in answer.text + caplog.text
    told = web("GET", "/status/main")
    assert (told.status, told.json["title"]) == (500, "Internal Server Error")
    assert web("GET", "/api/v1/watches", headers=BROWSER).json["status"] == 401


def test_a_browser_is_told_by_a_page_that_there_is_none(web: Client) -> None:
    page = web("GET", "/no/such", headers=BROWSER)
    assert (page.status, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert '<a href="../">To the front page</a>' in page.text
    assert web("GET", "/no/such").json["detail"] == "there is nothing at this address"
    assert web("POST", "/login/oidc", headers=BROWSER).json["status"] == 405
