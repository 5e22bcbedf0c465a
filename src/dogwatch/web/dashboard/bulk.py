"""Several items at once: paused, resumed or deleted, all of them or none."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.usecases import overview, watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.dashboard.now import address_of, chosen_of
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit

_ITEM = "item_"

Work = Callable[[Tx, Record, datetime], object]


async def show(visit: Visit) -> Response:
    """Show the items of the address, each with a box; `?tick=all` has them all ticked."""
    require(visit.caller, "watches.list")
    chosen = chosen_of(visit)
    found = await visit.see(lambda tx: overview.now(tx, visit.workspace_id, chosen, visit.at))
    every = not visit.form and visit.query.get("tick") == "all"
    return rendered(
        visit, "bulk.html", found=found, query=_query(visit), every=every,
        ticked=[one.record.slug for one in found.items] if every else _ticked(visit),
        sure=visit.form.get("do") == "delete",
    )  # fmt: skip


async def take(visit: Visit) -> Response:
    """Do it to those that are ticked."""
    require(visit.caller, "watches.pause")
    do, slugs = visit.form.get("do", ""), _ticked(visit)
    if not slugs:
        raise Problem("invalid", "form", {"form": "tick one at least"})
    if do == "delete" and "sure" not in visit.form:
        return await show(visit)
    if do not in _WORKS:
        raise Problem("invalid", "form", {"form": "choose what shall be done"})
    operation, work = _WORKS[do]

    def done(tx: Tx) -> None:
        for slug in slugs:
            work(tx, watches.find(tx, visit.workspace_id, slug, lock=True), visit.at)

    await visit.carry_out(operation, ", ".join(slugs), done)
    return moved(visit, _query(visit))


def _query(visit: Visit) -> str:
    """Return what chooses the same items on the front page, with its mark, if anything does."""
    chosen = chosen_of(visit)
    return address_of(chosen, page=chosen.page).removesuffix("?")


def _ticked(visit: Visit) -> list[str]:
    return [name.removeprefix(_ITEM) for name in visit.form if name.startswith(_ITEM)]


_WORKS: Mapping[str, tuple[str, Work]] = {
    "pause": ("watches.pause", partial(watches.switch, on=False)),
    "resume": ("watches.resume", partial(watches.switch, on=True)),
    "delete": ("watches.delete", lambda tx, record, _: watches.remove(tx, record)),
}
