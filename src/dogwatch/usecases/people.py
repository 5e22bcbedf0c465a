"""People: made, let in, shut out; their passwords, codes and sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from dogwatch import totp
from dogwatch.core.people import checked_email, checked_name
from dogwatch.core.policy import Grant, grantable
from dogwatch.core.problems import Problem, invalid
from dogwatch.ids import new_id, new_token
from dogwatch.store import keys, members, sessions, users
from dogwatch.store.members import Member
from dogwatch.store.sessions import Session
from dogwatch.store.tx import Tx
from dogwatch.store.users import User
from dogwatch.usecases.callers import Caller
from dogwatch.vault import Vault

__all__ = ["Member", "Session", "User"]

SESSION_BITS = 160
IDLE = timedelta(days=14)
LIFE = timedelta(days=90)
SEEN_EVERY = timedelta(minutes=1)
RECOVERY_CODES = 10
_RECOVERY_BITS = 60


def make(
    tx: Tx, email: str, name: str, password_hash: str | None, at: datetime, *, admin: bool = False
) -> User:
    """Add a person; conflict where the address is taken."""
    address = checked_email(email)
    user = User(
        id=new_id(at),
        email=address,
        name=checked_name(name, address),
        password_hash=password_hash,
        admin_at=at if admin else None,
        totp_sealed=None,
        totp_step=None,
        created_at=at,
    )
    try:
        with tx.conn.begin_nested():
            users.add(tx, user)
    except IntegrityError:
        raise Problem("conflict", f"there is somebody with the address {address} already") from None
    return user


def find(tx: Tx, who: str) -> User:
    """Return the person with this id or address."""
    found = users.by_id(tx, who) or users.by_email(tx, who)
    if found is None:
        raise Problem("not_found", f"there is nobody with the id or address {who}")
    return found


def by_email(tx: Tx, email: str) -> User | None:
    """Return who might be signing in, if he may."""
    user = users.by_email(tx, email)
    return user if user and user.disabled_at is None else None


def taken(tx: Tx, email: str) -> bool:
    """Whether somebody has an address, shut out or not."""
    return users.by_email(tx, email) is not None


# --- sessions ---


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session; `token` is for the cookie and is never shown again."""

    token: str
    session: Session
    user: User


def sign_in(
    tx: Tx, known: User, code: str, vault: Vault, at: datetime, user_agent: str, remote_ip: str
) -> SignedIn | None:
    """Begin a session of one whose password was right; None if his second factor is not, or if
    the password was changed while it was tried.

    `code` is of the app, or a recovery code; empty where none is set up.
    """
    user = users.by_id(tx, known.id, lock=True)
    if user is None or user.disabled_at is not None or user.password_hash != known.password_hash:
        return None
    if user.second_factor and not _second_factor(tx, user, code, vault, at):
        return None
    return begin_session(tx, user, vault, at, user_agent, remote_ip)


def begin_session(
    tx: Tx, user: User, vault: Vault, at: datetime, user_agent: str, remote_ip: str
) -> SignedIn:
    """Begin a session of somebody who has proven who he is."""
    token = new_token(SESSION_BITS)
    session = Session(
        hash=vault.keyed_hash(token, "session"),
        id=new_id(at),
        user_id=user.id,
        created_at=at,
        seen_at=at,
        expires_at=at + LIFE,
        user_agent=user_agent[:255],
        remote_ip=remote_ip[:64],
    )
    sessions.add(tx, session)
    return SignedIn(token, session, user)


@dataclass(frozen=True, slots=True)
class Present:
    """Who is there: `stale` once the last use of the session is due to be noted."""

    user: User
    session: Session
    memberships: Sequence[Member]
    stale: bool

    def caller(self, workspace_id: int, remote_ip: str) -> Caller:
        """Return him as a caller in one of his workspaces; not_found in another's."""
        for one in self.memberships:
            if one.workspace_id == workspace_id:
                grant = Grant(one.role, instance=self.user.admin_at is not None)
                return Caller(workspace_id, grant, "user", self.user.id, self.user.email, remote_ip)
        raise Problem("not_found", "there is no such workspace")


def present(tx: Tx, token: str, vault: Vault, at: datetime) -> Present | None:
    """Return who holds a session's cookie; None where it is unknown or over."""
    session = sessions.by_hash(tx, vault.keyed_hash(token, "session"))
    if session is None or session.expires_at <= at or session.seen_at <= at - IDLE:
        return None
    user = users.by_id(tx, session.user_id)
    if user is None or user.disabled_at is not None:
        return None
    stale = at - session.seen_at > SEEN_EVERY
    return Present(user, session, members.of_user(tx, user.id), stale)


def seen(tx: Tx, session: Session, at: datetime) -> None:
    """Note that a session was used."""
    sessions.seen(tx, session.hash, at)


def sessions_of(tx: Tx, user_id: str) -> Sequence[Session]:
    """Return a person's sessions, newest first."""
    return sessions.of_user(tx, user_id)


def end_session(tx: Tx, user_id: str, session_id: str) -> None:
    """End one session of a person."""
    if not sessions.remove(tx, user_id, session_id):
        raise Problem("not_found", "there is no such session")


def leave(tx: Tx, session: Session) -> None:
    """End a session, unless it has ended."""
    sessions.remove(tx, session.user_id, session.id)


def tidy(tx: Tx, at: datetime, limit: int) -> int:
    """Delete sessions that are over; return how many."""
    return sessions.prune(tx, at, at - IDLE, limit)


