"""Tables of workflows: what they are, their versions, their runs, and what follows a run."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from dogwatch.store.tables.base import Id, metadata, of, workspace
from dogwatch.store.types import Instant, Json

workflows = Table(
    "workflows",
    metadata,
    workspace(),
    Column("watch_id", Id, nullable=False),
    # The present one of its versions.
    Column("version", Integer, nullable=False),
    # The key of its webhook: a hash to find it by, and itself with its secret, sealed.
    Column("hook_hash", LargeBinary),
    Column("hook", LargeBinary),
    PrimaryKeyConstraint("workspace_id", "watch_id"),
    UniqueConstraint("hook_hash"),
    of("watches", "watch_id"),
)

# Every save of a workflow, whole; a row never changes.
workflow_versions = Table(
    "workflow_versions",
    metadata,
    workspace(),
    Column("watch_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("definition", Json, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("made_by", String(255), nullable=False),
    PrimaryKeyConstraint("workspace_id", "watch_id", "number"),
    of("watches", "watch_id"),
)

# A run of a workflow, beside its row in `runs`.
workflow_runs = Table(
    "workflow_runs",
    metadata,
    workspace(),
    Column("run_id", Id, nullable=False),
    Column("watch_id", Id, nullable=False),
    Column("version", Integer, nullable=False),
    Column("begun_at", Instant),
    Column("ended_at", Instant),
    # Set once it is to stop: how it ends as soon as nothing of it is under way.
    Column("stop_outcome", String(16)),
    Column("stop_reason", String(255)),
    # What it repeats, and from which node on.
    Column("rerun_of", Id),
    Column("rerun_from", String(64)),
    PrimaryKeyConstraint("workspace_id", "run_id"),
    of("runs", "run_id"),
)

# A node in such a run, from the moment it was started or passed over.
workflow_steps = Table(
    "workflow_steps",
    metadata,
    workspace(),
    Column("run_id", Id, nullable=False),
    Column("node", String(64), nullable=False),
    # The run of its job; none where it was passed over.
    Column("child_id", Id),
    Column("outcome", String(16)),
    Column("reason", Text, nullable=False),
    Column("condition", Boolean, nullable=False, server_default=false()),
    # It failed, and an edge on failure took that.
    Column("handled", Boolean, nullable=False, server_default=false()),
    # What replaces the rules of its job.
    Column("retries", Integer),
    Column("timeout_s", Float),
    PrimaryKeyConstraint("workspace_id", "run_id", "node"),
    of("runs", "run_id"),
    Index(None, "workspace_id", "child_id"),
)

# What followed a run by the conditional actions of its job, as they were when it ended.
effects = Table(
    "effects",
    metadata,
    workspace(),
    Column("run_id", Id, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("action", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    # The run or the delivery that came of it.
    Column("ref_id", Id),
    PrimaryKeyConstraint("workspace_id", "run_id", "seq"),
    of("runs", "run_id"),
)
