"""Real bash, Python and Node below a real supervisor."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from dogwatch.clock import SystemClock
from dogwatch.core.ping import Collector
from dogwatch.core.result import Outcome, Result
from dogwatch.core.script_action import Language, ScriptAction
from dogwatch.runners.interpreters import Interpreters
from dogwatch.runners.script import run_script
from tests.runners.boxes import INTERPRETERS, resident_kib

SLOT_AT = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
DEADLINE_S = 60  # more than any run takes, less than what it leaves behind would sleep
Sink = Callable[[str, bytes], None]


class Ran:
    """What a run returned and wrote."""

    def __init__(self) -> None:
        self.result = Result(Outcome.UNKNOWN)
        self.streams = {"stdout": b"", "stderr": b""}

    def take(self, stream: str, chunk: bytes) -> None:
        self.streams[stream] += chunk

    @property
    def out(self) -> str:
        return self.streams["stdout"].decode()

    @property
    def err(self) -> str:
        return self.streams["stderr"].decode()


def script(
    action: ScriptAction, workdir: Path, sink: Sink, given: str = "", **other: Any
) -> Coroutine[Any, Any, Result]:
    return run_script(
        action,
        run_id=other.get("run_id", f"run-of-{os.getpid()}"),
        attempt=other.get("attempt", 1),
        slot_at=SLOT_AT,
        input=given,
        workdir=workdir,
        clock=other.get("clock") or SystemClock(),
        on_output=sink,
        interpreters=other.get("interpreters", INTERPRETERS),
        platform=other.get("platform", sys.platform),
    )


def run(
    workdir: Path, source: str, language: Language = "bash", given: str = "", **limits: Any
) -> Ran:
    ran = Ran()
    taken = script(ScriptAction(language, source, **limits), workdir, ran.take, given)
    ran.result = asyncio.run(asyncio.wait_for(taken, DEADLINE_S))
    assert list(workdir.iterdir()) == []
    return ran


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pids: list[int], within_s: float) -> bool:
    """Wait on the processes' own end events."""
    ready = time.monotonic() + within_s
    for pid in filter(alive, pids):
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        select.select([fd], [], [], max(0.0, ready - time.monotonic()))
        os.close(fd)
    return not any(map(alive, pids))


def pids_in(text: str) -> list[int]:
    return [int(word) for word in text.split()]


