"""Which program runs a script, and why none does."""

from pathlib import Path

import pytest

from dogwatch.core.problems import Problem
from dogwatch.core.script_action import Language, ScriptAction
from dogwatch.runners.interpreters import Interpreters

HERE = Interpreters({"bash": "bash", "python": "off", "node": "/nowhere"}, ("sh", "/bin/nothing"))


def test_the_usual_and_the_allowed_ones_are_found() -> None:
    assert Path(HERE.find(ScriptAction("bash", "1"))).name == "bash"
    assert Path(HERE.find(ScriptAction("bash", "1", interpreter="sh"))).name == "sh"


@pytest.mark.parametrize(
    ("language", "named", "field", "why"),
    [
        ("python", None, "language", "switched off"),
        ("python", "sh", "language", "switched off"),
        ("node", None, "language", "not found: /nowhere"),
        ("bash", "/bin/nothing", "interpreter", "not found: /bin/nothing"),
        ("bash", "/bin/bash", "interpreter", "allowed are bash, sh"),
    ],
)
def test_what_cannot_run_is_said(
    language: Language, named: str | None, field: str, why: str
) -> None:
    with pytest.raises(Problem) as caught:
        HERE.find(ScriptAction(language, "1", interpreter=named))
    assert why in caught.value.fields[field]
