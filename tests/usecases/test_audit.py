"""The audit on both databases: silent on a good store, and never on a bad one."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Delete, Update, delete, select, update

from dogwatch.core.alerts import Verdict
from dogwatch.core.ping import Kind
from dogwatch.core.result import Outcome
from dogwatch.core.run import Overlap
from dogwatch.store.database import Tx
from dogwatch.store.tables import deliveries, flips, jobs, runs, tasks, watches
from dogwatch.usecases import audit
from dogwatch.usecases import watches as watch_cases
from tests.harness.house import House, after, heard

END = 910


def busy(house: House) -> House:
    """A quarter of an hour of everything, left half done."""
    house.channel()
    house.job(overlap=Overlap.QUEUE_ONE)
    one, every = house.watch("one", schedule="*/5 * * * *"), house.watch("two", schedule="5m")
    house.ping(heard(one, 0), heard(every, 0))
    for at in range(60, END, 60):
        house.fire(at)
        for work in house.claim(at):
            house.finish(work, at + 1, Outcome.OK if at % 420 else Outcome.FAIL)
        house.lapse(at)
        if at == 600:
            house.ping(heard(one, at, Kind.FAIL), heard(every, at, Kind.START))
            for parcel in house.parcels(at):
                house.settle(parcel, at, Verdict.SENT)
    house.trigger(at=END)
    return house


def test_a_good_store_has_no_findings(house: House) -> None:
    assert busy(house).audit(END) == []
    assert len(house.rows("flips")) > 5
    assert {row["state"] for row in house.rows("deliveries")} == {"sent", "pending"}


def _slot(at: float) -> Delete:
    return delete(runs).where(runs.c.slot_at == after(at))


def _job_watch() -> Any:
    return select(jobs.c.watch_id).scalar_subquery()


FAULTS: dict[str, tuple[Callable[[], Delete | Update], str]] = {
    "a slot of a job is lost": (lambda: _slot(480), "no slot without a line"),
    "the last slot of a job is lost": (
        lambda: _slot(900).where(runs.c.watch_id == _job_watch()), "no slot without a line",
    ),
    "a slot of a heartbeat is lost": (
        lambda: _slot(600).where(runs.c.watch_id != _job_watch()), "no slot without a line",
    ),
    "a run is done without an outcome": (
        lambda: update(runs).where(runs.c.slot_at == after(300)).values(outcome=None),
        "one outcome per run",
    ),
    "a run has an outcome and goes on": (
        lambda: update(runs).where(runs.c.slot_at == after(300)).values(state="running"),
        "one outcome per run",
    ),
    "a run has no task": (lambda: delete(tasks).where(tasks.c.lane == "http"), "every run ends"),
    "a delivery has no task": (
        lambda: delete(tasks).where(tasks.c.lane == "delivery"), "every flip is told",
    ),
    "a delivery is gone": (
        lambda: delete(deliveries).where(
            deliveries.c.id == select(deliveries.c.id).limit(1).scalar_subquery()
        ),
        "every flip is told",
    ),
    "a flip is gone": (
        lambda: delete(flips).where(flips.c.from_status == "up", flips.c.at == after(421)),
        "flips are gapless",
    ),
    "a flip leads elsewhere": (
        lambda: update(flips).where(flips.c.to_status == "down").values(to_status="degraded"),
        "flips are gapless",
    ),
    "a status has no flip": (
        lambda: update(watches).where(watches.c.slug == "one").values(status="degraded"),
        "flips are gapless",
    ),
    "a job has no action": (lambda: delete(jobs), "every job has its action"),
    "a slot waits too long": (
        lambda: update(jobs).values(next_at=after(END - 61)), "the scheduler keeps up",
    ),
    "a job is never due again": (
        lambda: update(jobs).values(next_at=None), "the scheduler keeps up",
    ),
}  # fmt: skip


class Undo(Exception):  # noqa: N818  (ends a trial, no error)
    """Rolls a planted fault back."""


def found_with(house: House, fault: Delete | Update) -> set[str]:
    """Return the rules that are broken once a fault is planted, and take it back."""
    rules: set[str] = set()

    def trial(tx: Tx) -> None:
        tx.conn.execute(fault)
        rules.update(finding.rule for finding in audit.audit(tx, after(END)))
        raise Undo

    with pytest.raises(Undo):
        house.do(trial)
    return rules


def test_planted_faults_are_found(house: House) -> None:
    busy(house)
    unseen = {
        fault: rule
        for fault, (make, rule) in FAULTS.items()
        if rule not in found_with(house, make())
    }
    assert (unseen, house.audit(END)) == ({}, [])


def test_a_rule_or_a_tag_that_came_later_is_no_fault(house: House) -> None:
    record = house.watch("one")
    house.ping(heard(record, 0), heard(record, 1, Kind.FAIL))
    house.channel(at=2)
    assert house.audit(200) == []
    house.ping(heard(record, 100))
    house.on("one", watch_cases.pause, after(101))
    assert house.audit(200) == []


def test_a_finding_says_where(house: House) -> None:
    busy(house).plant(_slot(480))
    (finding,) = house.audit(END)
    assert (finding.where, str(after(480)) in finding.detail) == ("job", True)
