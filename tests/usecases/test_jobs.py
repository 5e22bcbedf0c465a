"""Jobs on both databases: made, changed, and fired at their slots."""

import threading
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome
from dogwatch.core.run import CatchUp, Overlap
from dogwatch.core.slots import STRETCH
from dogwatch.core.spec import WatchSpec
from dogwatch.store.database import Tx
from dogwatch.store.runs import cancel_asked
from dogwatch.store.tables import jobs as job_table
from dogwatch.store.tables import runs as run_table
from dogwatch.store.tables import watches as watch_table
from dogwatch.store.watches import Record
from dogwatch.usecases import jobs, runs, watches
from tests.harness.house import HTTP, House, after, meet, statements


def test_a_job_comes_back_as_it_was_made(house: House) -> None:
    made = house.job(action=HTTP | {"headers": {"X-Token": "canary"}}, max_attempts=3)
    job = house.see(jobs.find, made)
    spec = jobs.spec_of(made, job, watches.spec_of(made), house.vault)
    assert spec.action["headers"] == [["X-Token", "canary"]]
    assert (spec.policy.max_attempts, job.next_at) == (3, after(60))
    assert "canary" not in repr(house.everything())


def test_a_heartbeat_is_no_job(house: House) -> None:
    house.watch("one")
    with pytest.raises(Problem, match="watched only"):
        house.on("one", jobs.find)
    with pytest.raises(Problem, match="nothing to run"):
        house.trigger("one")


def test_every_bad_field_of_a_job_is_named(house: House) -> None:
    with pytest.raises(Problem) as caught:
        house.job(action={"method": "BREW", "url": "x"}, max_attempts=0, catch_up_max=0)
    assert {"action.method", "action.url", "max_attempts", "catch_up_max"} <= set(
        caught.value.fields
    )
    assert house.rows("watches") == []


def edit_job(house: House, at: float, **changes: Any) -> Record:
    def edit(tx: Tx, record: Record) -> Record:
        watch = replace(watches.spec_of(record), **changes)
        spec = jobs.spec_of(record, jobs.find(tx, record), watch, house.vault)
        return jobs.edit(tx, record, spec, house.vault, after(at))

    return house.on("job", edit)


@pytest.mark.parametrize("changes", [{"name": "x"}, {"schedule": "every 90s"}, {"start_by_s": 9}])
def test_an_edited_job_fires_on_its_new_schedule_alone(
    house: House, changes: dict[str, Any]
) -> None:
    house.job()
    for at in (60, 120):
        house.fire(at)
        house.finish(house.claim(at)[0], at + 1)
    edited = edit_job(house, 130, **changes)
    assert house.rows("jobs")[0]["next_at"] == edited.watch.slot_at
    for at in (180, 220, 240, 310):
        house.fire(at)
        for work in house.claim(at):
            house.finish(work, at)
    assert house.audit(310) == []
    assert {outcome for _, outcome in house.slots()} == {"ok"}


def test_each_slot_is_fired_once(house: House) -> None:
    house.job()
    assert [house.fire(at) for at in (59, 60, 60, 61, 120)] == [0, 1, 0, 0, 1]
    assert house.slots() == [(60, "queued"), (120, "skipped")]
    assert house.audit(121) == []


def test_schedulers_that_fire_at_once_make_one_run(nodes: tuple[House, House]) -> None:
    """One locks the jobs that are due; the other finds them done or skips them."""
    nodes[0].job(overlap=Overlap.ALLOW)
    met = threading.Barrier(2)

    def fire(tx: Tx, at: float) -> int:
        tx.conn.exec_driver_sql("SELECT 1")
        meet(met)
        return runs.fire_due(tx, after(at))

    both = [house.database.write(partial(fire, at=61 + n)) for n, house in enumerate(nodes)]
    assert sorted(future.result(60) for future in both) == [0, 1]
    assert nodes[0].slots() == [(60, "queued")]
    assert len(nodes[0].rows("tasks")) == 1


def test_overlap_skip(house: House) -> None:
    house.job()
    house.fire(60)
    house.claim(60)
    house.fire(120)
    assert house.slots() == [(60, "running"), (120, "skipped")]
    assert [r["reason"] for r in house.rows("runs")][1] == "the run before is still going"


def test_overlap_queue_one(house: House) -> None:
    house.job(overlap=Overlap.QUEUE_ONE)
    for at in (60, 120, 180):
        house.fire(at)
        if at == 60:
            first = house.claim(60)[0]
    assert house.slots() == [(60, "running"), (120, "queued"), (180, "skipped")]
    assert house.claim(181) == []
    house.finish(first, 182)
    assert [work.run.slot_at for work in house.claim(182)] == [after(120)]


