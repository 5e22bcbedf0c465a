"""Pages in a browser and on the server, each beside what it may take.

    python -m bench.pages [--watches 10000]

Now with 1,000 watches until it is ready, the timeline of 200 items over 24 hours, a log of 100,000
lines, and the first page of a workspace of many watches on the server. The browser is Chromium
without a graphics processor. `ready` is the load event after a warm-up, the median of five.
"""

import argparse
import gzip
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.table import Row, markdown
from dogwatch.boot.store import Store, opened
from dogwatch.clock import SystemClock
from dogwatch.config import load
from dogwatch.core.spec import WatchSpec
from dogwatch.store.tx import Tx
from dogwatch.usecases import watches, workspaces
from tests.harness.browsing import Site, browsing
from tests.harness.served import Served

NOW, LANES, LINES, MANY = 1_000, 200, 100_000, 10_000
ROUNDS = 5
BATCH = 500


def rows(many: int = MANY) -> Iterator[Row]:
    """Measure; the baseline of each row is what the issue allows."""
    with _site() as site:
        yield from _of_thousand(site)
        yield from _log(site)
        _fill(site.served, many - NOW)
        yield from _of_many(site, many)


@contextmanager
def _site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "data")
        served.data.mkdir()
        _make(served, NOW)
        served.start()
        try:
            with browsing(served) as site:
                yield site
        finally:
            served.stop()


def _fill(served: Served, count: int) -> None:
    """Add watches while the server is down."""
    served.stop()
    _make(served, count)
    served.start()


def _make(served: Served, count: int) -> None:
    config = load({"data": str(served.data)}, {})
    with opened(config, SystemClock()) as store:
        for first in range(0, count, BATCH):
            _batch(store, min(BATCH, count - first))


def _batch(store: Store, count: int) -> None:
    def made(tx: Tx) -> None:
        at = store.clock.now()
        owner = workspaces.first(tx, at).id
        for number in range(count):
            spec = WatchSpec(name=f"Watch {number}", schedule="0 * * * *", tags=("db", "prod"))
            watches.add(tx, owner, spec, at)

    store.database.write(made).result()


def _of_thousand(site: Site) -> Iterator[Row]:
    ready_ms, size = _ready_ms(site, "/")
    yield Row(f"Now of {NOW:,} watches, ready", ready_ms, "allowed", 1_000, " ms")
    yield Row(f"Now of {NOW:,} watches, HTML", size / 1_000, "allowed", 300, " kB")
    ready_ms, _ = _ready_ms(site, "/timeline")
    yield Row(f"timeline of {LANES} items, 24 h, ready", ready_ms, "allowed", 1_000, " ms")
    for path in ("/", "/timeline", "/new?kind=watch"):
        yield Row(f"script and style of {path}", _assets_kb(site, path), "allowed", 60, " kB")


def _ready_ms(site: Site, path: str) -> tuple[float, int]:
    """Return the median time until a page is loaded, and the bytes of its HTML."""
    took = []
    for _ in range(ROUNDS + 1):
        site.go(path)
        entry: dict[str, Any] = site.page.evaluate(
            "performance.getEntriesByType('navigation')[0].toJSON()"
        )
        took.append(float(entry["loadEventEnd"]))
    return median(took[1:]), int(entry["decodedBodySize"])


def _assets_kb(site: Site, path: str) -> float:
    """Return how much script and style a page loads, as gzip makes it."""
    found: list[str] = site.go(path).eval_on_selector_all(
        "script[src], link[rel=stylesheet]", "all => all.map(one => one.src || one.href)"
    )
    bodies = [site.page.request.get(one).body() for one in found]
    return sum(len(gzip.compress(body)) for body in bodies) / 1_000


def _log(site: Site) -> Iterator[Row]:
    job = site.served.post("/jobs", {
        "name": "Long", "slug": "long", "schedule": "0 0 1 1 *",
        "action": {"kind": "script", "language": "bash", "source": f"seq {LINES}"},
    })  # fmt: skip
    run = site.served.post(f"/jobs/{job['id']}/trigger", {}, 202)
    site.served.call("GET", f"/api/v1/runs/{run['id']}/output/stream")
    ready_ms, _ = _ready_ms(site, f"/runs/{run['id']}")
    nodes = float(site.page.evaluate("document.querySelectorAll('*').length"))
    yield Row(f"log of {LINES:,} lines, ready", ready_ms, "allowed", 500, " ms")
    yield Row(f"log of {LINES:,} lines, nodes", nodes, "allowed", 5_000, "")


def _of_many(site: Site, many: int) -> Iterator[Row]:
    took = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        assert site.page.request.get(site.served.url).status == 200
        took.append(time.perf_counter() - began)
    yield Row(
        f"Now of {many:,} watches, on the server", median(took[1:]) * 1e3, "allowed", 300, " ms"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages")
    parser.add_argument("--watches", type=int, default=MANY)
    for line in markdown(rows(parser.parse_args().watches)):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
