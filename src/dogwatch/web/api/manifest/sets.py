"""Things in a manifest that go by nothing but what is said of them: rules and windows.

A file keeps those that it says, and takes out what it said before and says no more. What people
made by hand stays, but for one of the same `name`, whose place the one of the file takes; the first
file that has any takes out all of them, if it prunes.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dogwatch.core.manifest.change import Change
from dogwatch.core.manifest.said import Told
from dogwatch.core.problems import invalid
from dogwatch.usecases.manifests import Thing
from dogwatch.web.api.manifest.plan import Plan, Turn, Writing, asked_of
from dogwatch.web.api.manifest.present import Present


@dataclass(frozen=True, slots=True)
class Set:
    """One such section. `told` is by thing; `plain` puts what is asked for in that form, and
    `made` makes it; `name` is what two of them have in common that are one thing, said anew;
    `past` are those that a file may go on to say, though they are told no more."""

    section: str
    kind: str
    judge: Callable[[Told], None]
    told: Callable[[Present], Sequence[tuple[Told, str]]]
    plain: Callable[[Plan, Told], Told]
    made: Callable[[Writing, Told], str]
    gone: Callable[[Writing, str], None]
    name: Callable[[Told], object]
    past: Callable[[Present], Sequence[tuple[Told, str]]] = lambda _: ()

    def all(self, present: Present) -> list[Told]:
        """Return all, in an order that does not follow when they were made."""
        return sorted((one for one, _ in self.told(present)), key=_text)

    def is_kept_in(self, present: Present, file: str) -> bool:
        """Whether a file said some before, so that to say none means something."""
        return any(kind == self.kind and by == file for (kind, _), by in present.kept.items())

    def plan(self, plan: Plan, some: Sequence[Told]) -> None:
        """Plan what makes those that are not there, and deletes those that shall not be."""
        left = [(_text(one), one, (self.kind, own)) for one, own in self.told(plan.present)]
        left = [one for one in left if plan.present.kept.get(one[2]) in (None, plan.file)]
        past = {_text(one): (self.kind, own) for one, own in self.past(plan.present)}
        anew: list[object] = []
        for place, one in asked_of(some, self.section):
            with plan.at(place):
                plain = self.plain(plan, one)
                same = next((found for found in left if found[0] == _text(plain)), None)
                if same:
                    left.remove(same)
                    plan.kept.add(same[2])
                elif over := past.get(_text(plain)):
                    plan.kept.add(over)
                else:
                    anew.append(self.name(plain))
                    plan.change(Change(self.section, None, plain))
                    plan.do(Turn.LAST, place, partial(_make, self, plain))
        for one, thing in self._left_out(plan, [(one, thing) for _, one, thing in left], anew):
            plan.change(Change(self.section, one, None), thing)
            plan.do(Turn.LAST, self.section, partial(_remove, self, thing))

    def _left_out(
        self, plan: Plan, left: Sequence[tuple[Told, Thing]], anew: list[object]
    ) -> Iterator[tuple[Told, Thing]]:
        """Yield what goes of what the file does not say; `anew` are the names of what it makes."""
        kept = plan.present.kept
        for one, thing in left:
            if thing in kept:
                yield one, thing
                if self.name(one) in anew:  # it took the place of this, not of one made by hand
                    anew.remove(self.name(one))
        every = plan.prune and not any(kind == self.kind for kind, _ in kept)
        for one, thing in left:
            if thing not in kept and (every or self.name(one) in anew):
                yield one, thing


def _make(of: Set, plain: Told, writing: Writing) -> None:
    writing.kept.add((of.kind, of.made(writing, plain)))


def _remove(of: Set, thing: Thing, writing: Writing) -> None:
    of.gone(writing, thing[1])


def _text(one: Told) -> str:
    return json.dumps(one, sort_keys=True)


def scope_asked(plan: Plan, one: Told) -> Told:
    """Return a scope in the form in which it is told; its watches must be there."""
    given: Mapping[str, Any] = one.get("scope") or {"kind": "all"}
    if given.get("kind", "all") == "all":
        return {}
    values = given["values"]
    if given["kind"] == "watches":
        values = [plan.present.slugs.get(name, name) for name in values]
        for name in values:
            if name not in plan.kinds:
                raise invalid("scope.values", f"there is no watch {name!r}")
    return {"scope": {"kind": given["kind"], "values": sorted(set(values))}}


def is_empty(one: Told) -> bool:
    """Whether what is told is about watches that are all gone."""
    return "scope" in one and not one["scope"]["values"]
