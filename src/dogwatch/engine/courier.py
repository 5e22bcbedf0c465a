"""The courier: sends deliveries, each to its channel, none of them held up by another's."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping

import structlog

from dogwatch.clock import Clock
from dogwatch.core.alerts import Attempt, Verdict
from dogwatch.core.problems import Problem
from dogwatch.egress import Egress
from dogwatch.notify import CHANNELS
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import telling
from dogwatch.usecases.telling import Parcel, Room
from dogwatch.vault import Vault

POLL_S = 1.0
TIMEOUT_S = 15.0
PER_ENDPOINT = 4
RETRY_WRITE_S = 0.5

_log = structlog.get_logger("dogwatch.courier")


class Courier:
    """Sends up to `concurrency` deliveries at once, a few per endpoint, a share per workspace.

    A delivery counts as sent only after its 2xx is recorded; a crash between the two sends it
    again under the same id.
    """

    name = "courier"
    topics = frozenset({telling.LANE})

    def __init__(
        self,
        database: Database,
        clock: Clock,
        vault: Vault,
        egress: Egress,
        node_id: str,
        concurrency: int,
        base_url: str,
        instance_settings: Mapping[str, object],
    ) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._egress = egress
        self._node_id = node_id
        self._concurrency = concurrency
        self._base_url = base_url
        self._instance_settings = instance_settings
        self._going: dict[asyncio.Task[None], Parcel] = {}
        self.on_end: Callable[[], None] = lambda: None

    async def step(self) -> float:
        """Claim as many deliveries as there is room for and begin to send them."""
        room = self._room()
        if room.limit <= 0:
            return POLL_S
        parcels = await self._database.awrite(lambda tx: self._claim(tx, room))
        for parcel in parcels:
            task = asyncio.create_task(self._send(parcel))
            self._going[task] = parcel
            task.add_done_callback(self._end)
        return 0.0 if parcels else POLL_S

    async def idle(self) -> None:
        """Wait until nothing is being sent."""
        while self._going:
            await asyncio.wait(self._going)

    async def drain(self, grace_s: float) -> None:
        """Let sends end within the grace; the others are sent again by whoever comes next."""
        if self._going:
            await asyncio.wait(self._going, timeout=grace_s)
        for task in list(self._going):
            task.cancel()
        await self.idle()

    def _claim(self, tx: Tx, room: Room) -> list[Parcel]:
        return list(
            telling.claim(tx, self._node_id, self._clock.now(), room, self._vault, self._base_url)
        )

    def _room(self) -> Room:
        """Leave a full endpoint its queue, and every workspace at most half of the courier."""
        going = self._going.values()
        endpoints = Counter(parcel.task.bulkhead for parcel in going)
        workspaces = Counter(parcel.task.workspace_id for parcel in going)
        share = max(self._concurrency // 2, 1)
        return Room(
            limit=self._concurrency - len(self._going),
            per_endpoint=PER_ENDPOINT,
            full_endpoints=frozenset(key for key, n in endpoints.items() if n >= PER_ENDPOINT),
            full_workspaces=frozenset(key for key, n in workspaces.items() if n >= share),
        )

    def _end(self, task: asyncio.Task[None]) -> None:
        self._going.pop(task, None)
        self.on_end()

    async def _send(self, parcel: Parcel) -> None:
        try:
            attempt = await self._attempt(parcel)
        except asyncio.CancelledError:
            await self._write(lambda tx: telling.give_back(tx, parcel, self._clock.now()))
            return
        await self._write(
            lambda tx: telling.settle(tx, parcel, attempt, self._clock.now(), random.random())  # noqa: S311  (only spreads)
        )

    async def _attempt(self, parcel: Parcel) -> Attempt:
        settings = {**self._instance_settings, **parcel.settings}
        channel = CHANNELS[parcel.channel.kind]
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(TIMEOUT_S + 1):
                return await channel.send(self._egress, settings, parcel.message, self._clock.now())
        except Exception as error:  # whatever a channel does, its delivery is tried again
            _log.error("channel failed", kind=parcel.channel.kind, error=type(error).__name__)
            elapsed_ms = round((self._clock.monotonic() - started) * 1000)
            words = "timed out" if isinstance(error, TimeoutError) else "internal error"
            return Attempt(Verdict.RETRY, None, words, elapsed_ms)

    async def _write(self, fn: Callable[[Tx], object]) -> None:
        """Write the receipt, however long the database is away."""
        while True:
            try:
                await self._database.awrite(fn)
            except Problem as problem:
                if problem.kind != "away":
                    raise
                await asyncio.sleep(RETRY_WRITE_S)
            else:
                return
