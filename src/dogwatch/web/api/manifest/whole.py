"""All sections of a manifest together: told, judged, and planned."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from dogwatch.core.manifest import text
from dogwatch.core.manifest.change import Changes, summed
from dogwatch.core.manifest.said import Told
from dogwatch.core.manifest.text import SECTIONS, Document
from dogwatch.core.plans import MONITOR_ACTIONS, admit
from dogwatch.core.problems import Problem, refuse
from dogwatch.usecases.callers import Caller, require
from dogwatch.usecases.variables import refuse_more
from dogwatch.web.api.manifest import channels, items, kinds, projects, status_pages, variables
from dogwatch.web.api.manifest.maintenance import WINDOWS
from dogwatch.web.api.manifest.places import at, told_at
from dogwatch.web.api.manifest.plan import Plan
from dogwatch.web.api.manifest.present import Present
from dogwatch.web.api.manifest.rules import RULES
from dogwatch.web.api.manifest.unfilled import faults, unfilled
from dogwatch.web.services import Services


@dataclass(frozen=True, slots=True)
class Section:
    """One section: who may see and change it, and how it is told, judged and planned."""

    shows: str
    makes: str
    told: Callable[[Present], list[Told]]
    judge: Callable[[Told], None]
    plan: Callable[[Plan, Sequence[Told]], None]


_PLAIN = {
    "projects": ("watches.list", "watches.change", projects),
    "variables": ("variables.list", "variables.set", variables),
    "channels": ("channels.list", "channels.change", channels),
    "status_pages": ("status_pages.list", "status_pages.change", status_pages),
}
_KINDS: Mapping[str, kinds.Kind] = {one.section: one for one in kinds.KINDS}
_ALL: Mapping[str, Section] = {
    **{name: Section(shows, makes, one.told, one.judge, one.plan)
       for name, (shows, makes, one) in _PLAIN.items()},
    **{name: Section(f"{name}.list", f"{name}.change", partial(items.told, one),
                     partial(items.judge, one), partial(items.plan, one))
       for name, one in _KINDS.items()},
    **{one.section: Section(f"{one.section}.list", f"{one.section}.change", one.all, one.judge,
                            one.plan)
       for one in (RULES, WINDOWS)},
}  # fmt: skip


def require_all(caller: Caller) -> None:
    """Raise refused for whom some section is not shown to."""
    for section in _ALL.values():
        require(caller, section.shows)


def export(present: Present) -> Document:
    """Return all that people said of the workspace, without secrets."""
    return {name: _ALL[name].told(present) for name in SECTIONS}


def read(given: str) -> Document:
    """Return what a text holds, judged without a server; faults tell their lines."""
    document = text.read(given)
    try:
        judge(document)
    except Problem as problem:
        raise text.located(given, problem) from None
    return document


def judge(document: Document) -> None:
    """Raise a Problem of everything that is wrong in itself."""
    bad: dict[str, str] = {}
    blank: dict[str, list[str]] = {}
    for name in SECTIONS:
        for number, told in enumerate(document.get(name, ())):
            try:
                with at(f"{name}.{number}"):
                    _ALL[name].judge(told)
            except Problem as problem:
                bad |= problem.fields
            blank |= {f"{name}.{number}.{own}": ids for own, ids in unfilled(name, told).items()}
            if len(bad | blank) >= text.MOST_FAULTS:
                refuse(bad | faults(blank))
    bad |= faults(blank) | _doubles(document)
    refuse(bad)


def _doubles(document: Document) -> dict[str, str]:
    """Return faults of things that are named twice; rules and windows have no names."""
    seen, bad = set[tuple[str, str]](), {}
    for name in SECTIONS:
        of = "items" if name in _KINDS else name
        for number, told in enumerate(document.get(name, ())):
            key = _key(name, told)
            if key and (of, key) in seen:
                bad[f"{name}.{number}"] = f"{key[:64]!r} stands twice"
            seen.add((of, key))
    return bad


def _key(name: str, told: Told) -> str:
    if name in ("rules", "maintenance"):
        return ""
    field = {"variables": "key", "projects": "label"}.get(name, "slug")
    return str((channels.key(told) if name == "channels" else told.get(field)) or "").strip()


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a manifest, how many items are kept in it, and which no longer are.

    `kept` are things that were there, and that a file applied before keeps from now on.
    """

    changes: Changes
    items: int
    released: Sequence[str] = ()
    kept: Sequence[str] = ()


