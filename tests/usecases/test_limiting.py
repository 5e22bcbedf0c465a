"""Limiting: windows are spent exactly, by one process or several nodes, and outlive restarts."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Literal, TypeVar

import pytest

from dogwatch.clock import SharedClock
from dogwatch.core.limits import Verdict, Window
from dogwatch.core.plans import PLANS, UNLIMITED
from dogwatch.core.problems import Problem
from dogwatch.store import spent
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import leasing, limiting, retention
from dogwatch.usecases.limiting import Asked, Limiter, Memory
from dogwatch.usecases.nodes import agree
from dogwatch.usecases.sharing import Shared
from tests.eventually import eventually
from tests.harness.clock import START_AT, ManualClock

MINUTE = Asked("workspace:1", "minute", Window("fixed", 5, 60))
DAY = Asked("workspace:1", "day", Window("fixed", 7, 86_400))
DAY_OF_MANY = Asked("workspace:1", "day", Window("fixed", 10_000, 86_400))

T = TypeVar("T")


def tries(limiter: Limiter, count: int, *asked: Asked) -> list[Sequence[Verdict]]:
    async def spend() -> list[Sequence[Verdict]]:
        return await asyncio.gather(*(limiter.spend(asked) for _ in range(count)))

    return asyncio.run(spend())


def passed(found: Sequence[Sequence[Verdict]]) -> int:
    return sum(all(verdict.passes for verdict in verdicts) for verdicts in found)


@pytest.fixture
def limiter(database: Database, manual_clock: ManualClock) -> Limiter:
    """The limiter of each kind of database."""
    if database.dialect == "sqlite":
        return Memory(manual_clock)
    return Shared(database, manual_clock)


@pytest.fixture
def nodes(postgres_url: str, manual_clock: ManualClock) -> Iterator[list[Shared]]:
    """Two nodes on one PostgreSQL, each with connections of its own."""
    opened = [Database.open(postgres_url, writers=2) for _ in range(2)]
    yield [Shared(database, manual_clock) for database in opened]
    for database in opened:
        database.close()


def test_no_more_than_the_limit_get_through_and_more_in_the_next_window(
    limiter: Limiter, manual_clock: ManualClock
) -> None:
    found = tries(limiter, 12, MINUTE, DAY)
    assert passed(found) == 5
    assert [verdict.remaining for verdict in found[0]] == [4, 6]
    assert found[-1][0].retry_after_s == 60
    manual_clock.advance(60)
    assert passed(tries(limiter, 12, MINUTE, DAY)) == 2, "the day has two left"


def test_what_one_window_refuses_is_spent_in_none(
    limiter: Limiter, manual_clock: ManualClock
) -> None:
    tries(limiter, 50, MINUTE, DAY)
    manual_clock.advance(60)
    assert tries(limiter, 1, DAY)[0][0].remaining == 1


def test_subjects_do_not_share(limiter: Limiter) -> None:
    other = Asked("workspace:2", "minute", MINUTE.window)
    tries(limiter, 9, MINUTE)
    assert passed(tries(limiter, 9, other)) == 5


def test_a_burst_of_an_even_window_comes_back_bit_by_bit(
    limiter: Limiter, manual_clock: ManualClock
) -> None:
    (asked,) = limiting.failure_windows("192.0.2.1")
    limit = asked.window.limit
    assert passed(tries(limiter, 3 * limit, asked)) == limit
    manual_clock.advance(asked.window.seconds / limit)
    assert passed(tries(limiter, 3, asked)) == 1


def one_by_one(limiter: Limiter, count: int, *asked: Asked) -> list[Sequence[Verdict]]:
    async def spend() -> list[Sequence[Verdict]]:
        return [await limiter.spend(asked) for _ in range(count)]

    return asyncio.run(spend())


class Counting:
    """A door that counts the transactions that go through it."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        self.aread, self.on_wake = database.aread, database.on_wake
        self._awrite = database.awrite

    async def awrite(self, fn: Callable[[Tx], T], workspace_id: int | None = None) -> T:
        self.count += 1
        return await self._awrite(fn, workspace_id)


