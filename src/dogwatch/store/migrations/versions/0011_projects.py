"""The projects of dialects that have them, and what else only a dialect has fields for."""

import sqlalchemy as sa
from alembic import op

from dogwatch.store.migrations.walls import raise_wall

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "projects",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_projects_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_projects")),
        sa.UniqueConstraint("workspace_id", "label", name=op.f("uq_projects_workspace_id_label")),
    )
    op.create_table(
        "dialect_settings",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("dialect", sa.String(length=16), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_dialect_settings_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "dialect", name=op.f("pk_dialect_settings")),
    )
    raise_wall("projects")
    raise_wall("dialect_settings")


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("dialect_settings")
    op.drop_table("projects")
