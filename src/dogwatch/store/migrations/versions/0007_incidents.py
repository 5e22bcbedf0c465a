"""Incidents, dependencies and maintenance; when a rule tells, and what an alert waits for."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.String(26)
# SQLite numbers rows by itself only under the exact type INTEGER.
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_HELD = {
    "hold": ["workspace_id", "hold", "channel_id", "id"],
    "bundle_id": ["workspace_id", "bundle_id"],
    "incident_id": ["workspace_id", "incident_id"],
}


def upgrade() -> None:
    """Create the tables, those first that others refer to."""
    _widen()
    _create_incidents()
    _create_incident_members()
    _create_incident_notes()
    _create_dependencies()
    _create_maintenance()


def downgrade() -> None:
    """Drop the tables and the columns; what was held then waits for nothing."""
    for table in (
        "maintenance",
        "dependencies",
        "incident_notes",
        "incident_members",
        "incidents",
    ):
        op.drop_table(table)
    op.execute(
        "UPDATE deliveries SET state = 'failed', reason = 'held by a newer version' "
        "WHERE state IN ('held', 'suppressed') OR (state = 'pending' AND bundle_id IS NOT NULL)"
    )
    op.execute("DELETE FROM tasks WHERE lane IN ('alert', 'bundle', 'digest', 'incident', 'late')")
    for column in _HELD:
        op.drop_index(op.f(f"ix_deliveries_{column}"), table_name="deliveries")
    with op.batch_alter_table("deliveries") as deliveries:
        for column in ("bundle_id", "incident_id", "rule_id", "due_at", "hold"):
            deliveries.drop_column(column)
    with op.batch_alter_table("rules") as rules:
        rules.drop_column("timing")
    with op.batch_alter_table("channels") as channels:
        channels.drop_column("group_window_s")


def _widen() -> None:
    op.add_column("channels", sa.Column("group_window_s", sa.Integer(), nullable=True))
    op.add_column("rules", sa.Column("timing", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("deliveries", sa.Column("hold", sa.String(length=16), nullable=True))
    op.add_column("deliveries", sa.Column("due_at", sa.BigInteger(), nullable=True))
    for column in ("rule_id", "incident_id", "bundle_id"):
        op.add_column("deliveries", sa.Column(column, _ID, nullable=True))
    for column, names in _HELD.items():
        has = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            op.f(f"ix_deliveries_{column}"), "deliveries", names, unique=False,
            sqlite_where=has, postgresql_where=has,
        )  # fmt: skip


def _workspace(table: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    return sa.Column("workspace_id", sa.Integer(), nullable=False), sa.ForeignKeyConstraint(
        ["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id")
    )


def _of(table: str, other: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{other}.workspace_id", f"{other}.id"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
        ondelete="CASCADE",
    )


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), unique=False)


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        *_workspace("incidents"),
        sa.Column("id", _ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("acked_at", sa.BigInteger(), nullable=True),
        sa.Column("acked_by", sa.String(length=255), nullable=True),
        sa.Column("snoozed_until_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_incidents")),
        sa.UniqueConstraint(
            "workspace_id", "number", name=op.f("uq_incidents_workspace_id_number")
        ),
    )
    _index("incidents", "workspace_id", "closed_at", "joined_at")


def _create_incident_members() -> None:
    op.create_table(
        "incident_members",
        *_workspace("incident_members"),
        sa.Column("incident_id", _ID, nullable=False),
        sa.Column("flip_id", _ID, nullable=False),
        sa.Column("watch_id", _ID, nullable=False),
        sa.Column("expected_at", sa.BigInteger(), nullable=True),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "workspace_id", "incident_id", "flip_id", name=op.f("pk_incident_members")
        ),
        _of("incident_members", "incidents", "incident_id"),
        _of("incident_members", "watches", "watch_id"),
    )
    _index("incident_members", "workspace_id", "watch_id", "ended_at")


def _create_incident_notes() -> None:
    op.create_table(
        "incident_notes",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        *_workspace("incident_notes"),
        sa.Column("incident_id", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("link", _ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_notes")),
        _of("incident_notes", "incidents", "incident_id"),
    )
    _index("incident_notes", "workspace_id", "incident_id")
    _index("incident_notes", "workspace_id", "link")


def _create_dependencies() -> None:
    op.create_table(
        "dependencies",
        *_workspace("dependencies"),
        sa.Column("watch_id", _ID, nullable=False),
        sa.Column("parent_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "watch_id", "parent_id", name=op.f("pk_dependencies")
        ),
        _of("dependencies", "watches", "watch_id"),
        _of("dependencies", "watches", "parent_id"),
    )
    _index("dependencies", "workspace_id", "parent_id")


def _create_maintenance() -> None:
    op.create_table(
        "maintenance",
        *_workspace("maintenance"),
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_maintenance")),
    )
