"""What changed from one version of a workflow to another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dogwatch.core.workflow.graph import ARROW


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same; None where it is not there at all.

    `field` is such as `schedule`, `nodes.load`, `nodes.load.retries`, `edges.a → b`.
    """

    field: str
    before: Any
    after: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Compare two definitions as JSON; the order of nodes and edges is no difference."""
    return list(_compared(_flat(before), _flat(after)))


def _compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys((*after, *before)):
        if before.get(name) != after.get(name):
            yield Difference(name, before.get(name), after.get(name))


def _flat(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a definition says by field, nodes by their key and edges by their ends."""
    told = {name: value for name, value in definition.items() if name not in ("nodes", "edges")}
    for node in definition["nodes"]:
        for name, value in node.items():
            told[f"nodes.{node['key']}" + ("" if name == "key" else f".{name}")] = value
    for edge in definition["edges"]:
        told.setdefault(f"edges.{edge['source']}{ARROW}{edge['target']}", []).append(edge["on"])
    return {name: sorted(v) if name.startswith("edges.") else v for name, v in told.items()}
