"""Aggregates on both databases: the rules that hold in the rows themselves."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event

from dogwatch.core.result import Outcome
from dogwatch.core.signals import Line
from dogwatch.ids import new_id
from dogwatch.store import runs, tasks, watches, workspaces
from dogwatch.store.database import Database
from dogwatch.store.runs import Entry
from dogwatch.store.tasks import NewTask
from dogwatch.store.tx import Tx
from tests.harness.house import House, after


@pytest.fixture
def house(database: Database) -> House:
    """One workspace in a fresh database."""
    return House(database)


def write(house: House, watch_id: str, *lines: Line) -> None:
    entries = [Entry(house.workspace.id, watch_id, line) for line in lines]
    house.do(runs.write, entries)


def settled(run_id: str | None, slot: float, outcome: Outcome, late: bool = False) -> Line:
    return Line(run_id, after(slot), outcome=outcome, finished_at=after(slot), late=late)


def test_a_run_that_has_its_outcome_keeps_it(house: House) -> None:
    record, run_id = house.watch("one"), new_id(after(0))
    write(house, record.id, Line(run_id, after(0), started_at=after(0)))
    write(house, record.id, settled(run_id, 0, Outcome.TIMEOUT))
    write(house, record.id, settled(run_id, 0, Outcome.OK))
    house.do(lambda tx: runs.set_attempt(tx, house.workspace.id, run_id, 2, state="queued"))
    assert house.slots("one") == [(0, "timeout")]


def test_late_evidence_takes_the_place_of_a_miss_and_of_nothing_else(house: House) -> None:
    record = house.watch("one")
    write(house, record.id, settled(None, 0, Outcome.MISSED), settled(None, 60, Outcome.FAIL))
    for slot in (0, 60):
        write(house, record.id, settled(new_id(after(slot)), slot, Outcome.OK, late=True))
    assert house.slots("one") == [(0, "ok"), (60, "fail"), (None, "ok")]


def test_a_slot_is_never_taken_twice(house: House) -> None:
    record = house.watch("one")
    ids = [new_id(after(0)) for _ in range(2)]
    write(house, record.id, *(settled(run_id, 0, Outcome.OK) for run_id in ids))
    write(house, record.id, settled(None, 0, Outcome.MISSED))
    assert house.slots("one") == [(0, "ok"), (None, "ok")]


def test_slots_that_passed_in_one_moment_are_listed_in_order(house: House) -> None:
    record = house.watch("one")
    lines = [Line(None, after(slot), outcome=Outcome.MISSED, finished_at=after(99))
             for slot in range(20)]  # fmt: skip
    write(house, record.id, *lines)
    newest_first = house.see(partial(runs.listed, workspace_id=house.workspace.id, limit=20))
    assert [one.slot_at for one in newest_first] == [after(slot) for slot in reversed(range(20))]


def test_the_end_of_an_output_is_told_in_order(house: House) -> None:
    record, run_id = house.watch("one"), new_id(after(0))
    write(house, record.id, settled(run_id, 0, Outcome.OK))
    chunks = [(n, "stdout", f"{n} ") for n in range(30)]
    house.do(runs.append_output, house.workspace.id, run_id, chunks)
    assert house.see(runs.output_tail, house.workspace.id, run_id, 3) == "27 28 29 "


def test_a_claim_takes_no_more_than_its_limit_whatever_the_plan(house: House) -> None:
    """PostgreSQL may run a plain subquery once for each row and so take them all."""
    house.do(
        tasks.add_many,
        [NewTask(house.workspace.id, "http", new_id(after(n)), "b", after(n)) for n in range(50)],
    )
    claims = [house.do(tasks.claim, "http", "n", after(60), 7) for _ in range(8)]
    assert [len(claim) for claim in claims] == [7] * 7 + [1]
    assert [task.run_at for claim in claims for task in claim] == [after(n) for n in range(50)]


def test_a_task_is_done_by_whoever_holds_it_now(house: House) -> None:
    house.do(tasks.add_many, [NewTask(house.workspace.id, "http", new_id(after(0)), "b", after(0))])
    (task,) = house.do(tasks.claim, "http", "a", after(0), 1)
    for wrong in (
        replace(task, node_id="b"),
        replace(task, attempt=2),
        replace(task, node_id=None),
    ):
        assert house.do(tasks.done, wrong) is False
        assert house.do(tasks.again, wrong, after(1)) is False
    assert house.do(tasks.done, task) is True
    assert house.do(tasks.done, task) is False


def test_watches_are_found_by_slug_in_their_own_workspace(house: House) -> None:
    record = house.watch("one")
    mine, other = (house.workspace.id, "one"), (house.workspace.id + 1, "one")
    find = partial(watches.keys_of_slugs, slugs={mine, other})
    assert house.see(find) == {mine: record.key}
    assert house.see(watches.keys_of_slugs, []) == {}


def test_an_export_is_never_in_memory_as_a_whole(house: House) -> None:
    """PostgreSQL's driver would fetch all rows of a table; SQLite sorts in memory."""
    asked: dict[str, bool] = {}

    def note(_conn: Any, _cursor: Any, statement: str, *rest: Any) -> None:
        asked[statement] = rest[1].execution_options.get("yield_per", 0) > 0

    def exported(tx: Tx) -> list[str]:
        event.listen(tx.conn, "before_cursor_execute", note)
        return [name for name, _ in workspaces.rows(tx, house.workspace.id)]

    house.watch("one")
    assert {"workspaces", "watches"} <= set(house.see(exported))
    pings = next(one for one in asked if "FROM pings" in one)
    assert (asked[pings], "ORDER BY" in pings) == (True, False)
