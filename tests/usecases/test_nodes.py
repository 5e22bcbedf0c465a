"""Nodes on both databases: alive, dead, away, and with a clock that is set back."""

import threading
from datetime import datetime

import pytest
from sqlalchemy import text

from dogwatch.core.result import Outcome
from dogwatch.core.run import LostRun
from dogwatch.core.slots import Gap
from dogwatch.store import nodes as rows
from dogwatch.store.tx import Tx
from dogwatch.usecases import nodes, runs
from tests.eventually import eventually
from tests.harness.house import House, after, heard


def gaps(house: House) -> list[tuple[datetime, datetime]]:
    return [(row["start_at"], row["end_at"]) for row in house.rows("outages")]


def beat(house: House, at: float, node: str = "a") -> bool:
    return house.do(nodes.beat, node, after(at))


def stuck(house: House) -> bool:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return bool(house.database.read(lambda tx: tx.conn.scalar(waiting)).result())


def test_the_first_start_ever_is_no_outage(house: House) -> None:
    assert house.join("a") is None
    assert (gaps(house), beat(house, 3), gaps(house)) == ([], True, [])


@pytest.mark.parametrize(("alone", "away_s", "gap"), [
    (True, 0.9, False), (True, 1, True), (False, 7.9, False), (False, 8, True),
])  # fmt: skip
def test_a_start_after_an_outage_records_it(
    house: House, alone: bool, away_s: float, gap: bool
) -> None:
    house.join("a")
    house.do(nodes.leave, "a", after(5))
    found = house.join("b", 5 + away_s, alone=alone)
    expected = Gap(after(5), after(5 + away_s)) if gap else None
    assert found == expected
    assert gaps(house) == ([(after(5), after(5 + away_s))] if gap else [])


def test_nobody_was_away_while_another_beat(house: House) -> None:
    house.join("a")
    for at in range(3, 60, 3):
        beat(house, at)
    house.join("b", 58)
    assert gaps(house) == []


def test_a_suspended_machine_was_away(house: House) -> None:
    house.join("a")
    beat(house, 3)
    beat(house, 600)
    assert gaps(house) == [(after(3), after(600))]
    assert house.see(rows.gaps, after(599)) == [Gap(after(3), after(600))]
    assert house.see(rows.gaps, after(600)) == []


def test_a_node_that_was_declared_dead_hears_of_it(house: House) -> None:
    house.join("a")
    house.join("b", 1, alone=True)
    assert beat(house, 3) is False
    house.do(nodes.rejoin, "a", after(4))
    assert beat(house, 5) is True


def test_a_node_alone_takes_all_back_at_once(house: House) -> None:
    house.job("failing")
    house.job("again", lost_run=LostRun.RERUN)
    house.channel()
    house.join("a", 60, alone=True)
    house.fire(60)
    assert len(house.claim(60, "a")) == 2
    house.ping(heard(house.find("failing"), 60))
    house.join("b", 62, alone=True)
    assert (house.slots("failing")[0], house.slots("again")) == ((60, "fail"), [(60, "queued")])
    assert [row["id"] for row in house.rows("nodes")] == ["b"]
    assert {row["node_id"] for row in house.rows("tasks")} == {None}
    assert house.audit(63) == []


def test_a_delivery_of_a_dead_node_is_sent_by_another(house: House) -> None:
    house.channel()
    house.ping(heard(house.watch("one"), 0))
    house.lapse(660)
    house.join("a", 660)
    (first,) = house.parcels(661, "a")
    beat(house, 665)
    house.join("b", 665)
    assert house.do(nodes.reap, after(675)) == 0
    beat(house, 676, "b")
    assert house.do(nodes.reap, after(676)) == 1
    (again,) = house.parcels(677, "b")
    assert (again.task.attempt, again.delivery.id) == (1, first.delivery.id)


def test_a_task_of_an_unknown_node_is_taken_over(house: House) -> None:
    house.job()
    house.trigger()
    house.claim(0, "ghost")
    assert house.do(nodes.reap, after(1)) == 1
    assert house.slots() == [(None, "fail")]


