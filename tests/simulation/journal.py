"""What truly happened, as the simulation saw it: the evidence against which the store is judged."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from dogwatch.core.ping import Kind
from dogwatch.core.result import Outcome


@dataclass(slots=True)
class Ping:
    """One committed ping: when it counts, and when it was durable."""

    at: datetime
    kind: Kind
    rid: str | None
    token: str
    committed_at: datetime


@dataclass(slots=True)
class Execution:
    """One execution of a run by a runner. `outcome` None: it never ended, its process died."""

    watch_id: str
    run_id: str
    slot_at: datetime | None
    attempt: int
    began_at: datetime
    life: int
    ended_at: datetime
    outcome: Outcome | None = None


@dataclass(slots=True)
class Era:
    """A time in which one plan held; `schedule` is empty while paused."""

    from_at: datetime
    schedule: str
    timezone: str
    grace_s: int


@dataclass(slots=True)
class Span:
    """A stretch of wall time in which we may not have listened; in its `inner` we did not.

    `twice`: the clock was set back, so that this time came twice.
    """

    start_at: datetime
    end_at: datetime
    inner: "Span | None" = None
    twice: bool = False


@dataclass(slots=True)
class Journal:
    """Everything that happened, by watch slug where it is about one."""

    pings: dict[str, list[Ping]] = field(default_factory=lambda: defaultdict(list))
    eras: dict[str, list[Era]] = field(default_factory=lambda: defaultdict(list))
    executions: list[Execution] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    outages: list[Span] = field(default_factory=list)
    triggered: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    crashes: int = 0
    lines: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def note(self, *words: object) -> None:
        """Add a line to the event log, of which the hash is kept."""
        self.lines += 1
        self._hash.update(f"{words}\n".encode())

    def digest(self) -> str:
        """Return the hash of the event log."""
        return self._hash.hexdigest()
