"""The API keeps to its own OpenAPI document, as an independent tester reads it (schemathesis)."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from dogwatch.store.database import Database
from dogwatch.usecases import keys
from tests.harness.clock import ManualClock
from tests.harness.served import free_port
from tests.web.api.conftest import House, house_on

SEED = "1"
MINUTES = float(os.environ.get("DOGWATCH_PROVE", "0"))
EXAMPLES = "100" if MINUTES else "4"
# Removing the workspace of the key leaves nothing to test; a live stream has no end.
LEFT_OUT = ("remove_workspace", "stream_output")


@contextmanager
def listening(house: House) -> Iterator[str]:
    """Serve the house's application on loopback and yield its address."""
    port = free_port()
    config = uvicorn.Config(house.client("*").app, port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        server.should_exit = True
        thread.join()


def findings(address: str, token: str, report: Path) -> Any:
    """Return the report of a run against a server."""
    left_out = [word for name in LEFT_OUT for word in ("--exclude-operation-id", name)]
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json",
         "--header", f"Authorization: Bearer {token}", *left_out, "--seed", SEED,
         "--max-examples", EXAMPLES, "--continue-on-failure", "--no-color",
         "--report", "json", "--report-json-path", str(report)],
        capture_output=True, text=True, timeout=600, check=False, cwd=report.parent,
    )  # fmt: skip
    print(done.stdout[-200_000:], done.stderr[-5_000:])
    return json.loads(report.read_text())


def test_the_api_keeps_to_its_document(
    sqlite_url: str, manual_clock: ManualClock, tmp_path: Path
) -> None:
    database = Database.open(sqlite_url)
    try:
        house = house_on(database, manual_clock)
        token = house.write(
            lambda tx: keys.add(
                tx, house.workspace.id, "t", ["*"], house.services.vault, manual_clock.now()
            )
        )
        with listening(house) as address:
            report = findings(address, token, tmp_path / "report.json")
    finally:
        database.close()
    assert report["failures"] == []
    assert report["errors"] == []
    assert report["operations"]["tested"] > 50
    assert set(report["phases"]) >= {"coverage", "fuzzing", "stateful"}
