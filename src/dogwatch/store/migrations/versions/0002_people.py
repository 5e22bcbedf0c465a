"""People, their sessions and memberships, plans, and what was done by whom."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.String(26)
# SQLite numbers rows by itself only under the exact type INTEGER.
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, those first that others refer to."""
    _widen()
    _create_users()
    _create_recovery_codes()
    _create_identities()
    _create_sessions()
    _create_members()
    _create_invitations()
    _create_audit_log()
    _create_spent()


def downgrade() -> None:
    """Drop the tables and the columns."""
    for table in (
        "spent",
        "audit_log",
        "invitations",
        "members",
        "sessions",
        "identities",
        "recovery_codes",
        "users",
    ):
        op.drop_table(table)
    with op.batch_alter_table("keys") as keys:
        keys.drop_column("dialect")
        keys.drop_column("replaced_by")
        keys.drop_column("made_by")
    with op.batch_alter_table("workspaces") as workspaces:
        workspaces.drop_column("plan")


def _widen() -> None:
    op.add_column(
        "workspaces",
        sa.Column("plan", sa.String(length=16), nullable=False, server_default="unlimited"),
    )
    op.add_column("keys", sa.Column("made_by", _ID, nullable=True))
    op.add_column("keys", sa.Column("replaced_by", _ID, nullable=True))
    op.add_column(
        "keys",
        sa.Column("dialect", sa.String(length=16), nullable=False, server_default="native"),
    )


def _user(table: str) -> tuple[sa.Column[str], sa.ForeignKeyConstraint]:
    return sa.Column("user_id", _ID, nullable=False), sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
    )


def _workspace(table: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    return sa.Column("workspace_id", sa.Integer(), nullable=False), sa.ForeignKeyConstraint(
        ["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id")
    )


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", _ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("admin_at", sa.BigInteger(), nullable=True),
        sa.Column("totp_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )


def _create_recovery_codes() -> None:
    op.create_table(
        "recovery_codes",
        *_user("recovery_codes"),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "hash", name=op.f("pk_recovery_codes")),
    )


def _create_identities() -> None:
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        *_user("identities"),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_identities")),
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        *_user("sessions"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("user_agent", sa.String(length=255), nullable=False),
        sa.Column("remote_ip", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sessions")),
        sa.UniqueConstraint("id", name=op.f("uq_sessions_id")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)


def _create_members() -> None:
    op.create_table(
        "members",
        *_workspace("members"),
        *_user("members"),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name=op.f("pk_members")),
    )
    op.create_index(op.f("ix_members_user_id"), "members", ["user_id"], unique=False)


def _create_invitations() -> None:
    op.create_table(
        "invitations",
        *_workspace("invitations"),
        sa.Column("id", _ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", _ID, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("hash", name=op.f("uq_invitations_hash")),
    )


def _create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", _ID, nullable=True),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("object", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("remote_ip", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(
        op.f("ix_audit_log_workspace_id_id"), "audit_log", ["workspace_id", "id"], unique=False
    )


def _create_spent() -> None:
    postgresql = op.get_context().dialect.name == "postgresql"
    op.create_table(
        "spent",
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("over_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "period", name=op.f("pk_spent")),
        prefixes=["UNLOGGED"] if postgresql else [],
    )
