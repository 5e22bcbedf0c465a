"""/status-posts: incidents as people tell of them on a status page."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from dogwatch.core.status_page import TEXT_LENGTH, TITLE_LENGTH
from dogwatch.usecases import status_pages
from dogwatch.usecases.door import Tx
from dogwatch.usecases.status_pages import Post
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Called, Id, shown
from dogwatch.web.api.wire import Instant

router = resource("status-posts")

State = Literal["investigating", "identified", "monitoring", "resolved"]
Impact = Literal["minor", "major", "critical"]
_Title = Annotated[str, Field(min_length=1, max_length=TITLE_LENGTH, pattern=r"\S")]
_Words = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH, pattern=r"\S")]


class PostNew(Body):
    """A new post."""

    stand_in: ClassVar[Mapping[str, Any]] = {"title": "x", "text": "x"}
    title: _Title
    text: _Words
    impact: Impact = "minor"
    state: State = "investigating"


class PostChange(Body):
    """Changes of a post: `state` and `text` say how things stand now, and go below the others."""

    model_config = ConfigDict(json_schema_extra={"dependentRequired": {"state": ["text"]}})
    title: _Title = "x"
    impact: Impact = "minor"
    state: State = "investigating"
    text: _Words = "x"


class UpdateOut(BaseModel):
    """What was said at a time."""

    at: Instant
    state: State
    text: str


class PostOut(BaseModel):
    """A post; its state is that of the last update."""

    id: str
    page_id: str
    title: str
    impact: Impact
    state: State
    opened_at: Instant
    resolved_at: Instant | None
    updates: list[UpdateOut]

    @classmethod
    def of(cls, post: Post) -> Self:
        """Return the shape of a post."""
        said: dict[str, Any] = {"impact": post.impact, "state": post.state}
        updates: list[dict[str, Any]] = [
            {"at": one.at, "state": one.state, "text": one.text} for one in post.updates
        ]
        return cls(
            id=post.id, page_id=post.page_id, title=post.title, opened_at=post.opened_at,
            resolved_at=post.resolved_at, updates=[UpdateOut(**one) for one in updates], **said,
        )  # fmt: skip


@router.get("/{name}", response_model=PostOut, **needs("status_posts.show"))
async def show_status_post(call: Called, name: Id) -> Response:
    """Show a post."""
    found = await call.read(lambda tx: status_pages.find_post(tx, call.workspace_id, name))
    return shown(PostOut.of(found))


@router.patch("/{name}", response_model=PostOut, **needs("status_posts.change"))
async def change_status_post(call: Called, name: Id, body: PostChange) -> Response:
    """Change a post, or say how things stand now: a state takes a text, a text the last state."""
    sent = {field: getattr(body, field) for field in body.model_fields_set}

    def changed(tx: Tx) -> PostOut:
        post = status_pages.find_post(tx, call.workspace_id, name)
        said = {"title": post.title, "impact": post.impact} | sent
        return PostOut.of(status_pages.update(tx, post, call.at, **said))

    return shown(await call.write(changed))


@router.delete("/{name}", status_code=204, **needs("status_posts.delete"))
async def remove_status_post(call: Called, name: Id) -> Response:
    """Delete a post."""
    await call.write(
        lambda tx: status_pages.remove_post(tx, status_pages.find_post(tx, call.workspace_id, name))
    )
    return Response(status_code=204)
