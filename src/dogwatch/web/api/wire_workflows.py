"""What is answered: workflows, their versions and runs, and what follows runs."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, Field

from dogwatch.core.conditional import ConditionalAction
from dogwatch.core.workflow.definition import RULES, Definition, to_json
from dogwatch.core.workflow.difference import Difference
from dogwatch.core.workflow.layout import layers
from dogwatch.usecases.actions import Effect
from dogwatch.usecases.flows import Step, Tree
from dogwatch.usecases.lists import WatchView
from dogwatch.usecases.workflows import Version, Webhook
from dogwatch.web.api.masks import MASK
from dogwatch.web.api.wire import Instant, RunOut, WatchOut, watch_values


class NodeOut(BaseModel):
    """A job in a workflow; `job` is its slug, or its id where it is gone."""

    key: str
    job: str
    job_id: str
    retries: int | None
    timeout_s: float | None
    x: float
    y: float


class EdgeOut(BaseModel):
    """After `source` comes `target`, if `source` ended as `on` says."""

    source: str
    target: str
    on: str


def nodes_of(definition: Definition, slugs: Mapping[str, str]) -> list[NodeOut]:
    """Return the shapes of the nodes, whose jobs are named by id."""
    return [
        NodeOut(
            key=one.key,
            job=slugs.get(one.job, one.job),
            job_id=one.job,
            retries=one.retries,
            timeout_s=one.timeout_s,
            x=one.x,
            y=one.y,
        )
        for one in definition.graph.nodes
    ]


def edges_of(definition: Definition) -> list[EdgeOut]:
    """Return the shapes of the edges."""
    return [
        EdgeOut(source=one.source, target=one.target, on=str(one.on))
        for one in definition.graph.edges
    ]


class WorkflowOut(WatchOut):
    """A workflow: its watch, its run rules and the graph of its present version."""

    version: int
    overlap: str
    catch_up: str
    catch_up_max: int
    catch_up_window_s: int
    priority: int
    max_runs: int | None
    reset_on_resume: bool
    timeout_s: float
    webhook: bool
    nodes: list[NodeOut]
    edges: list[EdgeOut]
    layers: list[list[str]] = Field(description="The keys of the nodes as they are drawn.")

    @classmethod
    def made(
        cls, view: WatchView, pings: str | None, version: Version, slugs: Mapping[str, str]
    ) -> Self:
        """Return the shape of a workflow."""
        definition = version.definition
        return cls(
            **watch_values(view, pings),
            **{name: getattr(definition.policy, name) for name in RULES},
            version=version.number,
            timeout_s=definition.timeout_s,
            webhook=definition.webhook,
            nodes=nodes_of(definition, slugs),
            edges=edges_of(definition),
            layers=[list(row) for row in layers(definition.graph)],
        )


class VersionOut(BaseModel):
    """A version: what was saved, when and by whom; jobs are named by slug."""

    number: int
    made_at: Instant
    made_by: str
    definition: dict[str, Any] = Field(description="Without what is as usual.")

    @classmethod
    def of(cls, version: Version, named: Definition) -> Self:
        """Return the shape of a version."""
        return cls(
            number=version.number,
            made_at=version.made_at,
            made_by=version.made_by,
            definition=to_json(named),
        )


class DifferenceOut(BaseModel):
    """One thing that is not the same; null where it is not there at all."""

    field: str
    before: Any
    after: Any


class DiffOut(BaseModel):
    """What changed from one version to another."""

    before: int
    after: int
    differences: list[DifferenceOut]

    @classmethod
    def of(cls, before: int, after: int, found: list[Difference]) -> Self:
        """Return the shape of a comparison."""
        told = [DifferenceOut(field=d.field, before=d.before, after=d.after) for d in found]
        return cls(before=before, after=after, differences=told)


class StepOut(BaseModel):
    """What became of a node: waiting, running or done, and how it ended.

    `handled`: it failed, and an edge on failure took that.
    """

    node: str
    state: str
    outcome: str | None
    reason: str
    handled: bool
    condition: bool
    run: RunOut | None

    @classmethod
    def of(cls, node: str, step: Step | None) -> Self:
        """Return the shape of a step; None: nothing was decided yet."""
        if step is None:
            return cls(
                node=node, state="waiting", outcome=None, reason="", handled=False,
                condition=False, run=None,
            )  # fmt: skip
        return cls(
            node=node,
            state="done" if step.outcome else "running",
            outcome=step.outcome and str(step.outcome),
            reason=step.reason,
            handled=step.handled,
            condition=step.condition,
            run=RunOut.of(step.run) if step.run else None,
        )


class TreeOut(BaseModel):
    """A run of a workflow with the graph of its version and its steps, in layers from the top."""

    run: RunOut
    version: int
    rerun_of: str | None
    rerun_from: str | None
    nodes: list[NodeOut]
    edges: list[EdgeOut]
    layers: list[list[str]]
    steps: list[StepOut]

    @classmethod
    def of(cls, tree: Tree, slugs: Mapping[str, str]) -> Self:
        """Return the shape of a run."""
        rows = layers(tree.definition.graph)
        return cls(
            run=RunOut.of(tree.run),
            version=tree.version,
            rerun_of=tree.rerun_of,
            rerun_from=tree.rerun_from,
            nodes=nodes_of(tree.definition, slugs),
            edges=edges_of(tree.definition),
            layers=[list(row) for row in rows],
            steps=[StepOut.of(key, tree.steps.get(key)) for row in rows for key in row],
        )


class WebhookOut(BaseModel):
    """Where a workflow is started from outside, and the secret that signs that, if one does: it is
    shown once, as it is made."""

    url: str
    secret: str | None

    @classmethod
    def of(cls, hook: Webhook, base_url: str, *, made: bool = False) -> Self:
        """Return the shape of a webhook; its secret is masked, unless it was `made` now."""
        secret = hook.secret if made or hook.secret is None else MASK
        return cls(url=f"{base_url.rstrip('/')}/hook/{hook.key}", secret=secret)


class ActionOut(BaseModel):
    """What follows a run: `run` is the id of a job or a workflow, `channel` that of a channel."""

    on: str
    run: str | None
    channel: str | None
    subject: str | None
    message: str | None

    @classmethod
    def of(cls, action: ConditionalAction) -> Self:
        """Return the shape of an action."""
        names = ("run", "channel", "subject", "message")
        return cls(on=str(action.on), **{name: getattr(action, name) or None for name in names})


class ActionsOut(BaseModel):
    """All that follows the runs of a job, in the order that they are carried out in."""

    actions: list[ActionOut]


class EffectOut(BaseModel):
    """What came of an action: waiting, done or refused (why); the run or delivery it made."""

    action: ActionOut
    state: str
    reason: str
    run_id: str | None
    delivery_id: str | None

    @classmethod
    def of(cls, effect: Effect) -> Self:
        """Return the shape of an effect."""
        made = effect.ref_id
        return cls(
            action=ActionOut.of(effect.action),
            state=effect.state,
            reason=effect.reason,
            run_id=made if effect.action.run else None,
            delivery_id=None if effect.action.run else made,
        )


class EffectsOut(BaseModel):
    """What followed a run."""

    effects: list[EffectOut]
