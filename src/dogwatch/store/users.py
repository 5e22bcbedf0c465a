"""People: who they are and what proves it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from dogwatch.store.keys import TOPIC
from dogwatch.store.tables import identities, recovery_codes, users
from dogwatch.store.tx import Tx
from dogwatch.store.wakes import SESSIONS


@dataclass(frozen=True, slots=True)
class User:
    """A person; `email` is in lower case, `totp_step` None until a first code was given."""

    id: str
    email: str
    name: str
    password_hash: str | None
    admin_at: datetime | None
    totp_sealed: bytes | None
    totp_step: int | None
    created_at: datetime
    disabled_at: datetime | None = None

    @property
    def second_factor(self) -> bool:
        """Whether a code is asked for."""
        return self.totp_sealed is not None and self.totp_step is not None


def add(tx: Tx, user: User) -> None:
    """Insert a person; IntegrityError where the address is taken."""
    values = {name: getattr(user, name) for name in User.__slots__}
    tx.conn.execute(insert(users).values(**values))


def by_id(tx: Tx, user_id: str, *, lock: bool = False) -> User | None:
    """Return one person."""
    found = select(users).where(users.c.id == user_id)
    row = tx.conn.execute(found.with_for_update() if lock else found).first()
    return User(**row._mapping) if row else None


def by_email(tx: Tx, email: str) -> User | None:
    """Return the person with this address, in whatever case."""
    row = tx.conn.execute(select(users).where(users.c.email == email.strip().lower())).first()
    return User(**row._mapping) if row else None


def listed(tx: Tx) -> Sequence[User]:
    """Return everybody, oldest first."""
    rows = tx.conn.execute(select(users).order_by(users.c.id))
    return [User(**row._mapping) for row in rows]


def count(tx: Tx) -> int:
    """Return how many people there are."""
    return int(tx.conn.scalar(select(func.count()).select_from(users)) or 0)


def change(tx: Tx, user_id: str, **values: Any) -> None:
    """Set columns of a person."""
    if values.keys() & {"admin_at", "disabled_at"}:
        tx.wake(TOPIC)  # his keys reach as far as he does
        tx.wake(SESSIONS)
    tx.conn.execute(update(users).where(users.c.id == user_id).values(**values))


def take_step(tx: Tx, user_id: str, step: int) -> bool:
    """Use up a code's step; False if it, or a later one, was used before."""
    newer = (
        update(users)
        .where(users.c.id == user_id, func.coalesce(users.c.totp_step, -1) < step)
        .values(totp_step=step)
    )
    return tx.conn.execute(newer).rowcount > 0


def set_recovery_codes(tx: Tx, user_id: str, hashes: Collection[bytes]) -> None:
    """Replace the recovery codes."""
    tx.conn.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    if hashes:
        tx.conn.execute(
            insert(recovery_codes), [{"user_id": user_id, "hash": one} for one in hashes]
        )


def use_recovery_code(tx: Tx, user_id: str, code_hash: bytes) -> bool:
    """Use up a recovery code; False if there is none such."""
    used = delete(recovery_codes).where(
        recovery_codes.c.user_id == user_id, recovery_codes.c.hash == code_hash
    )
    return tx.conn.execute(used).rowcount > 0


def recovery_codes_left(tx: Tx, user_id: str) -> int:
    """Return how many recovery codes are unused."""
    found = select(func.count()).where(recovery_codes.c.user_id == user_id)
    return int(tx.conn.scalar(found) or 0)


def by_identity(tx: Tx, issuer: str, subject: str) -> User | None:
    """Return the person that an identity provider knows as `subject`."""
    found = (
        select(users)
        .join(identities, identities.c.user_id == users.c.id)
        .where(identities.c.issuer == issuer, identities.c.subject == subject)
    )
    row = tx.conn.execute(found).first()
    return User(**row._mapping) if row else None


def link(tx: Tx, user_id: str, issuer: str, subject: str) -> None:
    """Bind a person to an identity; IntegrityError where it is bound."""
    tx.conn.execute(insert(identities).values(issuer=issuer, subject=subject, user_id=user_id))


def identity(tx: Tx, user_id: str, issuer: str) -> str | None:
    """Return what an issuer knows a person as."""
    found = select(identities.c.subject).where(
        identities.c.user_id == user_id, identities.c.issuer == issuer
    )
    subject: str | None = tx.conn.scalar(found.limit(1))
    return subject


def unlink(tx: Tx, user_id: str, issuer: str) -> bool:
    """Free a person of the identities of an issuer; False if there are none."""
    gone = delete(identities).where(identities.c.user_id == user_id, identities.c.issuer == issuer)
    return tx.conn.execute(gone).rowcount > 0
