"""How runs are kept apart on this machine: in cells of one bubblewrap, else in one for each.

The bubblewrap around the cells shows what all of them show, read-only, and the directories of the
runs, which a cell covers. It keeps its capabilities, inside alone, and may make namespaces: the
first process of a cell needs both, and gives both up.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from dogwatch.core.problems import Problem
from dogwatch.runners import seccomp
from dogwatch.runners.frames import LENGTH
from dogwatch.runners.interpreters import STANDARD_PATH
from dogwatch.runners.launcher import Enclosed, InCell, once
from dogwatch.runners.sandbox import (
    APART,
    GIVEN,
    HOSTNAME,
    RUN,
    WATCHED,
    Errand,
    Sandbox,
    in_memory,
    joined,
    limits_of,
    order_of,
    system,
)
from dogwatch.runners.system import HOME, INSIDE_UID, System

PROBE_S = 10.0
PROGRAM = Path(__file__).with_name("cells.py")
WITH_IT = Path(__file__).with_name("frames.py")
WORKDIRS = RUN / "work"
Outs = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Around:
    """The bubblewrap around all cells; `root` is their root directory, in that of the runs."""

    sandbox: Sandbox
    root: Path

    def command(self, stack: ExitStack) -> tuple[Sequence[str], Sequence[int]]:
        """Return the command and the files that it needs, open as long as the stack."""
        contents = {path.name: path.read_bytes() for path in (PROGRAM, WITH_IT)}
        contents |= {"cell": _kind(self.sandbox), "filter": seccomp.program()}
        held = {name: in_memory(content, stack) for name, content in contents.items()}
        listed = in_memory(joined(self._options(held)), stack)
        python = (_python(self.sandbox), "-I", "-S", "-X", "utf8")
        words = (self.sandbox.program, "--args", str(listed), "--", *python)
        return (*words, str(RUN / PROGRAM.name)), (listed, *held.values())

    def _options(self, held: Mapping[str, int]) -> Iterator[str]:
        yield from (*APART, "--cap-add", "ALL", *system(self.sandbox, self.root))
        yield from ("--proc", "/proc", "--dev", "/dev", "--dir", "/dev/shm", "--remount-ro", "/dev")  # noqa: S108  (a place)
        yield from ("--perms", "0755", "--tmpfs", str(RUN))
        for name, fd in held.items():
            yield from ("--file", str(fd), str(RUN / name))
        yield from ("--ro-bind", str(self.root.parent), str(WORKDIRS), "--remount-ro", str(RUN))


def _kind(sandbox: Sandbox) -> bytes:
    """Return what all cells have, as `cells.py` reads it."""
    counts = {**WATCHED, "max_user_namespaces": 0}
    return json.dumps({
        "uid": INSIDE_UID, "hostname": HOSTNAME, "places": sandbox.bounds.places, "counts": counts,
    }).encode()  # fmt: skip


def _python(sandbox: Sandbox) -> str:
    """Return a Python that can be seen inside: ours, else the system's (3.9 or later will do)."""
    ours = Path(sys.executable).resolve()
    if any(ours.is_relative_to(shown) for shown in (Path("/usr"), *sandbox.paths)):
        return str(ours)
    return shutil.which("python3", path=STANDARD_PATH) or str(ours)


def walled(sandbox: Sandbox, root: Path) -> Around | None:
    """Return what surrounds the runs."""
    return Around(sandbox, root) if sandbox.cells else None


def ordered(
    sandbox: Sandbox, root: Path, errand: Errand, outs: Outs, stack: ExitStack
) -> Enclosed | InCell:
    """Return what to launch for a run; its files are open as long as the stack."""
    if not sandbox.cells:
        return order_of(sandbox, root, errand, outs, stack)
    return InCell([in_memory(_told(sandbox, errand), stack), *outs])


def _told(sandbox: Sandbox, errand: Errand) -> bytes:
    """Return an errand as `cells.py` reads it."""
    files = {errand.script: errand.source, GIVEN.name: errand.given}
    helpers = errand.helpers
    head = json.dumps({
        "command": errand.command,
        "environ": errand.environ,
        "home": str(HOME),
        "limits": limits_of(sandbox, errand),
        "room": errand.room,
        "files": {name: len(content) for name, content in files.items()},
        "helpers": str(Path(*helpers.parts[-2:])) if helpers else "",
        "port": errand.port,
    }).encode()  # fmt: skip
    return b"".join((LENGTH.pack(len(head)), head, *files.values()))


def found(uid: int, paths: Sequence[Path] = (), hidden: Sequence[Path] = ()) -> Sandbox:
    """Return the sandbox of this machine once one has worked; a Problem that says why none does.

    `uid` is the user for sandboxes of a server that runs as root.
    """
    program = _program("bwrap", "bubblewrap")
    chosen = uid if os.geteuid() == 0 else os.geteuid()
    fault = ""
    for cells, nested in ((True, ()), (False, ("--disable-userns",)), (False, ())):
        sandbox = Sandbox(program, chosen, nested, tuple(paths), tuple(hidden), cells=cells)
        if not (fault := _fault(sandbox)):
            return sandbox
    raise Problem("refused", f"bubblewrap does not work here: {fault}")


def _program(name: str, package: str) -> str:
    path = shutil.which(name, path=STANDARD_PATH)
    if path is None:
        raise Problem("refused", f"{name} is missing; install {package}")
    return path


def _fault(sandbox: Sandbox) -> str:
    """Have a sandbox made that does nothing; return what it complains of."""
    nothing = Errand(("/bin/sh",), "probe", b"exit 0\n", (), b"", {})
    with ExitStack() as stack:
        said = stack.enter_context(tempfile.TemporaryFile())
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place.chmod(0o711)
        try:
            root = System(place, sandbox.paths).root()
            order = ordered(sandbox, root, nothing, (said.fileno(), said.fileno()), stack)
            user = sandbox.uid if sandbox.drops else None
            code = once(user, sandbox.seen(place), order, PROBE_S, walled(sandbox, root))
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
        said.seek(0)
        words = said.read().decode(errors="replace").strip()
    return "" if code == 0 else words or f"exit status {code}"
