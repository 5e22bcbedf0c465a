"""What a hostile script tries in a sandbox: each attempt is denied or capped."""

import asyncio
import errno
import itertools
import os
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dogwatch.core.result import Outcome, Result
from dogwatch.core.script_action import Language
from tests.eventually import eventually_async
from tests.runners.boxes import Boxed, Cell, inhabitants, sandbox_of_this_process
from tests.runners.test_helpers import Desk
from tests.runners.test_script import children, descriptors

SECRET = "canary-5b1f0c"
GROWTH_KIB = 32 * 1024


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cell]:
    """A server whose environment and files hold a secret."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOGWATCH_SECRET_KEY", SECRET)
        sandbox = sandbox_of_this_process()
        data = tmp_path_factory.mktemp("escapes") / "data"
        data.mkdir()
        (data / "secret.key").write_text(SECRET)
        made = Cell(sandbox, data)
        assert made.run("true").result.outcome is Outcome.OK
        yield made
        made.close()


@pytest.fixture(autouse=True)
def _nothing_is_left(cell: Cell) -> Iterator[None]:
    files, family = descriptors(), children()
    yield
    assert (descriptors(), children()) == (files, family)


def attempt(cell: Cell, source: str, language: Language = "bash", timeout_s: float = 100) -> Boxed:
    """Run what wants to escape; whatever it does, these hold."""
    boxed = cell.run(source, language, timeout_s=timeout_s)
    assert boxed.grew_kib < GROWTH_KIB
    assert SECRET not in boxed.out
    return boxed


# --- what it reads


def test_it_reads_no_environment_but_its_own(cell: Cell) -> None:
    boxed = attempt(cell, "cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'")
    names = {line.partition("=")[0] for line in boxed.out.splitlines() if "=" in line}
    assert "DOGWATCH_RUN_ID" in names
    assert not names & os.environ.keys() - {"PATH", "HOME", "LANG", "PWD", "SHLVL", "_", "LC_CTYPE"}


@pytest.mark.parametrize("path", ["/etc/shadow", "{data}/secret.key", "/proc/1/root{data}", "/sys"])
def test_it_sees_no_file_of_the_machine(cell: Cell, path: str) -> None:
    boxed = attempt(cell, f"ls -A {path.format(data=cell.data)} && echo seen")
    assert "No such file" in boxed.out or "denied" in boxed.out
    assert "seen" not in boxed.out


def test_data_within_the_system_is_hidden(cell: Cell) -> None:
    with TemporaryDirectory(dir="/var/tmp") as place:
        shown, data = Path(place), Path(place) / "data"
        data.mkdir()
        (data / "secret.key").write_text(SECRET)
        (shown / "seen").touch()
        shown.chmod(0o755)
        hiding = replace(cell.sandbox, paths=(shown,), hidden=(data,))
        with closing(Cell(hiding, data)) as other:
            boxed = attempt(other, f"ls {shown}; cat {data}/secret.key")
    assert boxed.out.startswith("data\nseen\n")
    assert "denied" in boxed.out


def test_it_sees_its_own_processes_only(cell: Cell) -> None:
    boxed = attempt(cell, "cat /proc/[0-9]*/comm | sort -u | tr '\\n' ' '")
    assert set(boxed.out.split()) <= {"bash", "script.sh", "init", "bwrap", "cat", "sort", "tr"}


def test_it_inherits_no_file(cell: Cell) -> None:
    source = "import os; print(os.listdir('/proc/self/fd'))\nopen('/proc/self/fd/0', 'w')"
    boxed = attempt(cell, source, "python")
    assert "['0', '1', '2', '3']" in boxed.out  # the last is the listing itself
    assert "PermissionError" in boxed.out or "Read-only file system" in boxed.out


def test_its_secrets_are_in_no_command_line(cell: Cell) -> None:
    async def story() -> None:
        running = asyncio.create_task(cell.begin("sleep 60", env=(("KEY", SECRET),)))
        await eventually_async(lambda: any("sleep" in line for line in inhabitants(cell.sandbox)))
        for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                assert SECRET not in cmdline.read_text(errors="replace")
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    cell.wait(story())
    assert inhabitants(cell.sandbox) == []


# --- whom it reaches

REACH = """
import socket, sys
def reach(kind, family, address):
    with socket.socket(family, kind) as one:
        one.settimeout(5)
        try:
            one.connect(address)
            one.send(b"hello")
        except OSError as fault:
            print(address, "denied:", fault.strerror)
        else:
            print(address, "sent" if kind == socket.SOCK_DGRAM else "reached")
