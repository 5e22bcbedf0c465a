"""The second wall on PostgreSQL: a transaction sees the rows of its workspace, whatever it asks.

A row shows itself where the setting `dogwatch.workspace` names its workspace, or is `*`. Our
sessions begin with `*`, for the loops and the operations of the instance; `SET LOCAL` names one
workspace until its transaction ends. To a session without the setting nothing is there.
"""

from typing import Final

from sqlalchemy import func, select, text

from dogwatch.core.problems import Problem
from dogwatch.store.tx import Tx

SETTING: Final = "dogwatch.workspace"
EVERY: Final = "*"


def seeing(workspace_id: int | None) -> str:
    """Return the statement that has the open transaction see one workspace; None: every one."""
    seen = EVERY if workspace_id is None else f"{workspace_id:d}"
    return f"SET LOCAL {SETTING} = '{seen}'"


def heed(tx: Tx) -> None:
    """Raise a `Problem("refused")` where the session does not have what it began with."""
    if tx.dialect != "postgresql":
        return
    seen = tx.conn.scalar(select(func.current_setting(SETTING, True)))
    if not seen:
        raise Problem(
            "refused",
            "a pooler before PostgreSQL drops the settings that sessions begin with, and so shows"
            " us no rows: connect to PostgreSQL itself",
        )


_UNBOUND = text(
    "SELECT rolname, rolsuper FROM pg_roles"
    " WHERE rolname = current_user AND (rolsuper OR rolbypassrls)"
)


def gap(tx: Tx) -> str | None:
    """Say why PostgreSQL holds no wall against us, None where it does (or there is none)."""
    row = tx.conn.execute(_UNBOUND).first() if tx.dialect == "postgresql" else None
    if row is None:
        return None
    right = "is a superuser" if row.rolsuper else "has BYPASSRLS"
    return f"the role {row.rolname} {right}"
