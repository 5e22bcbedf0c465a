"""What is sent and shown of workflows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from dogwatch.core.run import Overlap, Policy
from dogwatch.core.spec import WatchSpec
from dogwatch.core.workflow.definition import Definition
from dogwatch.core.workflow.graph import Edge, Graph, Node
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.lists import WatchView
from dogwatch.web.dialect.times import Instant
from dogwatch.web.dialects.cronium.answers import PageAsked, Pagination, Shape
from dogwatch.web.dialects.cronium.wire.actions import ONS, TRIGGERS, TriggerName
from dogwatch.web.dialects.cronium.wire.event import status_of
from dogwatch.web.dialects.cronium.wire.fields import (
    Count,
    Cron,
    Flag,
    Line,
    Name,
    Sent,
    StatusName,
    Tags,
    Time,
    Unit,
    Words,
    Zone,
    choice,
    fault,
    nullable,
)
from dogwatch.web.dialects.cronium.wire.timing import (
    MANUAL,
    SCHEDULE,
    WEBHOOK,
    Timing,
    changed,
    timing_of,
)

TIMES = tuple(one.name for one in fields(Timing))
_Key = Annotated[StrictStr, Field(min_length=1, max_length=64)]
Trigger = Annotated[
    str, nullable(MANUAL), choice(MANUAL, SCHEDULE, WEBHOOK, also={"SCHEDULED": SCHEDULE})
]


def _plain(value: float) -> float:
    """Return a number as JSON is written by whoever knows no fractions: 100, not 100.0."""
    return int(value) if value.is_integer() else value


Place = Annotated[float, Field(ge=-1e9, le=1e9), PlainSerializer(_plain, return_type=int | float)]


class Position(Sent):
    """Where an editor drew a node."""

    x: Place = 0.0
    y: Place = 0.0


def _beside(name: str) -> Any:
    """Return what takes a field from within `data`, unless it stands beside that."""

    def flat(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise fault("must be an object")
        data = value.get("data")
        if name not in value and isinstance(data, Mapping) and name in data:
            value = {**value, name: data[name]}
        return value

    return model_validator(mode="before")(flat)


class NodeSent(Sent):
    """A node: an event, named beside or within `data`."""

    id: _Key
    event_id: StrictInt
    position: Annotated[Position, nullable({})] = Field(default_factory=Position)

    _flat = _beside("eventId")


class EdgeSent(Sent):
    """An edge: its type beside or within `data`; without one it is always followed."""

    source: _Key
    target: _Key
    connection_type: TriggerName = "ALWAYS"

    _flat = _beside("connectionType")


Nodes = Annotated[list[NodeSent], nullable([]), Field(max_length=200)]
Edges = Annotated[list[EdgeSent], nullable([]), Field(max_length=1_000)]
HookKey = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow as its owner describes it; its nodes are `Node`s with the ids of watches."""

    name: str = ""
    description: str = ""
    shared: bool = False
    status: str = "DRAFT"
    timing: Timing = field(default_factory=Timing)
    tags: tuple[str, ...] = ()
    graph: Graph = field(default_factory=Graph)

    def with_changes(self, changes: Mapping[str, Any]) -> "Workflow":
        """Return the workflow with what was sent of it."""
        times = {name: changes[name] for name in TIMES if name in changes}
        own = {name: value for name, value in changes.items() if name in OWN}
        return replace(self, timing=changed(self.timing, times), **own)

    def definition(self, before: Definition | None) -> Definition:
        """Return the definition; what it has no fields for is as `before`."""
        base = before or self._fresh()
        watch = replace(
            base.watch,
            name=self.name,
            description=self.description,
            tags=self.tags,
            schedule=self.timing.line,
            timezone=self.timing.timezone,
            starts_at=self.timing.start_time,
        )
        webhook = self.timing.trigger_type == WEBHOOK
        return replace(base, watch=watch, graph=self.graph, webhook=webhook)

    def _fresh(self) -> Definition:
        """Return the definition of a new one: no call of a webhook is lost to an earlier one."""
        hooked = self.timing.trigger_type == WEBHOOK
        policy = Policy(overlap=Overlap.ALLOW if hooked else Overlap.SKIP)
        return Definition(WatchSpec(name=self.name, start_by_s=None), self.graph, policy)

    def said(self) -> dict[str, Any]:
        """Return what only this dialect has fields for, apart from the status."""
        return {"shared": self.shared, "timing": self.timing.said()}


