"""A network that drops, delays and repeats, and the receivers of webhooks behind it."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from dogwatch.egress import EgressError, Request, Response
from tests.simulation.virtual import VirtualClock, pause


class LostError(Exception):
    """No answer came."""


class Network:
    """Carries requests; while it is `bad`, some are lost, late or arrive twice."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.bad = True

    async def carry(self, handle: Callable[[], Awaitable[int]]) -> int:
        """Return the status of the answer, or raise `LostError`."""
        drawn = self._random.random() if self.bad else 1.0
        if drawn < 0.03:
            await pause(10)
            raise LostError
        await pause(self._latency_s())
        if drawn < 0.06:
            asyncio.get_running_loop().create_task(self._repeat(handle))
        status = await handle()
        if drawn > 0.97 and self.bad:
            await pause(10)
            raise LostError
        await pause(0.01)
        return status

    async def _repeat(self, handle: Callable[[], Awaitable[int]]) -> None:
        await pause(self._random.uniform(0, 40))
        with contextlib.suppress(LostError):
            await handle()

    def _latency_s(self) -> float:
        slow = self.bad and self._random.random() < 0.02
        return self._random.uniform(0.1, 8) if slow else self._random.uniform(0.001, 0.05)


@dataclass(slots=True)
class Receipt:
    """One arrival at a receiver."""

    host: str
    delivery_id: str
    watch: str
    event: str
    since: str


@dataclass(slots=True)
class Receivers:
    """Stands in for `Egress`: every host answers in its present mood."""

    clock: VirtualClock
    random: Random
    mood: dict[str, str] = field(default_factory=dict)
    arrived: list[Receipt] = field(default_factory=list)
    note: Callable[..., None] = print

    MOODS = ("well", "well", "well", "late", "ill", "hangs", "deaf", "mute", "busy")

    def change(self) -> None:
        """Give one host another mood."""
        host = self.random.choice(sorted(self.mood))
        self.mood[host] = self.random.choice(self.MOODS)
        self.note("mood", host, self.mood[host])

    async def fetch(self, request: Request) -> Response:
        """Answer as the host feels."""
        host = request.url.removeprefix("https://").partition("/")[0]
        mood = self.mood[host]
        await pause(self.random.uniform(0.01, 0.2))
        if mood == "deaf":
            raise EgressError("connect", "could not connect")
        if mood == "hangs":
            await pause(request.timeout_s)
            raise EgressError("timeout", "timed out")
        if mood == "late":
            await pause(self.random.uniform(0.5, 12))
        if mood in ("ill", "busy"):
            status = 500 if mood == "ill" else 429
            return self._answer(request, status, (("retry-after", "30"),))
        self._take(host, request)
        if mood == "mute":
            await pause(request.timeout_s)
            raise EgressError("timeout", "timed out")
        return self._answer(request, 204, ())

    def _take(self, host: str, request: Request) -> None:
        data = json.loads(request.body)["data"]
        delivery_id = dict(request.headers)["webhook-id"]
        assert delivery_id == data["delivery_id"]
        receipt = Receipt(host, delivery_id, data["watch"]["slug"], data["event"], data["since_at"])
        self.arrived.append(receipt)
        self.note("arrived", receipt)

    def _answer(
        self, request: Request, status: int, headers: tuple[tuple[str, str], ...]
    ) -> Response:
        return Response(status, headers, b"", False, {}, "192.0.2.1")
