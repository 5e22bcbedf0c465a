"""Every service at once is in every kind of trouble, then well: each hears the news once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from dogwatch.core.alerts import Rule
from dogwatch.core.ping import Kind
from dogwatch.egress import Egress
from dogwatch.engine.courier import Courier
from dogwatch.notify import CHANNELS
from dogwatch.notify.http_channel import HttpChannel
from dogwatch.usecases import channels
from tests.eventually import eventually_async
from tests.harness.crew import LOOPBACK, Crew
from tests.harness.endpoints import Endpoint, endpoint, status
from tests.harness.house import after, heard
from tests.notify.settings import GOOD

KINDS = {kind: type(one) for kind, one in CHANNELS.items() if isinstance(one, HttpChannel)}
WELL = b'HTTP/1.1 200 OK\r\nContent-Length: 22\r\nConnection: close\r\n\r\n{"ok":true,"status":1}'
ASKED_S = 120


def troubles(thief: Endpoint) -> list[bytes | None]:
    """Return what each service answers, one after the other; None hangs."""
    return [
        status(500),
        status(429, f"Retry-After: {ASKED_S}"),
        b"\0\x01\x02 this is no HTTP\r\n\r\n",
        None,
        status(307, f"Location: {thief.url}"),
        WELL,
    ]


@asynccontextmanager
async def services(crew: Crew, thief: Endpoint) -> AsyncIterator[Mapping[str, Endpoint]]:
    """Yield a running stand-in of every service, each with a channel that is told of all."""
    async with AsyncExitStack() as stack:
        found = {}
        for kind in KINDS:
            told = await stack.enter_async_context(endpoint(*troubles(thief)))
            found[kind] = told
            add_channel(crew, kind, told)
        yield found


def add_channel(crew: Crew, kind: str, told: Endpoint) -> None:
    """Make a channel whose service is the stand-in."""
    checked = CHANNELS[kind].check(GOOD[kind])
    every = {**checked.public, **checked.secret}
    here = {"url": told.url, "server_url": origin(told)}
    settings = {name: here.get(name, value) for name, value in every.items()}
    made = crew.house.do(
        channels.add_channel, crew.house.workspace.id, kind, kind, {}, settings,
        crew.house.vault, after(-600), group_window_s=0,
    )  # fmt: skip
    crew.house.rule(made, Rule("", made.id))


def origin(told: Endpoint) -> str:
    """Return the address of a stand-in's root."""
    return told.url.removesuffix("/hook")


@asynccontextmanager
async def sending(crew: Crew, found: Mapping[str, Endpoint]) -> AsyncIterator[Courier]:
    """Yield a courier whose services are the stand-ins."""
    egress = Egress(allow=LOOPBACK)
    courier = crew.courier(
        egress, 50, {kind: KINDS[kind](base=origin(told)) for kind, told in found.items()}
    )
    try:
        yield courier
    finally:
        await courier.drain(0)
        await egress.close()


async def all_sent(courier: Courier) -> None:
    """Send what is due now."""
    while await courier.step() == 0:
        await courier.idle()


def counts(found: Mapping[str, Endpoint]) -> set[int]:
    """Return how often the services were asked."""
    return {len(told.ids) for told in found.values()}


def test_trouble_of_every_kind_ends_in_one_message(crew: Crew) -> None:
    asyncio.run(story(crew))
    assert {row["state"] for row in crew.house.rows("deliveries")} == {"sent"}
    codes = [row["status_code"] for row in crew.house.rows("receipts")]
    assert {code: codes.count(code) for code in codes} == {
        code: len(KINDS) * (2 if code is None else 1) for code in (500, 429, None, 307, 200)
    }


async def story(crew: Crew) -> None:
    """Tell everybody of one fall, through all troubles."""
    async with (
        endpoint() as thief,
        services(crew, thief) as found,
        sending(crew, found) as courier,
    ):
        crew.house.watch("nightly")
        fall = heard(crew.house.find("nightly"), crew.seconds, Kind.FAIL, body="disk full")
        crew.house.ping(fall, at=crew.seconds)
        await all_sent(courier)
        await until_too_many(crew, courier, found)
        await past_garbage_and_silence(crew, courier, found)
        crew.clock.advance(3600)
        await all_sent(courier)
        crew.clock.advance(3600)
        await all_sent(courier)
        crew.clock.advance(24 * 3600)
        await all_sent(courier)
        assert counts(found) == {6}
        assert all(len(set(told.ids)) == 1 and told.ids[0] for told in found.values())
        assert thief.ids == []


async def until_too_many(crew: Crew, courier: Courier, found: Mapping[str, Endpoint]) -> None:
    """After the 500 comes the 429, whose wish to be left alone is honoured."""
    crew.clock.advance(10)
    await all_sent(courier)
    assert counts(found) == {2}
    crew.clock.advance(ASKED_S - 10)
    await all_sent(courier)
    assert counts(found) == {2}
    crew.clock.advance(20)
    await all_sent(courier)
    assert counts(found) == {3}


async def past_garbage_and_silence(
    crew: Crew, courier: Courier, found: Mapping[str, Endpoint]
) -> None:
    """After the garbage each service hangs, then hangs up."""
    crew.clock.advance(100)
    while await courier.step() == 0:
        pass
    await eventually_async(lambda: counts(found) == {4}, what="every service to be asked")
    for told in found.values():
        told.ended.set()
    await courier.idle()
