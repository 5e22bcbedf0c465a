"""What PostgreSQL alone promises: several writers, sessions that die, wakes between processes."""

import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest
from sqlalchemy import text

from dogwatch.core.problems import Problem
from dogwatch.store import walls
from dogwatch.store.database import ALL_TOPICS, Database, Tx
from tests.eventually import eventually
from tests.harness.held import Held
from tests.harness.notes import make_notes, noted, put
from tests.harness.postgres import PostgresServer, running_postgres

WRITERS = 4


@contextmanager
def opened(url: str, patience_s: float = 5.0) -> Iterator[Database]:
    database = Database.open(url, patience_s=patience_s)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def notes(postgres_url: str) -> Iterator[Database]:
    with opened(postgres_url) as database:
        make_notes(database)
        yield database


def end_sessions(server: PostgresServer, database: Database) -> int:
    """End every session of the database, as an administrator would."""
    query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
    with server.connect() as conn:
        row = conn.execute(query, (database.url.database,)).fetchone()
    assert row is not None
    return int(row[0])


def test_sessions_have_our_settings(notes: Database) -> None:
    def settings(tx: Tx) -> list[object]:
        names = ("timezone", "application_name", "statement_timeout", "synchronous_commit")
        return [tx.conn.exec_driver_sql(f"SHOW {name}").scalar() for name in names]

    assert notes.write(settings).result(60) == ["UTC", "dogwatch", "30s", "on"]
    assert notes.read(settings).result(60) == ["UTC", "dogwatch", "30s", "on"]


def test_a_url_can_add_settings(postgres_url: str) -> None:
    with opened(f"{postgres_url}?options=-c%20statement_timeout%3D7s") as database:
        show = "SHOW statement_timeout"
        assert database.write(lambda tx: tx.conn.exec_driver_sql(show).scalar()).result(60) == "7s"


def test_it_goes_on_after_its_sessions_were_ended(
    notes: Database, migrated_postgres: PostgresServer
) -> None:
    for number in range(3):
        assert notes.write(partial(put, number=number)).result(60) == number
        assert noted(notes) == list(range(number + 1))
        assert end_sessions(migrated_postgres, notes) > 0
    assert noted(notes) == [0, 1, 2]


def test_reads_of_one_workspace_go_on_after_their_sessions_were_ended(
    notes: Database, migrated_postgres: PostgresServer
) -> None:
    for _ in range(3):
        shown = notes.read(lambda tx: tx.conn.exec_driver_sql(f"SHOW {walls.SETTING}").scalar(), 7)
        assert shown.result(60) == "7"
        assert end_sessions(migrated_postgres, notes) > 0


def test_a_session_that_dies_before_commit_is_tried_again(
    notes: Database, migrated_postgres: PostgresServer
) -> None:
    attempts: list[int] = []

    def die_once(tx: Tx) -> int:
        attempts.append(put(tx, 1))
        if len(attempts) == 1:
            end_sessions(migrated_postgres, notes)
        return put(tx, 2)

    others = [notes.write(partial(put, number=n)) for n in range(10, 20)]
    assert notes.write(die_once).result(60) == 2
    assert len(attempts) == 2
    assert [other.result(60) for other in others] == list(range(10, 20))
    assert noted(notes) == [1, 2, *range(10, 20)]


@pytest.mark.parametrize("patience_s", [5.0, 0.0])
def test_a_node_that_stood_still_in_a_transaction_tries_again(
    notes: Database, postgres_url: str, patience_s: float
) -> None:
    attempts: list[int] = []

    def stand_still_once(tx: Tx) -> int:
        attempts.append(put(tx, 1))
        if len(attempts) == 1:
            tx.conn.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '10ms'")
            _until_hung_up(tx)
        return put(tx, 2)

    with opened(postgres_url, patience_s) as database:
        assert database.write(stand_still_once).result(60) == 2
    assert len(attempts) == 2
    assert noted(notes) == [1, 2]


def test_one_that_stands_still_each_time_is_refused_once_its_patience_is_over(
    notes: Database, postgres_url: str
) -> None:
    attempts: list[int] = []

    def stand_still(tx: Tx) -> None:
        attempts.append(put(tx, 1))
        tx.conn.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '10ms'")
        _until_hung_up(tx)
        put(tx, 2)

    with opened(postgres_url, patience_s=0) as database:
        error = database.write(stand_still).exception(60)
    assert isinstance(error, Problem)
    assert (len(attempts), noted(notes)) == (2, [])