"""


def test_it_reaches_nobody_by_tcp(cell: Cell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as database:
        places = [database.getsockname(), ("169.254.169.254", 80), ("192.0.2.1", 443)]
        lines = "\n".join(f"reach(socket.SOCK_STREAM, socket.AF_INET, {at})" for at in places)
        boxed = attempt(cell, f"{REACH}{lines}", "python")
        database.setblocking(False)
        with pytest.raises(BlockingIOError):
            database.accept()
    assert boxed.out.count("denied") == len(places)
    assert "reached" not in boxed.out


def test_it_reaches_nobody_by_udp(cell: Cell) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names:
        names.bind(("127.0.0.1", 0))
        lines = (
            f"reach(socket.SOCK_DGRAM, socket.AF_INET, {names.getsockname()})\n"
            "reach(socket.SOCK_DGRAM, socket.AF_INET, ('192.0.2.1', 53))\n"
        )
        boxed = attempt(cell, f"{REACH}{lines}", "python")
        names.setblocking(False)
        with pytest.raises(BlockingIOError):
            names.recv(16)
    assert "'192.0.2.1', 53) denied" in boxed.out


def test_it_reaches_no_socket_of_the_machine(cell: Cell) -> None:
    name = f"\0dogwatch-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(name)
        bus.listen()
        lines = f"reach(socket.SOCK_STREAM, socket.AF_UNIX, {name!r})\n"
        boxed = attempt(cell, f"{REACH}{lines}", "python")
    assert "denied" in boxed.out


def test_it_has_no_other_kind_of_socket(cell: Cell) -> None:
    source = """
import socket
for family in (socket.AF_VSOCK, socket.AF_PACKET, socket.AF_ALG, socket.AF_BLUETOOTH):
    try:
        print("open", socket.socket(family, socket.SOCK_RAW))
    except OSError as fault:
        print(fault.errno)
"""
    assert attempt(cell, source, "python").out == "97\n" * 4


# --- what it takes


def test_it_forks_no_ten_thousand(cell: Cell) -> None:
    source = """
import os, time
made = 0
try:
    for _ in range(10_000):
        if os.fork() == 0:
            time.sleep(600)
        made += 1
except BlockingIOError:
    print(made < 64, "denied")
"""
    assert attempt(cell, source, "python").out == "True denied\n"


def test_a_fork_bomb_ends_with_its_timeout(cell: Cell) -> None:
    boxed = attempt(cell, "trap '' TERM; b() { b | b & }; b; sleep 600", timeout_s=1)
    assert boxed.result.outcome is Outcome.TIMEOUT


@pytest.mark.parametrize(
    ("language", "source", "said"),
    [
        ("bash", 'printf -v x %04294967296d 1; echo "${#x}"', ""),
        ("python", "x = bytearray(4 << 30)", "MemoryError"),
        ("node", "new ArrayBuffer(2 ** 32)", "Array buffer allocation failed"),
    ],
)
def test_it_has_no_four_gibibytes(cell: Cell, language: Language, source: str, said: str) -> None:
    boxed = attempt(cell, source, language)
    assert said in boxed.out
    assert "4294967296" not in boxed.out


def test_it_writes_no_ten_gibibytes(cell: Cell) -> None:
    source = """
import os
def full(place):
    try:
        big = open(f"{place}/big", "wb", buffering=0)
    except OSError:
        return
    try:
        for _ in range(10 << 10):
            big.write(bytes(1 << 20))
    except OSError as fault:
        print(place, fault.strerror)
for place, inside, _ in os.walk("/"):
    if place in ("/proc", "/usr"):  # the one is the kernel's, the other one mount, read-only
        inside.clear()
    full(place)
print("usr read-only", bool(os.statvfs("/usr").f_flag & os.ST_RDONLY))
"""
    boxed = attempt(cell, source, "python")
    full = [f"{place} No space left on device" for place in ("/dev/shm", "/tmp", "/work")]
    assert sorted(boxed.out.splitlines()) == [*full, "usr read-only True"]


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("bash", "head -c 1G /dev/zero; echo end"),
        ("python", "import sys\nfor _ in range(1 << 10):\n"
                   "    sys.stdout.buffer.write(bytes(1 << 20))\nprint('end')"),
        ("node", "const one = Buffer.alloc(2 ** 20), fs = require('fs')\n"
                 "for (let n = 0; n < 2 ** 10; n++) fs.writeSync(1, one)\nconsole.log('end')"),
    ],
)  # fmt: skip
def test_it_prints_a_gibibyte_in_vain(cell: Cell, language: Language, source: str) -> None:
    boxed = attempt(cell, source, language)
    assert boxed.output.total == (1 << 30) + 4
    assert "bytes dropped" in boxed.out


COUNTED = """
import ctypes, fcntl, os
libc = ctypes.CDLL(None, use_errno=True)
def most(name, *words):
    made = 0
    while made < 5000 and getattr(libc, name)(*words) >= 0:
        made += 1
    print(name, made, ctypes.get_errno())
