"""Projects: what the dialects that have them know of each, beside the label of its watches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, insert, select, update

from dogwatch.store.tables import projects, watches
from dogwatch.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Project:
    """A project; `label` is what its watches name, "" where they name none."""

    workspace_id: int
    id: str
    label: str
    name: str
    url: str
    created_at: datetime


def add(tx: Tx, project: Project) -> None:
    """Insert a project; IntegrityError where id or label are taken."""
    values = {name: getattr(project, name) for name in Project.__slots__}
    tx.conn.execute(insert(projects).values(**values))


def listed(tx: Tx, workspace_id: int) -> Sequence[Project]:
    """Return all projects of a workspace, oldest first."""
    found = _of(workspace_id).order_by(projects.c.created_at, projects.c.id)
    return [Project(**row._mapping) for row in tx.conn.execute(found)]


def by_id(tx: Tx, workspace_id: int, project_id: str) -> Project | None:
    """Return the project with this id."""
    row = tx.conn.execute(_of(workspace_id).where(projects.c.id == project_id)).first()
    return Project(**row._mapping) if row else None


def save(tx: Tx, project: Project) -> None:
    """Write back the name and the address of a project."""
    tx.conn.execute(_at(update(projects), project).values(name=project.name, url=project.url))


def remove(tx: Tx, project: Project) -> None:
    """Delete a project; its watches stay."""
    tx.conn.execute(_at(delete(projects), project))


def labels(tx: Tx, workspace_id: int) -> set[str]:
    """Return what the watches of a workspace name as their projects, "" if some name none."""
    found = select(watches.c.project).where(watches.c.workspace_id == workspace_id).distinct()
    return {label or "" for label in tx.conn.scalars(found)}


def _of(workspace_id: int) -> Select[Any]:
    return select(projects).where(projects.c.workspace_id == workspace_id)


def _at(statement: Any, project: Project) -> Any:
    return statement.where(
        projects.c.workspace_id == project.workspace_id, projects.c.id == project.id
    )
