"""Watches, jobs, probes and workflows in a manifest: each by its slug."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from dogwatch.core.http_action import HttpAction
from dogwatch.core.manifest.said import Told, said, without
from dogwatch.core.problems import Problem
from dogwatch.core.run import Policy
from dogwatch.core.script_action import ScriptAction
from dogwatch.core.spec import WatchSpec, check
from dogwatch.core.workflow.definition import Definition, to_json
from dogwatch.core.workflow.graph import Graph
from dogwatch.usecases import (
    actions,
    dependencies,
    jobs,
    lists,
    manifests,
    probes,
    watches,
    workflows,
)
from dogwatch.usecases.jobs import JobSpec
from dogwatch.usecases.lists import Record, WatchView
from dogwatch.usecases.probes import ProbeSpec
from dogwatch.web.api.asked import JobNew, WatchNew, split
from dogwatch.web.api.asked_probes import ProbeNew
from dogwatch.web.api.asked_workflows import ActionsAsked, WorkflowNew
from dogwatch.web.api.jobs import admit_script, refuse_exposed
from dogwatch.web.api.manifest import channels
from dogwatch.web.api.manifest.work import Work, at, parsed
from dogwatch.web.api.masks import masked_action, unmasked_action
from dogwatch.web.api.probes import unmasked_target

MOST = 1_000_000
_WATCH = tuple(one.name for one in fields(WatchSpec) if one.name not in ("slug", "name"))
_RULES = tuple(one.name for one in fields(Policy))
_PROBE = ("rechecks", "recheck_after_s", "locations", "agree")
_HEARTBEAT = WatchSpec(name="")
_OURS = WatchSpec(name="", start_by_s=None)
_PLAIN_PROBE = ProbeSpec(_OURS, {})
# What follows others, and is applied once all of them are there.
_LINKS = ("parents", "actions")
_ACTIONS: Mapping[str, Callable[[Told], Told]] = {
    "http": lambda one: HttpAction.from_json({"url": one["url"]}).to_json(),
    "script": lambda one: ScriptAction.from_json(
        {"language": one["language"], "source": one["source"]}
    ).to_json(),
}


def _bare(told: Told) -> Told:
    return {name: value for name, value in told.items() if name not in _LINKS}


def _of_watch(spec: WatchSpec, usual: WatchSpec) -> Told:
    return {"slug": spec.slug, "name": spec.name} | said(spec, usual, _WATCH)


# --- watches ---


def _watch_told(work: Work, view: WatchView) -> Told:
    return _of_watch(watches.spec_of(view.record), _HEARTBEAT)


def _put_watch(work: Work, told: Told, record: Record | None) -> Record:
    body = parsed(WatchNew, told)
    spec = body.spec(WatchSpec(name=body.name))
    if record is None:
        return watches.add(work.tx, work.workspace_id, spec, work.at)
    plain = check(spec)
    plain = replace(plain, start_by_s=spec.plan().start_by_s)
    same = plain == watches.spec_of(record)
    return record if same else watches.edit(work.tx, record, spec, work.at)


# --- jobs ---


def _job_told(work: Work, view: WatchView) -> Told:
    assert view.job
    spec = jobs.spec_of(view.record, view.job, watches.spec_of(view.record), work.vault)
    kind, action = spec.action_kind, dict(spec.action)
    usual, policy = _ACTIONS[kind](action), jobs.default_policy(kind, action)
    needed = {name: action[name] for name in ("url", "language", "source") if name in action}
    shown = masked_action(needed | without(action, usual))
    return {
        **_of_watch(spec.watch, _OURS), "action": {"kind": kind, **shown},
        **said(spec.policy, policy, _RULES),
    }  # fmt: skip


def _put_job(work: Work, told: Told, record: Record | None) -> Record:
    body = parsed(JobNew, told)
    kind, sent = split(body.action)
    before = _job_spec(work, record) if record else None
    stored = before.action if before and before.action_kind == kind else {}
    action = unmasked_action(sent, stored)
    default = jobs.default_policy(kind, action)
    words = body.spec(WatchSpec(name=body.name, start_by_s=None))
    spec = JobSpec(words, kind, action, body.policy(default, default))
    if record and before and _same_job(spec, before):
        return record
    admit_script(work.services, kind, action)
    refuse_exposed(work.tx, work.services, work.workspace_id, kind)
    if record is None:
        return jobs.add(work.tx, work.workspace_id, spec, work.vault, work.at)
    return jobs.edit(work.tx, record, spec, work.vault, work.at)


def _job_spec(work: Work, record: Record) -> JobSpec:
    row = jobs.find(work.tx, record)
    return jobs.spec_of(record, row, watches.spec_of(record), work.vault)


def _same_job(one: JobSpec, other: JobSpec) -> bool:
    same = check(one.watch) == other.watch and one.action_kind == other.action_kind
    return same and one.policy == other.policy and jobs.check(one) == dict(other.action)


# --- probes ---


def _probe_told(work: Work, view: WatchView) -> Told:
    assert view.job
    spec = probes.spec_of(view.job, watches.spec_of(view.record), work.vault)
    target = masked_action(spec.target)
    return {
        **_of_watch(spec.watch, _OURS), "target": target, **said(spec, _PLAIN_PROBE, _PROBE),
    }  # fmt: skip


def _put_probe(work: Work, told: Told, record: Record | None) -> Record:
    body, before = parsed(ProbeNew, told), None
    if record:
        _, row = probes.find(work.tx, work.workspace_id, record.id)
        before = probes.spec_of(row, watches.spec_of(record), work.vault)
    target = unmasked_target(body.target, before.target if before else {})
    spec = body.probe(ProbeSpec(WatchSpec(name=body.name, start_by_s=None), target), target)
    if record is None:
        return probes.add(work.tx, work.workspace_id, spec, work.vault, work.at)
    if before and _same_probe(spec, before):
        return record
    return probes.edit(work.tx, record, spec, work.vault, work.at)


def _same_probe(one: ProbeSpec, other: ProbeSpec) -> bool:
    same = check(one.watch) == other.watch and probes.check(one) == probes.check(other)
    return same and said(one, other, _PROBE) == {}


# --- workflows ---


def _workflow_told(work: Work, view: WatchView) -> Told:
    definition = workflows.definition_of(work.tx, view.record)
    told = to_json(workflows.named(work.tx, work.workspace_id, definition))
    return {"slug": view.record.slug, "name": view.record.name, **told}


def _put_workflow(work: Work, told: Told, record: Record | None) -> Record:
    body = parsed(WorkflowNew, told)
    base = Definition(WatchSpec(name=body.name, start_by_s=None), Graph())
    definition, by = body.definition(base), work.caller.name
    if record is None:
        return workflows.add(
            work.tx, work.workspace_id, definition, work.vault, work.at, by
        )  # fmt: skip
    graph = workflows.check(work.tx, work.workspace_id, definition)
    after = replace(definition, watch=check(definition.watch), graph=graph)
    if to_json(after) == to_json(workflows.definition_of(work.tx, record)):
        return record
    return workflows.edit(work.tx, record, definition, work.vault, work.at, by)


# --- all of them ---


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of item: how it is told, judged and put."""

    section: str
    kind: str
    model: type[WatchNew | JobNew | ProbeNew | WorkflowNew]
    told: Callable[[Work, WatchView], Told]
    put: Callable[[Work, Told, Record | None], Record]

    def all(self, work: Work) -> list[Told]:
        """Return all of this kind, by slug."""
        only = {"kind": self.kind}
        views = lists.watch_page(work.tx, work.workspace_id, MOST, "", only, work.at)
        above = dependencies.parents(work.tx, work.workspace_id)
        keys = channels.keys(work) if self.kind in ("job", "workflow") else {}
        found = [self.told(work, view) | _links(work, view.record, above, keys) for view in views]
        return sorted(found, key=lambda one: str(one["slug"]))

    def judge(self, told: Told) -> None:
        """Raise a Problem of all that is wrong in itself."""
        slug = told.get("slug")
        if not isinstance(slug, str):
            raise Problem("invalid", "slug", {"slug": "is required, and text: it names the item"})
        parsed(self.model, _bare(told))
        parents = told.get("parents", [])
        if not (isinstance(parents, list) and all(isinstance(one, str) for one in parents)):
            raise Problem("invalid", "parents", {"parents": "must be a list of slugs"})
        if "actions" in told:
            parsed(ActionsAsked, {"actions": told["actions"]})

    def take(self, work: Work, some: Sequence[Told]) -> None:
        """Make or change items."""
        for number, told in enumerate(some):
            with at(f"{self.section}.{number}"):
                before = self._present(work, str(told["slug"]))
                record = self.put(work, _bare(told), before)
                if before is not None and record is not before:
                    work.unseen.add(f"{self.section} {record.slug}")
                work.kept.add(record.id)

    def unlink(self, work: Work, some: Sequence[Told]) -> None:
        """Have items depend on nothing, where that changes."""
        above = dependencies.parents(work.tx, work.workspace_id)
        for told in some:
            record = watches.find(work.tx, work.workspace_id, str(told["slug"]))
            if sorted(told.get("parents", [])) != above.get(record.id, []):
                dependencies.set_parents(work.tx, work.workspace_id, record.id, [], work.at)

    def link(self, work: Work, some: Sequence[Told]) -> None:
        """Set what items depend on, and what follows their runs."""
        above = dependencies.parents(work.tx, work.workspace_id)
        keys = channels.keys(work)
        ids = {key: own for own, key in keys.items()}
        for number, told in enumerate(some):
            with at(f"{self.section}.{number}"):
                record = watches.find(work.tx, work.workspace_id, str(told["slug"]))
                now = _links(work, record, above, keys)
                _set_parents(work, record, told, now)
                if told.get("actions", []) != now.get("actions", []):
                    _set_actions(work, record, told, ids)

    def _present(self, work: Work, slug: str) -> Record | None:
        """Return the item of a slug, if it is of this kind, free to be changed."""
        try:
            record = watches.find(work.tx, work.workspace_id, slug, lock=True)
        except Problem:
            return None
        if record.kind != self.kind:
            told = f"{slug} is a {record.kind} here; delete it, or give another slug"
            raise Problem("conflict", told, {"slug": told})
        if manifests.kept_in(work.tx, record) not in (None, work.file):
            watches.refuse_kept(work.tx, record)
        return manifests.release(work.tx, record)


