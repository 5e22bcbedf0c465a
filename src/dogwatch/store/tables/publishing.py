"""Tables of what is shown to anybody: status pages, and what people post on them."""

from sqlalchemy import Boolean, Column, Index, PrimaryKeyConstraint, String, Table, UniqueConstraint

from dogwatch.store.tables.base import Id, metadata, of, workspace
from dogwatch.store.types import Instant, Json

status_pages = Table(
    "status_pages",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    # The page's address, over all workspaces.
    Column("slug", String(64), nullable=False),
    Column("title", String(255), nullable=False),
    Column("description", String(1000), nullable=False),
    # Whether search engines may list it; who knows the address sees it either way.
    Column("public", Boolean, nullable=False),
    # The names that are shown, each with a watch or a tag behind it.
    Column("items", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("slug"),
)

status_posts = Table(
    "status_posts",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    Column("page_id", Id, nullable=False),
    Column("title", String(255), nullable=False),
    Column("impact", String(16), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    # What was said since, oldest first: [at, state, text].
    Column("updates", Json, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    of("status_pages", "page_id"),
    Index(None, "workspace_id", "page_id", "opened_at"),
)