def children() -> int:
    """How many children this process has, zombies included."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            count += path.read_text().rpartition(")")[2].split()[1] == str(os.getpid())
    return count


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    files, family = descriptors(), children()
    yield
    assert descriptors() == files
    assert children() == family


# --- what a script sees


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("bash", 'echo "out $1 $2"; echo err >&2; exit 3'),
        (
            "python",
            "import sys; print('out', *sys.argv[1:]); print('err', file=sys.stderr); exit(3)",
        ),
        (
            "node",
            "console.log('out', ...process.argv.slice(2)); console.error('err'); process.exit(3)",
        ),
    ],
)
def test_each_language_runs(workdir: Path, language: Language, source: str) -> None:
    ran = run(workdir, source, language, args=("a b", "ü"))
    assert (ran.out, ran.err) == ("out a b ü\n", "err\n")
    assert (ran.result.outcome, ran.result.reason) == (Outcome.FAIL, "exit status 3")
    assert ran.result.exit_code == 3


def test_status_0_is_ok_and_timed(workdir: Path) -> None:
    result = run(workdir, "sleep 0.2").result
    assert (result.outcome, result.reason, result.exit_code) == (Outcome.OK, "", 0)
    assert 200 <= result.duration_ms < 10_000


def test_the_environment_is_clean(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "secret-of-the-server")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    source = "env -0 | sort -z | tr '\\0' '\\n'; tr '\\0' '\\n' < /proc/$PPID/environ >&2"
    ran = run(workdir, source, env=(("COLOUR", "grün"), ("LINES", "a\nb")))
    assert "secret-of-the-server" not in ran.out + ran.err
    names = {line.partition("=")[0] for line in ran.out.replace("a\nb", "ab").splitlines()}
    assert names - {"_", "SHLVL", "PWD", "OLDPWD"} == {
        "PATH",
        "HOME",
        "LC_CTYPE",
        "COLOUR",
        "LINES",
        "DOGWATCH_RUN_ID",
        "DOGWATCH_ATTEMPT",
        "DOGWATCH_SLOT_AT",
        "DOGWATCH_INPUT_FILE",
    }
    assert "COLOUR=grün\n" in ran.out
    assert "DOGWATCH_ATTEMPT=1\n" in ran.out
    assert "DOGWATCH_SLOT_AT=2026-03-29T01:00:00+00:00\n" in ran.out


def test_a_strange_locale_of_the_job_does_not_bend_its_arguments(workdir: Path) -> None:
    ran = run(workdir, 'printf %s "$1"', args=("ü€",), env=(("LC_ALL", "C"), ("LANG", "de_DE")))
    assert ran.out == "ü€"


def test_input_comes_on_stdin_and_as_a_file(workdir: Path) -> None:
    ran = run(workdir, 'cat; cat "$DOGWATCH_INPUT_FILE"', given="größe\n" * 50_000)
    assert ran.out == "größe\n" * 100_000


def test_no_input_is_an_end_of_file(workdir: Path) -> None:
    assert run(workdir, "import sys; print(sys.stdin.read() == '')", "python").out == "True\n"


def test_its_directory_is_home_empty_and_private(workdir: Path) -> None:
    ran = run(workdir, '[ "$PWD" = "$HOME" ] && ls -A && stat -c %a . .. && umask && touch x')
    assert ran.out == "700\n700\n0077\n"
    assert ran.result.outcome is Outcome.OK


def test_limits_and_descriptors_are_its_own(workdir: Path) -> None:
    source = (
        "import os, resource as r\n"
        "print(*(r.getrlimit(k)[1] for k in (r.RLIMIT_CORE, r.RLIMIT_NOFILE, r.RLIMIT_FSIZE,"
        " r.RLIMIT_DATA)))\n"
        "print(os.getsid(0) == os.getpid(), len(os.listdir('/proc/self/fd')))\n"
    )
    read, write = os.pipe()
    os.set_inheritable(write, True)
    ran = run(workdir, source, "python", memory_limit_mb=256, file_limit_mb=2)
    os.close(read)
    os.close(write)
    assert ran.out == f"0 1024 {2 << 20} {256 << 20}\nTrue 4\n"  # 0, 1, 2 and the listing itself


def test_default_signals_are_restored(workdir: Path) -> None:
    ran = run(workdir, "grep SigIgn /proc/self/status; yes | head -1; echo ${PIPESTATUS[0]}")
    ignored, *rest = ran.out.splitlines()
    # 32 and 33 are libc's own (nptl(7)); no program can set them, and some parents leave them so.
    assert int(ignored.removeprefix("SigIgn:\t"), 16) & ~(0b11 << 31) == 0
    assert rest == ["y", "141"]


def test_too_much_memory_fails_the_script_alone(workdir: Path) -> None:
    ran = run(workdir, "x = 'x' * (512 << 20)", "python", memory_limit_mb=128)
    assert "MemoryError" in ran.err


def test_a_file_beyond_its_limit_ends_the_writer(workdir: Path) -> None:
    ran = run(workdir, "exec head -c 3M /dev/zero > big", file_limit_mb=1)
    assert ran.result.reason == "killed by SIGXFSZ"


def test_node_runs_within_a_memory_limit(workdir: Path) -> None:
    assert run(workdir, "console.log(1)", "node", memory_limit_mb=1024).out == "1\n"


# --- how it ends


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGSEGV"])
def test_a_signal_is_named(workdir: Path, name: str) -> None:
    result = run(workdir, f"kill -{name[3:]} $$").result
    assert (result.outcome, result.reason) == (Outcome.FAIL, f"killed by {name}")
    assert result.exit_code is None


def test_on_another_system_it_fails_with_the_reason(workdir: Path) -> None:
    result = asyncio.run(
        script(ScriptAction("bash", "true"), workdir, Ran().take, platform="darwin")
    )
    assert (result.outcome, result.retryable) == (Outcome.FAIL, False)
    assert "need Linux" in result.reason
    assert list(workdir.iterdir()) == []


@pytest.mark.parametrize("interpreters", [{}, {"node": "/nowhere/node"}, {"node": "/etc/passwd"}])
def test_a_missing_interpreter_is_named(workdir: Path, interpreters: dict[str, str]) -> None:
    action = ScriptAction("node", "1")
    result = asyncio.run(
        script(action, workdir, Ran().take, interpreters=Interpreters(interpreters))
    )
    assert (result.outcome, result.retryable) == (Outcome.FAIL, False)
    assert "node" in result.reason


def test_an_interpreter_that_cannot_be_executed_is_a_failure(workdir: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF not really")
    broken.chmod(0o755)
    action = ScriptAction("bash", "1")
    result = asyncio.run(
        script(action, workdir, Ran().take, interpreters=Interpreters({"bash": str(broken)}))
    )
    assert (result.outcome, result.retryable) == (Outcome.FAIL, False)
    assert "Exec format error" in result.reason


def test_more_environment_than_the_kernel_takes_is_a_failure(workdir: Path) -> None:
    env = tuple((f"V{n}", "x" * 32_768) for n in range(64))
    result = run(workdir, "true", env=env, args=("y" * 32_768,) * 64).result
    assert result.reason == "cannot run /usr/bin/bash: Argument list too long"
    assert not result.retryable


def test_a_directory_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = asyncio.run(script(ScriptAction("bash", "true"), tmp_path / "file", Ran().take))
    assert result.outcome is Outcome.FAIL
    assert result.retryable


def test_closing_its_output_early_does_not_end_it(workdir: Path) -> None:
    ran = run(workdir, "exec >&- 2>&-; sleep 0.2; exit 7")
    assert ran.result.exit_code == 7


def test_what_still_writes_after_the_script_may_finish(workdir: Path) -> None:
    ran = run(workdir, "exec > >(sleep 0.05; cat); echo late")
    assert ran.out == "late\n"


LEFT_BEHIND = {
    "background": "sleep 300 & echo $!",
    "setsid": "setsid sleep 300 & echo $!",
    "deaf": "(trap '' TERM HUP INT; echo $BASHPID; while :; do sleep 300; done) &",
    "double fork": "(setsid bash -c 'sleep 300 & echo $!' &) ; sleep 0.1",
    "stopped": "sleep 300 & echo $!; kill -STOP $!",
    "nested": "(setsid bash -c 'setsid sleep 300 & echo $$ $!; wait; :' &) ; sleep 0.1",
}


@pytest.mark.parametrize("source", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_what_is_left_behind_ends_with_the_script(workdir: Path, source: str) -> None:
    ran = run(workdir, f"{source}\nexit 5")
    assert ran.result.exit_code == 5
    assert pids_in(ran.out)
    assert not any(map(alive, pids_in(ran.out)))


@pytest.mark.parametrize("source", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_a_timeout_ends_the_whole_tree(workdir: Path, source: str) -> None:
    ran = run(workdir, f"{source}\ntrap '' TERM; while :; do sleep 300; done", timeout_s=2)
    assert (ran.result.outcome, ran.result.reason) == (Outcome.TIMEOUT, "no end within 2 s")
    assert pids_in(ran.out)
    assert not any(map(alive, pids_in(ran.out)))
    assert ran.result.duration_ms >= 2000


def test_a_timeout_lets_a_script_clean_up_first(workdir: Path) -> None:
    source = "trap 'echo cleaned; exit 0' TERM; while :; do sleep 0.01; done"
    ran = run(workdir, source, timeout_s=2)
    assert (ran.result.outcome, ran.out) == (Outcome.TIMEOUT, "cleaned\n")


def test_a_stopped_script_is_woken_to_clean_up(workdir: Path) -> None:
    ran = run(workdir, "trap 'echo cleaned; exit' TERM; kill -STOP $$; sleep 1", timeout_s=2)
    assert (ran.result.outcome, ran.out) == (Outcome.TIMEOUT, "cleaned\n")


def test_what_is_in_the_pipe_at_the_end_is_read(workdir: Path) -> None:
    source = (
        "import fcntl, os\n"
        "fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20)\n"
        "os.write(1, str(os.getpid()).encode())\n"
        "os.write(1, bytes(1 << 19))\n"
    )
    seen: list[bytes] = []

    def sink(_stream: str, chunk: bytes) -> None:
        if not seen:
            assert gone([int(chunk.partition(b"\0")[0])], DEADLINE_S)
        seen.append(chunk)

    result = asyncio.run(script(ScriptAction("python", source), workdir, sink))
    assert result.outcome is Outcome.OK
    assert b"".join(seen).count(0) == 1 << 19


def test_the_end_of_the_script_counts_even_if_others_linger(workdir: Path) -> None:
    """What lingers says so as it is ended, and the timeout strikes while that is listened to."""
    lingers = "(trap 'echo bye' TERM; touch up; while :; do sleep 0.05; done)"
    action = ScriptAction("bash", f"{lingers} & until [ -e up ]; do sleep 0.05; done", timeout_s=3)
    over_s = time.monotonic() + action.timeout_s

    def sink(_stream: str, _chunk: bytes) -> None:
        Event().wait(over_s - time.monotonic())

    result = asyncio.run(script(action, workdir, sink))
    assert result.outcome is Outcome.OK
    assert result.duration_ms < 3000


def test_a_flood_does_not_hold_up_the_timeout(workdir: Path) -> None:
    action = ScriptAction("bash", "trap '' TERM; yes & yes >&2", timeout_s=0.3)
    taken = script(action, workdir, lambda _stream, _chunk: None)
    assert asyncio.run(asyncio.wait_for(taken, DEADLINE_S)).outcome is Outcome.TIMEOUT


FORK_CHAIN = """
import os, time
first = os.getpid()
while True:  # each process lives for a moment, in a session of its own, and leaves the next one
    if os.fork():
        time.sleep(300) if os.getpid() == first else os._exit(0)
    os.setsid()
    time.sleep(0.002)
