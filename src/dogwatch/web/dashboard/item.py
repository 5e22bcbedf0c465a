"""An item: is this one healthy, what did it do, when again?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from fastapi import Response

from dogwatch.core.dialects import DIALECTS
from dogwatch.core.problems import invalid
from dogwatch.core.result import Outcome
from dogwatch.core.watch import Status, phase
from dogwatch.usecases import (
    aliases,
    lists,
    maintenance,
    manifests,
    overview,
    rules,
    runs,
    watches,
    why,
)
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import FlipRow, Record, Run, WatchView
from dogwatch.usecases.overview import Strip
from dogwatch.usecases.why import Why
from dogwatch.web.dashboard.action import Action, action_of
from dogwatch.web.dashboard.fields import whole
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.pictures import durations, expectation, replies
from dogwatch.web.dashboard.pictures.expectation import Expected
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.dashboard.ways import ways

RUNS, BANDED, PINGS, FLIPS = 60, 200, 10, 10
DAY, DAYS = timedelta(days=1), 90
COMING = 5
# For how many hours something can be paused.
SILENCES = (1, 4, 24, 168)
_FAILED = (Outcome.FAIL, Outcome.TIMEOUT)
_SHOWS = {
    "heartbeat": "watches.show",
    "job": "jobs.show",
    "probe": "probes.show",
    "workflow": "watches.show",
}


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page of one watch shows; `kept` is the file that it is kept in."""

    view: WatchView
    phase: str
    day: Strip
    quarter: Strip
    banded: Sequence[Run]
    pings: Sequence[dict[str, Any]]
    flips: Sequence[FlipRow]
    names: Sequence[tuple[str, str, str]]
    why: Why
    action: Action | None
    kept: str | None
    silenced_until: datetime | None
    told: bool

    @property
    def runs(self) -> Sequence[Run]:
        """The newest runs; the band of durations is of some more."""
        return self.banded[:RUNS]

    @property
    def failed(self) -> Run | None:
        """The newest run that failed, while the item is down: what it said is wanted first."""
        bad = (run for run in self.runs if run.outcome in _FAILED)
        return next(bad, None) if self.phase == "down" else None

    @property
    def record(self) -> Record:
        """The watch itself."""
        return self.view.record


async def show(visit: Visit) -> Response:
    """Show one watch."""
    require(visit.caller, "watches.show")
    page = await visit.see(lambda tx: _page(tx, visit))
    may_ping = visit.may("watches.change")
    schedule, expected = page.record.watch.plan.schedule, expected_of(page.view, visit.zone)
    ping_url = f"{visit.services.base_url.rstrip('/')}/ping/{page.record.ping_key}"
    return rendered(
        visit, "item.html", page=page, record=page.record, cell=overview.CELL, day=DAY,
        ping_url=ping_url if may_ping and not page.record.watch.job else "",
        wrong=int(page.phase == "down"), ways=ways, silences=SILENCES,
        expected=expected, expectation=expectation, **_plots(visit, page),
        notes=schedule.dst_notes(visit.at, COMING) if schedule and expected.coming else [],
    )  # fmt: skip


def _plots(visit: Visit, page: Page) -> dict[str, Any]:
    """Return the plot of replies or durations, and what it shows as a table."""
    if page.record.probe and (drawn := replies.drawn(page.runs, visit.zone, visit.root)):
        return {"plot": "replies", "drawn": drawn, "plot_table": replies.table(page.runs)}
    told = page.record.watch.plan.slow_after_ms, durations.bands_of(page.banded, visit.zone)
    drawn = durations.drawn(page.runs, *told, visit.zone, visit.root)
    return {
        "plot": "durations", "drawn": drawn,
        "plot_table": durations.table(page.runs, *told) if drawn else None,
    }  # fmt: skip


def _page(tx: Tx, visit: Visit) -> Page:
    workspace_id, at = visit.workspace_id, visit.at
    view = lists.watch(tx, workspace_id, visit.name, at)
    record, only = view.record, {"watch_id": view.record.id}

    return Page(
        view, phase(record.watch, at),
        overview.strip_of(tx, record, at, overview.CELL, overview.CELLS),
        overview.strip_of(tx, record, at, DAY, DAYS),
        lists.run_page(tx, workspace_id, BANDED, "", only),
        lists.ping_page(tx, workspace_id, record.id, PINGS, None),
        lists.flip_page(tx, workspace_id, FLIPS, "", only),
        _names(tx, visit, record),
        why.of_view(tx, view),
        action_of(tx, visit, record) if visit.may(_SHOWS[record.kind]) else None,
        manifests.kept_in(tx, record),
        maintenance.silenced(tx, workspace_id, [record], at).get(record.id),
        bool(rules.rule_page(tx, workspace_id, 1, "")),
    )  # fmt: skip


