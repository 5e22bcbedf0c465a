"""Questions that prove the ledger: what must never be found in any store."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, and_, case, exists, func, or_, select

from dogwatch.core.slots import STRETCH
from dogwatch.store.tables import (
    deliveries,
    effects,
    flips,
    incident_members,
    incidents,
    runs,
    tasks,
    watches,
    workflow_steps,
)
from dogwatch.store.tx import Tx

PAGE = 1_000


def doubled_slots(tx: Tx) -> Iterator[dict[str, Any]]:
    """Yield slots of a watch that have more than one run."""
    found = (
        select(runs.c.workspace_id, runs.c.watch_id, runs.c.slot_at, func.count().label("runs"))
        .where(runs.c.slot_at.is_not(None))
        .group_by(runs.c.workspace_id, runs.c.watch_id, runs.c.slot_at)
        .having(func.count() > 1)
    )
    yield from _rows(tx, found)


def endless_runs(tx: Tx) -> Iterator[dict[str, Any]]:
    """Yield runs whose state and outcome contradict each other."""
    done = runs.c.state == "done"
    wrong = or_(and_(done, runs.c.outcome.is_(None)), and_(~done, runs.c.outcome.is_not(None)))
    yield from _rows(tx, select(runs.c.workspace_id, runs.c.watch_id, runs.c.id).where(wrong))


def orphaned_runs(tx: Tx) -> Iterator[dict[str, Any]]:
    """Yield open runs of jobs that nothing in the queue will ever end."""
    queued = exists().where(
        tasks.c.workspace_id == runs.c.workspace_id, tasks.c.ref_id == runs.c.id
    )
    found = select(runs.c.workspace_id, runs.c.watch_id, runs.c.id).where(
        runs.c.state != "done", runs.c.trigger != "ping", ~queued
    )
    yield from _rows(tx, found)


def stalled_steps(tx: Tx) -> Iterator[dict[str, Any]]:
    """Yield nodes of workflows that are open though their run, or the workflow's, is over."""
    over = exists().where(
        runs.c.workspace_id == workflow_steps.c.workspace_id,
        runs.c.id.in_((workflow_steps.c.child_id, workflow_steps.c.run_id)),
        runs.c.state == "done",
    )
    found = select(workflow_steps.c.run_id, workflow_steps.c.node)
    yield from _rows(tx, found.where(workflow_steps.c.outcome.is_(None), over))


def forgotten_effects(tx: Tx) -> Iterator[dict[str, Any]]:
    """Yield what is to follow runs, and nothing in the queue will see to it."""
    queued = exists().where(
        tasks.c.workspace_id == effects.c.workspace_id, tasks.c.ref_id == effects.c.run_id
    )
    found = select(effects.c.run_id, effects.c.seq).where(effects.c.state == "waiting", ~queued)
    yield from _rows(tx, found)


def stuck_deliveries(tx: Tx) -> Iterator[dict[str, Any]]:
    """Yield deliveries that have no end and that nothing in the queue will lead to one."""
    carrier = deliveries.alias("carrier")
    queued = exists().where(
        tasks.c.workspace_id == deliveries.c.workspace_id,
        or_(tasks.c.ref_id == deliveries.c.id, and_(*_collected_by(deliveries.c.channel_id))),
    )
    carried = exists().where(
        carrier.c.workspace_id == deliveries.c.workspace_id,
        carrier.c.id == deliveries.c.bundle_id,
        carrier.c.state == "pending",
    )
    found = select(deliveries.c.workspace_id, deliveries.c.watch_id, deliveries.c.id).where(
        deliveries.c.state.in_(("pending", "held")), ~queued, ~carried
    )
    yield from _rows(tx, found)


