"""Idempotency keys: a request that is sent again gets the answer it got, and does nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from dogwatch.core.problems import Problem
from dogwatch.store import idempotency, retention
from dogwatch.store.idempotency import Kept
from dogwatch.store.tx import Tx
from dogwatch.vault import Vault

_FIELD = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that may be sent again: its key, and what tells it from others with that key."""

    workspace_id: int
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Done:
    """The answer of a request; `replayed` if it was given before."""

    status: int
    body: bytes
    replayed: bool = False


def once(tx: Tx, sent: Sent, vault: Vault, at: datetime, work: Callable[[], Done]) -> Done:
    """Do the work and keep its answer (encrypted, it may hold a secret), or return the kept one.

    The key is taken first: of two requests at once the second waits and finds the answer.
    Draft: draft-ietf-httpapi-idempotency-key-header.
    """
    if not _take(tx, sent, at):
        return _again(tx, sent, vault)
    done = work()
    sealed = vault.seal(done.body, context(sent.workspace_id, sent.key))
    idempotency.answer(tx, sent.workspace_id, sent.key, Kept(sent.fingerprint, done.status, sealed))
    return done


def _take(tx: Tx, sent: Sent, at: datetime) -> bool:
    retention.forget_answer(tx, sent.workspace_id, sent.key, at)
    if idempotency.kept(tx, sent.workspace_id, sent.key):
        return False
    try:
        with tx.conn.begin_nested():
            idempotency.keep(tx, sent.workspace_id, sent.key, Kept(sent.fingerprint, 0, b""), at)
    except IntegrityError:
        return False
    return True


def _again(tx: Tx, sent: Sent, vault: Vault) -> Done:
    kept = idempotency.kept(tx, sent.workspace_id, sent.key)
    if kept is None:
        raise Problem("conflict", "a request with this Idempotency-Key is being carried out")
    if kept.fingerprint != sent.fingerprint:
        message = "was used with another request; take a new key for a new request"
        raise Problem("invalid", f"{_FIELD} {message}", {_FIELD: message})
    return Done(
        kept.status, vault.open(kept.body, context(sent.workspace_id, sent.key)), replayed=True
    )


def context(workspace_id: int, key: str) -> str:
    """Return the identity of an answer's row, which its sealed body belongs to."""
    return f"idempotency:{workspace_id}:{key}"
