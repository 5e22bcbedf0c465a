"""Jobs of CronPulse as ours: an HTTP job, whose dead man's rule is the judgement of its start."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic.alias_generators import to_camel

from dogwatch.core.dialects import DIALECTS
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.schedule.cron import is_cron
from dogwatch.core.spec import WatchSpec
from dogwatch.usecases import aliases, jobs, lists, projects, runs, watches
from dogwatch.usecases.aliases import Alias, Named
from dogwatch.usecases.door import Tx
from dogwatch.usecases.jobs import JobSpec
from dogwatch.usecases.lists import Record, WatchView
from dogwatch.usecases.projects import Project
from dogwatch.vault import Vault
from dogwatch.web.api.masks import masked_action, unmasked_action
from dogwatch.web.dialect.call import DialectCall, checked, news
from dogwatch.web.dialects.cronpulse.wire import (
    REQUEST,
    TOLERANCE_MIN,
    Job,
    JobChange,
    JobNew,
    action_of,
    job_out,
    tolerance_s,
)

HTTP = "http"
CUID = DIALECTS["cronpulse"].item


def whole(tx: Tx, call: DialectCall, named: Sequence[Named], known: Sequence[Project]) -> list[Job]:
    """Return jobs as the dialect shows them; `known` are all projects."""
    by_label = {project.label: project for project in known}
    views = lists.views(tx, [record for _, record in named], call.at)
    return [
        job_out(
            one, view, by_label[one[1].project or ""],
            masked_action(_action(view, call.services.vault)),
        )
        for one, view in zip(named, views, strict=True)
    ]  # fmt: skip


def _action(view: WatchView, vault: Vault) -> Mapping[str, Any]:
    """Return the request of a job; of what is watched only, or runs a script, nothing."""
    job = view.job
    return runs.action_of(vault, job) if job and job.action_kind == HTTP else {}


def make(tx: Tx, call: DialectCall, said: Mapping[str, Any]) -> Named:
    """Make a job; that its project is not there is told before all that is wrong with it."""
    if isinstance(said.get("projectId"), str):
        projects.find(tx, call.workspace_id, said["projectId"])
    sent = checked(JobNew, said)
    project = projects.find(tx, call.workspace_id, sent.project_id)
    spec = _spec(sent, project)
    record = jobs.add(tx, call.workspace_id, spec, call.services.vault, call.at)
    own = {"heartbeat_tolerance": sent.heartbeat_tolerance}
    return aliases.give(tx, record, call.tongue.name, own), record


def _spec(sent: JobNew, project: Project) -> JobSpec:
    _check_cron(sent.schedule)
    watch = WatchSpec(name=sent.name, schedule=sent.schedule, project=project.label or None)
    watch = _ruled(watch, sent.heartbeat_tolerance if sent.heartbeat else None)
    action = action_of(sent.model_dump())
    return JobSpec(watch, HTTP, action, jobs.default_policy(HTTP, action))


def _check_cron(schedule: str) -> None:
    """Refuse what is no cron line; other APIs of ours take more."""
    if "\n" in schedule or not is_cron(schedule):
        raise invalid("schedule", "is not a cron expression of five fields")


def _ruled(spec: WatchSpec, tolerance_min: int | None) -> WatchSpec:
    """Return the watch of a job with a dead man's rule; None is without one."""
    limit_s = None if tolerance_min is None else tolerance_s(tolerance_min)
    return replace(spec, start_by_s=limit_s, finish_by_s=limit_s)


def change(tx: Tx, call: DialectCall, named: Named, before: Job, said: Mapping[str, Any]) -> Named:
    """Change a locked job; what is sent as it was shown `before` stays as it is."""
    alias, record = named
    if isinstance(said.get("projectId"), str):
        projects.find(tx, call.workspace_id, said["projectId"])
    sent = checked(JobChange, news(said, before)).given()
    if "schedule" in sent:
        _check_cron(sent["schedule"])
    spec = _changed(tx, call, alias, record, sent)
    if record.watch.job and not record.probe:
        record = _edit_job(tx, call, record, spec, sent)
    elif fixed := sorted(sent.keys() & {*REQUEST, "heartbeat"}):
        raise Problem(
            "invalid",
            "",
            dict.fromkeys(map(to_camel, fixed), "cannot be changed: this is no HTTP job"),
        )
    else:
        record = watches.edit(tx, record, spec, call.at)
    if "heartbeat_tolerance" in sent:
        alias = aliases.say(tx, alias, heartbeat_tolerance=sent["heartbeat_tolerance"])
    return alias, record


def _changed(
    tx: Tx, call: DialectCall, alias: Alias, record: Record, sent: Mapping[str, Any]
) -> WatchSpec:
    """Return the watch of a job as it shall be."""
    spec = watches.spec_of(record)
    spec = replace(spec, **{name: sent[name] for name in ("name", "schedule") if name in sent})
    if "project_id" in sent:
        project = projects.find(tx, call.workspace_id, sent["project_id"])
        spec = replace(spec, project=project.label or None)
    kept_min = alias.said.get("heartbeat_tolerance", TOLERANCE_MIN)
    tolerance_min = sent.get("heartbeat_tolerance", kept_min)
    if not record.watch.job:
        told = "heartbeat_tolerance" in sent
        return replace(spec, start_by_s=tolerance_s(tolerance_min)) if told else spec
    if not sent.keys() & {"heartbeat", "heartbeat_tolerance"}:
        return spec
    return _ruled(
        spec, tolerance_min if sent.get("heartbeat", spec.start_by_s is not None) else None
    )


def _edit_job(
    tx: Tx, call: DialectCall, record: Record, watch: WatchSpec, sent: Mapping[str, Any]
) -> Record:
    """Change a job of ours; a script stays one."""
    vault = call.services.vault
    job = jobs.find(tx, record)
    spec = jobs.spec_of(record, job, watch, vault)
    if asked := action_of(sent):
        if job.action_kind != HTTP:
            raise invalid("url", "cannot be set: this job runs a script")
        action = unmasked_action({**masked_action(spec.action), **asked}, spec.action)
        spec = replace(spec, action=action)
    return jobs.edit(tx, record, spec, vault, call.at)
