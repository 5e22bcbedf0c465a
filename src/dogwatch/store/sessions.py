"""Sessions of people in the browser: found by the keyed hash of their cookie."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from dogwatch.store.tables import sessions
from dogwatch.store.tx import Tx
from dogwatch.store.wakes import SESSIONS


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser; `expires_at` is the end whatever happens."""

    hash: bytes
    id: str
    user_id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    user_agent: str
    remote_ip: str


def add(tx: Tx, session: Session) -> None:
    """Insert a session."""
    values = {name: getattr(session, name) for name in Session.__slots__}
    tx.conn.execute(insert(sessions).values(**values))


def by_hash(tx: Tx, session_hash: bytes) -> Session | None:
    """Return the session of a cookie."""
    row = tx.conn.execute(select(sessions).where(sessions.c.hash == session_hash)).first()
    return Session(**row._mapping) if row else None


def of_user(tx: Tx, user_id: str) -> Sequence[Session]:
    """Return a person's sessions, newest first."""
    found = select(sessions).where(sessions.c.user_id == user_id).order_by(sessions.c.id.desc())
    return [Session(**row._mapping) for row in tx.conn.execute(found)]


def seen(tx: Tx, session_hash: bytes, at: datetime) -> None:
    """Note that a session was used."""
    tx.conn.execute(update(sessions).where(sessions.c.hash == session_hash).values(seen_at=at))


def remove(tx: Tx, user_id: str, session_id: str) -> bool:
    """End one session of a person; False if there is none such."""
    gone = delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id == session_id)
    tx.wake(SESSIONS)
    return tx.conn.execute(gone).rowcount > 0


def remove_all(tx: Tx, user_id: str, but: str = "") -> int:
    """End all sessions of a person, but one; return how many ended."""
    gone = delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id != but)
    tx.wake(SESSIONS)
    return tx.conn.execute(gone).rowcount


def prune(tx: Tx, at: datetime, idle_since: datetime, limit: int) -> int:
    """Drop up to `limit` sessions that are over; return how many."""
    over = select(sessions.c.hash).where(
        (sessions.c.expires_at <= at) | (sessions.c.seen_at <= idle_since)
    )
    free = over.limit(limit).with_for_update(skip_locked=True)
    return tx.conn.execute(delete(sessions).where(sessions.c.hash.in_(free))).rowcount
