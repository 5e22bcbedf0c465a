"""What is to follow runs by the conditional actions of their jobs, noted as they end."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from dogwatch.core.conditional import due
from dogwatch.store import effects, jobs, results, runs, tasks
from dogwatch.store.effects import LANE, Effect
from dogwatch.store.jobs import JobRow
from dogwatch.store.runs import CHILD
from dogwatch.store.tasks import NewTask
from dogwatch.store.tx import Tx
from dogwatch.usecases.ending import Key, Over, run_key, watch_key


def note(tx: Tx, over: Sequence[Over], known: Mapping[Key, JobRow], at: datetime) -> None:
    """Note what is to follow these runs, which have been written, in their own transaction.

    `known` are jobs that have been read already. Of the nodes of a workflow its edges say what
    follows. The ledger's outcome counts, which is not always the runner's.
    """
    own = [one.run for one in over if one.run.trigger != CHILD]
    missing = {watch_key(run) for run in own} - known.keys()
    acting = {**known, **jobs.by_watches(tx, missing)}
    acting = {key: job for key, job in acting.items() if job.actions}
    keys = [run_key(run) for run in own if watch_key(run) in acting]
    if not keys:
        return
    handed = results.of_runs(tx, keys)
    new = []
    for key, run in runs.by_keys(tx, keys).items():
        condition = key in handed and bool(handed[key].condition)
        wanted = due(acting[watch_key(run)].actions, run.outcome, condition=condition)
        new += [Effect(*key, seq, action) for seq, action in enumerate(wanted)]
    effects.add_many(tx, new)
    waiting = dict.fromkeys((one.workspace_id, one.run_id) for one in new)
    tasks.add_many(tx, [NewTask(key[0], LANE, key[1], key[1], at) for key in waiting])
