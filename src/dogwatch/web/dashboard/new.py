"""New: what shall Dogwatch watch or run?"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi import Response

from dogwatch.core.lengths import words_of
from dogwatch.core.probe.address import target_of
from dogwatch.core.problems import invalid
from dogwatch.core.run import Policy
from dogwatch.core.schedule import parse
from dogwatch.core.schedule.spans import zone_names
from dogwatch.core.spec import GRACE_S, WatchSpec
from dogwatch.usecases import jobs, probes, runs, watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.jobs import JobSpec, default_policy
from dogwatch.usecases.lists import Record
from dogwatch.usecases.probes import ProbeSpec
from dogwatch.web.api.jobs import admit_script
from dogwatch.web.dashboard import schedule
from dogwatch.web.dashboard.action import (
    HELD,
    LANGUAGES,
    OVERLAPS,
    TIMEOUT,
    holding,
    ruled,
    rules_of,
)
from dogwatch.web.dashboard.fields import seconds
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.reach import hosts_of_probe

KINDS = ("watch", "script", "request")


async def show(visit: Visit) -> Response:
    """Show the three ways to begin, or the form of one."""
    require(visit.caller, "watches.make")
    kind = visit.form.get("kind") or visit.query.get("kind", "")
    if kind not in KINDS:
        return rendered(visit, "new.html")
    told = schedule.preview(visit, GRACE_S if kind == "watch" else None)
    return rendered(
        visit, "new_item.html", kind=kind, zones=sorted(zone_names()), languages=LANGUAGES,
        grace=words_of(GRACE_S), scripts_on=visit.services.scripts_on, timeout=TIMEOUT, held=HELD,
        values=rules_of(Policy()) | dict(visit.form), overlaps=list(OVERLAPS.items()), **told,
    )  # fmt: skip


async def take(visit: Visit) -> Response:
    """Make what the form says, or show what it would mean."""
    if "preview" in visit.form:
        parse(schedule.said(visit), visit.form.get("timezone", "UTC"))
        return await show(visit)
    kind = visit.form.get("kind", "")
    operation, make = _WAYS.get(kind, _WAYS["script"])
    require(visit.caller, operation)
    if make is _made_probe:
        await visit.refuse_blocked(hosts_of_probe(_probe_of(visit)))
    record = await visit.carry_out(
        operation,
        visit.form.get("name", "")[:200],
        lambda tx: make(tx, visit, visit.at),
    )
    return moved(visit, f"i/{record.slug}")


def _watch_of(visit: Visit) -> WatchSpec:
    form = visit.form
    grace_s = seconds(visit, "start_by_s")
    tags = (tag.strip() for tag in form.get("tags", "").split(","))
    return WatchSpec(
        name=form.get("name", ""),
        schedule=schedule.said(visit) or None,
        timezone=form.get("timezone") or "UTC",
        start_by_s=GRACE_S if grace_s is None else grace_s,
        tags=tuple(tag for tag in tags if tag),
    )


def _made_watch(tx: Tx, visit: Visit, at: datetime) -> Record:
    return watches.add(tx, visit.workspace_id, _watch_of(visit), at)


def _made_probe(tx: Tx, visit: Visit, at: datetime) -> Record:
    """Make what asks an address, and ask at once: its first turn may be an hour away."""
    record = probes.add(tx, visit.workspace_id, _probe_of(visit), visit.services.vault, at)
    runs.trigger(tx, record, "", at)
    return record


def _probe_of(visit: Visit) -> ProbeSpec:
    """Return what asks an address; nobody waits for it, so nothing is late."""
    target = target_of(visit.form.get("url", "").strip())
    if text := visit.form.get(HELD.field, "").strip():
        if target["kind"] != "http":
            raise invalid(HELD.field, "only a page holds text; leave it empty")
        target["assertions"] = holding((), text)
    return ProbeSpec(replace(_watch_of(visit), start_by_s=None), target)


def _made_job(tx: Tx, visit: Visit, at: datetime) -> Record:
    kind, action = _action_of(visit)
    policy = ruled(visit, default_policy(kind, action))
    spec = JobSpec(_watch_of(visit), kind, action, policy)
    return jobs.add(tx, visit.workspace_id, spec, visit.services.vault, at)


def _action_of(visit: Visit) -> tuple[str, dict[str, Any]]:
    form = visit.form
    action: dict[str, Any] = {
        "language": form.get("language", "bash"),
        "source": form.get("source", "").replace("\r\n", "\n"),
    }
    timeout_s = seconds(visit, TIMEOUT.field)
    if timeout_s is not None:
        action["timeout_s"] = timeout_s
    admit_script(visit.services, "script", action)
    return "script", action


_WAYS: Mapping[str, tuple[str, Callable[[Tx, Visit, datetime], Record]]] = {
    "watch": ("watches.make", _made_watch),
    "script": ("jobs.make", _made_job),
    "request": ("probes.make", _made_probe),
}
