"""What must have happened, worked out from the journal alone and compared with the store."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING

from dogwatch.core.ping import Kind
from dogwatch.core.schedule import parse
from dogwatch.store.database import Tx
from dogwatch.store.types import from_microseconds
from tests.simulation.fleet import Member
from tests.simulation.journal import Era, Journal, Ping
from tests.simulation.window import Windows, overlapping

if TYPE_CHECKING:
    from tests.simulation.world import World

SOON = timedelta(seconds=2)
BLINK = timedelta(seconds=1)
CONFUSED_FOR = timedelta(hours=7)
SILENT = "nothing heard by the deadline"


@dataclass(frozen=True, slots=True)
class Flip:
    """A flip as stored."""

    id: str
    at: datetime
    from_status: str
    to_status: str
    reason: str


def judge(tx: Tx, world: "World", quiet_at: datetime) -> list[str]:
    """Return every broken promise; what came after `quiet_at` is owed less."""
    journal = world.journal
    flips = _flips(tx)
    breaches = list(_kept(tx, journal))
    for member in world.members.values():
        told = flips.get(member.id, [])
        breaches += _told(tx, world, member, told, quiet_at)
        if not member.job:
            heartbeat = Heartbeat(journal, member, told, world.clock.now())
            breaches += [f"{member.slug}: {breach}" for breach in heartbeat.breaches()]
    return breaches


def _flips(tx: Tx) -> dict[str, list[Flip]]:
    found: dict[str, list[Flip]] = defaultdict(list)
    query = "SELECT watch_id, id, at, from_status, to_status, reason FROM flips ORDER BY rowid"
    for watch_id, flip_id, at, *rest in tx.conn.exec_driver_sql(query):
        found[watch_id].append(Flip(flip_id, from_microseconds(at), *rest))
    return found


def _kept(tx: Tx, journal: Journal) -> Iterator[str]:
    """Every ping that was acknowledged or committed is there, as often as it was heard."""
    stored = Counter(row[0] for row in tx.conn.exec_driver_sql("SELECT body FROM pings"))
    heard = Counter(ping.token for pings in journal.pings.values() for ping in pings)
    for token in sorted(journal.acknowledged - set(stored)):
        yield f"acknowledged but lost: {token}"
    for token in sorted((heard - stored) | (stored - heard)):
        yield f"heard {heard[token]} times, stored {stored[token]} times: {token}"


def _told(
    tx: Tx, world: "World", member: Member, flips: Sequence[Flip], quiet_at: datetime
) -> Iterator[str]:
    """Each flip that means something arrived at each host, under one id, or failed for good."""
    arrived: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for receipt in world.receivers.arrived:
        if receipt.watch == member.slug:
            arrived[receipt.host, receipt.event, receipt.since].add(receipt.delivery_id)
    for flip in flips:
        event = _event(flip)
        if event is None or flip.at > quiet_at:
            continue
        since = flip.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        failed = _failed(tx, flip.id)
        for host in ("all.example", member.host):
            ids = arrived[host, event, since]
            if len(ids) != 1 and not (failed and not ids):
                yield f"{member.slug}: {event} of {since} came to {host} as {sorted(ids)}"


def _in_turn(flips: Sequence[Flip]) -> list[tuple[datetime, str]]:
    """Return from when on each status held, as it was turned: a clock set back undoes times."""
    turns: list[tuple[datetime, str]] = []
    for flip in reversed(flips):
        at = min(flip.at, turns[-1][0]) if turns else flip.at
        turns.append((at, flip.to_status))
    return turns[::-1]


def _event(flip: Flip) -> str | None:
    if flip.to_status == "down":
        return "down"
    return "recovered" if flip.from_status == "down" and flip.to_status == "up" else None


def _failed(tx: Tx, flip_id: str) -> bool:
    query = "SELECT 1 FROM deliveries WHERE flip_id = ? AND state = 'failed'"
    return tx.conn.exec_driver_sql(query, (flip_id,)).first() is not None


def _counted(pings: Sequence[Ping]) -> Iterator[Ping]:
    """Yield, in order of arrival, the pings that say something new: a retry of one does not."""
    seen: set[tuple[str, Kind]] = set()
    for ping in pings:
        told = {(ping.rid, ping.kind), (ping.rid, Kind.OK), (ping.rid, Kind.FAIL)}
        if ping.rid is None or not seen & told:
            yield ping
        if ping.rid is not None:
            seen.add((ping.rid, ping.kind))


class Heartbeat:
    """The judgement of one heartbeat: no false alarm, none missing, each recovery told."""

    def __init__(
        self, journal: Journal, member: Member, flips: Sequence[Flip], end_at: datetime
    ) -> None:
        self._journal = journal
        self._flips = sorted(flips, key=lambda flip: flip.at)
        self._turns = _in_turn(flips)
        self._pings = sorted(_counted(journal.pings[member.slug]), key=lambda ping: ping.at)
        self._eras = journal.eras[member.slug]
        self._end_at = end_at

    def breaches(self) -> Iterator[str]:
        """Return what is wrong with what was told of this watch."""
        for flip in self._flips:
            if flip.to_status == "down" and not self._confused(flip.at):
                yield from self._unfounded(flip)
        for number, era in enumerate(self._eras):
            last = number + 1 == len(self._eras)
            until = self._end_at if last else self._eras[number + 1].from_at
            if era.schedule:
                yield from self._untold(Windows(era, self._journal.outages), until)
        yield from self._unturned()

    def _confused(self, at: datetime) -> bool:
        """Whether times shortly before came twice, so that their order tells nothing.

        An interval counts from the time to which the clock was set back.
        """
        era = self._era(at)
        schedule = parse(era.schedule, era.timezone) if era and era.schedule else None
        interval = timedelta(seconds=schedule.interval_s or 0) if schedule else timedelta()
        twice = [span for span in self._journal.outages if span.twice]
        return bool(overlapping(twice, at - CONFUSED_FOR - interval, at))

    # --- no false alarm ---------------------------------------------------------------------

    def _unfounded(self, flip: Flip) -> Iterator[str]:
        """A down flip must rest on a failure that was reported or a silence that was real."""
        era = self._era(flip.at)
        if era is None or not era.schedule:
            yield f"down at {flip.at} while paused"
        elif flip.reason == SILENT:
            yield from self._unfounded_silence(flip, era)
        elif flip.reason == "not finished in time":
            if not self._unfinished(flip.at):
                yield f"down at {flip.at}, but every run had finished"
        elif not self._resumed_down(flip) and not self._failed_between(flip.at, flip.at):
            yield f"down at {flip.at} for no reason: {flip.reason}"

    def _resumed_down(self, flip: Flip) -> bool:
        """Whether it was resumed as what it was: down before the pause, or failed meanwhile."""
        before = self._flips[: self._flips.index(flip)]
        if flip.from_status != "paused" or not before or before[-1].to_status != "paused":
            return False
        paused = before[-1]
        return paused.from_status == "down" or self._failed_between(paused.at, flip.at)

    def _failed_between(self, from_at: datetime, to_at: datetime) -> bool:
        fails = (ping.at for ping in self._pings if ping.kind is Kind.FAIL)
        return any(from_at <= at <= to_at for at in fails)

    def _unfounded_silence(self, flip: Flip, era: Era) -> Iterator[str]:
        known = [ping for ping in self._pings if ping.committed_at <= flip.at]
        if not known:
            yield f"down at {flip.at} before the first sign of life"
        windows = Windows(era, self._journal.outages, self._since(era))
        if not windows.silent(known, flip.at):
            last = known[-1].at if known else None
            yield f"false down at {flip.at}: last heard {last}, {era}"

    def _since(self, era: Era) -> datetime:
        """Return since when the schedule of an era has counted: a new grace alone keeps it."""
        plan = (era.schedule, era.timezone)
        since_at = era.from_at
        for other in reversed([other for other in self._eras if other.from_at < era.from_at]):
            if (other.schedule, other.timezone) != plan:
                break
            since_at = other.from_at
        return since_at

    def _unfinished(self, at: datetime) -> bool:
        known = [ping for ping in self._pings if ping.committed_at <= at]
        ended = {ping.rid for ping in known if ping.kind is not Kind.START}
        return any(ping.rid not in ended for ping in known if ping.kind is Kind.START)

    def _era(self, at: datetime) -> Era | None:
        return next((era for era in reversed(self._eras) if era.from_at <= at), None)

    # --- no missing alarm -------------------------------------------------------------------

    def _untold(self, windows: Windows, until: datetime) -> Iterator[str]:
        """Each silence that ended no later than `until` was told in time."""
        for silence in windows.silences(self._pings, until - SOON - BLINK):
            if self._status(silence.deadline_at - BLINK) not in ("up", "degraded"):
                continue
            if self._status(silence.judged_at) == "paused":
                continue
            first, last = silence.deadline_at - BLINK, silence.judged_at + SOON
            downs = [flip for flip in self._flips if flip.to_status == "down"]
            if not any(first <= flip.at <= last for flip in downs):
                yield f"silence untold: {silence}, {windows.era}"

    def _status(self, at: datetime) -> str:
        before = bisect_right(self._turns, at, key=itemgetter(0))
        return self._turns[before - 1][1] if before else "new"

    # --- what was reported counts -----------------------------------------------------------

    def _unturned(self) -> Iterator[str]:
        """A failure turns an up watch down, a success turns a down one up, at their own time."""
        turned = {(flip.at, flip.to_status) for flip in self._flips}
        for ping in sorted(self._pings, key=lambda ping: ping.committed_at):
            wanted = {Kind.FAIL: "down", Kind.OK: "up"}.get(ping.kind)
            if wanted is None or self._unsteady(ping):
                continue
            status = self._status(ping.at - timedelta(microseconds=1))
            if {status, wanted} == {"up", "down"} and (ping.at, wanted) not in turned:
                yield f"{ping.kind} at {ping.at} left it {status}"

    def _unsteady(self, ping: Ping) -> bool:
        """Whether the ping is told late, or falls on a moment at which something was changed."""
        near = (ping.at - 3 * SOON, ping.committed_at + 3 * SOON)
        changed = any(near[0] <= era.from_at <= near[1] for era in self._eras)
        late = ping.committed_at - ping.at > SOON
        return late or changed or bool(overlapping(self._journal.outages, *near))
