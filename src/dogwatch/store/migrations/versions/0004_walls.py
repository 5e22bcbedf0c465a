"""The second wall on PostgreSQL: row-level security by workspace."""

from dogwatch.store.migrations.walls import lower_wall, owned, raise_wall

revision = "0004"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Raise a wall around the rows of each workspace."""
    raise_wall("workspaces", "id")
    for table in owned():
        raise_wall(table)


def downgrade() -> None:
    """Lower the walls."""
    for table in owned():
        lower_wall(table)
    lower_wall("workspaces")
