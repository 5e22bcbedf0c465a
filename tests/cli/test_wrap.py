"""`dogwatch run`: transparent to the command, truthful to the server, patient without it."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dogwatch.cli.wrap import LONGEST_S, Seconds
from dogwatch.clock import SystemClock
from tests.cli.stub import DEADLINE_S, Program, Stub

RUN = "-m dogwatch.cli run job --"


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def kept(home: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((home / "spool").glob("*.json"))]


def test_start_and_finish_share_a_run_id(dogwatch: Program, stub: Stub) -> None:
    done = dogwatch("run", "job", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    start, end = stub.pings
    assert (start.signal, end.signal) == ("start", "3")
    assert start.query["rid"] == end.query["rid"]
    assert "at" not in end.query
    assert sorted(end.body.split()) == ["err", "out"]


def test_success_is_reported_as_status_0(dogwatch: Program, stub: Stub) -> None:
    assert dogwatch("run", "job", "--", "true").returncode == 0
    assert [ping.signal for ping in stub.pings] == ["start", "0"]


def test_standard_input_passes_through(dogwatch: Program) -> None:
    assert dogwatch("run", "job", "--", "cat", stdin="hello").stdout == "hello"


def test_options_after_the_dashes_belong_to_the_command(dogwatch: Program) -> None:
    done = dogwatch("run", "job", "--", "echo", "--json", "--timeout", "--", "-q")
    assert done.stdout == "--json --timeout -- -q\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [(["sh", "-c", "kill -KILL $$"], 137), (["no-such-program"], 127), (["/etc/passwd"], 126)],
)
def test_exit_codes_of_a_shell(dogwatch: Program, stub: Stub, words: list[str], code: int) -> None:
    assert dogwatch("run", "job", "--", *words).returncode == code
    assert stub.pings[-1].signal == str(code)


def test_a_command_that_cannot_run_says_why_in_the_ping(dogwatch: Program, stub: Stub) -> None:
    done = dogwatch("run", "job", "--", "no-such-program")
    assert "cannot run no-such-program" in done.stderr
    assert "cannot run no-such-program" in stub.pings[-1].body


@pytest.mark.parametrize(
    "number",
    [
        *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM),
        *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGCONT),
    ],
)
def test_signals_reach_the_command(dogwatch: Program, stub: Stub, number: signal.Signals) -> None:
    trap = f"trap 'echo caught; exit 9' {number.name[3:]}"
    script = f"{trap}; echo ready; while :; do sleep 0.05; done"
    with dogwatch.start("run", "job", "--", "sh", "-c", script) as process:
        assert read_line(process) == "ready\n"
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (9, "caught\n")
    assert stub.pings[-1].signal == "9"


def test_in_a_terminal_the_interrupt_key_arrives_once(dogwatch: Program, stub: Stub) -> None:
    script = 'trap "n=\\$((n+1))" INT; echo ready; read go; read go; echo "got $n"; exit 9'
    take = "import fcntl, os, sys, termios as t; os.setsid(); fcntl.ioctl(0, t.TIOCSCTTY, 0)"
    run = f"os.execv(sys.executable, [sys.executable, *'{RUN}'.split(), 'sh', '-c', sys.argv[1]])"
    ours, theirs = os.openpty()
    with dogwatch.on_terminal(theirs, f"{take}; {run}", script.replace("\\", "")) as process:
        os.close(theirs)
        assert read_line(process) == "ready\n"
        os.write(ours, b"\x03")
        os.write(ours, b"go\ngo\n")
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert (process.returncode, out) == (9, "got 1\n")
    assert stub.pings[-1].signal == "9"


def test_a_signal_that_kills_the_command_is_128_and_more(dogwatch: Program, stub: Stub) -> None:
    with dogwatch.start("run", "job", "--", "sh", "-c", "echo ready; exec sleep 30") as process:
        assert read_line(process) == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert stub.pings[-1].signal == "143"


def test_timeout_ends_the_whole_tree_with_124(
    dogwatch: Program, stub: Stub, tmp_path: Path
) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/pid; wait"
    done = dogwatch("run", "job", "--timeout", "2", "--", "sh", "-c", script)
    assert done.returncode == 124
    assert stub.pings[-1].signal == "124"
    assert "stopped after 2 s" in stub.pings[-1].body
    state = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    assert not state.exists() or state.read_text().split()[2] in "ZX"


def test_a_timeout_may_be_said_as_a_length() -> None:
    timeout = Seconds(0, LONGEST_S, min_open=True)
    assert [timeout.convert(told, None, None) for told in ("10m", "90s", "0.5")] == [600, 90, 0.5]


def test_a_command_that_ignores_term_is_killed(dogwatch: Program) -> None:
    script = "trap '' TERM; while :; do sleep 0.05; done"
    assert dogwatch("run", "job", "--timeout", "0.2", "--", "sh", "-c", script).returncode == 124


def test_a_background_descendant_neither_delays_nor_loses_its_reader(
    dogwatch: Program, stub: Stub, tmp_path: Path
) -> None:
    script = "(while [ ! -e go ]; do sleep 0.05; done; echo late; echo alive > after) & exit 4"
    arguments = ("run", "job", "--", "sh", "-c", f"cd {tmp_path}; {script}")
    with dogwatch.start(*arguments) as process:
        assert process.wait(60) == 4
        assert stub.pings[-1].signal == "4"
        (tmp_path / "go").touch()
        assert process.stdout
        assert process.stdout.read() == "late\n"
    assert (tmp_path / "after").read_text() == "alive\n"


def test_long_output_keeps_head_and_tail(dogwatch: Program, stub: Stub) -> None:
    done = dogwatch("run", "job", "--", "seq", "1", "100000")
    assert done.stdout.endswith("\n99999\n100000\n")
    body = stub.pings[-1].body
    assert len(body.encode()) <= 10_000
    assert body.startswith("1\n2\n3\n")
    assert body.endswith("\n99999\n100000\n")
    assert "bytes left out" in body


def test_no_output_sends_none_and_touches_none(dogwatch: Program, stub: Stub) -> None:
    done = dogwatch("run", "job", "--no-output", "--", "echo", "secret")
    assert done.stdout == "secret\n"
    assert stub.pings[-1].body == ""


def test_a_reader_that_leaves_stops_the_command(dogwatch: Program) -> None:
    with dogwatch.start("run", "job", "--", "yes") as process:
        assert read_line(process) == "y\n"
        assert process.stdout
        process.stdout.close()
        assert process.wait(60) == 141


def test_away_the_pings_are_kept_and_the_code_is_the_commands(offline: Program, home: Path) -> None:
    done = offline("run", "job", "--", "sh", "-c", "echo out; exit 5")
    assert (done.returncode, done.stdout) == (5, "out\n")
    assert "kept, sent later" in done.stderr
    start, end = kept(home)
    assert (start["signal"], end["signal"], end["body"]) == ("start", "5", "out\n")
    assert start["rid"] == end["rid"]
    assert start["at_s"] < end["at_s"]
    assert {path.stat().st_mode & 0o777 for path in (home / "spool").glob("*.json")} == {0o600}


def test_quiet_says_nothing(offline: Program) -> None:
    assert offline("run", "-q", "job", "--", "true").stderr == ""


def test_an_answer_of_500_is_kept(dogwatch: Program, stub: Stub, home: Path) -> None:
    stub.ping_status = 503
    assert dogwatch("run", "job", "--", "false").returncode == 1
    assert [ping["signal"] for ping in kept(home)] == ["start", "1"]


def test_an_unknown_watch_is_refused_not_kept(dogwatch: Program, stub: Stub, home: Path) -> None:
    stub.ping_status = 404
    done = dogwatch("run", "job", "--", "true")
    assert done.returncode == 0
    told = "there is no watch 'job'; add it, or use --create"
    assert done.stderr == f"dogwatch: ping not sent: {told}\n"
    assert kept(home) == []


def test_an_address_that_nobody_has_is_told(dogwatch: Program, stub: Stub) -> None:
    stub.ping_status = 404
    done = dogwatch("run", f"{stub.url}/ping/abcdefgh", "--", "true")
    assert done.stderr == "dogwatch: ping not sent: no watch has this ping address\n"


def test_what_cannot_be_a_slug_is_told(dogwatch: Program, stub: Stub) -> None:
    stub.ping_status = 404
    done = dogwatch("run", "Two Words", "--create", "--", "true")
    assert "'Two Words' cannot be a slug" in done.stderr


def test_a_hanging_server_does_not_delay_the_command(
    dogwatch: Program, stub: Stub, home: Path
) -> None:
    stub.hold.clear()
    with dogwatch.start("run", "job", "--", "sh", "-c", "echo now; read x; exit 6") as process:
        assert read_line(process) == "now\n"
        assert stub.arrived.wait(60)
        began = SystemClock().monotonic()
        process.communicate("go\n", timeout=60)
    assert process.returncode == 6
    assert SystemClock().monotonic() - began < DEADLINE_S / 2  # the server hangs for all of it
    assert [ping["signal"] for ping in kept(home)] == ["start", "6"]


def test_what_was_kept_is_sent_first_in_order_with_its_own_times(
    offline: Program, dogwatch: Program, stub: Stub, home: Path
) -> None:
    offline("run", "job", "--", "sh", "-c", "exit 5")
    old = kept(home)
    for path in (home / "spool").glob("*.json"):  # the same server, back under its address
        path.write_text(path.read_text().replace("http://127.0.0.1:1", stub.url))
    assert dogwatch("run", "job", "--", "true").returncode == 0
    assert [ping.signal for ping in stub.pings] == ["start", "5", "start", "0"]
    assert [float(ping.query["at"]) for ping in stub.pings[:2]] == pytest.approx(
        [ping["at_s"] for ping in old], abs=1e-6
    )
    assert "at" not in stub.pings[3].query
    assert kept(home) == []


def test_the_ping_address_is_learnt_once_and_kept_private(
    dogwatch: Program, stub: Stub, home: Path
) -> None:
    dogwatch("run", "job", "--", "true")
    dogwatch("run", "job", "--", "true")
    asked = [request for request in stub.requests if request.path == "/api/v1/workspace"]
    assert [request.authorization for request in asked] == ["Bearer k1"]
    memory = home / "ping.url"
    assert memory.read_text() == f"{stub.url}/ping/wskey"
    assert memory.stat().st_mode & 0o777 == 0o600


def test_a_changed_ping_key_is_learnt_again(dogwatch: Program, stub: Stub, home: Path) -> None:
    (home / "ping.url").write_text(f"{stub.url}/ping/oldkey")
    stub.ping_status = 404
    dogwatch("run", "job", "--", "true")
    assert (home / "ping.url").read_text() == f"{stub.url}/ping/wskey"
    assert "/ping/wskey/job/0" in [ping.path for ping in stub.pings]


@pytest.mark.parametrize(
    ("slug", "variables", "path"),
    [
        ("{url}/ping/abc", {}, "/ping/abc/start"),
        ("job", {"DOGWATCH_PING_URL": "{url}/ping/shared"}, "/ping/shared/job/start"),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", {}, "/ping/3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("aBcDeFgHiJkLmNoP", {}, "/ping/aBcDeFgHiJkLmNoP/start"),
    ],
)
def test_other_addresses_need_no_key(
    dogwatch: Program, stub: Stub, slug: str, variables: dict[str, str], path: str
) -> None:
    given = {name: value.format(url=stub.url) for name, value in variables.items()}
    dogwatch("run", slug.format(url=stub.url), "--", "true", **given)
    assert stub.pings[0].path.startswith(path)
    assert all(request.path.startswith("/ping/") for request in stub.requests)


def test_create_makes_the_watch_first(dogwatch: Program, stub: Stub) -> None:
    stub.replies["POST /api/v1/watches"] = (201, {})
    options = ("--create", "--schedule", "0 2 * * *", "--tz", "Europe/Berlin", "--grace", "60")
    dogwatch("run", "job", *options, "--", "true")
    made = next(request for request in stub.requests if request.method == "POST")
    assert json.loads(made.body) == {
        "name": "job",
        "slug": "job",
        "schedule": "0 2 * * *",
        "timezone": "Europe/Berlin",
        "grace_s": 60,
    }
    assert {ping.query["create"] for ping in stub.pings} == {"1"}


def test_a_bad_schedule_is_told_and_the_run_counts(dogwatch: Program, stub: Stub) -> None:
    errors = [{"field": "schedule", "message": "is no schedule"}]
    stub.replies["POST /api/v1/watches"] = (422, {"detail": "see errors", "errors": errors})
    done = dogwatch("run", "job", "--create", "--schedule", "bogus", "--", "sh", "-c", "exit 3")
    assert done.returncode == 3
    told, why = done.stderr.splitlines()
    assert told == "dogwatch: the watch was not made with schedule 'bogus': see errors"
    assert why == "  schedule: is no schedule"
    assert [ping.signal for ping in stub.pings] == ["start", "3"]


def test_a_watch_that_exists_is_no_news(dogwatch: Program, stub: Stub) -> None:
    stub.replies["POST /api/v1/watches"] = (409, {"detail": "taken"})
    done = dogwatch("run", "job", "--create", "--schedule", "@daily", "--", "true")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_schedule_is_meant_in_the_zone_of_the_machine(dogwatch: Program, stub: Stub) -> None:
    stub.replies["POST /api/v1/watches"] = (201, {})
    words = ("run", "job", "--create", "--schedule", "@daily", "--", "true")
    dogwatch(*words, TZ="Europe/Warsaw")
    made = next(request for request in stub.requests if request.method == "POST")
    assert json.loads(made.body)["timezone"] == "Europe/Warsaw"


def test_nohup_is_respected(dogwatch: Program) -> None:
    wrapped = 'exec "$0" -m dogwatch.cli run job -- sh -c "kill -HUP \\$PPID; echo alive"'
    done = dogwatch.shell(f"trap '' HUP; {wrapped}")
    assert (done.returncode, done.stdout) == (0, "alive\n")


def test_a_slug_of_odd_bytes_changes_nothing(dogwatch: Program, offline: Program) -> None:
    odd = os.fsdecode(b"caf\xe9")
    for program in (dogwatch, offline):
        done = program("run", odd, "--", "sh", "-c", "exit 3")
        assert (done.returncode, "Traceback" in done.stderr) == (3, False)


def test_a_kept_ping_of_odd_bytes_is_sent_as_it_is(
    offline: Program, dogwatch: Program, stub: Stub, home: Path
) -> None:
    offline("run", os.fsdecode(b"caf\xe9"), "--", "true")
    for path in (home / "spool").glob("*.json"):
        path.write_text(path.read_text().replace("http://127.0.0.1:1", stub.url))
    assert dogwatch("ping", "--flush").returncode == 0
    assert [ping.path for ping in stub.pings] == [
        "/ping/wskey/caf%E9/start",
        "/ping/wskey/caf%E9/0",
    ]


def test_a_command_of_odd_bytes_is_not_found(dogwatch: Program, stub: Stub) -> None:
    assert dogwatch("run", "job", "--", os.fsdecode(b"no\xe9")).returncode == 127
    assert "cannot run no" in stub.pings[-1].body


def test_a_full_disk_behind_our_streams_changes_nothing(offline: Program) -> None:
    ours = offline.shell(f'"$0" {RUN} sh -c "exit 3" 2>/dev/full')
    theirs = offline.shell(f'"$0" {RUN} sh -c "seq 1 100000; exit 4" >/dev/full 2>&1')
    assert (ours.returncode, theirs.returncode) == (3, 4)


def test_closed_streams_change_nothing(dogwatch: Program, stub: Stub) -> None:
    done = dogwatch.shell(f'"$0" {RUN} sh -c "echo told; exit 3" <&- >&- 2>&-')
    assert done.returncode == 3
    assert stub.pings[-1].body == "told\n"


@pytest.mark.parametrize("seconds", ["inf", "nan", "1e300", "0", "-1", "5x"])
def test_a_timeout_that_no_timer_takes_is_refused_at_once(
    dogwatch: Program, stub: Stub, seconds: str
) -> None:
    done = dogwatch("run", "job", "--timeout", seconds, "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (2, "")
    assert stub.pings == []


def test_an_unreadable_data_directory_changes_nothing(dogwatch: Program, home: Path) -> None:
    (home / "ping.url").mkdir()
    (home / "server.url").mkdir()
    (home / "spool").write_text("no directory")
    assert dogwatch("run", "job", "--", "sh", "-c", "exit 3", HOME="/dev/null").returncode == 3


def test_a_data_directory_that_cannot_be_is_remarked_upon(dogwatch: Program) -> None:
    done = dogwatch("run", "job", "--", "sh", "-c", "exit 3", DOGWATCH_DATA="/" + "x" * 5000)
    assert done.returncode == 3
    assert "ping not sent" in done.stderr
