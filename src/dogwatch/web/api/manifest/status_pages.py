"""Status pages in a manifest: each by its slug; what is posted on them is not part of it."""

from collections.abc import Sequence
from dataclasses import replace

from dogwatch.core.manifest.said import Told
from dogwatch.core.problems import Problem
from dogwatch.core.status_page import Item, PageSpec
from dogwatch.usecases import status_pages, watches
from dogwatch.usecases.status_pages import StatusPage
from dogwatch.web.api.manifest.work import Work, at, parsed
from dogwatch.web.api.status_pages import StatusPageNew


def told(work: Work) -> list[Told]:
    """Return all pages, by slug; items whose watch is gone are left out."""
    found = [_told(work, page) for page in status_pages.listed(work.tx, work.workspace_id)]
    return sorted(found, key=lambda one: str(one["slug"]))


def _told(work: Work, page: StatusPage) -> Told:
    named = [one.watch for one in page.items if one.watch]
    slugs = watches.slugs_of(work.tx, work.workspace_id, named)
    kept = [one for one in page.items if one.tag or one.watch in slugs]
    one: Told = {"slug": page.slug, "title": page.title}
    one |= {"description": page.description} if page.description else {}
    one |= {"public": True} if page.public else {}
    return one | {"items": [_item(item, slugs) for item in kept]}


def _item(item: Item, slugs: dict[str, str]) -> Told:
    return {"name": item.name} | (
        {"watch": slugs[item.watch]} if item.watch else {"tag": item.tag}
    )  # fmt: skip


def judge(one: Told) -> None:
    """Raise a Problem of all that is wrong in itself."""
    if not one.get("slug"):
        raise Problem("invalid", "slug", {"slug": "is required: it names the page"})
    parsed(StatusPageNew, one)


def take(work: Work, some: Sequence[Told]) -> None:
    """Make or change pages."""
    every = status_pages.listed(work.tx, work.workspace_id)
    present = {page.slug: (_told(work, page), page) for page in every}
    for number, one in enumerate(some):
        with at(f"status_pages.{number}"):
            before, page = present.get(one["slug"], (None, None))
            if one == before:
                continue
            spec = replace(PageSpec(title=one["title"]), **parsed(StatusPageNew, one).asked())
            if page is None:
                status_pages.add(work.tx, work.workspace_id, spec, work.at)
            else:
                status_pages.change(work.tx, page, spec, work.at)
