"""What the durability tests share: one recording of a real server."""

import os
import pickle
from pathlib import Path

import pytest

from tests.harness.recording import Recording, record


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A first start that ends politely, a life that is killed, a recovery; DOGWATCH_RECORD=FILE
    keeps it, or repeats one that was kept."""
    kept = Path(os.environ.get("DOGWATCH_RECORD") or tmp_path_factory.mktemp("recorded") / "calls")
    if not kept.exists():
        kept.write_bytes(pickle.dumps(record(kept.parent, (True, False, True))))
    found: Recording = pickle.loads(kept.read_bytes())
    return found
