"""Holders of keys, known for a second: most calls ask the database nothing to learn who calls.

What changes a key, or what it is good for, tells the topic `keys` with its commit: a revoked key
is refused here from its answer on. Other nodes hear of it from PostgreSQL, within milliseconds,
and at the latest when their second is over.
"""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime

from dogwatch.clock import Clock
from dogwatch.store.keys import TOPIC
from dogwatch.usecases import keys
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.door import Door
from dogwatch.usecases.keys import NATIVE, Holder
from dogwatch.vault import Vault

KNOWN_S = 1.0
MOST_KNOWN = 10_000

_TOPICS = frozenset({TOPIC, "*"})
_log = logging.getLogger("dogwatch.keys")


@dataclass(frozen=True, slots=True)
class _Known:
    """A holder as he was in an epoch, the time between two changes of any key."""

    holder: Holder
    until: float
    epoch: object


class Holders:
    """Who holds which key of one dialect, by the hash of the key: known is what was proven."""

    def __init__(self, door: Door, vault: Vault, clock: Clock, dialect: str = NATIVE) -> None:
        self._door = door
        self._vault = vault
        self._clock = clock
        self._dialect = dialect
        self._known: dict[bytes, _Known] = {}
        self._asking: dict[tuple[bytes, object], asyncio.Task[Holder]] = {}
        self._epoch = object()
        self._hears = False

    async def caller(self, token: str, remote_ip: str) -> Caller:
        """Return who holds the key, and have its use noted; Problem("unauthorized")."""
        at = self._clock.now()
        proof = keys.proof(token, self._vault)
        holder = self._remembered(proof) or await self._asked(proof, token, at)
        holder.check(at)
        if holder.stale(at):
            await self._note(proof, holder, at)
        caller = holder.caller
        return caller if caller.remote_ip == remote_ip else self._moved(proof, holder, remote_ip)

    def _moved(self, proof: bytes, holder: Holder, remote_ip: str) -> Caller:
        """Return who calls from there now, and expect him there: most come from one address."""
        if known := self._known.get(proof):
            expected = replace(known.holder.caller, remote_ip=remote_ip)
            self._known[proof] = replace(known, holder=replace(known.holder, caller=expected))
        return replace(holder.caller, remote_ip=remote_ip)

    def _remembered(self, proof: bytes) -> Holder | None:
        known = self._known.get(proof)
        if known is None or known.epoch is not self._epoch:
            return None
        return known.holder if self._clock.monotonic() < known.until else None

    async def _asked(self, proof: bytes, token: str, at: datetime) -> Holder:
        """Ask the database once for all who call at the same time, in the same epoch."""
        if not self._hears:
            self._hears = True
            self._door.on_wake(self._hear)
        epoch = self._epoch
        place = proof, epoch
        if place not in self._asking:
            task = asyncio.create_task(self._ask(proof, epoch, token, at))
            self._asking[place] = task
            task.add_done_callback(lambda done: self._answered(place, done))
        return await asyncio.shield(self._asking[place])

    def _answered(self, place: tuple[bytes, object], done: asyncio.Task[Holder]) -> None:
        """Make room; what failed is taken note of, even if nobody waits for it any more."""
        del self._asking[place]
        if not done.cancelled():
            done.exception()

    async def _ask(self, proof: bytes, epoch: object, token: str, at: datetime) -> Holder:
        """Ask the database. What changes meanwhile begins an epoch that the answer is not of."""
        until = self._clock.monotonic() + KNOWN_S
        holder = await self._door.aread(
            lambda tx: keys.authenticate(tx, token, self._vault, at, self._dialect)
        )
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[proof] = _Known(holder, until, epoch)
        return holder

    def _hear(self, topics: frozenset[str]) -> None:
        """Know nobody any more; called in the thread that committed."""
        if topics & _TOPICS:
            self._epoch = object()
            self._known.clear()

    async def _note(self, proof: bytes, holder: Holder, at: datetime) -> None:
        """Note when the key was used; that this fails on a full disk must not stop a reader."""
        if known := self._known.get(proof):
            self._known[proof] = replace(known, holder=replace(holder, used_at=at))
        try:
            await self._door.awrite(
                lambda tx: keys.used(tx, holder.caller, at), holder.caller.workspace_id
            )
        except Exception as error:
            _log.warning("the use of a key was not noted: %s", type(error).__name__)
