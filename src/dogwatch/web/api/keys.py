"""/keys: what opens this API, shown once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from fastapi import Response
from pydantic import BaseModel, Field

from dogwatch.core.problems import invalid
from dogwatch.usecases import keys
from dogwatch.usecases.door import Tx
from dogwatch.usecases.keys import Key, Made
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Called, Id
from dogwatch.web.api.instants import DATE_TIME, instant
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.told import ScopeName
from dogwatch.web.api.wire import Instant, PageOf

router = resource("keys")

_MOST_S = int(keys.MOST_OVERLAP.total_seconds())


class KeyNew(Body):
    """A new key; it may do what its scopes say, and never more than who makes it."""

    stand_in: ClassVar[dict[str, Any]] = {"name": "x", "scopes": ["*"]}
    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
    scopes: Annotated[list[ScopeName], Field(min_length=1, max_length=20)] | None = Field(
        default=None,
        description="Required, but of a dialect all that its API can do if not given.",
    )
    expires_at: str | None = Field(
        default=None,
        description="ISO 8601 with a zone; for ever if not given.",
        json_schema_extra=DATE_TIME,
    )

    dialect: Literal["native", "cronium", "cronpulse", "cronowl", "cronbeats", "cronmonitor",
                     "healthchecks"] = "native"  # fmt: skip

    def check(self) -> None:
        """Raise a Problem where the time is none, or nothing says what the key may do."""
        self.until()
        self.granted()

    def granted(self) -> Sequence[str]:
        """Return what the key may do."""
        if self.scopes is None and self.dialect == keys.NATIVE:
            raise invalid("scopes", "is required")
        return self.scopes or keys.all_of(self.dialect)

    def until(self) -> datetime | None:
        """Return when the key expires."""
        return None if self.expires_at is None else instant("expires_at", self.expires_at)


class KeyRotation(Body):
    """How long the old secret stays good beside the new one."""

    overlap_s: Annotated[int, Field(ge=0, le=_MOST_S)] = int(keys.OVERLAP.total_seconds())


class KeyOut(BaseModel):
    """A key, without what proves it; `made_by` is a person's id, null for the host."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    dialect: str
    made_by: str | None
    replaced_by: str | None
    created_at: Instant
    last_used_at: Instant | None
    expires_at: Instant | None
    revoked_at: Instant | None

    @classmethod
    def of(cls, key: Key) -> Self:
        """Return the shape of a key."""
        values = {name: getattr(key, name) for name in KeyOut.model_fields}
        return cls(**values | {"scopes": list(key.scopes)})


class KeyMade(KeyOut):
    """A fresh key: the one time that it is shown."""

    key: str = ""


def _made(made: Made) -> KeyMade:
    return KeyMade.of(made.key).model_copy(update={"key": made.token})


@router.get("", response_model=PageOf[KeyOut], **needs("keys.list"))
async def list_keys(call: Called, page: Paged) -> Response:
    """List keys, oldest first, those that are revoked or expired as well."""
    found = await call.read(lambda tx: keys.page(tx, call.workspace_id, page.size, page.after))
    return page.answer(found, KeyOut.of, lambda key: key.id)


@router.post("", response_model=KeyMade, status_code=201, **needs("keys.make"))
async def make_key(call: Called, body: KeyNew) -> Response:
    """Make a key; it is shown in this answer only."""
    until, vault = body.until(), call.services.vault

    def made(tx: Tx) -> KeyMade:
        return _made(
            keys.make(
                tx, call.caller, body.name, body.granted(), vault, call.at, until, body.dialect
            )
        )

    return await call.post(201, made)


@router.post("/{name}/rotate", response_model=KeyMade, status_code=201, **needs("keys.rotate"))
async def rotate_key(call: Called, name: Id, body: KeyRotation | None = None) -> Response:
    """Make a new key in the place of this one, which stays good for a while."""
    overlap, vault = timedelta(seconds=(body or KeyRotation()).overlap_s), call.services.vault

    def rotated(tx: Tx) -> KeyMade:
        return _made(keys.rotate(tx, call.caller, name, vault, call.at, overlap))

    return await call.post(201, rotated)


@router.delete("/{name}", status_code=204, **needs("keys.revoke"))
async def revoke_key(call: Called, name: Id) -> Response:
    """Revoke a key, and those that it took the place of, at once."""
    await call.write(lambda tx: keys.revoke(tx, call.workspace_id, name, call.at))
    return Response(status_code=204)
