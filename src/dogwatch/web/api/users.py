"""/users: everybody on this instance, for its admins."""

from typing import Literal, Self

from fastapi import Response
from pydantic import BaseModel

from dogwatch.usecases import people
from dogwatch.usecases.door import Tx
from dogwatch.usecases.people import User
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Call, Called, Id, shown
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.wire import Instant, PageOf

router = resource("users")


class UserChange(Body):
    """Shut somebody out, or make an admin of the instance; the person's sessions end.

    They end as well where a `second_factor` that was lost is taken away, or with `end_sessions`.
    """

    disabled: bool = False
    admin: bool = False
    second_factor: Literal[False] | None = None
    end_sessions: bool = False


class UserOut(BaseModel):
    """A person; `admin` of the instance."""

    id: str
    email: str
    name: str
    admin: bool
    second_factor: bool
    created_at: Instant
    disabled_at: Instant | None

    @classmethod
    def of(cls, user: User) -> Self:
        """Return the shape of a person."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            admin=user.admin_at is not None,
            second_factor=user.second_factor,
            created_at=user.created_at,
            disabled_at=user.disabled_at,
        )


@router.get("", response_model=PageOf[UserOut], **needs("users.list"))
async def list_users(call: Called, page: Paged) -> Response:
    """List people, oldest first."""
    found = await call.read(people.listed)
    return page.answer(page.cut(found, _id), UserOut.of, _id)


def _id(user: User) -> str:
    return user.id


@router.patch("/{name}", response_model=UserOut, **needs("users.change"))
async def change_user(call: Called, name: Id, body: UserChange) -> Response:
    """Disable or enable a person, make or unmake an admin of the instance."""
    return shown(await call.write(lambda tx: _changed(tx, call, name, body)))


def _changed(tx: Tx, call: Call, name: str, body: UserChange) -> UserOut:
    user, sent = people.find(tx, name), body.model_fields_set
    if "admin" in sent:
        people.set_admin(tx, user, call.at, admin=body.admin)
        user = people.find(tx, user.id)
    if "disabled" in sent and body.disabled:
        people.disable(tx, user, call.at)
    elif "disabled" in sent:
        people.enable(tx, user)
    if body.second_factor is False:
        people.lose_second_factor(tx, user)
    if body.end_sessions:
        people.end_sessions(tx, user.id)
    return UserOut.of(people.find(tx, user.id))
