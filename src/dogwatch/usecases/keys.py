"""API keys: made once, shown once, proven by a keyed hash."""

import hmac
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dogwatch.core.dialects import DIALECTS
from dogwatch.core.plans import admit, plan_of
from dogwatch.core.policy import SCOPES, Grant, Role, grantable, least_role
from dogwatch.core.problems import Problem, invalid
from dogwatch.ids import new_id, new_text, new_token
from dogwatch.store import keys, users, workspaces
from dogwatch.store.keys import Key
from dogwatch.store.tx import Tx
from dogwatch.usecases import audit_log
from dogwatch.usecases.callers import Caller, host
from dogwatch.vault import Vault

__all__ = ["SCOPES", "Key", "Made"]

NATIVE = "native"
PREFIX = "dw_live_"
KEY_BITS = 160
LOOKUP_LENGTH = len(PREFIX) + 8
OVERLAP, MOST_OVERLAP = timedelta(days=1), timedelta(days=30)
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Made:
    """A fresh key; `token` is the secret, shown once."""

    key: Key
    token: str


def all_of(dialect: str) -> Sequence[str]:
    """Return the scopes of all that the API of a dialect, or our own, can do."""
    return ("*",) if dialect == NATIVE else DIALECTS[dialect].scopes


def add(
    tx: Tx, workspace_id: int, name: str, scopes: Sequence[str], vault: Vault, at: datetime
) -> str:
    """Make a key on the host and return it; it is never shown again."""
    return make(tx, host(workspace_id), name, scopes, vault, at).token


def make(
    tx: Tx,
    caller: Caller,
    name: str,
    scopes: Sequence[str],
    vault: Vault,
    at: datetime,
    expires_at: datetime | None = None,
    dialect: str = NATIVE,
) -> Made:
    """Make a key; nobody gives it more than he may himself. It opens the API of one dialect."""
    name = _checked_name(name)
    if dialect != NATIVE and dialect not in DIALECTS:
        raise invalid("dialect", f"use one of {', '.join((NATIVE, *DIALECTS))}")
    scopes = _translated(scopes, dialect)
    _check_scopes(caller, scopes, dialect)
    if expires_at is not None and expires_at <= at:
        raise invalid("expires_at", "give a time to come")
    _admit(tx, caller, at)
    return _stored(tx, caller, name, scopes, vault, at, expires_at, dialect)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise invalid("name", "give 1 to 200 characters on one line")
    return name


def _translated(scopes: Sequence[str], dialect: str) -> Sequence[str]:
    """Return scopes by our words for them."""
    return DIALECTS[dialect].scopes_of(scopes) if dialect in DIALECTS else scopes


def _check_scopes(caller: Caller, scopes: Sequence[str], dialect: str) -> None:
    """Raise a Problem for scopes that are none, or that he may not give, in the dialect's words."""
    own = DIALECTS.get(dialect)
    if not scopes or any(scope not in SCOPES for scope in scopes):
        words = (own.permissions if own else ()) or SCOPES
        raise invalid("scopes", f"use some of {', '.join(words)}")
    mine, held = grantable(caller.grant.role), caller.grant.scopes
    for scope in scopes:
        if scope not in mine or (held is not None and not held & {scope, "*"}):
            word = (own and own.word_for(scope)) or scope
            raise Problem("refused", f"nobody gives a key more than he may himself: {word}")


def _admit(tx: Tx, caller: Caller, at: datetime) -> None:
    """Hold to the plan; who works on the host stands above it."""
    workspace = workspaces.get(tx, caller.workspace_id, lock=True)
    if workspace is None:
        raise Problem("not_found", "there is no such workspace")
    if caller.kind != "host":
        admit(plan_of(workspace.plan), "api_keys", keys.count(tx, workspace.id, at))


def _stored(
    tx: Tx,
    caller: Caller,
    name: str,
    scopes: Sequence[str],
    vault: Vault,
    at: datetime,
    expires_at: datetime | None,
    dialect: str,
) -> Made:
    token = _token(dialect)
    key = Key(
        workspace_id=caller.workspace_id,
        id=new_id(at),
        name=name,
        prefix=token[:LOOKUP_LENGTH],
        hash=proof(token, vault),
        scopes=tuple(dict.fromkeys(scopes)),
        created_at=at,
        expires_at=expires_at,
        made_by=maker(tx, caller),
        dialect=dialect,
    )
    keys.add(tx, key)
    return Made(key, token)


def maker(tx: Tx, caller: Caller) -> str | None:
    """Return the person behind a caller: for a key, who made that; None for the host.

    Unauthorized for a key that was revoked meanwhile.
    """
    if caller.kind != "key" or not caller.id:
        return caller.id
    key = keys.get(tx, caller.workspace_id, caller.id)
    if key is None or key.revoked_at:
        raise Problem("unauthorized", "the API key is not valid")
    return key.made_by


