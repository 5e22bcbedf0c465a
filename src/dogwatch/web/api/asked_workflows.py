"""What may be asked for: the bodies of workflows and of conditional actions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from dogwatch.core.conditional import MAX_ACTIONS, ConditionalAction, On, check
from dogwatch.core.problems import Problem
from dogwatch.core.run import RANGES, CatchUp, Overlap, Policy
from dogwatch.core.spec import WatchSpec, beyond
from dogwatch.core.workflow.definition import MAX_TIMEOUT_S, RULES, TIMEOUT_S, Definition
from dogwatch.core.workflow.graph import (
    KEY_PATTERN,
    MAX_EDGES,
    MAX_NODES,
    MAX_RETRIES,
    Edge,
    Graph,
    Node,
)
from dogwatch.core.workflow.graph import MAX_TIMEOUT_S as MAX_NODE_TIMEOUT_S
from dogwatch.web.api.asked import WatchFields
from dogwatch.web.api.body import Body

_ENUMS: Mapping[str, Any] = {"overlap": Overlap, "catch_up": CatchUp}
_EMPTY = Definition(WatchSpec(name="x", start_by_s=None), Graph())
_On = Literal["always", "success", "failure", "condition"]
_Key = Annotated[str, Field(pattern=KEY_PATTERN)]
_Name = Annotated[str, Field(min_length=1, max_length=64)]
_Place = Annotated[float, Field(ge=-1e9, le=1e9)]


class NodeAsked(BaseModel):
    """A job in a workflow, by id or slug; `retries` and `timeout_s` replace those of the job."""

    model_config = ConfigDict(extra="forbid", strict=True)
    key: _Key
    job: _Name
    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] | None = None
    timeout_s: Annotated[float, Field(ge=1, le=MAX_NODE_TIMEOUT_S)] | None = None
    x: _Place = 0.0
    y: _Place = 0.0


class EdgeAsked(BaseModel):
    """After `source` comes `target`, if `source` ended as `on` says."""

    model_config = ConfigDict(extra="forbid", strict=True)
    source: _Key
    target: _Key
    on: _On = "success"


class WorkflowFields(WatchFields):
    """What may be said of a workflow besides its watch; null means the default."""

    overlap: Literal["skip", "queue_one", "allow", "cancel_previous"] | None = None
    catch_up: Literal["none", "last", "all"] | None = None
    catch_up_max: int | None = None
    catch_up_window_s: int | None = None
    priority: int | None = None
    max_runs: int | None = None
    reset_on_resume: bool | None = None
    timeout_s: Annotated[float, Field(ge=1, le=MAX_TIMEOUT_S)] | None = Field(
        default=None, description=f"How long one run may take; {TIMEOUT_S}."
    )
    webhook: bool | None = Field(default=None, description="Whether a key may start it; false.")
    nodes: list[NodeAsked] | None = Field(
        default=None, description="Replaced as a whole.", max_length=MAX_NODES
    )
    edges: list[EdgeAsked] | None = Field(
        default=None, description="Replaced as a whole.", max_length=MAX_EDGES
    )

    def definition(self, base: Definition) -> Definition:
        """Return `base` with what is said here."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        rules = {
            name: getattr(Policy(), name) if value is None else _ENUMS.get(name, _same)(value)
            for name, value in said.items()
            if name in RULES
        }
        own = {
            name: getattr(_EMPTY, name) if said[name] is None else said[name]
            for name in ("timeout_s", "webhook")
            if name in said
        }
        return replace(
            base,
            watch=self.spec(base.watch),
            graph=self._graph(base.graph),
            policy=replace(base.policy, **rules),
            **own,
        )

    def _graph(self, base: Graph) -> Graph:
        nodes, edges = base.nodes, base.edges
        if self._sent("nodes"):
            nodes = tuple(Node(**one.model_dump()) for one in self.nodes or ())
        if self._sent("edges"):
            edges = tuple(Edge(one.source, one.target, On(one.on)) for one in self.edges or ())
        return Graph(nodes, edges)

    def faults(self) -> dict[str, str]:
        """Return what the rules of the core find in watch, run rules and graph."""
        wrong = super().faults()
        made = self.definition(_EMPTY)
        wrong |= beyond(RANGES, made.policy)
        if self.nodes:  # without them, edges are judged once it is known what is stored
            try:
                made.check()
            except Problem as problem:
                wrong |= problem.fields
        return wrong


def _same(value: Any) -> Any:
    return value


class WorkflowNew(WorkflowFields):
    """A new workflow."""

    stand_in: ClassVar[Mapping[str, Any]] = {"name": "x", "nodes": []}
    name: str
    nodes: list[NodeAsked] = Field(max_length=MAX_NODES)


class WorkflowChange(WorkflowFields):
    """Changes of a workflow: what is not sent stays."""

    name: str = Field(default="x", description="Stays if not sent.")


class Rerun(Body):
    """From which node on a run is repeated; null: the whole."""

    node: _Key | None = None


class WebhookAsked(Body):
    """Another key for a webhook; `signed`: its requests must be signed."""

    signed: bool = False


class ActionAsked(BaseModel):
    """What follows a run: another job or workflow, or a message through a channel."""

    model_config = ConfigDict(extra="forbid", strict=True)
    on: _On
    run: _Name | None = Field(default=None, description="Id or slug of a job or a workflow.")
    channel: _Name | None = Field(default=None, description="Id of a channel.")
    subject: str | None = Field(default=None, description="A template; see the documents.")
    message: str | None = Field(default=None, description="A template; needed with a channel.")

    def action(self) -> ConditionalAction:
        """Return what is asked for."""
        names = ("run", "channel", "subject", "message")
        return ConditionalAction(On(self.on), *(getattr(self, name) or "" for name in names))


class ActionsAsked(Body):
    """All that follows the runs of a job, in place of what did."""

    actions: Annotated[list[ActionAsked], Field(max_length=MAX_ACTIONS)]

    def made(self) -> Sequence[ConditionalAction]:
        """Return what is asked for."""
        return [one.action() for one in self.actions]

    def check(self) -> None:
        """Raise a Problem of all bad fields."""
        check(self.made(), "")
