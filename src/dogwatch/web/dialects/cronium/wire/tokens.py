"""What is sent and shown of API tokens."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from dogwatch.core.dialects import DIALECTS
from dogwatch.usecases.keys import Key
from dogwatch.web.dialect.times import Instant
from dogwatch.web.dialects.cronium.answers import PageAsked, Pagination, Shape
from dogwatch.web.dialects.cronium.wire.fields import Name, Sent, Time, choice

CRONIUM = DIALECTS["cronium"]
Permission = Annotated[str, choice(*(name.upper() for name in CRONIUM.permissions))]


class TokenNew(Sent):
    """What makes a token: what it may do, and until when."""

    name: Name
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=10)] = Field(
        default_factory=lambda: ["READ"]
    )
    expires_at: Time = None


class TokensAsked(PageAsked):
    """Which tokens."""


class TokenOut(Shape):
    """A token, without what proves it."""

    id: str
    user_id: str
    name: str
    status: str
    permissions: list[str]
    last_used: Instant | None
    expires_at: Instant | None
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, key: Key) -> Self:
        """Return the shape of a token."""
        last_at: datetime = max(filter(None, (key.created_at, key.revoked_at)))
        return cls(
            id=key.id,
            user_id=str(key.workspace_id),
            name=key.name,
            status="REVOKED" if key.revoked_at else "ACTIVE",
            permissions=[name.upper() for name in CRONIUM.permissions_of(key.scopes)],
            last_used=key.last_used_at,
            expires_at=key.expires_at,
            created_at=key.created_at,
            updated_at=last_at,
        )


class OneToken(Shape):
    """A token."""

    token: TokenOut


class TokenMade(OneToken):
    """A fresh token: the one time that it is shown."""

    display_token: str


class SomeTokens(Shape):
    """A page of tokens."""

    tokens: list[TokenOut]
    pagination: Pagination
