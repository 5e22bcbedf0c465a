"""Jobs name a key by which their runs share places."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

KEYED = sa.text("concurrency IS NOT NULL")


def upgrade() -> None:
    """Add the keys, and the index of the few tasks that have one."""
    op.add_column("jobs", sa.Column("concurrency_key", sa.String(64), nullable=True))
    op.add_column("tasks", sa.Column("concurrency", sa.String(96), nullable=True))
    for table in ("jobs", "tasks"):
        limit = sa.Column("concurrency_limit", sa.Integer(), nullable=False, server_default="1")
        op.add_column(table, limit)
    op.create_index(
        "ix_tasks_concurrency", "tasks", ["concurrency", "run_at"],
        sqlite_where=KEYED, postgresql_where=KEYED,
    )  # fmt: skip


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_tasks_concurrency", "tasks")
    for table in ("tasks", "jobs"):
        op.drop_column(table, "concurrency_limit")
    op.drop_column("tasks", "concurrency")
    op.drop_column("jobs", "concurrency_key")
