"""Status pages in a manifest: each by its slug; what is posted on them is not part of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from dogwatch.core.manifest.change import Change
from dogwatch.core.manifest.said import Told, without
from dogwatch.core.problems import Problem
from dogwatch.core.status_page import Item, PageSpec, check
from dogwatch.usecases import status_pages
from dogwatch.usecases.keeping import PAGE
from dogwatch.usecases.status_pages import StatusPage
from dogwatch.web.api.manifest.places import parsed
from dogwatch.web.api.manifest.plan import Plan, Turn, Writing, asked_of
from dogwatch.web.api.manifest.present import Present
from dogwatch.web.api.status_pages import StatusPageNew

_USUAL = {"description": "", "public": False}


def told(present: Present) -> list[Told]:
    """Return all pages, by slug; items whose watch is gone are left out."""
    found = sorted(present.pages.values(), key=lambda one: one.slug)
    return [_of(present, page) for page in found]


def _of(present: Present, page: StatusPage) -> Told:
    spec = status_pages.spec_of(page)
    kept = tuple(one for one in spec.items if one.tag or present.knows(one.watch or ""))
    return _told(replace(spec, items=kept), present.slugs)


def _told(spec: PageSpec, slugs: Mapping[str, str]) -> Told:
    more = without({"description": spec.description, "public": spec.public}, _USUAL)
    items = [_item(item, slugs) for item in spec.items]
    return {"slug": spec.slug, "title": spec.title, **more, "items": items}


def _item(item: Item, slugs: Mapping[str, str]) -> Told:
    about = {"watch": slugs.get(item.watch, item.watch)} if item.watch else {"tag": item.tag}
    return {"name": item.name, **about}


def judge(one: Told) -> None:
    """Raise a Problem of all that is wrong in itself."""
    bad = {} if one.get("slug") else {"slug": "is required: it names the page"}
    try:
        check(_spec(one))
    except Problem as problem:
        bad = {**problem.fields, **bad}
    if bad:
        raise Problem("invalid", "; ".join(bad.values()), bad)


def _spec(one: Told) -> PageSpec:
    body = parsed(StatusPageNew, one)
    return replace(PageSpec(title=body.title), **body.asked())


def plan(plan: Plan, some: Sequence[Told]) -> None:
    """Plan what makes or changes pages."""
    for place, one in asked_of(some, "status_pages"):
        with plan.at(place):
            _plan(plan, place, one)


def _plan(plan: Plan, place: str, one: Told) -> None:
    spec, page = check(_spec(one)), plan.present.pages.get(one["slug"])
    if page:
        plan.keep((PAGE, page.id), page.slug)
    _refuse_unknown(plan.kinds, plan.present.slugs, spec)
    items = tuple(replace(item, name=item.name.strip()) for item in spec.items)
    after = _told(replace(spec, items=items), plan.present.slugs)
    before = _of(plan.present, page) if page else None
    if after != before:
        things = [(PAGE, page.id)] if page else []
        plan.change(Change("status_pages", before, after), *things)
        plan.do(Turn.LAST, place, partial(_put, page, spec))


def _refuse_unknown(kinds: Collection[str], slugs: Mapping[str, str], spec: PageSpec) -> None:
    bad = {
        f"items.{number}.watch": f"there is no watch {item.watch!r}"
        for number, item in enumerate(spec.items)
        if item.watch and slugs.get(item.watch, item.watch) not in kinds
    }
    if bad:
        raise Problem("invalid", "; ".join(bad.values()), bad)


def _put(page: StatusPage | None, spec: PageSpec, writing: Writing) -> None:
    at = writing.present.at
    if page:
        status_pages.change(writing.tx, page, spec, at)
    else:
        writing.kept.add((PAGE, status_pages.add(*writing.where, spec, at).id))
