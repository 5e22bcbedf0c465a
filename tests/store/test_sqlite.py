"""What SQLite alone promises: its files, its lock, a full disk."""

import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from dogwatch.core.problems import Problem
from dogwatch.store import migrate, sqlite
from dogwatch.store.database import Database, Tx
from tests.harness.notes import make_notes, noted, put


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "dogwatch.db"


@pytest.fixture
def notes(path: Path) -> Iterator[Database]:
    database = Database.open(f"sqlite:///{path}", patience_s=60)
    make_notes(database)
    yield database
    database.close()


def outside(path: Path) -> "closing[sqlite3.Connection]":
    """Open the file behind Dogwatch's back."""
    return closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False))


def test_files_are_for_their_owner_alone(path: Path, notes: Database) -> None:
    notes.write(lambda tx: put(tx, 1)).result(60)
    modes = {one.name: one.stat().st_mode & 0o777 for one in (path.parent, *path.parent.iterdir())}
    assert modes == {
        "data": 0o700,
        "dogwatch.db": 0o600,
        "dogwatch.db-wal": 0o600,
        "dogwatch.db-shm": 0o600,
    }


def test_a_place_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Problem, match=r"cannot make .*/file: File exists") as caught:
        Database.open(f"sqlite:///{tmp_path}/file/dogwatch.db")
    assert caught.value.kind == "refused"


