"""Receipts: many in one transaction, and one that cannot be written holds up no other."""

import asyncio
from typing import Any

import pytest

from dogwatch.core.alerts import Attempt, Verdict
from dogwatch.core.ping import Kind
from dogwatch.core.problems import Problem
from dogwatch.engine import receipts
from dogwatch.engine.receipts import Receipts
from dogwatch.usecases import telling
from dogwatch.usecases.telling import Answered, Parcel
from tests.harness.crew import Crew
from tests.harness.house import heard

SENT = Attempt(Verdict.SENT, 204, "HTTP 204", 5)


def parcels(crew: Crew, count: int) -> list[Parcel]:
    """Return so many claimed deliveries."""
    crew.house.channel()
    for number in range(count):
        record = crew.house.watch(f"w{number}")
        crew.house.ping(heard(record, 0), heard(record, 1, Kind.FAIL))
    return list(crew.house.parcels(2))


def write(crew: Crew, claimed: list[Parcel]) -> None:
    """Write a receipt for each, all at once."""

    async def story() -> None:
        book = Receipts(crew.house.database, crew.clock)
        await asyncio.gather(*(book.write(parcel, SENT) for parcel in claimed))

    asyncio.run(story())


def states(crew: Crew) -> list[str]:
    """Return what became of the deliveries, oldest first."""
    return [row["state"] for row in crew.house.rows("deliveries")]


def spy(monkeypatch: pytest.MonkeyPatch, fault: Any = lambda _answered: None) -> list[int]:
    """Note how many receipts each transaction writes; `fault` may raise."""
    real, sizes = telling.settle, []

    def settle(tx: Any, answered: list[Answered], at: Any) -> None:
        sizes.append(len(answered))
        fault(answered)
        real(tx, answered, at)

    monkeypatch.setattr(telling, "settle", settle)
    return sizes


def test_what_comes_together_is_written_together(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed, sizes = parcels(crew, 5), spy(monkeypatch)
    write(crew, claimed)
    assert (sum(sizes), len(sizes)) == (5, 1)
    assert states(crew) == ["sent"] * 5


def test_one_that_cannot_be_written_yet_holds_up_no_other(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "RETRY_WRITE_S", 0.01)
    claimed = parcels(crew, 3)
    faults = [RuntimeError("odd"), RuntimeError("odd")]

    def fault(answered: list[Answered]) -> None:
        if claimed[1] in [one.parcel for one in answered] and faults:
            raise faults.pop()

    sizes = spy(monkeypatch, fault)
    write(crew, claimed)
    assert sizes == [3, 1, 1, 1, 1]
    assert states(crew) == ["sent"] * 3


def test_while_the_database_is_away_all_wait_together(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "RETRY_WRITE_S", 0.01)
    claimed, faults = parcels(crew, 3), [Problem("away", "the database cannot be reached")]

    def fault(_answered: list[Answered]) -> None:
        if faults:
            raise faults.pop()

    sizes = spy(monkeypatch, fault)
    write(crew, claimed)
    assert sizes == [3, 3]
    assert states(crew) == ["sent"] * 3


def test_who_leaves_waits_for_no_database(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    claimed = parcels(crew, 1)

    def away(*_given: Any) -> None:
        raise Problem("away", "the database cannot be reached")

    monkeypatch.setattr(telling, "settle", away)

    async def story() -> None:
        book = Receipts(crew.house.database, crew.clock)
        book.leave()
        await book.write(claimed[0], SENT)

    asyncio.run(story())
    assert states(crew) == ["pending"]
