"""Which watches are down is found by an index of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0002"
branch_labels = None
depends_on = None

_DOWN = sa.text("status = 'down'")


def upgrade() -> None:
    """Create the index."""
    op.create_index(
        "ix_watches_down",
        "watches",
        ["workspace_id", "id"],
        sqlite_where=_DOWN,
        postgresql_where=_DOWN,
    )


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_watches_down", "watches")
