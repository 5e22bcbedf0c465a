"""Tables of the dialects: by which names they know our watches, and their projects."""

from sqlalchemy import (
    Column,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from dogwatch.store.tables.base import Id, Serial, metadata, of, workspace
from dogwatch.store.types import Instant, Json

# What a watch is called in a dialect. `number` is its id where ids are numbers, `name` where they
# are text; `said` keeps what only the dialect has a field for; `deleted_at` is when the dialect put
# the watch away.
aliases = Table(
    "aliases",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=True),
    workspace(),
    Column("dialect", String(16), nullable=False),
    Column("watch_id", Id, nullable=False),
    Column("name", String(64), nullable=False),
    Column("ping_key", String(64), nullable=False),
    Column("said", Json, nullable=False),
    Column("deleted_at", Instant),
    UniqueConstraint("dialect", "name"),
    UniqueConstraint("workspace_id", "dialect", "watch_id"),
    of("watches", "watch_id"),
    Index(None, "workspace_id", "watch_id"),
)
_PUT_AWAY = aliases.c.deleted_at.is_not(None)
Index(None, aliases.c.deleted_at, sqlite_where=_PUT_AWAY, postgresql_where=_PUT_AWAY)

# A project of the dialects that have them. Its watches name it by `label`; "" is for those that
# name none.
projects = Table(
    "projects",
    metadata,
    workspace(),
    Column("id", String(64), nullable=False),
    Column("label", String(64), nullable=False),
    Column("name", String(255), nullable=False),
    Column("url", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "label"),
)

# What only a dialect has fields for, of a workspace as a whole.
dialect_settings = Table(
    "dialect_settings",
    metadata,
    workspace(),
    Column("dialect", String(16), nullable=False),
    Column("said", Json, nullable=False),
    PrimaryKeyConstraint("workspace_id", "dialect"),
)
