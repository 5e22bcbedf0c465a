"""Items in a manifest: each by its slug, with what it depends on and what follows its runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from dogwatch.core.dependencies import cycle
from dogwatch.core.manifest.change import Change
from dogwatch.core.manifest.said import Told
from dogwatch.core.problems import Problem, invalid
from dogwatch.usecases import actions, dependencies, watches
from dogwatch.usecases.lists import Record
from dogwatch.usecases.manifests import ITEM
from dogwatch.web.api.asked_workflows import ActionsAsked
from dogwatch.web.api.manifest.kinds import KINDS, Kind
from dogwatch.web.api.manifest.places import parsed
from dogwatch.web.api.manifest.plan import Plan, Turn, Writing, asked_of
from dogwatch.web.api.manifest.present import Present

# What follows others, and is written once all of them are there.
_LINKS = ("parents", "actions")


def _bare(told: Told) -> Told:
    """Return an item without its links; 60, unquoted as YAML invites to, is an interval, too."""
    bare = {name: value for name, value in told.items() if name not in _LINKS}
    number = bare.get("schedule")
    return bare | ({"schedule": str(number)} if type(number) is int else {})


def told(kind: Kind, present: Present) -> list[Told]:
    """Return all of this kind, by slug."""
    found = [record for record in present.items.values() if record.kind == kind.kind]
    return [_told(kind, present, record, kind.spec(present, record)) for record in found]


def _told(kind: Kind, present: Present, record: Record, spec: Any) -> Told:
    return kind.told(spec) | _links(present, record)


def judge(kind: Kind, told: Told) -> None:
    """Raise a Problem of all that is wrong in itself."""
    bad: dict[str, str] = {}
    slug, parents = told.get("slug"), told.get("parents", [])
    if not isinstance(slug, str):
        bad["slug"] = "is required, and text: it names the item"
    if not (isinstance(parents, list) and all(isinstance(one, str) for one in parents)):
        bad["parents"] = "must be a list of slugs"
    judges: list[Callable[[], object]] = [partial(parsed, kind.model, _bare(told))]
    if "actions" in told:
        judges.append(partial(parsed, ActionsAsked, {"actions": told["actions"]}))
    for judging in judges:
        try:
            judging()
        except Problem as problem:
            bad = {**problem.fields, **bad}
    if bad:
        raise Problem("invalid", "; ".join(bad.values()), bad)


def plan(kind: Kind, plan: Plan, some: Sequence[Told]) -> None:
    """Plan what makes or changes items; those that are new are made together."""
    new: list[Any] = []
    for place, one in asked_of(some, kind.section):
        with plan.at(place):
            _plan(kind, plan, place, one, new)
    if new:
        plan.do(Turn.PUT, kind.section, partial(_add, kind, new))


def _plan(kind: Kind, plan: Plan, place: str, one: Told, new: list[Any]) -> None:
    record = _present(kind, plan, one["slug"])
    before = _told(kind, plan.present, record, kind.spec(plan.present, record)) if record else None
    if one == before and not plan.pruned:
        return  # else it may name what will be gone
    links = _links_asked(plan, one)
    _refuse_circle(plan, one["slug"], links)
    spec = kind.spec(plan.present, record) if record else None
    asked = kind.asked(plan, _bare(one), spec)
    after = kind.told(asked) | links
    if record is None:
        new.append(asked)
    elif asked != spec:
        plan.do(Turn.PUT, place, partial(_edit, kind, one["slug"], asked))
    if asked != spec or after != before:
        plan.change(Change(kind.section, before, after), *([(ITEM, record.id)] if record else ()))
    now = {name: (before or {}).get(name, []) for name in _LINKS}
    _plan_links(plan, place, one["slug"], now, {name: links.get(name, []) for name in _LINKS})


def _add(kind: Kind, new: Sequence[Any], writing: Writing) -> None:
    """Make items, each kind a millisecond after the one before: lists go by what was made first."""
    at = writing.present.at + timedelta(milliseconds=KINDS.index(kind))
    made = kind.add(replace(writing, present=replace(writing.present, at=at)), new)
    writing.kept.update((ITEM, record.id) for record in made)


def _edit(kind: Kind, slug: str, asked: Any, writing: Writing) -> None:
    kind.edit(writing, watches.find(*writing.where, slug, lock=True), asked)


def _present(kind: Kind, plan: Plan, slug: str) -> Record | None:
    """Return the item of a slug, if there is one, which must be of this kind, and free."""
    record = plan.present.items.get(slug)
    if record is None:
        return None
    if record.kind != kind.kind:
        told = f"{slug} is a {record.kind} here; delete it, or give another slug"
        raise Problem("conflict", told, {"slug": told})
    plan.keep((ITEM, record.id), slug)
    return record


# --- what they depend on, and what follows them ------------------------------------------------


def _links(present: Present, record: Record) -> Told:
    """Return what a present item depends on, and what follows its runs."""
    parents = list(present.above.get(record.slug, ()))
    told: Told = {"parents": parents} if parents else {}
    if record.kind in ("job", "workflow") and (found := present.jobs[record.id].actions):
        told["actions"] = [_action(one.to_json(), present.slugs, present.keys) for one in found]
    return told


def _action(told: Mapping[str, Any], slugs: Mapping[str, str], keys: Mapping[str, str]) -> Told:
    """Return an action by slug and key, without what is empty of it."""
    shown = {name: value for name, value in told.items() if value}
    if run := shown.get("run"):
        shown["run"] = slugs.get(run, run)
    if channel := shown.get("channel"):
        shown["channel"] = keys.get(channel, channel)
    return shown


def _links_asked(plan: Plan, one: Told) -> Told:
    """Return what an item shall depend on and what shall follow it, in one form."""
    bad: dict[str, str] = {}
    slugs = plan.present.slugs
    parents = [slugs.get(name, name) for name in one.get("parents", [])]
    for number, name in enumerate(parents):
        if name not in plan.kinds:
            bad[f"parents.{number}"] = f"there is no watch {name[:64]!r}"
    asked = parsed(ActionsAsked, {"actions": one.get("actions") or []}).made()
    following = [_action(each.to_json(), slugs, plan.present.keys) for each in asked]
    for number, each in enumerate(following):
        bad |= {f"actions.{number}.{name}": told for name, told in _unknown(plan, each).items()}
    if bad:
        raise Problem("invalid", "; ".join(bad.values()), bad)
    links: Told = {"parents": sorted(set(parents))} if parents else {}
    return links | ({"actions": following} if following else {})


def _unknown(plan: Plan, action: Told) -> dict[str, str]:
    """Return what is wrong with what an action names."""
    run, channel = action.get("run"), action.get("channel")
    if run and run not in plan.kinds:
        return {"run": f"there is no job {run[:64]!r}"}
    if run and plan.kinds[run] not in ("job", "workflow"):
        return {"run": f"{run} is a {plan.kinds[run]}, not a job"}
    if channel and channel not in plan.keys:
        return {"channel": f"there is no channel {channel[:64]!r}"}
    return {}


def _refuse_circle(plan: Plan, slug: str, links: Told) -> None:
    path = cycle(plan.above, slug, links.get("parents", []))
    if path:
        told = f"they would depend on each other in a circle: {' → '.join(path)}"
        raise invalid("parents", told)


def _plan_links(plan: Plan, place: str, slug: str, now: Told, then: Told) -> None:
    if then["parents"] != now["parents"]:
        if now["parents"]:  # what was so and is no more stands in the way of nothing that shall be
            plan.do(Turn.UNLINK, place, partial(_set_parents, slug, []))
        if then["parents"]:
            plan.do(Turn.LINK, place, partial(_set_parents, slug, then["parents"]))
    if then["actions"] != now["actions"]:
        plan.do(Turn.LINK, place, partial(_set_actions, slug, then["actions"]))


def _set_parents(slug: str, parents: Sequence[str], writing: Writing) -> None:
    dependencies.set_parents(*writing.where, slug, parents, writing.present.at)


def _set_actions(slug: str, following: Sequence[Told], writing: Writing) -> None:
    asked = parsed(ActionsAsked, {"actions": list(following)}).made()
    found = [replace(one, channel=writing.ids.get(one.channel, one.channel)) for one in asked]
    actions.put(writing.tx, watches.find(*writing.where, slug), found)


# --- those that a file names no more -----------------------------------------------------------


def plan_left_out(plan: Plan, kinds: Sequence[Kind], named: set[str], *, prune: bool) -> None:
    """Plan what becomes of items that the file named before: they are let go of, or deleted."""
    present = plan.present
    for slug, record in present.items.items():
        if present.kept.get((ITEM, record.id)) != plan.file or slug in named:
            continue
        if not prune:
            plan.released.append(slug)
            continue
        kind = next(one for one in kinds if one.kind == record.kind)
        before = _told(kind, present, record, kind.spec(present, record))
        plan.change(Change(kind.section, before, None), (ITEM, record.id))
        plan.do(Turn.PRUNE, "text", partial(_prune, slug))
        del plan.kinds[slug]
        plan.pruned = True


def _prune(slug: str, writing: Writing) -> None:
    watches.remove(writing.tx, watches.find(*writing.where, slug, lock=True))
