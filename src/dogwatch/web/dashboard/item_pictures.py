"""The pictures of an item, each at an address of its own: drawn, and as numbers."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from fastapi import Response
from markupsafe import Markup

from dogwatch.core.problems import Problem
from dogwatch.usecases import lists, overview, watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record, Run
from dogwatch.web.api.wire import iso
from dogwatch.web.dashboard.gate import Handler
from dogwatch.web.dashboard.item import DAY, DAYS, RUNS
from dogwatch.web.dashboard.pages import picture, values
from dogwatch.web.dashboard.pictures import durations, strip
from dogwatch.web.dashboard.pictures.alone import alone
from dogwatch.web.dashboard.visit import Visit

# The picture has fewer: this many can be zoomed into.
MOST_RUNS = 2_000

Numbers = Mapping[str, Any]
Drawn = Callable[[Tx, Visit, Record], tuple[Markup, Numbers]]


def _strip(cell: timedelta, count: int) -> Drawn:
    def drawn(tx: Tx, visit: Visit, record: Record) -> tuple[Markup, Numbers]:
        own = record.id
        cells = overview.strips_of(tx, visit.workspace_id, [record], visit.at, cell, count)[own]
        begin_at = overview.begin_of(visit.at, cell, count)
        told = {"begin_at": iso(begin_at), "cell_s": int(cell.total_seconds())}
        return strip.drawn(cells, cell), told | {"cells": list(map(str, cells))}

    return drawn


def _durations(tx: Tx, visit: Visit, record: Record) -> tuple[Markup, Numbers]:
    every = lists.run_page(tx, visit.workspace_id, MOST_RUNS, "", {"watch": record.id})
    found = every[:RUNS]
    limit_ms, band = record.watch.plan.slow_after_ms, durations.band_of(found)
    if not (drawn := durations.drawn(found, limit_ms)):
        raise Problem("not_found", "fewer than two runs took any time")
    told = {
        "slow_after_ms": limit_ms,
        "band_ms": [band.low_ms, band.high_ms] if band else None,
        "runs": [_run(run) for run in every if run.duration_ms is not None],
    }
    return drawn, told


def _run(run: Run) -> Numbers:
    at = run.started_at or run.finished_at
    outcome = str(run.outcome or run.state)
    return {
        "id": run.id, "at": at and iso(at), "duration_ms": run.duration_ms, "outcome": outcome,
    }  # fmt: skip


PICTURES: Mapping[str, Drawn] = {
    "day": _strip(overview.CELL, overview.CELLS),
    "quarter": _strip(DAY, DAYS),
    "durations": _durations,
}


def draw(name: str) -> Handler:
    """Return what answers with a picture alone."""

    async def answer(visit: Visit) -> Response:
        return picture(alone((await _found(visit, name))[0]))

    return answer


def tell(name: str) -> Handler:
    """Return what answers with the numbers of a picture."""

    async def answer(visit: Visit) -> Response:
        return values((await _found(visit, name))[1])

    return answer


async def _found(visit: Visit, name: str) -> tuple[Markup, Numbers]:
    require(visit.caller, "watches.show")

    def found(tx: Tx) -> tuple[Markup, Numbers]:
        own = str(visit.request.path_params["name"])
        return PICTURES[name](tx, visit, watches.find(tx, visit.workspace_id, own))

    return await visit.see(found)
