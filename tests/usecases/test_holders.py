"""Holders of keys are known for a second, and refused at once where a key is good no more."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import update

from dogwatch.core.problems import Problem
from dogwatch.store import workspaces as stored
from dogwatch.store.database import Database, Tx
from dogwatch.store.tables import keys as key_table
from dogwatch.usecases import holders as known
from dogwatch.usecases import keys, people
from dogwatch.usecases.callers import Caller, host
from dogwatch.usecases.holders import Holders
from tests.eventually import eventually
from tests.harness.clock import ManualClock
from tests.harness.house import NOON, House

T = TypeVar("T")


class Counting:
    """A door that counts what goes through it; `meanwhile` happens before a read is answered."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reads = self.writes = 0
        self.meanwhile: Callable[[], object] = lambda: None
        self.on_wake = database.on_wake

    async def aread(self, fn: Callable[[Tx], T], workspace_id: int | None = None) -> T:
        self.reads += 1
        found = await self._database.aread(fn, workspace_id)
        await asyncio.to_thread(self.meanwhile)
        return found

    async def awrite(self, fn: Callable[[Tx], T], workspace_id: int | None = None) -> T:
        self.writes += 1
        return await self._database.awrite(fn, workspace_id)


class Gate:
    """The holders of one node, and a key."""

    def __init__(self, house: House, clock: ManualClock) -> None:
        self.house = house
        self.door = Counting(house.database)
        self.holders = Holders(self.door, house.vault, clock)
        self.token = self.make("ci")
        heard: list[object] = []
        house.database.on_wake(heard.append)
        if house.database.dialect == "postgresql":
            eventually(lambda: heard, what="it listens, and was told so")

    def make(self, name: str, *scopes: str) -> str:
        given = (self.house.workspace.id, name, scopes or ("*",), self.house.vault, NOON)
        return self.house.do(keys.add, *given)

    def caller(self, token: str = "") -> Caller:
        return asyncio.run(self.holders.caller(token or self.token, "192.0.2.1"))

    def opens(self, token: str = "") -> bool:
        with suppress(Problem):
            return bool(self.caller(token))
        return False


@pytest.fixture
def gate(house: House, manual_clock: ManualClock) -> Gate:
    return Gate(house, manual_clock)


@pytest.fixture
def elsewhere(house: House) -> Iterator[House]:
    """The same store in the hands of another process."""
    database = Database.open(house.database.url.render_as_string(hide_password=False))
    yield House(database)
    database.close()


def test_a_holder_is_asked_for_once_a_second(gate: Gate, manual_clock: ManualClock) -> None:
    found = [gate.caller() for _ in range(3)]
    assert found[0] == found[2]
    assert (found[0].name, found[0].remote_ip, gate.door.reads) == ("ci", "192.0.2.1", 1)
    manual_clock.advance(known.KNOWN_S)
    gate.caller()
    assert gate.door.reads == 2


def at_once(gate: Gate, count: int, token: str = "") -> list[Caller | BaseException]:
    async def call() -> list[Caller | BaseException]:
        calls = (gate.holders.caller(token or gate.token, f"192.0.2.{n}") for n in range(count))
        return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(call())


def test_those_who_call_at_once_are_asked_for_together(gate: Gate) -> None:
    found = at_once(gate, 9)
    assert [one.remote_ip for one in found if isinstance(one, Caller)] == [
        f"192.0.2.{number}" for number in range(9)
    ]
    assert gate.door.reads == 1
    refused = at_once(gate, 9, "dw_live_nobody")
    assert {getattr(one, "kind", None) for one in refused} == {"unauthorized"}
    assert gate.door.reads == 2


def test_nobody_joins_a_question_from_before_a_key_was_revoked(gate: Gate) -> None:
    """The first asked when the key was good; the second calls after it was revoked."""

    async def call() -> list[Caller | BaseException]:
        revoked, later = asyncio.Event(), list[asyncio.Task[Caller]]()
        loop = asyncio.get_running_loop()

        def revoke() -> None:
            gate.door.meanwhile = lambda: None
            _revoke(gate)
            loop.call_soon_threadsafe(revoked.set)

        gate.door.meanwhile = revoke
        first = asyncio.create_task(gate.holders.caller(gate.token, "192.0.2.1"))
        await revoked.wait()
        later.append(asyncio.create_task(gate.holders.caller(gate.token, "192.0.2.2")))
        return await asyncio.gather(first, *later, return_exceptions=True)

    first, second = asyncio.run(call())
    assert isinstance(first, Caller)
    assert isinstance(second, Problem)


