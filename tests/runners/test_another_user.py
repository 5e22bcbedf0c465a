"""Sandboxes of a server that is not root: where the tests are root, it is another user's."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.runners.boxes import sandbox_of_this_process

NOBODY = 65_532
PYTHONS = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")
SERVER = """
import os, sys
from contextlib import closing
from pathlib import Path
from tests.runners.boxes import Cell, sandbox_of_this_process
from tests.runners.test_helpers import Desk

sandbox, desk = sandbox_of_this_process(), Desk()
assert (sandbox.drops, sandbox.uid) == (False, os.getuid())
with closing(Cell(sandbox, Path(sys.argv[1]))) as cell:
    source = "cronium.setVariable K v; id -u; ls -A /tmp; touch /tmp/left"
    for _ in range(2):
        print(cell.run(source, desk=desk).out)
    print(cell.run("unshare -Ur true || cat /proc/1/environ || cat $1", args=sys.argv[2:]).out)
    print(cell.run("setsid sleep 600 & sleep 600", timeout_s=1).result.outcome)
assert desk.kept == {"K": "v"}
"""


def started(python: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Start Python as nobody's user, who may have no way to it."""
    return subprocess.run(
        [python, *args], user=NOBODY, group=NOBODY, extra_groups=[], env=PATHS, cwd="/",
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


PATHS = {"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": os.environ.get("PATH", "")}


def python_of_nobody() -> str | None:
    """Return a Python that another user can start and that finds what the tests need, if any."""
    for python in PYTHONS:
        try:
            if started(python, "-c", "import tests.runners.test_helpers").returncode == 0:
                return python
        except PermissionError:
            continue
    return None


def test_a_server_that_is_not_root_has_sandboxes() -> None:
    sandbox_of_this_process()
    if os.geteuid() != 0:
        return  # then all tests of sandboxes have shown it
    if (python := python_of_nobody()) is None:
        return  # nobody else sees a Python here
    with TemporaryDirectory(dir="/var/tmp") as place:
        data, secret = Path(place) / "data", Path(place) / "data" / "secret.key"
        Path(place).chmod(0o755)
        data.mkdir()
        secret.write_text("canary")
        for path in (data, secret):
            os.chown(path, NOBODY, NOBODY)
        ran = started(python, "-c", SERVER, str(data), str(secret))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("1000\n\n1000\n\n")
    assert ran.stdout.endswith("\ntimeout\n")
    assert ran.stdout.count("No such file") == ran.stdout.count("ermission denied") == 1
    assert "canary" not in ran.stdout
