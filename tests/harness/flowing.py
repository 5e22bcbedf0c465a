"""Workflows in a house: made of edges in few letters, moved on by finishing their nodes."""

from dataclasses import dataclass, replace
from typing import Any

from dogwatch.core.conditional import ConditionalAction
from dogwatch.core.result import Outcome
from dogwatch.core.run import Policy
from dogwatch.core.spec import WatchSpec
from dogwatch.core.workflow.definition import Definition
from dogwatch.core.workflow.graph import Graph
from dogwatch.store import results
from dogwatch.store.runs import Run
from dogwatch.store.watches import Record
from dogwatch.usecases import actions, conducting, flows, runs, workflows
from dogwatch.usecases.runs import Work
from tests.core.workflow.graphs import graph
from tests.harness.house import House, after


@dataclass
class Flowing:
    """One workflow `flow` in a house, and the jobs of its nodes."""

    house: House

    def make(self, edges: str, *alone: str, at: float = 0, **given: Any) -> Record:
        """Make a workflow and a job for each node that has none yet."""
        return self.house.do(
            workflows.add, self.house.workspace.id, self.definition(edges, *alone, **given),
            self.house.vault, after(at),
        )  # fmt: skip

    def definition(self, edges: str, *alone: str, **given: Any) -> Definition:
        """Return the definition of a workflow; jobs are made as they are needed."""
        drawn = graph(edges, *alone)
        known = {row["slug"] for row in self.house.rows("watches")}
        for node in drawn.nodes:
            if node.job not in known:
                self.house.job(node.job, schedule=None, kind="script")
        drawn = self._noded(drawn, given.pop("nodes", {}))
        policy = Policy(**{n: given.pop(n) for n in list(given) if n in Policy.__slots__})
        more = {n: given.pop(n) for n in ("timeout_s", "webhook") if n in given}
        spec = {"name": "flow", "slug": "flow", "start_by_s": None} | given
        return Definition(WatchSpec(**spec), drawn, policy, **more)

    def _noded(self, drawn: Graph, nodes: dict[str, dict[str, Any]]) -> Graph:
        return replace(
            drawn, nodes=tuple(replace(one, **nodes.get(one.key, {})) for one in drawn.nodes)
        )

    def trigger(self, given: str = "", at: float = 0, slug: str = "flow") -> Run:
        """Queue a run and have the conductor begin it."""
        run = self.house.trigger(slug, at, given)
        self.conduct(at)
        return run

    def conduct(self, at: float) -> int:
        """Have the conductor do what is due."""
        return self.house.do(conducting.step, after(at))

    def claim(self, at: float, node: str = "node-a") -> dict[str, Work]:
        """Claim what is due, by the names of the nodes."""
        found = self.house.claim(at, node=node, lane="script", limit=100)
        return {work.slug.removeprefix("job-"): work for work in found}

    def finish(
        self, work: Work, at: float, outcome: Outcome = Outcome.OK, *, output: str = "",
        masked: str | None = None, condition: bool | None = None, **facts: Any,
    ) -> bool:  # fmt: skip
        """Finish a node, with what its script handed on, and what people see of that."""
        run = work.run
        if output:
            handed = {"output": output, "masked": masked}
            self.house.do(lambda tx: results.put(tx, run.workspace_id, run.id, **handed))
        if condition is not None:
            said = {"condition": condition}
            self.house.do(lambda tx: results.put(tx, run.workspace_id, run.id, **said))
        return self.house.finish(work, at, outcome, **facts)

    def play(self, at: float = 0, **ends: Outcome) -> list[str]:
        """Claim and finish whatever comes until nothing does; return the nodes in their order."""
        order: list[str] = []
        while works := self.claim(at):
            for name in sorted(works):
                order.append(name)
                outcome = ends.get(name, Outcome.OK)
                self.finish(works[name], at, outcome, reason="" if outcome == "ok" else "boom")
        return order

    def told(self, run: Run) -> str:
        """Return what became of the nodes of a run: "a ok, b skipped, c -"."""
        tree = self.tree(run)
        steps = tree.steps
        shown = {key: str(step.outcome or "going") for key, step in steps.items()}
        return ", ".join(f"{n.key} {shown.get(n.key, '-')}" for n in tree.definition.graph.nodes)

    def tree(self, run: Run) -> flows.Tree:
        """Return a run with its steps."""
        return self.house.see(flows.tree, self.house.workspace.id, run.id)

    def ended(self, run: Run) -> tuple[str | None, str]:
        """Return the outcome of a run and why."""
        found = self.house.see(runs.find, self.house.workspace.id, run.id)
        return found.outcome and str(found.outcome), found.reason

    def acts(self, slug: str, *given: ConditionalAction) -> None:
        """Set what follows the runs of a job."""
        self.house.on(slug, actions.put, given)