def test_the_address_is_that_of_each_call(gate: Gate) -> None:
    gate.caller()
    caller = asyncio.run(gate.holders.caller(gate.token, "198.51.100.9"))
    assert (caller.remote_ip, gate.door.reads) == ("198.51.100.9", 1)


def _revoke(gate: Gate) -> None:
    gate.house.do(keys.revoke, gate.house.workspace.id, "ci", NOON)


def _rotate(gate: Gate) -> None:
    me = host(gate.house.workspace.id)
    gate.house.do(keys.rotate, me, "ci", gate.house.vault, NOON, timedelta())


def _remove(gate: Gate) -> None:
    gate.house.do(stored.remove, gate.house.workspace.id)


@pytest.mark.parametrize("end", [_revoke, _rotate, _remove])
def test_a_key_that_ends_is_refused_at_once(gate: Gate, end: Callable[[Gate], None]) -> None:
    assert gate.opens()
    end(gate)
    assert not gate.opens()


def test_a_key_that_ends_while_it_is_looked_up_is_not_known_after_it(gate: Gate) -> None:
    gate.door.meanwhile = lambda: _revoke(gate)
    assert gate.opens(), "the answer was on its way"
    gate.door.meanwhile = lambda: None
    assert not gate.opens()


def test_a_known_key_expires_in_time(gate: Gate, manual_clock: ManualClock) -> None:
    expires_at = manual_clock.now() + timedelta(seconds=0.5)
    gate.house.plant(update(key_table).values(expires_at=expires_at))
    assert gate.opens()
    manual_clock.advance(0.5)
    assert not gate.opens()


def test_whoever_loses_the_instance_loses_it_for_his_keys_at_once(gate: Gate) -> None:
    ana, _ben = (
        gate.house.do(people.make, f"{name}@example.org", name, None, NOON, admin=True)
        for name in ("ana", "ben")
    )
    gate.house.plant(update(key_table).values(made_by=ana.id))
    assert gate.caller().grant.instance
    gate.house.do(people.set_admin, ana, NOON, admin=False)
    assert not gate.caller().grant.instance


def test_a_change_that_nobody_tells_of_is_known_within_a_second(
    gate: Gate, elsewhere: House, manual_clock: ManualClock
) -> None:
    assert gate.opens()
    elsewhere.plant(update(key_table).values(revoked_at=NOON))
    manual_clock.advance(known.KNOWN_S)
    assert not gate.opens()


def test_other_nodes_hear_of_a_revoked_key(postgres_url: str, manual_clock: ManualClock) -> None:
    here, there = Database.open(postgres_url), Database.open(postgres_url)
    gate = Gate(House(here), manual_clock)
    assert gate.opens()
    House(there).do(keys.revoke, gate.house.workspace.id, "ci", NOON)
    eventually(lambda: not gate.opens(), what="the other node hears of it; its clock stands still")
    here.close()
    there.close()


def test_only_what_was_proven_is_known(gate: Gate) -> None:
    assert gate.opens()
    forged = gate.token[:-1] + ("a" if gate.token[-1] != "a" else "b")
    assert [gate.opens(forged) for _ in range(2)] == [False, False]
    assert gate.door.reads == 3
    assert gate.token not in repr(vars(gate.holders))


def test_the_use_of_a_known_key_is_noted_once_a_minute(
    gate: Gate, manual_clock: ManualClock
) -> None:
    for _ in range(3):
        gate.caller()
    assert gate.door.writes == 1
    manual_clock.advance(61)
    gate.caller()
    assert gate.door.writes == 2
    (key,) = gate.house.see(keys.listed, gate.house.workspace.id)
    assert key.last_used_at == manual_clock.now()


def test_no_more_are_known_than_fit(gate: Gate, monkeypatch: Any) -> None:
    monkeypatch.setattr(known, "MOST_KNOWN", 2)
    for number in range(5):
        assert gate.opens(gate.make(f"key {number}"))
        assert len(vars(gate.holders)["_known"]) <= 2
