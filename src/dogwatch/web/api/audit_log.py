"""/audit-log: who did what to what, newest first."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal, Self

from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from dogwatch.usecases import audit_log
from dogwatch.usecases.audit_log import Entry
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Call, Called
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.wire import Instant, PageOf

router = resource("audit-log")

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
    """List what was done in the workspace, newest first."""
    if format == "csv":
        headers = {"Content-Disposition": 'attachment; filename="audit-log.csv"'}
        return StreamingResponse(_lines(call), 200, headers, f"{_CSV}; charset=utf-8")
    before = page.number
    found = await call.read(lambda tx: audit_log.page(tx, call.workspace_id, page.size, before))
    return page.answer(found, EntryOut.of, lambda entry: entry.id)


async def _lines(call: Call) -> AsyncIterator[str]:
    """Yield the whole log as CSV (RFC 4180), a batch at a time."""
    yield _line(list(EntryOut.model_fields))
    before: int | None = None
    while found := await call.read(_batch(call.workspace_id, before)):
        yield "".join(_line(list(map(_cell, _values(one)))) for one in found)
        before = found[-1].id


def _batch(workspace_id: int, before: int | None) -> Any:
    return lambda tx: audit_log.page(tx, workspace_id, _BATCH, before)


def _values(entry: Entry) -> Sequence[Any]:
    return list(EntryOut.of(entry).model_dump(mode="json").values())


def _cell(value: Any) -> str:
    """Return text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
