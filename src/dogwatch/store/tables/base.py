"""What all tables share: their names for constraints, ids, and the workspace that leads each key.

`workspace_id` leads each key, so that a workspace can live in its own cell. A change to a table
needs a revision in `migrations/`; a test compares the two. A new table of a workspace's rows gets
its wall there, too: `raise_wall`.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLite numbers rows by itself only under the exact type INTEGER.
Serial = BigInteger().with_variant(Integer(), "sqlite")
Id = String(26)


def workspace() -> Column[int]:
    """Return the column that names the workspace of a row."""
    return Column("workspace_id", Integer, ForeignKey("workspaces.id"), nullable=False)


def of(table: str, column: str) -> ForeignKeyConstraint:
    """Return the constraint that a row goes with one of `table` in the same workspace."""
    return ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{table}.workspace_id", f"{table}.id"],
        ondelete="CASCADE",
    )
