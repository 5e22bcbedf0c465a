"""A sandbox for one script, made by bubblewrap: bwrap(1).

Where that is possible, one is made ahead and each run has a cell of its own in it; see `around.py`.
Else one is made for each run, as here.

Inside are the system's programs, read-only, and a few files of /etc; work, /tmp and /dev/shm of a
bounded size, in memory and gone with the run; no network, no other process, nothing of Dogwatch
but the helpers of the run. What bwrap is told goes through an open file, not its command line,
which everybody on the machine can read; its environment, which the script can read, is all but
empty.
"""

import fcntl
import os
import resource
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dogwatch.core.script_action import MIB
from dogwatch.runners import seccomp
from dogwatch.runners.launcher import Enclosed
from dogwatch.runners.system import HOME, INSIDE_UID, SYSTEM

STREAMS = 3  # standard input, output and error come before the files
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
OURS = Path("/run/dogwatch")
GIVEN = OURS / "input"
HELPERS = OURS / "helpers"
HOSTNAME = "dogwatch"
APART = (
    "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net",
    "--unshare-cgroup-try", "--die-with-parent", "--new-session",
    "--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID), "--hostname", HOSTNAME, "--clearenv",
)  # fmt: skip
POWERLESS = ("--cap-drop", "ALL")
RUN = Path("/run")
IN_MEMORY = (RUN, Path("/dev/shm"))  # noqa: S108  (who makes our place there sees whose it is)


# The kernel has so many for each user, and all sandboxes are one: bounded in its user namespace,
# no run takes them all. `WATCHED` is by the names in /proc/sys/user, namespaces(7).
WATCHED = {"max_inotify_instances": 8, "max_inotify_watches": 8192}
KEPT_SIGNALS = 1024  # queued ones, and timers


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one run may take: MiB in memory for each place that it writes to, and processes."""

    work_mb: int = 512
    tmp_mb: int = 256
    shm_mb: int = 64
    processes: int = 512

    @property
    def places(self) -> Mapping[str, int]:
        """Return all that a script may write to, with its size in bytes."""
        sizes_mb = {"/dev/shm": self.shm_mb, "/tmp": self.tmp_mb, str(HOME): self.work_mb}  # noqa: S108  (its own)
        return {place: size_mb * MIB for place, size_mb in sizes_mb.items()}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How sandboxes are made here.

    `uid` is whom they run as on the machine; `nested` the option against sandboxes in them, where
    this bwrap knows it; `paths` what scripts may read besides, `hidden` what they may not. With
    `cells`, runs share one bubblewrap, each in namespaces of its own.
    """

    program: str
    uid: int
    nested: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)
    cells: bool = False

    @property
    def drops(self) -> bool:
        """Say whether the sandbox runs as another user than the server."""
        return os.geteuid() == 0

    def seen(self, workdir: Path) -> Sequence[Path]:
        """Return what a sandbox is made of."""
        return [
            workdir.absolute(),
            Path("/usr"),
            *(Path("/") / name for name in SYSTEM),
            *self.paths,
        ]

    def workdir(self, data: Path) -> Path:
        """Return where the runs have their directories: the sandbox's user can get there.

        In memory where it can be: on a disk, a run waits for what others write to that.
        """
        if not self.drops:
            return data / "work"
        inode = data.stat()
        place = next(filter(Path.is_mount, IN_MEMORY), RUN)
        return place / f"dogwatch-{inode.st_dev:x}-{inode.st_ino:x}"


