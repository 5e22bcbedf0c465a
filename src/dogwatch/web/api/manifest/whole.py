"""All sections of a manifest together: told, judged and applied in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from dogwatch.core.manifest import text
from dogwatch.core.manifest.change import Changes, between
from dogwatch.core.manifest.said import Told
from dogwatch.core.manifest.text import SECTIONS, Document
from dogwatch.core.problems import Problem
from dogwatch.usecases import manifests
from dogwatch.usecases.callers import require
from dogwatch.web.api.manifest import (
    channels,
    items,
    maintenance,
    projects,
    rules,
    status_pages,
    variables,
)
from dogwatch.web.api.manifest.work import Work, at, words


@dataclass(frozen=True, slots=True)
class Section:
    """One section: who may see and change it, and how it is told, judged and taken."""

    shows: str
    makes: str
    told: Callable[[Work], list[Told]]
    judge: Callable[[Told], None]
    take: Callable[[Work, Sequence[Told]], None]


_PLAIN = {
    "projects": ("watches.list", "watches.change", projects),
    "variables": ("variables.list", "variables.set", variables),
    "channels": ("channels.list", "channels.change", channels),
    "rules": ("rules.list", "rules.change", rules),
    "maintenance": ("maintenance.list", "maintenance.change", maintenance),
    "status_pages": ("status_pages.list", "status_pages.change", status_pages),
}
# They name items, and are applied once all of those are there.
_LAST = ("rules", "maintenance", "status_pages")
_KINDS: Mapping[str, items.Kind] = {one.section: one for one in items.KINDS}
_ALL: Mapping[str, Section] = {
    **{name: Section(shows, makes, one.told, one.judge, one.take)
       for name, (shows, makes, one) in _PLAIN.items()},
    **{name: Section(f"{name}.list", f"{name}.change", one.all, one.judge, one.take)
       for name, one in _KINDS.items()},
}  # fmt: skip


def export(work: Work) -> Document:
    """Return all that people said of the workspace, without secrets."""
    for section in _ALL.values():
        require(work.caller, section.shows)
    return {name: _ALL[name].told(work) for name in SECTIONS}


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
    for name in SECTIONS:
        for number, told in enumerate(document.get(name, ())):
            try:
                with at(f"{name}.{number}"):
                    _ALL[name].judge(told)
            except Problem as problem:
                bad |= problem.fields
            if len(bad) >= text.MOST_FAULTS:
                raise Problem("invalid", words(bad), bad)
        bad |= _doubles(name, document.get(name, ()))
    if bad:
        raise Problem("invalid", words(bad), bad)


def _doubles(name: str, some: Sequence[Told]) -> dict[str, str]:
    """Return faults of things that are named twice; rules and windows have no names."""
    field = {"variables": "key", "projects": "label"}.get(name, "slug")
    seen, bad = set[str](), {}
    for number, told in enumerate(some):
        given = channels.key(told) if name == "channels" else told.get(field)
        key = str(given or "").strip()
        if key and name not in ("rules", "maintenance"):
            if key in seen:
                bad[f"{name}.{number}"] = f"{key[:64]!r} stands twice"
            seen.add(key)
    return bad


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a manifest, how many items are kept in it, and which no longer are."""

    changes: Changes
    items: int
    released: Sequence[str] = ()


def apply(work: Work, document: Document, *, prune: bool = False) -> Applied:
    """Make the workspace be as a judged manifest says; what it does not name stays.

    `prune`: items that were kept in this file and that it names no longer are deleted.
    """
    named = {name: some for name, some in document.items() if some}
    for name in named:
        require(work.caller, _ALL[name].makes)
    manifests.lock(work.tx, work.workspace_id)
    before = export(work)
    gone = manifests.left_out(work.tx, work.workspace_id, work.file, _slugs(named))
    if prune:  # first, so that what names one of them is refused
        manifests.prune(work.tx, gone)
    for name in SECTIONS:
        if name in _LAST:
            continue
        if some := named.get(name):
            _ALL[name].take(work, some)
    _finish(work, named)
    manifests.note(
        work.tx, work.workspace_id, work.file, work.kept, work.caller.name, work.at
    )  # fmt: skip
    released = [] if prune else [one.slug for one in gone]
    changes = between(before, export(work), work.unseen)
    return Applied(changes, len(work.kept), released)


def _slugs(named: Mapping[str, Sequence[Told]]) -> set[str]:
    return {str(one["slug"]) for name in _KINDS for one in named.get(name, ())}


def _finish(work: Work, named: Mapping[str, Sequence[Told]]) -> None:
    """Apply what names items, once all of them are there."""
    kinds = [(kind, named[name]) for name, kind in _KINDS.items() if name in named]
    # What was so and is no more stands in the way of nothing that shall be.
    links: list[Callable[[], None]] = [partial(kind.unlink, work, some) for kind, some in kinds]
    links += [partial(kind.link, work, some) for kind, some in kinds]
    links += [partial(_ALL[name].take, work, named[name]) for name in _LAST if name in named]
    for step in links:
        step()


def refused(given: str, problem: Problem) -> Problem:
    """Return a problem of applying a text, with the lines that its faults stand on."""
    return text.located(given, problem)