"""


def test_a_chain_of_forks_in_new_sessions_is_caught(workdir: Path) -> None:
    ran = run(workdir, FORK_CHAIN, "python", timeout_s=0.5)
    assert ran.result.outcome is Outcome.TIMEOUT
    assert not marked(f"run-of-{os.getpid()}")


def test_a_bomb_of_forks_is_caught(workdir: Path) -> None:
    source = "bomb() { ((n++ < 6)) && { bomb & bomb & }; sleep 300; }; trap '' TERM; bomb"
    ran = run(workdir, source, timeout_s=0.5)
    assert ran.result.outcome is Outcome.TIMEOUT
    assert not marked(f"run-of-{os.getpid()}")


@pytest.mark.parametrize("name", ["KILL", "TERM", "STOP"])
def test_a_script_that_attacks_its_supervisor_does_not_escape(workdir: Path, name: str) -> None:
    source = f"setsid sleep 300 & echo $!; kill -{name} $PPID; sleep 300"
    ran = run(workdir, source, timeout_s=1)
    assert ran.result.outcome in {Outcome.FAIL, Outcome.TIMEOUT}
    assert pids_in(ran.out)
    assert gone(pids_in(ran.out), DEADLINE_S)
    assert not marked(f"run-of-{os.getpid()}")


def test_a_script_without_our_mark_dies_with_its_supervisor(workdir: Path) -> None:
    ran = run(workdir, "exec env -i bash -c 'echo $$; kill -9 $PPID; exec sleep 300'")
    assert "supervises" in ran.result.reason
    assert pids_in(ran.out)
    assert not any(map(alive, pids_in(ran.out)))


SERVER = """
import asyncio, sys
from dogwatch.runners import host
host.prepare()
"""
ESCAPE = "(env -i setsid sleep 300 </dev/null >/dev/null 2>&1 & echo $!); sleep .3; kill -9 $PPID"


def test_nothing_escapes_a_server_by_killing_its_supervisor(workdir: Path) -> None:
    host = f"{SERVER}{HOST}\nprint('over', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", host, str(workdir), ESCAPE]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as server:
        bystander = subprocess.Popen(["sleep", "300"])
        assert server.stdout
        pids = pids_in(server.stdout.readline().decode())
        assert server.stdout.readline() == b"over\n"
        living = [pid for pid in pids if alive(pid)]
        assert bystander.poll() is None
        bystander.kill()
        bystander.wait()
        server.communicate(b"")
    assert (len(pids), living) == (1, [])


def test_one_killed_supervisor_costs_other_runs_nothing(workdir: Path) -> None:
    code = f"""{SERVER}{HOST.partition("asyncio.run(")[0]}
