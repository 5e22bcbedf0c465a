"""Tables of manifests: the files that were applied, and the items that are kept in them."""

from sqlalchemy import Column, PrimaryKeyConstraint, String, Table, Text

from dogwatch.store.tables.base import Id, metadata, of, workspace
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

manifest_items = Table(
    "manifest_items",
    metadata,
    workspace(),
    Column("watch_id", Id, nullable=False),
    Column("manifest", String(200), nullable=False),
    PrimaryKeyConstraint("workspace_id", "watch_id"),
    of("watches", "watch_id"),
)