def planned(
    present: Present, services: Services, caller: Caller, file: str, document: Document,
    *, prune: bool,
) -> Plan:  # fmt: skip
    """Return what makes the workspace be as a judged manifest says; what it does not name stays.

    `prune`: items that were kept in this file and that it names no longer are deleted, as are rules
    and windows made by hand where no file had any so far. A Problem names everything that is wrong
    with the manifest here.
    """
    named = {name: document[name] for name in SECTIONS if document.get(name)}
    silent = [one.section for one in (RULES, WINDOWS) if one.is_kept_in(present, file)]
    named = dict.fromkeys(silent, ()) | named
    for name in named:
        require(caller, _ALL[name].makes)
    plan = Plan(present, services, caller, file, prune)
    plan.kinds |= {slug: record.kind for slug, record in present.items.items()}
    slugs = _slugs(named)
    items.plan_left_out(plan, kinds.KINDS, set(slugs), prune=prune)
    plan.kinds |= slugs
    plan.above |= _above(present, named)
    plan.keys |= {*present.channels, *map(channels.key, named.get("channels", ()))}
    for name, some in named.items():
        _ALL[name].plan(plan, some)
    with plan.at("text"):
        _admit(plan, named)
    plan.refuse()
    return plan


def applied(plan: Plan, document: Document) -> Applied:
    """Return what a plan changes."""
    count = sum(len(document.get(name, ())) for name in _KINDS)
    kept = plan.taken if plan.file in plan.present.files else ()
    return Applied(summed(plan.changes), count, plan.released, kept)


def _slugs(named: Mapping[str, Sequence[Told]]) -> dict[str, str]:
    """Return the kinds of the items that a manifest names, by slug."""
    return {
        str(one["slug"]): kind.kind for name, kind in _KINDS.items() for one in named.get(name, ())
    }


def _above(present: Present, named: Mapping[str, Sequence[Told]]) -> dict[str, Sequence[str]]:
    """Return what items will depend on."""
    asked = {
        str(one["slug"]): [present.slugs.get(name, name) for name in one.get("parents", ())]
        for name in _KINDS
        for one in named.get(name, ())
    }
    return {**present.above, **asked}


def _admit(plan: Plan, named: Mapping[str, Sequence[Told]]) -> None:
    """Raise a Problem where the workspace may not have so much."""
    before = plan.present
    now = {
        "watches": len(before.items),
        "http_monitors": len(_monitors(before)),
        "status_pages": len(before.pages),
    }
    then = {
        "watches": len(plan.kinds),
        "http_monitors": len(_monitors_then(plan, named)),
        "status_pages": len(
            {*before.pages, *(one["slug"] for one in named.get("status_pages", ()))}
        ),
    }
    refuse_more(len({*before.variables, *(one["key"] for one in named.get("variables", ()))}))
    for figure, count in now.items():
        if then[figure] > count:
            with told_at(figure):
                admit(before.allowance, figure, count, then[figure] - count)


def _monitors(present: Present) -> set[str]:
    """Return the slugs of the items that count as HTTP monitors."""
    return {
        present.slugs[own]
        for own, job in present.jobs.items()
        if job.action_kind in MONITOR_ACTIONS
    }


def _monitors_then(plan: Plan, named: Mapping[str, Sequence[Told]]) -> set[str]:
    """Return the slugs of those there will be."""
    jobs = {one["slug"]: one["action"].get("kind") for one in named.get("jobs", ())}
    asked = {slug for slug, kind in jobs.items() if kind in MONITOR_ACTIONS}
    asked |= {one["slug"] for one in named.get("probes", ())}
    return asked | ((_monitors(plan.present) & plan.kinds.keys()) - jobs.keys())


def refused(given: str, problem: Problem) -> Problem:
    """Return a problem of applying a text, with the lines that its faults stand on."""
    return text.located(given, problem)