async def both():
    async def one(name, source):
        return await run_script(ScriptAction("bash", source), run_id=name, attempt=1,
            slot_at=None, input="", workdir=Path(sys.argv[1]), clock=SystemClock(),
            on_output=sink, interpreters=Interpreters({{"bash": "bash"}}))
    results = await asyncio.gather(one("a", sys.argv[2]), one("b", "sleep 3; echo whole"))
    print(*[result.outcome.value for result in results])
asyncio.run(both())
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(workdir), ESCAPE],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    words = done.stdout.split()
    assert (b"whole" in words, words[-2:]) == (True, [b"fail", b"ok"])


CLOSED = """
import ctypes, os
from pathlib import Path
from threading import Event
from dogwatch.runners import host
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
def readable(pid):
    try:
        return bool(Path(f"/proc/{pid}/environ").read_bytes() and os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return False
def seen():
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.write(writer, b"%d" % readable(os.getppid()))
        os._exit(0)
    os.wait()
    return os.read(reader, 1)
before = seen()
host.prepare()
print(before.decode(), seen().decode(), len(os.listdir("/proc/self/fd")) > 2)
"""


def test_a_server_s_memory_is_closed_to_others_of_its_user() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLOSED], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["1", "0", "True"]


def marked(run_id: str) -> list[str]:
    """The living processes of a run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"DOGWATCH_RUN_ID={run_id}".encode() in path.read_bytes() and alive(
                int(path.parent.name)
            ):
                found.append(path.parent.name)
        except OSError:
            continue
    return found


# --- cancel, and the death of the server


async def started(workdir: Path, source: str) -> tuple[asyncio.Task[Result], list[int]]:
    """Start a script; return when it has printed a line of process ids."""
    heard = asyncio.get_running_loop().create_future()
    seen = bytearray()

    def sink(_stream: str, chunk: bytes) -> None:
        seen.extend(chunk)
        if b"." in seen and not heard.done():
            heard.set_result(None)

    task = asyncio.create_task(script(ScriptAction("bash", source), workdir, sink))
    async with asyncio.timeout(DEADLINE_S):
        await heard
    return task, pids_in(seen.decode().partition(".")[0])


DEAF_TREE = "trap '' TERM; setsid sleep 300 & echo $! $$ .; while :; do sleep 300; done"


@pytest.mark.parametrize("times", [1, 3])
def test_cancelling_kills_the_tree_and_cleans_up_before_it_raises(
    workdir: Path, times: int
) -> None:
    async def scene() -> list[int]:
        task, pids = await started(workdir, DEAF_TREE)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        return pids

    pids = asyncio.run(asyncio.wait_for(scene(), DEADLINE_S))
    assert len(pids) == 2
    assert not any(map(alive, pids))
    assert list(workdir.iterdir()) == []


class EndClock(SystemClock):
    """Tells when the end of a script is timed: its second reading."""

    def __init__(self) -> None:
        self.readings = 0
        self.ended = asyncio.Event()

    def monotonic(self) -> float:
        self.readings += 1
        if self.readings == 2:
            self.ended.set()
        return super().monotonic()


def test_cancelling_while_the_tree_is_being_ended_is_not_forgotten(workdir: Path) -> None:
    async def scene() -> Ran:
        ran, clock = Ran(), EndClock()
        action = ScriptAction("bash", "(trap '' TERM; echo $BASHPID; sleep 300; :) & sleep 0.1")
        task = asyncio.create_task(script(action, workdir, ran.take, clock=clock))
        async with asyncio.timeout(DEADLINE_S):
            await clock.ended.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return ran

    ran = asyncio.run(scene())
    assert pids_in(ran.out)
    assert not any(map(alive, pids_in(ran.out)))
    assert list(workdir.iterdir()) == []


HOST = """
import asyncio, sys
from pathlib import Path
from threading import Event
from dogwatch.clock import SystemClock
from dogwatch.core.script_action import ScriptAction
from dogwatch.runners.interpreters import Interpreters
from dogwatch.runners.script import run_script

