"""Events: made, changed, run and read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import Response

from dogwatch.core.spec import WatchSpec
from dogwatch.usecases import aliases, environments, jobs, lists, numbered, runs, watches
from dogwatch.usecases.aliases import Alias, Named
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import JobRow, Record
from dogwatch.usecases.numbered import Counted
from dogwatch.web.api.jobs import admit_script, refuse_exposed, refuse_script
from dogwatch.web.dialect.call import Called, DialectCall, Naming, asks, takes
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronium.answers import answer, enveloped, listed
from dogwatch.web.dialects.cronium.routes import actions
from dogwatch.web.dialects.cronium.routes.calls import BASE, as_theirs, found, given_text
from dogwatch.web.dialects.cronium.wire.event import RESTS, Event, event_of, since, status_of
from dogwatch.web.dialects.cronium.wire.events import (
    EventChange,
    EventNew,
    EventOut,
    EventsAsked,
    Execute,
    ExecutionOut,
    OneEvent,
    OneExecution,
    SomeEvents,
)
from dogwatch.web.dialects.cronium.wire.logs import execution_id

EVENT = "Event"
ONE, SOME = enveloped(OneEvent), enveloped(SomeEvents)

router = router_of(f"{BASE}/events")


@router.get("", response_model=SOME, openapi_extra=needs("jobs.list") | asks(EventsAsked))
async def list_events(call: Called) -> Response:
    """List events, newest first; `status` leaves some out."""
    asked = call.asked(EventsAsked)

    def seen(tx: Tx, naming: Naming) -> SomeEvents:
        page = _page(tx, call, naming, asked)
        return SomeEvents(
            events=shown(tx, call, naming, page.items), pagination=asked.pagination(page.total)
        )

    data = await call.read(seen)
    return answer(data, listed("events", data.events), call.at)


@router.post(
    "", response_model=ONE, status_code=201, openapi_extra=needs("jobs.make") | takes(EventNew)
)
async def make_event(call: Called) -> Response:
    """Make an event; unless a status is sent, it is a draft."""
    body = await call.sent(EventNew)

    def made(tx: Tx) -> OneEvent:
        changes = body.changes(None)
        event = Event().with_changes(changes)
        action = event.action({})
        _admit(tx, call, event.kind, action)
        watch = WatchSpec(name=event.name, start_by_s=None)
        spec = event.job({}, watch, jobs.default_policy(event.kind, action))
        record = jobs.add(tx, call.workspace_id, spec, call.services.vault, call.at)
        alias = aliases.give(tx, record, call.tongue.name, event.said())
        actions.put(tx, call, record, changes.get("conditional_actions", ()))
        return OneEvent(event=_turned(tx, call, (alias, record), event.status))

    with as_theirs():
        data = await call.write(made)
    return answer(data, "Event created successfully", call.at, 201)


@router.get("/{number}", response_model=ONE, openapi_extra=needs("jobs.show"))
async def show_event(call: Called, number: str) -> Response:
    """Show an event; the values of its environment stay secret."""

    def seen(tx: Tx, naming: Naming) -> OneEvent:
        return OneEvent(event=shown(tx, call, naming, [event_named(tx, call, number)])[0])

    return answer(await call.read(seen), "Event retrieved successfully", call.at)


@router.patch(
    "/{number}", response_model=ONE, openapi_extra=needs("jobs.change") | takes(EventChange)
)
async def change_event(call: Called, number: str) -> Response:
    """Change an event; what is not sent stays."""
    return await _changed(call, number)


@router.put(
    "/{number}", response_model=ONE, openapi_extra=needs("jobs.change") | takes(EventChange)
)
async def put_event(call: Called, number: str) -> Response:
    """Change an event, as PATCH does: the document has both."""
    return await _changed(call, number)


@router.delete("/{number}", status_code=204, openapi_extra=needs("jobs.delete"))
async def remove_event(call: Called, number: str) -> Response:
    """Delete an event with its logs."""

    def removed(tx: Tx) -> None:
        watches.remove(tx, event_named(tx, call, number, lock=True)[1])

    await call.write(removed, number)
    return Response(status_code=204)


@router.post(
    "/{number}/run",
    response_model=enveloped(OneExecution),
    openapi_extra=needs("jobs.trigger") | takes(Execute),
    name="run_event",
)
@router.post(
    "/{number}/execute",
    response_model=enveloped(OneExecution),
    openapi_extra=needs("jobs.trigger") | takes(Execute),
)
async def execute_event(call: Called, number: str) -> Response:
    """Run an event now, whatever its status, with an input and more in its environment."""
    body = await call.sent(Execute)
    vault = call.services.vault

    def queued(tx: Tx) -> OneExecution:
        alias, record = event_named(tx, call, number, lock=True)
        job = jobs.find(tx, record)
        refuse_script(call.services, job.action_kind)
        refuse_exposed(tx, call.services, call.workspace_id, job.action_kind)
        if body.env_vars:
            environments.check(job.action_kind, runs.action_of(vault, job), body.env_vars)
        run = runs.trigger(tx, record, given_text(body.input), call.at)
        if body.env_vars:
            environments.give(tx, vault, run.workspace_id, run.id, body.env_vars)
        execution = ExecutionOut(
            id=execution_id(run.id),
            event_id=alias.number,
            status="running",
            started_at=call.at,
            input={} if body.input is None else body.input,
        )
        return OneExecution(execution=execution)

    with as_theirs():
        data = await call.write(queued, number)
    return answer(data, "Event execution started", call.at)


@router.post("/{number}/activate", response_model=ONE, openapi_extra=needs("jobs.resume"))
async def activate_event(call: Called, number: str) -> Response:
    """Run an event on its schedule."""
    return await _set_status(call, number, "ACTIVE", "activated")


@router.delete("/{number}/activate", response_model=ONE, openapi_extra=needs("jobs.pause"))
async def pause_event(call: Called, number: str) -> Response:
    """Run nothing on schedule until the event is activated again."""
    return await _set_status(call, number, "PAUSED", "paused")


@router.post("/{number}/reset-counter", response_model=ONE, openapi_extra=needs("jobs.reset"))
async def reset_counter(call: Called, number: str) -> Response:
    """Count the executions of an event from 0 again."""

    def reset(tx: Tx) -> OneEvent:
        alias, record = event_named(tx, call, number, lock=True)
        return _one(tx, call, (alias, jobs.reset(tx, record, call.at)))

    return answer(await call.write(reset, number), "Event counter reset successfully", call.at)


# --- what the routes share ---------------------------------------------------------------------


def event_named(tx: Tx, call: DialectCall, number: str, *, lock: bool = False) -> Named:
    """Return the job with this number; Problem("not_found") in the words of the document."""
    return found(tx, call, EVENT, "job", number, lock=lock)


def shown(tx: Tx, call: DialectCall, naming: Naming, some: Sequence[Named]) -> list[EventOut]:
    """Return what is shown of jobs."""
    views = lists.views(tx, [record for _, record in some], call.at)
    follows = actions.of_many(tx, call, naming, views)
    ended = numbered.scores(tx, call.workspace_id, [record.id for _, record in some])
    return [
        EventOut.of(
            _event(call, named, view.job), named, view, ended[named[1].id], follows[named[1].id]
        )
        for named, view in zip(some, views, strict=True)
        if view.job
    ]


def _event(call: DialectCall, named: Named, job: JobRow) -> Event:
    return event_of(named, job, runs.action_of(call.services.vault, job))


def _one(tx: Tx, call: DialectCall, named: Named) -> OneEvent:
    return OneEvent(event=shown(tx, call, call.give_names, [named])[0])


def _page(tx: Tx, call: DialectCall, naming: Naming, asked: EventsAsked) -> Counted[Named]:
    """Return the events of a page; which have a status, no column tells."""
    if not asked.status:
        page = numbered.watch_page(
            tx, call.workspace_id, asked.page, asked.limit, newest=True, kind="job"
        )
        return Counted(naming(tx, page.items), page.total)
    kept = [
        named
        for batch in numbered.batches(tx, call.workspace_id, kind="job")
        for named in naming(tx, batch)
        if _is(named, asked.status)
    ]
    first = (asked.page - 1) * asked.limit
    return Counted(kept[::-1][first : first + asked.limit], len(kept))


def _is(named: Named, wanted: str) -> bool:
    status = status_of(*named)
    match wanted:
        case "INACTIVE":
            return status != "ACTIVE"
        case "SCHEDULED":
            return status == "ACTIVE" and named[1].schedule is not None
    return status == wanted


async def _changed(call: DialectCall, number: str) -> Response:
    body = await call.sent(EventChange)

    def changed(tx: Tx) -> OneEvent:
        alias, record = event_named(tx, call, number, lock=True)
        job, vault = jobs.find(tx, record), call.services.vault
        stored = runs.action_of(vault, job)
        event = event_of((alias, record), job, stored)
        changes = body.changes(shown(tx, call, call.give_names, [(alias, record)])[0])
        event = event.with_changes(changes)
        spec = event.job(stored, watches.spec_of(record), job.policy)
        if spec.action != stored:
            _admit(tx, call, event.kind, spec.action)
        record = jobs.edit(tx, record, spec, vault, call.at)
        alias = aliases.say(tx, alias, **event.said())
        if "conditional_actions" in changes:
            actions.put(tx, call, record, changes["conditional_actions"])
        return OneEvent(event=_turned(tx, call, (alias, record), event.status))

    with as_theirs():
        data = await call.write(changed, number)
    return answer(data, "Event updated successfully", call.at)


def _admit(tx: Tx, call: DialectCall, kind: str, action: Mapping[str, Any]) -> None:
    """Raise a Problem for a script that would not run here."""
    admit_script(call.services, kind, action)
    refuse_exposed(tx, call.services, call.workspace_id, kind)


async def _set_status(call: DialectCall, number: str, status: str, done: str) -> Response:
    def turned(tx: Tx) -> OneEvent:
        named = event_named(tx, call, number, lock=True)
        return OneEvent(event=_turned(tx, call, named, status))

    with as_theirs():
        data = await call.write(turned, number)
    return answer(data, f"Event {done} successfully", call.at)


def _turned(tx: Tx, call: DialectCall, named: Named, status: str) -> EventOut:
    """Return the event with this status, which a locked job is given unless it has it."""
    named = with_status(tx, named, status, call.at)
    return shown(tx, call, call.give_names, [named])[0]


def with_status(tx: Tx, named: Named, status: str, at: datetime) -> Named:
    """Give a locked watch a status of Cronium."""
    alias, record = named
    if status_of(alias, record) == status:
        return named
    record = watches.find(tx, *record.key, lock=True)
    record = watches.switch(tx, record, at, on=status == "ACTIVE")
    return _resting(tx, alias, record, status), record


def _resting(tx: Tx, alias: Alias, record: Record, status: str) -> Alias:
    """Keep which rest it is that a watch has now."""
    rest = {"status": status, "since": since(record)} if status in RESTS else {}
    return aliases.say(tx, alias, rest=rest)
