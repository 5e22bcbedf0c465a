"""The API keeps to its own OpenAPI document, as an independent tester reads it (schemathesis)."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dogwatch.store.database import Database
from dogwatch.usecases import keys
from dogwatch.usecases.callers import host
from dogwatch.usecases.door import Tx
from dogwatch.web.edge import server
from tests.eventually import eventually
from tests.harness.clock import ManualClock
from tests.harness.ports import free_port
from tests.harness.proof import length
from tests.laws.house import ROOT
from tests.web.api.conftest import House, house_on

SEED = os.environ.get("DOGWATCH_SEED", "1")
EXAMPLES = int(length("DOGWATCH_PROVE_CONTRACT", 4, 300))
STATES = int(length("DOGWATCH_PROVE_CONTRACT_STATES", 120, 1_000))
# By the document's own links: what a tester infers besides is ten times as many, of which a few
# steps reach next to none. Bodies of changes have the fields of what is made, one by one there.
CONFIG = f"""
[generation]
allow-x00 = false
[phases.stateful]
max-steps = 8
inference.algorithms = []
[phases.stateful.generation]
max-examples = {STATES}
""" + ("" if EXAMPLES > 99 else """
[[operations]]
include-method = "PATCH"
[operations.phases.coverage]
enabled = false
""")  # fmt: skip


@contextmanager
def listening(house: House) -> Iterator[str]:
    """Serve the API on loopback, as a process of ours does, and yield its address."""
    port = free_port()
    http = server(house.client("*").app, "127.0.0.1", port)
    thread = threading.Thread(target=lambda: asyncio.run(http.serve()))
    thread.start()
    try:
        eventually(lambda: http.started, what="it serves")
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        http.should_exit = True
        thread.join()


def reported(address: str, made: keys.Made, folder: Path) -> Any:
    """Return the report of a run against a server.

    Without the workspace of the key nothing would be left to test, and a live stream has no end.
    """
    report = folder / "report.json"
    (folder / "schemathesis.toml").write_text(CONFIG)
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli",
         "--config-file", str(folder / "schemathesis.toml"), "run", f"{address}/openapi.json",
         "--header", f"Authorization: Bearer {made.token}", "--seed", SEED,
         "--exclude-path-regex", "stream$", "--exclude-operation-id", "remove_workspace",
         "--exclude-checks", "positive_data_acceptance", "--max-examples", str(EXAMPLES),
         "--continue-on-failure", "--request-timeout", "120", "--suppress-health-check", "all",
         "--generation-database", "none", "--no-color",
         "--report", "json", "--report-json-path", str(report)],
        capture_output=True, text=True, timeout=3_600, check=False, cwd=folder,
        env=os.environ | {
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.web.api.contract",
            "CONTRACT_OWN_KEY": f"{made.key.id} {made.key.prefix} {made.key.name}",
        },
    )  # fmt: skip
    print(done.stdout[-100_000:], done.stderr[-5_000:])
    return json.loads(report.read_text())


def test_the_api_keeps_to_its_document(
    sqlite_url: str, manual_clock: ManualClock, tmp_path: Path
) -> None:
    database = Database.open(sqlite_url)
    try:
        house = house_on(database, manual_clock)
        made = house.write(lambda tx: own_key(tx, house))
        with listening(house) as address:
            report = reported(address, made, tmp_path)
    finally:
        database.close()
    assert report["failures"] == []
    assert report["errors"] == []
    assert report["operations"]["tested"] > 50
    assert {name: phase["status"] for name, phase in report["phases"].items()} == dict.fromkeys(
        ("examples", "coverage", "fuzzing", "stateful"), "success"
    )


def own_key(tx: Tx, house: House) -> keys.Made:
    """Make the key that the tester calls by."""
    at, vault = house.clock.now(), house.services.vault
    return keys.make(tx, host(house.workspace.id), "tester", ["*"], vault, at)