def test_a_node_that_goes_ahead_still_lets_the_limit_through_exactly(
    postgres_url: str, manual_clock: ManualClock
) -> None:
    database = Database.open(postgres_url)
    door = Counting(database)
    node = Shared(door, manual_clock)
    many = Asked("workspace:1", "minute", Window("fixed", 400, 60))
    found = one_by_one(node, 390, many)
    assert [verdicts[0].remaining for verdicts in found] == list(range(399, 9, -1))
    assert door.count < 80, "most requests go ahead"
    assert passed(tries(node, 50, many)) == 10
    assert passed(one_by_one(node, 5, many)) == 0
    database.close()


def test_what_one_node_has_leased_no_other_passes(nodes: list[Shared]) -> None:
    """Together exactly the limit, once what was not used is given back."""
    many = Asked("workspace:1", "minute", Window("fixed", 80, 60))
    here = passed(one_by_one(nodes[0], 12, many))
    leased = nodes[0]._leases[many.place].left
    assert here == 12
    assert 0 < leased <= 80 // 8
    there = passed(tries(nodes[1], 100, many))
    assert there == 80 - 12 - leased
    assert passed(one_by_one(nodes[0], 1, many)) == 1
    asyncio.run(nodes[0].give_back())
    assert passed(tries(nodes[1], 100, many)) == leased - 1
    assert passed(tries(nodes[0], 9, many)) == 0


def test_a_lease_goes_back_when_its_time_is_over(
    nodes: list[Shared], manual_clock: ManualClock
) -> None:
    many = Asked("workspace:1", "minute", Window("fixed", 80, 60))
    one_by_one(nodes[0], 12, many)
    manual_clock.advance(2 * leasing.LEASED_S)
    found = passed(tries(nodes[0], 1, many)) + passed(tries(nodes[1], 100, many))
    assert found == 80 - 12


def test_those_who_waited_are_served_from_what_was_leased_meanwhile(
    postgres_url: str, manual_clock: ManualClock
) -> None:
    """Sixteen who ask again as soon as they are answered; a few settlings lease for them all."""
    database = Database.open(postgres_url)
    door = Counting(database)
    node = Shared(door, manual_clock)

    async def ask() -> int:
        return sum([(await node.spend([DAY_OF_MANY]))[0].passes for _ in range(100)])

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(ask() for _ in range(16)))

    assert sum(asyncio.run(all_of_them())) == 1600
    assert door.count < 20
    database.close()


def test_who_comes_now_and_then_leases_nothing(nodes: list[Shared]) -> None:
    many = Asked("workspace:1", "minute", Window("fixed", 80, 60))
    one_by_one(nodes[0], 1, many)
    assert passed(tries(nodes[1], 100, many)) == 79


def test_a_lease_ends_with_its_window(nodes: list[Shared], manual_clock: ManualClock) -> None:
    """What was leased of one minute is neither passed in the next nor given back to it."""
    manual_clock.advance(59.9)
    many = Asked("workspace:1", "minute", Window("fixed", 80, 60))
    one_by_one(nodes[0], 12, many)
    manual_clock.advance(0.2)
    assert passed(tries(nodes[1], 70, many)) == 70
    found = one_by_one(nodes[0], 20, many)
    asyncio.run(nodes[0].give_back())
    assert passed(found) + passed(tries(nodes[1], 20, many)) == 10


def test_another_limit_ends_a_lease(nodes: list[Shared]) -> None:
    many = Asked("workspace:1", "minute", Window("fixed", 80, 60))
    fewer = Asked("workspace:1", "minute", Window("fixed", 13, 60))
    one_by_one(nodes[0], 12, many)
    assert passed(one_by_one(nodes[0], 5, fewer)) == 1


def test_what_an_even_window_refused_is_refused_without_asking(
    postgres_url: str, manual_clock: ManualClock
) -> None:
    database = Database.open(postgres_url)
    door = Counting(database)
    node = Shared(door, manual_clock)
    (failed,) = limiting.failure_windows("192.0.2.1")
    assert passed(tries(node, 100, failed)) == 60
    asked = door.count
    refused = one_by_one(node, 50, failed)
    assert (passed(refused), refused[-1][0].retry_after_s, door.count) == (0, 1, asked)
    manual_clock.advance(1)
    assert passed(one_by_one(node, 2, failed)) == 1
    database.close()


