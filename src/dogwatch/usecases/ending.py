"""How runs end: their watches are told, their lines written, and who has had all runs is paused."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dogwatch.core.result import Result
from dogwatch.core.signals import Finish, Signal
from dogwatch.core.watch import Status
from dogwatch.store import jobs, runs
from dogwatch.store.runs import Run
from dogwatch.store.tasks import Task
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import environments
from dogwatch.usecases.signals import Change, apply_many
from dogwatch.usecases.watches import pause

Key = tuple[int, str]
Records = Mapping[Key, Record]


@dataclass(frozen=True, slots=True)
class Over:
    """A run that gets its outcome; nothing more is to be done for its task, if it has one."""

    run: Run
    result: Result
    task: Task | None = None

    def signal(self, at: datetime) -> Finish:
        """Return what its watch is told."""
        result = self.result
        measured = result.duration_ms or None
        return Finish(at, self.run.id, result.outcome, self.run.rid, result.reason, measured)


def watch_key(run: Run) -> Key:
    """Return the key of the watch that a run is of."""
    return run.workspace_id, run.watch_id


def run_key(run: Run) -> Key:
    """Return the key of a run."""
    return run.workspace_id, run.id


def by_hand(some: Iterable[Run]) -> Sequence[Key]:
    """Return the keys of those runs that may have an environment of their own."""
    return [run_key(run) for run in some if run.trigger == environments.TRIGGER]


def settle(tx: Tx, over: Sequence[Over], records: Records, at: datetime) -> Records:
    """Write how runs of locked watches ended; return the watches afterwards."""
    after = tell(tx, [(one.run, one.signal(at)) for one in over], records, at)
    runs.set_results(tx, {run_key(one.run): one.result for one in over})
    environments.forget(tx, by_hand(one.run for one in over))
    return {**after, **_retired(tx, [after[watch_key(one.run)] for one in over], at)}


def tell(tx: Tx, told: Sequence[tuple[Run, Signal]], records: Records, at: datetime) -> Records:
    """Apply signals of runs, all those of one watch together; return the watches afterwards."""
    signals: dict[Key, list[Signal]] = {}
    for run, signal in told:
        signals.setdefault(watch_key(run), []).append(signal)
    triggers = {watch_key(run): run.trigger for run, _ in told}
    changes = [Change(records[key], some, triggers[key]) for key, some in signals.items()]
    changed = apply_many(tx, changes, at) if changes else []
    return {**records, **{record.key: record for record in changed}}


def _retired(tx: Tx, ended: Iterable[Record], at: datetime) -> Records:
    """Pause the jobs that have had all their runs, once the last of them has ended."""
    still = [one for one in ended if not one.watch.open and one.watch.status is not Status.PAUSED]
    spent = jobs.spent(tx, [one.key for one in still if one.watch.slot_at is None])
    records = {one.key: one for one in still if one.key in spent}
    return {key: pause(tx, record, at) for key, record in records.items()}
