"""Projects in a manifest: each by the label that its items name."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from dogwatch.core.manifest.said import Told
from dogwatch.core.spec import PROJECT_LENGTH
from dogwatch.usecases import projects
from dogwatch.web.api.body import Body
from dogwatch.web.api.manifest.work import Work, at, parsed


class ProjectTold(Body):
    """A project: `name` is what people call it, its label if none is given."""

    stand_in: ClassVar[dict[str, Any]] = {"label": "x"}
    label: Annotated[str, Field(min_length=1, max_length=PROJECT_LENGTH, pattern=r"\S")]
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")] | None = None
    url: Annotated[str, Field(max_length=2_000)] = ""


def told(work: Work) -> list[Told]:
    """Return all projects, by label."""
    found: list[Told] = []
    for one in projects.known(work.tx, work.workspace_id):
        if one.label:
            name = {} if one.name == one.label else {"name": one.name}
            found.append({"label": one.label, **name} | ({"url": one.url} if one.url else {}))
    return sorted(found, key=lambda one: str(one["label"]))


def judge(one: Told) -> None:
    """Raise a Problem of all that is wrong in itself."""
    parsed(ProjectTold, one)


def take(work: Work, some: Sequence[Told]) -> None:
    """Make or change projects."""
    present = {one["label"]: one for one in told(work)}
    for number, one in enumerate(some):
        with at(f"projects.{number}"):
            if present.get(one["label"]) != one:
                body = parsed(ProjectTold, one)
                name = body.name or body.label
                projects.put(work.tx, work.workspace_id, body.label, name, body.url, work.at)