def test_what_is_leased_goes_back_without_being_asked(
    nodes: list[Shared], manual_clock: ManualClock, database_behind: Callable[[], int]
) -> None:
    async def spend() -> None:
        for _ in range(6):
            await nodes[0].spend([DAY_OF_MANY])
        manual_clock.advance(leasing.LEASED_S)
        await asyncio.to_thread(eventually, lambda: database_behind() == 6)

    asyncio.run(spend())


KINDS: list[Literal["fixed", "first", "even"]] = ["fixed", "first", "even"]


@pytest.mark.parametrize("kind", KINDS)
def test_two_nodes_never_pass_more_than_the_limit(
    nodes: list[Shared], manual_clock: ManualClock, kind: Literal["fixed", "first", "even"]
) -> None:
    """Whatever they are asked, in whatever order; and once all is given back, not one fewer."""
    chance = random.Random(4)
    asked = Asked("workspace:1", "minute", Window(kind, 60, 60))
    other = Asked("workspace:1", "day", Window("fixed", 10_000, 86_400))

    async def ask(count: int) -> int:
        orders = [chance.choice([(asked, other), (other, asked)]) for _ in range(count)]
        found = await asyncio.gather(*(chance.choice(nodes).spend(one) for one in orders))
        return passed(found)

    async def minutes() -> list[int]:
        through = []
        for _ in range(4):
            count = await ask(1)
            for _ in range(20):
                count += await ask(chance.randrange(12))
                manual_clock.advance(0.1 if kind != "even" else 0)
            assert count <= 60
            for node in nodes:
                await node.give_back()
            through.append(count + await ask(60))
            manual_clock.advance(58 if kind != "even" else 60)
        for node in nodes:
            await node.give_back()
        return through

    assert asyncio.run(minutes()) == [60] * 4


@pytest.fixture
def database_behind(postgres_url: str) -> Iterator[Callable[[], int]]:
    """What the database says was spent."""
    database = Database.open(postgres_url, readers=1, writers=1)

    def count() -> int:
        return sum(mark.count for mark, _ in database.read(spent.saved).result(60).values())

    yield count
    database.close()


def test_two_nodes_asked_at_once_share_one_window_exactly(nodes: list[Shared]) -> None:
    many = Asked("workspace:1", "minute", Window("fixed", 50, 60))
    other = Asked("key:a", "minute", Window("fixed", 1_000, 60))

    async def race() -> list[Sequence[Verdict]]:
        orders = ((many, other), (other, many))
        return await asyncio.gather(
            *(node.spend(order) for _ in range(40) for node in nodes for order in orders)
        )

    assert passed(asyncio.run(race())) == 50


def test_a_node_whose_clock_is_behind_does_not_begin_an_old_window_anew(
    nodes: list[Shared], manual_clock: ManualClock
) -> None:
    manual_clock.advance(60)
    assert passed(tries(nodes[0], 9, MINUTE)) == 5
    manual_clock.advance(-0.1)
    assert passed(tries(nodes[1], 9, MINUTE)) == 0


def test_nodes_whose_clocks_are_hours_apart_share_the_databases_windows(
    postgres_url: str,
) -> None:
    """In turns, so that each would begin a window of its own time anew."""
    asked = Asked("workspace:1", "hour", Window("first", 7, 3600))
    opened = [Database.open(postgres_url, readers=1, writers=1) for _ in range(2)]
    clocks = [SharedClock(ManualClock(START_AT + timedelta(hours=hours))) for hours in (0, 3)]
    apart = [
        Shared(database, clock, partial(agree, clock=clock))
        for database, clock in zip(opened, clocks, strict=True)
    ]
    found = [one_by_one(node, 1, asked)[0] for _ in range(5) for node in apart]
    assert passed(found) == 7
    for database in opened:
        database.close()


def test_what_was_spent_outlives_a_restart_of_one_process(
    sqlite_url: str, manual_clock: ManualClock
) -> None:
    for left in (4, 0):
        database, memory = Database.open(sqlite_url), Memory(manual_clock)
        asyncio.run(memory.load(database))
        assert passed(tries(memory, 3 if left else 9, DAY)) == (3 if left else 4)
        asyncio.run(memory.save(database))
        asyncio.run(memory.save(database))
        database.close()


