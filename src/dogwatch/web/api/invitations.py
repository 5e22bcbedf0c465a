"""/invitations: places kept for whoever holds their link."""

from typing import Annotated, Any, ClassVar, Self

from fastapi import Response
from pydantic import BaseModel, Field

from dogwatch.core.people import checked_email
from dogwatch.core.policy import Role
from dogwatch.usecases import members
from dogwatch.usecases.door import Tx
from dogwatch.usecases.members import Invitation
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Called, Id
from dogwatch.web.api.members import RoleName
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.wire import Instant, PageOf

router = resource("invitations")


class InvitationNew(Body):
    """A new invitation."""

    stand_in: ClassVar[dict[str, Any]] = {"email": "x@example.org"}
    email: Annotated[str, Field(min_length=3, max_length=254)]
    role: RoleName = "viewer"

    def check(self) -> None:
        """Raise a Problem where the address is none."""
        checked_email(self.email)


class InvitationOut(BaseModel):
    """An open invitation."""

    id: str
    email: str
    role: str
    made_by: str | None
    created_at: Instant
    expires_at: Instant

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        """Return the shape of an invitation."""
        values = {name: getattr(invitation, name) for name in InvitationOut.model_fields}
        return cls(**values | {"role": invitation.role.name.lower()})


class InvitationMade(InvitationOut):
    """A fresh invitation: the one time that its link is shown."""

    link: str = ""


@router.get("", response_model=PageOf[InvitationOut], **needs("invitations.list"))
async def list_invitations(call: Called, page: Paged) -> Response:
    """List open invitations, oldest first."""
    found = await call.read(lambda tx: members.invited(tx, call.workspace_id))
    return page.answer(page.cut(found, _id), InvitationOut.of, _id)


def _id(invitation: Invitation) -> str:
    return invitation.id


@router.post("", response_model=InvitationMade, status_code=201, **needs("invitations.make"))
async def make_invitation(call: Called, body: InvitationNew) -> Response:
    """Invite somebody; the link is shown in this answer only, and good for seven days."""
    role, services = Role[body.role.upper()], call.services

    def made(tx: Tx) -> InvitationMade:
        kept, code = members.invite(tx, call.caller, body.email, role, services.vault, call.at)
        link = f"{services.base_url.rstrip('/')}/invitations/{code}"
        return InvitationMade.of(kept).model_copy(update={"link": link})

    return await call.post(201, made)


@router.delete("/{name}", status_code=204, **needs("invitations.revoke"))
async def revoke_invitation(call: Called, name: Id) -> Response:
    """Take an invitation back."""
    await call.write(lambda tx: members.uninvite(tx, call.workspace_id, name))
    return Response(status_code=204)
