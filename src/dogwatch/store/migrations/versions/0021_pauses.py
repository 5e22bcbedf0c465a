"""When a pause ends by itself, and how schedules were changed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from dogwatch.store.migrations.walls import raise_wall

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "pauses",
        *_key("pauses"),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "watch_id", name=op.f("pk_pauses")),
    )
    op.create_index(op.f("ix_pauses_until_at"), "pauses", ["until_at"])
    op.create_table(
        "schedule_edits",
        *_key("schedule_edits"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "watch_id", "at", name=op.f("pk_schedule_edits")),
    )
    op.create_index(op.f("ix_audit_log_workspace_id_at"), "audit_log", ["workspace_id", "at"])
    raise_wall("pauses")
    raise_wall("schedule_edits")


def _key(table: str) -> list[sa.Column[Any] | sa.ForeignKeyConstraint]:
    """Return what leads to the watch of a row."""
    return [
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("watch_id", sa.String(26), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "watch_id"],
            ["watches.workspace_id", "watches.id"],
            name=op.f(f"fk_{table}_workspace_id_watch_id"),
            ondelete="CASCADE",
        ),
    ]


def downgrade() -> None:
    """Drop the tables; what is paused stays so."""
    op.drop_index(op.f("ix_audit_log_workspace_id_at"), "audit_log")
    op.drop_table("schedule_edits")
    op.drop_table("pauses")
