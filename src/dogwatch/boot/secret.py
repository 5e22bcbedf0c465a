"""The secret key of a data directory, and how another takes its place."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from dogwatch import directory
from dogwatch.core.problems import Problem
from dogwatch.store.database import Database
from dogwatch.usecases import keyring
from dogwatch.vault import KEY_BYTES, Vault, fingerprint, load, replace


def place(data: Path) -> Path:
    """Return the file of the secret key."""
    return data / "secret.key"


def _next(data: Path) -> Path:
    """Return the file of a secret key that takes over with the commit that rotates to it."""
    return data / "secret.key.next"


def kept(data: Path) -> Iterator[bytes]:
    """Yield the secret keys in the data directory: the one in use, one that may be by now."""
    for path in (_next(data), place(data)):
        with contextlib.suppress(FileNotFoundError):
            yield load(path)


def settle(data: Path, named: str) -> None:
    """Finish a rotation that was cut off after its commit."""
    with contextlib.suppress(FileNotFoundError):
        if fingerprint(load(_next(data))) == named:
            _next(data).replace(place(data))
            directory.sync(data)


def rotate(data: Path, database: Database, vault: Vault, given: bytes | None) -> None:
    """Have another secret key, `given` or random, wrap the keys of the store.

    It is on disk before the commit and takes its name after it, so that no power cut separates
    the store from its key.
    """
    with _alone(data):
        key = given or secrets.token_bytes(KEY_BYTES)
        replace(_next(data), key)
        database.write(lambda tx: keyring.rewrap(tx, vault, key)).result()
        settle(data, fingerprint(key))


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    lock = os.open(data / "secret.lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Problem("conflict", "another rotation is under way") from None
    finally:
        os.close(lock)
