"""The four kinds of items in a manifest: how each is told, asked for, made and changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

from dogwatch.core.manifest.said import Told, needed, said, without
from dogwatch.core.probe import assertions
from dogwatch.core.probe import target as targets
from dogwatch.core.probe.assertions import Assertion
from dogwatch.core.problems import Problem
from dogwatch.core.run import Policy
from dogwatch.core.schedule import shortest
from dogwatch.core.spec import WatchSpec, check, check_due
from dogwatch.core.workflow.definition import Definition, to_json
from dogwatch.core.workflow.graph import Graph
from dogwatch.usecases import jobs, probes, watches, workflows
from dogwatch.usecases.allowances import admit_pace
from dogwatch.usecases.jobs import JobSpec
from dogwatch.usecases.lists import Record
from dogwatch.usecases.probes import ProbeSpec
from dogwatch.web.api.asked import JobNew, WatchNew, split
from dogwatch.web.api.asked_probes import ProbeNew
from dogwatch.web.api.asked_workflows import WorkflowNew
from dogwatch.web.api.jobs import admit_script, refuse_exposed, refuse_less
from dogwatch.web.api.manifest.places import parsed, told_at
from dogwatch.web.api.manifest.plan import Plan, Writing
from dogwatch.web.api.manifest.present import Present
from dogwatch.web.api.masks import masked_action, unmasked_action
from dogwatch.web.api.probes import unmasked_target

_WATCH = tuple(one.name for one in fields(WatchSpec) if one.name not in ("slug", "name"))
_RULES = tuple(one.name for one in fields(Policy))
_PROBE = ("rechecks", "recheck_after_s", "locations", "agree")
_HEARTBEAT = WatchSpec(name="")
_OURS = WatchSpec(name="", start_by_s=None)
_PLAIN_PROBE = ProbeSpec(_OURS, {})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of item, `spec` being what its owner says of it, in one form.

    `spec` returns that of what is present, `asked` that of what is told, `***` lifted.
    """

    section: str
    kind: str
    model: type[WatchNew | JobNew | ProbeNew | WorkflowNew]
    spec: Callable[[Present, Record], Any]
    told: Callable[[Any], Told]
    asked: Callable[[Plan, Told, Any], Any]
    add: Callable[[Writing, Sequence[Any]], list[Record]]
    edit: Callable[[Writing, Record, Any], Record]


def _spec_of(record: Record) -> WatchSpec:
    return _shortest(watches.spec_of(record))


def _shortest(spec: WatchSpec) -> WatchSpec:
    """Say an interval in few words, so that all ways to say it are the same."""
    return replace(spec, schedule=shortest(spec.schedule)) if spec.schedule else spec


def _of_watch(spec: WatchSpec, usual: WatchSpec) -> Told:
    return {"slug": spec.slug, "name": spec.name} | said(spec, usual, _WATCH)


def _checked(
    plan: Plan, spec: WatchSpec, before: WatchSpec | None, *, job: bool = True
) -> WatchSpec:
    """Return what is said of a watch, tidied; a schedule that is new must be due some day, and
    that of a job no more often than the workspace may run it."""
    spec = _shortest(check(spec))
    timing = (spec.schedule, spec.timezone, spec.starts_at)
    if before is None or timing != (before.schedule, before.timezone, before.starts_at):
        check_due(spec, plan.present.at)
    if job and (before is None or spec.schedule != before.schedule):
        with told_at("schedule"):
            admit_pace(plan.present.allowance, spec.plan(job=True).schedule, plan.present.at)
    return spec


def _bare(owner: Any) -> Told:
    """Return an action or a target without what is as usual of it, and without its secrets.

    As usual is what it would be read as if only that were said which must be.
    """
    whole = owner.to_json()
    must = {name: whole[name] for name in needed(getattr(owner, "request", owner))}
    bare = must | without(whole, type(owner).from_json(must).to_json())
    if "assertions" in bare:
        bare["assertions"] = list(map(_demand, owner.assertions))
    return masked_action(bare)


def _demand(one: Assertion) -> Told:
    """Return an assertion without what is as usual of it."""
    whole = assertions.to_json(one)
    must = {name: whole[name] for name in ("kind", *one.required)}
    return must | without(whole, assertions.to_json(assertions.from_json(must)))


# --- watches ---


def _watch_spec(_: Present, record: Record) -> WatchSpec:
    return _spec_of(record)


def _watch_told(spec: WatchSpec) -> Told:
    return _of_watch(spec, _HEARTBEAT)


def _watch_asked(plan: Plan, told: Told, before: WatchSpec | None) -> WatchSpec:
    body = parsed(WatchNew, told)
    spec = _checked(plan, body.spec(WatchSpec(name=body.name)), before, job=False)
    return replace(spec, start_by_s=spec.plan().start_by_s)


def _add_watches(writing: Writing, specs: Sequence[WatchSpec]) -> list[Record]:
    return watches.add_many(*writing.where, specs, writing.present.at)


def _edit_watch(writing: Writing, record: Record, spec: WatchSpec) -> Record:
    return watches.edit(writing.tx, record, spec, writing.present.at)


# --- jobs ---


def _job_spec(present: Present, record: Record) -> JobSpec:
    row, watch = present.jobs[record.id], _spec_of(record)
    spec = jobs.spec_of(record, row, watch, present.vault)
    return replace(spec, action=jobs.check(spec))  # as it would be stored today


