"""Jobs that a dialect has put away: they can be fetched back for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and an index of those that have it."""
    op.add_column("aliases", sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    there = sa.text("deleted_at IS NOT NULL")
    op.create_index(
        "ix_aliases_deleted_at", "aliases", ["deleted_at"],
        sqlite_where=there, postgresql_where=there,
    )  # fmt: skip


def downgrade() -> None:
    """Drop the column; what was put away stays, paused."""
    op.drop_index("ix_aliases_deleted_at", "aliases")
    op.drop_column("aliases", "deleted_at")
