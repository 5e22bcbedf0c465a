"""The scene of an alert: the rules, windows and dependencies of a workspace at one time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from dogwatch.core.alerts import Event, Rule
from dogwatch.core.decision import PARENT_SOON, Case, Decision, Fate, decide, most_eager
from dogwatch.core.dependencies import Graph, above, judged_by
from dogwatch.core.rulebook import Rulebook
from dogwatch.store import dependencies, maintenance, watches
from dogwatch.store.maintenance import Maintenance
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Down, Record
from dogwatch.usecases.facts import down_in
from dogwatch.usecases.standing import standing


@dataclass(frozen=True, slots=True)
class Matter:
    """What there is to tell of a watch: since when, and what the incident's snooze says.

    `ends` is the event of the flip before it, if that is known.
    """

    watch: Record
    event: Event
    began_at: datetime
    over: str = ""
    snoozed_until_at: datetime | None = None
    ends: Event | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What surrounds the alerts of one workspace at `at`.

    `down` and `due` are names of watches above: those that are down, or about to be judged.
    """

    workspace_id: int
    at: datetime
    rules: Rulebook
    windows: Sequence[tuple[Maintenance, datetime]]
    graph: Graph
    down: Mapping[str, str]
    due: Mapping[str, str]
    group_windows_s: Mapping[str, int]
    of_one: frozenset[str]
    others_down: Down

    @classmethod
    def of(cls, tx: Tx, workspace_id: int, at: datetime) -> Self:
        """Look around."""
        graph = dependencies.graph(tx, workspace_id)
        every = maintenance.of_workspace(tx, workspace_id)
        stands = standing(tx, workspace_id)
        return cls(
            workspace_id,
            at,
            stands.rules,
            [(one, end_at) for one in every if (end_at := one.open_until(at))],
            graph,
            dependencies.down_above(tx, workspace_id) if graph else {},
            _due_above(tx, workspace_id, at + PARENT_SOON) if graph else {},
            stands.group_windows_s,
            stands.of_one,
            down_in(tx, workspace_id) if stands.group_windows_s else Down(),
        )

    def wanted(self, watch: Record, event: Event) -> dict[str, list[Rule]]:
        """Return the rules that send this event of this watch, by channel."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules.sending(event, *watch.traits):
            found.setdefault(rule.channel_id, []).append(rule)
        return found

    def decided(
        self, matter: Matter, candidates: Sequence[Rule], before: Fate
    ) -> tuple[Decision, Rule]:
        """Return what the most eager of the rules for one channel does, and which it is."""
        watch = matter.watch
        maintained, parent = self.maintained(watch), self._above(watch.id, self.down)
        parent_due = self._above(watch.id, self.due)
        cases = (
            Case(
                event=matter.event,
                rule=rule,
                began_at=matter.began_at,
                at=self.at,
                over=matter.over,
                before=before,
                ends=matter.ends,
                maintenance=maintained,
                parent=parent,
                parent_due=parent_due,
                snoozed_until_at=matter.snoozed_until_at,
            )
            for rule in candidates
        )
        decisions = [decide(case) for case in cases]
        chosen = most_eager(decisions)
        return decisions[chosen], candidates[chosen]

    def maintained(self, watch: Record) -> tuple[str, datetime] | None:
        """Return the name and the end of the window that a watch is in, the one that ends last."""
        mine = [
            (one.name, end_at) for one, end_at in self.windows if one.scope.covers(*watch.traits)
        ]
        return max(mine, key=lambda window: window[1], default=None)

    def _above(self, watch_id: str, named: Mapping[str, str]) -> str:
        if not named:
            return ""
        return next((named[one] for one in above(self.graph, watch_id) if one in named), "")


def _due_above(tx: Tx, workspace_id: int, by: datetime) -> dict[str, str]:
    found = watches.look(tx, workspace_id, dependencies.due_above(tx, workspace_id, by))
    return {own_id: one.name for own_id, one in found.items() if judged_by(one.watch, by)}
