"""Turns of probes that nobody took and somebody was told of."""

import sqlalchemy as sa
from alembic import op

from dogwatch.store.migrations.walls import raise_wall

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; what nobody asks at this moment is told once more."""
    op.create_table(
        "untaken",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("watch_id", sa.String(26), nullable=False),
        sa.Column("location", sa.String(32), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_untaken_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "watch_id"],
            ["watches.workspace_id", "watches.id"],
            name=op.f("fk_untaken_workspace_id_watch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "watch_id", "location", name=op.f("pk_untaken")),
    )
    raise_wall("untaken")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("untaken")
