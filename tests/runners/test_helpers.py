"""The helpers' own door, attacked by scripts: nobody else gets in, nothing is held up for good."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dogwatch.clock import SystemClock
from dogwatch.core.helper import NOTHING, Reply
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome, Result
from dogwatch.core.script_action import Language, ScriptAction
from dogwatch.runners import helpers
from dogwatch.runners.script import run_script
from tests.runners.boxes import INTERPRETERS
from tests.runners.test_script import Ran, children, descriptors


class Desk:
    """Keeps what it is told, and tells it again."""

    def __init__(self, token: str = "t0ken") -> None:
        self.token = token
        self.kept: dict[str, str] = {}
        self.asked = 0

    async def ask(self, operation: str, args: Sequence[str]) -> Reply:
        """Answer as a desk does that knows variables alone."""
        self.asked += 1
        if operation == "setVariable":
            self.kept[args[0]] = args[1]
            return NOTHING
        if operation == "getVariable":
            return Reply("text", self.kept[args[0]]) if args[0] in self.kept else NOTHING
        if operation == "break":
            raise RuntimeError("secret of the server")
        raise Problem("invalid", f"no {operation}")


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """A directory whose path is longer than that of a socket may be."""
    path = tmp_path / ("long" * 30) / "work"
    path.mkdir(parents=True)
    return path


@pytest.fixture(autouse=True)
def _nothing_is_left(workdir: Path) -> Iterator[None]:
    asyncio.run(asyncio.sleep(0))
    files, family = descriptors(), children()
    yield
    assert descriptors() == files
    assert children() == family
    assert list(workdir.iterdir()) == []


async def one(
    workdir: Path, source: str, language: Language, desk: Desk, ran: Ran, **more: Any
) -> Result:
    return await run_script(
        ScriptAction(language, source, timeout_s=more.pop("timeout_s", 60.0), **more),
        run_id=desk.token, attempt=1, slot_at=None, input="", workdir=workdir,
        clock=SystemClock(), on_output=ran.take, interpreters=INTERPRETERS, desk=desk,
    )  # fmt: skip


def run(
    workdir: Path, source: str, language: Language = "bash", desk: Desk | None = None, **more: Any
) -> Ran:
    ran = Ran()
    ran.result = asyncio.run(one(workdir, source, language, desk or Desk(), ran, **more))
    return ran


# What speaks to the socket without any of our clients.
RAW = """
import os, socket
place, token = os.environ["DOGWATCH_HELPERS"], os.environ["DOGWATCH_TOKEN"].encode()

def connect():
    made = socket.socket(socket.AF_UNIX)
    made.connect(f"/proc/self/fd/{os.open(place, os.O_RDONLY)}/socket")
    made.settimeout(20)
    return made

def said(*fields, token=token):
    parts = [token, *fields]
    return b" ".join(b"%d" % len(part) for part in parts) + b"\\n" + b"".join(parts)

def talk(data, made=None):
    made = made or connect()
    made.sendall(data)
    return made.recv(65536)
"""


@pytest.mark.parametrize("language", ["bash", "python", "node"])
def test_values_of_any_size_and_letters_pass(workdir: Path, language: Language) -> None:
    desk = Desk()
    desk.kept = {"BIG": "ü\n" * 200_000 + "\n\n", "SMALL": "a\\b'\"$(x)`\t*\r\n\n", "EMPTY": ""}
    sources = {
        "bash": 'for K in BIG SMALL EMPTY; do cronium.getVariable -v V $K; '
                'cronium.setVariable "$K.2" "$V"; done',
        "python": "for k in ('BIG', 'SMALL', 'EMPTY'):\n"
                  "    cronium.setVariable(k + '.2', cronium.getVariable(k))",
        "node": "for (const k of ['BIG', 'SMALL', 'EMPTY']) "
                "cronium.setVariable(k + '.2', cronium.getVariable(k))",
    }  # fmt: skip
    ran = run(workdir, sources[language], language, desk)
    assert (ran.result.outcome, ran.out, ran.err) == (Outcome.OK, "", "")
    for key in ("BIG", "SMALL", "EMPTY"):
        assert desk.kept[f"{key}.2"] == desk.kept[key]


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("bash", "cronium.setVariable K $'\\xff\\xfe' || echo refused"),
        ("python", "try: cronium.setVariable('K', '\\udcff')\n"
                   "except cronium.HelperError: print('refused')"),
        ("python", "try: cronium.setVariable('K', b'bytes')\n"
                   "except cronium.HelperError: print('refused')"),
        ("node", "try { cronium.setVariable('K', () => 1) } catch { console.log('refused') }"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_refused(workdir: Path, language: Language, source: str) -> None:
    desk = Desk()
    assert run(workdir, source, language, desk).out == "refused\n"
    assert desk.kept == {}


def test_another_token_opens_nothing(workdir: Path) -> None:
    source = (
        RAW
        + """
for wrong in (b"", b"t0keN", b"t0ken ", b"t0kenn", b"\\xff"):
    print(talk(said(b"setVariable", b"K", b"1", token=wrong)).split()[0])