class Files:
    """Files in memory that nobody can change, numbered as a sandbox has them open."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.fds: list[int] = []

    def hold(self, content: bytes) -> str:
        """Return the number of a file with this content."""
        self.fds.append(in_memory(content, self._stack))
        return str(STREAMS + len(self.fds) - 1)

    def again(self, number: str) -> int:
        """Open a file anew, at its beginning."""
        fd = os.open(f"/proc/self/fd/{self.fds[int(number) - STREAMS]}", os.O_RDONLY)
        self._stack.callback(os.close, fd)
        return fd


def in_memory(content: bytes, stack: ExitStack) -> int:
    """Return an open file with this content for good, as long as the stack."""
    fd = os.memfd_create("dogwatch", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    stack.callback(os.close, fd)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
    return fd


@dataclass(frozen=True, slots=True)
class Errand:
    """What a sandbox is for: the script's name and text, its words, its environment.

    `given` is its input. `limits` are as in setrlimit(2). `helpers` is the directory of its
    helpers, None without. `port` is where its network is answered, 0 for nowhere.
    """

    interpreter: Sequence[str]
    script: str
    source: bytes
    args: Sequence[str]
    given: bytes
    environ: Mapping[str, str]
    limits: Mapping[int, int] = field(default_factory=dict)
    helpers: Path | None = None
    port: int = 0

    @property
    def command(self) -> Sequence[str]:
        """Return the words by which the script is started."""
        return (*self.interpreter, str(OURS / self.script), *self.args)

    @property
    def room(self) -> int:
        """Return what its files take, and some more, in bytes."""
        return len(self.source) + len(self.given) + MIB


def order_of(
    sandbox: Sandbox, root: Path, errand: Errand, outs: tuple[int, int], stack: ExitStack
) -> Enclosed:
    """Return what to launch; its files are open as long as the stack.

    `root` is the root directory of all sandboxes, `outs` become standard output and error.
    """
    files = Files(stack)
    given = files.hold(errand.given)
    listed = files.hold(usual_options(sandbox, root) + joined(_options(errand, given, files)))
    return Enclosed(
        [sandbox.program, "--args", listed, "--", *errand.command],
        [files.again(given), *outs, *files.fds],
        limits_of(sandbox, errand),
        WATCHED,
        port=errand.port,
    )


def limits_of(sandbox: Sandbox, errand: Errand) -> dict[int, int]:
    """Return all limits of a run."""
    return {
        **errand.limits,
        resource.RLIMIT_NPROC: sandbox.bounds.processes,
        resource.RLIMIT_SIGPENDING: KEPT_SIGNALS,
        resource.RLIMIT_MSGQUEUE: 0,
    }


def joined(options: Iterable[str]) -> bytes:
    return b"".join(option.encode() + b"\0" for option in options)


@lru_cache(maxsize=8)
def usual_options(sandbox: Sandbox, root: Path) -> bytes:
    """Return the options that are the same for all; another `root` is made where they change."""
    return joined(
        [*APART, *POWERLESS, *sandbox.nested, *system(sandbox, root), *_places(sandbox.bounds)]
    )


def _options(errand: Errand, given: str, files: Files) -> Iterator[str]:
    yield from _ours(errand, given, files)
    if filtered := seccomp.program():
        yield from ("--seccomp", files.hold(filtered))
    for name, value in errand.environ.items():
        yield from ("--setenv", name, value)


def system(sandbox: Sandbox, root: Path) -> Iterator[str]:
    """Yield what shows the programs of the system, and what hides parts of it."""
    yield from ("--ro-bind", str(root), "/", "--ro-bind", "/usr", "/usr")
    for place in (Path("/") / name for name in SYSTEM):
        if place.is_dir() and not place.is_symlink():
            yield from ("--ro-bind", str(place), str(place))
    for path in sandbox.paths:
        if path.exists():
            yield from ("--ro-bind", str(path), str(path))
    for path in sandbox.hidden:
        if any(path.is_relative_to(shown) for shown in (Path("/usr"), *sandbox.paths)):
            yield from ("--perms", "0000", "--size", "4096", "--tmpfs", str(path))


def _ours(errand: Errand, given: str, files: Files) -> Iterator[str]:
    """Yield what a run finds of Dogwatch: its script, its input, its helpers."""
    yield from ("--perms", "0755", "--size", str(errand.room), "--tmpfs", str(RUN))
    yield from ("--file", files.hold(errand.source), str(OURS / errand.script))
    yield from ("--file", given, str(GIVEN))
    if errand.helpers:
        yield from ("--ro-bind", str(errand.helpers), str(HELPERS))
    yield from ("--remount-ro", str(RUN))


def _places(bounds: Bounds) -> Iterator[str]:
    """Yield its own processes and devices, and all that a script may write to."""
    yield from ("--proc", "/proc", "--dev", "/dev")
    for place, size in bounds.places.items():
        yield from ("--perms", "0700", "--size", str(size), "--tmpfs", place)
    yield from ("--remount-ro", "/dev", "--chdir", str(HOME))
