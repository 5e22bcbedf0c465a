"""The directory that a run has for itself, and its removal whatever a script left in it."""

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Scratch:
    """One run's directory (0700): its script, its input, the home where it works, its helpers."""

    root: Path
    script: Path
    given: Path
    home: Path
    helpers: Path


def outline(workdir: Path, suffix: str) -> Scratch:
    """Make a fresh, empty directory below `workdir`; OSError if that fails."""
    workdir.mkdir(parents=True, exist_ok=True, mode=0o700)
    root = Path(tempfile.mkdtemp(prefix="run-", dir=workdir.absolute()))
    return Scratch(root, root / f"script{suffix}", root / "input", root / "home", root / "helpers")


def prepare(workdir: Path, source: str, suffix: str, given: str) -> Scratch:
    """Make a fresh directory below `workdir` with all in it; OSError if that fails."""
    scratch = outline(workdir, suffix)
    try:
        scratch.home.mkdir(mode=0o700)
        _write(scratch.script, source.encode())
        _write(scratch.given, given.encode(errors="replace"))
    except OSError:
        remove(scratch.root)
        raise
    return scratch


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "wb", buffering=0) as file:  # noqa: PTH123  (a number)
        file.write(content)


def is_removed(scratch: Scratch) -> bool:
    """Delete what a script left alone, as most do; say whether that was all.

    What it has put there may be much, and waits for `remove`.
    """
    try:
        for path in (scratch.script, scratch.given):
            path.unlink()
        for path in (scratch.home, scratch.root):
            path.rmdir()
    except OSError:
        return False
    return True


def remove(root: Path) -> None:
    """Delete a directory with everything in it; what another user owns may stay.

    Subdirectories are moved to the top before they are emptied, so that no depth (a path longer
    than PATH_MAX, thousands of levels) and no missing permission can stop it.
    """
    names = count()
    with suppress(OSError):
        heap = Path(tempfile.mkdtemp(prefix="gone-", dir=root.parent))
        with suppress(OSError):
            todo = [_move(root, heap / str(next(names)))]
            while todo:
                todo += _empty(todo.pop(), heap, names)
        heap.rmdir()


def _empty(directory: Path, heap: Path, names: "count[int]") -> list[Path]:
    """Delete a directory; return its subdirectories, moved to the heap."""
    moved: list[Path] = []
    with suppress(OSError):
        with os.scandir(directory) as entries:
            for entry in list(entries):
                if entry.is_dir(follow_symlinks=False):
                    moved.append(_move(Path(entry), heap / str(next(names))))
                else:
                    Path(entry).unlink()
        directory.rmdir()
    return moved


def _move(directory: Path, to: Path) -> Path:
    """Open a directory to its owner, which renaming demands too (rename(2)), and rename it."""
    directory.chmod(0o700)
    return directory.rename(to)
