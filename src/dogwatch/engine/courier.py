"""The courier: sends deliveries, each to its channel, none of them held up by another's."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

import structlog

from dogwatch.clock import Clock
from dogwatch.core.alerts import Attempt, Verdict
from dogwatch.egress import Egress
from dogwatch.engine.places import Place, Places
from dogwatch.engine.receipts import Receipts
from dogwatch.notify import CHANNELS
from dogwatch.notify.channel import Channel
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import telling
from dogwatch.usecases.holding import LANE
from dogwatch.usecases.telling import Parcel, Room
from dogwatch.vault import Vault

POLL_S = 1.0
# To begin a delivery takes half a millisecond of the loop that pings are answered on.
AT_ONCE = 16
TIMEOUT_S = 15.0

_log = structlog.get_logger("dogwatch.courier")


class Courier:
    """Sends about `concurrency` deliveries at once; `Places` says to whom.

    A delivery counts as sent only after its 2xx is recorded; a crash between the two sends it
    again under the same id.
    """

    name = "courier"
    topics = frozenset({LANE})

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
        channels: Mapping[str, Channel] = CHANNELS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._egress = egress
        self._node_id = node_id
        self._base_url = base_url
        self._instance_settings = instance_settings
        self._channels = channels
        self._places = Places(concurrency)
        self._receipts = Receipts(database, clock)
        self._going: dict[asyncio.Task[None], Place] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self.on_end: Callable[[], None] = lambda: None

    async def step(self) -> float:
        """Claim as many deliveries as there is room for and begin to send them."""
        asked = self._clock.monotonic()
        room = self._places.room(asked)
        parcels: Sequence[Parcel] = ()
        if room.limit > 0:
            parcels = await self._database.awrite(lambda tx: self._claim(tx, room))
        for count, parcel in enumerate(parcels, 1):
            self._begin(parcel)
            if count % AT_ONCE == 0:
                await asyncio.sleep(0)  # pings are answered between
        if parcels:
            return 0.0
        self._places.rest()
        took_s = self._clock.monotonic() - asked
        return min(max(self._places.stalls_in_s(asked) - took_s, 0.0), POLL_S)

    async def idle(self) -> None:
        """Wait until nothing is being sent."""
        while self._going:
            await asyncio.wait(self._going)

    async def drain(self, grace_s: float) -> None:
        """Let sends end within the grace; the others are sent again by whoever comes next."""
        if self._going:
            await asyncio.wait(self._going, timeout=grace_s)
        self._receipts.leave()
        for task in self._sending:
            task.cancel()
        await self.idle()

    def _claim(self, tx: Tx, room: Room) -> list[Parcel]:
        return list(
            telling.claim(tx, self._node_id, self._clock.now(), room, self._vault, self._base_url)
        )

    def _begin(self, parcel: Parcel) -> None:
        place = self._places.begin(parcel.task, self._clock.monotonic())
        task = asyncio.create_task(self._send(parcel, place))
        self._going[task] = place
        self._sending.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._places.end(self._going.pop(task))
        self._sending.discard(task)
        self.on_end()

    async def _send(self, parcel: Parcel, place: Place) -> None:
        task = asyncio.current_task()
        attempt: Attempt | None = None
        with contextlib.suppress(asyncio.CancelledError):
            attempt = await self._attempt(parcel)
            success = attempt.verdict is Verdict.SENT
            if not success:
                _tell(parcel, attempt)
            self._places.heard(place, self._clock.monotonic(), success=success)
        # From here on nothing cancels the task: what was answered must be written.
        if task:
            self._sending.discard(task)
        await self._receipts.write(parcel, attempt)

    async def _attempt(self, parcel: Parcel) -> Attempt:
        settings = {**self._instance_settings, **parcel.settings}
        channel = self._channels[parcel.channel.kind]
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(TIMEOUT_S + 1):
                return await channel.send(self._egress, settings, parcel.message, self._clock.now())
        except Exception as error:  # whatever a channel does, its delivery is tried again
            _log.error("channel failed", kind=parcel.channel.kind, error=type(error).__name__)
            elapsed_ms = round((self._clock.monotonic() - started) * 1000)
            words = "timed out" if isinstance(error, TimeoutError) else "internal error"
            return Attempt(Verdict.RETRY, None, words, elapsed_ms)


def _tell(parcel: Parcel, attempt: Attempt) -> None:
    """Log an attempt that failed; its words hold no secret."""
    _log.warning(
        "not delivered",
        channel=parcel.channel.name,
        kind=parcel.channel.kind,
        delivery_id=parcel.delivery.id,
        attempt=parcel.task.attempt,
        final=attempt.verdict is not Verdict.RETRY,
        why=attempt.detail,
    )