def test_a_save_that_fails_is_made_good_by_the_next(
    sqlite_url: str, manual_clock: ManualClock
) -> None:
    closed, memory = Database.open(sqlite_url), Memory(manual_clock)
    closed.close()
    tries(memory, 3, DAY)
    with pytest.raises(Problem):
        asyncio.run(memory.save(closed))
    database = Database.open(sqlite_url)
    asyncio.run(memory.save(database))
    ((mark, over_at),) = database.read(spent.saved).result().values()
    database.close()
    assert (mark.count, over_at) == (3, manual_clock.now() + timedelta(hours=12))


def test_marks_that_say_nothing_any_more_are_pruned(
    database: Database, manual_clock: ManualClock
) -> None:
    memory = Memory(manual_clock)
    tries(memory, 1, MINUTE, DAY)
    asyncio.run(memory.save(database))
    at = manual_clock.now() + timedelta(seconds=60)
    database.write(lambda tx: retention.prune(tx, {}, 30, {}, at)).result()
    assert list(database.read(spent.saved).result()) == [DAY.place]


def test_memory_forgets_who_was_seen_longest_ago(manual_clock: ManualClock) -> None:
    memory = Memory(manual_clock, most=2)
    one, two, three = (Asked(name, "minute", Window("fixed", 1, 60)) for name in "abc")
    for asked in (one, two, one, three):
        memory.spend_now([asked])
    assert passed([memory.spend_now([asked]) for asked in (one, three)]) == 0
    assert passed([memory.spend_now([two])]) == 1


def test_a_node_counts_by_itself_while_the_database_is_away(
    sqlite_url: str, manual_clock: ManualClock
) -> None:
    closed = Database.open(sqlite_url)
    closed.close()
    door = Counting(closed)
    node = Shared(door, manual_clock)
    assert passed(tries(node, 3, MINUTE)) == 3
    assert passed(one_by_one(node, 5, MINUTE)) == 2
    assert door.count == 1, "the next second asks again"
    manual_clock.advance(leasing.LEASED_S)
    assert passed(one_by_one(node, 5, MINUTE)) == 0
    assert door.count == 2
    manual_clock.advance(60)
    assert passed(one_by_one(node, 9, MINUTE)) == 5


def test_a_node_that_loses_the_database_goes_on_from_what_it_knows(
    database: Database, manual_clock: ManualClock
) -> None:
    node = Shared(database, manual_clock)
    assert passed(one_by_one(node, 4, MINUTE)) == 4
    manual_clock.advance(leasing.LEASED_S)
    database.close()
    assert passed(one_by_one(node, 9, MINUTE)) == 1


@pytest.mark.parametrize(
    ("ip", "subject"),
    [
        ("192.0.2.7", "ip:192.0.2.7"),
        ("::ffff:192.0.2.7", "ip:192.0.2.7"),
        ("2001:db8:1:2:3::4", "ip:2001:db8:1:2::/64"),
        ("fe80::1%eth0", "ip:fe80::/64"),
        ("", "ip:unknown"),
    ],
)
def test_an_address_is_one_customers(ip: str, subject: str) -> None:
    assert limiting.of_address(ip) == subject


def test_an_unlimited_plan_asks_nothing_and_costs_nothing(
    database: Database, manual_clock: ManualClock
) -> None:
    assert limiting.plan_windows(UNLIMITED, 1) == []
    assert tries(Shared(database, manual_clock), 2) == [(), ()]
    assert database.read(spent.saved).result() == {}


def test_the_windows_of_a_plan_belong_to_the_workspace() -> None:
    asked = limiting.plan_windows(PLANS["free"], 7)
    assert {one.subject for one in asked} == {"workspace:7"}
    assert [one.name for one in asked] == ["minute", "hour"]


def test_no_account_can_be_named_so_that_an_address_pays_for_it() -> None:
    address, account = limiting.address_windows("192.0.2.1"), limiting.account_windows
    named = account("ip:192.0.2.1"), account("192.0.2.1"), limiting.code_windows("ip:192.0.2.1")
    assert {one.place for windows in named for one in windows}.isdisjoint(
        one.place for one in address
    )
