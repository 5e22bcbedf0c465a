"""/jobs: what we run ourselves."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response

from dogwatch.core.isolation import Least, lacking
from dogwatch.core.problems import Problem, renaming
from dogwatch.core.script_action import ScriptAction, unsupported
from dogwatch.core.spec import WatchSpec
from dogwatch.usecases import jobs, lists, runs, watches, workspaces
from dogwatch.usecases.door import Tx
from dogwatch.usecases.jobs import JobSpec
from dogwatch.usecases.lists import JobRow, Record, WatchView
from dogwatch.web.api.asked import JobChange, JobNew, Nothing, Trigger, split
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Call, Called, Name, shown
from dogwatch.web.api.filters import Status, Text, given
from dogwatch.web.api.masks import masked_action, unmasked_action
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.pausing import Pausing, Turn, paused_by
from dogwatch.web.api.runs import input_text
from dogwatch.web.api.wire import JobOut, PageOf, RunOut
from dogwatch.web.reach import hosts_of_action
from dogwatch.web.services import Services

router = resource("jobs")


def _shown(view: WatchView, call: Call) -> JobOut:
    job = view.job
    if job is None:
        raise Problem("not_found", f"{view.record.slug} is watched only; it is no job")
    if view.record.kind != "job":
        raise Problem("not_found", f"{view.record.slug} is a {view.record.kind}, not a job")
    action = masked_action(runs.action_of(call.services.vault, job))
    action = {"kind": job.action_kind, **action}
    return JobOut.made(view, call.pings, action, job)


def _written(tx: Tx, record: Record, call: Call) -> JobOut:
    return _shown(lists.view(tx, record, call.at), call)


def _locked(tx: Tx, call: Call, name: str) -> tuple[Record, JobRow]:
    record = watches.find(tx, call.workspace_id, name, lock=True)
    return record, jobs.find(tx, record)


def refuse_script(services: Services, kind: str) -> None:
    """Raise refused for a script where none may run."""
    if kind != "script":
        return
    if reason := unsupported(services.platform):
        raise Problem("refused", reason)
    if not services.scripts_on:
        raise Problem(
            "refused",
            "scripts are switched off here, since the server listens beyond this machine or its "
            "configuration says so; set DOGWATCH_SCRIPTS=on to allow them",
        )
    if services.isolation == "off":
        raise Problem("refused", services.isolation_why)


def refuse_exposed(tx: Tx, here: Services, workspace_id: int, kind: str) -> None:
    """Raise refused for a script where the workspace demands more isolation than there is here."""
    if kind == "script":
        refuse_less(here, workspaces.get(tx, workspace_id).least_isolation)


def refuse_less(here: Services, least: Least) -> None:
    """Raise refused where there is less isolation than demanded."""
    if reason := lacking(here.isolation, least, here.isolation_why):
        raise Problem("refused", reason)


def admit_script(services: Services, kind: str, action: Mapping[str, Any]) -> None:
    """Raise a Problem for a script that would not run here."""
    refuse_script(services, kind)
    if kind != "script":
        return
    with renaming("action.{}".format):
        services.admit_script(ScriptAction.from_json(action))


@router.get("", response_model=PageOf[JobOut], **needs("jobs.list"))
async def list_jobs(
    call: Called, page: Paged, status: Status = None, tag: Text = None, project: Text = None,
    slug: Text = None,
) -> Response:  # fmt: skip
    """List jobs, oldest first."""
    filters = given(kind="job", status=status, tag=tag, project=project, slug=slug)
    found = await call.read(
        lambda tx: lists.watch_page(tx, call.workspace_id, page.size, page.after, filters, call.at)
    )
    return page.answer(found, lambda view: _shown(view, call), lambda view: view.record.id)


@router.post("", response_model=JobOut, status_code=201, **needs("jobs.make"))
async def make_job(call: Called, body: JobNew) -> Response:
    """Make a job; its secrets cannot be read back."""
    kind, sent = split(body.action)
    action = unmasked_action(sent, {})
    admit_script(call.services, kind, action)
    default = jobs.default_policy(kind, action)
    watch = body.spec(WatchSpec(name=body.name, start_by_s=None))
    spec = JobSpec(watch, kind, action, body.policy(default, default))
    await call.refuse_blocked(hosts_of_action(action))

    def made(tx: Tx) -> JobOut:
        refuse_exposed(tx, call.services, call.workspace_id, kind)
        record = jobs.add(tx, call.workspace_id, spec, call.services.vault, call.at)
        return _written(tx, record, call)

    return await call.post(201, made, "jobs")


@router.get("/{name}", response_model=JobOut, **needs("jobs.show"))
async def show_job(call: Called, name: Name) -> Response:
    """Show a job."""
    view = await call.read(lambda tx: lists.watch(tx, call.workspace_id, name, call.at))
    return shown(_shown(view, call))


@router.patch("/{name}", response_model=JobOut, **needs("jobs.change"))
async def change_job(call: Called, name: Name, body: JobChange) -> Response:
    """Change a job; what is not sent stays, null clears, `***` keeps a secret."""
    await call.refuse_blocked(hosts_of_action(body.given_action() or {}))
    return shown(await call.write(lambda tx: _changed(tx, call, name, body)))


def _changed(tx: Tx, call: Call, name: str, body: JobChange) -> JobOut:
    record, job = _locked(tx, call, name)
    vault = call.services.vault
    kind, action = _action(body.given_action(), job, runs.action_of(vault, job))
    if body.given_action() is not None:
        admit_script(call.services, kind, action)
        refuse_exposed(tx, call.services, call.workspace_id, kind)
    policy = body.policy(job.policy, jobs.default_policy(kind, action))
    spec = JobSpec(body.spec(watches.spec_of(record)), kind, action, policy)
    return _written(tx, jobs.edit(tx, record, spec, vault, call.at), call)


def _action(
    sent: Mapping[str, Any] | None, job: JobRow, stored: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the kind of action and the action: as stored, or as sent with its masks lifted."""
    if sent is None:
        return job.action_kind, stored
    kind, rest = split(sent)
    return kind, unmasked_action(rest, stored if kind == job.action_kind else {})


