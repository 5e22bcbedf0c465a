"""Simulated clients: each runs on its schedule, pings, and tries again as real ones do."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from dogwatch.core.ping import Kind
from dogwatch.core.schedule import Schedule, parse
from tests.simulation.fleet import Member
from tests.simulation.network import LostError
from tests.simulation.virtual import pause

if TYPE_CHECKING:
    from tests.simulation.world import World

BACKOFF_S = (1, 2, 4, 8, 15)


class Client:
    """The machine behind one heartbeat. Some fall silent now and then: that is to be told."""

    def __init__(self, world: "World", member: Member, random: Random) -> None:
        self.member = member
        self._world = world
        self._random = random
        self._skew_s = random.choice((0.0, 0.0, -10.0))
        self._count = 0

    def edit(self, member: Member) -> None:
        """Follow a changed schedule from the next run on."""
        self.member = member

    async def live(self) -> None:
        """Run at each due time for ever."""
        at = self._world.clock.now()
        while True:
            schedule = parse(self.member.schedule, self.member.timezone)
            due_at = self._next(schedule, at)
            if not await self._world.until(due_at + timedelta(seconds=self._skew_s)):
                at = self._world.clock.now()  # the clock was set, or the schedule changed
                continue
            if self._random.random() < 0.01:
                await pause(self._silence_s(schedule))
            await pause(self._random.uniform(0, min(20, self.member.grace_s / 4)))
            self._world.loop.create_task(self._run())
            at = max(due_at, self._world.clock.now())

    def _next(self, schedule: Schedule, at: datetime) -> datetime:
        due_at = schedule.after(at)
        assert due_at is not None
        return due_at

    def _silence_s(self, schedule: Schedule) -> float:
        first, second = schedule.next(2, self._world.clock.now())
        return (second - first).total_seconds() * self._random.uniform(0.3, 2.5)

    async def _run(self) -> None:
        self._count += 1
        timed = self.member.style == "timed"
        rid = f"{self.member.slug}-{self._count}" if timed else None
        if timed:
            self._world.loop.create_task(self._send(Kind.START, rid))
            await pause(self._random.uniform(0.2, min(40, self.member.grace_s / 3)))
        failed = self._random.random() < 0.01
        await self._send(Kind.FAIL if failed else Kind.OK, rid)

    async def _send(self, kind: Kind, rid: str | None) -> None:
        """Send until acknowledged; a plain curl tries once."""
        token = f"{self.member.slug}/{self._count}/{kind}"
        began_at = self._world.clock.now()
        for attempt in range(1_000):
            claimed = began_at if attempt and self.member.style == "spooling" else None
            if await self._attempt(kind, rid, token, claimed):
                return
            if self.member.style == "curl":
                return
            await pause(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])

    async def _attempt(
        self, kind: Kind, rid: str | None, token: str, claimed: datetime | None
    ) -> bool:
        world, member = self._world, self.member

        async def handle() -> int:
            return await world.hear(member, kind, rid, token, claimed)

        try:
            async with asyncio.timeout(10):
                status = await world.network.carry(handle)
        except (LostError, TimeoutError):
            return False
        if status == 200:
            world.journal.acknowledged.add(token)
            world.note("acknowledged", token)
        return status == 200


def edited(member: Member, schedule: str, timezone: str, grace_s: int) -> Member:
    """Return the member with another plan."""
    return replace(member, schedule=schedule, timezone=timezone, grace_s=grace_s)
