"""Tables of trouble: incidents with what belongs to them, what depends on what, and maintenance."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, String, Table, UniqueConstraint

from dogwatch.store.tables.base import Id, Serial, metadata, of, workspace
from dogwatch.store.types import Instant, Json

incidents = Table(
    "incidents",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    # Counted from 1 in each workspace: what people call it.
    Column("number", Integer, nullable=False),
    # What else goes down soon joins it, if it is of this project ("" for none).
    Column("project", String(64), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("acked_at", Instant),
    Column("acked_by", String(255)),
    Column("snoozed_until_at", Instant),
    Column("closed_at", Instant),
    Column("closed_by", String(255)),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "number"),
    Index(None, "workspace_id", "closed_at", "joined_at"),
)

incident_members = Table(
    "incident_members",
    metadata,
    workspace(),
    Column("incident_id", Id, nullable=False),
    Column("flip_id", Id, nullable=False),
    Column("watch_id", Id, nullable=False),
    # When it should have been heard, where silence took it down.
    Column("expected_at", Instant),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant),
    PrimaryKeyConstraint("workspace_id", "incident_id", "flip_id"),
    of("incidents", "incident_id"),
    of("watches", "watch_id"),
    Index(None, "workspace_id", "watch_id", "ended_at"),
)

incident_notes = Table(
    "incident_notes",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    workspace(),
    Column("incident_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("by", String(255), nullable=False),
    Column("detail", String(500), nullable=False),
    # The delivery whose link did it: a link does it once.
    Column("link", Id),
    of("incidents", "incident_id"),
    Index(None, "workspace_id", "incident_id"),
    Index(None, "workspace_id", "link"),
)

dependencies = Table(
    "dependencies",
    metadata,
    workspace(),
    Column("watch_id", Id, nullable=False),
    Column("parent_id", Id, nullable=False),
    PrimaryKeyConstraint("workspace_id", "watch_id", "parent_id"),
    of("watches", "watch_id"),
    of("watches", "parent_id"),
    Index(None, "workspace_id", "parent_id"),
)

maintenance = Table(
    "maintenance",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    Column("name", String(255), nullable=False),
    Column("scope", Json, nullable=False),
    Column("spec", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
)
