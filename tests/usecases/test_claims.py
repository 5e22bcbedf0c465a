"""Claims of tasks that share places with others, by a concurrency key."""

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from dogwatch.store import tasks
from dogwatch.store.database import Tx
from dogwatch.store.tasks import NewTask, Share, Task
from tests.harness.house import NOON, House

Claim = Callable[[Tx, int], Sequence[Task]]


def plainly(tx: Tx, limit: int) -> Sequence[Task]:
    return tasks.claim(tx, "http", "n1", NOON, limit)


def by_shares(tx: Tx, limit: int) -> Sequence[Task]:
    """Claim as where some workspace has a plan that limits its runs."""
    everybody = Share(sys.maxsize)
    return tasks.claim_shared(tx, "http", "n1", NOON, limit, everybody, everybody)


@pytest.fixture(params=[plainly, by_shares])
def claim(request: pytest.FixtureRequest) -> Claim:
    """Each way to claim."""
    found: Claim = request.param
    return found


def waiting(house: House, name: str, key: str | None, limit: int = 1, ago_s: int = 0) -> NewTask:
    at = NOON - timedelta(seconds=ago_s)
    return NewTask(
        house.workspace.id, "http", name, "b", at, concurrency=key, concurrency_limit=limit
    )


def test_no_more_than_the_limit_of_a_key_are_taken(house: House, claim: Claim) -> None:
    new = [waiting(house, f"r{n}", "1:db", 2) for n in range(5)]
    house.do(tasks.add_many, new)
    assert [len(house.do(claim, 10)) for _ in range(2)] == [2, 0]


def test_those_of_a_full_key_hide_nobody(house: House, claim: Claim) -> None:
    full = [waiting(house, f"a{n}", "1:a", ago_s=60) for n in range(150)]
    house.do(tasks.add_many, [*full, waiting(house, "b", "1:b"), waiting(house, "free", None)])
    taken = [one.ref_id for _ in range(3) for one in house.do(claim, 10)]
    assert sorted(taken) == ["a0", "b", "free"]


def test_one_without_a_key_does_not_wait_for_those_with_one(house: House, claim: Claim) -> None:
    keyed = [waiting(house, f"r{n}", f"1:k{n}") for n in range(30)]
    house.do(tasks.add_many, [*keyed, waiting(house, "old", None, ago_s=3600)])
    assert "old" in [one.ref_id for one in house.do(claim, 4)]
