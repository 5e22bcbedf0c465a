"""API keys: made once, shown once, proven by a keyed hash."""

import hmac
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dogwatch.core.problems import Problem
from dogwatch.ids import new_id, new_token
from dogwatch.store import keys, workspaces
from dogwatch.store.keys import Key
from dogwatch.store.tx import Tx
from dogwatch.vault import Vault

PREFIX = "dw_live_"
KEY_BITS = 160
LOOKUP_LENGTH = len(PREFIX) + 8
SCOPES = (
    "read:watches", "write:watches", "read:jobs", "write:jobs", "run:jobs",
    "manage:alerts", "manage:keys", "*",
)  # fmt: skip
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a key of a workspace."""

    workspace_id: int
    key_id: str
    scopes: tuple[str, ...]

    def may(self, scope: str) -> bool:
        """Whether the key grants `scope`."""
        return "*" in self.scopes or scope in self.scopes


def add(
    tx: Tx, workspace_id: int, name: str, scopes: Sequence[str], vault: Vault, at: datetime
) -> str:
    """Make a key and return it; it is never shown again."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        message = f"use some of {', '.join(SCOPES)}"
        raise Problem("invalid", f"scopes: {message}", {"scopes": message})
    if not 1 <= len(name.strip()) <= 200:
        raise Problem("invalid", "name: give 1 to 200 characters", {"name": "1 to 200 characters"})
    token = _token()
    keys.add(
        tx,
        Key(
            workspace_id=workspace_id,
            id=new_id(at),
            name=name.strip(),
            prefix=token[:LOOKUP_LENGTH],
            hash=vault.keyed_hash(token, "api-key"),
            scopes=tuple(dict.fromkeys(scopes)),
            created_at=at,
        ),
    )
    return token


def _token() -> str:
    """Return a key whose last six characters check the others, so that typos are told offline."""
    body = PREFIX + new_token(KEY_BITS)
    return body + checksum(body)


def checksum(body: str) -> str:
    """Return the CRC-32 of a key's body as six hexadecimal characters."""
    return f"{zlib.crc32(body.encode()):08x}"[-6:]


def authenticate(tx: Tx, token: str, vault: Vault, at: datetime) -> tuple[Principal, bool]:
    """Return who holds the key, and whether its last use is due to be noted.

    Unknown, revoked and expired keys look the same: Problem("unauthorized").
    """
    key = keys.by_prefix(tx, token[:LOOKUP_LENGTH])
    proof = vault.keyed_hash(token, "api-key")
    same = hmac.compare_digest(proof, key.hash if key else bytes(len(proof)))
    expired = key is not None and key.expires_at is not None and key.expires_at <= at
    if key is None or not same or key.revoked_at or expired:
        raise Problem("unauthorized", "the API key is not valid")
    stale = key.last_used_at is None or at - key.last_used_at > USED_EVERY
    return Principal(key.workspace_id, key.id, key.scopes), stale


def used(tx: Tx, principal: Principal, at: datetime) -> None:
    """Note that a key was used."""
    keys.used(tx, principal.workspace_id, principal.key_id, at)


def require(principal: Principal, scope: str) -> None:
    """Raise refused unless the key grants `scope`."""
    if not principal.may(scope):
        raise Problem("refused", f"the API key lacks the scope {scope}")


def listed(tx: Tx) -> list[dict[str, Any]]:
    """Return the keys of the first workspace for people to see, without what proves them."""
    workspace = workspaces.first(tx)
    found = keys.listed(tx, workspace.id) if workspace else []
    return [
        {
            "id": key.id,
            "name": key.name,
            "prefix": key.prefix,
            "scopes": list(key.scopes),
            "created_at": _iso(key.created_at),
            "last_used_at": _iso(key.last_used_at),
            "revoked_at": _iso(key.revoked_at),
        }
        for key in found
    ]


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def revoke(tx: Tx, workspace_id: int, name: str, at: datetime) -> Key:
    """Revoke the key with this id, lookup prefix or name."""
    found = [
        key
        for key in keys.listed(tx, workspace_id)
        if name in {key.id, key.prefix, key.name} and key.revoked_at is None
    ]
    if not found:
        raise Problem("not_found", f"there is no valid key {name!r}")
    if len(found) > 1:
        raise Problem("conflict", f"{len(found)} keys are named {name!r}; give the id")
    keys.revoke(tx, workspace_id, found[0].id, at)
    return found[0]
