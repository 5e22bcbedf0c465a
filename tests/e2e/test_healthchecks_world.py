"""Programs that people have for Healthchecks, pointed at a real server by nothing but its URL.

borgmatic backs up by a real borg; the others wrap a function of Python.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness.served import Served

BORGMATIC = (sys.executable, "-W", "ignore", "-m", "borgmatic.commands.borgmatic")
CONFIG = """\
source_directories:
  - {folder}/source
repositories:
  - path: {folder}/repository
healthchecks:
  ping_url: {url}
  send_logs: true
  create_slug: {creates}
"""


@dataclass(frozen=True, slots=True)
class Checks:
    """One running server, as Healthchecks' API shows it."""

    served: Served
    key: str
    ping_key: str

    @property
    def pinged(self) -> str:
        return f"{self.served.url}/hc/ping"

    def call(self, path: str, body: Any = None) -> Any:
        sent = [] if body is None else ["-d", json.dumps(body)]
        words = ["curl", "-sS", "-m", "60", "-H", f"X-Api-Key: {self.key}", *sent]
        return json.loads(ran(*words, f"{self.served.url}/hc/api/v3{path}").stdout)

    def log(self, check: Any) -> list[Any]:
        found: list[Any] = self.call(f"/checks/{check['uuid']}/pings/")["pings"]
        return found

    def told(self, check: Any) -> list[str]:
        """Return what was heard of a check, oldest first."""
        return [one["type"] for one in reversed(self.log(check))]

    def body(self, ping: Any) -> str:
        return ran("curl", "-sS", "-H", f"X-Api-Key: {self.key}", ping["body_url"]).stdout


def ran(
    *words: str, code: int = 0, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program, which must end with `code`."""
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, **(environ or {})}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == code, done
    return done


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checks]:
    served = Served(tmp_path_factory.mktemp("healthchecks") / "node")
    try:
        served.start()
        new = {"name": "e2e", "scopes": ["*"], "dialect": "healthchecks"}
        yield Checks(served, served.post("/keys", new)["key"], served.get("/workspace")["ping_key"])
        served.close()
    finally:
        if served.process is not None:
            served.kill9()


def test_borgmatic_tells_of_a_backup_and_of_one_that_failed(checks: Checks, tmp_path: Path) -> None:
    """The first by a slug that makes its check, the second by the UUID of that."""
    home = {"HOME": str(tmp_path), "BORG_BASE_DIR": str(tmp_path), "TMPDIR": str(tmp_path),
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}  # fmt: skip

    def back_up(url: str, creates: str, code: int) -> None:
        config = tmp_path / "config.yaml"
        config.write_text(CONFIG.format(folder=tmp_path, url=url, creates=creates))
        ran(*BORGMATIC, "-c", str(config), "create", code=code, environ=home)

    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "file").write_text("worth keeping")
    ran("borg", "init", "-e", "none", str(tmp_path / "repository"), environ=home)
    back_up(f"{checks.pinged}/{checks.ping_key}/nightly-borg", "true", 0)
    (check,) = checks.call("/checks/?slug=nightly-borg")["checks"]
    assert (check["status"], checks.told(check)) == ("up", ["start", "log", "success"])
    shutil.rmtree(tmp_path / "repository")
    back_up(check["ping_url"], "false", 1)
    assert checks.call(f"/checks/{check['uuid']}")["status"] == "down"
    assert checks.told(check)[3:] == ["start", "log", "fail"]
    assert "repository" in checks.body(checks.log(check)[0])


DECORATED = """
import sys
from healthchecks_decorator import healthcheck
good, made = sys.argv[1:]

@healthcheck(url=good, send_start=True, send_diagnostics=True)
def job():
    return {"rows": 3}

@healthcheck(url=made)
def other():
    raise ValueError("broken")

job()
try:
    other()
except ValueError:
    pass
"""


def test_a_decorated_function_tells_how_it_went(checks: Checks) -> None:
    check = checks.call("/checks/", {"name": "Decorated"})
    made = f"{checks.pinged}/{checks.ping_key}/made-by-it?create=1"
    ran(sys.executable, "-c", DECORATED, check["ping_url"], made)
    assert checks.told(check) == ["start", "success"]
    assert checks.body(checks.log(check)[0]) == "rows=3"
    (failed,) = checks.call("/checks/?slug=made-by-it")["checks"]
    assert (failed["status"], checks.told(failed)) == ("down", ["fail"])


WRAPPED = """
import sys
from healthchecks_wrapper import HealthCheck
url = sys.argv[1]
with HealthCheck(url):
    pass
with HealthCheck(url, suppress_exceptions=True):
    raise ValueError("broken")
"""


def test_a_wrapped_block_tells_how_it_went(checks: Checks) -> None:
    check = checks.call("/checks/", {"name": "Wrapped"})
    ran(sys.executable, "-c", WRAPPED, check["ping_url"])
    assert checks.told(check) == ["start", "success", "start", "fail"]
    assert "ValueError: broken" in checks.body(checks.log(check)[0])
