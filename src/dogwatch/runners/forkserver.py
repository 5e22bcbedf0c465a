"""Starts runs for the server: small, single-threaded, with no secret in it.

A program of its own, started by `launcher.py` as `python -I -S forkserver.py [UID PATH…]`, which
needs nothing of Dogwatch but the files beside it. It becomes that user itself, who may have no way
to this file or to Python, and sees no mounts from then on but those that hold these paths: bwrap
copies all that there are, and reads the list of them a dozen times. With `-- COMMAND…` besides,
it becomes that command then, which is a bubblewrap around `cells.py`.
Standard input is the control socket, where both sides say frames; see `frames.py`. It is told:

    {"run": 7, "command": […], "limits": {"6": 512}, "counts": {"max_inotify_watches": 8192},
     "joins": false, "port": 0}                                                    and open files
    {"run": 7, "supervised": true}                                                 and open files
    {"ask": 7}
    {"wake": 7}
    {"kill": 7}

A run without a sandbox is that of a child of ours, `supervisor.py`, whose files these are. For a
sandbox it is as follows.

The files become the numbers 0, 1, … of the command, which is bwrap(1); its words go through one of
them, unread here. With `joins` the last one is the `cgroup.procs` of its control group. What is
answered: `{"run": 7, "exit": N}`, with -N for a signal, and `{"run": 7, "gone": true}` once nothing
is left, most often both in one frame; or nothing but `{"run": 7, "error": ERRNO}`. Who asks is told
the first process inside: `{"run": 7, "first": PID}`. With a `port`, a socket comes before all that,
one which listens there in the sandbox's own network: `{"run": 7, "listens": true}`. What keeps a
sandbox from its limits or its network is told, `{"run": 7, "fault": ERRNO}`, and it ends.

It ends with the server; every bwrap ends with it (PR_SET_PDEATHSIG), and the first process inside
with that. As their subreaper (prctl(2)) it sees them all out; what a killed supervisor leaves comes
to it, too, and is killed before the run is gone.

A run waits at a gate, its sandbox made, until it has its limits: RLIMIT_NPROC counts, since
Linux 5.14, by user namespace, so it has to be set inside.
"""

import ctypes
import errno
import fcntl
import gc
import json
import os
import resource
import select
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from dogwatch.runners import frames, supervisor
else:  # started with -I, it finds nothing beside itself
    sys.path.insert(0, __file__.rpartition("/")[0])
    import frames
    import supervisor

    del sys.path[0]  # nothing else is to be found there

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
NS_GET_USERNS = 0xB701
CLONE_NEWNS = 0x20000
MS_REC, MS_SLAVE, MNT_DETACH = 0x4000, 1 << 19, 2
# Numbers of signal(7); importing `signal` would double the imports' cost.
HUP, INT, QUIT, KILL, PIPE, TERM, CHLD, CONT, XFSZ = 1, 2, 3, 9, 13, 15, 17, 18, 25
USUAL = (HUP, INT, QUIT, PIPE, TERM, CHLD, CONT, XFSZ)
SWEEPS = 200
SWEEP_S = 0.001


class Run:
    """One sandbox: bwrap, what it says of itself, and the gate at which its script waits.

    Or a supervisor, which has neither.
    """

    def __init__(self, number: int, pid: int, told: int = -1, gate: int = -1) -> None:
        self.number = number
        self.pid = pid
        self.told = told
        self.gate = gate
        self.pidfd = -1
        self.words = b""
        self.first = 0
        self.limits: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.group = -1
        self.port = 0
        self.exited = False


