"""A mark on each workspace that changes with its rules and channels, so that they can be kept."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what has no mark is read each time, until a rule or a channel changes."""
    column = sa.Column("rules_version", sa.String(length=32), nullable=False, server_default="")
    op.add_column("workspaces", column)


def downgrade() -> None:
    """Drop the column."""
    with op.batch_alter_table("workspaces") as workspaces:
        workspaces.drop_column("rules_version")