def test_a_session_that_takes_no_writes_is_left_for_one_that_does(notes: Database) -> None:
    """So it is where the primary has become a standby, or its provider had it read only."""

    def only_reading(tx: Tx) -> None:
        tx.conn.exec_driver_sql("SET SESSION default_transaction_read_only = on")

    for _ in range(WRITERS):
        notes.write(only_reading).result(60)
    writing = [notes.write(partial(put, number=n)) for n in range(20)]
    assert [one.result(60) for one in writing] == list(range(20))
    assert noted(notes) == list(range(20))


def test_that_no_session_takes_writes_is_told(notes: Database, postgres_url: str) -> None:
    with opened(f"{postgres_url}?options=-c%20default_transaction_read_only%3Don", 0.1) as reader:
        error = reader.write(partial(put, number=1)).exception(60)
    assert isinstance(error, Problem)
    assert (error.kind, error.message) == ("away", "not saved: the database takes no writes")
    assert noted(notes) == []


def test_a_question_that_takes_too_long_is_told(notes: Database) -> None:
    def slow(tx: Tx) -> None:
        tx.conn.exec_driver_sql("SET LOCAL statement_timeout = '10ms'")
        tx.conn.exec_driver_sql("SELECT pg_sleep(5)")

    error = notes.read(slow).exception(60)
    assert isinstance(error, Problem)
    assert (error.kind, error.message) == (
        "away", "the database says that a statement took too long"
    )  # fmt: skip


def test_an_error_of_the_database_repeats_no_value(notes: Database) -> None:
    twice = text("INSERT INTO notes (number) VALUES (:number), (:number, 1)")
    error = notes.write(lambda tx: tx.conn.execute(twice, {"number": "hunter2"})).exception(60)
    assert error is not None
    assert "hunter2" not in str(error)


def _until_hung_up(tx: Tx) -> None:
    line = tx.conn.connection.dbapi_connection
    assert isinstance(line, psycopg.Connection)
    assert select.select([line.fileno()], [], [], 60)[0]


def test_a_session_that_dies_in_commit_leaves_nobody_sure(
    notes: Database, migrated_postgres: PostgresServer
) -> None:
    notes.write(
        lambda tx: tx.conn.exec_driver_sql(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL;"
            " END $$;"
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW WHEN (NEW.id = 13) EXECUTE FUNCTION die()"
        )
    ).result(60)
    attempts: list[int] = []
    error = notes.write(lambda tx: attempts.append(put(tx, 13))).exception(60)
    assert isinstance(error, Problem)
    assert (error.kind, "may be saved or not" in error.message) == ("away", True)
    assert attempts == [13]
    assert notes.write(lambda tx: put(tx, 14)).result(60) == 14


def test_commands_that_lock_crosswise_are_both_done(notes: Database) -> None:
    notes.write(lambda tx: [put(tx, 1), put(tx, 2)]).result(60)
    both, begun = threading.Barrier(2), threading.Semaphore(0)
    attempts: list[int] = []

    def touch(tx: Tx, first: int, second: int) -> None:
        attempts.append(first)
        begun.release()
        update = "UPDATE notes SET note = note || 'x' WHERE id = %s"
        tx.conn.exec_driver_sql(update, (first,))
        if len(attempts) <= 2:
            both.wait(60)
        tx.conn.exec_driver_sql(update, (second,))

    # The second is sent once the first has a writer to itself, so that they share no group.
    futures = [notes.write(lambda tx: touch(tx, 1, 2))]
    assert begun.acquire(timeout=60)
    futures.append(notes.write(lambda tx: touch(tx, 2, 1)))
    for future in futures:
        future.result(60)
    assert len(attempts) == 3
    texts = notes.read(lambda tx: tx.conn.exec_driver_sql("SELECT note FROM notes").scalars().all())
    assert texts.result(60) == ["xx", "xx"]


