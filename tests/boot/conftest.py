"""A server of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.served import Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server that is not started yet."""
    one = Served(tmp_path / "node")
    yield one
    if one.process is not None:
        one.kill9()
