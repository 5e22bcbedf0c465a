"""A manifest as YAML: sections in one order, each a list of objects."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from dogwatch.core.manifest.said import Told
from dogwatch.core.problems import Problem, in_words, invalid
from dogwatch.core.workflow.text import lines_of, loaded
from dogwatch.core.workflow.text import written as dumped

VERSION = 1
# Each section may name what stands in those before it.
SECTIONS = (
    "projects", "variables", "channels", "watches", "probes", "jobs", "workflows", "rules",
    "maintenance", "status_pages",
)  # fmt: skip
# As JSON, it is a body that the API takes: of 1 MiB.
MAX_LENGTH = 900_000
# How many faults are gathered at most.
MOST_FAULTS = 50

Document = Mapping[str, Sequence[Told]]


def written(document: Document) -> str:
    """Return a manifest as YAML; sections without anything are left out."""
    parts = [f"dogwatch: {VERSION}\n"]
    parts += [dumped({name: list(document[name])}) for name in SECTIONS if document.get(name)]
    return "\n".join(parts)


def read(text: str) -> Document:
    """Return what YAML holds, each section a list of objects; a Problem names every fault."""
    data = loaded(text, "text", MAX_LENGTH)
    if not isinstance(data, dict):
        raise invalid("text", "must be an object of sections, such as watches")
    bad = _faults(data)
    if bad:
        raise located(text, Problem("invalid", in_words(bad), bad))
    return {name: data.get(name) or [] for name in SECTIONS}


def _faults(data: Mapping[str, Any]) -> dict[str, str]:
    bad = {}
    version = data.get("dogwatch")
    if type(version) is not int or version != VERSION:  # true and 1.0 are equal to 1
        bad["dogwatch"] = f"must be {VERSION}, the version of this format"
    for name, section in islice(data.items(), MOST_FAULTS):
        if name == "dogwatch":
            continue
        if name not in SECTIONS:
            bad[str(name)[:64]] = f"is no section; there are {', '.join(SECTIONS)}"
        elif not isinstance(section, list | None):
            bad[name] = "must be a list"
        else:
            wrong = (n for n, one in enumerate(section or ()) if not isinstance(one, dict))
            bad |= {f"{name}.{n}": "must be an object" for n in islice(wrong, MOST_FAULTS)}
    return bad


def located(text: str, problem: Problem, *, in_order: bool = False) -> Problem:
    """Return a problem whose faults tell the lines that they stand on, or also stand in order."""
    without = [place for place, told in problem.fields.items() if "line " not in told]
    lines = lines_of(text, without) if without else {}  # a text is slow to read
    told = list(problem.fields.items())
    if in_order:
        told.sort(key=lambda one: lines.get(one[0], 0))
    fields = {
        place: f"line {lines[place]}: {why}" if place in lines else why for place, why in told
    }
    return problem.of_fields(fields, in_words(fields) or None)
