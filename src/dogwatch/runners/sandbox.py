"""A sandbox for one script, made by bubblewrap: bwrap(1).

Inside are the system's programs, read-only, and a few files of /etc; work, /tmp and /dev/shm of a
bounded size, in memory and gone with the run; no network, no other process, nothing of Dogwatch
but the helpers of the run. What bwrap is told goes through an open file, not its command line,
which everybody on the machine can read; its environment, which the script can read, is all but
empty.
"""

import fcntl
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dogwatch.core.problems import Problem
from dogwatch.core.script_action import MIB
from dogwatch.runners import seccomp
from dogwatch.runners.interpreters import STANDARD_PATH
from dogwatch.runners.launcher import Enclosed, once
from dogwatch.runners.system import HOME, INSIDE_UID, SYSTEM, System

PROBE_S = 10.0
STREAMS = 3  # standard input, output and error come before the files
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
OURS = Path("/run/dogwatch")
GIVEN = OURS / "input"
HELPERS = OURS / "helpers"
APART = (
    "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net",
    "--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
    "--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID), "--hostname", "dogwatch", "--clearenv",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one run may take: MiB in memory for each place that it writes to, and processes."""

    work_mb: int = 512
    tmp_mb: int = 256
    shm_mb: int = 64
    processes: int = 512


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How sandboxes are made here.

    `uid` is whom they run as on the machine; `nested` the option against sandboxes in them, where
    this bwrap knows it; `paths` what scripts may read besides, `hidden` what they may not.
    """

    program: str
    uid: int
    nested: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)

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
        """Return where the runs have their directories: the sandbox's user can get there."""
        if not self.drops:
            return data / "work"
        inode = data.stat()
        return Path("/run") / f"dogwatch-{inode.st_dev:x}-{inode.st_ino:x}"


class Files:
    """Files in memory that nobody can change, numbered as a sandbox has them open."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.fds: list[int] = []

    def hold(self, content: bytes) -> str:
        """Return the number of a file with this content."""
        fd = os.memfd_create("dogwatch", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._stack.callback(os.close, fd)
        with os.fdopen(fd, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(fd, 0, os.SEEK_SET)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
        self.fds.append(fd)
        return str(STREAMS + len(self.fds) - 1)

    def again(self, number: str) -> int:
        """Open a file anew, at its beginning."""
        fd = os.open(f"/proc/self/fd/{self.fds[int(number) - STREAMS]}", os.O_RDONLY)
        self._stack.callback(os.close, fd)
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


def found(uid: int, paths: Sequence[Path] = (), hidden: Sequence[Path] = ()) -> Sandbox:
    """Return the sandbox of this machine once one has worked; a Problem that says why none does.

    `uid` is the user for sandboxes of a server that runs as root.
    """
    program = _program("bwrap", "bubblewrap")
    chosen = uid if os.geteuid() == 0 else os.geteuid()
    fault = ""
    for nested in (("--disable-userns",), ()):
        sandbox = Sandbox(program, chosen, nested, tuple(paths), tuple(hidden))
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
            order = order_of(sandbox, root, nothing, (said.fileno(), said.fileno()), stack)
            code = once(sandbox.uid if sandbox.drops else None, sandbox.seen(place), order, PROBE_S)
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
        said.seek(0)
        words = said.read().decode(errors="replace").strip()
    return "" if code == 0 else words or f"exit status {code}"


def order_of(
    sandbox: Sandbox, root: Path, errand: Errand, outs: tuple[int, int], stack: ExitStack
) -> Enclosed:
    """Return what to launch; its files are open as long as the stack.

    `root` is the root directory of all sandboxes, `outs` become standard output and error.
    """
    files = Files(stack)
    given = files.hold(errand.given)
    listed = files.hold(usual_options(sandbox, root) + _joined(_options(errand, given, files)))
    script = (str(OURS / errand.script), *errand.args)
    return Enclosed(
        [sandbox.program, "--args", listed, "--", *errand.interpreter, *script],
        [files.again(given), *outs, *files.fds],
        {**errand.limits, resource.RLIMIT_NPROC: sandbox.bounds.processes},
        port=errand.port,
    )


def _joined(options: Iterable[str]) -> bytes:
    return b"".join(option.encode() + b"\0" for option in options)


@lru_cache(maxsize=8)
def usual_options(sandbox: Sandbox, root: Path) -> bytes:
    """Return the options that are the same for all; another `root` is made where they change."""
    return _joined([*APART, *sandbox.nested, *_system(sandbox, root), *_places(sandbox.bounds)])


def _options(errand: Errand, given: str, files: Files) -> Iterator[str]:
    yield from _ours(errand, given, files)
    if filtered := seccomp.program():
        yield from ("--seccomp", files.hold(filtered))
    for name, value in errand.environ.items():
        yield from ("--setenv", name, value)


def _system(sandbox: Sandbox, root: Path) -> Iterator[str]:
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
    room = len(errand.source) + len(errand.given) + MIB
    yield from ("--perms", "0755", "--size", str(room), "--tmpfs", "/run")
    yield from ("--file", files.hold(errand.source), str(OURS / errand.script))
    yield from ("--file", given, str(GIVEN))
    if errand.helpers:
        yield from ("--ro-bind", str(errand.helpers), str(HELPERS))
    yield from ("--remount-ro", "/run")


def _places(bounds: Bounds) -> Iterator[str]:
    """Yield its own processes and devices, and all that a script may write to."""
    yield from ("--proc", "/proc", "--dev", "/dev")
    places = {"/dev/shm": bounds.shm_mb, "/tmp": bounds.tmp_mb, str(HOME): bounds.work_mb}  # noqa: S108  (its own)
    for place, size_mb in places.items():
        yield from ("--perms", "0700", "--size", str(size_mb * MIB), "--tmpfs", place)
    yield from ("--remount-ro", "/dev", "--chdir", str(HOME))
