"""Large downloads: written aside first, so that no slow reader keeps the transaction open."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO

from dogwatch.core.problems import Problem

_CHUNK = 256 * 1024


def aside(write: Callable[[IO[bytes]], object]) -> IO[bytes]:
    """Return a temporary file as `write` filled it; `Problem("away")` where there is no room."""
    file: IO[bytes] | None = None
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by who reads it)
        write(file)
        file.seek(0)
    except OSError as error:
        if file is not None:
            with suppress(OSError):  # what it could not write, it tries again to write
                file.close()
        told = f"no room for it in the directory for temporary files: {error.strerror}"
        raise Problem("away", told) from error
    return file


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what is in a file, and close it."""
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
