"""What the nodes on one PostgreSQL share of what was spent: together never more than the limit.

A node spends in the database, many requests in one transaction, or from its leases. An even window
is asked about in the database each time; but what it refuses is refused here from then on, until it
has room again. The database's clock says which window it is. While the database does not answer, a
node goes on counting by itself: it lets no more than the limit pass, but the others may as well.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from dogwatch.clock import Clock
from dogwatch.core.limits import Verdict, spend
from dogwatch.store.spent import Place
from dogwatch.usecases.door import Door, Tx
from dogwatch.usecases.leasing import LEASED_S, Lease, Returned, Settled, lease_of, settle
from dogwatch.usecases.limiting import MOST_MARKS, Asked, Marks, Memory

BATCH = 256

_log = logging.getLogger("dogwatch.limiting")


@dataclass(frozen=True, slots=True)
class _Request:
    asked: Sequence[Asked]
    answer: "asyncio.Future[Sequence[Verdict]]"

    def settle(self, verdicts: Sequence[Verdict] | None) -> bool:
        """Answer it if there are verdicts; return whether."""
        if verdicts is not None and not self.answer.done():
            self.answer.set_result(verdicts)
        return verdicts is not None


class Shared:
    """Spends for one node. Its door is for nothing else: others wait behind the rows that are
    locked here, and what is written here need not survive a crash."""

    def __init__(
        self, door: Door, clock: Clock, agree: Callable[[Tx], None] = lambda tx: None
    ) -> None:
        """`agree` sets the clock by the database's, which each settling begins with."""
        self._door = door
        self._clock = clock
        self._agree = agree
        self._alone = Memory(clock)  # counts while the database is away
        self._leases: dict[Place, Lease] = {}
        self._seen: Marks = {}  # of even windows, which only ever fill up by themselves
        self._waiting: deque[_Request] = deque()
        self._away_until = 0.0
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def spend(self, asked: Sequence[Asked]) -> Sequence[Verdict]:
        """Spend one request; nobody is turned away, or kept waiting, because the database is."""
        if not asked:
            return ()
        found = self._found(asked)
        if found:
            return found
        if self._clock.monotonic() < self._away_until:
            return self._alone.spend_now(asked)
        answer: asyncio.Future[Sequence[Verdict]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(asked, answer))
        self._begin()
        return await answer

    async def give_back(self) -> None:
        """Give back all that is leased."""
        for lease in self._leases.values():
            lease.until = 0.0
        while any(lease.left for lease in self._leases.values()):
            await self._begin()
        if self._timer:
            self._timer.cancel()

    def _found(self, asked: Sequence[Asked]) -> Sequence[Verdict] | None:
        """Return the verdicts that need no database."""
        return self._from_leases(asked) or self._still_refused(asked)

    def _from_leases(self, asked: Sequence[Asked]) -> Sequence[Verdict] | None:
        """Let a request pass that all its windows have leased."""
        at, now = self._clock.now(), self._clock.monotonic()
        leases = []
        for one in asked:
            lease = self._leases.get(one.place)
            if lease is None or not lease.serves(one.window, at, now):
                return None
            leases.append(lease)
        return [lease.passed() for lease in leases]

    def _still_refused(self, asked: Sequence[Asked]) -> Sequence[Verdict] | None:
        """Refuse what was refused before and has no room yet."""
        known = [self._seen.get(one.place) for one in asked]
        if not any(known):
            return None
        marks = [lasting[0] if lasting else None for lasting in known]
        _, verdicts = spend([one.window for one in asked], marks, self._clock.now())
        return None if all(verdict.passes for verdict in verdicts) else verdicts

    # --- in the database --------------------------------------------------------------------

    def _begin(self) -> "asyncio.Task[None]":
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return self._task

    async def _work(self) -> None:
        """Settle once, and on while somebody waits; look again while anything is leased."""
        await self._settle()
        while self._waiting:
            await self._settle()
        if self._timer:
            self._timer.cancel()
        if self._leases:
            self._timer = asyncio.get_running_loop().call_later(LEASED_S, self._begin)

    async def _settle(self) -> None:
        """Answer those who wait, from what was leased meanwhile if it reaches that far."""
        size = min(BATCH, len(self._waiting))
        waited = [self._waiting.popleft() for _ in range(size)]
        left = [one for one in waited if not one.settle(self._found(one.asked))]
        found = await self._spent([one.asked for one in left])
        for one, verdicts in zip(left, found, strict=True):
            one.settle(verdicts)

    async def _spent(self, batch: Sequence[Sequence[Asked]]) -> Sequence[Sequence[Verdict]]:
        now = self._clock.monotonic()
        counts = Counter(one.place for asked in batch for one in asked)
        wanted = {
            place: self._leases[place].more(count, now) if place in self._leases else count - 1
            for place, count in counts.items()
        }
        returned = list(self._returned(counts, now))
        if not batch and not returned:
            return []

        def spent(tx: Tx) -> Settled:
            self._agree(tx)
            return settle(tx, batch, returned, wanted, self._clock.now())

        try:
            settled = await self._door.awrite(spent)
        except Exception as error:
            _log.warning("limits are counted by this node alone: %s", type(error).__name__)
            self._away_until = self._clock.monotonic() + LEASED_S
            return [self._alone.spend_now(asked) for asked in batch]
        self._learn(batch, settled, counts, now + LEASED_S)
        return settled.verdicts

    def _returned(self, asked: Collection[Place], now: float) -> Iterator[Returned]:
        """Take from the leases whose time is over, and from those that did not reach."""
        for place, lease in list(self._leases.items()):
            if lease.left and (place in asked or now >= lease.until):
                yield Returned(place, lease.began_at, lease.left)
                lease.left = 0
            elif lease.is_over(now):
                del self._leases[place]

    def _learn(
        self,
        batch: Sequence[Sequence[Asked]],
        settled: Settled,
        counts: Counter[Place],
        until: float,
    ) -> None:
        """Go on from what the database says."""
        self._alone.learn(settled.marks)
        if len(self._seen) > MOST_MARKS:
            self._seen.clear()
        for place, window in {one.place: one.window for asked in batch for one in asked}.items():
            mark, over_at = settled.marks[place]
            if window.kind == "even":
                self._seen[place] = mark, over_at
            else:
                left = settled.leased[place]
                self._leases[place] = lease_of(window, mark, left, counts[place], until)
