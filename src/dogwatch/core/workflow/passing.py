"""What a node is given: the output of the node before it, or an object of several."""

from collections.abc import Mapping

from dogwatch.core.result import GOOD
from dogwatch.core.variable import json_text
from dogwatch.core.workflow.graph import Graph, entering
from dogwatch.core.workflow.progress import States, followed


def input_of(graph: Graph, key: str, states: States, outputs: Mapping[str, str], given: str) -> str:
    """Return the input of a node as JSON text; `outputs` hold that of the nodes before it.

    A node without a source gets what the workflow was `given`, and so does one whose only source
    handed on nothing, or failed. A join gets an object by node of those whose edge was followed,
    null for one that handed on nothing.
    """
    edges = entering(graph).get(key, ())
    sources = list(dict.fromkeys(edge.source for edge in edges))
    said = {one: outputs[one] for one in sources if one in outputs and _well(states, one)}
    if len(sources) < 2:
        return said.get(sources[0], given) if sources else given
    reached = dict.fromkeys(edge.source for edge in edges if followed(edge, states[edge.source]))
    pairs = (f"{json_text(one)}:{said.get(one, 'null')}" for one in reached)
    return f"{{{','.join(pairs)}}}"


def _well(states: States, key: str) -> bool:
    return states[key].outcome in GOOD