def test_durability_and_references_are_on(notes: Database) -> None:
    def settings(tx: Tx) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [tx.conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert notes.write(settings).result(60) == ["wal", 2, 1]
    assert notes.read(settings).result(60) == ["wal", 2, 1]


def test_only_the_writer_checkpoints(notes: Database) -> None:
    def limit(tx: Tx) -> object:
        return tx.conn.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar()

    assert (notes.write(limit).result(60), notes.read(limit).result(60)) == (1000, 0)


def test_commands_run_in_the_order_they_came(notes: Database) -> None:
    order: list[int] = []

    def note(_tx: Tx, number: int) -> None:
        order.append(number)

    futures = [notes.write(partial(note, number=n)) for n in range(600)]
    for future in futures:
        future.result(60)
    assert order == list(range(600))


def test_close_leaves_one_file(path: Path) -> None:
    database = Database.open(f"sqlite:///{path}")
    make_notes(database)
    database.close()
    assert [one.name for one in path.parent.iterdir()] == ["dogwatch.db"]


def test_a_log_that_overlapping_readers_grew_is_pressed_back(
    path: Path, notes: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    wal = Path(f"{path}-wal")
    monkeypatch.setattr(sqlite, "WAL_CALM_BYTES", 100_000)
    limited = Database.open(f"sqlite:///{path}")
    with outside(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM notes").fetchone()
        for number in range(30):
            limited.write(partial(put, number=number, note="x" * 10_000)).result(60)
        assert wal.stat().st_size > 300_000
        reader.execute("ROLLBACK")
    for number in range(30, 60):
        limited.write(partial(put, number=number, note="x" * 10_000)).result(60)
    assert wal.stat().st_size < 300_000
    limited.close()
    assert noted(notes) == list(range(60))


def test_another_program_that_holds_the_lock_is_waited_for(path: Path, notes: Database) -> None:
    with outside(path) as other:
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(1.2, other.execute, ("COMMIT",))
        release.start()
        futures = [notes.write(partial(put, number=n)) for n in range(5)]
        assert [future.result(60) for future in futures] == list(range(5))
        release.join()
    assert noted(notes) == list(range(5))


def test_another_program_that_never_lets_go_is_told(path: Path, notes: Database) -> None:
    with (
        outside(path) as other,
        closing(Database.open(f"sqlite:///{path}", patience_s=1)) as impatient,
    ):
        other.execute("BEGIN IMMEDIATE")
        futures = [impatient.write(partial(put, number=n)) for n in range(5)]
        assert [kind_of(future.exception(60)) for future in futures] == ["away"] * 5
        other.execute("ROLLBACK")
    assert notes.write(lambda tx: put(tx, 9)).result(60) == 9
    assert noted(notes) == [9]


SECOND_PROCESS = """
import sys
from functools import partial
from dogwatch.store.database import Database
from tests.harness.notes import put
database = Database.open(sys.argv[1], patience_s=60)
for n in range(1_000_000, 1_000_100):
    database.write(partial(put, number=n)).result()
database.close()
"""


def test_two_processes_write_and_lose_nothing(path: Path, notes: Database) -> None:
    with subprocess.Popen([sys.executable, "-c", SECOND_PROCESS, f"sqlite:///{path}"]) as other:
        written = 0
        while other.poll() is None:
            notes.write(partial(put, number=written)).result(30)
            written += 1
    assert other.returncode == 0
    assert noted(notes) == [*range(written), *range(1_000_000, 1_000_100)]


def kind_of(error: BaseException | None) -> str:
    assert isinstance(error, Problem), error
    return error.kind


def test_a_file_that_may_not_grow_is_away_until_it_may(notes: Database) -> None:
    def limit(pages: int) -> Callable[[Tx], object]:
        return lambda tx: tx.conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}").scalar()

    notes.write(limit(20)).result(60)
    small = notes.write(lambda tx: put(tx, 1))
    large = notes.write(lambda tx: put(tx, 2, "x" * 1_000_000))
    behind = notes.write(lambda tx: put(tx, 3))
    assert (small.result(60), kind_of(large.exception(60)), behind.result(60)) == (1, "away", 3)
    assert noted(notes) == [1, 3]
    notes.write(limit(1_000_000)).result(60)
    notes.write(lambda tx: put(tx, 2, "x" * 1_000_000)).result(60)
    assert noted(notes) == [1, 2, 3]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size`: the kernel refuses, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_never_a_false_yes(path: Path, notes: Database) -> None:
    wal = Path(f"{path}-wal")
    notes.write(lambda tx: put(tx, 0)).result(60)
    with file_size_limit(wal.stat().st_size + 3000):
        futures = [notes.write(partial(put, number=n)) for n in range(1, 50)]
        assert {kind_of(future.exception(60)) for future in futures} == {"away"}
    assert noted(notes) == [0]
    assert notes.write(lambda tx: put(tx, 1)).result(60) == 1
    assert noted(notes) == [0, 1]


def test_a_swallowed_full_disk_is_never_a_false_yes(notes: Database) -> None:
    def swallow(tx: Tx) -> str:
        tx.conn.exec_driver_sql("PRAGMA max_page_count = 1")
        put(tx, 1)
        try:
            put(tx, 2, "x" * 1_000_000)
        except Exception:
            return "all is well"
        return "it fits"

    future = notes.write(swallow)
    saved = future.exception(60) is None
    assert saved == (noted(notes) == [1])


KILLED = """
import sys
from functools import partial
from dogwatch.store.database import Database
from tests.harness.notes import put
database = Database.open(sys.argv[1])
n = 0
while True:
    futures = [database.write(partial(put, number=n)) for n in range(n, n + 50)]
    n += 50
    for future in futures:
        print(future.result(), flush=True)
"""


def test_what_was_answered_survives_a_kill(path: Path, notes: Database) -> None:
    command = [sys.executable, "-c", KILLED, f"sqlite:///{path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        told = [int(other.stdout.readline()) for _ in range(120)]
        other.kill()
        told += [int(line) for line in other.stdout if line.endswith("\n")]
    assert set(told) <= set(noted(notes))


LOOK = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version'); "


def test_locks_outlive_a_look_at_the_revision(path: Path, notes: Database) -> None:
    """Another program that comes and goes must know that we are here, and leave us our log."""
    notes.write(lambda tx: put(tx, 1)).result(60)
    log = path.with_name(f"{path.name}-wal")
    ours = log.stat().st_ino
    migrate.current(notes)
    came = "c.execute('SELECT * FROM sqlite_master').fetchall(); c.close()"
    subprocess.run([sys.executable, "-c", LOOK + came, path], check=True, timeout=60)
    assert log.exists(), "it took our log away"
    assert log.stat().st_ino == ours
    notes.write(lambda tx: put(tx, 2)).result(60)
    with outside(path) as other:
        assert other.execute("SELECT id FROM notes ORDER BY id").fetchall() == [(1,), (2,)]