def _links(
    work: Work, record: Record, above: Mapping[str, list[str]], keys: Mapping[str, str]
) -> Told:
    told: Told = {"parents": above[record.id]} if record.id in above else {}
    if record.kind in ("job", "workflow"):
        following = actions.of(work.tx, record)
        names = watches.slugs_of(work.tx, work.workspace_id, {one.run for one in following})
        if following:
            told["actions"] = [_action(one.to_json(), names, keys) for one in following]
    return told


def _action(told: Mapping[str, Any], names: Mapping[str, str], keys: Mapping[str, str]) -> Told:
    shown = {name: value for name, value in told.items() if value}
    if run := shown.get("run"):
        shown["run"] = names.get(run, run)
    if channel := shown.get("channel"):
        shown["channel"] = keys.get(channel, channel)
    return shown


def _set_parents(work: Work, record: Record, told: Told, now: Told) -> None:
    wanted: Iterable[str] = told.get("parents", [])
    if sorted(wanted) != now.get("parents", []):
        dependencies.set_parents(work.tx, work.workspace_id, record.id, list(wanted), work.at)


def _set_actions(work: Work, record: Record, told: Told, ids: Mapping[str, str]) -> None:
    asked = parsed(ActionsAsked, {"actions": told.get("actions", [])}).made()
    found = [replace(one, channel=ids.get(one.channel, one.channel)) for one in asked]
    actions.put(work.tx, record, found)


KINDS = (
    Kind("watches", "heartbeat", WatchNew, _watch_told, _put_watch),
    Kind("probes", "probe", ProbeNew, _probe_told, _put_probe),
    Kind("jobs", "job", JobNew, _job_told, _put_job),
    Kind("workflows", "workflow", WorkflowNew, _workflow_told, _put_workflow),
)
