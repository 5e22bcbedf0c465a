"""`dogwatch ping`: one signal, kept when the server is away, flushed once by whoever comes."""

import json
from pathlib import Path

import pytest

from dogwatch.clock import SystemClock
from dogwatch.core.ping import SPOOL_AGE
from tests.cli.stub import DEADLINE_S, Here, Program, Stub

NOW_S = SystemClock().now().timestamp()


def keep(home: Path, stub: Stub, at_s: float, signal: str = "", to: str = "job") -> Path:
    (home / "spool").mkdir(exist_ok=True)
    path = home / "spool" / f"{int(at_s * 1e6):017d}-{signal}.json"
    ping = {"server": stub.url, "to": to, "signal": signal, "at_s": at_s, "rid": "r1"}
    path.write_text(json.dumps(ping))
    return path


@pytest.mark.parametrize(
    ("word", "signal"),
    [("ok", ""), ("start", "start"), ("fail", "fail"), ("log", "log"), ("7", "7"), ("0", "0")],
)
def test_each_signal_has_its_path(here: Here, stub: Stub, word: str, signal: str) -> None:
    assert here("ping", "job", word).returncode == 0
    assert [ping.signal for ping in stub.pings] == [signal]


def test_ok_is_what_is_meant_by_nothing(here: Here, stub: Stub) -> None:
    assert here("ping", "job", "--rid", "r9", "--create").returncode == 0
    assert stub.pings[0].query == {"rid": "r9", "create": "1"}


@pytest.mark.parametrize("word", ["okay", "256", "9" * 5_000, "-1", "٣"])
def test_another_word_is_a_usage_error(here: Here, stub: Stub, word: str) -> None:
    assert here("ping", "job", "--", word).returncode == 2
    assert stub.requests == []


def test_no_slug_is_a_usage_error(here: Here) -> None:
    assert here("ping").returncode == 2


def test_what_is_piped_in_becomes_the_body(dogwatch: Program, stub: Stub) -> None:
    assert dogwatch("ping", "job", "log", stdin="3 files\n").returncode == 0
    assert stub.pings[0].body == "3 files\n"


def test_an_unknown_watch_is_exit_3(here: Here, stub: Stub) -> None:
    stub.ping_status = 404
    assert here("ping", "job").returncode == 3


def test_away_is_exit_5_and_kept(here: Here, home: Path) -> None:
    done = here("ping", "job", "--server", "http://127.0.0.1:1")
    assert done.returncode == 5
    assert "kept, sent later" in done.stderr
    assert len(list((home / "spool").iterdir())) == 1


def test_without_a_data_directory_the_state_directory_keeps(dogwatch: Program, home: Path) -> None:
    state = home / "state"
    done = dogwatch(
        "ping",
        "job",
        DOGWATCH_DATA=str(home / "none"),
        DOGWATCH_SERVER="http://127.0.0.1:1",
        XDG_STATE_HOME=str(state),
    )
    assert done.returncode == 5
    assert len(list((state / "dogwatch" / "spool").glob("*.json"))) == 1
    assert not (home / "none").exists()


def test_flush_sends_oldest_first_with_the_original_times(
    here: Here, stub: Stub, home: Path
) -> None:
    early_s, late_s = NOW_S - 300.5, NOW_S - 100.25
    keep(home, stub, late_s, "0")
    keep(home, stub, early_s, "start")
    assert here("ping", "--flush").stdout == "2 sent, 0 refused, 0 kept\n"
    assert [(ping.signal, ping.query["at"]) for ping in stub.pings] == [
        ("start", f"{early_s:.6f}"),
        ("0", f"{late_s:.6f}"),
    ]


def test_flush_stops_at_a_server_that_is_away_and_goes_on_with_others(
    here: Here, stub: Stub, home: Path
) -> None:
    for at_s in (NOW_S - 3, NOW_S - 2):
        keep(home, stub, at_s, to="http://127.0.0.1:1/ping/gone")
    keep(home, stub, NOW_S - 1)
    done = here("ping", "--flush", "--json")
    assert done.returncode == 5
    assert json.loads(done.stdout) == {"sent": 1, "refused": 0, "kept": 2}


def test_what_the_server_refuses_is_put_aside(here: Here, stub: Stub, home: Path) -> None:
    path = keep(home, stub, NOW_S - 2)
    stub.ping_status = 404
    assert here("ping", "--flush").returncode == 1
    assert not path.exists()
    assert path.with_suffix(".refused").exists()


def test_what_is_too_old_for_its_own_time_is_put_aside(here: Here, stub: Stub, home: Path) -> None:
    path = keep(home, stub, NOW_S - SPOOL_AGE.total_seconds() - 60)
    done = here("ping", "--flush")
    assert (done.stdout, stub.pings) == ("0 sent, 1 refused, 0 kept\n", [])
    assert "too old" in done.stderr
    assert path.with_suffix(".refused").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"to": "job"}'])
def test_a_broken_file_is_put_aside_and_blocks_nothing(
    here: Here, stub: Stub, home: Path, text: str
) -> None:
    path = keep(home, stub, NOW_S - 2)
    path.write_text(text)
    keep(home, stub, NOW_S - 1)
    assert here("ping", "--flush").stdout == "1 sent, 0 refused, 0 kept\n"
    assert path.with_suffix(".broken").exists()


def test_several_at_once_send_each_ping_once(dogwatch: Program, stub: Stub, home: Path) -> None:
    times = [float(int(NOW_S) - second) for second in range(30, 0, -1)]
    for at_s in times:
        keep(home, stub, at_s)
    flushers = [dogwatch.start("ping", "--flush") for _ in range(4)]
    for flusher in flushers:
        with flusher:
            flusher.communicate(timeout=DEADLINE_S)
    assert [flusher.returncode for flusher in flushers] == [0] * 4
    assert [float(ping.query["at"]) for ping in stub.pings] == times
