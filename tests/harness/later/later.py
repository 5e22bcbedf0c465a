"""A revision after the last: it rebuilds the table that all others hang on, and fills a column."""

import sqlalchemy as sa
from alembic import op

from tests.harness.revisions import HEAD, LATER

revision = LATER
down_revision = HEAD
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column, fill it, forbid it to be empty, and index it."""
    with op.batch_alter_table("watches") as batch:
        batch.add_column(sa.Column("colour", sa.String(16)))
    op.execute("UPDATE watches SET colour = status")
    with op.batch_alter_table("watches") as batch:
        batch.alter_column("colour", existing_type=sa.String(16), nullable=False)
    op.create_index("ix_watches_colour", "watches", ["colour"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_watches_colour", "watches")
    with op.batch_alter_table("watches") as batch:
        batch.drop_column("colour")
