"""Starts sandboxed runs from within one bubblewrap that surrounds them all.

A program of its own, started by bwrap(1) as `python -I -S cells.py`, which finds nothing beside
itself but `frames.py`, `filter`, the system calls that scripts may not make (see `seccomp.py`), and
`cell`, what all cells have: the user, the host's name, the places to write to and their sizes, and
how many there may be of what the kernel counts by user. It sees what every script sees, and the
directories of the runs. It is single-threaded and holds no secret: the errand of a run is an open
file that it does not read.

Each run is one process cloned from it into namespaces of its own, all of them: the first process
of a cell. That one has an own /proc, fresh places to write to in memory over the empty ones, no
capability, no way to more namespaces; then it starts the script, waits for it, and ends, and with
it the kernel ends all inside, pid_namespaces(7). To make a bubblewrap for each run would take three
times as long: most of that goes into starting bwrap itself, and into mounting anew what is the
same for all. One cell is always made ahead, with all that does not depend on its run, and waits for
one; no cell has a second.

A network takes the kernel longest to make and to take away, so a cell is born into one that we own
and keep. It belongs to one cell at a time, which has no right to change it, and goes to the next
only if it still is as new: no socket lives in it, and no count of its packets, routes, groups or
labels has moved since it was made. Most scripts use none; where one did, that network is given up.

Standard input is the control socket; what is said there is as in `forkserver.py`:

    {"run": 7, "joins": false}    and open files: errand, output, error, and a control group's
    {"ask": 7}                    have all inside end (SIGTERM)
    {"kill": 7}

The answers are `{"run": 7, "exit": N, "gone": true}`, before that `{"run": 7, "listens": true}`
with a socket, if one is to listen in the run's own network, and `{"run": 7, "fault": ERRNO}` of
what kept the script from running. The first process of a cell says these two itself.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from dogwatch.runners import frames
else:  # started with -I, it finds nothing beside itself
    sys.path.insert(0, __file__.rpartition("/")[0])
    import frames

    del sys.path[0]

# CLONE_NEWUSER, NEWNS, NEWPID, NEWIPC, NEWUTS, NEWCGROUP
APART = 0x10000000 | 0x20000 | 0x20000000 | 0x8000000 | 0x4000000 | 0x2000000
NEWNET = 0x40000000
CLONE = {"x86_64": 56, "aarch64": 220}
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND = 1, 2, 4, 8, 32, 4096
SET_PDEATHSIG, SET_DUMPABLE, SET_NAME, SET_SECCOMP, CAPBSET_DROP = 1, 4, 15, 22, 24
SET_NO_NEW_PRIVS, CAP_AMBIENT, AMBIENT_CLEAR_ALL, SECCOMP_FILTER = 38, 47, 4, 2
CAPABILITY_VERSION = 0x20080522
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
INSTRUCTION_BYTES = 8
OF_SIGNALS = 128  # as shells do
USUAL = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
LOST = 1
FILES = "/run/work"
OURS = "/run/dogwatch"
SPARE_NETWORKS = 16
TRACES = ("dev", "igmp", "ip6_flowlabel", "ipv6_route", "netstat", "rt6_stats", "snmp", "snmp6")

LIBC = ctypes.PyDLL(None, use_errno=True)


class Network:
    """A network that we are in, newly made: open, and what is to be read in one without a trace."""

    def __init__(self) -> None:
        must(LIBC.unshare(NEWNET))
        with socket.socket() as any_one:
            fcntl.ioctl(any_one, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
        self.fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.new = traces()

    def enter(self) -> None:
        """Go there."""
        must(LIBC.setns(self.fd, NEWNET))

    def is_new(self) -> bool:
        """Say whether this, which we are in, is as it was made."""
        return traces() == self.new


class Cell:
    """A cell by its first process, which hears on `line` of its run; that has no number before."""

    def __init__(self, pid: int, line: socket.socket, network: Network) -> None:
        self.pid = pid
        self.line = line
        self.network = network
        self.run = 0


class Server:
    """The cells of the runs under way, whose numbers the server gives, and one that is ready."""

    def __init__(self, control: socket.socket, kind: Mapping[str, Any], filtered: bytes) -> None:
        self.control = control
        self.kind = kind
        self.filtered = filtered
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)
        self.ready: Cell | None = None
        self.home = Network()  # that we came in is not ours to come back to
        self.networks: list[Network] = []  # of cells that have ended
        self.runs: dict[int, Cell] = {}
        self.ends: dict[int, Cell] = {}  # whose end a descriptor tells

    def serve(self) -> None:
        """Work until the control socket ends."""
        self.prepare()
        while True:
            for fd, _ in self.poll.poll():
                if fd in self.ends:
                    self.end(fd)
                elif not self.hear():
                    return

    def hear(self) -> bool:
        """Do what one frame says; return False at the end."""
        told, files = frames.received(self.control)
        if told is None:
            return False
        if "kill" in told:
            self.send(told["kill"], signal.SIGKILL)
        elif "ask" in told:
            self.send(told["ask"], signal.SIGTERM)
        elif "run" in told:
            self.begin(told, files)
            self.prepare()
        return True

    def send(self, run: int, number: int) -> None:
        """Send a signal to the first process of a run, if that has not ended."""
        if run in self.runs:
            os.kill(self.runs[run].pid, number)

    def begin(self, told: dict[str, Any], files: list[int]) -> None:
        """Start a run in the cell that is ready."""
        try:
            cell = self.given(told, files)
            cell.run = told["run"]
            self.runs[cell.run] = cell
        except OSError as fault:
            frames.say(self.control, run=told["run"], error=fault.errno)
        finally:
            for fd in files:
                os.close(fd)

    def given(self, told: dict[str, Any], files: list[int]) -> Cell:
        """Return a cell that knows its run: the one that is ready, unless that was just killed."""
        if ready := self.ready:
            self.ready = None
            try:
                return handed(ready, told, files)
            except BrokenPipeError:
                pass
        return handed(self.made(), told, files)

    def prepare(self) -> None:
        """Have a cell ready, if that can be; else the next run says why not."""
        if self.ready is None:
            try:  # noqa: SIM105  (contextlib is slow to import)
                self.ready = self.made()
            except OSError:
                pass

    def made(self) -> Cell:
        """Return a new cell; its first process never comes back from here."""
        near, far = socket.socketpair()
        with far:
            network = self.entered()
            try:
                if (pid := cloned()) == 0:
                    near.close()
                    First(self, far).live()
            except OSError:
                self.leave(network)
                raise
            finally:
                self.home.enter()  # no socket of ours is to be a trace
        cell = Cell(pid, near, network)
        pidfd = os.pidfd_open(pid)
        self.ends[pidfd] = cell
        self.poll.register(pidfd, select.POLLIN)
        return cell

    def entered(self) -> Network:
        """Return a network without a trace of any run, in which we are then."""
        while self.networks:
            network = self.networks.pop()
            network.enter()
            if network.is_new():
                return network
            os.close(network.fd)
        return Network()

    def leave(self, network: Network) -> None:
        """Keep a network whose cell has ended, if there are few."""
        if len(self.networks) < SPARE_NETWORKS:
            self.networks.append(network)
        else:
            os.close(network.fd)

    def end(self, pidfd: int) -> None:
        """Collect the first process of a cell, with which everything inside has ended."""
        self.poll.unregister(pidfd)
        os.close(pidfd)
        cell = self.ends.pop(pidfd)
        _, status = os.waitpid(cell.pid, 0)
        cell.line.close()
        self.leave(cell.network)
        if cell is self.ready:
            self.ready = None
        if cell.run:
            del self.runs[cell.run]
            code = os.waitstatus_to_exitcode(status)
            frames.say(self.control, run=cell.run, exit=code, gone=True)


class First:
    """The first process of a cell."""

    def __init__(self, server: Server, line: socket.socket) -> None:
        self.control = server.control
        self.kind = server.kind
        self.filtered = server.filtered
        self.line = line
        self.number = 0

    def live(self) -> None:
        """Make the cell, wait for its run, and end as its script does."""
        fault: OSError | None = None
        try:
            try:
                self.prepare()
            except OSError as early:
                fault = early
            told, files = frames.received(self.line)
            if told is None:
                return
            self.number = told["run"]
            if fault:
                raise fault
            self.run(files, told["joins"])
        except OSError as late:
            frames.say(self.control, run=self.number, fault=late.errno)
        finally:
            os._exit(LOST)

    def run(self, files: list[int], joins: bool) -> None:
        """Run the script."""
        if joins:
            os.write(files[3], b"0")  # ourselves
        self.furnish(errand := read(files[0]))
        self.bar()
        LIBC.prctl(SET_NAME, b"init", 0, 0, 0)
        os._exit(awaited(started(errand, files[1:3])))

    def prepare(self) -> None:
        """Make what all cells have: a user, places."""
        must(LIBC.prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        become(self.kind["uid"])
        mount("proc", "/proc", NOSUID | NODEV | NOEXEC)
        for count, most in self.kind["counts"].items():
            write(f"/proc/sys/user/{count}", str(most).encode())
        for place, size in self.kind["places"].items():
            mount("tmpfs", place, NOSUID | NODEV, f"mode=0700,size={size}")
        mount("devpts", "/dev/pts", NOSUID | NOEXEC, "newinstance,ptmxmode=0666,mode=620")
        name = self.kind["hostname"].encode()
        must(LIBC.sethostname(name, len(name)))
        LIBC.prctl(CAP_AMBIENT, AMBIENT_CLEAR_ALL, 0, 0, 0)
        for capability in range(int(read_file("/proc/sys/kernel/cap_last_cap")) + 1):
            must(LIBC.prctl(CAPBSET_DROP, capability, 0, 0, 0))

    def furnish(self, errand: Mapping[str, Any]) -> None:
        """Make all that is the run's own: its files, its way to the server, its limits."""
        helpers = os.open(f"{FILES}/{errand['helpers']}", os.O_PATH) if errand["helpers"] else -1
        self.lay_out(errand, helpers)
        if errand["port"]:
            self.listen(errand["port"])
        for kind, most in errand["limits"].items():
            resource.setrlimit(int(kind), (most, most))

    def lay_out(self, errand: Mapping[str, Any], helpers: int) -> None:
        """Hide what is ours in /run behind what the script finds there."""
        mount("tmpfs", "/run", NOSUID | NODEV, f"mode=0755,size={errand['room']}")
        os.mkdir(OURS, 0o755)  # noqa: PTH102  (pathlib takes longer to import than all this)
        for name, content in errand["files"].items():
            fd = os.open(f"{OURS}/{name}", os.O_WRONLY | os.O_CREAT, 0o444)
            os.write(fd, content)
            os.close(fd)
        if helpers >= 0:
            os.mkdir(f"{OURS}/helpers", 0o755)  # noqa: PTH102  (as above)
            mount(None, f"{OURS}/helpers", BIND, source=f"/proc/self/fd/{helpers}")
        mount(None, "/run", REMOUNT | BIND | RDONLY | NOSUID | NODEV)

    def listen(self, port: int) -> None:
        """Give the server a socket in the network of the run."""
        with socket.socket() as made:
            made.bind(("", port))
            made.listen()
            frames.say(self.control, [made.fileno()], run=self.number, listens=True)

    def bar(self) -> None:
        """Give up every capability for good, and the system calls that no script makes."""
        must(LIBC.capset(struct.pack("=Ii", CAPABILITY_VERSION, 0), bytes(24)))
        must(LIBC.prctl(SET_DUMPABLE, 0, 0, 0, 0))
        must(LIBC.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        if self.filtered:
            lines = ctypes.create_string_buffer(self.filtered, len(self.filtered))
            count = len(self.filtered) // INSTRUCTION_BYTES
            program = struct.pack("@HP", count, ctypes.addressof(lines))
            must(LIBC.prctl(SET_SECCOMP, SECCOMP_FILTER, program, 0, 0))


def handed(cell: Cell, told: Mapping[str, Any], files: list[int]) -> Cell:
    """Hand a cell its run, and have it go on if a trusted script has stopped it."""
    with cell.line:
        frames.say(cell.line, files, **told)
    os.kill(cell.pid, signal.SIGCONT)
    return cell


def traces() -> list[bytes]:
    """Return what tells whether the network that we are in was used: how many sockets, what counts.

    It is all that one run could read of another there, but for the sockets themselves.
    """
    sockets = read_file("/proc/self/net/sockstat").partition(b"\n")[0]  # the rest is the machine's
    return [sockets, *(trace(f"/proc/self/net/{name}") for name in TRACES)]


def trace(path: str) -> bytes:
    """Read a file that is not there without IPv6."""
    try:
        return read_file(path)
    except FileNotFoundError:
        return b""


def cloned() -> int:
    """Return the process that we started in namespaces of its own, and 0 there; clone(2).

    It stays in the network that we are in. No more than fork(2) does for one with a single thread;
    os.fork() knows no namespaces.
    """
    pid: int = LIBC.syscall(CLONE[os.uname().machine], APART | signal.SIGCHLD, 0, 0, 0, 0)
    return must(pid)


def must(result: int) -> int:
    """Raise OSError if a call of libc failed."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def become(uid: int) -> None:
    """Be the same user in the new user namespace; user_namespaces(7)."""
    write("/proc/self/setgroups", b"deny")
    for what in ("uid", "gid"):
        write(f"/proc/self/{what}_map", f"{uid} {uid} 1".encode())


def mount(
    kind: str | None, place: str, flags: int, options: str = "", *, source: str | None = None
) -> None:
    """Call mount(2)."""
    told = (source or kind or "none", place, kind or "")
    where, target, sort = (word.encode() for word in told)
    must(LIBC.mount(where, target, sort or None, ctypes.c_ulong(flags), options.encode() or None))


def write(path: str, content: bytes) -> None:
    """Write a file of the kernel."""
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, content)
    os.close(fd)


def read_file(path: str) -> bytes:
    """Read a small file."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 1 << 16)
    finally:
        os.close(fd)


def read(fd: int) -> dict[str, Any]:
    """Return an errand: its parts as JSON after their length, then the contents of its files."""
    whole = b"".join(iter(lambda: os.read(fd, 1 << 20), b""))
    at = frames.LENGTH.size + frames.LENGTH.unpack_from(whole)[0]
    errand: dict[str, Any] = json.loads(whole[frames.LENGTH.size : at])
    for name, size in errand["files"].items():
        errand["files"][name], at = whole[at : at + size], at + size
    return errand


def started(errand: Mapping[str, Any], outs: list[int]) -> int:
    """Start the script with its three streams and no other open file; return its process id."""
    os.chdir(errand["home"])
    os.umask(0o077)
    given = os.open(f"{OURS}/input", os.O_RDONLY | os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, fd, at) for at, fd in enumerate((given, *outs))]
    command, environ = errand["command"], errand["environ"]
    return os.posix_spawn(
        command[0], command, environ, file_actions=actions, setsid=True, setsigdef=USUAL
    )


def awaited(script: int) -> int:
    """Collect whom the script leaves, until it has ended; return its status as shells do.

    Who asks us to end asks all inside. What we hold open, nobody else would see the end of.
    """
    signal.signal(signal.SIGTERM, pass_on)
    os.closerange(0, 1 << 16)
    while True:
        pid, status = os.wait()
        if pid == script:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else OF_SIGNALS - code


def pass_on(number: int, _frame: object) -> None:
    """Have all end but ourselves, the stopped ones too."""
    for each in (number, signal.SIGCONT):
        try:
            os.kill(-1, each)
        except ProcessLookupError:
            return


def main() -> None:
    """Start cells until the server ends."""
    os.umask(0o022)
    kind, filtered = json.loads(read_file("/run/cell")), read_file("/run/filter")
    gc.disable()
    gc.freeze()  # so that the cells share our memory
    frames.served(lambda control: Server(control, kind, filtered).serve())


if __name__ == "__main__":
    main()
    os._exit(0)