OWN = frozenset(one.name for one in fields(Workflow)) - {"timing"}


def workflow_of(named: Named, definition: Definition) -> Workflow:
    """Return a stored workflow; one with a schedule is not said to have a webhook."""
    alias, record = named
    timing = timing_of(
        record.schedule, record.timezone, record.starts_at, alias.said.get("timing", {})
    )
    if definition.webhook and timing.trigger_type == MANUAL:
        timing = replace(timing, trigger_type=WEBHOOK)
    return Workflow(
        name=record.name,
        description=record.description,
        shared=alias.said.get("shared", False),
        status=status_of(alias, record),
        timing=timing,
        tags=record.tags,
        graph=definition.graph,
    )


class NodeData(Shape):
    """The event of a node, once more."""

    event_id: int | None


class NodeOut(Shape):
    """A node."""

    id: str
    event_id: int | None
    position: Position
    data: NodeData


class EdgeData(Shape):
    """The type of an edge, once more."""

    connection_type: str


class EdgeOut(Shape):
    """An edge."""

    id: str
    source: str
    target: str
    connection_type: str
    data: EdgeData


class WorkflowOut(Shape):
    """A workflow."""

    id: int
    user_id: str
    name: str
    description: str
    trigger_type: str
    webhook_key: str | None
    schedule_number: int
    schedule_unit: str
    custom_schedule: str | None
    start_time: Instant | None
    timezone: str
    run_location: Literal["LOCAL"]
    override_event_servers: Literal[False]
    override_server_ids: list[int]
    status: str
    shared: bool
    tags: list[str]
    last_run_at: Instant | None
    next_run_at: Instant | None
    created_at: Instant
    updated_at: Instant
    nodes: list[NodeOut]
    edges: list[EdgeOut]

    def as_sent(self, name: str) -> Any:
        """Return a field in the form that `WorkflowSent` has it in."""
        match name:
            case "nodes":
                return [
                    NodeSent(id=one.id, event_id=one.event_id or 0, position=one.position)
                    for one in self.nodes
                ]
            case "edges":
                return [
                    EdgeSent(
                        source=one.source, target=one.target, connection_type=one.connection_type
                    )
                    for one in self.edges
                ]
        return getattr(self, name)


def shown(
    workflow: Workflow,
    named: Named,
    view: WatchView,
    webhook_key: str | None,
    numbers: Mapping[str, int],
) -> WorkflowOut:
    """Return what is shown of a workflow; `numbers` are those of events by their ids."""
    record, last = named[1], view.last_run
    return WorkflowOut(
        id=named[0].number,
        user_id=str(record.workspace_id),
        name=workflow.name,
        description=workflow.description,
        webhook_key=webhook_key,
        **{name: getattr(workflow.timing, name) for name in TIMES},
        run_location="LOCAL",
        override_event_servers=False,
        override_server_ids=[],
        status=workflow.status,
        shared=workflow.shared,
        tags=list(workflow.tags),
        last_run_at=(last.started_at or last.queued_at) if last else None,
        next_run_at=record.watch.slot_at if workflow.status == "ACTIVE" else None,
        created_at=record.created_at,
        updated_at=record.updated_at,
        nodes=[_node(one, numbers.get(one.job)) for one in workflow.graph.nodes],
        edges=[_edge(one) for one in workflow.graph.edges],
    )


def _node(node: Node, number: int | None) -> NodeOut:
    place = Position(x=node.x, y=node.y)
    return NodeOut(id=node.key, event_id=number, position=place, data=NodeData(event_id=number))


