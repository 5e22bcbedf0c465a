"""What the command line's tests are handed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.stub import Here, Program, Stub, serve


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """Heed the hangup, even where nohup runs the tests: programs that they start inherit it."""
    before = signal.getsignal(signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A running stub that knows the workspace's ping key."""
    stub = Stub(replies={"GET /api/v1/workspace": (200, {"ping_key": "wskey"})})
    stub.hold.set()
    server = serve(stub)
    yield stub
    stub.hold.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data directory with a key."""
    (tmp_path / "cli.key").write_text("k1")
    return tmp_path


@pytest.fixture
def dogwatch(home: Path, stub: Stub) -> Program:
    """The program, pointed at the stub."""
    return Program(
        home, {"HOME": str(home), "DOGWATCH_DATA": str(home), "DOGWATCH_SERVER": stub.url}
    )


@pytest.fixture
def offline(dogwatch: Program) -> Program:
    """The program, with a server that nobody listens as."""
    return Program(dogwatch.home, {**dogwatch.variables, "DOGWATCH_SERVER": "http://127.0.0.1:1"})


@pytest.fixture
def here(
    dogwatch: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Here:
    """The command line inside this process: quick, for what needs no process of its own."""
    for name in [name for name in os.environ if name.startswith(("DOGWATCH_", "XDG_"))]:
        monkeypatch.delenv(name)
    for name, value in {**dogwatch.variables, "TZ": "UTC"}.items():
        monkeypatch.setenv(name, value)
    return Here(capsys)