def end_sessions(tx: Tx, user_id: str, but: str = "") -> int:
    """End all sessions of a person, but one; return how many ended."""
    return sessions.remove_all(tx, user_id, but)


# --- names, passwords and codes ---


def rename(tx: Tx, user: User, name: str) -> None:
    """Give a person another name."""
    users.change(tx, user.id, name=checked_name(name, user.email))


def set_password(tx: Tx, user_id: str, password_hash: str) -> None:
    """Set a new password; every session ends."""
    users.change(tx, user_id, password_hash=password_hash)
    sessions.remove_all(tx, user_id)


def rehashed(tx: Tx, known: User, password_hash: str) -> None:
    """Keep the same password at today's costs, unless there is another by now."""
    user = users.by_id(tx, known.id, lock=True)
    if user is not None and user.password_hash == known.password_hash:
        users.change(tx, user.id, password_hash=password_hash)


def offer_second_factor(tx: Tx, user_id: str, vault: Vault) -> bytes:
    """Store a new secret, not asked for yet, and return it."""
    user = users.by_id(tx, user_id, lock=True)
    if user is None:
        raise Problem("not_found", "there is no such person")
    if user.second_factor:
        raise Problem("conflict", "a second factor is set up; remove it first")
    secret = totp.new_secret()
    users.change(tx, user_id, totp_sealed=vault.seal(secret, context(user_id)), totp_step=None)
    return secret


def offered_second_factor(tx: Tx, user_id: str, vault: Vault) -> bytes | None:
    """Return the secret that is being set up, None where there is none."""
    user = users.by_id(tx, user_id)
    if user is None or user.totp_sealed is None or user.second_factor:
        return None
    return vault.open(user.totp_sealed, context(user_id))


def take_second_factor(
    tx: Tx, user_id: str, code: str, vault: Vault, at: datetime
) -> Sequence[str]:
    """Ask for codes from now on, if this one is right; return recovery codes, shown once."""
    user = users.by_id(tx, user_id, lock=True)
    if user is None or user.totp_sealed is None or user.totp_step is not None:
        raise Problem("conflict", "no second factor is being set up")
    step = totp.matching_step(vault.open(user.totp_sealed, context(user_id)), code, at)
    if step is None:
        raise invalid("code", "it is not right; look at your clock and try the next one")
    users.take_step(tx, user_id, step)
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    users.set_recovery_codes(tx, user_id, [_recovery_hash(code, vault) for code in codes])
    return codes


def drop_second_factor(tx: Tx, user_id: str) -> None:
    """Ask for no codes any more."""
    users.change(tx, user_id, totp_sealed=None, totp_step=None)
    users.set_recovery_codes(tx, user_id, [])


def lose_second_factor(tx: Tx, user: User) -> None:
    """Take a lost second factor away from a person who has one; his sessions end."""
    if user.second_factor:
        drop_second_factor(tx, user.id)
        sessions.remove_all(tx, user.id)


def recovery_codes_left(tx: Tx, user_id: str) -> int:
    """Return how many recovery codes are unused."""
    return users.recovery_codes_left(tx, user_id)


def _second_factor(tx: Tx, user: User, code: str, vault: Vault, at: datetime) -> bool:
    assert user.totp_sealed is not None
    step = totp.matching_step(vault.open(user.totp_sealed, context(user.id)), code, at)
    if step is not None:
        return users.take_step(tx, user.id, step)
    return users.use_recovery_code(tx, user.id, _recovery_hash(code, vault))


def context(user_id: str) -> str:
    """Return the identity of a person's row, which the sealed second factor belongs to."""
    return f"users/{user_id}/totp"


def _recovery_code() -> str:
    letters = new_token(_RECOVERY_BITS).lower()
    return f"{letters[:5]}-{letters[5:]}"


def _recovery_hash(code: str, vault: Vault) -> bytes:
    return vault.keyed_hash(code.replace(" ", "").lower(), "recovery-code")


# --- administering ---


def listed(tx: Tx) -> Sequence[User]:
    """Return everybody, oldest first."""
    return users.listed(tx)


def disable(tx: Tx, user: User, at: datetime) -> None:
    """Shut a person out, at once, with the keys that he made; his invitations are void for good."""
    if user.admin_at is not None and not _other_admin(tx, user):
        raise Problem("conflict", "this is the last admin of the instance")
    if user.disabled_at is None:
        users.change(tx, user.id, disabled_at=at)
        keys.suspend(tx, user.id, at)
        members.uninvite_all(tx, user.id)
    sessions.remove_all(tx, user.id)


def enable(tx: Tx, user: User) -> None:
    """Let a person in again, and those of the keys that went with him which he could make now."""
    if user.disabled_at is not None:
        roles = {one.workspace_id: one.role for one in members.of_user(tx, user.id)}
        for key in keys.suspended(tx, user.id, user.disabled_at):
            role = roles.get(key.workspace_id)
            if role and set(grantable(role)) >= set(key.scopes):
                keys.change(tx, key.workspace_id, key.id, revoked_at=None)
    users.change(tx, user.id, disabled_at=None)


def set_admin(tx: Tx, user: User, at: datetime, *, admin: bool) -> None:
    """Make a person an admin of the instance, or no longer; his sessions end."""
    if not admin and user.admin_at is not None and not _other_admin(tx, user):
        raise Problem("conflict", "this is the last admin of the instance")
    users.change(tx, user.id, admin_at=(user.admin_at or at) if admin else None)
    sessions.remove_all(tx, user.id)


def _other_admin(tx: Tx, user: User) -> bool:
    return any(
        one.admin_at and one.disabled_at is None and one.id != user.id for one in users.listed(tx)
    )
