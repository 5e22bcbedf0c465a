"""The judgement of our own runs: no slot lost, none doubled, nothing executed twice."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from dogwatch.core.result import Outcome
from dogwatch.core.run import LostRun
from dogwatch.core.schedule import parse
from dogwatch.store.database import Tx
from dogwatch.store.tables import runs
from tests.simulation.fleet import Member
from tests.simulation.journal import Era, Execution, Journal
from tests.simulation.window import overlapping

if TYPE_CHECKING:
    from tests.simulation.world import World

EDGE = timedelta(seconds=5)
OVERLAPPED = ("the run before is still going", "one run is waiting already")
ON_TIME = timedelta(seconds=30)


def judge_runs(tx: Tx, world: "World", quiet_at: datetime) -> Iterator[str]:
    """Yield every broken promise about the runs of jobs."""
    by_watch: dict[str, list[Any]] = defaultdict(list)
    for row in tx.conn.execute(select(runs)):
        by_watch[row.watch_id].append(row)
    executions: dict[str, list[Execution]] = defaultdict(list)
    for execution in world.journal.executions:
        executions[execution.run_id].append(execution)
    for member in world.members.values():
        if member.job:
            judged = Ledger(world.journal, member, by_watch[member.id], executions)
            yield from (f"{member.slug}: {breach}" for breach in judged.breaches(quiet_at))
    known = {row.id for found in by_watch.values() for row in found}
    yield from (f"triggered, but lost: {run}" for run in sorted(world.journal.triggered - known))


class Ledger:
    """The runs of one job."""

    def __init__(
        self,
        journal: Journal,
        member: Member,
        rows: Sequence[Any],
        executions: dict[str, list[Execution]],
    ) -> None:
        self._journal = journal
        self._member = member
        self._rows = rows
        self._executions = executions

    def breaches(self, quiet_at: datetime) -> Iterator[str]:
        """Return what is wrong with them."""
        for row in self._rows:
            yield from self._repeated(row)
            yield from self._endless(row, quiet_at)
            yield from self._excused(row)
        yield from self._lost(quiet_at)

    def _repeated(self, row: Any) -> Iterator[str]:
        """A run is executed again after a failure that its rules retry, or a death they rerun."""
        policy, done = self._member.policy, self._executions[row.id]
        for one in done[:-1]:
            failed = one.outcome is Outcome.FAIL and policy.max_attempts > 1
            died = one.outcome in (None, Outcome.SKIPPED) and policy.lost_run is LostRun.RERUN
            # A process that dies between the end of a run and its record has lost it all the same.
            unrecorded = one.outcome is not None and policy.lost_run is LostRun.RERUN
            if not (failed or died or (unrecorded and self._died_after(one))):
                yield f"run {row.id} of {row.slot_at} executed {len(done)} times"

    def _died_after(self, one: Execution) -> bool:
        return bool(overlapping(self._journal.outages, one.began_at, one.ended_at + EDGE))

    def _endless(self, row: Any, quiet_at: datetime) -> Iterator[str]:
        if row.state != "done" and (row.queued_at or row.slot_at) < quiet_at:
            yield f"run {row.id} of {row.slot_at} is still {row.state}"
        if row.outcome in ("ok", "slow") and not self._executions[row.id]:
            yield f"run {row.id} of {row.slot_at} is {row.outcome}, but nothing was executed"

    def _excused(self, row: Any) -> Iterator[str]:
        """A slot passes without a run only for an outage of ours or a run that was still open."""
        slot = row.slot_at
        if slot is None or self._executions[row.id]:
            return
        outage = overlapping(self._journal.outages, slot, slot + ON_TIME + EDGE)
        if row.outcome == "missed" and not outage:
            yield f"slot {slot} was missed while we were there"
        skipped = row.outcome == "skipped" and row.reason in OVERLAPPED
        if skipped and not any(self._open(other, row.finished_at) for other in self._rows):
            yield f"slot {slot} was skipped for no open run"

    def _open(self, row: Any, at: datetime) -> bool:
        began_at = row.queued_at or row.started_at
        if began_at is None or row.id is None:
            return False
        return bool(began_at <= at <= (row.finished_at or at))

    def _lost(self, quiet_at: datetime) -> Iterator[str]:
        """Every slot of a calendar has its line."""
        settled = {row.slot_at for row in self._rows if row.slot_at}
        eras = self._journal.eras[self._member.slug]
        for number, era in enumerate(eras):
            until = eras[number + 1].from_at if number + 1 < len(eras) else quiet_at
            for slot in self._slots(era, min(until, quiet_at) - EDGE):
                if slot not in settled:
                    yield f"slot {slot} has no line"

    def _slots(self, era: Era, until: datetime) -> Iterator[datetime]:
        if not era.schedule:
            return
        schedule = parse(era.schedule, era.timezone)
        slot = None if schedule.relative else schedule.after(era.from_at + EDGE)
        while slot is not None and slot <= until:
            yield slot
            slot = schedule.after(slot)
