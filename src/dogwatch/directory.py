"""Directories whose names survive a power cut."""

import os
from contextlib import suppress
from pathlib import Path

from dogwatch.core.problems import Problem


def make(path: Path) -> None:
    """Make a directory for its owner alone where there is none; its name is on the disk then.

    fsync(2): to sync a file does not sync the entry of its directory, nor that of its parents.
    `Problem("refused")` where it can't be made.
    """
    try:
        missing = [one for one in (path, *path.parents) if not one.exists()]
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Problem("refused", f"cannot make {path}: {error.strerror}") from None
    for made in missing or [path]:
        sync(made.parent)


def open_to_others(path: Path) -> bool:
    """Whether other users could put files here, the secret key's successor among them."""
    return path.is_dir() and bool(path.stat().st_mode & 0o022)


def sync(path: Path) -> None:
    """Wait until the entries of a directory are on the disk, if we may read it."""
    with suppress(PermissionError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
