"""The second wall, for revisions to raise: each table of a workspace's rows has one on PostgreSQL.

Revisions that are out use these functions, so they never change; another wall is another function.
"""

from collections.abc import Sequence

from alembic import op

# The sub-selects are asked once a statement, not once a row, so that indexes serve as before.
_SEEN = """
    (SELECT current_setting('dogwatch.workspace', true) = '*')
    OR {column} = (SELECT NULLIF(NULLIF(current_setting('dogwatch.workspace', true), '*'), '')::int)
"""


def raise_wall(table: str, column: str = "workspace_id") -> None:
    """Have the rows of a table show themselves to their own workspace, even to its owner."""
    if not _walls():
        return
    op.execute(f'CREATE POLICY wall ON "{table}" USING ({_SEEN.format(column=column)})')
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY')


def lower_wall(table: str) -> None:
    """Take the wall of a table away; a table that is dropped takes its own along."""
    if not _walls():
        return
    op.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY')
    op.execute(f'DROP POLICY wall ON "{table}"')


def owned() -> Sequence[str]:
    """Return the tables whose rows name their workspace."""
    if not _walls():
        return []
    found = op.get_bind().exec_driver_sql(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND column_name = 'workspace_id' ORDER BY 1"
    )
    return list(found.scalars())


def _walls() -> bool:
    return op.get_context().dialect.name == "postgresql"
