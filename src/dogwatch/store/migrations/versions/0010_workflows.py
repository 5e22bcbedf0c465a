"""Workflows with their versions and runs, and what follows the end of a run."""

import sqlalchemy as sa
from alembic import op

from dogwatch.store.migrations.walls import raise_wall

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ID = sa.String(26)
_TABLES = ("workflows", "workflow_versions", "workflow_runs", "workflow_steps", "effects")


def upgrade() -> None:
    """Add columns and tables."""
    actions = sa.Column("actions", sa.Text(), nullable=False, server_default="[]")
    op.add_column("jobs", actions)
    op.add_column("runs", sa.Column("parent_id", _ID, nullable=True))
    op.add_column("runs", sa.Column("depth", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_runs_parent_id", "runs", ["workspace_id", "parent_id"], unique=False,
        sqlite_where=sa.text("parent_id IS NOT NULL"),
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )  # fmt: skip
    _create_workflows()
    _create_runs()
    _create_steps()
    _create_effects()
    for table in _TABLES:
        raise_wall(table)


def downgrade() -> None:
    """Drop the tables and the columns."""
    for table in reversed(_TABLES):
        op.drop_table(table)
    op.drop_index("ix_runs_parent_id", table_name="runs")
    with op.batch_alter_table("runs") as runs:
        runs.drop_column("depth")
        runs.drop_column("parent_id")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_column("actions")


def _of(table: str, column: str, other: str) -> tuple[sa.schema.SchemaItem, ...]:
    """Return the columns and constraints of what goes with a row of `other`."""
    return (
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column(column, _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", column],
            [f"{other}.workspace_id", f"{other}.id"],
            name=op.f(f"fk_{table}_workspace_id_{column}"),
            ondelete="CASCADE",
        ),
    )


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def _create_workflows() -> None:
    op.create_table(
        "workflows",
        *_of("workflows", "watch_id", "watches"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hook_hash", sa.LargeBinary(), nullable=True),
        sa.Column("hook", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "watch_id", name=op.f("pk_workflows")),
        sa.UniqueConstraint("hook_hash", name=op.f("uq_workflows_hook_hash")),
    )
    op.create_table(
        "workflow_versions",
        *_of("workflow_versions", "watch_id", "watches"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "watch_id", "number", name=op.f("pk_workflow_versions")
        ),
    )


def _create_runs() -> None:
    op.create_table(
        "workflow_runs",
        *_of("workflow_runs", "run_id", "runs"),
        sa.Column("watch_id", _ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("stop_outcome", sa.String(length=16), nullable=True),
        sa.Column("stop_reason", sa.String(length=255), nullable=True),
        sa.Column("rerun_of", _ID, nullable=True),
        sa.Column("rerun_from", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "run_id", name=op.f("pk_workflow_runs")),
    )


def _create_steps() -> None:
    op.create_table(
        "workflow_steps",
        *_of("workflow_steps", "run_id", "runs"),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("child_id", _ID, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        _flag("condition"),
        _flag("handled"),
        sa.Column("retries", sa.Integer(), nullable=True),
        sa.Column("timeout_s", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "run_id", "node", name=op.f("pk_workflow_steps")),
    )
    op.create_index(
        op.f("ix_workflow_steps_workspace_id_child_id"),
        "workflow_steps",
        ["workspace_id", "child_id"],
        unique=False,
    )


def _create_effects() -> None:
    op.create_table(
        "effects",
        *_of("effects", "run_id", "runs"),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ref_id", _ID, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "run_id", "seq", name=op.f("pk_effects")),
    )
