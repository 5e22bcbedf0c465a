"""Tables of the probes: whose turn it is, and how they did, hour by hour and day by day."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, String, Table

from dogwatch.store.tables.base import Id, metadata, of, workspace
from dogwatch.store.types import Instant, Json

# One row per probe and location: probes are claimed from here, they have no task.
probes = Table(
    "probes",
    metadata,
    workspace(),
    Column("watch_id", Id, nullable=False),
    Column("location", String(32), nullable=False),
    # Null while it is asked, and while the watch is paused.
    Column("due_at", Instant),
    # Set while a node asks; void once that node's beat is too old.
    Column("node_id", Id),
    # What this location saw of the slot that others have not yet answered.
    Column("slot_at", Instant),
    Column("result", Json),
    PrimaryKeyConstraint("workspace_id", "watch_id", "location"),
    of("watches", "watch_id"),
    Index(None, "location", "due_at"),
    Index(None, "node_id"),
)

# Turns that nobody took, once whoever wanted to hear was told, until he hears they are taken.
untaken = Table(
    "untaken",
    metadata,
    workspace(),
    Column("watch_id", Id, nullable=False),
    Column("location", String(32), nullable=False),
    Column("since_at", Instant, nullable=False),
    Column("told_at", Instant, nullable=False),
    # When the first turn after that was taken.
    Column("asked_at", Instant),
    PrimaryKeyConstraint("workspace_id", "watch_id", "location"),
    of("watches", "watch_id"),
)

# Counts that can be merged: `unit` is hour or day, `buckets` the histogram of durations.
rollups = Table(
    "rollups",
    metadata,
    workspace(),
    Column("watch_id", Id, nullable=False),
    Column("unit", String(4), nullable=False),
    Column("start_at", Instant, nullable=False),
    Column("ok", Integer, nullable=False),
    Column("slow", Integer, nullable=False),
    Column("bad", Integer, nullable=False),
    Column("total_ms", BigInteger, nullable=False),
    Column("buckets", Json, nullable=False),
    PrimaryKeyConstraint("workspace_id", "watch_id", "unit", "start_at"),
    of("watches", "watch_id"),
    Index(None, "unit", "start_at"),
)
