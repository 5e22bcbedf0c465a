"""Projects in a manifest: each by the label that its items name."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import Field

from dogwatch.core.manifest.change import Change
from dogwatch.core.manifest.said import Told, without
from dogwatch.core.spec import PROJECT_LENGTH
from dogwatch.usecases import projects
from dogwatch.usecases.keeping import PROJECT
from dogwatch.web.api.body import Body
from dogwatch.web.api.manifest.places import parsed
from dogwatch.web.api.manifest.plan import Plan, Turn, Writing, asked_of
from dogwatch.web.api.manifest.present import Present


class ProjectTold(Body):
    """A project: `name` is what people call it, its label if none is given."""

    stand_in: ClassVar[dict[str, Any]] = {"label": "x"}
    label: Annotated[str, Field(min_length=1, max_length=PROJECT_LENGTH, pattern=r"\S")]
    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")] | None = None
    url: Annotated[str, Field(max_length=2_000)] = ""


def told(present: Present) -> list[Told]:
    """Return all projects, by label."""
    found = sorted(present.projects.values(), key=lambda one: one.label)
    return [_told(one.label, one.name, one.url) for one in found]


def _told(label: str, name: str, url: str) -> Told:
    more = without({"name": name, "url": url}, {"name": label, "url": ""})
    return {"label": label, **more}


def judge(one: Told) -> None:
    """Raise a Problem of all that is wrong in itself."""
    parsed(ProjectTold, one)


def plan(plan: Plan, some: Sequence[Told]) -> None:
    """Plan what makes or changes projects."""
    for place, one in asked_of(some, "projects"):
        with plan.at(place):
            body = parsed(ProjectTold, one)
            present = plan.present.projects.get(body.label)
            after = _told(body.label, body.name or body.label, body.url)
            things = [(PROJECT, present.id)] if present else []
            for thing in things:
                plan.keep(thing, body.label)
            before = _told(present.label, present.name, present.url) if present else None
            if after != before:
                plan.change(Change("projects", before, after), *things)
                plan.do(Turn.PUT, place, partial(_put, body))


def _put(body: ProjectTold, writing: Writing) -> None:
    name = body.name or body.label
    put = projects.put(*writing.where, body.label, name, body.url, writing.present.at)
    writing.kept.add((PROJECT, put.id))
