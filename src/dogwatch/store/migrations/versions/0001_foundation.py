"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String(26)
# SQLite numbers rows by itself only under the exact type INTEGER.
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, those first that others refer to."""
    _create_instance()
    _create_nodes()
    _create_outages()
    _create_workspaces()
    _create_channels()
    _create_idempotency()
    _create_keys()
    _create_tasks()
    _create_watches()
    _create_deliveries()
    _create_flips()
    _create_jobs()
    _create_ping_keys()
    _create_pings()
    _create_rules()
    _create_runs()
    _create_outputs()
    _create_receipts()


def downgrade() -> None:
    """Drop every table."""
    for table in (
        "receipts",
        "outputs",
        "runs",
        "rules",
        "pings",
        "ping_keys",
        "jobs",
        "flips",
        "deliveries",
        "watches",
        "tasks",
        "keys",
        "idempotency",
        "channels",
        "workspaces",
        "outages",
        "nodes",
        "instance",
    ):
        op.drop_table(table)


def _create_instance() -> None:
    op.create_table(
        "instance",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_instance")),
    )


def _create_nodes() -> None:
    op.create_table(
        "nodes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.Column("unfolded_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nodes")),
    )


def _create_outages() -> None:
    op.create_table(
        "outages",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outages")),
    )


def _create_workspaces() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("ping_key", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("ping_key", name=op.f("uq_workspaces_ping_key")),
    )


def _create_channels() -> None:
    op.create_table(
        "channels",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("disabled_reason", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_channels_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_channels")),
    )


def _create_idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_idempotency_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)


def _create_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("prefix", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_keys_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_keys_prefix")),
    )


def _create_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("ref_id", _ID, nullable=False),
        sa.Column("ordering", sa.String(length=64), nullable=True),
        sa.Column("bulkhead", sa.String(length=255), nullable=False),
        sa.Column("run_at", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("node_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_tasks_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint(
            "workspace_id", "lane", "ref_id", name=op.f("uq_tasks_workspace_id_lane_ref_id")
        ),
    )
    op.create_index(op.f("ix_tasks_lane_run_at"), "tasks", ["lane", "run_at"], unique=False)
    op.create_index(op.f("ix_tasks_ordering_id"), "tasks", ["ordering", "id"], unique=False)


def _create_watches() -> None:
    op.create_table(
        "watches",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=True),
        sa.Column("ping_key", sa.String(length=64), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("start_by_s", sa.Integer(), nullable=True),
        sa.Column("finish_by_s", sa.Integer(), nullable=True),
        sa.Column("slow_after_ms", sa.BigInteger(), nullable=True),
        sa.Column("min_duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("early_s", sa.Integer(), nullable=True),
        sa.Column("failures_before_down", sa.Integer(), nullable=False),
        sa.Column("successes_before_up", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("slot_at", sa.BigInteger(), nullable=True),
        sa.Column("unheard", sa.Text(), nullable=False),
        sa.Column("open", sa.Text(), nullable=False),
        sa.Column("recent", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("successes", sa.Integer(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=True),
        sa.Column("heard", sa.String(length=8), nullable=False),
        sa.Column("ok_at", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_ping_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("ledger_from_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_watches_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_watches")),
        sa.UniqueConstraint("workspace_id", "slug", name=op.f("uq_watches_workspace_id_slug")),
    )
    op.create_index(op.f("ix_watches_due_at"), "watches", ["due_at"], unique=False)


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("flip_id", _ID, nullable=True),
        sa.Column("watch_id", _ID, nullable=True),
        sa.Column("channel_id", _ID, nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "channel_id"],
            ["channels.workspace_id", "channels.id"],
            name=op.f("fk_deliveries_workspace_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_deliveries_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "workspace_id",
            "flip_id",
            "channel_id",
            name=op.f("uq_deliveries_workspace_id_flip_id_channel_id"),
        ),
    )
    op.create_index(
        op.f("ix_deliveries_workspace_id_watch_id_id"),
        "deliveries",
        ["workspace_id", "watch_id", "id"],
        unique=False,
    )


def _create_flips() -> None:
    op.create_table(
        "flips",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("watch_id", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("from_status", sa.String(length=16), nullable=False),
        sa.Column("to_status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "watch_id"],
            ["watches.workspace_id", "watches.id"],
            name=op.f("fk_flips_workspace_id_watch_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_flips_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_flips")),
    )
    op.create_index(
        op.f("ix_flips_workspace_id_watch_id_id"),
        "flips",
        ["workspace_id", "watch_id", "id"],
        unique=False,
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("watch_id", _ID, nullable=False),
        sa.Column("action_kind", sa.String(length=16), nullable=False),
        sa.Column("action", sa.LargeBinary(), nullable=False),
        sa.Column("overlap", sa.String(length=16), nullable=False),
        sa.Column("catch_up", sa.String(length=16), nullable=False),
        sa.Column("catch_up_max", sa.Integer(), nullable=False),
        sa.Column("catch_up_window_s", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("backoff_s", sa.Integer(), nullable=False),
        sa.Column("lost_run", sa.String(length=16), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "watch_id"],
            ["watches.workspace_id", "watches.id"],
            name=op.f("fk_jobs_workspace_id_watch_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_jobs_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "watch_id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_next_at"), "jobs", ["next_at"], unique=False)


def _create_ping_keys() -> None:
    op.create_table(
        "ping_keys",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("watch_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "watch_id"],
            ["watches.workspace_id", "watches.id"],
            name=op.f("fk_ping_keys_workspace_id_watch_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_ping_keys_workspace_id")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ping_keys")),
    )
    op.create_index(
        op.f("ix_ping_keys_workspace_id_watch_id"),
        "ping_keys",
        ["workspace_id", "watch_id"],
        unique=False,
    )


def _create_pings() -> None:
    op.create_table(
        "pings",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("watch_id", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("rid", sa.String(length=64), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_bytes", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("scheme", sa.String(length=8), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("remote_ip", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "watch_id"],
            ["watches.workspace_id", "watches.id"],
            name=op.f("fk_pings_workspace_id_watch_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_pings_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pings")),
    )
    op.create_index(
        op.f("ix_pings_workspace_id_watch_id_id"),
        "pings",
        ["workspace_id", "watch_id", "id"],
        unique=False,
    )


def _create_rules() -> None:
    op.create_table(
        "rules",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("channel_id", _ID, nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "channel_id"],
            ["channels.workspace_id", "channels.id"],
            name=op.f("fk_rules_workspace_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_rules_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_rules")),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("watch_id", _ID, nullable=False),
        sa.Column("slot_at", sa.BigInteger(), nullable=True),
        sa.Column("rid", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("phases_ms", sa.Text(), nullable=True),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("cancel_reason", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "watch_id"],
            ["watches.workspace_id", "watches.id"],
            name=op.f("fk_runs_workspace_id_watch_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_runs_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_runs")),
        sa.UniqueConstraint(
            "workspace_id",
            "watch_id",
            "slot_at",
            name=op.f("uq_runs_workspace_id_watch_id_slot_at"),
        ),
    )
    op.create_index(
        op.f("ix_runs_workspace_id_watch_id_id"),
        "runs",
        ["workspace_id", "watch_id", "id"],
        unique=False,
    )


def _create_outputs() -> None:
    op.create_table(
        "outputs",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("stream", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "run_id"],
            ["runs.workspace_id", "runs.id"],
            name=op.f("fk_outputs_workspace_id_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_outputs_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "run_id", "seq", name=op.f("pk_outputs")),
    )


def _create_receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", _ID, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "delivery_id"],
            ["deliveries.workspace_id", "deliveries.id"],
            name=op.f("fk_receipts_workspace_id_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_receipts_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
    )
    op.create_index(
        op.f("ix_receipts_workspace_id_delivery_id"),
        "receipts",
        ["workspace_id", "delivery_id"],
        unique=False,
    )
