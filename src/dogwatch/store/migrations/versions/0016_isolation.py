"""The isolation of scripts that a workspace demands."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    column = sa.Column(
        "least_isolation", sa.String(length=16), nullable=False, server_default="trusted"
    )
    op.add_column("workspaces", column)


def downgrade() -> None:
    """Drop the column."""
    with op.batch_alter_table("workspaces") as workspaces:
        workspaces.drop_column("least_isolation")
