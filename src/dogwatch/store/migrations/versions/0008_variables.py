"""Variables, what scripts hand on, and the rules of jobs about priority, count and start."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.String(26)


def upgrade() -> None:
    """Add columns and tables."""
    op.add_column("watches", sa.Column("starts_at", sa.BigInteger(), nullable=True))
    _widen_jobs()
    op.add_column("tasks", _number("priority", sa.Integer()))
    op.create_index(
        "ix_tasks_first", "tasks", ["lane", "priority", "run_at"], unique=False,
        sqlite_where=sa.text("priority > 0"), postgresql_where=sa.text("priority > 0"),
    )  # fmt: skip
    _create_results()
    _create_variables()
    _create_uses()


def downgrade() -> None:
    """Drop the tables and the columns."""
    for table in ("variable_uses", "variables", "results"):
        op.drop_table(table)
    op.drop_index("ix_tasks_first", table_name="tasks")
    with op.batch_alter_table("tasks") as tasks:
        tasks.drop_column("priority")
    with op.batch_alter_table("jobs") as jobs:
        for column in ("run_count", "reset_on_resume", "max_runs", "priority"):
            jobs.drop_column(column)
    with op.batch_alter_table("watches") as watches:
        watches.drop_column("starts_at")


def _number(name: str, kind: sa.types.TypeEngine[int]) -> sa.Column[int]:
    return sa.Column(name, kind, nullable=False, server_default="0")


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def _widen_jobs() -> None:
    op.add_column("jobs", _number("priority", sa.Integer()))
    op.add_column("jobs", sa.Column("max_runs", sa.Integer(), nullable=True))
    op.add_column("jobs", _flag("reset_on_resume"))
    op.add_column("jobs", _number("run_count", sa.BigInteger()))


def _of(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{other}.workspace_id", f"{other}.id"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
        ondelete="CASCADE",
    )


def _workspace(table: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    return sa.Column("workspace_id", sa.Integer(), nullable=False), sa.ForeignKeyConstraint(
        ["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id")
    )


def _create_results() -> None:
    op.create_table(
        "results",
        *_workspace("results"),
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("condition", sa.Boolean(), nullable=True),
        _of("results", "run_id", "runs"),
        sa.PrimaryKeyConstraint("workspace_id", "run_id", name=op.f("pk_results")),
    )


def _create_variables() -> None:
    op.create_table(
        "variables",
        *_workspace("variables"),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False, server_default=""),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "key", name=op.f("pk_variables")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_variables_workspace_id_id")),
    )


def _create_uses() -> None:
    op.create_table(
        "variable_uses",
        *_workspace("variable_uses"),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("watch_id", _ID, nullable=False),
        _flag("named"),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("set_at", sa.BigInteger(), nullable=True),
        _of("variable_uses", "watch_id", "watches"),
        sa.PrimaryKeyConstraint("workspace_id", "key", "watch_id", name=op.f("pk_variable_uses")),
    )
    op.create_index(
        op.f("ix_variable_uses_workspace_id_watch_id"),
        "variable_uses",
        ["workspace_id", "watch_id"],
        unique=False,
    )
