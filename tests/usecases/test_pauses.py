"""Pauses that end by themselves, edits of schedules that are remembered, and the load to come."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from dogwatch.core.problems import Problem
from dogwatch.core.watch import Status
from dogwatch.store import pauses, schedule_edits
from dogwatch.store.database import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import load, overview, watches
from tests.harness.house import House, after, heard


def paused(house: House, at: float, until: float | None = None) -> Record:
    until_at = None if until is None else after(until)
    return house.on("nightly", lambda tx, one: watches.pause(tx, one, after(at), until_at))


def until_of(house: House, record: Record) -> datetime | None:
    return house.see(pauses.of, house.workspace.id, [record.id]).get(record.id)


def test_a_pause_ends_at_its_time(house: House) -> None:
    record = house.watch("nightly", schedule="every 1m")
    house.ping(heard(record, 0))
    assert until_of(house, paused(house, 10, 100)) == after(100)
    assert house.do(watches.resume_due, after(99)) == 0
    assert house.find("nightly").watch.status is Status.PAUSED
    assert house.do(watches.resume_due, after(100)) == 1
    assert house.find("nightly").watch.status is Status.UP
    assert until_of(house, record) is None
    assert house.do(watches.resume_due, after(200)) == 0


def test_calls_that_waited_for_their_turn_are_told_in_its_order(house: House) -> None:
    """Each has read the clock before the one that had its turn before."""
    record = house.watch("nightly")
    house.ping(heard(record, 0))
    for n in range(0, 10, 2):
        paused(house, 10 - n / 10)
        house.on("nightly", watches.resume, after(10 - (n + 1) / 10))
    assert house.flips("nightly") == [("new", "up"), *[("up", "paused"), ("paused", "up")] * 5]
    times = [row["at"] for row in house.rows("flips")]
    assert times == sorted(set(times))


def test_who_resumes_or_pauses_again_ends_the_end(house: House) -> None:
    record = house.watch("nightly", schedule="every 1m")
    paused(house, 10, 100)
    house.on("nightly", lambda tx, one: watches.resume(tx, one, after(20)))
    assert until_of(house, record) is None
    paused(house, 30, 100)
    paused(house, 40)
    assert until_of(house, record) is None
    assert house.do(watches.resume_due, after(200)) == 0
    assert house.find("nightly").watch.status is Status.PAUSED


def test_a_second_pause_changes_its_end_alone(house: House) -> None:
    record = house.watch("nightly", schedule="every 1m")
    house.ping(heard(record, 0))
    before = paused(house, 10)
    assert paused(house, 20, 100) == paused(house, 30) == house.find("nightly") == before


def test_a_pause_ends_in_time_to_come(house: House) -> None:
    house.watch("nightly", schedule="every 1m")
    with pytest.raises(Problem, match="a time to come"):
        paused(house, 10, 10)


def test_edits_of_a_schedule_are_remembered_and_others_are_not(house: House) -> None:
    record = house.watch("nightly", schedule="every 1m")

    def edited(at: float, **changes: Any) -> None:
        def edit(tx: Tx, one: Record) -> Record:
            return watches.edit(tx, one, replace(watches.spec_of(one), **changes), after(at))

        house.on("nightly", edit)

    edited(10, name="Other")
    edited(20, schedule="0 2 * * *")
    edited(30, timezone="Europe/Berlin")
    found = house.see(schedule_edits.since, house.workspace.id, [record.id], after(0))
    assert [(one.before, one.after) for one in found] == [
        ("every 1m, UTC", "0 2 * * *, UTC"),
        ("0 2 * * *, UTC", "0 2 * * *, Europe/Berlin"),
    ]
    strip = house.see(overview.strip_of, house.find("nightly"), after(40), overview.CELL, 48)
    assert len(strip.places) == 2
    assert all(47 <= place < 48 for place in strip.places)


def test_the_load_is_that_of_what_is_followed(house: House) -> None:
    for slug in ("one", "two"):
        house.watch(slug, schedule="0 * * * *")
    house.watch("nightly", schedule="* * * * *")
    paused(house, 10)
    found = house.see(load.load_of, house.workspace.id, after(20))
    assert set(found.counts[1:]) == {2}
    assert not found.rough
