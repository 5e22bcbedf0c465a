"""The form of an item that is there: its name, what it does, its schedule, how patient it is."""

from dataclasses import replace

from fastapi import Response

from dogwatch.core.lengths import words_of
from dogwatch.core.schedule.spans import zone_names
from dogwatch.core.spec import WatchSpec
from dogwatch.usecases import watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.dashboard import action, schedule
from dogwatch.web.dashboard.action import Action
from dogwatch.web.dashboard.fields import parts, seconds, whole
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    """Show the form, with what is so now or what was just sent."""
    require(visit.caller, "watches.change")
    record, done = await visit.see(lambda tx: _found(tx, visit))
    shown = {one.field: one.shown(done.values) for one in done.fields} if done else {}
    policy = done.policy if done else None
    rules = action.rules_of(policy) if policy else {}
    values = _values(record) | shown | rules | dict(visit.form)
    told = schedule.preview(replace(visit, form=values))
    return rendered(
        visit, "edit.html", record=record, values=values, zones=sorted(zone_names()),
        fields=done.fields if done else (), overlaps=list(action.OVERLAPS.items()) if rules else (),
        **told,
    )  # fmt: skip


def _found(tx: Tx, visit: Visit) -> tuple[Record, Action | None]:
    record = watches.find(tx, visit.workspace_id, visit.name)
    return record, action.action_of(tx, visit, record)


async def take(visit: Visit) -> Response:
    """Change the item."""
    require(visit.caller, "watches.change")
    asked, done = await visit.see(lambda tx: _found(tx, visit))
    if done:
        await visit.refuse_blocked(done.hosts(visit.form))

    def changed(tx: Tx) -> Record:
        record = watches.find(tx, visit.workspace_id, asked.id, lock=True)
        return _changed(tx, visit, record)

    record = await visit.carry_out(_operation(asked), asked.slug, changed)
    return moved(visit, f"i/{record.slug}")


def _operation(record: Record) -> str:
    return f"{record.kind}s.change" if record.watch.job else "watches.change"


def _changed(tx: Tx, visit: Visit, record: Record) -> Record:
    return action.change(tx, visit, record, _spec(visit, record))


def _values(record: Record) -> dict[str, str]:
    plan = record.watch.plan
    grace_s = plan.start_by_s
    return {
        "name": record.name,
        "description": record.description,
        "tags": ", ".join(record.tags),
        "schedule": record.schedule or "",
        "timezone": record.timezone,
        "start_by_s": "" if grace_s is None else words_of(grace_s),
        "failures_before_down": str(plan.failures_before_down),
    }


def _spec(visit: Visit, record: Record) -> WatchSpec:
    """Return what the form says; what it does not show stays as it is."""
    form, before = visit.form, watches.spec_of(record)
    return replace(
        before,
        name=form.get("name", ""),
        description=form.get("description", "").replace("\r\n", "\n"),
        tags=tuple(parts(visit, "tags")),
        schedule=schedule.said(visit) or None,
        timezone=form.get("timezone") or "UTC",
        start_by_s=seconds(visit, "start_by_s"),
        failures_before_down=whole(visit, "failures_before_down") or 1,
    )
