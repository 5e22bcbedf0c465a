"""By which names the dialects know our watches, and what their pings say besides."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# SQLite numbers rows by itself only under the exact type INTEGER.
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table and the columns."""
    op.add_column("pings", sa.Column("duration_ms", sa.BigInteger(), nullable=True))
    op.add_column("pings", sa.Column("progress", sa.Integer(), nullable=True))
    op.create_table(
        "aliases",
        sa.Column("number", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("dialect", sa.String(length=16), nullable=False),
        sa.Column("watch_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("ping_key", sa.String(length=64), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_aliases_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "watch_id"],
            ["watches.workspace_id", "watches.id"],
            name=op.f("fk_aliases_workspace_id_watch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_aliases")),
        sa.UniqueConstraint("dialect", "name", name=op.f("uq_aliases_dialect_name")),
        sa.UniqueConstraint(
            "workspace_id",
            "dialect",
            "watch_id",
            name=op.f("uq_aliases_workspace_id_dialect_watch_id"),
        ),
    )
    op.create_index(
        op.f("ix_aliases_workspace_id_watch_id"), "aliases", ["workspace_id", "watch_id"]
    )


def downgrade() -> None:
    """Drop the table and the columns."""
    op.drop_table("aliases")
    with op.batch_alter_table("pings") as pings:
        pings.drop_column("progress")
        pings.drop_column("duration_ms")