class Server:
    """The runs of one server, whom it hears on `control`."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)
        self.parent = os.pidfd_open(os.getppid())  # a fork of the server may hold the socket open
        self.poll.register(self.parent, select.POLLIN)
        self.runs: dict[int, Run] = {}
        self.waiting: dict[int, tuple[Callable[[Run], None], Run]] = {}

    def serve(self) -> None:
        """Work until the control socket ends."""
        while True:
            for fd, _ in self.poll.poll():
                if fd == self.parent:
                    return
                if fd == self.control.fileno():
                    if not self.hear():
                        return
                elif fd in self.waiting:
                    step, run = self.waiting[fd]
                    step(run)

    def hear(self) -> bool:
        """Do what one frame says; return False at the end."""
        told, files = frames.received(self.control)
        if told is None:
            return False
        if "kill" in told:
            self.send(told["kill"], KILL)
        elif "wake" in told:
            self.send(told["wake"], CONT)
        elif "ask" in told:
            self.tell_first(told["ask"])
        elif "supervised" in told:
            self.supervise(told["run"], files)
        else:
            self.begin(told, files)
        return True

    def say(self, files: "Sequence[int]" = (), **frame: "Any") -> None:
        """Answer."""
        frames.say(self.control, files, **frame)

    def send(self, number: int, signal: int) -> None:
        """Send a signal to bwrap or the supervisor of a run, if that has not ended."""
        run = self.runs.get(number)
        if run and not run.exited:
            os.kill(run.pid, signal)

    def supervise(self, number: int, files: list[int]) -> None:
        """Start a run without a sandbox."""
        try:
            pid = supervisor.forked(*files)
        except OSError as fault:
            self.say(run=number, error=fault.errno)
            return
        finally:
            close(*files)
        run = self.runs[number] = Run(number, pid)
        self.watch(pid, self.exit_supervisor, run)

    def exit_supervisor(self, run: Run) -> None:
        """Collect a supervisor, and end what is left of its tree if it could not."""
        self.waited(run.pidfd)
        _, status = os.waitpid(run.pid, 0)
        run.exited = True
        if status:
            self.sweep()
        self.end(run, exit=os.waitstatus_to_exitcode(status))

    def sweep(self) -> None:
        """Kill what came to us."""
        for _ in range(SWEEPS):
            known = {run.pid for run in self.runs.values() if not run.exited}
            known |= {run.first for run in self.runs.values()}
            if not supervisor.strike_adopted(known):
                return
            select.select([], [], [], SWEEP_S)

    def tell_first(self, number: int) -> None:
        """Say which process is the first inside, if it is known and the run has not ended."""
        run = self.runs.get(number)
        if run and run.first:
            self.say(run=number, first=run.first)

    def begin(self, told: "dict[str, Any]", files: list[int]) -> None:
        """Start a sandbox, and wait for what becomes of it."""
        group = files.pop() if told["joins"] else -1
        told_here, told_there = os.pipe()
        gate_there, gate_here = os.pipe()
        given = [*files, told_there, gate_there]
        try:
            pid = spawned(told["command"], given)
        except OSError as fault:
            close(told_here, gate_here, group)
            self.say(run=told["run"], error=fault.errno)
            return
        finally:
            close(*given)
        run = self.runs[told["run"]] = Run(told["run"], pid, told_here, gate_here)
        run.limits, run.counts = told["limits"], told["counts"]
        run.group, run.port = group, told["port"]
        self.wait(told_here, self.hear_first, run)
        self.watch(pid, self.exit, run)

    def watch(self, pid: int, step: "Callable[[Run], None]", run: Run) -> None:
        """Call `step` once a process has ended."""
        run.pidfd = os.pidfd_open(pid)
        self.wait(run.pidfd, step, run)

    def wait(self, fd: int, step: "Callable[[Run], None]", run: Run) -> None:
        """Call `step` once there is something to read."""
        self.waiting[fd] = step, run
        self.poll.register(fd, select.POLLIN)

    def waited(self, fd: int) -> None:
        """Wait for this no more."""
        self.poll.unregister(fd)
        del self.waiting[fd]
        os.close(fd)

    def hear_first(self, run: Run) -> None:
        """Hear which process is the first inside, limit it, and open the gate."""
        piece = os.read(run.told, 1024)
        run.words += piece
        if piece and b"}" not in run.words:
            return
        self.waited(run.told)
        run.told = -1
        try:
            run.first = json.loads(run.words)["child-pid"]
            limit(run)
            self.enter(run)
            os.write(run.gate, b"1")
        except ValueError:  # bwrap gave up before
            pass
        except OSError as fault:  # it is dead, or else it must not run without its limits
            if not run.exited:
                self.say(run=run.number, fault=fault.errno)
            self.send(run.number, KILL)
        finally:
            close(run.gate, run.group)
        self.settle(run)

    def enter(self, run: Run) -> None:
        """Bound what its user namespace counts, and give the server a socket in its network."""
        made = entered(run)
        try:
            if made:
                self.say(made, run=run.number, listens=True)
        finally:
            close(*made)

    def exit(self, run: Run) -> None:
        """Collect bwrap."""
        self.waited(run.pidfd)
        _, status = os.waitpid(run.pid, 0)
        run.exited = True
        self.settle(run, exit=os.waitstatus_to_exitcode(status))

    def settle(self, run: Run, **news: "Any") -> None:
        """Tell the news, and whether anything is left."""
        if run.exited and run.told < 0 and not self.is_left(run):
            self.end(run, **news)
        elif news:
            self.say(run=run.number, **news)

    def is_left(self, run: Run) -> bool:
        """Whether the first process inside is; it comes to us last, and is waited for."""
        try:
            if run.first and os.waitpid(run.first, os.WNOHANG) == (0, 0):
                self.watch(run.first, self.last, run)
                return True
        except ChildProcessError:
            pass  # bwrap has collected it
        return False

    def last(self, run: Run) -> None:
        """Collect the first process inside, with which everything inside has ended."""
        self.waited(run.pidfd)
        os.waitpid(run.first, 0)
        self.end(run)

    def end(self, run: Run, **news: "Any") -> None:
        """Forget a run."""
        del self.runs[run.number]
        self.say(run=run.number, gone=True, **news)


def spawned(command: list[str], files: list[int]) -> int:
    """Start a command with these files as 0, 1, … and no other; return its process id."""
    actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(files)]
    last = (str(len(files) - 2), str(len(files) - 1))
    at = command.index("--")
    words = [*command[:at], "--info-fd", last[0], "--block-fd", last[1], *command[at:]]
    return os.posix_spawn(words[0], words, {}, file_actions=actions, setsid=True, setsigdef=USUAL)


def limit(run: Run) -> None:
    """Set the limits of the first process inside, which all others inherit."""
    for kind, most in run.limits.items():
        resource.prlimit(run.first, int(kind), (most, most))
    if run.group >= 0:
        os.write(run.group, str(run.first).encode())


def entered(run: Run) -> list[int]:
    """Bound a sandbox from within; return a socket that listens there if it has a port.

    Only a child of ours goes there.
    """
    here, there = socket.socketpair()
    with here, there:
        if (pid := os.fork()) == 0:
            try:
                enter(there, run)
            finally:
                os._exit(0)
        there.close()
        said, files, _, _ = socket.recv_fds(here, 1, 1)
        os.waitpid(pid, 0)
    if not said:
        raise PermissionError(errno.EPERM, "the namespaces of the sandbox")
    for fd in files:
        os.set_inheritable(fd, False)
    return files


def enter(there: socket.socket, run: Run) -> None:
    """Enter the network of a run by way of the user namespace that owns it; ioctl_ns(2)."""
    network = os.open(f"/proc/{run.first}/ns/net", os.O_RDONLY)
    owner = fcntl.ioctl(network, NS_GET_USERNS)
    libc = ctypes.CDLL(None)
    if libc.setns(owner, 0):
        return
    for count, most in run.counts.items():
        with open(f"/proc/sys/user/{count}", "w") as file:  # noqa: PTH123  (pathlib is slow to import)
            file.write(str(most))
    if not run.port:
        there.send(b"1")
        return
    if libc.setns(network, 0):
        return
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.bind(("", run.port))  # whether or not bwrap has set its loopback up by now
    made.listen()
    socket.send_fds(there, [b"1"], [made.fileno()])


def close(*fds: int) -> None:
    """Close what is open of these."""
    for fd in fds:
        if fd >= 0:
            os.close(fd)


def leave_mounts(paths: "Sequence[str]") -> None:
    """Go to a mount namespace of our own with no more than what holds these paths, if that can be.

    What is unmounted outside goes here, too (MS_SLAVE), so that we hold on to nothing.
    """
    libc = ctypes.CDLL(None)
    if libc.unshare(CLONE_NEWNS) or libc.mount(None, b"/", None, MS_REC | MS_SLAVE, None):
        return
    mounts = os.open("/proc/self/mountinfo", os.O_RDONLY)
    with os.fdopen(mounts, "rb") as file:
        points = [line.split()[4].decode("unicode_escape") for line in file]
    for point in reversed(points):
        if not is_needed(point, paths):
            libc.umount2(os.fsencode(point), MNT_DETACH)


def is_needed(point: str, paths: "Sequence[str]") -> bool:
    """Whether a mount holds one of the paths, or is below one; of devices, only the first does."""
    place = point.rstrip("/") + "/"
    above = any(f"{path}/".startswith(place) for path in (*paths, "/proc", "/dev"))
    return above or any(place.startswith(f"{path}/") for path in paths)


def drop(uid: int) -> None:
    """Become another user for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def told(words: list[str]) -> tuple[list[str], list[str]]:
    """Return what stands before and behind the dashes."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def main() -> None:
    """Become who starts runs, or what surrounds that, and work until the server ends."""
    user, command = told(sys.argv[1:])
    if user:
        leave_mounts(user[1:])
        drop(int(user[0]))
    if command:
        os.execve(command[0], command, {})  # noqa: S606  (that is what it is for)
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    os.umask(0o077)
    gc.disable()
    gc.freeze()  # so that supervisors share our memory
    frames.served(lambda control: Server(control).serve())


if __name__ == "__main__":
    main()
    os._exit(0)
