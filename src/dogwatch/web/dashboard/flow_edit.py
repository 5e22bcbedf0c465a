"""A workflow as text with its picture beside it: the text is the truth."""

import asyncio
from dataclasses import dataclass, replace
from itertools import islice

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.core.workflow.definition import Definition, to_json
from dogwatch.core.workflow.graph import Graph
from dogwatch.core.workflow.reading import read
from dogwatch.core.workflow.text import lines_of, loaded, written
from dogwatch.usecases import lists, workflows
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit

JOBS, FAULTS = 100, 20
_BEGIN = """\
name: Nightly orders
schedule: 0 3 * * *
nodes:
- key: fetch
  job: {first}
- key: load
  job: {second}
edges:
- source: fetch
  target: load
  on: success
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A workflow, or a new one, as text; `base` says what a draft is a draft of."""

    record: Record | None
    base: str
    text: str
    graph: Graph
    jobs: tuple[str, ...]


async def show(visit: Visit) -> Response:
    """Show the text as it is now, or as it was just sent."""
    page = await visit.see(lambda tx: _page(tx, visit))
    sent = visit.form.get("text")
    return rendered(
        visit, "flow_edit.html", page=page, text=page.text if sent is None else sent,
        faults=await _worded(sent or "", visit.problem),
    )  # fmt: skip


def _page(tx: Tx, visit: Visit) -> Page:
    name = visit.request.path_params.get("name")
    require(visit.caller, "workflows.change" if name else "workflows.make")
    views = lists.watch_page(tx, visit.workspace_id, JOBS, "", {"kind": "job"}, visit.at)
    jobs = tuple(view.record.slug for view in views)
    if name is None:
        first, second, *_ = (*jobs, "fetch-orders", "load-orders")
        text = _BEGIN.format(first=first, second=second)
        return Page(None, "new", text, read(loaded(text)).graph, jobs)
    record = workflows.find(tx, visit.workspace_id, name)
    present = workflows.present(tx, record)
    definition = workflows.named(tx, record.workspace_id, present.definition)
    text = written(to_json(definition))
    return Page(record, f"{record.id}:{present.number}", text, definition.graph, jobs)


async def _asked(visit: Visit) -> Definition:
    """Return what was sent, judged as far as that goes without the jobs that are there."""
    text = visit.form.get("text", "").replace("\r\n", "\n")
    return read(await asyncio.to_thread(loaded, text))  # long text takes its time


async def take(visit: Visit) -> Response:
    """Save the text as another version."""
    asked = await _asked(visit)

    def changed(tx: Tx) -> Record:
        name = visit.name
        record = workflows.find(tx, visit.workspace_id, name, lock=True)
        kept = replace(asked, watch=replace(asked.watch, slug=asked.watch.slug or record.slug))
        vault, by = visit.services.vault, visit.caller.name
        return workflows.edit(tx, record, kept, vault, visit.at, by)

    record = await visit.carry_out("workflows.change", asked.watch.name[:200], changed)
    return moved(visit, f"flows/{record.slug}")


async def make(visit: Visit) -> Response:
    """Make a workflow of the text."""
    asked = await _asked(visit)

    def made(tx: Tx) -> Record:
        vault, by = visit.services.vault, visit.caller.name
        return workflows.add(tx, visit.workspace_id, asked, vault, visit.at, by)

    record = await visit.carry_out("workflows.make", asked.watch.name[:200], made)
    return moved(visit, f"flows/{record.slug}")


async def preview(visit: Visit) -> Response:
    """Draw the text that stands in a form, or say what is wrong with it; nothing is saved."""
    require(visit.caller, "workflows.make")
    graph, problem = Graph(), None
    try:
        asked = await _asked(visit)
        graph = asked.graph
        await visit.see(lambda tx: workflows.check(tx, visit.workspace_id, asked))
    except Problem as found:
        problem = found
    faults = await _worded(visit.form.get("text", ""), problem)
    return rendered(visit, "flow_preview.html", graph=graph, faults=faults)


async def _worded(text: str, problem: Problem | None) -> list[str]:
    """Return what is wrong, each with the line where that is known."""
    fields = dict(islice(problem.fields.items(), FAULTS)) if problem else {}
    lines: dict[str, int] = {}
    if fields.keys() - {"text"}:
        lines = await asyncio.to_thread(lines_of, text, list(fields))
    return [
        told if place == "text" else f"{_line(lines.get(place))}{place[:100]}: {told}"
        for place, told in fields.items()
    ]


def _line(number: int | None) -> str:
    return f"line {number}, " if number else ""
