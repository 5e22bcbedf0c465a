"""The fork server: it dies with the server, and its own death is survived."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer

import pytest

from dogwatch.core.result import Outcome, Result
from dogwatch.runners.around import PROGRAM as CELLS
from dogwatch.runners.forkserver import is_needed
from dogwatch.runners.launcher import PROGRAM, Enclosed, Launcher
from tests.eventually import eventually, eventually_async
from tests.runners.boxes import Cell, inhabitants, sandbox_of_this_process
from tests.runners.test_script import alive, children, descriptors


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cell]:
    made = Cell(sandbox_of_this_process(), tmp_path_factory.mktemp("launcher"))
    files, family = descriptors(), children()
    yield made
    made.wait(made.boxes.launcher.close())
    assert (descriptors(), children()) == (files, family)
    made.close()


@pytest.fixture
def each(cell: Cell, tmp_path: Path) -> Iterator[Cell]:
    """A server that makes a bubblewrap for each run."""
    cell.wait(cell.boxes.launcher.close())
    with closing(Cell(replace(cell.sandbox, cells=False), tmp_path)) as made:
        yield made


def fork_servers(parent: int) -> list[int]:
    """Return the process ids of the fork servers of a process, or of what surrounds them."""
    programs = {PROGRAM.name, CELLS.name}
    return [
        pid for pid in children_of(parent) if {Path(word).name for word in words(pid)} & programs
    ]


def within(pid: int) -> int:
    """Return the fork server itself: what surrounds it is two processes of bwrap."""
    while Path(words(pid)[0]).name == "bwrap":
        (pid,) = children_of(pid)
    return pid


def children_of(parent: int) -> list[int]:
    """Return the process ids of the children of a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.name))
    return found


def made_ahead(starter: int) -> int:
    """Return the cell that waits for the next run, once it alone is there."""
    (waiting,) = eventually(lambda: found if len(found := children_of(starter)) == 1 else [])
    return waiting


def words(pid: int) -> list[str]:
    """Return the command line of a process."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return [""]


def test_it_holds_nothing_of_the_server(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOGWATCH_SECRET_KEY", "canary")
    cell.wait(cell.boxes.launcher.close())
    assert cell.run("true").result.outcome is Outcome.OK
    (around,) = fork_servers(os.getpid())
    assert Path(f"/proc/{around}/environ").read_bytes() == b""
    server = within(around)
    assert Path(f"/proc/{server}/environ").read_bytes() in {b"", b"PWD=/\0"}
    assert list(Path(f"/proc/{server}/task").iterdir()) == [Path(f"/proc/{server}/task/{server}")]
    status = Path(f"/proc/{server}/status").read_text()
    assert f"Uid:\t{cell.sandbox.uid}\t{cell.sandbox.uid}\t" in status
    opened = {one.name: str(one.readlink()) for one in Path(f"/proc/{server}/fd").iterdir()}
    opened.pop("2")  # where it complains
    kinds = {what.partition(":[")[0] for what in opened.values()}
    assert kinds <= {"/dev/null", "socket", "anon_inode", "net"}


def test_it_sees_no_mounts_but_those_of_a_sandbox(each: Cell) -> None:
    cell = each
    assert cell.run("true").result.outcome is Outcome.OK
    (server,) = fork_servers(os.getpid())
    seen, ours = mounts(server), mounts(os.getpid())
    paths = [str(path) for path in cell.sandbox.seen(cell.workdir)]
    assert "/" in seen
    assert seen == {one for one in ours if is_needed(one, paths) or not cell.sandbox.drops}


def mounts(pid: int) -> set[str]:
    """Return where something is mounted, as a process sees it."""
    lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    return {line.split()[4] for line in lines}


@pytest.mark.parametrize(
    ("point", "needed"),
    [
        ("/", True), ("/usr", True), ("/usr/local", True), ("/usrs", False), ("/run", True),
        ("/run/user", False), ("/proc", True), ("/proc/sys", False), ("/dev", True),
        ("/dev/pts", False), ("/home", False),
    ],
)  # fmt: skip
def test_which_mounts_hold_a_path(point: str, needed: bool) -> None:
    assert is_needed(point, ["/usr", "/run/dogwatch-1"]) is needed


def test_its_death_ends_its_runs_and_another_takes_its_place(cell: Cell) -> None:
    async def story() -> Result:
        running = asyncio.create_task(cell.begin("sleep 600"))
        await eventually_async(lambda: any("sleep" in one for one in inhabitants(cell.sandbox)))
        for server in fork_servers(os.getpid()):
            os.kill(server, signal.SIGKILL)
        return await running

    lost = cell.wait(story())
    assert lost.reason == "lost: the process that supervises the script was killed"
    eventually(lambda: inhabitants(cell.sandbox) == [])
    assert cell.run("echo on").out == "on\n"


def test_a_stopped_one_goes_on_with_the_next_run(cell: Cell) -> None:
    assert cell.run("true").result.outcome is Outcome.OK
    (server,) = fork_servers(os.getpid())
    os.kill(server, signal.SIGSTOP)
    eventually(lambda: state(server) == "T")
    assert cell.run("echo on").out == "on\n"
    assert fork_servers(os.getpid()) == [server]


def test_a_run_ends_though_what_started_it_is_stopped(cell: Cell) -> None:
    async def story() -> bool:
        running = asyncio.create_task(cell.begin("sleep 600"))
        await eventually_async(lambda: any("sleep" in one for one in inhabitants(cell.sandbox)))
        (server,) = fork_servers(os.getpid())
        for pid in (within(server), server):
            os.kill(pid, signal.SIGSTOP)
        running.cancel()
        await asyncio.wait({running})
        return running.cancelled()

    assert cell.wait(story())
    cell.is_empty()
    assert cell.run("echo on").out == "on\n"


def test_a_cell_that_was_killed_while_it_waited_costs_no_run(cell: Cell) -> None:
    assert cell.run("true").result.outcome is Outcome.OK
    (server,) = fork_servers(os.getpid())
    starter = within(server)
    waiting = made_ahead(starter)
    os.kill(waiting, signal.SIGKILL)
    eventually(lambda: waiting not in children_of(starter))
    assert cell.run("echo on").out == "on\n"
    assert within(server) == starter


def test_a_cell_that_was_killed_as_its_run_came_costs_no_run(cell: Cell) -> None:
    assert cell.run("true").result.outcome is Outcome.OK
    (server,) = fork_servers(os.getpid())
    starter = within(server)
    waiting = made_ahead(starter)
    os.kill(starter, signal.SIGSTOP)
    os.kill(waiting, signal.SIGKILL)
    going_on = Timer(0.5, os.kill, (starter, signal.SIGCONT))
    going_on.start()
    assert cell.run("echo on").out == "on\n"
    going_on.join()


def test_a_cell_that_was_stopped_while_it_waited_goes_on(cell: Cell) -> None:
    assert cell.run("true").result.outcome is Outcome.OK
    (server,) = fork_servers(os.getpid())
    os.kill(made_ahead(within(server)), signal.SIGSTOP)
    assert cell.run("echo on").out == "on\n"


def test_what_appears_on_the_machine_is_shown(cell: Cell, tmp_path: Path) -> None:
    """A fork server that shows what was there before ends with its last run."""

    async def story(other: Cell, shown: Path) -> tuple[bool, int | None]:
        before = asyncio.create_task(other.begin("until [ -e /tmp/on ]; do sleep 0.1; done"))
        await eventually_async(lambda: any("sleep" in one for one in inhabitants(other.sandbox)))
        shown.mkdir()
        after = await other.begin(f"ls {shown}")
        before.cancel()
        await asyncio.wait({before})
        return before.cancelled(), after.exit_code

    with TemporaryDirectory(dir="/var/tmp") as place:
        Path(place).chmod(0o755)
        shown = Path(place) / "shown"
        with closing(Cell(replace(cell.sandbox, paths=(shown,)), tmp_path)) as other:
            assert other.wait(story(other, shown)) == (True, 0)
            # Those of `cell`, and the new one.
            eventually(lambda: len(fork_servers(os.getpid())) <= 2)


def state(pid: int) -> str:
    """Return the state of a process, as in proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


