"""Projects: a name and an address for what watches have as the label of theirs."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from dogwatch.core.dialects import UUID, Form
from dogwatch.core.problems import Problem
from dogwatch.core.spec import PROJECT_LENGTH
from dogwatch.store import projects, watches
from dogwatch.store.projects import Project
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import keeping
from dogwatch.usecases.aliases import TRIED, Unnamed, drawn
from dogwatch.usecases.watches import remove as remove_watch

__all__ = ["Project"]

NO_PROJECT = "No project"
# A list that is not paged shows no more.
MOST = 100_000


def make(tx: Tx, workspace_id: int, name: str, url: str, form: Form, at: datetime) -> Project:
    """Make a project, with an id of this form and a label that no other has."""
    for _ in range(TRIED):  # a rival who commits meanwhile takes a label that looked free
        known = {one.label for one in projects.listed(tx, workspace_id)}
        label = label_of(name, known | projects.labels(tx, workspace_id))
        made = Project(workspace_id, drawn(form), label, name, url, at)
        if _added(tx, made):
            return made
    raise Problem("conflict", "too many projects of this name are made at once; try again")


def known(tx: Tx, workspace_id: int) -> Sequence[Project]:
    """Return the projects that have an id, oldest first."""
    return projects.listed(tx, workspace_id)


def put(tx: Tx, workspace_id: int, label: str, name: str, url: str, at: datetime) -> Project:
    """Have a project of a label be called so, made if need be."""
    present = next((one for one in known(tx, workspace_id) if one.label == label), None)
    if present:
        return change(tx, present, name, url)
    made = Project(workspace_id, drawn(UUID), label, name, url, at)
    if not _added(tx, made):
        raise Problem("conflict", "a project of this name is made at once; try again")
    return made


def label_of(name: str, taken: Collection[str]) -> str:
    """Return the label of a new project that is not among `taken`: "Shop", then "Shop 2"."""
    label = name[:PROJECT_LENGTH].strip()
    numbers = (f" {n}" for n in range(2, len(taken) + 3))
    others = (label[: PROJECT_LENGTH - len(end)].strip() + end for end in numbers)
    return next(one for one in (label, *others) if one not in taken)


def _added(tx: Tx, project: Project) -> bool:
    try:
        with tx.conn.begin_nested():
            projects.add(tx, project)
    except IntegrityError:
        return False
    return True


def listed(tx: Tx, workspace_id: int, form: Form, at: datetime, *, make: bool) -> Sequence[Project]:
    """Return all projects; Unnamed where watches name one that `make` does not give an id."""
    known = projects.listed(tx, workspace_id)
    unknown = projects.labels(tx, workspace_id) - {one.label for one in known}
    if not unknown:
        return known
    if not make:
        raise Unnamed
    for label in sorted(unknown):
        _added(tx, Project(workspace_id, drawn(form), label, label or NO_PROJECT, "", at))
    return projects.listed(tx, workspace_id)


def find(tx: Tx, workspace_id: int, project_id: str) -> Project:
    """Return a project or raise not_found."""
    known = project_id.isascii() and project_id.isprintable()
    project = projects.by_id(tx, workspace_id, project_id) if known else None
    if project is None:
        raise Problem("not_found", "there is no project with this id")
    return project


def change(tx: Tx, project: Project, name: str, url: str) -> Project:
    """Change what a project is called; the label of its watches, which rules name, stays.

    One that is kept in a manifest is changed there.
    """
    keeping.refuse(tx, project.workspace_id, (keeping.PROJECT, project.id), project.label)
    changed = replace(project, name=name, url=url)
    projects.save(tx, changed)
    return changed


def members(tx: Tx, project: Project) -> Sequence[Record]:
    """Return the watches of a project, oldest first."""
    label = project.label or None
    return watches.numbered(tx, project.workspace_id, 0, MOST, project=label)[0]


def remove(tx: Tx, project: Project) -> None:
    """Delete a project with its watches and all that was kept of them; not what has no project."""
    if not project.label:
        raise Problem("conflict", "these jobs have no project; delete them one by one")
    keys = [record.key for record in members(tx, project)]
    for record in watches.by_ids(tx, keys).values():
        remove_watch(tx, record)
    keeping.let_go(tx, project.workspace_id, (keeping.PROJECT, project.id))
    projects.remove(tx, project)
