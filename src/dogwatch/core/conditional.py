"""Conditional actions: what is to follow the end of a run, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dogwatch.core import template
from dogwatch.core.problems import refuse
from dogwatch.core.result import BAD, GOOD, Outcome

MAX_ACTIONS = 20
MAX_DEPTH = 10
"""So many runs may follow from one another; what would come after them is not begun."""
SUBJECT_LENGTH = 200
TOO_DEEP = f"{MAX_DEPTH} runs have followed from one another: the chain is stopped here"


class On(StrEnum):
    """When something follows: however a run ended, or if it did so."""

    ALWAYS = "always"
    SUCCESS = "success"
    FAILURE = "failure"
    CONDITION = "condition"


_ORDER = (On.SUCCESS, On.FAILURE, On.ALWAYS, On.CONDITION)


def met(on: On, outcome: Outcome | None, *, condition: bool) -> bool:
    """Whether what is to follow does so; nothing follows what ended neither well nor badly.

    A timeout is a failure. A condition counts only of a run that ended well.
    """
    good = outcome in GOOD
    if not good and outcome not in BAD:
        return False
    if on is On.CONDITION:
        return good and condition
    return on is On.ALWAYS or on is (On.SUCCESS if good else On.FAILURE)


@dataclass(frozen=True, slots=True)
class ConditionalAction:
    """Run the job `run` with the output as its input, or send `message` through `channel`.

    One of `run` and `channel` is set. `subject` and `message` are templates.
    """

    on: On
    run: str = ""
    channel: str = ""
    subject: str = ""
    message: str = ""

    def to_json(self) -> dict[str, str]:
        """Return what `from_json` reads."""
        if self.run:
            return {"on": str(self.on), "run": self.run}
        return {
            "on": str(self.on),
            "channel": self.channel,
            "subject": self.subject,
            "message": self.message,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ConditionalAction":
        """Read what is stored."""
        return cls(**{**data, "on": On(data["on"])})


def due(
    actions: Sequence[ConditionalAction], outcome: Outcome | None, *, condition: bool
) -> list[ConditionalAction]:
    """Return what follows a run, in order: by its outcome, always, on condition."""
    wanted = [one for one in actions if met(one.on, outcome, condition=condition)]
    return sorted(wanted, key=lambda one: _ORDER.index(one.on))


def check(actions: Sequence[ConditionalAction], own: str) -> None:
    """Raise a Problem that names every fault by field; `own` is the id of whose actions these are.

    Longer circles are for the limit on depth: a condition may end them.
    """
    bad: dict[str, str] = {}
    if len(actions) > MAX_ACTIONS:
        bad["actions"] = f"at most {MAX_ACTIONS} actions"
    for index, one in enumerate(actions):
        bad |= {f"actions.{index}.{name}": told for name, told in _faults(one, own).items()}
    refuse(bad)


def _faults(action: ConditionalAction, own: str) -> dict[str, str]:
    if bool(action.run) == bool(action.channel):
        return {"run": "give either run, a job, or channel with message"}
    if action.run:
        return {"run": "a job cannot follow itself"} if action.run == own else {}
    bad = {}
    if not action.message.strip():
        bad["message"] = "is required"
    elif fault := template.fault(action.message):
        bad["message"] = fault
    if len(action.subject) > SUBJECT_LENGTH:
        bad["subject"] = f"at most {SUBJECT_LENGTH} characters"
    elif fault := template.fault(action.subject):
        bad["subject"] = fault
    return bad
