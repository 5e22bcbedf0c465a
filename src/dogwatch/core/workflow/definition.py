"""A workflow as its owner describes it, and as text that says all of it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from dogwatch.core import run
from dogwatch.core.conditional import On
from dogwatch.core.problems import refuse
from dogwatch.core.run import CatchUp, LostRun, Overlap, Policy
from dogwatch.core.spec import WatchSpec
from dogwatch.core.workflow.graph import Edge, Graph, Node, faults

TIMEOUT_S = 86_400
MAX_TIMEOUT_S = 31 * 86_400
_ENUMS = {"overlap": Overlap, "catch_up": CatchUp, "lost_run": LostRun}
# Of the run rules of a job, those that a workflow has: its nodes have their own attempts.
RULES = (
    "overlap", "catch_up", "catch_up_max", "catch_up_window_s", "priority", "max_runs",
    "reset_on_resume",
)  # fmt: skip
_OF_WATCH = tuple(field.name for field in fields(WatchSpec))
_WATCH = WatchSpec(name="", start_by_s=None)
_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow: its watch, its run rules and its graph.

    `timeout_s` is how long one run may take. `webhook`: whoever has its key may start it.
    """

    watch: WatchSpec
    graph: Graph
    policy: Policy = _POLICY
    timeout_s: float = TIMEOUT_S
    webhook: bool = False

    def check(self) -> None:
        """Raise a Problem of all bad fields but those of the watch, which has its own rules."""
        bad = faults(self.graph) | run.faults(self.policy)
        if not 1 <= self.timeout_s <= MAX_TIMEOUT_S:
            bad["timeout_s"] = f"give 1 to {MAX_TIMEOUT_S} seconds (31 days)"
        refuse(bad)


def to_json(definition: Definition) -> dict[str, Any]:
    """Return the definition as JSON, without what is as usual: what `from_json` reads."""
    watch, policy = definition.watch, definition.policy
    told = {name: _plain(getattr(watch, name)) for name in _OF_WATCH if _said(watch, _WATCH, name)}
    told |= {name: _plain(getattr(policy, name)) for name in RULES if _said(policy, _POLICY, name)}
    if definition.timeout_s != TIMEOUT_S:
        told["timeout_s"] = _plain(definition.timeout_s)
    if definition.webhook:
        told["webhook"] = True
    told["nodes"] = [_node(node) for node in definition.graph.nodes]
    told["edges"] = [
        {"source": edge.source, "target": edge.target, "on": str(edge.on)}
        for edge in definition.graph.edges
    ]
    return told


def from_json(data: Mapping[str, Any]) -> Definition:
    """Read what `to_json` made; it was judged before it was kept."""
    watch = {name: data[name] for name in _OF_WATCH if name in data}
    watch["tags"] = tuple(watch.get("tags", ()))
    if watch.get("starts_at"):
        watch["starts_at"] = datetime.fromisoformat(watch["starts_at"])
    rules = {name: data[name] for name in RULES if name in data}
    rules |= {name: _ENUMS[name](rules[name]) for name in rules.keys() & _ENUMS.keys()}
    return Definition(
        WatchSpec(**{"start_by_s": None, **watch}),
        Graph(
            tuple(Node(**node) for node in data["nodes"]),
            tuple(Edge(one["source"], one["target"], On(one["on"])) for one in data["edges"]),
        ),
        Policy(**rules),
        data.get("timeout_s", TIMEOUT_S),
        data.get("webhook", False),
    )


def _said(owner: object, usual: object, name: str) -> bool:
    return bool(getattr(owner, name) != getattr(usual, name))


def _node(node: Node) -> dict[str, Any]:
    told = {"key": node.key, "job": node.job}
    usual = Node(node.key, node.job)
    more = ("retries", "timeout_s", "x", "y")
    return told | {name: _plain(getattr(node, name)) for name in more if _said(node, usual, name)}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: times in ISO 8601, lists, plain text, 3600 for 3600.0."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value) if isinstance(value, str) else value
