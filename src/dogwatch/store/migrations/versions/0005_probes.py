"""Probes: whose turn it is, what was seen, and how they did over time."""

import sqlalchemy as sa
from alembic import op

from dogwatch.store.migrations.walls import raise_wall

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.String(26)


def upgrade() -> None:
    """Create the tables and the columns."""
    op.add_column("runs", sa.Column("error", sa.String(length=16), nullable=True))
    op.add_column("runs", sa.Column("detail", sa.String(length=255), nullable=True))
    op.add_column("runs", sa.Column("preview", sa.Text(), nullable=True))
    _create_probes()
    _create_rollups()
    raise_wall("probes")
    raise_wall("rollups")


def downgrade() -> None:
    """Drop the tables and the columns."""
    op.drop_table("rollups")
    op.drop_table("probes")
    with op.batch_alter_table("runs") as runs:
        runs.drop_column("preview")
        runs.drop_column("detail")
        runs.drop_column("error")


def _create_probes() -> None:
    op.create_table(
        "probes",
        *_of_watch("probes"),
        sa.Column("location", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("node_id", _ID, nullable=True),
        sa.Column("slot_at", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "watch_id", "location", name=op.f("pk_probes")),
    )
    op.create_index(op.f("ix_probes_location_due_at"), "probes", ["location", "due_at"])
    op.create_index(op.f("ix_probes_node_id"), "probes", ["node_id"])


def _create_rollups() -> None:
    op.create_table(
        "rollups",
        *_of_watch("rollups"),
        sa.Column("unit", sa.String(length=4), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("ok", sa.Integer(), nullable=False),
        sa.Column("slow", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("total_ms", sa.BigInteger(), nullable=False),
        sa.Column("buckets", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "watch_id", "unit", "start_at", name=op.f("pk_rollups")
        ),
    )
    op.create_index(op.f("ix_rollups_unit_start_at"), "rollups", ["unit", "start_at"])


def _of_watch(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("watch_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "watch_id"],
            ["watches.workspace_id", "watches.id"],
            name=op.f(f"fk_{table}_workspace_id_watch_id"),
            ondelete="CASCADE",
        ),
    )
