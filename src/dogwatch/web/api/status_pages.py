"""/status-pages: what is shown to anybody, under the names given here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from dogwatch.core.status_page import (
    DESCRIPTION_LENGTH,
    ITEMS,
    NAME_LENGTH,
    SLUG_PATTERN,
    TITLE_LENGTH,
    Item,
    PageSpec,
)
from dogwatch.usecases import status_pages
from dogwatch.usecases.door import Tx
from dogwatch.usecases.status_pages import StatusPage
from dogwatch.usecases.watches import slugs_of
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Call, Called, Name, shown
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.status_posts import PostNew, PostOut
from dogwatch.web.api.wire import Instant, PageOf

router = resource("status-pages")

_Title = Annotated[str, Field(min_length=1, max_length=TITLE_LENGTH, pattern=r"\S")]
_Slug = Annotated[str, Field(pattern=f"^{SLUG_PATTERN}$")]
_Named = Annotated[str, Field(min_length=1, max_length=64)]


_ONE_OF_TWO: list[JsonValue] = [
    {"required": [one], "properties": {one: {"type": "string"}, other: {"type": "null"}}}
    for one, other in (("watch", "tag"), ("tag", "watch"))
]


class ItemAsked(BaseModel):
    """A name that is shown, of one watch (id or slug) or of all that have a tag."""

    model_config = Body.model_config | ConfigDict(json_schema_extra={"oneOf": _ONE_OF_TWO})

    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH, pattern=r"\S")]
    watch: _Named | None = None
    tag: _Named | None = None


class StatusPageFields(Body):
    """What may be said of a page."""

    slug: _Slug | None = Field(
        default=None, description="Its address; one that cannot be guessed if none is given."
    )
    description: Annotated[str, Field(max_length=DESCRIPTION_LENGTH)] = ""
    public: bool = Field(default=False, description="Whether search engines may list it.")
    items: list[ItemAsked] = Field(default=[], max_length=ITEMS)

    def asked(self) -> dict[str, Any]:
        """Return what was sent."""
        sent = {name: getattr(self, name) for name in self.model_fields_set}
        if "items" in sent:
            sent["items"] = tuple(Item(one.name, one.watch, one.tag) for one in self.items)
        return sent


class StatusPageNew(StatusPageFields):
    """A new page."""

    stand_in: ClassVar[Mapping[str, Any]] = {"title": "x"}
    title: _Title


class StatusPageChange(StatusPageFields):
    """Changes of a page: what is not sent stays; `items` are replaced as a whole."""

    title: _Title = "x"


class ItemOut(BaseModel):
    """A name that is shown; `watch` is its slug."""

    name: str
    watch: str | None
    tag: str | None


class StatusPageOut(BaseModel):
    """A page; `url` is where anybody sees it."""

    id: str
    slug: str
    title: str
    description: str
    public: bool
    items: list[ItemOut]
    url: str
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, page: StatusPage, slugs: Mapping[str, str], base_url: str) -> Self:
        """Return the shape of a page; a watch that is gone keeps its id."""
        items = [
            ItemOut(name=one.name, watch=one.watch and slugs.get(one.watch, one.watch), tag=one.tag)
            for one in page.items
        ]
        return cls(
            id=page.id, slug=page.slug, title=page.title, description=page.description,
            public=page.public, items=items, url=f"{base_url.rstrip('/')}/status/{page.slug}",
            created_at=page.created_at, updated_at=page.updated_at,
        )  # fmt: skip


def _all_out(tx: Tx, call: Call, pages: Sequence[StatusPage]) -> list[StatusPageOut]:
    named = {one.watch for page in pages for one in page.items if one.watch}
    slugs = slugs_of(tx, call.workspace_id, named)
    return [StatusPageOut.of(page, slugs, call.services.base_url) for page in pages]


def _out(tx: Tx, call: Call, page: StatusPage) -> StatusPageOut:
    return _all_out(tx, call, [page])[0]


@router.get("", response_model=PageOf[StatusPageOut], **needs("status_pages.list"))
async def list_status_pages(call: Called, page: Paged) -> Response:
    """List pages, oldest first."""
    found = await call.read(
        lambda tx: _all_out(tx, call, status_pages.listed(tx, call.workspace_id))
    )
    return page.answer(page.cut(found, lambda one: one.id), lambda one: one, lambda one: one.id)


@router.post("", response_model=StatusPageOut, status_code=201, **needs("status_pages.make"))
async def make_status_page(call: Called, body: StatusPageNew) -> Response:
    """Make a page, which anybody sees who knows its address."""

    def made(tx: Tx) -> StatusPageOut:
        spec = replace(PageSpec(title=body.title), **body.asked())
        return _out(tx, call, status_pages.add(tx, call.workspace_id, spec, call.at))

    return await call.post(201, made, "status-pages")


@router.get("/{name}", response_model=StatusPageOut, **needs("status_pages.show"))
async def show_status_page(call: Called, name: Name) -> Response:
    """Show what was said of a page."""
    return shown(
        await call.read(lambda tx: _out(tx, call, status_pages.find(tx, call.workspace_id, name)))
    )


@router.patch("/{name}", response_model=StatusPageOut, **needs("status_pages.change"))
async def change_status_page(call: Called, name: Name, body: StatusPageChange) -> Response:
    """Change a page; people see it within 30 seconds."""

    def changed(tx: Tx) -> StatusPageOut:
        page = status_pages.find(tx, call.workspace_id, name)
        spec = replace(status_pages.spec_of(page), **body.asked())
        return _out(tx, call, status_pages.change(tx, page, spec, call.at))

    return shown(await call.write(changed))


@router.delete("/{name}", status_code=204, **needs("status_pages.delete"))
async def remove_status_page(call: Called, name: Name) -> Response:
    """Delete a page with its posts."""
    await call.write(
        lambda tx: status_pages.remove(tx, status_pages.find(tx, call.workspace_id, name))
    )
    return Response(status_code=204)


@router.get("/{name}/posts", response_model=PageOf[PostOut], **needs("status_pages.posts"))
async def list_status_posts(call: Called, name: Name, page: Paged) -> Response:
    """List the posts of a page, oldest first."""

    def found(tx: Tx) -> list[PostOut]:
        every = status_pages.posts(tx, status_pages.find(tx, call.workspace_id, name))
        return sorted((PostOut.of(one) for one in every), key=lambda one: one.id)

    cut = page.cut(await call.read(found), lambda one: one.id)
    return page.answer(cut, lambda one: one, lambda one: one.id)


@router.post("/{name}/posts", response_model=PostOut, status_code=201, **needs("status_pages.post"))
async def make_status_post(call: Called, name: Name, body: PostNew) -> Response:
    """Tell of an incident on a page."""

    def made(tx: Tx) -> PostOut:
        page = status_pages.find(tx, call.workspace_id, name)
        told = status_pages.post(tx, page, body.title, body.impact, body.state, body.text, call.at)
        return PostOut.of(told)

    return await call.post(201, made, "status-posts")
