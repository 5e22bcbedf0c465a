"""Is Dogwatch itself healthy? Its nodes, what waits for its loops, when nobody listened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dogwatch.store import audit_log, lag, probes, tasks, watches
from dogwatch.store.tx import Tx
from dogwatch.usecases import outside
from dogwatch.usecases.nodes import LEASE
from dogwatch.usecases.outside import Heartbeat

# A loop that is this far behind is not well; what a plan or a share holds back waits longer.
SLACK = timedelta(seconds=30)
# A turn at a location that nobody took for so long tells that there is nobody.
UNASKED = timedelta(seconds=60)
GAPS = 20
BACKUP = "instance.backup"
AWAY = timedelta(minutes=1)
LOOPS = ("scheduler", "sweeper", "alerter")
LANES = ("http", "script", "delivery")


@dataclass(frozen=True, slots=True)
class Node:
    """One process; `alive` while its last beat is recent."""

    id: str
    name: str
    started_at: datetime
    beat_at: datetime
    unfolded_at: datetime | None
    alive: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a loop or a lane has to do: how many, and for how long the oldest is due."""

    name: str
    count: int | None
    late: timedelta

    @property
    def well(self) -> bool:
        """Whether it keeps up."""
        return self.late <= SLACK

    @property
    def words(self) -> str:
        """Word it for people where it does not."""
        return f"the {self.name} is behind"


@dataclass(frozen=True, slots=True)
class Unasked:
    """A location whose probes nobody asks: since when, and how many wait."""

    location: str
    since_at: datetime
    count: int

    @property
    def words(self) -> str:
        """Word it for people."""
        probes = "1 probe waits" if self.count == 1 else f"{self.count} probes wait"
        return (
            f"nobody asks at location {self.location}: {probes}, the first since "
            f"{self.since_at:%Y-%m-%d %H:%M:%S} UTC"
        )


@dataclass(frozen=True, slots=True)
class Away:
    """A time in which nobody listened, and how many slots of a workspace were due in it."""

    start_at: datetime
    end_at: datetime
    slots: int


@dataclass(frozen=True, slots=True)
class System:
    """The state of the instance at `at`."""

    at: datetime
    nodes: Sequence[Node]
    waiting: Sequence[Waiting]
    gaps: Sequence[tuple[datetime, datetime, str]]
    watches: Mapping[str, int]
    unasked: Sequence[Unasked] = ()
    backup_at: datetime | None = None
    outside_heartbeat: Heartbeat = field(default_factory=Heartbeat)

    @property
    def problems(self) -> list[str]:
        """What is wrong, in words; empty while all is well."""
        told = [] if any(one.alive for one in self.nodes) else ["no engine is alive"]
        told += [one.words for one in self.waiting if not one.well]
        return told + [one.words for one in self.unasked]


def state(tx: Tx, at: datetime) -> System:
    """Return how Dogwatch is."""
    nodes = [Node(*row, alive=at - row[3] <= LEASE) for row in lag.nodes_known(tx)]
    oldest, depth = lag.oldest(tx, at), tasks.depth(tx)
    waiting = [
        Waiting(name, depth.get(name, 0) if name in LANES else None, at - (oldest.get(name) or at))
        for name in (*LOOPS, *LANES)
    ]
    return System(
        at, nodes, waiting, lag.gaps_named(tx, GAPS), watches.count_by_status(tx), unasked(tx, at),
        audit_log.last_at(tx, BACKUP), outside.known(tx),
    )  # fmt: skip


def behind(tx: Tx, at: datetime) -> list[str]:
    """Return in words which loops do not keep up."""
    oldest = lag.oldest(tx, at)
    waiting = [Waiting(name, None, at - (oldest.get(name) or at)) for name in LOOPS]
    return [one.words for one in waiting if not one.well]


def away_since(tx: Tx, workspace_id: int, at: datetime) -> Away | None:
    """Return the last time that nobody listened for a minute or longer, if it ended since then."""
    found = [(start, end) for start, end, _ in lag.gaps_named(tx, GAPS) if end - start >= AWAY]
    if not found or found[0][1] <= at:
        return None
    return Away(*found[0], lag.slots_within(tx, workspace_id, *found[0]))


def unasked(tx: Tx, at: datetime) -> list[Unasked]:
    """Return the locations that no living node asks for."""
    return [Unasked(*row) for row in probes.unasked(tx, at - UNASKED)]
