"""A real server in a process of its own: `dogwatch up`, seen by HTTP, CLI, signals and files."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.eventually import eventually
from tests.harness.ports import free_port
from tests.harness.warm import Warm, ran

START_S = 120.0
STOP_S = 60.0
COMMAND_S = 120.0
PROMPT_S = 10.0  # 2 s where nobody else has the processor
PROGRAM = (sys.executable, "-m", "dogwatch.cli")


def listening(port: int) -> bool:
    """Say whether somebody listens on a port of the loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `json` reads its body."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Served:
    """One server on its own data directory; `flags` are those of `dogwatch up`.

    `words` are further ones of `dogwatch up`, which no other command knows. `warm`: forked from
    what is imported already; not so where its environment or its command line is looked at.
    """

    data: Path
    flags: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | Warm | None" = None
    program: tuple[str, ...] = PROGRAM
    words: tuple[str, ...] = ()
    warm: bool = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """The file that holds its standard error, over all its starts."""
        return self.data.with_suffix(".log")

    @property
    def key(self) -> str:
        return (self.data / "cli.key").read_text().strip()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def _told(self) -> list[str]:
        return [word for name, value in self.flags.items() for word in (f"--{name}", value)]

    def _forks(self, environ: Mapping[str, str]) -> bool:
        """Whether to fork; what a program loads at its start, as a false clock, it does not get."""
        return self.warm and self.program == PROGRAM and "LD_PRELOAD" not in environ

    # --- its life ---------------------------------------------------------------------------

    def launch(self) -> int:
        """Start and wait for nothing; return the size of its log before."""
        before = self.log.stat().st_size if self.log.exists() else 0
        words = ["up", "--data", str(self.data), "--listen", self.url[7:], *self._told, *self.words]
        if self._forks(self.environ):
            self.log.touch()
            self.process = Warm(words, self.log, self.log, self.environ)
            return before
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.program, *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environ,
            )  # fmt: skip
        return before

    def start(self) -> "Served":
        """Start and wait until it says that it is up."""
        before = self.launch()

        def up() -> bool:
            said = self.log.read_bytes()[before:].decode()
            assert self.process is not None
            assert self.process.poll() is None, f"it ended: {said}"
            return "Dogwatch is up" in said

        eventually(up, within_s=START_S, what="the server starts")
        return self

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end and return the exit status."""
        assert self.process is not None
        process, self.process = self.process, None
        process.send_signal(number)
        return process.wait(STOP_S)

    def kill9(self) -> None:
        """End it as a power cut would."""
        self.end(signal.SIGKILL)

    def stop(self) -> int:
        """End it politely and return the exit status."""
        return self.end(signal.SIGTERM)

    # --- what it is asked -------------------------------------------------------------------

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the server and of the command line beside it."""
        own = {n: v for n, v in os.environ.items() if not n.startswith(("DOGWATCH_", "XDG_"))}
        return {
            **own,
            "DOGWATCH_DATA": str(self.data),
            "HOME": str(self.data.parent),
            "TZ": "UTC",
            "DOGWATCH_SANDBOX": "trusted",
        }  # scripts of tests note things in files

    def cli(
        self, *words: str, code: int | None = 0, **environ: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command of ours; it must end with `code`, unless that is None."""
        given = {**self.environ, **environ}
        if self._forks(given):
            done = ran(words, given, COMMAND_S)
        else:
            done = subprocess.run(
                [*self.program, *words], capture_output=True, text=True, env=given,
                stdin=subprocess.DEVNULL, timeout=COMMAND_S, check=False,
            )  # fmt: skip
        assert code is None or done.returncode == code, (words, done)
        return done

    def cli_json(self, *words: str) -> Any:
        """Run a command with --json and read its answer."""
        return json.loads(self.cli(*words, "--json").stdout)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; JSON goes out with our key, unless `headers` name another."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {"Authorization": f"Bearer {key or self.key}", "Connection": "close"}
        named |= headers or {}
        if body is not None:
            named["Content-Type"] = "application/json"
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, named)
            response = connection.getresponse()
            return Answer(response.status, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """Return the JSON at a path below /api/v1."""
        answer = self.call("GET", f"/api/v1{path}")
        assert answer.status == 200, answer
        return answer.json

    def post(self, path: str, body: Any, status: int = 201) -> Any:
        """Post JSON below /api/v1 and return the answer's."""
        answer = self.call("POST", f"/api/v1{path}", body)
        assert answer.status == status, answer
        return answer.json

    def every(self, path: str) -> list[Any]:
        """Return all items of a list, page after page."""
        found: list[Any] = []
        cursor, joint = "", "&" if "?" in path else "?"
        while True:
            page = self.get(f"{path}{joint}limit=100{cursor and '&cursor='}{cursor}")
            found += page["data"]
            cursor = page["next_cursor"] or ""
            if not cursor:
                return found

    def audit(self) -> list[Any]:
        """Return what `dogwatch audit` finds."""
        done = self.cli("audit", "--json", *self._told, code=None)
        assert done.returncode in (0, 1), done
        found: list[Any] = json.loads(done.stdout)
        assert bool(found) == (done.returncode == 1)
        return found

    def close(self) -> None:
        """End it, and prove from its database that nothing went wrong."""
        if self.process is not None:
            assert self.stop() == 0, self.log.read_text()[-4000:]
        assert self.audit() == []
        assert "Traceback" not in self.log.read_text()