def expected_of(view: WatchView, zone: tzinfo) -> Expected:
    """Return the next due times and when an alert follows: none does where it is down already."""
    coming = [at.astimezone(zone) for at in _coming(view)]
    if phase(view.record.watch, view.at) == "down":
        return Expected(coming, None, "it is down already, so no alert follows")
    if view.record.watch.status is Status.NEW and view.record.watch.heard_at is None:
        return Expected(coming, None, "it is new: silence is not judged before the first sign")
    return Expected(coming, view.record.watch.plan.start_by_s)


def _coming(view: WatchView) -> Sequence[datetime]:
    """Return the next due times; those of an interval count from the one that is owed."""
    schedule, first = view.record.watch.plan.schedule, view.next_due_at
    if schedule is None or watches.is_paused(view.record):
        return []
    if first is None or first <= view.at:
        return schedule.next(COMING, view.at)
    return [first, *schedule.next(COMING - 1, first)]


def _names(tx: Tx, visit: Visit, record: Record) -> Sequence[tuple[str, str, str]]:
    """Return the products that know the watch, each with its id there and where it is pinged."""
    named = [(DIALECTS[alias.dialect], alias) for alias in aliases.of_watch(tx, record)]
    return [
        (
            product.title,
            str(alias.number) if product.numbers else alias.name,
            visit.services.origin_of(product.name) + product.pings + alias.ping_key
            if product.pings and visit.may("watches.change")
            else "",
        )
        for product, alias in named
    ]


async def pause(visit: Visit) -> Response:
    """Expect nothing until it is resumed, or for some hours."""
    require(visit.caller, "watches.pause")
    hours = whole(visit, "hours")
    if hours is not None and hours not in SILENCES:
        raise invalid("hours", f"give one of {', '.join(map(str, SILENCES))}, or nothing")
    until_at = visit.at + timedelta(hours=hours) if hours else None

    def paused(tx: Tx, record: Record, at: datetime) -> Record:
        return watches.pause(tx, record, at, until_at)

    return await _turn(visit, "watches.pause", paused)


async def resume(visit: Visit) -> Response:
    """Expect again from now on."""
    return await _turn(visit, "watches.resume", watches.resume)


async def _turn(
    visit: Visit, operation: str, work: Callable[[Tx, Record, datetime], Record]
) -> Response:
    def done(tx: Tx) -> Record:
        record = watches.find(tx, visit.workspace_id, visit.name, lock=True)
        return work(tx, record, visit.at)

    record = await visit.carry_out(operation, visit.name, done)
    return moved(visit, f"i/{record.slug}")


async def trigger(visit: Visit) -> Response:
    """Run a job now, or ask once what a probe asks."""

    def done(tx: Tx) -> Record:
        record = watches.find(tx, visit.workspace_id, visit.name, lock=True)
        runs.trigger(tx, record, "", visit.at)
        return record

    record = await visit.carry_out("jobs.trigger", visit.name, done)
    return moved(visit, f"i/{record.slug}")


async def remove(visit: Visit) -> Response:
    """Delete a watch with all that was kept of it."""

    def done(tx: Tx) -> None:
        watches.remove(tx, watches.find(tx, visit.workspace_id, visit.name, lock=True))

    await visit.carry_out("watches.delete", visit.name, done)
    return moved(visit, "")


async def release(visit: Visit) -> Response:
    """Keep it in no file any more: it is changed here from now on."""

    def done(tx: Tx) -> Record:
        record = watches.find(tx, visit.workspace_id, visit.name, lock=True)
        return manifests.release(tx, record)

    record = await visit.carry_out("manifests.release", visit.name, done)
    return moved(visit, f"i/{record.slug}")


async def ask_removal(visit: Visit) -> Response:
    """Ask whether it shall really be deleted."""
    require(visit.caller, "watches.delete")
    record = await visit.see(lambda tx: watches.find(tx, visit.workspace_id, visit.name))
    return rendered(visit, "remove.html", record=record)
