"""The pictures of an item, each at an address of its own: drawn, and as numbers."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from markupsafe import Markup

from dogwatch.core.instants import iso
from dogwatch.core.problems import Problem
from dogwatch.usecases import lists, overview, watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record, Run
from dogwatch.web.dashboard.item import COMING, DAY, DAYS, RUNS, expected_of
from dogwatch.web.dashboard.pictures import durations, expectation, replies, strip
from dogwatch.web.dashboard.pictures.alone import Picture
from dogwatch.web.dashboard.visit import Visit

# The picture has fewer: this many can be zoomed into.
MOST_RUNS = 2_000

Numbers = Mapping[str, Any]
Drawn = Callable[[Tx, Visit, Record], tuple[Markup, Numbers]]


def _strip(cell: timedelta, count: int) -> Drawn:
    def drawn(tx: Tx, visit: Visit, record: Record) -> tuple[Markup, Numbers]:
        found = overview.strip_of(tx, record, visit.at, cell, count)
        told = {
            "begin_at": iso(found.begin_at),
            "cell_s": int(cell.total_seconds()),
            "cells": list(map(str, found.cells)),
            "due_soon": found.soon,
            "schedule_edits": [
                {"at": iso(one.at), "before": one.before, "after": one.after} for one in found.edits
            ],
        }
        return strip.of(found), told

    return drawn


def _durations(tx: Tx, visit: Visit, record: Record) -> tuple[Markup, Numbers]:
    every = lists.run_page(tx, visit.workspace_id, MOST_RUNS, "", {"watch_id": record.id})
    limit_ms, bands = record.watch.plan.slow_after_ms, durations.bands_of(every, visit.zone)
    if not (drawn := durations.drawn(every[:RUNS], limit_ms, bands, visit.zone)):
        raise Problem("not_found", "fewer than two runs took any time")
    told = {
        "slow_after_ms": limit_ms,
        "bands_ms": {kind: [band.low_ms, band.high_ms] for kind, band in bands.items()},
        "runs": [_run(run) for run in every if run.duration_ms is not None],
    }
    return drawn, told


def _run(run: Run) -> Numbers:
    at = run.started_at or run.finished_at
    outcome = str(run.outcome or run.state)
    return {
        "id": run.id, "at": at and iso(at), "duration_ms": run.duration_ms, "outcome": outcome,
    }  # fmt: skip


def _replies(tx: Tx, visit: Visit, record: Record) -> tuple[Markup, Numbers]:
    found = lists.run_page(tx, visit.workspace_id, RUNS, "", {"watch_id": record.id})
    if not record.probe or not (drawn := replies.drawn(found, visit.zone)):
        raise Problem("not_found", "nothing here has replied")
    shown = replies.timed(found)
    told = {
        "middles": [
            [
                {
                    "from": shown[one.first].id, "to": shown[one.last].id,
                    "p50_ms": round(one.p50_ms, 1), "p95_ms": round(one.p95_ms, 1),
                }
                for one in stretch
            ]
            for stretch in replies.middles(shown)
        ],
        "replies": [{**_run(run), "phases_ms": replies.phases_of(run)} for run in shown],
    }  # fmt: skip
    return drawn, told


def _expected(tx: Tx, visit: Visit, record: Record) -> tuple[Markup, Numbers]:
    expected = expected_of(lists.view(tx, record, visit.at), visit.zone)
    schedule = record.watch.plan.schedule
    if not expected.coming or schedule is None:
        raise Problem("not_found", "nothing is expected by the clock")
    notes = {"notes": schedule.dst_notes(visit.at, COMING)}
    return expectation.drawn(expected), {**expected.numbers, **notes}


async def _found(visit: Visit, draw: Drawn) -> Picture:
    require(visit.caller, "watches.show")

    def found(tx: Tx) -> Picture:
        own = visit.name
        return Picture(*draw(tx, visit, watches.find(tx, visit.workspace_id, own)))

    return await visit.see(found)


# By name, below the address of the item.
PICTURES: Mapping[str, Callable[[Visit], Awaitable[Picture]]] = {
    name: partial(_found, draw=draw)
    for name, draw in {
        "day": _strip(overview.CELL, overview.CELLS),
        "quarter": _strip(DAY, DAYS),
        "durations": _durations,
        "replies": _replies,
        "expected": _expected,
    }.items()
}
