"""All that is kept in files, not items alone; and what a file calls a channel."""

import sqlalchemy as sa
from alembic import op

from dogwatch.store.migrations.walls import raise_wall

revision = "0022"
down_revision = "0019"
branch_labels = None
depends_on = None

_TO = """
    INSERT INTO manifest_things (workspace_id, kind, thing, manifest)
    SELECT workspace_id, 'item', watch_id, manifest FROM manifest_items
"""
_FROM = """
    INSERT INTO manifest_items (workspace_id, watch_id, manifest)
    SELECT kept.workspace_id, kept.thing, kept.manifest FROM manifest_things kept
    JOIN watches ON watches.workspace_id = kept.workspace_id AND watches.id = kept.thing
    WHERE kept.kind = 'item'
"""


def upgrade() -> None:
    """Keep things of every kind."""
    op.create_table(
        "manifest_things",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("thing", sa.String(length=100), nullable=False),
        sa.Column("manifest", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_manifest_things_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "thing", name=op.f("pk_manifest_things")),
    )
    op.execute(_TO)
    raise_wall("manifest_things")
    op.drop_table("manifest_items")
    op.add_column("channels", sa.Column("key", sa.String(length=255), nullable=True))


def downgrade() -> None:
    """Keep items alone."""
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
    op.execute(_FROM)
    raise_wall("manifest_items")
    op.drop_table("manifest_things")
    with op.batch_alter_table("channels") as channels:
        channels.drop_column("key")