most("inotify_init1", 0)
most("inotify_add_watch", 3, b"/tmp", 2)
for number in range(9000):
    os.mkdir(f"/tmp/{number}")
print(sum(libc.inotify_add_watch(3, b"/tmp/%d" % number, 2) > 0 for number in range(9000)))
most("fanotify_init", 0, 0)
most("timer_create", 1, None, ctypes.byref(ctypes.c_void_p()))
most("mq_open", b"/queue", os.O_CREAT | os.O_RDWR, 0o600, None)
os.closerange(4, 20)
pipe = os.pipe()
print(fcntl.fcntl(pipe[0], fcntl.F_GETPIPE_SZ))
print(fcntl.fcntl(pipe[0], 1031, 1 << 20))
"""


def test_it_takes_nothing_from_other_sandboxes(cell: Cell, tmp_path: Path) -> None:
    """The kernel counts these by user, and all sandboxes have one."""
    cell.wait(cell.boxes.launcher.close())
    with closing(Cell(replace(cell.sandbox, cells=False), tmp_path)) as alone:
        boxed = attempt(alone, COUNTED, "python")
    assert attempt(cell, COUNTED, "python").out == boxed.out
    *counts, fault = boxed.out.splitlines()
    assert counts[:7] == [
        f"inotify_init1 8 {errno.EMFILE}",
        f"inotify_add_watch 5000 {errno.EMFILE}",  # one place is one watch
        "8191",
        f"fanotify_init 0 {errno.EPERM}",
        f"timer_create 1024 {errno.EAGAIN}",
        f"mq_open 0 {errno.EMFILE}",
        "65536",
    ]
    assert fault == "PermissionError: [Errno 1] Operation not permitted"


# --- what it leaves


@pytest.mark.parametrize(
    "source",
    [
        "setsid sleep 600 &",
        "(setsid bash -c 'trap \"\" TERM; while :; do sleep 600; done' &)",
        "setsid sleep 600 </dev/null >/dev/null 2>&1 & kill -9 $PPID; exit 0",
    ],
)
def test_nothing_survives_it(cell: Cell, source: str) -> None:
    boxed = attempt(cell, source)
    assert boxed.result.outcome is Outcome.OK


def test_killing_all_kills_its_own(cell: Cell) -> None:
    boxed = attempt(cell, "exec 2>/dev/null; sleep 600 & kill -9 -1; wait; echo end")
    assert (boxed.out, boxed.result.outcome) == ("end\n", Outcome.OK)


def test_the_next_one_finds_nothing(cell: Cell) -> None:
    places = "/tmp /work /dev/shm"
    attempt(cell, f"for place in {places}; do touch $place/left $place/.left; done")
    assert attempt(cell, f"ls -AR {places} | grep left").out == ""


NETWORK = "cat /proc/net/{dev,igmp,ipv6_route,netstat,rt6_stats,snmp,snmp6,ip6_flowlabel,unix}"
LABEL = "socket.inet_pton(socket.AF_INET6, '::1') + bytes.fromhex('00012345 00ff 0100 1e00 1e00')"


@pytest.mark.parametrize(
    "act",
    [
        "with socket.create_server(('127.0.0.1', 8080)) as one:\n"
        "    socket.create_connection(one.getsockname()).close()",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).connect(('::1', 9))",
        "socket.socket(type=socket.SOCK_DGRAM).setsockopt(socket.IPPROTO_IP, "
        "socket.IP_ADD_MEMBERSHIP, bytes([239, 1, 1, 1, 127, 0, 0, 1]))",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).setsockopt("
        f"socket.IPPROTO_IPV6, 32, {LABEL} + bytes(4))",
        "import os; bus = socket.socket(socket.AF_UNIX); bus.bind(chr(0) + 'bus'); bus.listen()\n"
        "way = socket.socket(socket.AF_UNIX); way.connect(f\"{os.environ['DOGWATCH_HELPERS']}/"
        "socket\")\nsocket.send_fds(way, [b'9'], [bus.fileno()])",
    ],
    ids=["connection", "route", "group", "label", "sent away"],
)
def test_the_next_one_finds_a_new_network(cell: Cell, act: str) -> None:
    """A network is given to the run after the next at the earliest: a cell waits ahead."""
    before = attempt(cell, NETWORK).out
    used = cell.run(f"import socket\n{act}", "python", desk=Desk())
    assert used.result.outcome is Outcome.OK, used.out
    assert [attempt(cell, NETWORK).out for _ in range(4)] == [before] * 4


def test_a_network_that_no_run_has_used_goes_to_another(cell: Cell) -> None:
    networks = [attempt(cell, "readlink /proc/self/ns/net").out for _ in range(6)]
    assert len(set(networks)) < len(networks)
    assert all(one != other for one, other in itertools.pairwise(networks))


@pytest.mark.parametrize("deaf", ["", "trap '' TERM; "])
def test_it_overruns_no_timeout(cell: Cell, deaf: str) -> None:
    boxed = attempt(cell, f"{deaf}while :; do sleep 600; done", timeout_s=1)
    assert (boxed.result.outcome, boxed.result.reason) == (Outcome.TIMEOUT, "no end within 1 s")


def test_an_end_lets_it_clean_up(cell: Cell) -> None:
    """A timeout and a cancelled run end it in the same way; here nothing depends on the clock."""
    source = "trap 'echo cleaned; exit 0' TERM; echo on; sleep 600 & wait"
    said = bytearray()

    async def story() -> None:
        running = asyncio.create_task(
            cell.begin(source, on_output=lambda _, chunk: said.extend(chunk))
        )
        await eventually_async(lambda: said == b"on\n")
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    cell.wait(story())
    assert said == b"on\ncleaned\n"


# --- what it makes of itself


@pytest.mark.parametrize(
    "command",
    ["unshare -Ur true", "unshare -m true", "unshare -n true", "nsenter -t 1 -m true",
     "mount -t tmpfs none /tmp", "bwrap --ro-bind / / true", "chroot / true", "su root -c true",
     "dmesg", "umount /work", "mount -o remount,rw /usr"],
)  # fmt: skip
def test_it_rises_no_higher(cell: Cell, command: str) -> None:
    boxed = attempt(cell, f"PATH+=:/usr/sbin; {command} && echo risen")
    assert boxed.result.outcome is Outcome.FAIL
    assert "risen" not in boxed.out


def test_it_has_no_rights_and_a_filter(cell: Cell) -> None:
    boxed = attempt(cell, "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; id -u")
    told = dict(line.split(":\t") for line in boxed.out.splitlines()[:-1])
    assert {int(value, 16) for name, value in told.items() if name.startswith("Cap")} == {0}
    assert (told["NoNewPrivs"], told["Seccomp"]) == ("1", "2")
    assert boxed.out.splitlines()[-1] == "1000"


# --- what it may do all the same


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("bash", 'cronium.setVariable K "$(cronium.getVariable GIVEN)"; cat; echo "$1 $COLOUR"'),
        ("python", "import sys, os; cronium.setVariable('K', cronium.getVariable('GIVEN'))\n"
                   "print(sys.stdin.read() + sys.argv[1], os.environ['COLOUR'])"),
        ("node", "cronium.setVariable('K', cronium.getVariable('GIVEN')); const fs = require('fs')"
                 "; console.log(fs.readFileSync(process.env.DOGWATCH_INPUT_FILE, 'utf8')"
                 " + process.argv[2], process.env.COLOUR)"),
    ],
)  # fmt: skip
def test_helpers_input_and_environment_reach_it(
    cell: Cell, language: Language, source: str
) -> None:
    desk = Desk()
    desk.kept["GIVEN"] = "größe"
    boxed = cell.run(source, language, desk=desk, args=("a b",), env=(("COLOUR", "grün"),))
    assert (boxed.out, boxed.result.outcome) == ("givena b grün\n", Outcome.OK)
    assert desk.kept["K"] == desk.kept["GIVEN"]


def test_how_it_ends_is_told(cell: Cell) -> None:
    def ended(source: str) -> Result:
        return attempt(cell, source).result

    assert (ended("exit 3").exit_code, ended("exit 3").reason) == (3, "exit status 3")
    assert ended("kill -KILL $$").reason == "exit status 137, as of SIGKILL"
