"""/members: who belongs to the workspace."""

from typing import Literal, Self

from fastapi import Response
from pydantic import BaseModel

from dogwatch.core.policy import Role
from dogwatch.usecases import members
from dogwatch.usecases.door import Tx
from dogwatch.usecases.members import Member
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Called, Id, shown
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.wire import Instant, PageOf

router = resource("members")

RoleName = Literal["viewer", "editor", "admin", "owner"]


class MemberChange(Body):
    """Another role; nobody gives or takes a higher one than his own."""

    role: RoleName


class MemberOut(BaseModel):
    """A person in the workspace; `id` is the person's."""

    id: str
    email: str
    name: str
    role: str
    created_at: Instant

    @classmethod
    def of(cls, member: Member) -> Self:
        """Return the shape of a member."""
        return cls(
            id=member.user_id,
            email=member.email,
            name=member.name,
            role=member.role.name.lower(),
            created_at=member.created_at,
        )


@router.get("", response_model=PageOf[MemberOut], **needs("members.list"))
async def list_members(call: Called, page: Paged) -> Response:
    """List members, by id."""
    found = await call.read(lambda tx: members.listed(tx, call.workspace_id))
    return page.answer(page.cut(found, _id), MemberOut.of, _id)


def _id(member: Member) -> str:
    return member.user_id


@router.patch("/{name}", response_model=MemberOut, **needs("members.change"))
async def change_member(call: Called, name: Id, body: MemberChange) -> Response:
    """Give a member another role; keys of his that it could not make end."""
    role = Role[body.role.upper()]

    def changed(tx: Tx) -> MemberOut:
        return MemberOut.of(members.change_role(tx, call.caller, name, role, call.at))

    return shown(await call.write(changed))


@router.delete("/{name}", status_code=204, **needs("members.remove"))
async def remove_member(call: Called, name: Id) -> Response:
    """Take a person out of the workspace; the keys and invitations that he made end."""
    await call.write(lambda tx: members.remove(tx, call.caller, name, call.at))
    return Response(status_code=204)