def sink(stream, chunk):
    sys.stdout.buffer.write(chunk)
    sys.stdout.flush()

asyncio.run(run_script(ScriptAction("bash", sys.argv[2]), run_id="of-a-host", attempt=1,
    slot_at=None, input="", workdir=Path(sys.argv[1]), clock=SystemClock(), on_output=sink,
    interpreters=Interpreters({"bash": "bash"})))
"""


FORKING_HOST = HOST.replace("def sink", "import os\ndef sink").replace(
    "    sys.stdout.buffer",
    "    if os.fork() == 0:\n        os._exit(len(os.read(0, 1)))\n    sys.stdout.buffer",
)


@pytest.mark.parametrize("program", [HOST, FORKING_HOST], ids=["alone", "its fork lives on"])
def test_the_tree_dies_with_a_server_that_was_killed(workdir: Path, program: str) -> None:
    command = [sys.executable, "-c", program, str(workdir), DEAF_TREE.replace("echo", "echo $PPID")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as host:
        assert host.stdout
        pids = pids_in(host.stdout.readline().decode().partition(".")[0])
        assert all(map(alive, pids))
        host.send_signal(signal.SIGKILL)
        host.wait()
        assert gone(pids, DEADLINE_S)
    assert len(pids) == 3


# --- much of it


def test_a_flood_of_output_does_not_grow_memory(workdir: Path) -> None:
    tail, most = Collector(1 << 20), [0]

    def sink(_stream: str, chunk: bytes) -> None:
        tail.add(chunk)
        if tail.total >> 24 != (tail.total - len(chunk)) >> 24:
            most.append(resident_kib())

    before = resident_kib()
    action = ScriptAction("bash", "head -c 200M /dev/zero; head -c 56M /dev/zero >&2; echo end")
    result = asyncio.run(script(action, workdir, sink))
    assert result.outcome is Outcome.OK
    assert tail.total == (256 << 20) + 4
    assert f"[{tail.total - (1 << 20)} bytes dropped]" in tail.text()
    assert max(most) - before < 32 * 1024


def test_a_sink_that_fails_is_heard_after_the_clean_up(workdir: Path) -> None:
    def sink(_stream: str, _chunk: bytes) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(script(ScriptAction("bash", "echo x; sleep 0.1"), workdir, sink))
    assert list(workdir.iterdir()) == []


def test_fifty_at_once(workdir: Path) -> None:
    async def scene() -> list[Result]:
        action = ScriptAction("bash", 'read n; echo "$n"; exit "$n"')
        async with asyncio.timeout(DEADLINE_S):
            return await asyncio.gather(
                *(script(action, workdir, ran[n].take, f"{n}\n") for n in range(50))
            )

    ran = [Ran() for _ in range(50)]
    results = asyncio.run(scene())
    assert [result.exit_code for result in results] == list(range(50))
    assert [one.out for one in ran] == [f"{n}\n" for n in range(50)]
    assert list(workdir.iterdir()) == []


def test_what_a_script_makes_read_only_is_removed(workdir: Path) -> None:
    source = "mkdir -p a/b && touch a/b/c && chmod 0 a/b/c a/b && chmod 555 a . .."
    assert run(workdir, source).result.outcome is Outcome.OK
