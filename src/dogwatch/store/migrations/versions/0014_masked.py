"""What people see of runs: without the secret values handed on, and when one is tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("results", sa.Column("masked", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("input_masked", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("retry_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop the columns."""
    with op.batch_alter_table("runs") as runs:
        runs.drop_column("retry_at")
        runs.drop_column("input_masked")
    with op.batch_alter_table("results") as results:
        results.drop_column("masked")
