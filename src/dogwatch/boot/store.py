"""Opening the store of a configuration: directory, secret key, tables, first workspace."""

import contextlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dogwatch import directory
from dogwatch.boot import secret
from dogwatch.clock import Clock, SharedClock, SystemClock
from dogwatch.config import Config
from dogwatch.core.problems import Problem
from dogwatch.store import migrate, walls
from dogwatch.store.database import Database, Tx
from dogwatch.usecases import backup, keyring, keys, nodes, resting, workspaces
from dogwatch.usecases.resting import Rested
from dogwatch.vault import (
    WHERE_FROM,
    Keyring,
    Vault,
    key_from_text,
    load_or_create,
)


@dataclass(frozen=True, slots=True)
class Store:
    """An opened store with the vault that belongs to it."""

    database: Database
    vault: Vault
    clock: Clock


@contextlib.contextmanager
def opened(config: Config, clock: Clock | None = None, *, upgrade: bool = False) -> Iterator[Store]:
    """Open the store of a configuration: directory, secret key, tables, first workspace.

    Tables of an older version are brought up to date with `upgrade` alone: its servers may run.
    """
    clock = clock or clock_of(config)
    directory.make(config.data)
    (migrate.upgrade if upgrade else migrate.make)(config.database_url)
    database = Database.open(config.database_url)
    try:
        database.read(walls.heed).result()
        _keep_to_its_key(config, database)
        vault = _vault(config)
        database.write(partial(agree, clock)).result()
        database.write(lambda tx: resting.finish(tx, clock.now())).result()
        database.write(lambda tx: keyring.claim(tx, vault)).result()
        secret.settle(config.data, vault.fingerprint())
        database.write(lambda tx: workspaces.first(tx, clock.now())).result()
        yield Store(database, vault, clock)
    finally:
        database.close()


def restored(
    config: Config, revision: str, secret_key: str | None, load: Callable[[Tx], int]
) -> tuple[int, Rested]:
    """Have a new store of a backup's `revision` loaded, bring it up to date, lay it to rest.

    Return what `load` did, and what is done no more.
    """
    directory.make(config.data)
    if secret_key and not config.secret_key:
        _take_secret(secret.place(config.data), secret_key)
    migrate.upgrade(config.database_url, revision)
    _secret_key(config)
    with contextlib.closing(Database.open(config.database_url)) as database:
        count = database.write(load).result()
    migrate.upgrade(config.database_url)
    with contextlib.closing(Database.open(config.database_url)) as database:
        rested = database.write(lambda tx: resting.finish(tx, SystemClock().now())).result()
    return count, rested


def _keep_to_its_key(config: Config, database: Database) -> None:
    """Refuse to make a new key for a store that is bound to one."""
    path = secret.place(config.data)
    if config.secret_key or path.exists():
        return
    if known := database.read(keyring.bound_to).result():
        raise Problem(
            "refused",
            f"this database belongs to the secret key {known}, and {path} is not there; "
            f"{WHERE_FROM}",
        )


def _take_secret(path: Path, secret_key: str) -> None:
    if not path.exists():
        write_private(path, secret_key)
    elif path.read_text().strip() != secret_key:
        raise Problem("refused", f"{path} holds another key than the backup; use a new --data")


def _secret_key(config: Config) -> bytes:
    if config.secret_key:
        return key_from_text(config.secret_key)
    return load_or_create(secret.place(config.data))


def _vault(config: Config) -> Vault:
    """Return a vault that may bring a ring to a new store, and finds a rotated secret key."""
    vault = Vault(_secret_key(config), Keyring.fresh(), partial(secret.kept, config.data))
    vault.renew = partial(_renew, config, vault)
    return vault


def _renew(config: Config, vault: Vault) -> None:
    """Fetch the ring on a connection of its own: who waits for it may hold all others."""
    database = Database.open(config.database_url, readers=1, writers=1)
    try:
        database.read(lambda tx: keyring.refresh(tx, vault)).result()
    finally:
        database.close()


def alone(config: Config) -> bool:
    """Whether this process is the only one that can work on the store."""
    return config.database_url.startswith("sqlite")


def clock_of(config: Config) -> Clock:
    """Return the clock of one node."""
    return SystemClock() if alone(config) else SharedClock(SystemClock())


def agree(clock: Clock, tx: Tx) -> None:
    """Set a clock that nodes share by the database's."""
    if isinstance(clock, SharedClock):
        nodes.agree(tx, clock)


def make_key(store: Store, name: str, scopes: Sequence[str]) -> str:
    """Make an API key of the first workspace."""
    at = store.clock.now()

    def made(tx: Tx) -> str:
        owner = workspaces.first(tx, at)
        return keys.add(tx, owner.id, name, scopes, store.vault, at)

    return store.database.write(made).result()


def copied(config: Config, store: Store, tx: Tx) -> Generator[str, None, None]:
    """Yield a backup; its key stays here, as who loads it may be on another machine."""
    keyring.refresh(tx, store.vault)
    return backup.copy(tx, migrate.current(config.database_url) or "", None, store.clock.now())


def write_private(path: Path, text: str) -> None:
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    aside.replace(path)