def _edge(edge: Edge) -> EdgeOut:
    kind = TRIGGERS[edge.on]
    return EdgeOut(
        id=f"{edge.source}-{edge.target}-{kind}",
        source=edge.source,
        target=edge.target,
        connection_type=kind,
        data=EdgeData(connection_type=kind),
    )


class _WorkflowSent(Sent):
    """All that may be sent of a workflow."""

    name: Name = ""
    description: Words = ""
    trigger_type: Trigger = MANUAL
    webhook_key: HookKey | None = None
    schedule_number: Annotated[Count, nullable(1)] = 1
    schedule_unit: Unit = "MINUTES"
    custom_schedule: Cron = None
    schedule: Cron = None
    start_time: Time = None
    timezone: Zone = "UTC"
    run_location: str | None = None
    override_event_servers: Any = None
    override_server_ids: Any = None
    status: StatusName = "DRAFT"
    shared: Flag = False
    tags: Tags = Field(default_factory=list)
    nodes: Nodes = Field(default_factory=list)
    edges: Edges = Field(default_factory=list)

    @field_validator("run_location", "override_event_servers", "override_server_ids", mode="before")
    @classmethod
    def _here(cls, value: Any) -> None:
        """Refuse to run elsewhere: there are no servers."""
        if value and not (isinstance(value, str) and value.upper() == "LOCAL"):
            raise fault("must be LOCAL, false or empty: workflows run where Dogwatch runs")

    def changes(self, before: WorkflowOut | None) -> dict[str, Any]:
        """Return what differs from what was shown before; nodes and edges as they were sent."""
        ignored = {"run_location", "override_event_servers", "override_server_ids"}
        sent = {
            name: getattr(self, name)
            for name in self.model_fields_set - ignored
            if before is None or name == "schedule" or getattr(self, name) != before.as_sent(name)
        }
        if "schedule" in sent:
            line = sent.pop("schedule")
            if line is not None:
                sent["custom_schedule"] = line
        if "custom_schedule" in sent:
            sent["custom_schedule"] = sent["custom_schedule"] or None
        if "tags" in sent:
            sent["tags"] = tuple(sent["tags"])
        return sent


class WorkflowNew(_WorkflowSent):
    """What makes a workflow."""

    name: Name
    trigger_type: Trigger


class WorkflowChange(_WorkflowSent):
    """What changes of a workflow; what is not sent stays, nodes and edges as a whole."""


def graph_of(nodes: Sequence[NodeSent], edges: Sequence[EdgeSent], ids: Mapping[int, str]) -> Graph:
    """Return a graph; `ids` are those of events by their numbers."""
    return Graph(
        tuple(
            Node(
                one.id, ids.get(one.event_id, f"event {one.event_id}"),
                x=one.position.x, y=one.position.y,
            )
            for one in nodes
        ),
        tuple(Edge(one.source, one.target, ONS[one.connection_type]) for one in edges),
    )  # fmt: skip


class WorkflowsAsked(PageAsked):
    """Which workflows."""

    include_archived: Annotated[Line, Field(pattern="^(true|false|1|0)$")] = Field(
        default="false", alias="includeArchived"
    )

    @property
    def archived(self) -> bool:
        """Whether those that are archived are shown as well."""
        return self.include_archived in ("true", "1")


class Anything(BaseModel):
    """How a workflow is run by hand: `input`, or all that is sent."""

    model_config = ConfigDict(extra="allow")

    input: Any = None


class WorkflowIds(Sent):
    """Which workflows are to be archived."""

    workflow_ids: Annotated[list[StrictInt], Field(min_length=1, max_length=100)]


class NotArchived(Shape):
    """A workflow that was not archived, and why."""

    id: int
    error: str


class Archived(Shape):
    """Which of many workflows were archived, and which not."""

    archived: int
    workflow_ids: list[int]
    failed: list[NotArchived]


class OneWorkflow(Shape):
    """A workflow."""

    workflow: WorkflowOut


class SomeWorkflows(Shape):
    """A page of workflows."""

    workflows: list[WorkflowOut]
    pagination: Pagination