def _job_told(spec: JobSpec) -> Told:
    action = jobs.ACTIONS[spec.action_kind](dict(spec.action))
    usual = jobs.default_policy(spec.action_kind, spec.action)
    return {
        **_of_watch(spec.watch, _OURS), "action": {"kind": spec.action_kind, **_bare(action)},
        **said(spec.policy, usual, _RULES),
    }  # fmt: skip


def _job_asked(plan: Plan, told: Told, before: JobSpec | None) -> JobSpec:
    body = parsed(JobNew, told)
    kind, sent = split(body.action)
    stored = before.action if before and before.action_kind == kind else {}
    action = unmasked_action(sent, stored)
    default = jobs.default_policy(kind, action)
    words = body.spec(WatchSpec(name=body.name, start_by_s=None))
    spec = JobSpec(words, kind, action, body.policy(default, default))
    watch = _checked(plan, words, before.watch if before else None)
    spec = replace(spec, watch=watch, action=jobs.check(spec))
    if spec != before:
        admit_script(plan.services, kind, action)
        if kind == "script":
            with told_at("action"):
                refuse_less(plan.services, plan.present.least_isolation)
    return spec


def _add_jobs(writing: Writing, specs: Sequence[JobSpec]) -> list[Record]:
    for kind in {spec.action_kind for spec in specs}:
        _refuse_exposed(writing, kind)
    return jobs.add_many(*writing.where, specs, writing.vault, writing.present.at)


def _edit_job(writing: Writing, record: Record, spec: JobSpec) -> Record:
    _refuse_exposed(writing, spec.action_kind)
    return jobs.edit(writing.tx, record, spec, writing.vault, writing.present.at)


def _refuse_exposed(writing: Writing, kind: str) -> None:
    refuse_exposed(writing.tx, writing.services, writing.present.workspace_id, kind)


# --- probes ---


def _probe_spec(present: Present, record: Record) -> ProbeSpec:
    row, watch = present.jobs[record.id], _spec_of(record)
    spec = probes.spec_of(row, watch, present.vault)
    return replace(spec, target=probes.check(spec))


def _probe_told(spec: ProbeSpec) -> Told:
    target = targets.from_json(dict(spec.target))
    return {
        **_of_watch(spec.watch, _OURS), "target": {"kind": target.kind, **_bare(target)},
        **said(spec, _PLAIN_PROBE, _PROBE),
    }  # fmt: skip


def _probe_asked(plan: Plan, told: Told, before: ProbeSpec | None) -> ProbeSpec:
    body = parsed(ProbeNew, told)
    target = unmasked_target(body.target, before.target if before else {})
    spec = body.probe(ProbeSpec(WatchSpec(name=body.name, start_by_s=None), target), target)
    watch = _checked(plan, spec.watch, before.watch if before else None)
    return replace(spec, watch=watch, target=probes.check(spec))


def _add_probes(writing: Writing, specs: Sequence[ProbeSpec]) -> list[Record]:
    return probes.add_many(*writing.where, specs, writing.vault, writing.present.at)


def _edit_probe(writing: Writing, record: Record, spec: ProbeSpec) -> Record:
    return probes.edit(writing.tx, record, spec, writing.vault, writing.present.at)


# --- workflows ---


def _workflow_spec(present: Present, record: Record) -> Definition:
    return replace(present.definitions[record.id], watch=_spec_of(record))


def _workflow_told(spec: Definition) -> Told:
    told = to_json(spec)
    told["edges"] = [without(edge, {"on": "success"}) for edge in told["edges"]]
    return {"slug": spec.watch.slug, "name": spec.watch.name, **without(told, {"edges": []})}


def _workflow_asked(plan: Plan, told: Told, before: Definition | None) -> Definition:
    body = parsed(WorkflowNew, told)
    spec = body.definition(Definition(WatchSpec(name=body.name, start_by_s=None), Graph()))
    spec = workflows.with_slugs(spec, plan.present.slugs)
    watch = _checked(plan, spec.watch, before.watch if before else None)
    spec = replace(spec, watch=watch)
    _refuse_nodes(plan, spec)
    return before if before and to_json(spec) == to_json(before) else spec


def _refuse_nodes(plan: Plan, spec: Definition) -> None:
    bad = {}
    for number, node in enumerate(spec.graph.nodes):
        kind = plan.kinds.get(node.job)
        if kind is None:
            bad[f"nodes.{number}.job"] = f"there is no job {node.job!r}"
        elif kind != "job":
            bad[f"nodes.{number}.job"] = f"{node.job} is a {kind}, not a job"
    if bad:
        raise Problem("invalid", "; ".join(bad.values()), bad)


def _add_workflows(writing: Writing, specs: Sequence[Definition]) -> list[Record]:
    at, by = writing.present.at, writing.caller.name
    return [
        workflows.add(*writing.where, one, writing.vault, at + timedelta(milliseconds=nth), by)
        for nth, one in enumerate(specs)
    ]


def _edit_workflow(writing: Writing, record: Record, spec: Definition) -> Record:
    at, by = writing.present.at, writing.caller.name
    return workflows.edit(writing.tx, record, spec, writing.vault, at, by)


KINDS = (
    Kind("watches", "heartbeat", WatchNew, _watch_spec, _watch_told, _watch_asked, _add_watches,
         _edit_watch),
    Kind("probes", "probe", ProbeNew, _probe_spec, _probe_told, _probe_asked, _add_probes,
         _edit_probe),
    Kind("jobs", "job", JobNew, _job_spec, _job_told, _job_asked, _add_jobs, _edit_job),
    Kind("workflows", "workflow", WorkflowNew, _workflow_spec, _workflow_told, _workflow_asked,
         _add_workflows, _edit_workflow),
)  # fmt: skip
