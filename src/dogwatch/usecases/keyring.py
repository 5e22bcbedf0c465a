"""The keys behind every secret: bound to the store at its start, rotated while it works."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from dogwatch.core.problems import Problem
from dogwatch.store import nodes, sealed
from dogwatch.store.sealed import Sealed
from dogwatch.store.tx import Tx
from dogwatch.usecases import (
    channels,
    environments,
    once,
    people,
    runs,
    variables,
    workflows,
)
from dogwatch.vault import Keyring, Vault, names_in

TOPIC = "keyring"
BATCH = 200
# How long a data key stays that sealed until now: by then every node has heard of the next.
GRACE = timedelta(hours=1)
_FACT = "keyring"

# Every column of sealed values, and what each value is bound to.
CONTEXTS: Mapping[Sealed, Callable[[Row[Any]], str]] = {
    sealed.CHANNELS: lambda row: channels.context(row.workspace_id, row.id),
    sealed.JOBS: lambda row: runs.context(row.workspace_id, row.watch_id),
    sealed.USERS: lambda row: people.context(row.id),
    sealed.ANSWERS: lambda row: once.context(row.workspace_id, row.key),
    sealed.ENVIRONMENTS: lambda row: environments.context(row.workspace_id, row.run_id),
    sealed.VARIABLES: lambda row: variables.context(row.workspace_id, row.key),
    sealed.HOOKS: lambda row: workflows.context(row.workspace_id, row.watch_id),
}


def bound_to(tx: Tx) -> str | None:
    """Return the fingerprint of the secret key that the store belongs to."""
    text = nodes.fact(tx, _FACT)
    return names_in(text)[0] if text else None


def claim(tx: Tx, vault: Vault) -> None:
    """Bind the store to this instance's secret key and take its ring; refused with another one.

    Who comes first writes the ring. It is locked until the commit.
    """
    vault.adopt(nodes.claim_fact(tx, _FACT, vault.wrapped()))


def refresh(tx: Tx, vault: Vault) -> None:
    """Take the ring as it is now in the store."""
    if text := nodes.fact(tx, _FACT):
        vault.adopt(text)


def rewrap(tx: Tx, vault: Vault, secret_key: bytes) -> None:
    """Have another secret key wrap the ring, which stays as it is."""
    claim(tx, vault)
    nodes.set_fact(tx, _FACT, vault.ring.wrapped(secret_key))
    tx.wake(TOPIC)


def add_data_key(tx: Tx, vault: Vault, at: datetime) -> None:
    """Add a data key, which seals from the commit on, on all nodes."""
    claim(tx, vault)
    _write(tx, vault, vault.ring.with_new(int(at.timestamp())))


def reseal(tx: Tx, vault: Vault, at: datetime, limit: int = BATCH) -> int:
    """Seal a small batch of each kind with the current data key; return how many.

    Once nothing is left, and no node can still be at it, the older data keys go.
    """
    if len(vault.ring.data_keys) < 2:
        return 0
    done = sum(_reseal(tx, vault, one, limit) for one in CONTEXTS)
    if not done and _over(vault, at):
        claim(tx, vault)
        if _over(vault, at) and not any(one.any_other(tx, vault.head) for one in CONTEXTS):
            _write(tx, vault, vault.ring.only_current())
    return done


def _over(vault: Vault, at: datetime) -> bool:
    return at.timestamp() >= vault.ring.since_s + GRACE.total_seconds()


def _reseal(tx: Tx, vault: Vault, kind: Sealed, limit: int) -> int:
    count = 0
    for row in kind.others(tx, vault.head, limit):
        context = CONTEXTS[kind](row)
        try:
            plain = vault.open(row._mapping[kind.name], context)
        except Problem:
            continue  # damaged: it stays as it is, and so does the key that it names
        kind.put(tx, row, vault.seal(plain, context))
        count += 1
    return count


def _write(tx: Tx, vault: Vault, ring: Keyring) -> None:
    text = vault.wrapped(ring)
    nodes.set_fact(tx, _FACT, text)
    tx.wake(TOPIC)
    tx.after_commit(lambda: vault.adopt(text))
