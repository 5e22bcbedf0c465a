"""/workspaces: all workspaces of the instance and their plans, for its admins."""

from typing import Annotated, Any, ClassVar, Self

from fastapi import Response
from pydantic import BaseModel, Field

from dogwatch.core.plain import whole_number
from dogwatch.core.problems import Problem
from dogwatch.usecases import members, people, workspaces
from dogwatch.usecases.door import Tx
from dogwatch.usecases.workspaces import Workspace
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Called, Id, shown
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.told import PlanName
from dogwatch.web.api.wire import Instant, PageOf

router = resource("workspaces")


class WorkspaceNew(Body):
    """A new workspace; `owner` is the id or address of a person."""

    stand_in: ClassVar[dict[str, Any]] = {"name": "x"}
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    owner: Annotated[str, Field(min_length=1, max_length=254)] | None = None


class PlanChoice(Body):
    """The name of a plan."""

    plan: PlanName


class WorkspaceRow(BaseModel):
    """A workspace of the instance."""

    id: int
    name: str
    plan: str
    created_at: Instant

    @classmethod
    def of(cls, workspace: Workspace) -> Self:
        """Return the shape of a workspace."""
        return cls(**{name: getattr(workspace, name) for name in cls.model_fields})


@router.get("", response_model=PageOf[WorkspaceRow], **needs("workspaces.list"))
async def list_workspaces(call: Called, page: Paged) -> Response:
    """List workspaces, oldest first."""
    after = page.number or 0
    found = [one for one in await call.read(workspaces.listed) if one.id > after]
    return page.answer(found[: page.size], WorkspaceRow.of, lambda one: one.id)


@router.post("", response_model=WorkspaceRow, status_code=201, **needs("workspaces.make"))
async def make_workspace(call: Called, body: WorkspaceNew) -> Response:
    """Make a workspace, with an owner if one is named."""

    def made(tx: Tx) -> WorkspaceRow:
        workspace = workspaces.make(tx, body.name, call.at)
        if body.owner is not None:
            members.appoint(tx, workspace.id, people.find(tx, body.owner), call.at)
        return WorkspaceRow.of(workspace)

    return await call.post(201, made)


@router.put("/{name}/plan", response_model=WorkspaceRow, **needs("plans.assign"))
async def assign_plan(call: Called, name: Id, body: PlanChoice) -> Response:
    """Put a workspace on another plan; `name` is its id."""
    number = whole_number(name, 9)
    if number is None:
        raise Problem("not_found", "there is no such workspace")

    def assigned(tx: Tx) -> WorkspaceRow:
        return WorkspaceRow.of(workspaces.assign(tx, number, body.plan))

    return shown(await call.write(assigned))
