"""The routes of CronBeats, in the order of its document."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import Request, Response

from dogwatch.core.plain import whole_number
from dogwatch.core.problems import Problem
from dogwatch.core.schedule.spans import zone_names
from dogwatch.core.watch import Status
from dogwatch.usecases import aliases, numbered, put_away, watches
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.dialect.call import Called, DialectCall, asks, fields_as, shown, takes
from dogwatch.web.dialect.refusal import Refusal, Refused
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronbeats.errors import refused
from dogwatch.web.dialects.cronbeats.wire import (
    Data,
    Enabled,
    Failed,
    Items,
    Job,
    JobChange,
    JobIds,
    JobMade,
    JobNew,
    JobsAsked,
    PageAsked,
    Signal,
    is_shown,
    made,
    meta,
    whole,
)

BASE = "/api/v1"
FIELDS: Mapping[str, str] = {"start_by_s": "grace_seconds", "schedule": "expected_interval_seconds"}
MISSING = "Job not found"

router = router_of(BASE)


async def token_of(request: Request) -> str | None:
    """Return the key that was sent; X-Workspace-ID means nothing, the key decides."""
    return request.headers.get("x-api-key")


@router.post(
    "/jobs",
    response_model=Data[JobMade],
    status_code=201,
    openapi_extra=needs("watches.make") | takes(JobNew),
)
async def make_job(call: Called) -> Response:
    """Make a job."""
    body = await call.sent(JobNew)
    _check_zone(body.timezone)

    def work(tx: Tx) -> JobMade:
        with fields_as(FIELDS):
            record = watches.add(tx, call.workspace_id, body.spec(), call.at)
        said = {"timezone": body.timezone}
        alias = aliases.give(tx, record, call.tongue.name, said)
        return JobMade(**made((alias, record), call.origin))

    return shown(Data(data=await call.write(work)), 201)


@router.get(
    "/jobs", response_model=Items[Job], openapi_extra=needs("watches.list") | asks(JobsAsked)
)
async def list_jobs(call: Called) -> Response:
    """List jobs, oldest first."""
    asked = call.asked(JobsAsked)

    def work(tx: Tx, naming: Any) -> Items[Job]:
        away = put_away.known(tx, call.workspace_id, call.tongue.name)

        def chosen(record: Record) -> bool:
            deleted = put_away.is_away(away.get(record.id), record)
            return not deleted and is_shown(record, asked.status, call.at)

        page = numbered.kept_page(tx, call.workspace_id, asked.page, asked.per_page, chosen)
        data = _wholes(tx, call, naming(tx, page.items))
        return Items(data=data, meta=meta(asked, page.total, call.at))

    return shown(await call.read(work))


@router.post(
    "/jobs/bulk/{verb}",
    response_model=Data[dict[str, Any]],
    openapi_extra=needs("watches.change") | takes(JobIds),
)
async def change_many(call: Called, verb: str) -> Response:
    """Pause, resume or delete up to 100 jobs; those that cannot be are named."""
    if verb not in BULK:
        raise Refused(Refusal("no_path", "there is nothing at this address"))
    body = await call.sent(JobIds)
    done, work = BULK[verb]

    def one_by_one(tx: Tx) -> dict[str, Any]:
        failed = [
            Failed(id=number, error=why)
            for number in body.job_ids
            if (why := _tried(tx, call, number, work))
        ]
        return {
            "total_requested": len(body.job_ids),
            done: len(body.job_ids) - len(failed),
            "failed": [one.model_dump() for one in failed],
        }

    about = ",".join(map(str, body.job_ids))[:200]
    return shown(Data[dict[str, Any]](data=await call.write(one_by_one, about)))


@router.get("/jobs/{number}", response_model=Data[Job], openapi_extra=needs("watches.show"))
async def show_job(call: Called, number: str) -> Response:
    """Show a job with its current state."""

    def work(tx: Tx, _: Any) -> Job:
        return _whole(tx, call, _found(tx, call, number))

    return shown(Data(data=await call.read(work)))


# Its verbs are in the path; who means HTTP's own is understood as well.
@router.put(
    "/jobs/{number}",
    response_model=Data[Job],
    openapi_extra=needs("watches.change") | takes(JobChange),
    name="put_job",
)
@router.put(
    "/jobs/{number}/update",
    response_model=Data[Job],
    openapi_extra=needs("watches.change") | takes(JobChange),
)
async def change_job(call: Called, number: str) -> Response:
    """Change a job; what is not sent stays."""
    body = await call.sent(JobChange)
    if "timezone" in body.model_fields_set:
        _check_zone(body.timezone)

    def work(tx: Tx) -> Job:
        alias, record = _found(tx, call, number, lock=True)
        spec = body.spec(watches.spec_of(record))
        with fields_as(FIELDS):
            record = watches.edit(tx, record, spec, call.at)
        if "timezone" in body.model_fields_set:
            alias = aliases.say(tx, alias, timezone=body.timezone)
        return _whole(tx, call, (alias, record))

    return shown(Data(data=await call.write(work, number)))


@router.post("/jobs/{number}/delete", status_code=204, openapi_extra=needs("watches.delete"))
async def remove_job(call: Called, number: str) -> Response:
    """Delete a job softly: whoever resumes it elsewhere within 30 days has it again."""

    def work(tx: Tx) -> None:
        put_away.put_away(tx, _found(tx, call, number, lock=True), call.at)

    await call.write(work, number)
    return Response(status_code=204)


@router.delete("/jobs/{number}", status_code=204, openapi_extra=needs("watches.delete"))
async def delete_job(call: Called, number: str) -> Response:
    """Delete a job for good, one that was deleted softly as well."""
    job_id = _number(number)

    def work(tx: Tx) -> None:
        watches.remove(tx, call.find(tx, job_id, lock=True)[1])

    await call.write(work, number)
    return Response(status_code=204)


@router.post(
    "/jobs/{number}/pause", response_model=Data[Enabled], openapi_extra=needs("watches.pause")
)
async def pause_job(call: Called, number: str) -> Response:
    """Stop watching a job."""
    return await _turned(call, number, _paused, "already_disabled", is_enabled=False)


@router.post(
    "/jobs/{number}/resume", response_model=Data[Enabled], openapi_extra=needs("watches.resume")
)
async def resume_job(call: Called, number: str) -> Response:
    """Watch a job again, from now on."""
    return await _turned(call, number, _resumed, "already_enabled", is_enabled=True)


@router.get(
    "/jobs/{number}/signals",
    response_model=Items[Signal],
    openapi_extra=needs("watches.pings") | asks(PageAsked),
)
async def list_signals(call: Called, number: str) -> Response:
    """List the signals of a job, newest first."""
    asked = call.asked(PageAsked)

    def work(tx: Tx, _: Any) -> Items[Signal]:
        _, record = _found(tx, call, number)
        page = numbered.ping_page(tx, record, asked.page, asked.per_page)
        data = [Signal.of(row) for row in page.items]
        return Items(data=data, meta=meta(asked, page.total, call.at))

    return shown(await call.read(work))


# --- what the routes share ---------------------------------------------------------------------


def _number(text: str) -> int:
    """Return the id in a path."""
    number = whole_number(text, 15)
    if number is None:
        raise Problem("not_found", MISSING)
    return number


def _found(tx: Tx, call: DialectCall, number: str, *, lock: bool = False) -> Named:
    return _there(call.find(tx, _number(number), lock=lock))


def _there(named: Named) -> Named:
    """Return a job that has not been deleted."""
    if put_away.is_away(*named):
        raise Problem("not_found", MISSING)
    return named


def _whole(tx: Tx, call: DialectCall, named: Named) -> Job:
    return _wholes(tx, call, [named])[0]


def _wholes(tx: Tx, call: DialectCall, many: Sequence[Named]) -> list[Job]:
    last = numbered.newest_pings(tx, [record for _, record in many])
    return [whole(named, call.origin, last.get(named[1].id), call.at) for named in many]


def _check_zone(name: str) -> None:
    if name not in zone_names():
        told = "is no time zone; use a name such as Europe/Warsaw"
        raise Refused(Refusal("invalid", f"timezone: {told}", {"timezone": told}))


Turn = Callable[[Tx, DialectCall, Named], str]


def _paused(tx: Tx, call: DialectCall, named: Named) -> str:
    """Pause a job; return why that cannot be, or nothing."""
    if named[1].watch.status is Status.PAUSED:
        return "Job is already disabled"
    watches.pause(tx, named[1], call.at)
    return ""


def _resumed(tx: Tx, call: DialectCall, named: Named) -> str:
    if named[1].watch.status is not Status.PAUSED:
        return "Job is already enabled"
    watches.resume(tx, named[1], call.at)
    return ""


def _removed(tx: Tx, call: DialectCall, named: Named) -> str:
    put_away.put_away(tx, named, call.at)
    return ""


BULK: Mapping[str, tuple[str, Turn]] = {
    "pause": ("successfully_paused", _paused),
    "resume": ("successfully_resumed", _resumed),
    "delete": ("successfully_deleted", _removed),
}


def _tried(tx: Tx, call: DialectCall, number: int, work: Turn) -> str:
    """Do the work on one job of many; return why that could not be, or nothing."""
    try:
        return work(tx, call, _there(call.find(tx, number, lock=True)))
    except Problem:
        return MISSING


async def _turned(
    call: DialectCall, number: str, work: Turn, code: str, *, is_enabled: bool
) -> Response:
    def turned(tx: Tx) -> str:
        return work(tx, call, _found(tx, call, number, lock=True))

    why = await call.write(turned, number)
    if why:
        return refused(400, code, why, call.at)
    return shown(Data(data=Enabled(id=int(number), is_enabled=is_enabled)))