def test_a_clock_set_back_wakes_what_waits_for_a_far_time(house: House) -> None:
    """A clock an hour ahead is put right: nothing waits for an hour, nothing is doubled."""
    house.join("a")
    house.watch("one")
    house.job("interval", schedule="every 60s", at=3_590)
    house.job("cron", at=3_590)
    beat(house, 3_600)
    house.ping(heard(house.find("one"), 3_600))
    house.fire(3_660)
    for work in house.claim(3_660):
        house.finish(work, 3_661)
    beat(house, 3_661)
    beat(house, 63)
    assert house.rows("nodes")[0]["beat_at"] == after(63)
    assert house.find("one").due_at == after(63)
    due = {row["watch_id"]: row["next_at"] for row in house.rows("jobs")}
    interval = house.find("interval")
    assert due[interval.id] == interval.watch.slot_at == after(123)
    assert due[house.find("cron").id] == after(120)
    house.lapse(64)
    for at in (123, 183, 243):
        house.fire(at)
        for work in house.claim(at):
            house.finish(work, at + 1)
    assert house.slots("interval") == [(123, "ok"), (183, "ok"), (243, "ok"), (3650, "ok")]
    assert house.slots("cron") == [
        (120, "ok"), (180, "ok"), (240, "ok"), (3600, "missed"), (3660, "ok"),
    ]  # fmt: skip
    assert house.flips("interval") == [("new", "up")]
    assert house.audit(244) == []


def test_a_clock_set_back_runs_no_slot_of_a_calendar_twice(house: House) -> None:
    """What ran keeps its run; what was only missed while the clock was ahead is run in its time."""
    house.join("a")
    house.job("cron", at=0)
    work_through(house, 60, 120)
    beat(house, 121)
    work_through(house, 600)  # the clock leapt: of what it leapt over, the last is caught up with
    beat(house, 601)
    beat(house, 125)
    assert house.rows("jobs")[0]["next_at"] == after(180)
    work_through(house, 180, 240, 600, 660)
    assert house.slots("cron") == [
        (60, "ok"), (120, "ok"), (180, "ok"), (240, "ok"), *LEAPT, (600, "ok"), (660, "ok"),
    ]  # fmt: skip
    assert len({row["id"] for row in house.rows("runs") if row["outcome"] == "ok"}) == 6
    assert house.audit(661) == []


LEAPT = [(slot, "missed") for slot in (300, 360, 420, 480, 540)]


def work_through(house: House, *times: float) -> None:
    """Have whatever is due at these times run, and end well."""
    for at in times:
        house.fire(at)
        for work in house.claim(at):
            house.finish(work, at + 1)


def test_a_clock_set_back_keeps_no_run_waiting_for_the_old_time(house: House) -> None:
    house.join("a", 3_595)
    house.job("due", schedule="every 60s", at=3_540)
    house.job("again", schedule="every 1h", at=0, max_attempts=2, backoff_s=30)
    house.fire(3_600)
    work = next(one for one in house.claim(3_600) if one.slug == "again")
    house.finish(work, 3_600, Outcome.FAIL)
    before = house.rows("tasks")
    beat(house, 3_600)
    beat(house, 0)
    waits = [row["run_at"] for row in house.rows("tasks")]
    assert len(waits) == len(before) == 2
    assert sorted(waits) == [after(0), after(30)]


def test_a_run_that_was_just_being_queued_waits_for_no_old_time_either(house: House) -> None:
    """On PostgreSQL it becomes known while the clock that was set back is being seen to."""
    house.join("a", 3_595)
    house.job(at=3_540)
    beat(house, 3_600)
    entered = threading.Event()

    def late(tx: Tx) -> None:
        runs.fire_due(tx, after(3_600))
        entered.set()
        if tx.dialect == "postgresql":
            eventually(lambda: stuck(house), what="the beat waits for us")

    fired = house.database.write(late)
    assert entered.wait(10)
    beat(house, 0)
    fired.result()
    assert [row["run_at"] for row in house.rows("tasks")] == [after(0)]


def test_of_nodes_that_come_back_at_once_one_tells_of_the_gap(house: House) -> None:
    house.join("a")
    house.join("b")
    entered = threading.Event()

    def first(tx: Tx) -> None:
        nodes.beat(tx, "a", after(60))
        entered.set()
        if tx.dialect == "postgresql":
            eventually(lambda: stuck(house), what="the other waits for us")

    told = house.database.write(first)
    assert entered.wait(10)
    beat(house, 60.1, "b")
    told.result()
    assert gaps(house) == [(after(0), after(60))]


def test_clocks_of_two_nodes_that_differ_change_nothing(house: House) -> None:
    house.join("ahead", 5)
    house.join("behind", 0)
    house.job("interval", schedule="every 60s")
    for at in range(3, 60, 3):
        beat(house, at + 5, "ahead")
        beat(house, at, "behind")
    assert house.rows("jobs")[0]["next_at"] == after(60)
    assert gaps(house) == []


def test_a_clock_set_back_again_and_again_starves_no_interval(house: House) -> None:
    house.join("a", 100)
    house.job("interval", schedule="every 10s", at=100)
    for at in (96, 92, 88):
        beat(house, at, "a")
    assert house.rows("jobs")[0]["next_at"] == after(98)


def test_facts_are_claimed_once(house: House) -> None:
    assert house.do(rows.claim_fact, "f", "mine") == "mine"
    assert house.do(rows.claim_fact, "f", "yours") == "mine"
