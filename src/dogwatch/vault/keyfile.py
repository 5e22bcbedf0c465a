"""The secret key, in base64: in a file closed to others, or wherever the operator keeps it."""

import base64
import binascii
import contextlib
import os
import secrets
import stat
from pathlib import Path

from dogwatch import directory
from dogwatch.core.problems import Problem
from dogwatch.vault.keyring import KEY_BYTES

HINT = "a key is 32 random bytes in base64, as `openssl rand -base64 32` prints it"


def key_from_text(text: str) -> bytes:
    """Read a key of 32 bytes from base64 (either alphabet), as an environment variable holds it."""
    try:
        key = base64.b64decode(text.strip().translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        raise Problem("refused", f"The key isn't base64; {HINT}.") from None
    if len(key) != KEY_BYTES:
        raise Problem("refused", f"The key has {len(key)} bytes; {HINT}.")
    return key


_URL_SAFE = str.maketrans("-_", "+/")


def load_or_create(path: Path) -> bytes:
    """Return the key in the file `path`, made on first use (mode 0600) by whoever comes first."""
    try:
        if not path.exists():
            _create(path)
        return load(path)
    except OSError as error:
        raise Problem("refused", f"The key file {path} can't be used: {error.strerror}.") from error


def load(path: Path) -> bytes:
    """Return the key in the file `path`, which must be closed to others."""
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        text = file.read(1024)
    if mode & 0o077:
        raise Problem(
            "refused",
            f"The key file {path} can be read by others (mode {mode:04o}); run: chmod 600 {path}",
        )
    try:
        return key_from_text(text.decode("ascii", "replace"))
    except Problem as problem:
        raise Problem("refused", f"{path}: {problem.message}") from None


def _create(path: Path) -> None:
    """Write a whole file aside, then link it: nobody sees half a key, and one writer wins."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(aside, secrets.token_bytes(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(aside)
    finally:
        aside.unlink(missing_ok=True)
    directory.sync(path.parent)


def replace(path: Path, key: bytes) -> None:
    """Write `key` into the file `path`, whole or not at all."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(aside, key)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    directory.sync(path.parent)


def text_of(key: bytes) -> str:
    """Return a key as its file and the environment hold it."""
    return base64.b64encode(key).decode()


def _write(path: Path, key: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text_of(key).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
