"""The outside heartbeat: told every minute by one node, silent while Dogwatch is not well."""

import asyncio
from pathlib import Path

import pytest

from dogwatch.boot import outside as boot
from dogwatch.boot.store import opened
from dogwatch.config import load
from dogwatch.egress import Egress
from dogwatch.engine.outside import Outside
from dogwatch.usecases import outside
from tests.eventually import eventually_async
from tests.harness.clock import ManualClock
from tests.harness.crew import LOOPBACK
from tests.harness.endpoints import Endpoint, endpoint, status
from tests.harness.house import House, heard

MINUTE = 60


def test_one_of_two_nodes_tells_every_minute(house: House, manual_clock: ManualClock) -> None:
    async def live() -> None:
        async with endpoint() as told:
            nodes = [_outside(house, manual_clock, told) for _ in range(2)]
            assert [await node.step() for node in nodes] == [MINUTE, MINUTE]
            manual_clock.advance(45)
            assert [await node.step() for node in nodes] == [15, 15]
            assert len(told.bodies) == 1
            manual_clock.advance(15)
            assert [await node.step() for node in reversed(nodes)] == [MINUTE, MINUTE]
            assert len(told.bodies) == 2
            manual_clock.step_wall(-0.2)
            assert await nodes[0].step() == MINUTE + 0.2
            assert len(told.bodies) == 2, "nor does who asked the time before he waited for the row"
            manual_clock.step_wall(-7200)
            assert await nodes[0].step() == MINUTE
            assert len(told.bodies) == 3, "a clock that was set back silences nobody"

    asyncio.run(live())
    known = house.see(outside.known)
    assert known.answered_at == known.asked_at == manual_clock.now()
    assert known.address.startswith("http://127.0.0.1:")
    assert known.address.endswith("/***")
    assert known.wrong(manual_clock.now()) == ""


def test_what_another_address_answered_is_not_taken_for_this_ones(
    house: House, manual_clock: ManualClock
) -> None:
    at = manual_clock.now()
    house.do(lambda tx: outside.turn(tx, at, "http://a/***", []))
    house.do(lambda tx: outside.note(tx, at, "status 500"))
    manual_clock.advance(MINUTE)
    at = manual_clock.now()
    ours, _ = house.do(lambda tx: outside.turn(tx, at, "http://b/***", []))
    assert ours
    assert house.see(outside.known) == outside.Heartbeat("http://b/***", at)


def test_who_is_behind_keeps_silent(house: House, manual_clock: ManualClock) -> None:
    house.watch("nightly", schedule="every 1m", start_by_s=0)

    async def live() -> None:
        async with endpoint() as told:
            node = _outside(house, manual_clock, told)
            house.ping(heard(house.find("nightly"), 0))
            await node.step()
            manual_clock.advance(120)
            await node.step()
            assert len(told.bodies) == 1
            assert house.see(outside.known).fault == "the sweeper is behind"
            house.lapse(120)
            manual_clock.advance(MINUTE)
            await node.step()
            assert len(told.bodies) == 2

    asyncio.run(live())
    assert house.see(outside.known).fault == ""


@pytest.mark.parametrize(
    ("answer", "why"),
    [(status(500), "status 500"), (status(404), "status 404"), (None, "could not connect")],
)
def test_what_is_not_answered_is_known_and_no_secret_is_told(
    house: House,
    manual_clock: ManualClock,
    capsys: pytest.CaptureFixture[str],
    answer: bytes | None,
    why: str,
) -> None:
    async def live() -> None:
        async with endpoint(answer) as told:
            if answer is None:
                told.port = 1
            await _outside(house, manual_clock, told).step()

    asyncio.run(live())
    known = house.see(outside.known)
    assert known.answered_at is None
    assert known.wrong(manual_clock.now()).startswith(f"the outside heartbeat fails: {why}")
    logged = capsys.readouterr().out
    assert "the outside heartbeat fails" in logged
    assert "/hook" not in logged + known.fault


def test_leaving_waits_for_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dogwatch.engine.outside.TIMEOUT_S", 3600)

    async def live() -> None:
        async with endpoint(None) as told:
            config = load({"data": tmp_path, "outside_heartbeat_url": told.url}, {})
            with opened(config) as store:
                async with asyncio.timeout(60), boot.told(config, store):
                    await eventually_async(lambda: told.bodies)

    asyncio.run(live())


def test_nothing_is_asked_unless_an_address_is_set(tmp_path: Path) -> None:
    async def live() -> None:
        config = load({"data": tmp_path}, {})
        with opened(config) as store:
            await store.database.awrite(
                lambda tx: outside.note(tx, store.clock.now(), "status 500")
            )
            async with boot.told(config, store):
                assert len(asyncio.all_tasks()) == 1
                assert store.database.read(outside.known).result() == outside.Heartbeat()

    asyncio.run(live())


def _outside(house: House, clock: ManualClock, told: Endpoint) -> Outside:
    return Outside(house.database, clock, Egress(LOOPBACK), told.url)
