"""The environments that single runs are given."""

import sqlalchemy as sa
from alembic import op

from dogwatch.store.migrations.walls import raise_wall

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "environments",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(26), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_environments_workspace_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "run_id"],
            ["runs.workspace_id", "runs.id"],
            name=op.f("fk_environments_workspace_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "run_id", name=op.f("pk_environments")),
    )
    raise_wall("environments")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("environments")