def _collected_by(channel_id: Column[Any]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of the timer that sends what a channel collects."""
    lane = case((deliveries.c.hold == "group", "bundle"), (deliveries.c.hold == "digest", "digest"))
    return tasks.c.ref_id == channel_id, tasks.c.lane == lane


def unexplained(tx: Tx) -> Iterator[dict[str, Any]]:
    """Yield deliveries that are held or suppressed without a reason."""
    found = select(deliveries.c.workspace_id, deliveries.c.watch_id, deliveries.c.id).where(
        deliveries.c.state.in_(("held", "suppressed")), deliveries.c.reason == ""
    )
    yield from _rows(tx, found)


def endless_incidents(tx: Tx) -> Iterator[dict[str, Any]]:
    """Yield incidents that are open though all that belonged to them is over."""
    going = exists().where(
        incident_members.c.workspace_id == incidents.c.workspace_id,
        incident_members.c.incident_id == incidents.c.id,
        incident_members.c.ended_at.is_(None),
    )
    found = select(incidents.c.workspace_id, incidents.c.number)
    yield from _rows(tx, found.where(incidents.c.closed_at.is_(None), ~going))


def flips_and_told(
    tx: Tx, workspace_id: int
) -> Iterator[tuple[Mapping[str, Any], Collection[str]]]:
    """Yield the flips of a workspace, oldest first, each with the channels it has deliveries to."""
    after = ""
    while page := _page(tx, workspace_id, after):
        after = page[-1]["id"]
        told: dict[str, set[str]] = {}
        found = select(deliveries.c.flip_id, deliveries.c.channel_id).where(
            deliveries.c.workspace_id == workspace_id,
            deliveries.c.flip_id.in_([flip["id"] for flip in page]),
        )
        for flip_id, channel_id in tx.conn.execute(found):
            told.setdefault(flip_id, set()).add(channel_id)
        for flip in page:
            yield flip, told.get(flip["id"], set())


def _page(tx: Tx, workspace_id: int, after: str) -> list[dict[str, Any]]:
    mine = (flips.c.workspace_id == workspace_id, flips.c.id > after)
    return list(_rows(tx, select(flips).where(*mine).order_by(flips.c.id).limit(PAGE)))


def slots(
    tx: Tx, workspace_id: int, watch_id: str, from_at: datetime, until: datetime
) -> Sequence[datetime]:
    """Return the slots of a watch in [from_at, until) that have their run, oldest first."""
    found = select(runs.c.slot_at).where(
        runs.c.workspace_id == workspace_id,
        runs.c.watch_id == watch_id,
        runs.c.slot_at >= from_at,
        runs.c.slot_at < until,
    )
    return tx.conn.scalars(found.order_by(runs.c.slot_at)).all()


def stretches(tx: Tx, workspace_id: int, watch_id: str) -> Sequence[tuple[datetime, datetime]]:
    """Return the slots of a watch whose line stands for later ones as well, each with when it was
    told: for those up to then that have no line.
    """
    found = select(runs.c.slot_at, runs.c.finished_at).where(
        runs.c.workspace_id == workspace_id,
        runs.c.watch_id == watch_id,
        runs.c.reason == STRETCH,
    )
    return [(row.slot_at, row.finished_at) for row in tx.conn.execute(found)]


def all_flips(tx: Tx, workspace_id: int, watch_id: str) -> Iterator[dict[str, Any]]:
    """Yield the flips of a watch, oldest first."""
    found = select(flips).where(flips.c.workspace_id == workspace_id, flips.c.watch_id == watch_id)
    yield from _rows(tx, found.order_by(flips.c.at, flips.c.id))


def all_watches(tx: Tx) -> Iterator[tuple[int, str]]:
    """Yield the (workspace id, id) of every watch."""
    last = (0, "")
    while True:
        ids = (watches.c.workspace_id, watches.c.id)
        later = or_(ids[0] > last[0], and_(ids[0] == last[0], ids[1] > last[1]))
        page = tx.conn.execute(select(*ids).where(later).order_by(*ids).limit(PAGE)).all()
        if not page:
            return
        yield from ((row.workspace_id, row.id) for row in page)
        last = (page[-1].workspace_id, page[-1].id)


def _rows(tx: Tx, found: Select[Any]) -> Iterator[dict[str, Any]]:
    for row in tx.conn.execute(found):
        yield dict(row._mapping)
