"""The keys behind secrets on both databases: bound to the store, rotated, never lost on the way."""

import threading
from datetime import datetime
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import LargeBinary, delete

from dogwatch.core.problems import Problem
from dogwatch.store import jobs as job_rows
from dogwatch.store import users
from dogwatch.store import workflows as workflow_rows
from dogwatch.store.database import ALL_TOPICS, Tx
from dogwatch.store.tables import instance, metadata
from dogwatch.usecases import (
    channels,
    environments,
    keyring,
    once,
    people,
    runs,
    variables,
    workflows,
    workspaces,
)
from dogwatch.usecases.once import Done, Sent
from dogwatch.vault import HEAD_BYTES, Keyring, Vault
from tests.harness.house import House, after, meet
from tests.harness.lived import lived_in

NEW = b"n" * 32
COLUMNS = [(kind.table.name, kind.name) for kind in keyring.CONTEXTS]
# What is only ever compared, by a keyed hash; any other binary column holds a sealed value.
HASHES = {
    ("keys", "hash"), ("recovery_codes", "hash"), ("sessions", "hash"), ("invitations", "hash"),
    ("workflows", "hook_hash"),
}  # fmt: skip


def test_no_sealed_column_is_forgotten() -> None:
    binary = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert set(COLUMNS) | HASHES == binary
    assert not set(COLUMNS) & HASHES


def rows(house: House, table: str) -> list[SimpleNamespace]:
    """Return all rows of a table."""
    return [SimpleNamespace(**row) for row in house.rows(table)]


def filled(house: House) -> None:
    """Have something sealed in every sealed column, twice."""
    lived_in(house)
    house.channel("another")
    house.do(variables.put, house.vault, house.workspace.id, "ANOTHER", "x", after(0))
    house.job("another")

    def more(tx: Tx) -> None:
        for row in tx.conn.execute(metadata.tables["users"].select()).all():
            secret = house.vault.seal(b"totp", people.context(row.id))
            users.change(tx, row.id, totp_sealed=secret)
        for key in "abc":
            sent = Sent(house.workspace.id, key, "f")
            once.once(tx, sent, house.vault, after(0), lambda: Done(201, b"{}"))
        for run in rows(house, "runs")[:2]:
            if not any(one.run_id == run.id for one in rows(house, "environments")):
                environments.give(tx, house.vault, run.workspace_id, run.id, {"A": "b"})
        for row in tx.conn.execute(metadata.tables["workflows"].select()).all():
            hook = house.vault.seal(b"hook", workflows.context(row.workspace_id, row.watch_id))
            workflow_rows.set_hook(tx, row.workspace_id, row.watch_id, b"h", hook)

    house.do(more)
    assert all(any(getattr(row, name) for row in rows(house, table)) for table, name in COLUMNS)


def heads(house: House) -> set[bytes]:
    """Return what sealed values begin with."""
    found = [getattr(row, name) for table, name in COLUMNS for row in rows(house, table)]
    return {value[:HEAD_BYTES] for value in found if value}


def all_open(house: House, vault: Vault) -> int:
    """Open every sealed value, and some as their use-case does; return how many."""
    for kind, context in keyring.CONTEXTS.items():
        found: list[Any] = rows(house, kind.table.name)
        values = [(getattr(row, kind.name), context(row)) for row in found]
        assert all(vault.open(value, bound) for value, bound in values if value)

    def opened(tx: Tx) -> int:
        owner = house.workspace.id
        for row in channels.channel_page(tx, owner, 100, ""):
            channels.unsealed(vault, row)
        found = job_rows.by_watches(tx, [(row.workspace_id, row.watch_id) for row in jobs])
        for job in found.values():
            runs.action_of(vault, job)
        for one in people_rows:
            assert vault.open(one.totp_sealed, people.context(one.id)) == b"totp"
        for one in answers:
            assert vault.open(one.body, once.context(one.workspace_id, one.key))
        assert all(variables.value_of(vault, v) for v in variables.page(tx, owner, 100, ""))
        return len(jobs) + len(people_rows) + len(answers)

    jobs = rows(house, "jobs")
    people_rows = [row for row in rows(house, "users") if row.totp_sealed]
    answers = [row for row in rows(house, "idempotency") if row.body]
    return house.see(opened)


def resealed(house: House, at: datetime, limit: int = 2) -> int:
    """Go round as the locksmith does, until nothing is left; return the rounds."""
    rounds = 0
    while house.do(keyring.reseal, house.vault, at, limit):
        rounds += 1
    return rounds


# --- the store and its key --------------------------------------------------------------------


def test_a_store_belongs_to_one_secret_key(house: House) -> None:
    assert house.see(keyring.bound_to) is None
    house.do(keyring.claim, house.vault)
    house.do(keyring.claim, house.vault)
    assert house.see(keyring.bound_to) == house.vault.fingerprint()
    with pytest.raises(Problem, match="belongs to the secret key") as caught:
        house.do(keyring.claim, Vault(b"o" * 32))
    assert (caught.value.kind, "kkkk" in caught.value.message) == ("refused", False)


