"""Runs one script as its child and outlives every process that the script leaves behind.

A child of the fork server, made by `forked` and dependent on nothing of Dogwatch. It has four open
files: the control socket, what becomes standard output and error of the script, and a file in
memory, which it alone reads:

    {"command": […], "env": {…}, "home": PATH, "given": PATH, "limits": {"7": 1024}}

By the control socket one word and a number go out ("exit 3", "signal 9", "error 2" for an errno),
and end of file coming in means: end the tree. So does the end of the fork server, which ends with
the server, whatever killed it.

As the subreaper (prctl(2)) of its descendants it inherits double forks and `setsid` daemons, so
`waitpid` alone says when all are gone. Leaves with 0 when they are, with 1 when some could not be
killed.

It reads no clock: phases are counted in ticks of `poll`. It imports only what starts fast.
"""

import ctypes
import json
import os
import resource
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# Numbers of signal(7); importing `signal` would double the imports' cost.
HUP, INT, QUIT, KILL, PIPE, TERM, CHLD, CONT, XFSZ = 1, 2, 3, 9, 13, 15, 17, 18, 25

REAP_MS = 1000  # while the script runs: how long an adopted zombie may lie
TICK_S = 0.005
STRIKE_TICK_S = 0.001
LINGER_TICKS = 40  # `exec > >(tee log)`: what still writes may finish
GRACE_TICKS = 60  # from SIGTERM to SIGKILL
KILL_TICKS = 200

LEAST = 3  # after the streams
MOST_FILES = 1 << 16

libc = ctypes.CDLL(None)


class Supervisor:
    """One script, its process id, the control socket, and a pidfd of the fork server."""

    def __init__(self, control: int, script: int, parent: int) -> None:
        self.control = control
        self.script = script
        self.parent = parent
        self.running = True

    def run(self) -> bool:
        """Return whether the whole tree is gone."""
        self.watch()
        if not self.running and self.emptied(LINGER_TICKS):
            return True
        for pid, _ in descendants():
            send(pid, TERM)
            send(pid, CONT)
        return self.emptied(GRACE_TICKS) or self.emptied(KILL_TICKS, strike=True)

    def watch(self) -> None:
        """Return when the script has ended or the control socket has."""
        ready, script = select.poll(), os.pidfd_open(self.script)
        for fd in (self.control, self.parent, script):
            ready.register(fd, select.POLLIN)
        while self.running:
            events = ready.poll(REAP_MS)
            self.reap()
            if any(fd != script for fd, _ in events):
                break
        os.close(script)

    def reap(self) -> bool:
        """Collect the dead; return whether a child is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self.script:
                    self.running = False
                    self.report(os.waitstatus_to_exitcode(status))
        except ChildProcessError:
            return False

    def report(self, code: int) -> None:
        """Tell the server how the script ended, if there still is a server."""
        tell(self.control, f"exit {code}" if code >= 0 else f"signal {-code}")

    def emptied(self, ticks: int, *, strike: bool = False) -> bool:
        """Wait until no child is left; return False when the ticks are over."""
        for _ in range(ticks):
            if strike:
                strike_all()
            if not self.reap():
                return True
            select.select([], [], [], STRIKE_TICK_S if strike else TICK_S)
        return not self.reap()


def descendants() -> list[tuple[int, int]]:
    """Return (process, process group) of everything below this process."""
    family, found = {os.getpid()}, []
    processes = list(stats())
    while fresh := [entry for entry in processes if entry[1] in family and entry[0] not in family]:
        family.update(pid for pid, _, _ in fresh)
        found += [(pid, group) for pid, _, group in fresh]
    return found


def strike_adopted(known: "Collection[int]") -> bool:
    """Kill the children that are not among the known, and all below; whether there were any."""
    processes = list(stats())
    found = [one for one in processes if one[1] == os.getpid() and one[0] not in known]
    family = {pid for pid, _, _ in found}
    for pid, _, group in found:
        slay(pid, group)
        reap_one(pid)
    while fresh := [one for one in processes if one[1] in family and one[0] not in family]:
        family.update(pid for pid, _, _ in fresh)
        for pid, _, group in fresh:
            slay(pid, group)
    return bool(found)


def reap_one(pid: int) -> None:
    """Collect a child if it is dead."""
    try:  # noqa: SIM105  (contextlib is slow to import)
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def strike_all() -> None:
    """Kill all that live below, adopted ones at once while reading: a fork chain is a race."""
    for pid, parent, group in stats():
        if parent == os.getpid():
            slay(pid, group)
    for pid, group in descendants():
        slay(pid, group)


def slay(pid: int, group: int) -> None:
    """Kill a process and its group, which in one step catches those that fork right now."""
    if group != os.getpgrp():
        send(-group, KILL)
    send(pid, KILL)


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone, or no longer ours (sudo)."""
    try:  # noqa: SIM105  (contextlib is slow to import)
        os.kill(pid, number)
    except OSError:
        pass


def stats() -> "Iterator[tuple[int, int, int]]":
    """Yield (pid, parent, group), newest first; the fields are those of proc_pid_stat(5)."""
    pids = [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdecimal()]
    for pid in sorted(pids, reverse=True):
        try:
            fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
        except OSError:
            continue
        try:
            _, parent, group = os.read(fd, 512).rpartition(b")")[2].split(None, 3)[:3]
        except (OSError, ValueError):
            continue
        finally:
            os.close(fd)
        yield pid, int(parent), int(group)


def start(control: int, told: "dict[str, Any]") -> int:
    """Fork and run the command; return its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        become(told)
        os.execve(told["command"][0], told["command"], told["env"])  # noqa: S606  (no shell is the point)
    except OSError as fault:
        tell(control, f"error {fault.errno}")
    finally:
        os._exit(127)


def become(told: "dict[str, Any]") -> None:
    """Turn the forked child into what a script may expect to be."""
    libc.prctl(PR_SET_PDEATHSIG, KILL, 0, 0, 0)
    os.setsid()
    os.umask(0o077)
    os.chdir(told["home"])
    os.dup2(os.open(told["given"], os.O_RDONLY), 0)
    for number in (HUP, INT, QUIT, PIPE, TERM, CHLD, XFSZ):
        libc.signal(number, None)
    for kind, value in told["limits"].items():
        _, hard = resource.getrlimit(int(kind))
        lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(int(kind), (lower, lower))


def tell(control: int, words: str) -> None:
    """Write one line to the server."""
    try:  # noqa: SIM105  (contextlib is slow to import)
        os.write(control, f"{words}\n".encode())
    except OSError:
        pass


def forked(control: int, out: int, err: int, told: int) -> int:
    """Fork a supervisor with these files and no other; return its process id."""
    server = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        status = supervise(control, out, err, told, server)
    finally:
        os._exit(status)  # nothing to flush, no reason to tear down an interpreter


def supervise(control: int, out: int, err: int, told: int, server: int) -> int:
    """Start the script, let go of its output, stay until nothing is left."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    with open(told, "rb", closefd=False) as file:
        asked = json.loads(file.read())
    control = kept(control)
    os.setsid()
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    parent = os.pidfd_open(server)
    script = start(control, asked)
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    return 0 if Supervisor(control, script, parent).run() else 1


def kept(control: int) -> int:
    """Close all files but the streams and this: those of the fork server, and of other runs."""
    os.dup2(control, LEAST, inheritable=False)
    os.closerange(LEAST + 1, MOST_FILES)
    return LEAST
