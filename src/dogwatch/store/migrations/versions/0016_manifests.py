"""Manifests that were applied, and which items are kept in them."""

import sqlalchemy as sa
from alembic import op

from dogwatch.store.migrations.walls import raise_wall

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "manifests",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.Column("applied_by", sa.String(length=255), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("fault_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_manifests_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "name", name=op.f("pk_manifests")),
    )
    op.create_table(
        "manifest_items",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("watch_id", sa.String(26), nullable=False),
        sa.Column("manifest", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_manifest_items_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "watch_id"],
            ["watches.workspace_id", "watches.id"],
            name=op.f("fk_manifest_items_workspace_id_watch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "watch_id", name=op.f("pk_manifest_items")),
    )
    raise_wall("manifests")
    raise_wall("manifest_items")


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("manifest_items")
    op.drop_table("manifests")
