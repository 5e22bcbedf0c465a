"""Outside: tells somebody elsewhere every minute that Dogwatch itself is well."""

from datetime import timedelta

import structlog

from dogwatch.clock import Clock
from dogwatch.core.masking import mask_address
from dogwatch.egress import Egress, EgressError, Request
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import outside, system

TIMEOUT_S = 10.0

_log = structlog.get_logger("dogwatch.engine")


class Outside:
    """Asks an address while the store takes writes and no loop is behind, and else keeps silent.

    The address may hold a secret: nothing here repeats it.
    """

    name = "outside"
    topics: frozenset[str] = frozenset()

    def __init__(self, database: Database, clock: Clock, egress: Egress, url: str) -> None:
        self._database = database
        self._clock = clock
        self._egress = egress
        self._address = mask_address(url)
        self._request = Request("GET", url, timeout_s=TIMEOUT_S, max_redirects=3)

    async def step(self) -> float:
        """Tell if it is this node's turn; return the seconds until the next."""
        began = self._clock.monotonic()
        ours, wait = await self._database.awrite(self._turn)
        if ours:
            fault = await self._told()
            await self._database.awrite(lambda tx: outside.note(tx, self._clock.now(), fault))
        return max(wait.total_seconds() - (self._clock.monotonic() - began), 0.0)

    def _turn(self, tx: Tx) -> tuple[bool, timedelta]:
        at = self._clock.now()
        return outside.turn(tx, at, self._address, system.behind(tx, at))

    async def _told(self) -> str:
        """Return why nobody was told, "" if somebody was."""
        try:
            answer = await self._egress.fetch(self._request)
        except EgressError as error:
            fault = str(error)
        else:
            fault = "" if 200 <= answer.status_code < 300 else f"status {answer.status_code}"
        if fault:
            _log.warning("the outside heartbeat fails", why=fault)
        return fault