def test_two_nodes_that_start_at_once_agree(nodes: tuple[House, House]) -> None:
    """Both claim the keys and the first workspace of one empty database."""
    nodes[0].plant(delete(metadata.tables["workspaces"]))
    nodes[0].plant(delete(instance))
    met = threading.Barrier(2)
    vaults = [Vault(b"k" * 32, Keyring.fresh()) for _ in nodes]

    def start(tx: Tx, vault: Vault) -> int:
        meet(met)
        keyring.claim(tx, vault)
        return workspaces.first(tx, after(0)).id

    both = [
        house.database.write(partial(start, vault=vault))
        for house, vault in zip(nodes, vaults, strict=True)
    ]
    assert len({future.result(60) for future in both}) == 1
    assert len(rows(nodes[0], "workspaces")) == 1
    assert vaults[0].ring.current == vaults[1].ring.current
    assert vaults[0].open(vaults[1].seal(b"secret", "row"), "row") == b"secret"


# --- rotation ---------------------------------------------------------------------------------


def test_another_secret_key_wraps_the_same_keys(house: House) -> None:
    filled(house)
    proof = house.vault.keyed_hash("dw_1", "api-key")
    sealed = heads(house)
    house.do(keyring.rewrap, house.vault, NEW)
    vault = Vault(NEW)
    house.do(keyring.claim, vault)
    assert (heads(house), house.see(keyring.bound_to)) == (sealed, vault.fingerprint())
    assert all_open(house, vault) > 4
    assert vault.keyed_hash("dw_1", "api-key") == proof
    with pytest.raises(Problem, match="belongs to the secret key"):
        house.do(keyring.claim, Vault(b"k" * 32))


def test_a_rotation_that_another_overtook_is_refused(house: House) -> None:
    house.do(keyring.claim, house.vault)
    house.do(keyring.rewrap, house.vault, NEW)
    with pytest.raises(Problem, match="belongs to the secret key"):
        house.do(keyring.rewrap, house.vault, b"z" * 32)
    assert house.see(keyring.bound_to) == Vault(NEW).fingerprint()


def test_a_new_data_key_takes_over_bit_by_bit(house: House) -> None:
    filled(house)
    old = house.vault.head
    house.do(keyring.add_data_key, house.vault, after(0))
    new = house.vault.head
    assert (heads(house), old != new) == ({old}, True)
    house.channel("sealed by the new one")
    assert heads(house) == {old, new}
    assert resealed(house, after(1)) > 1
    assert heads(house) == {new}
    assert all_open(house, house.vault) > 4
    assert len(house.vault.ring.data_keys) == 2


def test_the_old_data_key_goes_when_no_node_can_still_use_it(house: House) -> None:
    filled(house)
    house.do(keyring.add_data_key, house.vault, after(0))
    over = keyring.GRACE.total_seconds()
    resealed(house, after(over - 1))
    assert len(house.vault.ring.data_keys) == 2
    resealed(house, after(over))
    assert list(house.vault.ring.data_keys) == [house.vault.ring.current]
    fresh = Vault(b"k" * 32)
    house.do(keyring.claim, fresh)
    assert all_open(house, fresh) > 4


def test_a_damaged_value_holds_nobody_up_and_keeps_its_key(house: House) -> None:
    filled(house)
    table = metadata.tables["channels"]
    spoilt = house.vault.head + b"spoilt" * 9
    name = house.channel("spoilt").id
    house.plant(table.update().where(table.c.id == name).values(sealed=spoilt))
    house.do(keyring.add_data_key, house.vault, after(0))
    resealed(house, after(keyring.GRACE.total_seconds() + 1), 200)
    assert heads(house) == {spoilt[:HEAD_BYTES], house.vault.head}
    assert len(house.vault.ring.data_keys) == 2


def test_values_that_change_places_open_for_nobody(house: House) -> None:
    """Whoever can write to the database can't move a secret to where they may read it."""
    filled(house)
    table = metadata.tables["channels"]
    one, two = rows(house, "channels")[:2]
    house.plant(table.update().where(table.c.id == one.id).values(sealed=two.sealed))
    house.plant(table.update().where(table.c.id == two.id).values(sealed=one.sealed))
    for row in house.see(channels.channel_page, house.workspace.id, 100, ""):
        if row.id in {one.id, two.id}:
            with pytest.raises(Problem, match="moved to another row"):
                channels.unsealed(house.vault, row)
    jobs = metadata.tables["jobs"]
    for mine, other in pairwise(rows(house, "jobs")):
        house.plant(
            jobs.update().where(jobs.c.watch_id == mine.watch_id).values(action=other.action)
        )
        moved = house.see(job_rows.by_watches, [(mine.workspace_id, mine.watch_id)])
        with pytest.raises(Problem, match="moved to another row"):
            runs.action_of(house.vault, *moved.values())


def test_all_nodes_seal_with_the_new_data_key(nodes: tuple[House, House]) -> None:
    ours, theirs = nodes
    for house in nodes:
        house.do(keyring.claim, house.vault)
    heard = threading.Event()
    theirs.database.on_wake(
        lambda topics: heard.set() if topics & {keyring.TOPIC, *ALL_TOPICS} else None
    )
    ours.do(keyring.add_data_key, ours.vault, after(0))
    assert heard.wait(30)
    theirs.see(keyring.refresh, theirs.vault)
    assert theirs.vault.head == ours.vault.head
    assert ours.vault.open(theirs.vault.seal(b"secret", "row"), "row") == b"secret"
