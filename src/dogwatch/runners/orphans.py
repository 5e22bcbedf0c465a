"""What a killed fork server leaves: its descendants, which come to the server as next subreaper.

The server starts no process but fork servers, so a younger child that is none is such an orphan,
whatever it did to its session and its environment.
"""

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

TICKS = 200
TICK_S = 0.004


class _Running(Protocol):
    pid: int


Started = TypeVar("Started", bound=_Running)


@dataclass(frozen=True, slots=True)
class _Process:
    """One process; `born` in ticks of the machine, see proc_pid_stat(5)."""

    pid: int
    parent: int
    born: int


@dataclass(slots=True)
class Children:
    """The living fork servers of this process and their ages: nobody takes them for orphans."""

    _born: dict[int, int] = field(default_factory=dict)
    _gate: threading.Lock = field(default_factory=threading.Lock)

    def start(self, begin: Callable[[], Started]) -> Started:
        """Start one by calling `begin`."""
        with self._gate:
            process = begin()
            self._born[process.pid] = next(_read(process.pid)).born
        return process

    def end(self, pid: int) -> int:
        """Forget one that is gone and return when it was born."""
        return self._born.pop(pid)

    def sweep(self, born: int) -> None:
        """Kill the orphans that are not older than `born`, for a second at most."""
        for _ in range(TICKS):
            with self._gate:
                orphans = self._orphans(born)
                for pid in orphans:
                    _kill(pid)
            if not orphans:
                return
            select.select([], [], [], TICK_S)

    def _orphans(self, born: int) -> list[int]:
        """Return the orphans and all below them."""
        processes = list(_all())
        me = os.getpid()
        found = {
            one.pid
            for one in processes
            if one.parent == me and one.born >= born and one.pid not in self._born
        }
        fresh = found
        while fresh:
            fresh = {one.pid for one in processes if one.parent in fresh} - found
            found = found | fresh
        return sorted(found, reverse=True)


CHILDREN = Children()


def below(pid: int) -> list[int]:
    """Return the descendants of a process."""
    processes, found = list(_all()), {pid}
    while fresh := {one.pid for one in processes if one.parent in found} - found:
        found |= fresh
    return sorted(found - {pid})


def starters(pid: int) -> list[int]:
    """Return a process, its children and theirs: a bubblewrap is two, before what runs inside."""
    processes, found = list(_all()), [{pid}]
    for _ in range(2):
        found.append({one.pid for one in processes if one.parent in found[-1]})
    return sorted(set[int]().union(*found))


def _kill(pid: int) -> None:
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    with suppress(OSError):
        os.waitpid(pid, os.WNOHANG)  # ours to reap, if it is a child


def _all() -> Iterator[_Process]:
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            yield from _read(int(entry.name))


def _read(pid: int) -> Iterator[_Process]:
    """Yield the process, unless it is gone."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        yield _Process(pid, int(fields[1]), int(fields[19]))
