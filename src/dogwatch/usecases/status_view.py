"""What a status page shows to anybody: the names that its owner gave, and nothing else of his."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from dogwatch.core import uptime
from dogwatch.core.problems import Problem
from dogwatch.core.status_page import Item, state_of_item, state_of_page
from dogwatch.core.strip import Turn
from dogwatch.core.uptime import Day
from dogwatch.core.watch import Status
from dogwatch.store import flips, maintenance, status_pages, watches
from dogwatch.store.status_pages import Post, StatusPage
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases.maintenance import silenced
from dogwatch.usecases.numbered import kept_page

__all__ = ["Component", "Day", "Post", "StatusPage", "View", "Works"]

DAYS = 90
POSTS_SHOWN, POSTS_FOR = 50, timedelta(days=90)
AHEAD = timedelta(days=14)
MOST_FLIPS = 20_000
MOST_WATCHES = 1_000
MOST_WORKS = 20


@dataclass(frozen=True, slots=True)
class Component:
    """One name of a page: its state now and its days; `heard_at` is when it was last heard.

    `bare` is its state for those who know no maintenance.
    """

    number: int
    name: str
    state: str
    bare: str
    days: Sequence[Day]
    heard_at: datetime | None

    @property
    def uptime_percent(self) -> float | None:
        """The share of the known time that was not down."""
        return uptime.percent(self.days)


@dataclass(frozen=True, slots=True)
class Works:
    """Maintenance of some of a page's names."""

    names: Sequence[str]
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True)
class View:
    """A page as it is at a time: `works` are under way or to come, `posts` the newest first.

    `bare` is its state for those who know no maintenance.
    """

    page: StatusPage
    state: str
    bare: str
    components: Sequence[Component]
    works: Sequence[Works]
    posts: Sequence[Post]
    at: datetime


def address(tx: Tx, slug: str) -> StatusPage | None:
    """Return the page at an address, whosever it is."""
    return status_pages.by_slug(tx, slug)


def view(tx: Tx, page: StatusPage, at: datetime) -> View:
    """Return what a page shows."""
    behind = _behind(tx, page)
    every = {record.id: record for some in behind for record in some}
    history = _history(tx, page.workspace_id, every, at)
    maintained = silenced(tx, page.workspace_id, list(every.values()), at).keys()
    components = [
        _component(number, item, some, history, maintained)
        for number, (item, some) in enumerate(zip(page.items, behind, strict=True), 1)
    ]
    posts = status_pages.posts(tx, page.workspace_id, page.id, POSTS_SHOWN, at - POSTS_FOR)
    impacts = [one.impact for one in posts if one.resolved_at is None]
    return View(
        page, state_of_page((one.state for one in components), impacts),
        state_of_page((one.bare for one in components), impacts), components,
        _works(tx, page, behind, at), posts, at,
    )  # fmt: skip


def _behind(tx: Tx, page: StatusPage) -> list[Sequence[Record]]:
    """Return the watches behind each item."""
    tags = {item.tag for item in page.items if item.tag}
    found = watches.look(tx, page.workspace_id, [one.watch for one in page.items if one.watch])
    tagged: Sequence[Record] = ()
    if tags:
        tagged = kept_page(
            tx, page.workspace_id, 1, MOST_WATCHES, lambda record: bool(tags & set(record.tags))
        ).items
    return [
        [found[item.watch]] if item.watch in found
        else [record for record in tagged if item.tag in record.tags]
        for item in page.items
    ]  # fmt: skip


def _component(
    number: int,
    item: Item,
    behind: Sequence[Record],
    history: Mapping[str, Sequence[Day]],
    maintained: Collection[str],
) -> Component:
    heard = [one.watch.heard_at for one in behind if one.watch.heard_at]
    working = [one.watch.status for one in behind if one.id not in maintained]
    resting = [one.watch.status for one in behind if one.id in maintained]
    return Component(
        number, item.name, state_of_item(working, resting), state_of_item([*working, *resting]),
        uptime.merged(history[one.id] for one in behind), max(heard, default=None),
    )  # fmt: skip


def _history(
    tx: Tx, workspace_id: int, records: Mapping[str, Record], at: datetime
) -> dict[str, list[Day]]:
    begin_at = (at - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = flips.since(tx, workspace_id, list(records), begin_at, MOST_FLIPS) if records else ()
    told: dict[str, list[flips.FlipRow]] = {}
    for row in reversed(rows):
        told.setdefault(row.watch_id, []).append(row)
    found = {}
    for own_id, record in records.items():
        mine = told.get(own_id, [])
        first = Status(mine[0].from_status) if mine else record.watch.status
        turns = [Turn(row.at, Status(row.to_status)) for row in mine]
        since_at = max(begin_at, record.created_at)
        found[own_id] = uptime.days(first, turns, since_at, DAYS, at)
    return found


def _works(
    tx: Tx, page: StatusPage, behind: Sequence[Collection[Record]], at: datetime
) -> list[Works]:
    """Return maintenance of what is shown; its own name is the owner's business."""
    found = []
    for one in maintenance.of_workspace(tx, page.workspace_id):
        names = [
            item.name
            for item, some in zip(page.items, behind, strict=True)
            if any(one.scope.covers(*record.traits) for record in some)
        ]
        with suppress(Problem):  # one that cannot be read here is not shown
            times = one.spec.window().coming(at, at + AHEAD) if names else []
            found += [Works(names, start_at, end_at) for start_at, end_at in times]
    return sorted(found, key=lambda works: works.start_at)[:MOST_WORKS]
