"""The parts of one node's engine, made on demand for tests that step them by hand."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network

from dogwatch.core.result import Outcome, Result
from dogwatch.egress import Egress
from dogwatch.engine.courier import Courier
from dogwatch.engine.heart import Heart
from dogwatch.engine.scheduler import Scheduler
from dogwatch.engine.sweeper import Sweeper
from dogwatch.engine.worker import Worker
from dogwatch.notify import CHANNELS
from dogwatch.notify.channel import Channel
from dogwatch.usecases.runs import Work
from tests.harness.clock import ManualClock
from tests.harness.house import BASE_URL, NOON, House

LOOPBACK = (ip_network("127.0.0.0/8"),)
OK = Result(Outcome.OK)
Write = Callable[[str, bytes], None]


@dataclass
class Hand:
    """A runner whose runs end when a test says so; `gate` open from the start lets all pass."""

    result: Result = OK
    began: list[Work] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)
    says: bytes = b""
    most: int = 0
    error: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    _now: int = 0

    async def __call__(self, work: Work, write: Write) -> Result:
        self.began.append(work)
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            write("stdout", self.says)
            await self.gate.wait()
        except asyncio.CancelledError:
            self.killed.append(work.run.id)
            raise
        finally:
            self._now -= 1
        if self.error:
            raise self.error
        return self.result


def passing(result: Result = OK) -> Hand:
    """Return a runner that ends each run at once."""
    hand = Hand(result)
    hand.gate.set()
    return hand


class Crew:
    """Makes the loops of one node; their clock is the test's."""

    def __init__(self, house: House, clock: ManualClock, node_id: str = "node-a") -> None:
        self.house = house
        self.clock = clock
        self.node_id = node_id

    @property
    def seconds(self) -> float:
        """The time in seconds after noon, as the house counts."""
        return (self.clock.now() - NOON).total_seconds()

    def join(self, *, alone: bool = False) -> None:
        """Add the node."""
        self.house.join(self.node_id, self.seconds, alone=alone)

    def scheduler(self) -> Scheduler:
        """Return a scheduler."""
        return Scheduler(self.house.database, self.clock)

    def sweeper(self) -> Sweeper:
        """Return a sweeper."""
        return Sweeper(self.house.database, self.clock, self.node_id)

    def heart(
        self, drop_work: Callable[[], None] | None = lambda: None, patience_s: float = 10
    ) -> Heart:
        """Return a heart that gives up a beat after `patience_s`."""
        return Heart(self.house.database, self.clock, self.node_id, drop_work, patience_s)

    def worker(self, hand: Hand, concurrency: int = 5, lane: str = "http") -> Worker:
        """Return a worker of a lane."""
        return Worker(
            lane, concurrency, hand, self.house.database, self.clock, self.house.vault,
            self.node_id,
        )  # fmt: skip

    def courier(
        self, egress: Egress, concurrency: int = 20, channels: Mapping[str, Channel] = CHANNELS
    ) -> Courier:
        """Return a courier."""
        return Courier(
            self.house.database, self.clock, self.house.vault, egress, self.node_id, concurrency,
            BASE_URL, {}, channels,
        )  # fmt: skip
