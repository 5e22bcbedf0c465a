"""Tables of the work: nodes, watches, jobs, runs, pings, telling and the queue."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from dogwatch.store.tables.base import Id, Serial, metadata, of, workspace
from dogwatch.store.types import Instant, Json


def _some(column: str, *names: str) -> Index:
    """Return an index of those rows alone that have a value in `column`; most have none."""
    has = text(f"{column} IS NOT NULL")
    return Index(f"ix_deliveries_{column}", *names, sqlite_where=has, postgresql_where=has)


instance = Table(
    "instance",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("beat_at", Instant, nullable=False),
    # Set while the node holds pings that are not in this database yet: since when.
    Column("unfolded_at", Instant),
)

outages = Table(
    "outages",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("start_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),
    Column("reason", String(64), nullable=False),
)

watches = Table(
    "watches",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    Column("slug", String(64), nullable=False),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("kind", String(16), nullable=False),
    Column("tags", Json, nullable=False),
    Column("project", String(64)),
    Column("ping_key", String(64), nullable=False),
    # the plan
    Column("schedule", Text),
    Column("timezone", String(64), nullable=False),
    # Nothing is due before it.
    Column("starts_at", Instant),
    Column("start_by_s", Integer),
    Column("finish_by_s", Integer),
    Column("slow_after_ms", BigInteger),
    Column("min_duration_ms", BigInteger),
    Column("early_s", Integer),
    Column("failures_before_down", Integer, nullable=False),
    Column("successes_before_up", Integer, nullable=False),
    # the state
    Column("status", String(16), nullable=False),
    Column("since_at", Instant, nullable=False),
    Column("slot_at", Instant),
    Column("unheard", Json, nullable=False),
    Column("open", Json, nullable=False),
    Column("recent", Json, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("successes", Integer, nullable=False),
    Column("heard_at", Instant),
    Column("heard", String(8), nullable=False),
    Column("ok_at", Instant),
    Column("duration_ms", BigInteger),
    Column("last_ping_at", Instant),
    # The sweeper's hint: never later than the true deadline, often earlier.
    Column("due_at", Instant),
    # Every slot from here to `slot_at` is in the ledger; `audit` proves it.
    Column("ledger_from_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "slug"),
    Index(None, "due_at"),
    # What else is down, in each alert: few rows, and no ping touches them.
    Index(
        "ix_watches_down",
        "workspace_id",
        "id",
        sqlite_where=text("status = 'down'"),
        postgresql_where=text("status = 'down'"),
    ),
)

ping_keys = Table(
    "ping_keys",
    metadata,
    Column("key", String(64), primary_key=True),
    workspace(),
    Column("watch_id", Id, nullable=False),
    of("watches", "watch_id"),
    Index(None, "workspace_id", "watch_id"),
)

jobs = Table(
    "jobs",
    metadata,
    workspace(),
    Column("watch_id", Id, nullable=False),
    Column("action_kind", String(16), nullable=False),
    Column("action", LargeBinary, nullable=False),
    Column("overlap", String(16), nullable=False),
    Column("catch_up", String(16), nullable=False),
    Column("catch_up_max", Integer, nullable=False),
    Column("catch_up_window_s", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("backoff_s", Integer, nullable=False),
    Column("lost_run", String(16), nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    # After so many runs the job is paused; they are counted from the last reset on.
    Column("max_runs", Integer),
    Column("reset_on_resume", Boolean, nullable=False, server_default=false()),
    Column("run_count", BigInteger, nullable=False, server_default="0"),
    # What follows the end of a run.
    Column("actions", Json, nullable=False, server_default="[]"),
    Column("next_at", Instant),
    PrimaryKeyConstraint("workspace_id", "watch_id"),
    of("watches", "watch_id"),
    Index(None, "next_at"),
)

runs = Table(
    "runs",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    Column("watch_id", Id, nullable=False),
    Column("slot_at", Instant),
    Column("rid", String(64)),
    Column("state", String(16), nullable=False),
    Column("outcome", String(16)),
    Column("reason", Text, nullable=False),
    Column("trigger", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    # When the next attempt is due, while the run waits for it.
    Column("retry_at", Instant),
    Column("queued_at", Instant),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("duration_ms", BigInteger),
    Column("exit_code", Integer),
    Column("status_code", Integer),
    Column("phases_ms", Json),
    Column("input", Text, nullable=False),
    # What people see of it, where that is not all.
    Column("input_masked", Text),
    Column("cancel_reason", String(255)),
    # What a probe saw; `detail` is for the admin of the host alone.
    Column("error", String(16)),
    Column("detail", String(255)),
    Column("preview", Text),
    # The run that it belongs to or follows from, and how many it follows from.
    Column("parent_id", Id),
    Column("depth", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "watch_id", "slot_at"),
    of("watches", "watch_id"),
    Index(None, "workspace_id", "watch_id", "id"),
    Index(
        "ix_runs_parent_id",
        "workspace_id",
        "parent_id",
        sqlite_where=text("parent_id IS NOT NULL"),
        postgresql_where=text("parent_id IS NOT NULL"),
    ),
)

# What a script handed on, apart from what it printed.
results = Table(
    "results",
    metadata,
    workspace(),
    Column("run_id", Id, nullable=False),
    # JSON text, and what people see of it, where that is not all.
    Column("output", Text),
    Column("masked", Text),
    Column("condition", Boolean),
    PrimaryKeyConstraint("workspace_id", "run_id"),
    of("runs", "run_id"),
)

# What the script of one run finds in its environment beside what its job says.
environments = Table(
    "environments",
    metadata,
    workspace(),
    Column("run_id", Id, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("workspace_id", "run_id"),
    of("runs", "run_id"),
)

outputs = Table(
    "outputs",
    metadata,
    workspace(),
    Column("run_id", Id, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("stream", String(8), nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "run_id", "seq"),
    of("runs", "run_id"),
)

pings = Table(
    "pings",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    workspace(),
    Column("watch_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("exit_code", Integer),
    Column("rid", String(64)),
    # How long it took, and how far it is in percent, where the sender says so.
    Column("duration_ms", BigInteger),
    Column("progress", Integer),
    Column("body", Text, nullable=False),
    Column("body_bytes", BigInteger, nullable=False),
    Column("method", String(8), nullable=False),
    Column("scheme", String(8), nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("remote_ip", String(64), nullable=False),
    of("watches", "watch_id"),
    Index(None, "workspace_id", "watch_id", "id"),
)

flips = Table(
    "flips",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    Column("watch_id", Id, nullable=False),
    Column("at", Instant, nullable=False),
    Column("from_status", String(16), nullable=False),
    Column("to_status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    of("watches", "watch_id"),
    Index(None, "workspace_id", "watch_id", "id"),
)

channels = Table(
    "channels",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    Column("name", String(255), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("settings", Json, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("disabled_reason", String(255)),
    # What comes within this time is told in one message; null: as is usual for the kind.
    Column("group_window_s", Integer),
    Column("created_at", Instant, nullable=False),
    # What a file calls it, whatever its name becomes; null until it stood in one.
    Column("key", String(255)),
    PrimaryKeyConstraint("workspace_id", "id"),
)

rules = Table(
    "rules",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    Column("channel_id", Id, nullable=False),
    Column("events", Json, nullable=False),
    Column("scope", Json, nullable=False),
    # When it tells, and what it says again: delay, quiet hours, repeat, digest, escalations.
    Column("timing", Json, nullable=False, server_default="{}"),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    of("channels", "channel_id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    Column("flip_id", Id),
    Column("watch_id", Id),
    Column("channel_id", Id, nullable=False),
    Column("event", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Json, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    # While it is held: what for, and until when; then the time it was let go.
    Column("hold", String(16)),
    Column("due_at", Instant),
    Column("rule_id", Id),
    Column("incident_id", Id),
    # The delivery whose one message tells of this one as well.
    Column("bundle_id", Id),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "flip_id", "channel_id"),
    of("channels", "channel_id"),
    Index(None, "workspace_id", "watch_id", "id"),
    _some("hold", "workspace_id", "hold", "channel_id", "id"),
    _some("bundle_id", "workspace_id", "bundle_id"),
    _some("incident_id", "workspace_id", "incident_id"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    workspace(),
    Column("delivery_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("status_code", Integer),
    Column("detail", Text, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    of("deliveries", "delivery_id"),
    Index(None, "workspace_id", "delivery_id"),
)

# The queue: one row per run or delivery still to be done, gone once it is done.
tasks = Table(
    "tasks",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    workspace(),
    Column("lane", String(16), nullable=False),
    Column("ref_id", Id, nullable=False),
    # Tasks with one `ordering` are done one after the other, in the order of their ids.
    Column("ordering", String(64)),
    # Tasks with one `bulkhead` share a small part of the lane.
    Column("bulkhead", String(255), nullable=False),
    Column("run_at", Instant, nullable=False),
    Column("attempt", Integer, nullable=False),
    # From 0 to 3; a higher one goes first.
    Column("priority", Integer, nullable=False, server_default="0"),
    # Set while a node works on it; void once that node's beat is too old.
    Column("node_id", Id),
    UniqueConstraint("workspace_id", "lane", "ref_id"),
    Index(None, "lane", "run_at"),
    Index(
        "ix_tasks_first",
        "lane",
        "priority",
        "run_at",
        sqlite_where=text("priority > 0"),
        postgresql_where=text("priority > 0"),
    ),
    Index(None, "ordering", "id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    workspace(),
    Column("key", String(255), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "key"),
    Index(None, "created_at"),
)

variables = Table(
    "variables",
    metadata,
    workspace(),
    Column("key", String(100), nullable=False),
    Column("id", Id, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "key"),
    UniqueConstraint("workspace_id", "id"),
)

# Which job names a variable in its script, and when its runs last read and set it.
variable_uses = Table(
    "variable_uses",
    metadata,
    workspace(),
    Column("key", String(100), nullable=False),
    Column("watch_id", Id, nullable=False),
    Column("named", Boolean, nullable=False, server_default=false()),
    Column("read_at", Instant),
    Column("set_at", Instant),
    PrimaryKeyConstraint("workspace_id", "key", "watch_id"),
    of("watches", "watch_id"),
    Index(None, "workspace_id", "watch_id"),
)