@router.delete("/{name}", status_code=204, **needs("jobs.delete"))
async def remove_job(call: Called, name: Name) -> Response:
    """Delete a job with its watch and all that was kept of it."""
    await call.write(lambda tx: watches.remove(tx, _locked(tx, call, name)[0]))
    return Response(status_code=204)


@router.post("/{name}/pause", response_model=JobOut, **needs("jobs.pause"))
async def pause_job(call: Called, name: Name, body: Pausing | None = None) -> Response:
    """Run nothing on schedule until it is resumed, by somebody or by its time."""
    return await _turned(call, name, paused_by(body, call.at))


@router.post("/{name}/resume", response_model=JobOut, **needs("jobs.resume"))
async def resume_job(call: Called, name: Name, _: Nothing | None = None) -> Response:
    """Run on schedule again from now on."""
    return await _turned(call, name, watches.resume)


@router.post("/{name}/reset", response_model=JobOut, **needs("jobs.reset"))
async def reset_job(call: Called, name: Name, _: Nothing | None = None) -> Response:
    """Count the runs of a job from 0 again; a paused one stays paused."""

    def done(tx: Tx) -> JobOut:
        record, _ = _locked(tx, call, name)
        return _written(tx, jobs.reset(tx, record, call.at), call)

    return await call.post(200, done)


async def _turned(call: Call, name: str, turn: Turn) -> Response:
    def done(tx: Tx) -> JobOut:
        record, _ = _locked(tx, call, name)
        return _written(tx, turn(tx, record, call.at), call)

    return await call.post(200, done)


@router.post("/{name}/trigger", response_model=RunOut, status_code=202, **needs("jobs.trigger"))
async def trigger_job(call: Called, name: Name, body: Trigger | None = None) -> Response:
    """Run a job now, with an input."""
    given_input = input_text(body)

    def queued(tx: Tx) -> RunOut:
        record, job = _locked(tx, call, name)
        refuse_script(call.services, job.action_kind)
        refuse_exposed(tx, call.services, call.workspace_id, job.action_kind)
        return RunOut.of(runs.trigger(tx, record, given_input, call.at))

    return await call.post(202, queued)
