"""A stub of the server that records what it is asked, and a way to run the real program."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dogwatch.cli import main

DEADLINE_S = 60.0


@dataclass(frozen=True)
class Request:
    """One request as the stub saw it."""

    method: str
    path: str
    query: dict[str, str]
    body: str
    authorization: str | None

    @property
    def signal(self) -> str:
        """The path below the watch's ping address."""
        return self.path.removeprefix("/ping/wskey/job").strip("/")


@dataclass
class Stub:
    """Answers from `replies`: "METHOD /path" to (status, JSON or text); pings are answered 200."""

    port: int = 0
    replies: dict[str, tuple[int, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    ping_status: int = 200
    hold: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pings(self) -> list[Request]:
        return [request for request in self.requests if request.path.startswith("/ping/")]

    def answer(self, request: Request) -> tuple[int, Any]:
        self.requests.append(request)
        self.arrived.set()
        self.hold.wait(DEADLINE_S)
        if request.path.startswith("/ping/"):
            return self.ping_status, "OK"
        return self.replies.get(f"{request.method} {request.path}", (404, {"title": "Not found"}))


class Handler(BaseHTTPRequestHandler):
    stub: Stub

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(length).decode()
        request = Request(self.command, parts.path, query, body, self.headers.get("Authorization"))
        status, answer = self.stub.answer(request)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        try:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())
        except OSError:
            return  # the client did not wait

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815  (names that http.server calls)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


def serve(stub: Stub) -> ThreadingHTTPServer:
    """Start the stub on its port, or on a free one."""
    handler = type("StubHandler", (Handler,), {"stub": stub})
    server = ThreadingHTTPServer(("127.0.0.1", stub.port), handler)
    server.daemon_threads = True
    stub.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


class Started(subprocess.Popen[str]):
    """A process that no failed test waits for."""

    def __exit__(self, kind: type[BaseException] | None, *more: Any) -> None:
        if kind:
            self.kill()
        super().__exit__(kind, *more)


@dataclass(frozen=True)
class Program:
    """Runs `python -m dogwatch.cli` as a user would."""

    home: Path
    variables: Mapping[str, str]

    def start(self, *args: str, **variables: str) -> subprocess.Popen[str]:
        return self._open([sys.executable, "-m", "dogwatch.cli", *args], variables)

    def on_terminal(self, terminal: int, script: str, *args: str) -> subprocess.Popen[str]:
        """Start a Python script whose standard input is the terminal."""
        return self._open([sys.executable, "-c", script, *args], {}, terminal)

    def _open(
        self, words: Sequence[str], variables: Mapping[str, str], stdin: int = subprocess.PIPE
    ) -> Started:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
        return Started(
            words,
            env={**kept, "TZ": "UTC", **self.variables, **variables},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(
        self, *args: str, stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return _ended(self.start(*args, **variables), stdin)

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a shell script in which "$0" is the Python of the program."""
        return _ended(self._open(["sh", "-c", script, sys.executable], {}), "")

    def json(self, *args: str, **variables: str) -> Any:
        """Return what `--json` prints."""
        done = self(*args, "--json", **variables)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def _ended(process: subprocess.Popen[str], stdin: str) -> subprocess.CompletedProcess[str]:
    with process:
        out, err = process.communicate(stdin, DEADLINE_S)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@dataclass(frozen=True)
class Here:
    """Calls `main` and returns what a shell would see."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *args: str) -> subprocess.CompletedProcess[str]:
        with pytest.raises(SystemExit) as left:
            main(args)
        out, err = self.capsys.readouterr()
        code = left.value.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(args, code, out, err)

    def json(self, *args: str) -> Any:
        """Return what `--json` prints."""
        done = self(*args, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