def test_a_conflict_that_never_ends_is_told_after_six_attempts(notes: Database) -> None:
    attempts: list[int] = []

    def conflict(tx: Tx) -> None:
        attempts.append(1)
        tx.conn.exec_driver_sql("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    error = notes.write(conflict).exception(60)
    assert isinstance(error, Problem)
    assert (error.kind, len(attempts)) == ("away", 6)


def test_a_constraint_checked_at_commit_fails_its_own_command_alone(notes: Database) -> None:
    notes.write(
        lambda tx: tx.conn.exec_driver_sql(
            "ALTER TABLE notes ADD parent INTEGER REFERENCES notes DEFERRABLE INITIALLY DEFERRED"
        )
    ).result(60)
    orphan = "INSERT INTO notes VALUES (1, '', 77)"
    held = Held(notes)
    bad = notes.write(lambda tx: tx.conn.exec_driver_sql(orphan))
    good = notes.write(lambda tx: tx.conn.exec_driver_sql("INSERT INTO notes VALUES (2, '')"))
    held.release()
    assert "ForeignKeyViolation" in str(bad.exception(60))
    assert good.exception(60) is None
    assert noted(notes) == [2]


WAKER = """
import sys
from dogwatch.store.database import Database
database = Database.open(sys.argv[1])
def wake(tx):
    tx.wake("runs")
    tx.wake("deliveries")
database.write(wake).result()
database.close()
"""


def test_other_processes_wake_us(notes: Database, postgres_url: str) -> None:
    heard: list[frozenset[str]] = []
    notes.on_wake(heard.append)
    eventually(lambda: ALL_TOPICS in heard)
    subprocess.run([sys.executable, "-c", WAKER, postgres_url], check=True)
    eventually(lambda: frozenset({"runs", "deliveries"}) in heard)


def test_our_own_wakes_come_once(notes: Database, postgres_url: str) -> None:
    heard: list[frozenset[str]] = []
    notes.on_wake(heard.append)
    eventually(lambda: ALL_TOPICS in heard)
    notes.write(lambda tx: tx.wake("ours")).result(60)
    with opened(postgres_url) as other:
        other.write(lambda tx: tx.wake("theirs")).result(60)
    eventually(lambda: frozenset({"theirs"}) in heard)
    assert heard.count(frozenset({"ours"})) == 1


def test_more_topics_than_a_payload_holds_wake_everything(
    notes: Database, postgres_url: str
) -> None:
    heard: list[frozenset[str]] = []
    with opened(postgres_url) as other:
        other.on_wake(heard.append)
        eventually(lambda: heard == [ALL_TOPICS])
        notes.write(lambda tx: tx.topics.update(f"topic-{n}" for n in range(2000))).result(60)
        eventually(lambda: heard == [ALL_TOPICS, ALL_TOPICS])


def test_a_listener_whose_session_ended_listens_again(
    notes: Database, migrated_postgres: PostgresServer, postgres_url: str
) -> None:
    heard: list[frozenset[str]] = []
    notes.on_wake(heard.append)
    eventually(lambda: heard == [ALL_TOPICS])
    end_sessions(migrated_postgres, notes)
    eventually(lambda: heard == [ALL_TOPICS, ALL_TOPICS])
    with opened(postgres_url) as other:
        other.write(lambda tx: tx.wake("runs")).result(60)
    eventually(lambda: frozenset({"runs"}) in heard)


def test_a_server_that_restarts_is_waited_for() -> None:
    with running_postgres() as server, opened(server.create("d"), patience_s=60) as database:
        make_notes(database)
        server.stop("immediate")
        waiting = [database.write(partial(put, number=n)) for n in range(50)]
        reading = database.read(lambda tx: tx.conn.exec_driver_sql("SELECT 1").scalar())
        server.start()
        assert [one.result(60) for one in waiting] == list(range(50))
        assert reading.result(60) == 1
        assert noted(database) == list(range(50))


def test_a_server_that_stays_away_is_told(postgres_url: str) -> None:
    nowhere = "postgresql://nobody:hunter2@127.0.0.1:1/nothing"
    with opened(nowhere, patience_s=0.3) as database:
        errors = [database.write(lambda tx: put(tx, 1)).exception(60) for _ in range(3)]
        errors.append(database.read(lambda tx: None).exception(60))
        kinds = [error.kind for error in errors if isinstance(error, Problem)]
    assert kinds == ["away"] * 4
    assert "hunter2" not in "".join(str(error) for error in errors)
