"""PostgreSQL goes away and comes back: intake, folder and sweeper stepped by hand."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from dogwatch.core.ping import NOWHERE, Answer, Heard
from dogwatch.core.problems import Problem
from dogwatch.engine.folder import CATCH_UP_S, Folder
from dogwatch.engine.intake import Intake
from dogwatch.engine.sweeper import Sweeper
from dogwatch.spool import Spool, record
from dogwatch.store import migrate
from dogwatch.store.database import Database
from dogwatch.store.tables import metadata
from dogwatch.usecases import nodes
from tests.harness.clock import ManualClock
from tests.harness.held import Held
from tests.harness.house import House, after, heard
from tests.harness.postgres import PostgresServer, running_postgres
from tests.harness.proof import length, tell

MANY = int(length("DOGWATCH_PROVE_WATCHES", 500, 100_000))


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that a test may stop; it starts it again."""
    with running_postgres() as running:
        migrate.upgrade(running.create("template"))
        yield running


@pytest.fixture
def house(server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[House]:
    name = f"d{abs(hash(request.node.name))}"
    database = Database.open(server.create(name, "template"), patience_s=0.2)
    yield House(database)
    database.close()


class Node:
    """One node's way for pings."""

    def __init__(
        self, house: House, clock: ManualClock, root: Path, name: str = "node-a", mb: float = 1
    ) -> None:
        self.house, self.clock, self.name = house, clock, name
        self.spool = Spool(root, name.ljust(26, "0"), int(mb * 1_000_000))
        self.intake = Intake(house.database, clock, self.spool)
        self.folder = Folder(house.database, clock, self.intake, self.spool, name)
        self.sweeper = Sweeper(house.database, clock, name, self.intake.unfolded_at)

    def join(self) -> None:
        self.house.join(self.name)

    def put(self, *pings: Heard) -> Sequence[Answer]:
        return asyncio.run(self.intake.record(pings))

    def fold(self) -> None:
        """Step the folder until it has nothing to do."""

        async def steps() -> None:
            while not await self.folder.step():
                pass

        asyncio.run(steps())

    def sweep(self) -> None:
        asyncio.run(self.sweeper.step())


@pytest.fixture
def make(house: House, manual_clock: ManualClock, tmp_path: Path) -> Iterator[Callable[..., Node]]:
    made: list[Node] = []

    def node(name: str = "node-a", mb: float = 1) -> Node:
        made.append(Node(house, manual_clock, tmp_path / "spool", name, mb))
        return made[-1]

    yield node
    for one in made:
        one.spool.close()


def seconds(house: House) -> list[float]:
    return [(row["at"] - after(0)).total_seconds() for row in house.rows("pings")]


def test_pings_are_kept_while_it_is_away_and_folded_in_order(
    house: House, server: PostgresServer, make: Callable[..., Node], tmp_path: Path
) -> None:
    watch, node = house.watch("nightly"), make()
    node.join()
    assert node.put(heard(watch, 0)) == [Answer.RECORDED]
    server.stop()
    for second in (1, 2, 3):
        assert node.put(heard(watch, second)) == [Answer.RECORDED]
    assert node.intake.away
    assert node.intake.unfolded_at() == after(0)
    node.fold()
    server.start()
    node.clock.advance(30)
    node.fold()
    assert (node.intake.away, node.intake.unfolded_at()) == (False, None)
    assert seconds(house) == [0, 1, 2, 3]
    assert list(tmp_path.glob("spool/*/*")) == []
    assert [row["unfolded_at"] for row in house.rows("nodes")] == [None]
    node.put(heard(watch, 30))
    assert (node.spool.since_at, len(seconds(house))) == (None, 5)


def test_a_path_that_names_nothing_is_unknown_at_any_time(
    house: House, server: PostgresServer, make: Callable[..., Node]
) -> None:
    node = make()
    nowhere = Heard(key=NOWHERE.key, at=after(1))
    server.stop()
    assert node.put(nowhere, Heard(key="x" * 20, at=after(1))) == [Answer.UNKNOWN, Answer.RECORDED]
    server.start()
    assert node.spool.since_at is not None
    node.fold()
    assert seconds(house) == []
    assert node.spool.since_at is None


def test_a_full_spool_is_told_and_ends_with_the_outage(
    house: House, server: PostgresServer, make: Callable[..., Node]
) -> None:
    watch = house.watch("nightly")
    size = len(record(heard(watch, 1), after(0), tried=False))
    node = make(mb=2.5 * size / 1_000_000)
    node.join()
    server.stop()
    node.put(heard(watch, 1), heard(watch, 2))
    with pytest.raises(Problem) as full:
        node.put(heard(watch, 3))
    assert full.value.kind == "away"
    server.start()
    node.fold()
    assert seconds(house) == [1, 2]
    assert node.put(heard(watch, 4)) == [Answer.RECORDED]
    assert seconds(house) == [1, 2, 4]


def test_a_database_too_slow_to_answer_records_nothing_twice(
    house: House, make: Callable[..., Node]
) -> None:
    watch, node = house.watch("nightly"), make()
    node.join()
    node.intake._patience_s = 0.05

    async def slow() -> None:
        held = Held(house.database)
        assert await node.intake.record([heard(watch, 1)]) == [Answer.RECORDED]
        assert node.spool.since_at is not None
        assert node.intake.unsettled
        held.release()
        async with asyncio.timeout(60):
            while node.spool.since_at:
                await node.folder.step()
                await asyncio.sleep(0)

    asyncio.run(slow())
    assert seconds(house) == [1]


def test_a_ping_that_the_database_refuses_is_set_aside(
    house: House, server: PostgresServer, make: Callable[..., Node], tmp_path: Path
) -> None:
    watch, node = house.watch("nightly"), make()
    bad = replace(heard(watch, 2), body="\0")
    node.join()
    server.stop()
    node.put(heard(watch, 1), bad, heard(watch, 3))
    server.start()
    node.fold()
    assert seconds(house) == [1, 3]
    assert len(list(tmp_path.glob("spool/*.refused"))) == 1
    assert node.spool.since_at is None


def test_what_a_dead_process_committed_but_did_not_delete_counts_once(
    house: House, make: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, first = house.watch("nightly"), make()
    first.join()
    first.spool.append([heard(watch, second) for second in (1, 2)], after(1))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(first.spool, "remove", die)
    with pytest.raises(KeyboardInterrupt):
        first.fold()
    assert seconds(house) == [1, 2]
    first.spool.close()
    second = make("node-b")
    second.join()
    assert second.intake.unfolded_at() == after(1)
    second.fold()
    assert seconds(house) == [1, 2]
    assert [row for row in house.rows("instance") if row["name"].startswith("spool")] == []


def test_pings_go_straight_to_the_database_once_it_has_been_back_for_long(
    house: House, make: Callable[..., Node]
) -> None:
    watch, node = house.watch("nightly"), make()
    node.join()
    node.intake.away = True
    node.put(*(heard(watch, second) for second in range(600)))
    asyncio.run(node.folder.step())
    assert (len(seconds(house)), node.intake.away) == (500, True)
    node.clock.advance(CATCH_UP_S + 1)
    node.put(heard(watch, 601))
    asyncio.run(node.folder.step())
    assert not node.intake.away


def overdue(house: House, node: Node) -> None:
    """Make a watch whose deadline was ten seconds ago."""
    house.ping(heard(house.watch("nightly"), 1))
    for _ in range(0, 666, 6):
        node.clock.advance(6)
        house.do(nodes.beat, node.name, node.clock.now())
    node.clock.advance(4)


def test_a_node_judges_nothing_that_its_spool_may_answer(
    house: House, make: Callable[..., Node]
) -> None:
    node = make()
    node.join()
    overdue(house, node)
    node.spool.append([heard(house.find("nightly"), 605)], after(605))
    node.sweep()
    assert house.flips("nightly") == [("new", "up")]
    node.fold()
    node.sweep()
    assert house.flips("nightly") == [("new", "up")]
    assert house.find("nightly").watch.slot_at == after(1200)


def test_a_node_judges_nothing_that_another_may_answer(
    house: House, make: Callable[..., Node]
) -> None:
    ours, other = make("node-a"), make("node-b")
    ours.join()
    other.join()
    overdue(house, ours)
    other.spool.append([Heard(key="x" * 20, at=after(605))], after(605))
    house.do(other.folder._mark)
    ours.sweep()
    assert house.flips("nightly") == [("new", "up")]
    other.fold()
    ours.sweep()
    assert house.flips("nightly") == [("new", "up"), ("up", "down")]


def test_a_dead_node_is_not_waited_for(house: House, make: Callable[..., Node]) -> None:
    ours, other = make("node-a"), make("node-b")
    ours.join()
    other.join()
    overdue(house, ours)
    other.spool.append([Heard(key="x" * 20, at=after(605))], after(605))
    house.do(other.folder._mark)
    for _ in range(3):
        ours.sweep()
        assert house.flips("nightly") == [("new", "up")]
        ours.clock.advance(4)
    ours.sweep()
    assert house.flips("nightly") == [("new", "up"), ("up", "down")]


CLONED = {
    "id": "left(id, 20) || lpad(n::text, 6, '0')",
    "watch_id": "left(watch_id, 20) || lpad(n::text, 6, '0')",
    "slug": "slug || n",
    "key": "key || n",
    "ping_key": "ping_key || n",
}


def clone(house: House) -> list[str]:
    """Make many copies of the only watch, as it is; return their ping keys."""
    for table in ("watches", "ping_keys"):
        columns = [column.name for column in metadata.tables[table].columns]
        values = ", ".join(CLONED.get(name, name) for name in columns)
        numbers = f"generate_series(1, {MANY}) n"
        copied = f"SELECT {values} FROM {table}, {numbers}"
        house.plant(text(f"INSERT INTO {table} ({', '.join(columns)}) {copied}"))
    return sorted(row["key"] for row in house.rows("ping_keys"))


def live(node: Node, until: float) -> None:
    """Let time pass for a node that beats."""
    while node.clock.now() < after(until):
        node.clock.advance(min(6, (after(until) - node.clock.now()).total_seconds()))
        node.house.do(nodes.beat, node.name, node.clock.now())


def sweep_all(node: Node) -> None:
    async def steps() -> None:
        while not await node.sweeper.step():
            pass

    asyncio.run(steps())


def test_many_due_in_an_outage_raise_no_false_alarm_and_misses_do_afterwards(
    house: House, server: PostgresServer, make: Callable[..., Node]
) -> None:
    house.ping(heard(house.watch("one"), 1))
    _, *loud = clone(house)
    node = make(mb=1000)
    node.join()
    live(node, 590)
    server.stop()
    node.clock.advance(600)
    for start in range(0, MANY, 256):
        node.put(*(Heard(key=key, at=after(605)) for key in loud[start : start + 256]))
    server.start()
    sweep_all(node)
    node.fold()
    live(node, 1201)
    for start in range(0, MANY, 256):
        node.put(*(Heard(key=key, at=after(1201)) for key in loud[start : start + 256]))
    live(node, 1275)
    sweep_all(node)
    downs = [row["watch_id"] for row in house.rows("flips") if row["to_status"] == "down"]
    stored, holds = len(house.rows("pings")), downs == [house.find("one").id]
    figure = f"{MANY} due, {stored - 1 - MANY} of their pings folded, {len(downs)} down of 1 silent"
    tell("heartbeats due while PostgreSQL is away alarm nobody", figure, holds=holds)
    assert holds, downs
    assert stored == 1 + 2 * MANY
