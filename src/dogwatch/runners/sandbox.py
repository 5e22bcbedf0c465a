"""A sandbox for one script, made by bubblewrap: bwrap(1).

Inside are the system's programs, read-only, and a few files of /etc; work, /tmp and /dev/shm of a
bounded size, in memory and gone with the run; no network, no other process, nothing of Dogwatch
but the helpers of the run. What bwrap is told goes through an open file, not its command line,
which everybody on the machine can read; its environment, which the script can read, is all but
empty.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from dogwatch.core.problems import Problem
from dogwatch.core.script_action import MIB
from dogwatch.runners import seccomp
from dogwatch.runners.interpreters import STANDARD_PATH

PROBE_S = 10.0
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
INSIDE_UID = 1000
HOME = Path("/work")
OURS = Path("/run/dogwatch")
GIVEN = OURS / "input"
HELPERS = OURS / "helpers"
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC = (
    "alternatives", "ca-certificates", "hosts", "ld.so.cache", "localtime", "mime.types",
    "nsswitch.conf", "pki/ca-trust/extracted", "pki/tls/certs", "resolv.conf", "services",
    "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
PASSWD = (
    f"root:x:0:0::/:/usr/sbin/nologin\nscript:x:{INSIDE_UID}:{INSIDE_UID}::{HOME}:/bin/bash\n"
    "nobody:x:65534:65534::/:/usr/sbin/nologin\n"
)
GROUP = f"root:x:0:\nscript:x:{INSIDE_UID}:\nnogroup:x:65534:\n"
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
    prlimit: str
    uid: int
    nested: Sequence[str] = ()
    paths: Sequence[Path] = ()
    hidden: Sequence[Path] = ()
    bounds: Bounds = field(default_factory=Bounds)

    @property
    def drops(self) -> bool:
        """Say whether the sandbox runs as another user than the server."""
        return os.geteuid() == 0

    def workdir(self, data: Path) -> Path:
        """Return where the runs have their directories: the sandbox's user can get there."""
        if not self.drops:
            return data / "work"
        inode = data.stat()
        return Path("/run") / f"dogwatch-{inode.st_dev:x}-{inode.st_ino:x}"


class Files:
    """Files in memory that nobody can change, open to those who are told their numbers."""

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
        return str(fd)

    def pipe(self) -> tuple[int, int]:
        """Return both ends of a pipe; the reader is the caller's to close."""
        reader, writer = os.pipe()
        self._stack.callback(os.close, writer)
        self.fds.append(writer)
        return reader, writer


@dataclass(frozen=True, slots=True)
class Errand:
    """What a sandbox is for: the script's name and text, its words, its environment.

    `given` is the number of the file with its input. `limits` are named as by prlimit(1).
    `helpers` is the directory of its helpers, None without.
    """

    interpreter: Sequence[str]
    script: str
    source: bytes
    args: Sequence[str]
    given: str
    environ: Mapping[str, str]
    limits: Mapping[str, int] = field(default_factory=dict)
    helpers: Path | None = None


def found(uid: int, paths: Sequence[Path] = (), hidden: Sequence[Path] = ()) -> Sandbox:
    """Return the sandbox of this machine once one has worked; a Problem that says why none does.

    `uid` is the user for sandboxes of a server that runs as root.
    """
    program, prlimit = _program("bwrap", "bubblewrap"), _program("prlimit", "util-linux")
    chosen = uid if os.geteuid() == 0 else os.geteuid()
    fault = ""
    for nested in (("--disable-userns",), ()):
        sandbox = Sandbox(program, prlimit, chosen, nested, tuple(paths), tuple(hidden))
        if not (fault := _fault(sandbox)):
            return sandbox
    raise Problem("refused", f"bubblewrap does not work here: {fault}")


def _program(name: str, package: str) -> str:
    path = shutil.which(name, path=STANDARD_PATH)
    if path is None:
        raise Problem("refused", f"{name} is missing; install {package}")
    return path


def _fault(sandbox: Sandbox) -> str:
    """Run a sandbox that does nothing; return what it complains of."""
    uid = sandbox.uid if sandbox.drops else None
    with ExitStack() as stack:
        files = Files(stack)
        nothing = Errand(("/bin/sh",), "probe", b"exit 0\n", (), files.hold(b""), {})
        command = command_of(sandbox, nothing, files)
        try:
            done = subprocess.run(
                command, check=False, env={}, pass_fds=files.fds, cwd="/", capture_output=True,
                timeout=PROBE_S, user=uid, group=uid, extra_groups=None if uid is None else [],
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
    said = done.stderr.decode(errors="replace").strip()
    return "" if done.returncode == 0 else said or f"exit status {done.returncode}"


def command_of(
    sandbox: Sandbox, errand: Errand, files: Files, told: int | None = None
) -> list[str]:
    """Return the command of a sandbox, which must find the files open.

    It writes to `told` in JSON which process is the first inside.
    """
    options = [*_options(sandbox, errand, files), "--remount-ro", "/"]
    if told is not None:
        options += ["--info-fd", str(told)]
    file = files.hold(b"".join(option.encode() + b"\0" for option in options))
    limits = {**errand.limits, "nproc": sandbox.bounds.processes}
    limit = (sandbox.prlimit, *(f"--{name}={most}" for name, most in limits.items()), "--")
    script = (str(OURS / errand.script), *errand.args)
    return [sandbox.program, "--args", file, "--", *limit, *errand.interpreter, *script]


def _options(sandbox: Sandbox, errand: Errand, files: Files) -> Iterator[str]:
    yield from (*APART, *sandbox.nested)
    yield from _system(sandbox)
    yield from _places(sandbox.bounds)
    for name, text in (("passwd", PASSWD), ("group", GROUP)):
        yield from ("--perms", "0444", "--ro-bind-data", files.hold(text.encode()), f"/etc/{name}")
    yield from ("--ro-bind-data", files.hold(errand.source), str(OURS / errand.script))
    yield from ("--ro-bind-data", errand.given, str(GIVEN))
    if errand.helpers:
        yield from ("--bind", str(errand.helpers), str(HELPERS))
    if filtered := seccomp.program():
        yield from ("--seccomp", files.hold(filtered))
    for name, value in errand.environ.items():
        yield from ("--setenv", name, value)


def _system(sandbox: Sandbox) -> Iterator[str]:
    """Yield what shows the programs of the system, and what hides parts of it."""
    yield from ("--ro-bind", "/usr", "/usr")
    for place in map(Path, SYSTEM):
        if place.is_symlink():
            yield from ("--symlink", str(place.readlink()), str(place))
        elif place.is_dir():
            yield from ("--ro-bind", str(place), str(place))
    yield from ("--perms", "0755", "--dir", "/etc")
    for name in ETC:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    for path in sandbox.paths:
        yield from ("--ro-bind-try", str(path), str(path))
    for path in sandbox.hidden:
        if any(path.is_relative_to(shown) for shown in (Path("/usr"), *sandbox.paths)):
            yield from ("--perms", "0000", "--size", "4096", "--tmpfs", str(path))


def _places(bounds: Bounds) -> Iterator[str]:
    """Yield its own processes and devices, and all that a script may write to."""
    yield from ("--proc", "/proc", "--dev", "/dev")
    places = {"/dev/shm": bounds.shm_mb, "/tmp": bounds.tmp_mb, str(HOME): bounds.work_mb}  # noqa: S108  (its own)
    for place, size_mb in places.items():
        yield from ("--perms", "0700", "--size", str(size_mb * MIB), "--tmpfs", place)
    yield from ("--remount-ro", "/dev", "--chdir", str(HOME))
