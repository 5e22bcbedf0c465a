"""What the door promises, on both databases."""

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from dogwatch.core.problems import Problem
from dogwatch.store.database import ALL_TOPICS, Database, Tx, parse_url
from tests.eventually import eventually
from tests.harness.held import Held
from tests.harness.notes import make_notes, noted, numbers, put


@pytest.fixture
def notes(database: Database) -> Database:
    make_notes(database)
    return database


@pytest.fixture
def held(notes: Database) -> Iterator[Held]:
    holder = Held(notes)
    yield holder
    holder.release()


def test_a_write_answers_with_its_value_once_others_see_it(notes: Database) -> None:
    assert notes.write(lambda tx: put(tx, 7)).result(60) == 7
    assert noted(notes) == [7]


def test_a_group_is_saved_whole(notes: Database, held: Held) -> None:
    futures = [notes.write(partial(put, number=n)) for n in range(300)]
    assert not any(future.done() for future in futures)
    held.release()
    assert [future.result(60) for future in futures] == list(range(300))
    assert noted(notes) == list(range(300))


def test_one_that_fails_rolls_back_alone(notes: Database, held: Held) -> None:
    def half(tx: Tx) -> None:
        put(tx, 100)
        raise ValueError("half way")

    first = notes.write(lambda tx: put(tx, 1))
    raised = notes.write(half)
    twice = notes.write(lambda tx: [put(tx, 2), put(tx, 2)])
    last = notes.write(lambda tx: put(tx, 3))
    held.release()
    assert (first.result(60), last.result(60)) == (1, 3)
    with pytest.raises(ValueError, match="half way"):
        raised.result(60)
    with pytest.raises(IntegrityError):
        twice.result(60)
    assert noted(notes) == [1, 3]


def test_one_that_fails_alone_leaves_nothing(notes: Database) -> None:
    with pytest.raises(IntegrityError):
        notes.write(lambda tx: [put(tx, 2), put(tx, 2)]).result(60)
    assert noted(notes) == []


def test_a_problem_passes_through(notes: Database) -> None:
    def refuse(_tx: Tx) -> None:
        raise Problem("conflict", "it is paused")

    with pytest.raises(Problem, match="paused") as caught:
        notes.write(refuse).result(60)
    assert caught.value.kind == "conflict"


@pytest.mark.parametrize("companions", [0, 3])
def test_savepoints_nest(notes: Database, held: Held, companions: int) -> None:
    def insert_or_keep(tx: Tx) -> str:
        put(tx, 1)
        try:
            with tx.conn.begin_nested():
                put(tx, 2)
                with tx.conn.begin_nested():
                    put(tx, 3)
                put(tx, 1)
        except IntegrityError:
            put(tx, 4)
            return "kept"
        return "inserted"

    others = [notes.write(partial(put, number=10 + n)) for n in range(companions)]
    answer = notes.write(insert_or_keep)
    held.release()
    assert answer.result(60) == "kept"
    assert noted(notes) == [1, 4, *(other.result(60) for other in others)]


def test_an_error_swallowed_without_a_savepoint_never_loses_the_others(
    notes: Database, held: Held
) -> None:
    def careless(tx: Tx) -> None:
        try:
            tx.conn.exec_driver_sql("SELECT nothing FROM nowhere")
        except DBAPIError:
            return

    before = notes.write(lambda tx: put(tx, 1))
    notes.write(careless)
    after = notes.write(lambda tx: put(tx, 2))
    held.release()
    assert [before.result(60), after.result(60), noted(notes)] == [1, 2, [1, 2]]


def test_writes_of_one_caller_keep_their_order(notes: Database) -> None:
    def put_and_look(tx: Tx, number: int) -> list[int]:
        put(tx, number)
        return numbers(tx)

    seen = [notes.write(partial(put_and_look, number=n)).result(60) for n in range(5)]
    assert seen == [list(range(n + 1)) for n in range(5)]


def test_a_reader_keeps_its_snapshot(notes: Database) -> None:
    first, written = threading.Event(), threading.Event()

    def read_twice(tx: Tx) -> tuple[list[int], list[int]]:
        before = numbers(tx)
        first.set()
        assert written.wait(60)
        return before, numbers(tx)

    reader = notes.read(read_twice)
    assert first.wait(60)
    notes.write(lambda tx: put(tx, 1)).result(60)
    written.set()
    assert reader.result(60) == ([], [])
    assert noted(notes) == [1]


def test_an_error_that_passes_twice_is_no_cause_of_itself(notes: Database) -> None:
    error = KeyError("x")

    def failing(tx: Tx) -> None:
        raise error

    for _ in range(2):
        with pytest.raises(KeyError):
            notes.read(failing).result(30)
        assert error.__cause__ is None


def test_a_reader_cannot_write(notes: Database) -> None:
    with pytest.raises((DBAPIError, Problem), match=r"read-?only"):
        notes.read(lambda tx: put(tx, 1)).result(60)
    assert noted(notes) == []


def test_readers_do_not_wait_for_the_writer(notes: Database, held: Held) -> None:
    assert noted(notes) == []
    held.release()