def test_overlap_allow(house: House) -> None:
    house.job(overlap=Overlap.ALLOW)
    for at in (60, 120, 180):
        house.fire(at)
    assert [work.run.slot_at for work in house.claim(181)] == [after(60), after(120), after(180)]


def test_overlap_cancel_previous(house: House) -> None:
    house.job(overlap=Overlap.CANCEL_PREVIOUS)
    house.fire(60)
    house.fire(120)
    assert house.slots() == [(60, "skipped"), (120, "queued")]
    going = house.claim(121)[0]
    house.fire(180)
    assert house.slots() == [(60, "skipped"), (120, "running"), (180, "queued")]
    keys = [(going.run.workspace_id, going.run.id)]
    assert house.see(cancel_asked, keys) == {keys[0]: "the next run is due"}
    assert house.claim(181) == []
    house.finish(going, 182, Outcome.SKIPPED, reason="the next run is due", retryable=False)
    assert [work.run.slot_at for work in house.claim(182)] == [after(180)]
    assert house.flips("job") == []
    assert house.audit(182) == []


@pytest.mark.parametrize(
    ("policy", "run"),
    [
        ({"catch_up": CatchUp.NONE}, {600}),
        ({"catch_up": CatchUp.LAST}, {600}),
        ({"catch_up": CatchUp.ALL}, set(range(60, 601, 60))),
        ({"catch_up": CatchUp.ALL, "catch_up_max": 3}, {480, 540, 600}),
        ({"catch_up": CatchUp.ALL, "catch_up_window_s": 150}, {480, 540, 600}),
    ],
)
def test_slots_of_an_outage_are_caught_up_by_policy(
    house: House, policy: dict[str, Any], run: set[float]
) -> None:
    """At 600 that slot is on time; whatever isn't run is in the ledger as missed."""
    house.job(overlap=Overlap.ALLOW, **policy)
    house.fire(600)
    assert house.slots() == [(at, "queued" if at in run else "missed") for at in range(60, 601, 60)]
    assert house.audit(600) == []


def test_the_last_missed_slot_is_caught_up_late(house: House) -> None:
    house.job()
    house.fire(655)
    assert house.slots()[-1] == (600, "queued")
    assert {outcome for _, outcome in house.slots()[:-1]} == {"missed"}


def test_a_long_outage_is_written_in_few_statements(house: House) -> None:
    house.job()

    def fire(tx: Tx) -> list[str]:
        with statements(tx.conn) as sent:
            runs.fire_due(tx, after(50_000))
        return sent

    assert len(house.do(fire)) <= 25
    assert len(house.slots()) == 50_000 // 60
    assert house.audit(50_000) == []


def test_a_line_stands_for_later_slots_past_one_of_a_clock_that_was_ahead(house: House) -> None:
    house.job()
    for owed_at, at in ((70_020, 70_020), (60, 90_000)):
        house.plant(update(job_table).values(next_at=after(owed_at)))
        house.plant(update(watch_table).values(slot_at=after(owed_at)))
        house.fire(at)
    house.fire(90_000)
    told = [slot for slot, _ in house.slots()]
    assert told[999:] == [60_000, 70_020, 90_000]
    assert house.audit(90_000) == []
    house.plant(update(run_table).where(run_table.c.reason == STRETCH).values(reason="else"))
    assert len(house.audit(90_000)) == 2


def test_a_paused_job_fires_nothing(house: House) -> None:
    house.job()
    house.on("job", watches.pause, after(10))
    assert house.fire(600) == 0
    resumed = house.on("job", watches.resume, after(610))
    assert house.rows("jobs")[0]["next_at"] == resumed.watch.slot_at == after(660)
    house.fire(660)
    assert house.slots() == [(660, "queued")]
    assert house.audit(661) == []


def test_a_job_without_a_schedule_runs_by_hand_alone(house: House) -> None:
    house.job(schedule=None)
    assert house.fire(10_000) == 0
    run = house.trigger(given="words")
    assert (run.slot_at, run.trigger, run.input, run.state) == (None, "manual", "words", "queued")
    assert house.audit(10_000) == []


def test_an_input_has_a_limit(house: House) -> None:
    house.job()
    with pytest.raises(Problem, match="1000000 bytes"):
        house.trigger(given="ä" * 500_001)
    assert house.rows("tasks") == []


def test_an_interval_job_keeps_its_grid(house: House) -> None:
    house.job(schedule="every 60s", at=5)
    for at in (66, 126, 190):
        house.fire(at)
        house.finish(house.claim(at)[0], at + 1)
    assert house.slots() == [(65, "ok"), (125, "ok"), (185, "ok")]
    assert house.audit(190) == []


def test_a_watch_spec_of_a_job_is_that_of_its_watch(house: House) -> None:
    record = house.job(tags=("a",))
    expected = WatchSpec(name="job", slug="job", schedule="* * * * *", tags=("a",))
    assert watches.spec_of(record) == expected
