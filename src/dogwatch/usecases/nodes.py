"""Nodes: they join, beat and die; when none beat, the gap is ours and nobody is blamed for it."""

from dataclasses import replace
from datetime import datetime, timedelta

from dogwatch.clock import SharedClock
from dogwatch.core.probe.pace import first_slot
from dogwatch.core.slots import Gap
from dogwatch.store import jobs, nodes, probes, tasks, watches
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import runs
from dogwatch.usecases.watches import spread

LEASE = timedelta(seconds=10)
# The shortest silence of all nodes that counts as an outage of ours.
OUTAGE = timedelta(seconds=8)
RESTART = timedelta(seconds=1)
STEP_BACK = timedelta(seconds=1)
# The node that beat last in a restored store, which is the copy itself: no other has this id.
COPY = "backup"
# The fact whose lock whoever tells of a gap holds.
TELLING = "gap"
# More tasks than one node holds.
DROPPED = 100_000
BATCH = 500


def join_copy(tx: Tx, made_at: datetime, at: datetime) -> None:
    """Have a store, restored at `at`, know that it was listened to until the copy was made.

    The time since becomes a gap at the next start, however short it was.
    """
    nodes.join(tx, COPY, COPY, min(made_at, at - OUTAGE))


def agree(tx: Tx, clock: SharedClock) -> None:
    """Have a node's clock follow the database's: leases and gaps compare what nodes wrote."""
    asked_s = clock.monotonic()
    shared_at = nodes.shared_now(tx)
    if shared_at:
        clock.agree(shared_at, asked_s)


def join(tx: Tx, node_id: str, name: str, at: datetime, *, alone: bool) -> Gap | None:
    """Add a node and record for how long nobody listened before it.

    `alone`: no other process can be at work on this store, so what others held is lost at once.
    """
    gap = _note_gap(tx, at, RESTART if alone else OUTAGE)
    if alone:
        _note_step_back(tx, nodes.last_beat_at(tx), at)
        others = nodes.known(tx) | tasks.nodes_holding(tx) | probes.nodes_asking(tx)
        _lose_all(tx, others, at)
        probes.free(tx, others, at)
        nodes.leave(tx, others)
    nodes.join(tx, node_id, name, at)
    return gap


def beat(tx: Tx, node_id: str, at: datetime, unfolded_at: datetime | None = None) -> bool:
    """Note that the node is alive, and a gap if none was; False if it was declared dead.

    A gap is an outage, a suspended machine, or a wall clock set forward: in each, nobody listened
    to that time. A clock set back wakes whatever waits for a time that is now far away; it shows
    in the node's own beats alone, as clocks of two nodes never quite agree. `unfolded_at`: the node
    holds pings since then that are not in the database.
    """
    _note_step_back(tx, nodes.beat_at(tx, node_id), at)
    _note_gap(tx, at, OUTAGE)
    return nodes.beat(tx, node_id, at, unfolded_at)


def horizon(tx: Tx, at: datetime, cut: Gap | None = None) -> datetime:
    """Return the time up to which silence proves something: no living node holds older pings.

    `cut`: the asking node could not reach the database meanwhile. Others may have been cut off
    as well, and say what they hold with their first beat after it.
    """
    marks = nodes.marks(tx, at - LEASE)
    limits = [unfolded_at for _, unfolded_at in marks if unfolded_at]
    if cut and any(beat_at < cut.end_at for beat_at, _ in marks):
        limits.append(cut.start_at)
    return min([at, *limits])


def rejoin(tx: Tx, node_id: str, at: datetime) -> None:
    """Add a node anew that was away for so long that its row is gone."""
    nodes.join(tx, node_id, "", at)


def _note_gap(tx: Tx, at: datetime, least: timedelta) -> Gap | None:
    if _silent_since(tx, at, least) is None:
        return None
    nodes.claim_fact(tx, TELLING, "")  # of nodes that come back at once, one tells of the gap
    last_at = _silent_since(tx, at, least)
    if last_at is None:
        return None
    copied = nodes.beat_at(tx, COPY) == last_at
    gap = Gap(last_at, at, elsewhere=copied)
    nodes.add_gap(tx, gap, nodes.RESTORED if copied else "no node was alive")
    return gap


def _silent_since(tx: Tx, at: datetime, least: timedelta) -> datetime | None:
    """Return the last beat of all nodes if it was at least so long ago."""
    last_at = nodes.last_beat_at(tx)
    return last_at if last_at is not None and at - last_at >= least else None


def _note_step_back(tx: Tx, last_at: datetime | None, at: datetime) -> None:
    if last_at is None or at >= last_at - STEP_BACK:
        return
    nodes.rewind(tx, at)
    watches.wake_all(tx, at)
    _rebase_probes(tx, at)
    ahead = [(job.workspace_id, job.watch_id) for job in jobs.ahead(tx, at)]
    for first in range(0, len(ahead), BATCH):
        for record in watches.by_ids(tx, ahead[first : first + BATCH]).values():
            _rebase(tx, record, at)
    # Last: a run that was being queued by the old time is here once its watch could be locked.
    tasks.rewind(tx, last_at, at)


def _rebase_probes(tx: Tx, at: datetime) -> None:
    ahead = list(probes.ahead(tx, at))
    for first in range(0, len(ahead), BATCH):
        for record in watches.by_ids(tx, ahead[first : first + BATCH]).values():
            next_at = first_slot(record.watch.plan.schedule, record.id, at)
            if next_at and record.watch.slot_at and next_at < record.watch.slot_at:
                spread(tx, record, at)


def _rebase(tx: Tx, record: Record, at: datetime) -> None:
    """Have a job go on with the first slot after now; the ledger says which of them have run."""
    watch = record.watch
    next_at = watch.plan.after(at)
    if next_at and watch.slot_at and next_at < watch.slot_at:
        rebased = replace(watch, slot_at=next_at)
        from_at = next_at if watch.plan.relative else record.ledger_from_at
        watches.save(tx, replace(record, watch=rebased, ledger_from_at=from_at))
        jobs.set_next(tx, *record.key, next_at)


def reap(tx: Tx, at: datetime) -> int:
    """Take over what nodes without a recent beat held; return how many tasks that were."""
    holding = tasks.nodes_holding(tx) | probes.nodes_asking(tx)
    dead = holding & nodes.silent_since(tx, at - LEASE) | holding - nodes.known(tx)
    return runs.lost(tx, dead, at) + probes.free(tx, dead, at) if dead else 0


def lose(tx: Tx, node_id: str, at: datetime) -> int:
    """Take from a node what it has dropped itself; return how many tasks and probes that were."""
    return runs.lost(tx, {node_id}, at, DROPPED) + probes.free(tx, {node_id}, at)


def leave(tx: Tx, node_id: str, at: datetime) -> None:
    """Mark the last moment of a node that shuts down; its row tells the next one when that was."""
    probes.free(tx, {node_id}, at)
    nodes.beat(tx, node_id, at)


def _lose_all(tx: Tx, node_ids: set[str], at: datetime) -> None:
    while node_ids and runs.lost(tx, node_ids, at):
        pass