def test_wakes_follow_the_commit(notes: Database) -> None:
    heard: list[tuple[frozenset[str], list[int]]] = []
    stop = notes.on_wake(lambda topics: heard.append((topics, noted(notes))))

    def write(tx: Tx) -> None:
        put(tx, 1)
        tx.wake("runs")
        tx.wake("deliveries")

    notes.write(write).result(60)
    ours = [one for one in heard if one[0] != ALL_TOPICS]
    assert ours == [(frozenset({"runs", "deliveries"}), [1])]
    stop()
    notes.write(lambda tx: tx.wake("runs")).result(60)
    assert ours == [one for one in heard if one[0] != ALL_TOPICS]


def test_what_failed_wakes_nobody(notes: Database, held: Held) -> None:
    heard: list[str] = []
    notes.on_wake(heard.extend)

    def fail(tx: Tx) -> None:
        tx.wake("lost")
        tx.after_commit(lambda: heard.append("lost"))
        raise ValueError

    futures = [notes.write(fail), notes.write(lambda tx: tx.wake("kept")), notes.write(fail)]
    held.release()
    assert [future.exception(60) is None for future in futures] == [False, True, False]
    alone = notes.write(fail)
    assert alone.exception(60) is not None
    assert set(heard) - ALL_TOPICS == {"kept"}


def test_effects_follow_the_commit_and_their_errors_harm_nobody(notes: Database) -> None:
    seen: list[list[int]] = []

    def write(tx: Tx) -> int:
        tx.after_commit(lambda: seen.append([1 // 0]))
        tx.after_commit(lambda: seen.append(noted(notes)))
        return put(tx, 1)

    assert notes.write(write).result(60) == 1
    assert seen == [[1]]


def test_a_listener_that_fails_harms_nobody(notes: Database) -> None:
    heard: list[str] = []

    def fail(_topics: frozenset[str]) -> None:
        raise RuntimeError

    notes.on_wake(fail)
    notes.on_wake(heard.extend)
    notes.write(lambda tx: tx.wake("runs")).result(60)
    assert "runs" in heard


def test_a_command_cancelled_in_time_does_not_run(notes: Database, held: Held) -> None:
    blocked = [notes.write(partial(put, number=n)) for n in (1, 2)]
    assert blocked[0].cancel()
    held.release()
    assert blocked[1].result(60) == 2
    assert noted(notes) == [2]


def test_close_drains(database_url: str) -> None:
    database = Database.open(database_url)
    make_notes(database)
    held = Held(database)
    futures = [database.write(partial(put, number=n)) for n in range(50)]
    closing = threading.Thread(target=database.close)
    closing.start()
    eventually(lambda: _is_closed(database))
    held.release()
    closing.join(60)
    assert [future.result(0) for future in futures] == list(range(50))
    again = Database.open(database_url)
    assert noted(again) == list(range(50))
    again.close()
    again.close()


def _is_closed(database: Database) -> bool:
    try:
        database.read(lambda tx: None)
    except Problem as problem:
        return problem.kind == "away"
    return False


def test_it_can_be_awaited(notes: Database) -> None:
    async def work() -> list[int]:
        await asyncio.gather(*(notes.awrite(partial(put, number=n)) for n in range(20)))
        return await notes.aread(numbers)

    assert asyncio.run(work()) == list(range(20))


def test_many_threads_lose_nothing(notes: Database) -> None:
    def write(first: int) -> None:
        for number in range(first, first + 20):
            notes.write(partial(put, number=number)).result(30)

    threads = [threading.Thread(target=write, args=(n * 20,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert noted(notes) == list(range(320))


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgres://u:p@h/d", "postgresql+psycopg"),
        ("sqlite:////tmp/x.db", "sqlite+pysqlite"),
    ],
)
def test_urls_get_our_drivers(url: str, driver: str) -> None:
    assert parse_url(url).drivername == driver


@pytest.mark.parametrize(
    "url", ["mysql://u:hunter2@h/d", "hunter2", "sqlite://", "sqlite:///:memory:"]
)
def test_other_urls_are_refused_without_telling_their_secrets(url: str) -> None:
    with pytest.raises(Problem) as caught:
        Database.open(url)
    assert caught.value.kind == "invalid"
    assert "hunter2" not in caught.value.message


def test_a_question_that_is_broken_off_leaves_nobody_in_the_past(notes: Database) -> None:
    """What is not read to its end would hold its snapshot, for all who ask there later."""
    notes.write(lambda tx: [put(tx, number) for number in range(1000)]).result(60)

    def broken_off(tx: Tx) -> None:
        rows = (row for row in tx.conn.execute(_ALL))
        try:
            raise OSError("no room", next(rows))
        except OSError as error:
            raise Problem("away", "no room") from error

    errors = [notes.read(broken_off).exception(60) for _ in range(8)]  # kept, as in a log
    assert all(isinstance(error, Problem) for error in errors)
    notes.write(lambda tx: put(tx, 1000)).result(60)
    assert {len(noted(notes)) for _ in range(8)} == {1001}


_ALL = text("SELECT id FROM notes")
