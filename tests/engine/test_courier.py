"""The courier: sent means a recorded 2xx, nobody waits behind another's endpoint."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from dogwatch.core.alerts import Rule, Scope
from dogwatch.core.ping import Kind
from dogwatch.core.problems import Problem
from dogwatch.egress import Egress
from dogwatch.engine import receipts
from dogwatch.engine.courier import POLL_S, Courier
from dogwatch.notify.webhook import WebhookChannel, new_secret
from dogwatch.store import workspaces
from dogwatch.store.channels import ChannelRow
from dogwatch.usecases import channels, telling
from tests.eventually import eventually_async
from tests.harness.crew import LOOPBACK, Crew
from tests.harness.endpoints import Endpoint, endpoint, status
from tests.harness.house import House, after, heard


@asynccontextmanager
async def sending(
    crew: Crew, concurrency: int = 20, timeout_s: float = 5.0
) -> AsyncIterator[Courier]:
    """Yield a courier that reaches loopback and gives an endpoint `timeout_s`."""
    egress = Egress(allow=LOOPBACK)
    channels = {"webhook": WebhookChannel(timeout_s=timeout_s)}
    courier = crew.courier(egress, concurrency, channels)
    try:
        yield courier
    finally:
        await courier.drain(0)
        await egress.close()


def channel_to(
    crew: Crew,
    told: Endpoint,
    scope: Scope = Scope(),  # noqa: B008  (frozen)
) -> ChannelRow:
    """Make a webhook to an endpoint, told of the watches in `scope`."""
    made = crew.house.do(
        channels.add_channel, crew.house.workspace.id, "hook", "webhook", {"url": told.url},
        {"secrets": [new_secret()]}, crew.house.vault, after(-600),
    )  # fmt: skip
    crew.house.rule(made, Rule("", made.id, scope=scope))
    return made


def fall(crew: Crew, *slugs: str) -> None:
    """Have watches report a failure, now."""
    for slug in slugs:
        crew.house.ping(heard(crew.house.find(slug), crew.seconds, Kind.FAIL), at=crew.seconds)


def rise(crew: Crew, *slugs: str) -> None:
    """Have watches report success, now."""
    for slug in slugs:
        crew.house.ping(heard(crew.house.find(slug), crew.seconds), at=crew.seconds)


def states(crew: Crew) -> list[str]:
    """Return what became of the deliveries, oldest first."""
    return [row["state"] for row in crew.house.rows("deliveries")]


async def round_of(courier: Courier) -> None:
    """Send all that is due."""
    while await courier.step() == 0:
        await courier.idle()


async def claim_all(courier: Courier) -> None:
    """Claim until there is nothing to claim or no room."""
    while await courier.step() == 0:
        pass


async def has_come(told: Endpoint, count: int = 1) -> None:
    """Wait until so many requests came."""
    await eventually_async(lambda: len(told.ids) >= count, what="requests to come")


def test_sent_means_that_the_2xx_is_recorded(crew: Crew) -> None:
    async def story() -> None:
        async with endpoint() as told, sending(crew) as courier:
            channel_to(crew, told)
            crew.house.watch("nightly")
            fall(crew, "nightly")
            assert states(crew) == ["pending"]
            assert await courier.step() == 0
            await courier.idle()
            assert await courier.step() == POLL_S
            assert told.ids == [row["id"] for row in crew.house.rows("deliveries")]

    asyncio.run(story())
    assert states(crew) == ["sent"]
    (receipt,) = crew.house.rows("receipts")
    assert (receipt["attempt"], receipt["verdict"], receipt["status_code"]) == (1, "sent", 204)
    assert crew.house.rows("tasks") == []


def test_until_an_answer_comes_it_is_pending(crew: Crew) -> None:
    async def story() -> None:
        async with endpoint(None) as told, sending(crew) as courier:
            channel_to(crew, told)
            crew.house.watch("nightly")
            fall(crew, "nightly")
            await courier.step()
            await has_come(told)
            assert states(crew) == ["pending"]
            await courier.drain(0)

    asyncio.run(story())
    assert states(crew) == ["pending"]
    assert [(row["node_id"], row["attempt"]) for row in crew.house.rows("tasks")] == [(None, 0)]


def test_a_crash_before_the_receipt_sends_again_under_the_same_id(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_given: Any) -> None:
        raise Problem("away", "killed")

    async def story() -> list[str]:
        async with endpoint() as told:
            channel_to(crew, told)
            crew.house.watch("nightly")
            fall(crew, "nightly")
            async with sending(crew) as courier:
                with monkeypatch.context() as patch:
                    patch.setattr(telling, "settle", crash)
                    await courier.step()
                    await has_come(told)
                    await courier.drain(0)
            assert states(crew) == ["pending"]
            crew.house.join("next", crew.seconds, alone=True)
            async with sending(crew) as courier:
                await round_of(courier)
            return told.ids

    first, second = asyncio.run(story())
    assert first == second
    assert states(crew) == ["sent"]


def test_a_receipt_waits_for_the_database(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "RETRY_WRITE_S", 0.01)
    real, tries = telling.settle, [0]

    def away_twice(*given: Any) -> None:
        tries[0] += 1
        if tries[0] <= 2:
            raise Problem("away", "the database cannot be reached")
        real(*given)

    monkeypatch.setattr(telling, "settle", away_twice)

    async def story() -> int:
        async with endpoint() as told, sending(crew) as courier:
            channel_to(crew, told)
            crew.house.watch("nightly")
            fall(crew, "nightly")
            await round_of(courier)
            return len(told.ids)

    assert asyncio.run(story()) == 1
    assert states(crew) == ["sent"]


def test_a_hanging_endpoint_costs_only_itself(crew: Crew) -> None:
    async def story() -> None:
        async with endpoint(None) as hung, endpoint() as healthy:
            await _beside(crew, hung, healthy)

    asyncio.run(story())


async def _beside(crew: Crew, hung: Endpoint, healthy: Endpoint) -> None:
    many = [f"deaf-{n}" for n in range(30)]
    for slug in many:
        crew.house.watch(slug, tags=("deaf",))
    crew.house.watch("heard", tags=("heard",))
    channel_to(crew, hung, Scope("tags", frozenset({"deaf"})))
    channel_to(crew, healthy, Scope("tags", frozenset({"heard"})))
    async with sending(crew) as courier:
        fall(crew, *many, "heard")
        await claim_all(courier)
        await has_come(healthy)
        await has_come(hung)
        assert hung.most == 1
        await eventually_async(lambda: "sent" in states(crew), what="the first to be settled")
        rise(crew, "heard")
        await claim_all(courier)
        await has_come(healthy, 2)


def test_an_endpoint_that_hangs_is_given_up_and_tried_later(crew: Crew) -> None:
    async def story() -> None:
        async with endpoint(None) as told, sending(crew, timeout_s=0.1) as courier:
            channel_to(crew, told)
            crew.house.watch("nightly")
            fall(crew, "nightly")
            await round_of(courier)

    asyncio.run(story())
    assert states(crew) == ["pending"]
    (receipt,) = crew.house.rows("receipts")
    assert (receipt["verdict"], receipt["status_code"]) == ("retry", None)
    assert 4 < (crew.house.rows("tasks")[0]["run_at"] - crew.clock.now()).total_seconds() < 6


def test_a_workspace_gets_half_of_the_courier_even_in_one_claim(crew: Crew) -> None:
    second = House(crew.house.database)
    second.workspace = crew.house.do(_second_workspace)

    async def story() -> None:
        async with endpoint(None) as hung, endpoint() as healthy:
            for number in range(6):
                crew.house.watch(f"deaf-{number}")
                channel_to(crew, hung, Scope("watches", frozenset({_id(crew, number)})))
            second.watch("heard")
            other = Crew(second, crew.clock)
            channel_to(other, healthy)
            fall(crew, *(f"deaf-{number}" for number in range(6)))
            fall(other, "heard")
            async with sending(crew, concurrency=4) as courier:
                await claim_all(courier)
                await has_come(healthy)
                await has_come(hung, 2)
                assert hung.most == 2

    asyncio.run(story())


def _id(crew: Crew, number: int) -> str:
    return crew.house.find(f"deaf-{number}").id


def _second_workspace(tx: Any) -> Any:
    workspace_id = workspaces.add(tx, "Second", "second-ping-key", after(0))
    found = workspaces.get(tx, workspace_id)
    assert found
    return found


def test_the_order_per_watch_is_kept_across_retries(crew: Crew) -> None:
    async def story() -> Sequence[bytes]:
        async with endpoint(status(500), status(204)) as told, sending(crew) as courier:
            channel_to(crew, told)
            crew.house.watch("nightly")
            fall(crew, "nightly")
            await round_of(courier)
            crew.clock.advance(1)
            rise(crew, "nightly")
            await round_of(courier)
            assert len(told.ids) == 1
            crew.clock.advance(6)
            await round_of(courier)
            return told.bodies

    bodies = asyncio.run(story())
    kinds = [body.split(b'"type":"')[1].split(b'"')[0] for body in bodies]
    assert kinds == [b"watch.down", b"watch.down", b"watch.recovered"]
    assert states(crew) == ["sent", "sent"]


def test_retry_after_is_honoured(crew: Crew) -> None:
    async def story() -> None:
        async with endpoint(status(503, "Retry-After: 120")) as told, sending(crew) as courier:
            channel_to(crew, told)
            crew.house.watch("nightly")
            fall(crew, "nightly")
            await round_of(courier)

    asyncio.run(story())
    assert crew.house.rows("tasks")[0]["run_at"] == after(120)


def test_each_failed_attempt_is_a_line_in_the_log(crew: Crew) -> None:
    async def story() -> None:
        async with endpoint(status(503)) as told, sending(crew) as courier:
            channel_to(crew, told)
            crew.house.watch("nightly")
            fall(crew, "nightly")
            await round_of(courier)

    with capture_logs() as lines:
        asyncio.run(story())
    (line,) = [line for line in lines if line["event"] == "not delivered"]
    assert (line["channel"], line["attempt"], line["final"]) == ("hook", 1, False)
    assert "503" in line["why"]
    assert "whsec_" not in str(line)


def test_410_switches_the_channel_off_and_fails_what_waits(crew: Crew) -> None:
    async def story() -> int:
        async with endpoint(status(410)) as told, sending(crew) as courier:
            channel_to(crew, told)
            crew.house.watch("nightly")
            fall(crew, "nightly")
            await round_of(courier)
            rise(crew, "nightly")
            await round_of(courier)
            return len(told.ids)

    assert asyncio.run(story()) == 1
    assert states(crew) == ["failed", "failed"]
    assert "410" in crew.house.rows("channels")[0]["disabled_reason"]


def test_a_channel_that_cannot_be_read_holds_up_nobody(crew: Crew) -> None:
    from sqlalchemy import update

    from dogwatch.store.tables import channels

    async def story() -> None:
        async with endpoint() as told, sending(crew) as courier:
            broken = channel_to(crew, told)
            channel_to(crew, told)
            crew.house.watch("nightly")
            crew.house.plant(
                update(channels).where(channels.c.id == broken.id).values(sealed=b"dust")
            )
            fall(crew, "nightly")
            await round_of(courier)

    asyncio.run(story())
    assert sorted(states(crew)) == ["failed", "sent"]


def test_a_node_s_death_has_another_send(two: tuple[Crew, Crew]) -> None:
    one, other = two
    one.join()
    other.join()

    async def story() -> list[str]:
        async with endpoint(None, status(204)) as told:
            channel_to(one, told)
            one.house.watch("nightly")
            fall(one, "nightly")
            async with sending(one) as dying, sending(other) as living:
                await dying.step()
                await has_come(told)
                for _ in range(4):
                    one.clock.advance(3)
                    await other.heart().step()
                await round_of(living)
                return told.ids

    first, second = asyncio.run(story())
    assert first == second
    assert states(one) == ["sent"]
    assert [row["attempt"] for row in one.house.rows("receipts")] == [1]
