"""Who belongs to which workspace, and who is invited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from dogwatch.core.policy import Role
from dogwatch.store.tables import invitations, members, users, workspaces
from dogwatch.store.tx import Tx
from dogwatch.store.wakes import SESSIONS


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a workspace."""

    workspace_id: int
    workspace: str
    user_id: str
    email: str
    name: str
    role: Role
    created_at: datetime


_MEMBERS = (
    select(
        members.c.workspace_id,
        workspaces.c.name.label("workspace"),
        members.c.user_id,
        users.c.email,
        users.c.name,
        members.c.role,
        members.c.created_at,
    )
    .join(users, users.c.id == members.c.user_id)
    .join(workspaces, workspaces.c.id == members.c.workspace_id)
    .order_by(members.c.workspace_id, members.c.user_id)
)


def add(tx: Tx, workspace_id: int, user_id: str, role: Role, at: datetime) -> None:
    """Insert a member; IntegrityError where the person is one already."""
    tx.conn.execute(
        insert(members).values(
            workspace_id=workspace_id, user_id=user_id, role=int(role), created_at=at
        )
    )


def of_workspace(tx: Tx, workspace_id: int) -> Sequence[Member]:
    """Return the members of a workspace."""
    found = _MEMBERS.where(members.c.workspace_id == workspace_id)
    return [_member(row._mapping) for row in tx.conn.execute(found)]


def of_user(tx: Tx, user_id: str) -> Sequence[Member]:
    """Return the memberships of a person."""
    found = _MEMBERS.where(members.c.user_id == user_id)
    return [_member(row._mapping) for row in tx.conn.execute(found)]


def get(tx: Tx, workspace_id: int, user_id: str) -> Member | None:
    """Return one member."""
    found = _MEMBERS.where(members.c.workspace_id == workspace_id, members.c.user_id == user_id)
    row = tx.conn.execute(found).first()
    return _member(row._mapping) if row else None


def set_role(tx: Tx, workspace_id: int, user_id: str, role: Role) -> None:
    """Change a member's role."""
    tx.conn.execute(
        update(members)
        .where(members.c.workspace_id == workspace_id, members.c.user_id == user_id)
        .values(role=int(role))
    )


def remove(tx: Tx, workspace_id: int, user_id: str) -> None:
    """Take a person out of a workspace."""
    tx.conn.execute(
        delete(members).where(members.c.workspace_id == workspace_id, members.c.user_id == user_id)
    )
    tx.wake(SESSIONS)


def count(tx: Tx, workspace_id: int, role: Role | None = None) -> int:
    """Return how many members there are, or how many of a role."""
    found = select(func.count()).where(members.c.workspace_id == workspace_id)
    if role is not None:
        found = found.where(members.c.role == int(role))
    return int(tx.conn.scalar(found) or 0)


def _member(values: object) -> Member:
    given = dict(values)  # type: ignore[call-overload]  # SQLAlchemy's RowMapping
    return Member(**given | {"role": Role(given["role"])})


@dataclass(frozen=True, slots=True)
class Invitation:
    """A place kept for whoever holds its link."""

    workspace_id: int
    id: str
    email: str
    role: Role
    hash: bytes
    made_by: str | None
    created_at: datetime
    expires_at: datetime


def invite(tx: Tx, invitation: Invitation) -> None:
    """Insert an invitation."""
    values = {name: getattr(invitation, name) for name in Invitation.__slots__}
    tx.conn.execute(insert(invitations).values(**values | {"role": int(invitation.role)}))


def invitation(tx: Tx, link_hash: bytes) -> Invitation | None:
    """Return the invitation of a link."""
    row = tx.conn.execute(select(invitations).where(invitations.c.hash == link_hash)).first()
    return _invitation(row._mapping) if row else None


def invited(tx: Tx, workspace_id: int) -> Sequence[Invitation]:
    """Return the open invitations of a workspace, oldest first."""
    found = (
        select(invitations)
        .where(invitations.c.workspace_id == workspace_id)
        .order_by(invitations.c.id)
    )
    return [_invitation(row._mapping) for row in tx.conn.execute(found)]


def uninvite(tx: Tx, workspace_id: int, invitation_id: str) -> bool:
    """Take an invitation back, or use it up; False if there is none such."""
    gone = delete(invitations).where(
        invitations.c.workspace_id == workspace_id, invitations.c.id == invitation_id
    )
    return tx.conn.execute(gone).rowcount > 0


def prune(tx: Tx, at: datetime, limit: int) -> int:
    """Drop up to `limit` invitations that are over; return how many."""
    over = select(invitations.c.hash).where(invitations.c.expires_at <= at)
    free = over.limit(limit).with_for_update(skip_locked=True)
    return tx.conn.execute(delete(invitations).where(invitations.c.hash.in_(free))).rowcount


def uninvite_all(tx: Tx, made_by: str) -> None:
    """Take back what a person has invited to, in every workspace."""
    tx.conn.execute(delete(invitations).where(invitations.c.made_by == made_by))


def _invitation(values: object) -> Invitation:
    given = dict(values)  # type: ignore[call-overload]  # SQLAlchemy's RowMapping
    return Invitation(**given | {"role": Role(given["role"])})
