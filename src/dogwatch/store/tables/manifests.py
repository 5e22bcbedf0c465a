"""Tables of manifests: the files that were applied, and what is kept in them."""

from sqlalchemy import Column, PrimaryKeyConstraint, String, Table, Text

from dogwatch.store.tables.base import metadata, workspace
from dogwatch.store.types import Instant

manifests = Table(
    "manifests",
    metadata,
    workspace(),
    Column("name", String(200), nullable=False),
    # None until it was good for the first time.
    Column("applied_at", Instant),
    Column("applied_by", String(255), nullable=False),
    # Why it was refused when it was last applied; "" where it was not.
    Column("fault", Text, nullable=False),
    Column("fault_at", Instant),
    PrimaryKeyConstraint("workspace_id", "name"),
)

# What is kept in a file: items, channels and the like, by their ids, variables by their keys.
manifest_things = Table(
    "manifest_things",
    metadata,
    workspace(),
    Column("kind", String(16), nullable=False),
    Column("thing", String(100), nullable=False),
    Column("manifest", String(200), nullable=False),
    PrimaryKeyConstraint("workspace_id", "kind", "thing"),
)
