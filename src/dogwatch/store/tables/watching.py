"""Tables beside the watches: when a pause ends, and how schedules were changed."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text

from dogwatch.store.tables.base import Id, metadata, of, workspace
from dogwatch.store.types import Instant

# Pauses that end by themselves.
pauses = Table(
    "pauses",
    metadata,
    workspace(),
    Column("watch_id", Id, nullable=False),
    Column("until_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "watch_id"),
    of("watches", "watch_id"),
    Index(None, "until_at"),
)

schedule_edits = Table(
    "schedule_edits",
    metadata,
    workspace(),
    Column("watch_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    # As people read it: what was due when, and in which zone.
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "watch_id", "at"),
    of("watches", "watch_id"),
)
