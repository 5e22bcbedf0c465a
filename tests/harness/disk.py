"""A model of a disk that loses power: what was synced is there, the rest may be anything.

Fed with the system calls of a real process, in order, it can be cut off at any point. Every
512-byte sector written since the last sync of its file is then independently kept, dropped, an
earlier version of itself (reordered) or torn; a size that was not synced is any that the file
had; every change of a directory that was not synced is independently kept or dropped.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

from tests.harness.syscalls import Call

SECTOR = 512
KEPT = (0.0, 0.1, 0.5, 0.9, 1.0)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes put somewhere into a file."""

    offset: int
    data: bytes

    def sectors(self, _size: int) -> range:
        return range(self.offset // SECTOR, -(-(self.offset + len(self.data)) // SECTOR))

    def apply(self, image: bytearray) -> None:
        image.extend(bytes(max(0, self.offset - len(image))))
        image[self.offset : self.offset + len(self.data)] = self.data


@dataclass(frozen=True, slots=True)
class Resize:
    """A file cut short or drawn out."""

    size: int

    def sectors(self, size: int) -> range:
        return range(self.size // SECTOR, -(-size // SECTOR))

    def apply(self, image: bytearray) -> None:
        del image[self.size :]
        image.extend(bytes(self.size - len(image)))


@dataclass(eq=False, slots=True)
class File:
    """A file: what surely is on the disk, and what was done to it since."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[Write | Resize] = field(default_factory=list)
    size: int = 0
    position: int = 0

    def change(self, change: Write | Resize) -> None:
        self.pending.append(change)
        if isinstance(change, Resize):
            self.size = change.size
        else:
            self.size = max(self.size, change.offset + len(change.data))

    def sync(self, count: int) -> None:
        for change in self.pending[:count]:
            change.apply(self.synced)
        del self.pending[:count]

    def cut(self, random: Random) -> bytes:
        """Return what may be found of it after a power cut."""
        kept = random.choice(KEPT)
        image, sizes, sectors = self._history()
        size = _survivor(sizes, kept, random)
        image = image[:size].ljust(size, b"\0")
        for number, versions in sectors.items():
            found = _survivor(versions, kept, random)
            if found is not versions[-1] and random.random() < 0.3:
                found = _torn(found, random.choice(versions), random)
            image[number * SECTOR : (number + 1) * SECTOR] = found
        return bytes(image[:size])

    def _history(self) -> tuple[bytearray, list[int], dict[int, list[bytes]]]:
        """Return the image with everything done, all sizes, and all versions of each sector."""
        image, sizes = bytearray(self.synced), [len(self.synced)]
        versions: dict[int, list[bytes]] = {}
        for change in self.pending:
            touched = change.sectors(len(image))
            for number in touched:
                versions.setdefault(number, [_sector(image, number)])
            change.apply(image)
            sizes.append(len(image))
            for number in touched:
                versions[number].append(_sector(image, number))
        return image, sizes, versions


@dataclass(eq=False, slots=True)
class Folder:
    """A directory: its entries that surely are on the disk, and those of now."""

    synced: "dict[str, Node]" = field(default_factory=dict)
    entries: "dict[str, Node]" = field(default_factory=dict)
    pending: "list[dict[str, Node | None]]" = field(default_factory=list)

    def change(self, change: "dict[str, Node | None]") -> None:
        self.pending.append(change)
        _enter(self.entries, change)

    def sync(self, count: int) -> None:
        for change in self.pending[:count]:
            _enter(self.synced, change)
        del self.pending[:count]

    def cut(self, random: Random) -> "dict[str, Node]":
        """Return the entries that may be found after a power cut."""
        kept = random.choice(KEPT)
        found = dict(self.synced)
        for change in self.pending:
            if random.random() < kept:
                _enter(found, change)
        return found


Node = File | Folder


def _enter(entries: dict[str, Node], change: dict[str, Node | None]) -> None:
    for name, node in change.items():
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node


def _sector(image: bytearray, number: int) -> bytes:
    return bytes(image[number * SECTOR : (number + 1) * SECTOR].ljust(SECTOR, b"\0"))


def _survivor(versions: list[T], kept: float, random: Random) -> T:
    return versions[-1] if random.random() < kept else random.choice(versions[:-1] or versions)


def _torn(first: bytes, second: bytes, random: Random) -> bytes:
    at = random.randrange(SECTOR + 1)
    return first[:at] + second[at:]


class Disk:
    """The files below `path`, which itself is on the disk. Without `syncs` it lies about files.

    `begin` is told where a call begins, `end` where it ends: a sync counts from its end, for
    what was done before it began.
    """

    def __init__(self, path: Path, *, syncs: bool = True) -> None:
        self._path = path
        self._root = Folder()
        self._syncs = syncs
        self._marks: dict[Call, tuple[Node, int]] = {}
        self._changes: dict[str, Callable[[Call], None]] = {
            "openat": self._open, "pwrite64": self._pwrite, "write": self._write,
            "ftruncate": self._resize, "fsync": self._mark, "fdatasync": self._mark,
            "mkdir": self._mkdir, "mkdirat": self._mkdir, "rename": self._rename,
            "renameat": self._rename, "renameat2": self._rename, "link": self._link,
            "linkat": self._link, "unlink": self._unlink, "unlinkat": self._unlink,
            "rmdir": self._unlink, "read": lambda call: None,
        }  # fmt: skip

    def begin(self, call: Call) -> None:
        """Take a call up to what it may have done when the power goes."""
        if call.result is None or call.result >= 0:
            self._changes[call.name](call)

    def end(self, call: Call) -> None:
        """Take the end of a call: a sync that has ended holds."""
        node, count = self._marks.pop(call, (None, 0))
        if node is not None and call.result == 0 and (self._syncs or isinstance(node, Folder)):
            node.sync(count)

    def cut(self, random: Random, target: Path) -> None:
        """Write below `target` what the disk may hold now."""
        for folder, name, node in _found(self._root, target, random):
            if isinstance(node, Folder):
                (folder / name).mkdir(mode=0o700)
            else:
                (folder / name).write_bytes(node.cut(random))
                (folder / name).chmod(0o600)

    # --- the calls --------------------------------------------------------------------------

    def _open(self, call: Call) -> None:
        path = _first(call)
        if path == self._path:
            return
        folder, name = self._place(path)
        if name not in folder.entries and b"O_CREAT" in call.words:
            folder.change({name: File()})
        node = self._node(path)
        if isinstance(node, File):
            if b"O_TRUNC" in call.words and node.size:
                node.change(Resize(0))
            node.position = node.size if b"O_APPEND" in call.words else 0

    def _pwrite(self, call: Call) -> None:
        self._file(call).change(Write(call.number, call.data))

    def _write(self, call: Call) -> None:
        file = self._file(call)
        file.change(Write(file.position, call.data))
        file.position += len(call.data)

    def _resize(self, call: Call) -> None:
        self._file(call).change(Resize(call.number))

    def _mark(self, call: Call) -> None:
        node = self._node(Path(call.file))
        self._marks[call] = (node, len(node.pending))

    def _mkdir(self, call: Call) -> None:
        folder, name = self._place(_first(call))
        folder.change({name: Folder()})

    def _rename(self, call: Call) -> None:
        (before, old), (after, new) = self._place(_first(call)), self._place(_second(call))
        assert before is after, "a move between directories is not modelled"
        before.change({old: None, new: before.entries[old]})

    def _link(self, call: Call) -> None:
        folder, name = self._place(_second(call))
        folder.change({name: self._node(_first(call))})

    def _unlink(self, call: Call) -> None:
        folder, name = self._place(_first(call))
        folder.change({name: None})

    # --- names ------------------------------------------------------------------------------

    def _file(self, call: Call) -> File:
        if call.file.endswith("(deleted)"):
            return File()
        node = self._node(Path(call.file))
        assert isinstance(node, File)
        return node

    def _node(self, path: Path) -> Node:
        node: Node = self._root
        for name in path.relative_to(self._path).parts:
            assert isinstance(node, Folder)
            node = node.entries[name]
        return node

    def _place(self, path: Path) -> tuple[Folder, str]:
        folder = self._node(path.parent)
        assert isinstance(folder, Folder)
        return folder, path.name


def _found(folder: Folder, target: Path, random: Random) -> Iterator[tuple[Path, str, Node]]:
    for name, node in folder.cut(random).items():
        yield target, name, node
        if isinstance(node, Folder):
            yield from _found(node, target / name, random)


def _first(call: Call) -> Path:
    return Path(call.file, call.strings[0].decode())


def _second(call: Call) -> Path:
    return Path(call.file, call.strings[1].decode())
