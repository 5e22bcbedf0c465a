"""A workflow: in which order, and where did it stop?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastapi import Response

from dogwatch.core.plain import whole_number
from dogwatch.core.problems import Problem
from dogwatch.core.watch import phase
from dogwatch.core.workflow.difference import Difference
from dogwatch.core.workflow.graph import Edge, Graph, entering, order
from dogwatch.usecases import flows, lists, manifests, repeating, watches, workflows
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.flows import Step, Tree
from dogwatch.usecases.lists import Record, Run
from dogwatch.usecases.workflows import Version
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.pictures import flow as picture
from dogwatch.web.dashboard.pictures.alone import Picture
from dogwatch.web.dashboard.visit import Visit

RUNS, VERSIONS = 20, 20


@dataclass(frozen=True, slots=True)
class Line:
    """A node in the text beside the picture."""

    key: str
    slug: str | None
    after: Sequence[Edge]
    state: str
    words: str
    step: Step | None
    longest: bool


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page of a workflow shows: its graph at the version of the run that is shown."""

    record: Record
    phase: str
    tree: Tree | None
    graph: Graph
    slugs: Mapping[str, str]
    runs: Sequence[Run]
    versions: Sequence[tuple[Version, Sequence[Difference]]]
    kept: str | None

    @property
    def longest(self) -> Sequence[str]:
        """The nodes of the way that took longest."""
        return picture.longest(self.graph, self.tree)

    @property
    def lines(self) -> Iterator[Line]:
        """The nodes, each after its sources."""
        way = self.longest
        for key in order(self.graph):
            step = self.tree.steps.get(key) if self.tree else None
            yield Line(
                key, self.slugs.get(self.graph.node(key).job), entering(self.graph).get(key, ()),
                picture.state_of(key, self.tree), picture.in_words(key, self.tree), step,
                key in way,
            )  # fmt: skip


async def show(visit: Visit) -> Response:
    """Show a workflow by its newest run, or by the one that was asked for."""
    page = await seen(visit)
    return rendered(
        visit, "flow.html", page=page, record=page.record, wrong=int(page.phase == "down")
    )


async def drawn(visit: Visit) -> Picture:
    """Return the graph alone, the nodes as they ran, and the edges."""
    page = await seen(visit)
    told = {
        "run": page.tree.run.id if page.tree else None,
        "nodes": [
            {
                "key": one.key,
                "job": one.slug,
                "state": one.state,
                "words": one.words,
                "critical": one.longest,
            }
            for one in page.lines
        ],
        "edges": [
            {"source": one.source, "target": one.target, "on": str(one.on)}
            for one in page.graph.edges
        ],
    }
    return Picture(picture.drawn(page.graph, page.tree), told)


async def seen(visit: Visit) -> Page:
    """Return all that is shown."""
    require(visit.caller, "workflows.tree")
    return await visit.see(lambda tx: _page(tx, visit))


def _page(tx: Tx, visit: Visit) -> Page:
    record = workflows.find(tx, visit.workspace_id, visit.name)
    shown = lists.run_page(tx, visit.workspace_id, RUNS, "", {"watch_id": record.id})
    run_id = visit.query.get("run") or (shown[0].id if shown else None)
    tree = _tree(tx, record, run_id) if run_id else None
    definition = tree.definition if tree else workflows.definition_of(tx, record)
    jobs = {node.job for node in definition.graph.nodes}
    return Page(
        record, phase(record.watch, visit.at), tree, definition.graph,
        watches.slugs_of(tx, record.workspace_id, jobs), shown, list(_versions(tx, record)),
        manifests.kept_in(tx, record),
    )  # fmt: skip


def _tree(tx: Tx, record: Record, run_id: str) -> Tree:
    tree = flows.tree(tx, record.workspace_id, run_id)
    if tree.run.watch_id != record.id:
        raise Problem("not_found", f"{record.slug} has no run {run_id!r}")
    return tree


def _versions(tx: Tx, record: Record) -> Iterator[tuple[Version, Sequence[Difference]]]:
    """Yield the versions, newest first, each with what it changed."""
    saved = workflows.versions(tx, record, VERSIONS)
    for version, older in zip(saved, [*saved[1:], None], strict=True):
        yield version, workflows.diff(tx, record, older.number, version.number) if older else []


def _locked(tx: Tx, visit: Visit) -> Record:
    return workflows.find(tx, visit.workspace_id, visit.name, lock=True)


async def rerun(visit: Visit) -> Response:
    """Repeat a run, whole or from a node on with what that was given then."""
    run_id, node = visit.form.get("run", ""), visit.form.get("node") or None

    def queued(tx: Tx) -> tuple[Record, Run]:
        record = _locked(tx, visit)
        _tree(tx, record, run_id)
        return record, repeating.rerun(tx, visit.workspace_id, run_id, node, visit.at)

    record, run = await visit.carry_out("workflows.rerun", visit.name, queued)
    return moved(visit, f"flows/{record.slug}?run={run.id}")


async def restore(visit: Visit) -> Response:
    """Save an old version anew, as the present one."""
    require(visit.caller, "workflows.restore")
    number = whole_number(visit.form.get("version", ""), 9)
    if number is None:
        raise Problem("invalid", "version: give the number of a version")

    def restored(tx: Tx) -> Record:
        vault, by = visit.services.vault, visit.caller.name
        return workflows.restore(tx, _locked(tx, visit), number, vault, visit.at, by)

    record = await visit.carry_out("workflows.restore", visit.name, restored)
    return moved(visit, f"flows/{record.slug}")