print(talk(said(b"setVariable", b"K", b"1")))
"""
    )
    desk = Desk()
    assert run(workdir, source, "python", desk).out == "b'error'\n" * 5 + "b'none 0\\n'\n"
    assert (desk.kept, desk.asked) == ({"K": "1"}, 1)


def test_another_runs_door_does_not_take_ours(workdir: Path) -> None:
    """Runs of one user can see each other's directories; the token is still the run's own."""
    theirs, ours = Desk("theirs"), Desk("ours")
    waiting = "until [[ -e ../../done ]]; do sleep 0.02; done; rm ../../done"
    attack = """
for place in ../../run-*/helpers; do
  [[ $(readlink -f $place) != "$DOGWATCH_HELPERS" ]] && DOGWATCH_HELPERS=$(readlink -f $place) \\
    cronium.setVariable K stolen
done
cronium.setVariable K mine
touch ../../done
"""

    async def both() -> None:
        await asyncio.gather(
            one(workdir, waiting, "bash", theirs, Ran()), one(workdir, attack, "bash", ours, Ran())
        )

    asyncio.run(both())
    assert (theirs.kept, ours.kept) == ({}, {"K": "mine"})


def test_half_a_question_harms_nobody(workdir: Path) -> None:
    source = (
        RAW
        + """
for half in (b"", b"5", b"5 1\\n", b"5 11 1 1\\nt0ken", said(b"setVariable", b"K", b"1")[:-1],
             b"x y\\n", b"\\0" * 100, b"9" * 70000, b"5 11\\n" * 9, b"-1 5\\n", b"\\n"):
    made = connect()
    made.sendall(half)
    made.close()
made = connect()
made.sendall(said(b"setVariable", b"K", b"1")[:9])
made.shutdown(socket.SHUT_WR)
print(made.recv(99))
print(talk(said(b"setVariable", b"K", b"whole")))
"""
    )
    desk = Desk()
    assert run(workdir, source, "python", desk).out == "b''\nb'none 0\\n'\n"
    assert desk.kept == {"K": "whole"}


def test_too_much_is_read_to_its_end_and_refused(workdir: Path) -> None:
    source = (
        RAW
        + """
made = connect()
print(talk(said(b"setVariable", b"K", b"x" * 20_000_000), made))
print(talk(said(*[b"x"] * 20), made))
print(talk(said(b"break"), made))
print(talk(said(b"setVariable", b"K", b"1"), made))
"""
    )
    ran = run(workdir, source, "python")
    assert ran.out.count("1000000 bytes") == 2
    assert "internal error" in ran.out
    assert "secret of the server" not in ran.out
    assert ran.out.endswith("b'none 0\\n'\n")
    long = run(workdir, 'cronium.setVariable K "$(head -c 3000000 /dev/zero | tr "\\0" x)"')
    assert (long.result.exit_code, "1000000 bytes" in long.err) == (1, True)


def test_many_at_once_are_all_answered(workdir: Path) -> None:
    source = (
        "for n in {1..120}; do (cronium.setVariable K$n $n; cronium.getVariable K$n) & done; wait"
    )
    desk = Desk()
    ran = run(workdir, source, desk=desk)
    assert (len(desk.kept), ran.err) == (120, "")
    assert sorted(ran.out.split()) == sorted(map(str, range(1, 121)))


def test_whoever_holds_every_place_holds_up_itself_alone(workdir: Path) -> None:
    source = (
        RAW
        + f"""
held = [connect() for _ in range({helpers.MOST_WAITING} + 100)]
for one in held:
    try: one.sendall(b"5 11 1 1\\n")
    except OSError: pass
os.write(os.open(place + "/bell", os.O_WRONLY), b"no.such\\n../../x\\n\\n" * 2000)
print("held")
"""
    )
    assert run(workdir, source, "python").out == "held\n"


HOLDING = """
import os, time
place = os.environ["DOGWATCH_HELPERS"]
bell, free = os.open(place + "/bell", os.O_WRONLY), os.open(place + "/free", os.O_RDONLY)
held = []
while len(held) < 2 * LANES:
    os.write(bell, b"~")
    for letter in os.read(free, 1).decode():
        held += [os.open(f"{place}/{letter}.{end}", os.O_RDWR) for end in ("ask", "say")]
os.set_blocking(bell, False)
"""


def test_whoever_rings_in_a_loop_holds_up_nobody_and_loses_its_helpers(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All lanes open, none rung for: each would be looked at for each `!`."""
    looked: list[int] = [0]
    turns: list[int] = []

    def replace(server: helpers._Server, letter: str) -> None:
        looked[0] += 1
        real(server, letter)

    def some(server: helpers._Server) -> None:
        before = looked[0]
        real_some(server)
        turns.append(looked[0] - before)

    real, real_some = helpers._Server._replace, helpers._Server._replace_some
    monkeypatch.setattr(helpers._Server, "_replace", replace)
    monkeypatch.setattr(helpers._Server, "_replace_some", some)
    source = (
        HOLDING.replace("LANES", str(helpers.LANES))
        + """
while os.path.exists(place + "/bell"):
    try: os.write(bell, b"!" * 4096)
    except BlockingIOError: time.sleep(0.001)
try: cronium.setVariable("K", 1)
except (OSError, cronium.HelperError): print("refused")
"""
    )
    desk = Desk()
    ran = run(workdir, source, "python", desk)
    assert (ran.out, desk.kept) == ("refused\n", {})
    assert ran.err.count("the run has no helpers any more: it rang") == 1
    assert max(turns) == helpers.LANES_PER_TURN