def rotate(
    tx: Tx,
    caller: Caller,
    name: str,
    vault: Vault,
    at: datetime,
    overlap: timedelta = OVERLAP,
) -> Made:
    """Put a key with a new secret in the place of one, which is good for `overlap` more.

    The new one is the caller's: it may what the old one may, and the caller must, too.
    """
    if not timedelta() <= overlap <= MOST_OVERLAP:
        raise invalid("overlap_s", f"give 0 to {MOST_OVERLAP.days} days, in seconds")
    workspaces.get(tx, caller.workspace_id, lock=True)
    old = _found(tx, caller.workspace_id, name)
    if old.replaced_by or (old.expires_at and old.expires_at <= at):
        raise Problem("conflict", "this key is replaced or expired; rotate the one that is good")
    _check_scopes(caller, old.scopes, old.dialect)
    made = _stored(tx, caller, old.name, old.scopes, vault, at, old.expires_at, old.dialect)
    until = min(old.expires_at or at + overlap, at + overlap)
    keys.change(tx, old.workspace_id, old.id, expires_at=until, replaced_by=made.key.id)
    return made


def _token(dialect: str) -> str:
    """Return a key; of ours, the last six characters check the others: typos are told offline."""
    if dialect != NATIVE:
        form = DIALECTS[dialect].key
        return form.prefix + new_text(form.letters, form.length)
    body = PREFIX + new_token(KEY_BITS)
    return body + checksum(body)


def checksum(body: str) -> str:
    """Return the CRC-32 of a key's body as six hexadecimal characters."""
    return f"{zlib.crc32(body.encode()):08x}"[-6:]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a key that is not revoked, until when it is good, and when it was used last."""

    caller: Caller
    expires_at: datetime | None
    used_at: datetime | None

    def check(self, at: datetime) -> None:
        """Raise unauthorized once the key is expired."""
        if self.expires_at is not None and self.expires_at <= at:
            raise _not_valid()

    def stale(self, at: datetime) -> bool:
        """Whether its last use is due to be noted."""
        return self.used_at is None or at - self.used_at > USED_EVERY


def authenticate(tx: Tx, token: str, vault: Vault, at: datetime, dialect: str = NATIVE) -> Holder:
    """Return who holds the key.

    Unknown, revoked and expired keys, and those of another dialect, look the same:
    Problem("unauthorized").
    """
    key = keys.by_prefix(tx, token[:LOOKUP_LENGTH])
    proven = proof(token, vault)
    same = hmac.compare_digest(proven, key.hash if key else bytes(len(proven)))
    if key is None or not same or key.revoked_at or key.dialect != dialect:
        raise _not_valid()
    scopes = frozenset(key.scopes)
    grant = Grant(least_role(scopes), scopes, instance=_of_instance(tx, key))
    caller = Caller(key.workspace_id, grant, "key", key.id, key.name)
    holder = Holder(caller, key.expires_at, key.last_used_at)
    holder.check(at)
    return holder


def proof(token: str, vault: Vault) -> bytes:
    """Return the keyed hash by which a key is proven."""
    return vault.keyed_hash(token, "api-key")


def _not_valid() -> Problem:
    return Problem("unauthorized", "the API key is not valid")


def _of_instance(tx: Tx, key: Key) -> bool:
    """Whether a key reaches beyond its workspace: it may all, and so may who made it."""
    if "*" not in key.scopes:
        return False
    if key.made_by is None:
        return True
    maker = users.by_id(tx, key.made_by)
    return maker is not None and maker.admin_at is not None and maker.disabled_at is None


def used(tx: Tx, caller: Caller, at: datetime) -> None:
    """Note that a key was used."""
    assert caller.id
    keys.used(tx, caller.workspace_id, caller.id, at)


def listed(tx: Tx, workspace_id: int) -> Sequence[Key]:
    """Return the keys of a workspace, oldest first."""
    return keys.listed(tx, workspace_id)


def page(tx: Tx, workspace_id: int, size: int, after: str) -> Sequence[Key]:
    """Return keys of a workspace, oldest first, behind an id."""
    return keys.page(tx, workspace_id, size, after)


def revoke(tx: Tx, workspace_id: int, name: str, at: datetime) -> Key:
    """Revoke the key with this id, lookup prefix or name, and those it took the place of."""
    found = _found(tx, workspace_id, name)
    keys.revoke(tx, workspace_id, found.id, at)
    return found


def withdraw(tx: Tx, caller: Caller, user_id: str, role: Role | None, at: datetime) -> None:
    """Revoke the keys of a member that one of his new role could not make; None: he is none.

    Who wants one to go on rotates it before: the new key is of who did that.
    """
    kept = set(grantable(role)) if role else set()
    for key in keys.of_maker(tx, caller.workspace_id, user_id):
        if not kept >= set(key.scopes):
            keys.revoke(tx, key.workspace_id, key.id, at)
            audit_log.note(tx, caller, "keys.revoke", key.id, at, {"made_by": user_id})


def _found(tx: Tx, workspace_id: int, name: str) -> Key:
    """Return the key with this id, lookup prefix or name; by name, the one in use."""
    found = [
        key
        for key in keys.listed(tx, workspace_id)
        if key.revoked_at is None
        and (name in {key.id, key.prefix} or (name == key.name and not key.replaced_by))
    ]
    if not found:
        raise Problem("not_found", f"there is no valid key {name!r}")
    if len(found) > 1:
        raise Problem(
            "conflict",
            f"{len(found)} keys are named {name!r}; give the id of one: `dogwatch key ls`",
        )
    return found[0]
