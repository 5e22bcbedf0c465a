"""Tables of the people: workspaces, members, keys, sessions, and what they did."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from dogwatch.store.tables.base import Id, Serial, metadata, workspace
from dogwatch.store.types import Instant, Json


def _user() -> Column[str]:
    return Column("user_id", Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(255), nullable=False),
    Column("ping_key", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("plan", String(16), nullable=False, server_default="unlimited"),
    Column("least_isolation", String(16), nullable=False, server_default="trusted"),
    Column("rules_version", String(32), nullable=False, server_default=""),
)


keys = Table(
    "keys",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    Column("name", String(255), nullable=False),
    Column("prefix", String(32), nullable=False, unique=True),
    Column("hash", LargeBinary, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    # Who made it: a user's id, or null for one made on the host.
    Column("made_by", Id),
    # The key that took its place, while both are good.
    Column("replaced_by", Id),
    # Which API it speaks: the native one or a dialect.
    Column("dialect", String(16), nullable=False, server_default="native"),
    PrimaryKeyConstraint("workspace_id", "id"),
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    # In lower case: one address, one person.
    Column("email", String(254), nullable=False, unique=True),
    Column("name", String(255), nullable=False),
    # Null for those who sign in elsewhere only.
    Column("password_hash", Text),
    # Since when an admin of the instance, null for everybody else.
    Column("admin_at", Instant),
    Column("totp_sealed", LargeBinary),
    # Set once a first code was given; a step is good for one sign-in.
    Column("totp_step", BigInteger),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    _user(),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("user_id", "hash"),
)

identities = Table(
    "identities",
    metadata,
    Column("issuer", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    _user(),
    PrimaryKeyConstraint("issuer", "subject"),
)

sessions = Table(
    "sessions",
    metadata,
    # What the cookie holds is found by its keyed hash alone; `id` names the session to people.
    Column("hash", LargeBinary, primary_key=True),
    Column("id", Id, nullable=False, unique=True),
    _user(),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("user_agent", String(255), nullable=False),
    Column("remote_ip", String(64), nullable=False),
    Index(None, "user_id"),
)

members = Table(
    "members",
    metadata,
    workspace(),
    _user(),
    Column("role", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "user_id"),
    Index(None, "user_id"),
)

invitations = Table(
    "invitations",
    metadata,
    workspace(),
    Column("id", Id, nullable=False),
    Column("email", String(254), nullable=False),
    Column("role", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("made_by", Id),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
)

# Append-only; `workspace_id` is null for what concerns the whole instance, and outlives it.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("workspace_id", Integer),
    Column("at", Instant, nullable=False),
    Column("actor_kind", String(16), nullable=False),
    Column("actor_id", Id),
    Column("actor", String(255), nullable=False),
    Column("operation", String(64), nullable=False),
    Column("object", String(255), nullable=False),
    Column("detail", Json, nullable=False),
    Column("remote_ip", String(64), nullable=False),
    Index(None, "workspace_id", "id"),
    Index(None, "workspace_id", "at"),
)

# What was spent of windows of requests; lost at a crash of PostgreSQL, which only forgives.
spent = Table(
    "spent",
    metadata,
    Column("subject", String(128), nullable=False),
    Column("period", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("count", BigInteger, nullable=False),
    # From when on it says nothing any more.
    Column("over_at", Instant, nullable=False),
    PrimaryKeyConstraint("subject", "period"),
    prefixes=["UNLOGGED"],
)
