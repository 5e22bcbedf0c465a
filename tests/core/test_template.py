"""Templates of messages: names filled in once, nothing else."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dogwatch.core import template

VALUES = {
    "event": {"name": "Nightly", "status": "failure", "duration": 80_000, "error": None},
    "run": {"id": "r1", "ms": 585},
    "output": {"total": 3, "deep": {"er": "x"}},
    "input": "text",
    "condition": True,
    "variables": {"A.B": "{{event.name}}", "KEY": "v"},
}


def told(given: str, values: Mapping[str, Any]) -> str:
    """Fill in as messages are: all but variables when one is written, these when it is sent."""
    now = {name: value for name, value in values.items() if name != "variables"}
    kept = json.loads(json.dumps(template.fill(given, now)))
    parts = [part if isinstance(part, str) else (part[0], part[1]) for part in kept]
    return template.join(parts, {"variables": values.get("variables", {})})


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("{{event.name}} is {{ event.status }}", "Nightly is failure"),
        ("{{cronium.event.name}} {{{cronium.input}}}", "Nightly text"),
        ("{{cronium.getVariables.KEY}}{{cronium.getCondition}}", "vtrue"),
        ("{{output.total}} {{output.deep.er}} {{output.deep}}", '3 x {"er": "x"}'),
        ("{{json output}}", '{"total": 3, "deep": {"er": "x"}}'),
        ("{{formatDuration event.duration}}", "1 min"),
        ("{{formatDuration run.ms}}", "585 ms"),
        # what has no value is empty
        ("<{{event.error}}{{output.none.at.all}}{{variables.GONE}}>", "<>"),
        # what is filled in is not looked at again
        ("{{variables.A.B}}", "{{event.name}}"),
        # what is no name stays as it is
        ("{{#if x}}a{{/if}} {{}} {{ a b }} }} {{", "{{#if x}}a{{/if}} {{}} {{ a b }} }} {{"),
        ("{{ {{event.name}}", "{{ Nightly"),
        ("", ""),
    ],
)
def test_filling_in(given: str, made: str) -> None:
    assert told(given, VALUES) == made


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**400, -(10**400), 1e300, True])
def test_a_duration_that_is_none(value: float) -> None:
    made = told("{{formatDuration output.x}}", {"output": {"x": value}})
    assert made == json.dumps(value)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ('{{#ifEquals event.status "failure"}}bad{{else}}good{{/ifEquals}}!', "bad!"),
        ("{{#ifEquals cronium.event.status 'success'}}good{{else}}bad{{/ifEquals}}!", "bad!"),
        ('{{#ifEquals event.status "success"}}good{{/ifEquals}}!', "!"),
        ("{{#ifEquals output.total 3}}three {{event.name}}{{/ifEquals}}", "three Nightly"),
        ("{{#ifEquals condition true}}yes{{/ifEquals}}", "yes"),
        ("{{#ifEquals event.error null}}none{{/ifEquals}}", "none"),
        ("{{#ifEquals variables.KEY 'v'}}{{event.name}}{{else}}x{{/ifEquals}}", "Nightly"),
        ("{{#ifEquals variables.KEY variables.A.B}}same{{else}}other{{/ifEquals}}", "other"),
        # within one another
        (
            "{{#ifEquals variables.KEY 'v'}}a{{#ifEquals run.id 'r1'}}b{{else}}c{{/ifEquals}}"
            "{{#ifEquals variables.KEY 'w'}}d{{else}}e{{/ifEquals}}{{else}}f{{/ifEquals}}g",
            "abeg",
        ),
        ("{{#ifEquals run.id 'no'}}{{#ifEquals variables.KEY 'v'}}a{{/ifEquals}}{{/ifEquals}}", ""),
        # what is no block stays as it is
        (
            "{{else}} {{/ifEquals}} {{#ifEquals run.id}}",
            "{{else}} {{/ifEquals}} {{#ifEquals run.id}}",
        ),
        ("{{#ifEquals run.id 1 2}}", "{{#ifEquals run.id 1 2}}"),
    ],
)
def test_a_block_is_there_if_two_are_equal(given: str, made: str) -> None:
    assert told(given, VALUES) == made


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("{{event.name}} {{output.any.thing}} {{variables.X}} {{run.id}}", None),
        ("{{event.secret}}", "there is no 'event.secret'"),
        ("{{nothing}}", "there is no 'nothing'"),
        ("{{variables}}", "there is no 'variables'"),
        ("{{#ifEquals event.status nothing}}{{/ifEquals}}", "there is no 'nothing'"),
        ("{{#ifEquals event.status 'x'}}a{{else}}b", "an ifEquals has no {{/ifEquals}}"),
        ("x" * 10_001, "at most 10000 characters"),
    ],
)
def test_names_that_there_are_not(given: str, why: str | None) -> None:
    fault = template.fault(given)
    assert fault is None if why is None else fault and fault.startswith(why)


def test_what_is_long_is_cut() -> None:
    values = {"output": "y" * 100_000}
    assert len(told("{{output}}", values)) == template.MAX_VALUE
    made = told("x" + "{{output}}" * 900, values)
    assert (len(made), made[-1]) == (template.MAX_TEXT, "…")


def test_braces_without_end_take_no_longer_than_others() -> None:
    deep = "{{#ifEquals output output}}" * 370
    for evil in (deep, "{{" * 5_000, "{{a" * 3_300 + "}}", "}}" * 5_000, "{" * 9_999):
        assert len(told(evil, VALUES)) <= template.MAX_TEXT
