"""A disk that is soon full, for one server: a small tmpfs of its own, or a limit on its files."""

import os
import resource
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.harness.served import PROGRAM, Served

SIZE_MIB = 8
BALLAST_MIB = 2
_HOLD = 'mount -t tmpfs -o size="$1"m,mode=700 none "$2" && echo ready && exec sleep infinity'


class Disk(Protocol):
    """Where a server keeps its files: `enter` is put before its command."""

    kind: str
    enter: tuple[str, ...]

    def seen(self, path: Path) -> Path:
        """Return how we, who did not enter, see a path on it."""
        ...

    def free(self, server: Served) -> None:
        """Make room."""
        ...


class SmallServed(Served):
    """A server on such a disk; its log lies elsewhere."""

    def __init__(self, data: Path, disk: Disk, flags: Mapping[str, str] | None = None) -> None:
        super().__init__(data, flags or {}, program=(*disk.enter, *PROGRAM))
        self.disk = disk

    @property
    def key(self) -> str:
        return self.disk.seen(self.data / "cli.key").read_text().strip()

    @property
    def log(self) -> Path:
        return self.data.parent.with_suffix(".log")


class Tmpfs:
    """A file system in memory, in a mount namespace that a process of ours holds open."""

    kind = f"tmpfs of {SIZE_MIB} MiB"

    def __init__(self, mount: Path, holder: int) -> None:
        user = () if os.geteuid() == 0 else ("-U", "--preserve-credentials")
        self.enter: tuple[str, ...] = ("nsenter", "-t", str(holder), "-m", *user, "--")
        self._root = Path(f"/proc/{holder}/root")
        self._ballast = self.seen(mount / "ballast")
        self._ballast.write_bytes(bytes(BALLAST_MIB * 2**20))

    def seen(self, path: Path) -> Path:
        return self._root / path.relative_to("/")

    def free(self, server: Served) -> None:
        self._ballast.unlink()


class Limit:
    """No file may grow beyond 2 MiB; for machines that let nobody mount. setrlimit(2)."""

    kind = "files of 2 MiB at most"
    enter: tuple[str, ...] = ("prlimit", f"--fsize={2 * 2**20}:unlimited")

    def seen(self, path: Path) -> Path:
        return path

    def free(self, server: Served) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)
        server.program = PROGRAM


@contextmanager
def small_disk(mount: Path) -> Iterator[Disk]:
    """Yield a tmpfs at `mount`, or where that is not permitted a limit."""
    mount.mkdir()
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    holder = subprocess.Popen(
        ["unshare", "-m", *user, "sh", "-c", _HOLD, "-", str(SIZE_MIB), str(mount)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with holder:
        assert holder.stdout is not None
        mounted = holder.stdout.readline() == b"ready\n"
        try:
            yield Tmpfs(mount, holder.pid) if mounted else Limit()
        finally:
            holder.kill()
