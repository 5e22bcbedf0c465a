"""Outcomes on their way to the store: written together, answered one by one."""

import asyncio
from collections.abc import Sequence

import pytest

from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome, Result
from dogwatch.engine.outcomes import BATCH, Outcomes
from dogwatch.usecases.runs import Ended, Work
from tests.harness.house import House


@pytest.fixture
def works(house: House) -> list[Work]:
    """Three runs that were claimed."""
    for name in "abc":
        house.job(name)
        house.trigger(name)
    return house.claim(1)


class Store:
    """Writes down what it is given; the first write waits for the `gate`."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()
        self.refuses: dict[str, BaseException] = {}

    async def write(self, some: Sequence[Ended]) -> None:
        names = [ended.work.slug for ended in some]
        self.batches.append(names)
        await self.gate.wait()
        for name in names:
            if name in self.refuses:
                raise self.refuses[name]


def put_all(store: Store, works: Sequence[Work]) -> list[BaseException | None]:
    """End all of them at once, and return what each was told."""

    async def story() -> list[BaseException | None]:
        outcomes = Outcomes(store.write)
        ended = [Ended(work, Result(Outcome.OK)) for work in works]
        first = asyncio.create_task(outcomes.put(ended[0]))
        while not store.batches:
            await asyncio.sleep(0)
        others = [asyncio.create_task(outcomes.put(one)) for one in ended[1:]]
        await asyncio.sleep(0)
        store.gate.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    return asyncio.run(story())


def test_what_ends_during_a_write_shares_the_next(works: list[Work]) -> None:
    store = Store()
    assert put_all(store, works) == [None] * 3
    assert store.batches == [["a"], ["b", "c"]]


def test_no_write_takes_more_than_a_batch(works: list[Work]) -> None:
    store = Store()
    put_all(store, [works[0]] * (BATCH + 2))
    assert [len(batch) for batch in store.batches] == [1, BATCH, 1]


def test_one_that_cannot_be_written_holds_up_no_other(works: list[Work]) -> None:
    store = Store()
    store.refuses["b"] = error = ValueError("b")
    assert put_all(store, works) == [None, error, None]
    assert store.batches == [["a"], ["b", "c"], ["b"], ["c"]]


def test_a_database_that_is_away_is_away_for_all(works: list[Work]) -> None:
    store = Store()
    store.refuses["c"] = error = Problem("away", "not saved")
    assert put_all(store, works) == [None, error, error]
    assert store.batches == [["a"], ["b", "c"]]


def test_who_waits_for_a_write_that_is_called_off_is_called_off(works: list[Work]) -> None:
    store = Store()
    store.refuses["b"] = asyncio.CancelledError()
    first, *others = put_all(store, works)
    assert first is None
    assert [type(told) for told in others] == [asyncio.CancelledError] * 2
