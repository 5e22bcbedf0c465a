"""Downloads: events as a file, JSON or a zip with their scripts beside them."""

import io
import json
import zipfile
from collections.abc import Sequence

from fastapi import Response

from dogwatch.core.problems import invalid
from dogwatch.usecases import numbered
from dogwatch.usecases.door import Tx
from dogwatch.web.dialect.call import Called, DialectCall, Naming, takes
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronium.routes.calls import BASE, all_found
from dogwatch.web.dialects.cronium.routes.events import EVENT, shown
from dogwatch.web.dialects.cronium.wire.events import MOST_DOWNLOADED, Download, EventOut

ENDINGS = {"BASH": "sh", "PYTHON": "py", "NODEJS": "js"}
_EPOCH = (1980, 1, 1, 0, 0, 0)

router = router_of(f"{BASE}/events")


@router.post(
    "/download",
    responses={200: {"content": {"application/zip": {}, "application/json": {}}}},
    openapi_extra=needs("jobs.list") | takes(Download),
)
async def download_events(call: Called) -> Response:
    """Hand out events as they are shown, secrets masked: those that are named, or all."""
    body = await call.sent(Download)
    events = await call.read(lambda tx, naming: _events(tx, call, naming, body.event_ids))
    zipped = body.format == "ZIP"
    name, kind = ("events.zip", "zip") if zipped else ("events.json", "json")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    content = _zip(events) if zipped else _json(events)
    return Response(content, 200, headers, f"application/{kind}")


def _events(
    tx: Tx, call: DialectCall, naming: Naming, numbers: Sequence[int] | None
) -> list[EventOut]:
    if numbers is not None:
        named = all_found(tx, call, EVENT, "job", list(dict.fromkeys(numbers)))
    else:
        page = numbered.watch_page(tx, call.workspace_id, 1, MOST_DOWNLOADED, kind="job")
        if page.total > MOST_DOWNLOADED:
            raise invalid("eventIds", f"must name the events: there are over {MOST_DOWNLOADED}")
        named = naming(tx, page.items)
    return shown(tx, call, naming, named)


def _json(events: Sequence[EventOut]) -> bytes:
    plain = [event.model_dump(mode="json", by_alias=True) for event in events]
    return json.dumps(plain, ensure_ascii=False, indent=2).encode()


def _zip(events: Sequence[EventOut]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as folder:
        for event in events:
            text = event.model_dump_json(by_alias=True, indent=2)
            folder.writestr(zipfile.ZipInfo(f"event-{event.id}.json", _EPOCH), text)
            if event.type in ENDINGS:
                script = zipfile.ZipInfo(f"event-{event.id}.{ENDINGS[event.type]}", _EPOCH)
                folder.writestr(script, event.content or "")
    return file.getvalue()
