"""Incidents, the flips that belong to them, and what people did about them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, insert, select, update

from dogwatch.core.incident import snoozing_until_at
from dogwatch.store import nodes
from dogwatch.store.tables import incident_members, incident_notes, incidents
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Incident:
    """One trouble: open until all that belongs to it is over, or somebody closed it."""

    workspace_id: int
    id: str
    number: int
    project: str
    opened_at: datetime
    joined_at: datetime
    acked_at: datetime | None = None
    acked_by: str | None = None
    snoozed_until_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None

    @property
    def state(self) -> str:
        """`open`, `acknowledged` or `closed`."""
        if self.closed_at:
            return "closed"
        return "acknowledged" if self.acked_at else "open"

    def snoozing_until_at(self, at: datetime) -> datetime | None:
        """Return until when nothing is said of it, None if it is not snoozed at `at`."""
        return snoozing_until_at(self.snoozed_until_at, self.state, at)


@dataclass(frozen=True, slots=True)
class Member:
    """One watch's part: from the flip that took it down to its end."""

    workspace_id: int
    incident_id: str
    flip_id: str
    watch_id: str
    began_at: datetime
    ended_at: datetime | None = None
    expected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was done about an incident, by whom; `link`: the delivery whose link did."""

    workspace_id: int
    incident_id: str
    at: datetime
    kind: str
    by: str
    detail: str = ""
    link: str | None = None


def add(tx: Tx, incident: Incident) -> None:
    """Insert an incident; its number is never given again."""
    tx.conn.execute(insert(incidents).values(**_values(incident)))
    nodes.set_fact(tx, _last(incident.workspace_id), str(incident.number))


def next_number(tx: Tx, workspace_id: int) -> int:
    """Return the number of the next incident of a locked workspace; none comes twice."""
    highest = select(func.max(incidents.c.number)).where(incidents.c.workspace_id == workspace_id)
    return 1 + max(int(nodes.fact(tx, _last(workspace_id)) or 0), int(tx.conn.scalar(highest) or 0))


def _last(workspace_id: int) -> str:
    """Return the name of the fact that keeps the highest number ever given."""
    return f"incidents:{workspace_id}"


def change(tx: Tx, workspace_id: int, incident_id: str, **values: Any) -> None:
    """Set columns of an incident."""
    mine = incidents.c.workspace_id == workspace_id, incidents.c.id == incident_id
    tx.conn.execute(update(incidents).where(*mine).values(**values))


def remove(tx: Tx, workspace_id: int, incident_id: str) -> None:
    """Delete an incident with all that belongs to it."""
    mine = incidents.c.workspace_id == workspace_id, incidents.c.id == incident_id
    tx.conn.execute(delete(incidents).where(*mine))


def by_id(tx: Tx, workspace_id: int, incident_id: str) -> Incident | None:
    """Return one incident."""
    mine = incidents.c.workspace_id == workspace_id, incidents.c.id == incident_id
    row = tx.conn.execute(select(incidents).where(*mine)).first()
    return Incident(**row._mapping) if row else None


def by_number(tx: Tx, workspace_id: int, number: int) -> Incident | None:
    """Return the incident that people call by this number."""
    mine = incidents.c.workspace_id == workspace_id, incidents.c.number == number
    row = tx.conn.execute(select(incidents).where(*mine)).first()
    return Incident(**row._mapping) if row else None


def joinable(tx: Tx, workspace_id: int, since_at: datetime) -> dict[str, Incident]:
    """Return the newest incident of each project that was joined since then and nobody has seen."""
    found = select(incidents).where(
        incidents.c.workspace_id == workspace_id,
        incidents.c.closed_at.is_(None),
        incidents.c.acked_at.is_(None),
        incidents.c.snoozed_until_at.is_(None),
        incidents.c.joined_at >= since_at,
    )
    rows = tx.conn.execute(found.order_by(incidents.c.joined_at, incidents.c.number))
    return {row.project: Incident(**row._mapping) for row in rows}


def listed(
    tx: Tx, workspace_id: int, limit: int, before: str = "", state: str = ""
) -> Sequence[Incident]:
    """Return incidents newest first, older than id `before`, of one state if it is given."""
    found = select(incidents).where(incidents.c.workspace_id == workspace_id)
    if before:
        found = found.where(incidents.c.id < before)
    if state:
        open_, acked = incidents.c.closed_at.is_(None), incidents.c.acked_at.is_not(None)
        found = found.where(*{"closed": [~open_], "acknowledged": [open_, acked]}.get(
            state, [open_, ~acked]
        ))  # fmt: skip
    rows = tx.conn.execute(found.order_by(incidents.c.id.desc()).limit(limit))
    return [Incident(**row._mapping) for row in rows]


def unseen(tx: Tx) -> Sequence[Incident]:
    """Return every incident that is open and not acknowledged, over all workspaces."""
    found = select(incidents).where(incidents.c.closed_at.is_(None), incidents.c.acked_at.is_(None))
    return [Incident(**row._mapping) for row in tx.conn.execute(found)]


# --- members -----------------------------------------------------------------------------------


def join(tx: Tx, members: Sequence[Member]) -> None:
    """Have flips belong to incidents."""
    if members:
        tx.conn.execute(insert(incident_members), [_values(one) for one in members])


def going_on(tx: Tx, workspace_id: int, watch_ids: Collection[str]) -> dict[str, Member]:
    """Return the parts of these watches that have not ended, by watch id."""
    found = select(incident_members).where(
        incident_members.c.workspace_id == workspace_id,
        incident_members.c.watch_id.in_(watch_ids),
        incident_members.c.ended_at.is_(None),
    )
    return {row.watch_id: Member(**row._mapping) for row in tx.conn.execute(found)}


def snoozed(
    tx: Tx, workspace_id: int, watch_ids: Collection[str], at: datetime
) -> dict[str, datetime]:
    """Return until when these watches are snoozed, with an incident they were in, by watch id."""
    found = (
        select(incident_members.c.watch_id, func.max(incidents.c.snoozed_until_at))
        .join(
            incidents,
            (incidents.c.workspace_id == incident_members.c.workspace_id)
            & (incidents.c.id == incident_members.c.incident_id),
        )
        .where(
            incident_members.c.workspace_id == workspace_id,
            incident_members.c.watch_id.in_(watch_ids),
            incidents.c.snoozed_until_at > at,
        )
        .group_by(incident_members.c.watch_id)
    )
    return {row[0]: row[1] for row in tx.conn.execute(found)}


def end(tx: Tx, ended: Mapping[str, datetime], workspace_id: int) -> None:
    """Note when the parts of watches ended, by watch id."""
    rows = [{"workspace": workspace_id, "of": one, "at": at} for one, at in sorted(ended.items())]
    if rows:
        tx.conn.execute(_END, rows)


_END = (
    update(incident_members)
    .where(
        incident_members.c.workspace_id == bindparam("workspace"),
        incident_members.c.watch_id == bindparam("of"),
        incident_members.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("at"))
)


def over(tx: Tx, workspace_id: int, incident_ids: Collection[str]) -> list[str]:
    """Return which of these open incidents have no part that goes on."""
    going = exists().where(
        incident_members.c.workspace_id == incidents.c.workspace_id,
        incident_members.c.incident_id == incidents.c.id,
        incident_members.c.ended_at.is_(None),
    )
    found = select(incidents.c.id).where(
        incidents.c.workspace_id == workspace_id,
        incidents.c.id.in_(incident_ids),
        incidents.c.closed_at.is_(None),
        ~going,
    )
    return list(tx.conn.scalars(found))


def last_end(tx: Tx, workspace_id: int, incident_id: str) -> datetime:
    """Return when the last part of an incident that is over ended."""
    ended_at: datetime = tx.conn.execute(
        select(func.max(incident_members.c.ended_at)).where(
            incident_members.c.workspace_id == workspace_id,
            incident_members.c.incident_id == incident_id,
        )
    ).scalar_one()
    return ended_at


def members(
    tx: Tx, workspace_id: int, incident_id: str, limit: int, *, going_on: bool = False
) -> Sequence[Member]:
    """Return the parts of an incident, or those that go on, the first to begin first."""
    found = select(incident_members).where(
        incident_members.c.workspace_id == workspace_id,
        incident_members.c.incident_id == incident_id,
    )
    if going_on:
        found = found.where(incident_members.c.ended_at.is_(None))
    ordered = found.order_by(incident_members.c.began_at, incident_members.c.flip_id)
    return [Member(**row._mapping) for row in tx.conn.execute(ordered.limit(limit))]


def counts(tx: Tx, workspace_id: int, ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """Return how many parts each incident has, and how many of them go on."""
    found = (
        select(
            incident_members.c.incident_id,
            func.count(),
            func.count() - func.count(incident_members.c.ended_at),
        )
        .where(
            incident_members.c.workspace_id == workspace_id,
            incident_members.c.incident_id.in_(ids),
        )
        .group_by(incident_members.c.incident_id)
    )
    return {row[0]: (row[1], row[2]) for row in tx.conn.execute(found)}


def first_members(
    tx: Tx, workspace_id: int, ids: Collection[str], most: int
) -> dict[str, list[str]]:
    """Return the watches that began each incident, by its id, the first first."""
    of = incident_members.c.incident_id
    ordered = (incident_members.c.began_at, incident_members.c.flip_id)
    numbered = (
        select(
            of,
            incident_members.c.watch_id,
            func.row_number().over(partition_by=of, order_by=ordered).label("place"),
        )
        .where(incident_members.c.workspace_id == workspace_id, of.in_(ids))
        .subquery()
    )
    found = select(numbered.c.incident_id, numbered.c.watch_id).where(numbered.c.place <= most)
    first: dict[str, list[str]] = {}
    for incident_id, watch_id in tx.conn.execute(found.order_by(numbered.c.place)):
        first.setdefault(incident_id, []).append(watch_id)
    return first


def remove_of_watch(tx: Tx, workspace_id: int, watch_id: str) -> Sequence[str]:
    """Take a watch out of all incidents and return those it was in."""
    mine = (
        incident_members.c.workspace_id == workspace_id,
        incident_members.c.watch_id == watch_id,
    )
    gone = delete(incident_members).where(*mine).returning(incident_members.c.incident_id)
    return sorted(set(tx.conn.scalars(gone)))


# --- notes -------------------------------------------------------------------------------------


def note(tx: Tx, *notes: Note) -> None:
    """Append what was done."""
    if notes:
        tx.conn.execute(insert(incident_notes), [_values(one) for one in notes])


def notes(tx: Tx, workspace_id: int, incident_id: str) -> Sequence[Note]:
    """Return what was done about an incident, in order."""
    columns = [incident_notes.c[name] for name in Note.__slots__]
    found = select(*columns).where(
        incident_notes.c.workspace_id == workspace_id,
        incident_notes.c.incident_id == incident_id,
    )
    return [Note(**row._mapping) for row in tx.conn.execute(found.order_by(incident_notes.c.id))]


def link_used(tx: Tx, workspace_id: int, link: str) -> bool:
    """Tell whether the link of a delivery has done its work."""
    used = exists().where(
        incident_notes.c.workspace_id == workspace_id, incident_notes.c.link == link
    )
    return bool(tx.conn.scalar(select(used)))


def _values(one: Incident | Member | Note) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}