def test_a_bell_that_names_no_fifo_opens_nothing(workdir: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("precious")
    source = f"""
cd $DOGWATCH_HELPERS; read -r -N 1 letter <free; rm $letter.*
ln -s {kept} a.ask; ln -s {kept} a.say; mkdir c.ask c.say
printf '%s\\n' $letter x y "$(printf '%0100d')" >bell
cronium.setVariable K 1 && ls -d a.* b.* c.* | wc -l
"""
    assert run(workdir, source).out.strip() == "6"
    assert kept.read_text() == "precious"


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("bash", "cronium.setVariable K 1"),
        ("node", "cronium.setVariable('K', 1)"),
    ],
)  # fmt: skip
def test_lanes_that_were_lost_are_replaced(workdir: Path, language: Language, source: str) -> None:
    """As by those who are killed between taking a letter and ringing."""
    taking = {
        "bash": "for n in {1..8}; do head -c 1 $DOGWATCH_HELPERS/free >/dev/null; "
                "printf '!' >$DOGWATCH_HELPERS/bell; done; head -c 1 $DOGWATCH_HELPERS/free\n",
        "node": "const fs = require('fs'); const free = fs.openSync("
                "`${process.env.DOGWATCH_HELPERS}/free`);\n"
                "fs.readSync(free, Buffer.alloc(8));\n",
    }  # fmt: skip
    desk = Desk()
    ran = run(workdir, taking[language] + source, language, desk)
    assert (ran.result.outcome, ran.err, desk.kept) == (Outcome.OK, "", {"K": "1"})


def test_a_lane_that_somebody_has_open_is_not_taken_away(workdir: Path) -> None:
    source = """
cd $DOGWATCH_HELPERS; read -r -N 1 letter <free; exec 7<>$letter.ask 8<>$letter.say
printf '!!' >bell; cronium.setVariable A 1
printf %s "$letter" >bell; printf '%s\\n' "5 11 1 1" >&7; printf %s t0kensetVariableB2 >&7
read -r answer <&8; echo "$answer"
"""
    desk = Desk()
    ran = run(workdir, source, "bash", desk)
    assert (ran.out, desk.kept) == ("none 0\n", {"A": "1", "B": "2"})


def test_who_dies_in_the_midst_is_forgotten(workdir: Path) -> None:
    source = """
for n in {1..10}; do (cronium.setVariable K$n "$(printf %09999d 1)") & kill -9 $!; done; wait
cronium.setVariable LAST 1; cronium.getVariable LAST
"""
    assert run(workdir, source).out == "1\n"


def test_a_run_that_is_stopped_leaves_nothing(workdir: Path) -> None:
    source = RAW + 'made = connect(); made.sendall(b"5 11\\n"); print(1, flush=True); made.recv(1)'
    assert run(workdir, source, "python", timeout_s=1.5).result.outcome is Outcome.TIMEOUT
    looping = "while :; do cronium.setVariable K 1; done"
    assert run(workdir, looping, timeout_s=1.5).result.outcome is Outcome.TIMEOUT


def test_scripts_keep_their_own_ways(workdir: Path) -> None:
    """Strict shells, other IFS, own `printf`; own module paths; forks and threads of Python."""
    strict = """
set -euo pipefail; IFS=:; printf() { echo mine; }; read() { echo mine; }
cronium.setVariable K 'a:b c'; x=$(cronium.getVariable K); echo "$x"
y=$(cronium.getVariable NO); echo "[$y]"
"""
    assert run(workdir, strict).out == "a:b c\n[]\n"
    forked = """
import os, threading
cronium.setVariable("A", "1")
if os.fork() == 0:
    cronium.setVariable("B", cronium.getVariable("A")); os._exit(0)
os.wait()
threads = [threading.Thread(target=cronium.setVariable, args=(f"T{n}", n)) for n in range(20)]
[t.start() for t in threads]; [t.join() for t in threads]
import sys
print(cronium.getVariable("B"), os.environ["PYTHONPATH"].endswith(":/own"), "/own" in sys.path)
"""
    desk = Desk()
    assert (
        run(workdir, forked, "python", desk, env=(("PYTHONPATH", "/own"),)).out == "1 True True\n"
    )
    assert len(desk.kept) == 22
    threaded = """
const { Worker, isMainThread } = require("worker_threads");
cronium.setVariable(isMainThread ? "MAIN" : "WORKER", 1);
const told = () => console.log(cronium.getVariable("WORKER"));
if (isMainThread) new Worker(__filename).on("exit", told);
"""
    assert run(workdir, threaded, "node").out == "1\n"
