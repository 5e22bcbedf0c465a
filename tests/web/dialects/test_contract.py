"""Each dialect keeps to its own OpenAPI document, as an independent tester reads it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dogwatch.core.dialects import DIALECTS
from dogwatch.store.database import Database
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects import TONGUES
from tests.harness.clock import ManualClock
from tests.harness.proof import length
from tests.web.api.conftest import house_on
from tests.web.api.test_contract import SEED, listening
from tests.web.dialects.conftest import token_of_dialect

EXAMPLES = int(length("DOGWATCH_PROVE_CONTRACT", 4, 300))
# Each value of each field by itself is for those who have the time.
PHASES = "fuzzing" if EXAMPLES < 100 else "examples,coverage,fuzzing"
# What leniency asks for: bodies of other types are read, and what is too much is left out.
BUT = "positive_data_acceptance,negative_data_rejection,missing_required_header"


def reported(address: str, header: str, folder: Path) -> Any:
    """Return the report of a run against the document at an address."""
    report = folder / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json",
         "--header", header, "--seed", SEED, "--exclude-checks", BUT,
         "--phases", PHASES, "--max-examples", str(EXAMPLES),
         "--continue-on-failure", "--request-timeout", "60", "--suppress-health-check", "all",
         "--generation-database", "none", "--no-color",
         "--report", "json", "--report-json-path", str(report)],
        capture_output=True, text=True, timeout=3_600, check=False, cwd=folder,
    )  # fmt: skip
    print(done.stdout[-20_000:], done.stderr[-5_000:])
    return json.loads(report.read_text())


@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
def test_a_dialect_keeps_to_its_document(
    sqlite_url: str, manual_clock: ManualClock, tmp_path: Path, tongue: Tongue
) -> None:
    database = Database.open(sqlite_url)
    try:
        house = house_on(database, manual_clock)
        token = token_of_dialect(house, tongue.name)
        with listening(house) as native:
            place = f"{native.removesuffix('/api/v1')}/{DIALECTS[tongue.name].mount}{tongue.base}"
            scheme = "Bearer " if tongue.key_header == "Authorization" else ""
            report = reported(place, f"{tongue.key_header}: {scheme}{token}", tmp_path)
    finally:
        database.close()
    assert report["failures"] == []
    assert report["errors"] == []
    assert report["operations"]["tested"] >= len(tongue.router.routes) // 2
