"""The audit log is append-only, whoever asks the database."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TOLD = "the audit log is append-only"
_CHANGES = ("UPDATE", "DELETE")


def upgrade() -> None:
    """Have the database refuse to change or delete an entry."""
    if _on_postgresql():
        op.execute(
            "CREATE FUNCTION audit_log_stays() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_TOLD}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE ON audit_log "
            "FOR EACH ROW EXECUTE FUNCTION audit_log_stays()"
        )
        return
    for change in _CHANGES:
        op.execute(
            f"CREATE TRIGGER audit_log_no_{change.lower()} BEFORE {change} ON audit_log "
            f"BEGIN SELECT RAISE(ABORT, '{_TOLD}'); END"
        )


def downgrade() -> None:
    """Let go of it."""
    if _on_postgresql():
        op.execute("DROP TRIGGER audit_log_stays ON audit_log")
        op.execute("DROP FUNCTION audit_log_stays()")
        return
    for change in _CHANGES:
        op.execute(f"DROP TRIGGER audit_log_no_{change.lower()}")


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"
