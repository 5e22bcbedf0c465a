"""/audit-log: who did what to what, newest first."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from dogwatch.usecases import audit_log
from dogwatch.usecases.audit_log import Entry
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Call, Called
from dogwatch.web.api.pages import Page, Paged
from dogwatch.web.api.wire import Instant, PageOf

router = resource("audit-log")
instance_router = resource("instance-log")

_BATCH = 1_000
_CSV = "text/csv"

Format = Annotated[Literal["json", "csv"], Query(description="csv: all of it, as a file.")]


class EntryOut(BaseModel):
    """One entry; `actor_kind` is key, user or host; `detail` has the names of fields sent."""

    id: int
    at: Instant
    actor_kind: str
    actor_id: str | None
    actor: str
    operation: str
    object: str
    detail: dict[str, Any]
    remote_ip: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Return the shape of an entry."""
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class InstanceEntryOut(EntryOut):
    """An entry of the instance; `workspace_id` is null for what concerns no single workspace."""

    workspace_id: int | None


@router.get(
    "",
    response_model=PageOf[EntryOut],
    responses={200: {"content": {_CSV: {}}}},
    **needs("audit_log.list"),
)
async def list_audit_log(
    call: Called,
    page: Paged,
    format: Format = "json",  # noqa: A002  (the word that users see)
) -> Response:
    """List what was done in the workspace, newest first; an export is noted itself."""
    return await _told(_Log(call, call.workspace_id, EntryOut), page, format)


@instance_router.get(
    "",
    response_model=PageOf[InstanceEntryOut],
    responses={200: {"content": {_CSV: {}}}},
    **needs("instance_log.list"),
)
async def list_instance_log(
    call: Called,
    page: Paged,
    format: Format = "json",  # noqa: A002  (the word that users see)
) -> Response:
    """List what was done in all workspaces and with the instance, newest first."""
    return await _told(_Log(call, None, InstanceEntryOut), page, format)


@dataclass(frozen=True, slots=True)
class _Log:
    """The log of a workspace, or of all for None, as it is read by a call."""

    call: Call
    workspace_id: int | None
    shape: type[EntryOut]

    async def read(self, size: int, before: int | None) -> Sequence[Entry]:
        """Return entries, newest first."""
        return await self.call.read(lambda tx: audit_log.page(tx, self.workspace_id, size, before))

    async def lines(self) -> AsyncIterator[str]:
        """Yield all of it as CSV (RFC 4180), a batch at a time."""
        yield _line(list(self.shape.model_fields))
        before: int | None = None
        while found := await self.read(_BATCH, before):
            yield "".join(_line(list(map(_cell, self._values(one)))) for one in found)
            before = found[-1].id

    def _values(self, entry: Entry) -> Sequence[Any]:
        return list(self.shape.of(entry).model_dump(mode="json").values())


async def _told(log: _Log, page: Page, form: str) -> Response:
    if form == "json":
        found = await log.read(page.size, page.number)
        return page.answer(found, log.shape.of, lambda entry: entry.id)
    await log.call.note_export("audit_log.export", instance=log.workspace_id is None)
    headers = {"Content-Disposition": 'attachment; filename="audit-log.csv"'}
    return StreamingResponse(log.lines(), 200, headers, f"{_CSV}; charset=utf-8")


def _cell(value: Any) -> str:
    """Return text that no spreadsheet takes for a formula."""
    text = json.dumps(value) if isinstance(value, dict) else "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
