"""What the fault tests share: real servers and receivers, and one recording of a server."""

import os
import pickle
from pathlib import Path

import pytest

from tests.e2e.conftest import serve, store, webhooks
from tests.harness.recording import Recording, record

__all__ = ["recording", "serve", "store", "webhooks"]


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A first start that ends politely, a life that is killed, a recovery; DOGWATCH_RECORD=FILE
    keeps it, or repeats one that was kept."""
    kept = Path(os.environ.get("DOGWATCH_RECORD") or tmp_path_factory.mktemp("recorded") / "calls")
    if not kept.exists():
        kept.write_bytes(pickle.dumps(record(kept.parent, (True, False, True))))
    found: Recording = pickle.loads(kept.read_bytes())
    return found
