"""Status pages, and what people post on them."""

import sqlalchemy as sa
from alembic import op

from dogwatch.store.migrations.walls import raise_wall

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ID = sa.String(26)


def upgrade() -> None:
    """Create the tables."""
    _create_pages()
    _create_posts()
    raise_wall("status_pages")
    raise_wall("status_posts")


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("status_posts")
    op.drop_table("status_pages")


def _create_pages() -> None:
    op.create_table(
        "status_pages",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_status_pages_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_status_pages")),
        sa.UniqueConstraint("slug", name=op.f("uq_status_pages_slug")),
    )


def _create_posts() -> None:
    op.create_table(
        "status_posts",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("page_id", _ID, nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("impact", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("updates", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_status_posts_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "page_id"],
            ["status_pages.workspace_id", "status_pages.id"],
            name=op.f("fk_status_posts_workspace_id_page_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_status_posts")),
    )
    op.create_index(
        op.f("ix_status_posts_workspace_id_page_id_opened_at"),
        "status_posts",
        ["workspace_id", "page_id", "opened_at"],
    )
