"""Status pages in the settings: what they show, and what people post on them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from fastapi import Response

from dogwatch.core.problems import invalid, renaming
from dogwatch.core.status_page import IMPACTS, STATES, Item, PageSpec
from dogwatch.usecases import manifests, status_pages
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.status_pages import Post, StatusPage
from dogwatch.usecases.watches import slugs_of
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit

PLACE = "settings/status-pages"
TAG = "tag:"


async def show_all(visit: Visit) -> Response:
    """Show the pages, and the form of a new one."""
    require(visit.caller, "status_pages.list")
    found, kept = await visit.see(
        lambda tx: (
            status_pages.listed(tx, visit.workspace_id),
            manifests.kept_things(tx, visit.workspace_id),
        )
    )
    return rendered(visit, "status_pages.html", pages=found, kept=kept, base=_base(visit))


async def make(visit: Visit) -> Response:
    """Make a page."""
    require(visit.caller, "status_pages.make")
    spec = _spec(visit)

    def made(tx: Tx) -> StatusPage:
        with _told_by_line():
            return status_pages.add(tx, visit.workspace_id, spec, visit.at)

    page = await visit.carry_out("status_pages.make", spec.slug or "", made)
    return moved(visit, f"{PLACE}/{page.id}")


async def show(visit: Visit) -> Response:
    """Show what was said of a page, and what is posted on it."""
    require(visit.caller, "status_pages.show")
    page, posts, slugs = await visit.see(lambda tx: _seen(tx, visit))
    return rendered(
        visit, "status_page.html", page=page, posts=posts, lines=lines_of(page.items, slugs),
        base=_base(visit), states=STATES, impacts=IMPACTS,
    )  # fmt: skip


def _seen(tx: Tx, visit: Visit) -> tuple[StatusPage, Sequence[Post], Mapping[str, str]]:
    page = _found(tx, visit)
    named = [one.watch for one in page.items if one.watch]
    slugs = slugs_of(tx, visit.workspace_id, named)
    return page, status_pages.posts(tx, page), slugs


async def change(visit: Visit) -> Response:
    """Change a page."""
    spec = _spec(visit)

    def changed(tx: Tx) -> StatusPage:
        with _told_by_line():
            return status_pages.change(tx, _found(tx, visit), spec, visit.at)

    page = await visit.carry_out("status_pages.change", visit.name, changed)
    return moved(visit, f"{PLACE}/{page.id}")


async def ask_removal(visit: Visit) -> Response:
    """Ask whether a page shall really go."""
    require(visit.caller, "status_pages.delete")
    page = await visit.see(lambda tx: _found(tx, visit))
    return rendered(visit, "status_page_remove.html", page=page)


async def remove(visit: Visit) -> Response:
    """Delete a page."""
    await visit.carry_out(
        "status_pages.delete", visit.name,
        lambda tx: status_pages.remove(tx, _found(tx, visit)),
    )  # fmt: skip
    return moved(visit, PLACE)


async def post(visit: Visit) -> Response:
    """Tell of an incident."""
    form = visit.form

    def told(tx: Tx) -> Post:
        return status_pages.post(
            tx, _found(tx, visit), form.get("post_title", ""), form.get("impact", ""),
            form.get("state", ""), form.get("text", ""), visit.at,
        )  # fmt: skip

    with renaming(lambda name: _OURS.get(name, name)):
        await visit.carry_out("status_pages.post", visit.name, told)
    return moved(visit, f"{PLACE}/{visit.name}")


_OURS = {"title": "post_title"}


async def update(visit: Visit) -> Response:
    """Say how an incident stands now."""
    form, own_id = visit.form, str(visit.request.path_params["post"])

    def told(tx: Tx) -> Post:
        found = status_pages.find_post(tx, visit.workspace_id, own_id)
        return status_pages.update(
            tx, found, visit.at, title=found.title, impact=found.impact,
            state=form.get("state", "") or found.state, text=form.get("text", ""),
        )  # fmt: skip

    await visit.carry_out("status_posts.change", own_id, told)
    return moved(visit, f"{PLACE}/{visit.name}")


async def remove_post(visit: Visit) -> Response:
    """Delete a post."""
    own_id = str(visit.request.path_params["post"])

    def removed(tx: Tx) -> None:
        found = status_pages.find_post(tx, visit.workspace_id, own_id)
        status_pages.remove_post(tx, found)

    await visit.carry_out("status_posts.delete", own_id, removed)
    return moved(visit, f"{PLACE}/{visit.name}")


# --- what is shown, as lines of text -------------------------------------------------------------


def lines_of(items: Sequence[Item], slugs: Mapping[str, str]) -> str:
    """Return items as people write them: `Website = shop-web`, `Payments = tag:pay`."""
    return "\n".join(
        f"{one.name} = {TAG + one.tag if one.tag else slugs.get(one.watch or '', one.watch)}"
        for one in items
    )


def items_of(text: str) -> tuple[Item, ...]:
    """Read such lines; a Problem names the first that is none."""
    return tuple(_item(line) for line in text.splitlines() if line.strip())


def _item(line: str) -> Item:
    mark = " = " if " = " in line else "="
    name, sign, of = (part.strip() for part in line.rpartition(mark))
    if not sign or not name or not of:
        raise invalid("items", f"write {line.strip()[:40]!r} as: Website = slug-of-a-watch")
    if of.startswith(TAG):
        return Item(name, tag=of.removeprefix(TAG).strip())
    return Item(name, watch=of)


def _spec(visit: Visit) -> PageSpec:
    form = visit.form
    return PageSpec(
        title=form.get("title", ""), slug=form.get("slug", "").strip() or None,
        description=form.get("description", ""), public="public" in form,
        items=items_of(form.get("items", "")),
    )  # fmt: skip


def _told_by_line() -> AbstractContextManager[None]:
    """Have the faults of items told of the one field that holds them all."""
    return renaming(lambda name: name.partition(".")[0])


def _found(tx: Tx, visit: Visit) -> StatusPage:
    return status_pages.find(tx, visit.workspace_id, visit.name)


def _base(visit: Visit) -> str:
    return f"{visit.services.base_url.rstrip('/')}/status/"
