"""Control groups of runs, cgroups(7) version 2, where one is delegated to the server.

They bound what all processes of a run take together. As systemd.resource-control(5) demands of whom
it delegates to, the server moves itself to a leaf of its own, beside those of the runs.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from dogwatch.core.problems import Problem
from dogwatch.core.script_action import MIB

ROOT = Path("/sys/fs/cgroup")
LEAF = "dogwatch-server"
NEEDED = frozenset({"memory", "pids"})
USED = NEEDED | {"cpu"}
WEIGHT = 25  # a quarter of the usual share where there is not enough for all


@dataclass(frozen=True, slots=True)
class Group:
    """One run's group: `procs` is open, and who writes a process there has it join."""

    path: Path
    procs: int

    def close(self) -> None:
        """Kill what is left in it and remove it."""
        os.close(self.procs)
        with suppress(OSError):
            (self.path / "cgroup.kill").write_text("1")
        with suppress(OSError):
            self.path.rmdir()


class Groups:
    """Makes the groups of runs below `base`, with those controllers that are there."""

    def __init__(self, base: Path, controllers: frozenset[str]) -> None:
        self._base = base
        self._controllers = controllers
        self._numbers = count(1)

    def open(self, memory_mb: int, processes: int) -> Group:
        """Make a group; OSError if that fails."""
        path = self._base / f"run-{os.getpid()}-{next(self._numbers)}"
        path.mkdir()
        for file, value in _limits(memory_mb, processes, self._controllers).items():
            (path / file).write_text(value)
        return Group(path, os.open(path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC))


def _limits(memory_mb: int, processes: int, controllers: frozenset[str]) -> Mapping[str, str]:
    """Return what stands in the files of a group."""
    wanted = {
        "memory.max": str(memory_mb * MIB),
        "memory.oom.group": "1",
        "pids.max": str(processes),
        "cpu.weight": str(WEIGHT),
    }
    return {file: value for file, value in wanted.items() if file.split(".")[0] in controllers}


def lacking(base: Path) -> str:
    """Say why no groups can be made below a group; empty if they can."""
    try:
        controllers = set((base / "cgroup.controllers").read_text().split())
    except OSError:
        return "no control groups of version 2 here"
    if missing := sorted(NEEDED - controllers):
        return f"{' and '.join(missing)} not among the controllers of our control group"
    if not os.access(base / "cgroup.subtree_control", os.W_OK):
        return "our control group is not delegated to us; systemd does by Delegate=yes"
    return ""


def own(root: Path = ROOT, listed: Path = Path("/proc/self/cgroup")) -> Path:
    """Return the group that this process is in, or its parent where that is the server's leaf."""
    with suppress(OSError):
        for line in listed.read_text().splitlines():
            if line.startswith("0::"):
                path = root / line.removeprefix("0::").strip("/")
                return path.parent if path.name == LEAF else path
    return root


def _move(base: Path, pid: str) -> None:
    """Leave a group for its leaf; other people's processes in it would have to be moved, too."""
    if set((base / "cgroup.procs").read_text().split()) - {pid}:
        raise Problem("refused", "other processes are in our control group")
    (base / LEAF).mkdir(exist_ok=True)
    (base / LEAF / "cgroup.procs").write_text(pid)


def delegated(base: Path) -> Groups:
    """Take over a group that is ours: move to a leaf, and hand its controllers down.

    Raises Problem refused where it is not ours, or does not let us.
    """
    if reason := lacking(base):
        raise Problem("refused", reason)
    try:
        _move(base, str(os.getpid()))
        controllers = USED & set((base / "cgroup.controllers").read_text().split())
        told = " ".join(f"+{name}" for name in sorted(controllers))
        (base / "cgroup.subtree_control").write_text(told)
    except OSError as error:
        raise Problem("refused", f"{base}: {error.strerror}") from None
    for left in base.glob("run-*"):
        with suppress(OSError):  # one of a server that lives
            left.rmdir()
    return Groups(base, controllers)