TRIAL = """
import os, sys
from pathlib import Path
from dogwatch.runners import host
from dogwatch.runners.around import found
host.prepare()
found(int(sys.argv[1]))
print(Path(f"/proc/self/task/{os.getpid()}/children").read_text())
"""


def test_the_trial_of_a_server_leaves_no_process(cell: Cell) -> None:
    command = [sys.executable, "-c", TRIAL, str(cell.sandbox.uid)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "\n"


def test_many_runs_at_once_are_told_apart(cell: Cell) -> None:
    async def story() -> list[int | None]:
        told = await asyncio.gather(*(cell.begin(f"exit {code}") for code in range(20)))
        return [one.exit_code for one in told]

    assert cell.wait(story()) == list(range(20))


def test_what_cannot_be_started_is_told(cell: Cell) -> None:
    class Told:
        def __init__(self) -> None:
            self.gone = asyncio.get_running_loop().create_future()

        def on_gone(self, error: int | None) -> None:
            self.gone.set_result(error)

    async def story() -> int:
        launcher, told = Launcher(None), Told()
        nothing = os.open(os.devnull, os.O_RDWR)
        launcher.launch(Enclosed(["/no/such", "--"], [nothing] * 3, {}, {}), told)  # type: ignore[arg-type]  # no more comes
        found: int = await told.gone
        os.close(nothing)
        await launcher.close()
        return found

    assert cell.wait(story()) == 2


@pytest.mark.parametrize("cells", [True, False])
def test_it_dies_with_the_server(cell: Cell, tmp_path: Path, cells: bool) -> None:
    """A server that is killed leaves neither its fork server nor what runs."""
    source = f"""
        import asyncio, pathlib
        from dogwatch.runners.sandbox import Sandbox
        from tests.runners.boxes import SMALL, Cell
        sandbox = Sandbox(
            {cell.sandbox.program!r}, {cell.sandbox.uid}, bounds=SMALL, cells={cells}
        )
        cell = Cell(sandbox, pathlib.Path({str(tmp_path)!r}))
        cell.wait(cell.begin("echo on; sleep 600", on_output=lambda *_: print("on", flush=True)))
    """
    cell.wait(cell.boxes.launcher.close())
    sandbox = replace(cell.sandbox, cells=cells)
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE, env=os.environ
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"on\n"
        (started,) = fork_servers(server.pid)
        assert inhabitants(sandbox)
        server.kill()
    shutil.rmtree(sandbox.workdir(tmp_path))
    eventually(lambda: not alive(started) and inhabitants(sandbox) == [])
