"""What was still to be done when a copy was made is laid to rest, once it is restored."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import groupby

from dogwatch.core.result import Outcome, Result
from dogwatch.core.slots import finish_deadline
from dogwatch.core.watch import forgive
from dogwatch.store import deliveries, effects, jobs, retention, runs, tasks, watches
from dogwatch.store import nodes as nodes_store
from dogwatch.store.nodes import RESTORED
from dogwatch.store.runs import CHILD, Run
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import audit_log, backup, ending, flows, incidents, lateness, nodes
from dogwatch.usecases.callers import host
from dogwatch.usecases.ending import Over, run_key, watch_key
from dogwatch.usecases.watches import skip

RESTORE = "instance.restore"
# The fact that a copy was loaded, and when it was made, until it is laid to rest.
LOADED = "loaded_copy"
_LOST = Result(Outcome.UNKNOWN, RESTORED)


@dataclass(frozen=True, slots=True)
class Rested:
    """How much is done no more: runs under way, alerts unsent, and what was to follow runs."""

    runs: int
    alerts: int
    actions: int


def load(tx: Tx, lines: Iterable[str], made_at: datetime) -> int:
    """Put a copy into an empty store, to be laid to rest once its tables are up to date."""
    count = backup.restore(tx, lines)
    nodes_store.set_fact(tx, LOADED, made_at.isoformat())
    return count


def finish(tx: Tx, at: datetime) -> Rested:
    """Lay to rest what was loaded, whoever died before he did; nothing elsewhere."""
    made_at = nodes_store.fact(tx, LOADED)
    if made_at is None or not nodes_store.drop_fact(tx, LOADED):
        return Rested(0, 0, 0)
    return lay_to_rest(tx, datetime.fromisoformat(made_at), at)


def lay_to_rest(tx: Tx, made_at: datetime, at: datetime) -> Rested:
    """Have a restored store send no old alert and run no old slot, and say so in the audit log.

    Of incidents that are open people are reminded from now on, as of what is late. Whatever else
    came since the copy went to the old store, and silence about it proves nothing.
    """
    waited = effects.refuse_all(tx, f"{RESTORED}: not done")
    unsent = _keep_unsent(tx, at)
    tasks.drop_all(tx)
    incidents.follow_again(tx, at)
    for workspace_id in retention.workspace_ids(tx):
        lateness.arm_all(tx, workspace_id, at)
    nodes.join_copy(tx, made_at, at)
    rested = Rested(_end_runs(tx, made_at), unsent, waited)
    for record in watches.by_ids(tx, jobs.keys(tx)).values():
        skip(tx, record, RESTORED, at)
    detail = {"made_at": made_at.isoformat(), **asdict(rested)}
    audit_log.note(tx, host(0), RESTORE, "", at, detail, instance=True)
    return rested


def _keep_unsent(tx: Tx, at: datetime) -> int:
    reason = f"{RESTORED}: not sent again"
    rested = [
        replace(delivery, state="failed", reason=reason, settled_at=at, hold=None, due_at=at)
        for delivery in deliveries.unsettled(tx)
    ]
    deliveries.save_many(tx, rested)
    return len(rested)


def _end_runs(tx: Tx, made_at: datetime) -> int:
    """End what nobody will tell the end of, as of the copy; nothing follows it."""
    before = runs.unfinished(tx)
    flows.give_up(tx, RESTORED, made_at)
    left = runs.unfinished(tx)
    nodes_left = [run_key(run) for run in left if run.trigger == CHILD]
    runs.end_children(tx, dict.fromkeys(nodes_left, _LOST), made_at)
    own = sorted((run for run in left if run.trigger != CHILD), key=watch_key)
    by_watch = {key: list(some) for key, some in groupby(own, watch_key)}
    awaited = 0
    for key, record in watches.by_ids(tx, by_watch.keys()).items():
        awaited += _end_own(tx, record, by_watch[key], made_at)
    return len(before) - awaited


def _end_own(tx: Tx, record: Record, own: Sequence[Run], made_at: datetime) -> int:
    """End runs of a watch; return how many are awaited, but blamed no more: others may tell of
    their end."""
    lost = [Over(run, _LOST) for run in own if not _awaited(record, run)]
    if lost:
        record = ending.settle(tx, lost, {record.key: record}, made_at)[record.key]
    watches.save(tx, replace(record, watch=forgive(record.watch)))
    return len(own) - len(lost)


def _awaited(record: Record, run: Run) -> bool:
    plan, started_at = record.watch.plan, run.started_at
    if record.watch.job or started_at is None:
        return False
    return finish_deadline(plan, started_at, run.slot_at, job=False) is not None
