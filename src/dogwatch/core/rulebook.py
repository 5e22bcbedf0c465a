"""The rules of a workspace by what they name: thousands of them are not tried on every flip."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from dogwatch.core.alerts import Event, Rule, matches


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Rules by the kind and each value of their scope; those of all watches have the value None."""

    by_scope: Mapping[tuple[str, str | None], Sequence[Rule]]

    @classmethod
    def of(cls, every: Iterable[Rule]) -> Self:
        """Sort rules in."""
        found: dict[tuple[str, str | None], list[Rule]] = {}
        for rule in every:
            for value in rule.scope.values if rule.scope.kind != "all" else [None]:
                found.setdefault((rule.scope.kind, value), []).append(rule)
        return cls(found)

    def sending(
        self, event: Event, watch_id: str, tags: Collection[str], project: str | None
    ) -> list[Rule]:
        """Return the rules that send this event of this watch; one of two tags comes twice."""
        labels = [("tags", tag) for tag in tags]
        named = [("all", None), *labels, ("project", project), ("watches", watch_id)]
        found = (rule for name in named for rule in self.by_scope.get(name, ()))
        return [rule for rule in found if matches(rule, event, watch_id, tags, project)]
