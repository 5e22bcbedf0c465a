"""/probes: what we ask of others, how it is doing, and a try by hand."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.core.spec import WatchSpec
from dogwatch.usecases import lists, probes, runs, watches
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import JobRow, Record, WatchView
from dogwatch.usecases.probes import ProbeSpec
from dogwatch.web.api.asked import Nothing
from dogwatch.web.api.asked_probes import ProbeChange, ProbeNew
from dogwatch.web.api.auth import needs, resource
from dogwatch.web.api.call import Call, Called, Name, shown
from dogwatch.web.api.filters import Status, Text, given
from dogwatch.web.api.masks import masked_action, unmasked_action
from dogwatch.web.api.pages import Paged
from dogwatch.web.api.pausing import Pausing, paused_by
from dogwatch.web.api.wire import PageOf, ProbeOut, RunOut
from dogwatch.web.reach import hosts_of_probe

router = resource("probes")


def _shown(view: WatchView, call: Call) -> ProbeOut:
    if view.job is None or not view.record.probe:
        raise Problem("not_found", f"{view.record.slug} is no probe")
    spec = _spec(view.record, view.job, call)
    return ProbeOut.made(view, call.pings, masked_action(spec.target), spec)


def _spec(record: Record, job: JobRow, call: Call) -> ProbeSpec:
    return probes.spec_of(job, watches.spec_of(record), call.services.vault)


def _written(tx: Tx, record: Record, call: Call) -> ProbeOut:
    return _shown(lists.view(tx, record, call.at), call)


def _locked(tx: Tx, call: Call, name: str) -> tuple[Record, JobRow]:
    return probes.find(tx, call.workspace_id, name, lock=True)


def unmasked_target(target: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a target with its masks lifted; its fields are named as the caller knows them."""
    kept = stored if stored.get("kind") == target.get("kind") else {}
    try:
        return unmasked_action(target, kept)
    except Problem as problem:
        fields = {
            name.replace("action.", "target.", 1): told for name, told in problem.fields.items()
        }
        message = problem.message.replace("action.", "target.", 1)
        raise problem.of_fields(fields, message) from None


@router.get("", response_model=PageOf[ProbeOut], **needs("probes.list"))
async def list_probes(
    call: Called, page: Paged, status: Status = None, tag: Text = None, project: Text = None,
    slug: Text = None,
) -> Response:  # fmt: skip
    """List probes, oldest first."""
    filters = given(kind="probe", status=status, tag=tag, project=project, slug=slug)
    found = await call.read(
        lambda tx: lists.watch_page(tx, call.workspace_id, page.size, page.after, filters, call.at)
    )
    return page.answer(found, lambda view: _shown(view, call), lambda view: view.record.id)


@router.post("", response_model=ProbeOut, status_code=201, **needs("probes.make"))
async def make_probe(call: Called, body: ProbeNew) -> Response:
    """Make a probe; the secrets of its target cannot be read back."""
    target = unmasked_target(body.target, {})
    spec = body.probe(ProbeSpec(WatchSpec(name=body.name, start_by_s=None), target), target)

    probes.check(spec)
    await call.refuse_blocked(hosts_of_probe(spec))

    def made(tx: Tx) -> ProbeOut:
        record = probes.add(tx, call.workspace_id, spec, call.services.vault, call.at)
        return _written(tx, record, call)

    return await call.post(201, made, "probes")


@router.get("/{name}", response_model=ProbeOut, **needs("probes.show"))
async def show_probe(call: Called, name: Name) -> Response:
    """Show a probe."""
    view = await call.read(lambda tx: lists.watch(tx, call.workspace_id, name, call.at))
    return shown(_shown(view, call))


@router.patch("/{name}", response_model=ProbeOut, **needs("probes.change"))
async def change_probe(call: Called, name: Name, body: ProbeChange) -> Response:
    """Change a probe; what is not sent stays, null clears, `***` keeps a secret."""

    def asked(record: Record, job: JobRow) -> ProbeSpec:
        base = _spec(record, job, call)
        sent = body.given_target()
        target = base.target if sent is None else unmasked_target(sent, base.target)
        return body.probe(base, target)

    def changed(tx: Tx) -> ProbeOut:
        record, job = _locked(tx, call, name)
        spec = asked(record, job)
        return _written(tx, probes.edit(tx, record, spec, call.services.vault, call.at), call)

    if body.given_target() is not None:
        found = await call.read(lambda tx: probes.find(tx, call.workspace_id, name))
        await call.refuse_blocked(hosts_of_probe(asked(*found)))

    return shown(await call.write(changed))


@router.delete("/{name}", status_code=204, **needs("probes.delete"))
async def remove_probe(call: Called, name: Name) -> Response:
    """Delete a probe with its watch and all that was kept of it."""
    await call.write(lambda tx: watches.remove(tx, _locked(tx, call, name)[0]))
    return Response(status_code=204)


@router.post("/{name}/pause", response_model=ProbeOut, **needs("probes.pause"))
async def pause_probe(call: Called, name: Name, body: Pausing | None = None) -> Response:
    """Ask nothing until it is resumed, by somebody or by its time."""
    turn = paused_by(body, call.at)

    def paused(tx: Tx) -> ProbeOut:
        return _written(tx, turn(tx, _locked(tx, call, name)[0], call.at), call)

    return await call.post(200, paused)


@router.post("/{name}/resume", response_model=ProbeOut, **needs("probes.resume"))
async def resume_probe(call: Called, name: Name, _: Nothing | None = None) -> Response:
    """Ask again from now on."""

    def resumed(tx: Tx) -> ProbeOut:
        return _written(tx, watches.resume(tx, _locked(tx, call, name)[0], call.at), call)

    return await call.post(200, resumed)


@router.post("/{name}/test", response_model=RunOut, status_code=202, **needs("probes.test"))
async def try_probe(call: Called, name: Name, _: Nothing | None = None) -> Response:
    """Ask once, now, from where the server is; the run tells what was seen, and counts."""

    def queued(tx: Tx) -> RunOut:
        record, _ = _locked(tx, call, name)
        return RunOut.of(runs.trigger(tx, record, "", call.at))

    return await call.post(202, queued)
