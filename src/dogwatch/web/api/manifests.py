"""/manifests: a workspace as a file, and files that were applied to it."""

import asyncio
from typing import Annotated, Any, ClassVar, Literal, Self

from fastapi import Response
from pydantic import BaseModel, Field

from dogwatch.core.manifest.text import MAX_LENGTH, written
from dogwatch.usecases import manifests, watches
from dogwatch.usecases.door import Tx
from dogwatch.usecases.manifests import NAME_LENGTH, Manifest
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.body import Body
from dogwatch.web.api.call import Call, Called, shown
from dogwatch.web.api.idempotency import sent_of
from dogwatch.web.api.manifest.hand import Hand
from dogwatch.web.api.manifest.whole import Applied, export, require_all
from dogwatch.web.api.wire import Instant, PageOf

router = resource("manifests")

_YAML = "application/yaml"  # RFC 9512


class ManifestAsked(Body):
    """A manifest: `name` is that of the file, which its items are kept in from then on."""

    stand_in: ClassVar[dict[str, Any]] = {"name": "x", "text": "x"}
    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH, pattern=r"\S")]
    text: Annotated[str, Field(max_length=MAX_LENGTH, description="YAML, as export gives it.")]
    prune: bool = Field(
        default=False,
        description="Delete items that were kept in this file and are not in it any more.",
    )
    dry_run: bool = Field(default=False, description="Tell what would change, and change nothing.")


class ReleaseAsked(Body):
    """What shall be kept in no file any more: an item, or a thing of another kind."""

    stand_in: ClassVar[dict[str, Any]] = {"item": "x"}
    item: Annotated[
        str,
        Field(
            min_length=1,
            max_length=100,
            description="Id or slug of an item; else the id, or the key of a variable.",
        ),
    ]
    kind: Literal[
        "item", "channel", "rule", "maintenance", "variable", "status_page", "project"
    ] = "item"


class ForgetAsked(Body):
    """A file that shall be forgotten, by its name."""

    stand_in: ClassVar[dict[str, Any]] = {"name": "x"}
    name: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH, pattern=r"\S")]


class ForgottenOut(BaseModel):
    """A file that is forgotten; `id` was its name."""

    id: str


class AppliedOut(BaseModel):
    """What a manifest changed, by section and name, and as a unified diff; `id` is its name."""

    id: str
    dry_run: bool
    items: int
    made: list[str]
    changed: list[str]
    removed: list[str]
    released: list[str] = Field(description="Slugs that the file named before, and names no more.")
    kept: list[str] = Field(
        description="What was there and in no file, and is kept in this one, applied before."
    )
    diff: str

    @classmethod
    def of(cls, name: str, done: Applied, *, dry_run: bool) -> Self:
        """Return the shape of what was done."""
        told = done.changes
        return cls(
            id=name, dry_run=dry_run, items=done.items, made=list(told.made),
            changed=list(told.changed), removed=list(told.removed),
            released=list(done.released), kept=list(done.kept), diff=told.diff,
        )  # fmt: skip


class ManifestOut(BaseModel):
    """A file that was applied; `fault` is why it was refused when it was applied last."""

    id: str
    items: int
    applied_at: Instant | None
    applied_by: str
    fault: str
    fault_at: Instant | None

    @classmethod
    def of(cls, one: Manifest) -> Self:
        """Return the shape of a file."""
        names = ("items", "applied_at", "applied_by", "fault", "fault_at")
        values: dict[str, Any] = {name: getattr(one, name) for name in names}
        return cls(id=one.name, **values)


class ReleasedOut(BaseModel):
    """What is kept in no file any more; `slug` of an item, else its id again."""

    id: str
    slug: str


@router.get("", response_model=PageOf[ManifestOut], **needs("manifests.list"))
async def list_manifests(call: Called) -> Response:
    """List the files that were applied, by name, all on one page."""
    found = await call.read(lambda tx: manifests.listed(tx, call.workspace_id))
    return shown(PageOf[ManifestOut](data=list(map(ManifestOut.of, found)), next_cursor=None))


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"content": {_YAML: {"schema": {"type": "object"}}}}},
    **needs("manifests.export"),
)
async def export_manifest(call: Called) -> Response:
    """Download all that was said of the workspace, without secrets: apply takes it back."""
    require_all(call.caller)
    await call.note_export("manifests.export")
    present = await _hand(call, "").present()
    text = await asyncio.to_thread(lambda: written(export(present)))
    headers = {"Content-Disposition": 'attachment; filename="dogwatch.yaml"'}
    return Response(text, 200, headers, _YAML)


def _hand(call: Call, name: str) -> Hand:
    return Hand(call.services, call.caller, call.at, lambda work: call.write(work, name))


@router.post("/apply", response_model=AppliedOut, **needs("manifests.apply"))
async def apply_manifest(call: Called, body: ManifestAsked) -> Response:
    """Make the workspace be as a file says: all of it, or nothing at all.

    Items go by their slugs, channels by their names. What the file does not name stays, but rules
    and maintenance: a file that has any says all of them. `***` keeps a secret that is stored.
    """
    await sent_of(call.request, call.caller)  # applying again changes nothing, with a key or not
    hand = _hand(call, body.name.strip())
    done = await hand.apply(body.name, body.text, prune=body.prune, dry_run=body.dry_run)
    return shown(AppliedOut.of(body.name.strip(), done, dry_run=body.dry_run))


@router.post("/release", response_model=ReleasedOut, **needs("manifests.release"))
async def release_item(call: Called, body: ReleaseAsked) -> Response:
    """Keep something in no file any more: it is changed here from now on."""

    def released(tx: Tx) -> ReleasedOut:
        if body.kind != "item":
            manifests.release_thing(tx, call.workspace_id, (body.kind, body.item))
            return ReleasedOut(id=body.item, slug=body.item)
        record = watches.find(tx, call.workspace_id, body.item, lock=True)
        return ReleasedOut(id=manifests.release(tx, record).id, slug=record.slug)

    return await call.post(200, released)


@router.post("/forget", response_model=ForgottenOut, **needs("manifests.release"))
async def forget_manifest(call: Called, body: ForgetAsked) -> Response:
    """Forget a file; what was kept in it stays, and is changed here from now on."""

    def forgotten(tx: Tx) -> ForgottenOut:
        manifests.forget(tx, call.workspace_id, body.name)
        return ForgottenOut(id=body.name)

    return await call.post(200, forgotten)
