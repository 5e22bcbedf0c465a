"""Conditional actions as Cronium lays them out: {type, action, details}."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictInt, StrictStr, field_validator

from dogwatch.core.conditional import ConditionalAction, On
from dogwatch.core.problems import Problem
from dogwatch.web.dialects.cronium.wire.fields import Sent, choice, fault, nullable, whole

TRIGGERS: Mapping[On, str] = {
    On.SUCCESS: "ON_SUCCESS",
    On.FAILURE: "ON_FAILURE",
    On.ALWAYS: "ALWAYS",
    On.CONDITION: "ON_CONDITION",
}
ONS: Mapping[str, On] = {name: on for on, name in TRIGGERS.items()}
SCRIPT, SEND_MESSAGE, NONE = "SCRIPT", "SEND_MESSAGE", "NONE"
_FIELDS = {
    "run": "targetEventId",
    "channel": "toolId",
    "message": "message",
    "subject": "emailSubject",
}

TriggerName = Annotated[str, choice(*ONS, also={"ON_ALWAYS": "ALWAYS", "ON_FAIL": "ON_FAILURE"})]
Text = Annotated[StrictStr | None, AfterValidator(whole)]


class Details(Sent):
    """What an action does: it runs another event, or sends a message by the channel `toolId`."""

    target_event_id: StrictInt | None = None
    tool_id: StrictStr | None = None
    message: Text = None
    email_addresses: Any = None
    email_subject: Text = None

    @field_validator("email_addresses", mode="before")
    @classmethod
    def _none(cls, value: Any) -> None:
        if value:
            raise fault("must be empty: a channel knows whom it tells; name it in toolId")


class Action(Sent):
    """One conditional action."""

    type: TriggerName
    action: Annotated[str, choice(SCRIPT, SEND_MESSAGE, NONE)]
    details: Annotated[Details, nullable({})] = Field(default_factory=Details)

    def ours(self, targets: Mapping[int, str]) -> ConditionalAction:
        """Return our action; `targets` are the ids of events by their numbers."""
        on, details = ONS[self.type], self.details
        if self.action == SCRIPT:
            number = details.target_event_id
            return ConditionalAction(on, run=targets.get(number or 0, f"event {number}"))
        return ConditionalAction(
            on,
            channel=details.tool_id or "",
            subject=details.email_subject or "",
            message=details.message or "",
        )


def theirs(action: ConditionalAction, numbers: Mapping[str, int]) -> Action:
    """Return an action as it is shown; `numbers` are those of events by their ids."""
    kind = TRIGGERS[action.on]
    if action.run:
        shown = Details(target_event_id=numbers.get(action.run))
        return Action(type=kind, action=SCRIPT, details=shown)
    shown = Details(
        tool_id=action.channel, message=action.message, email_subject=action.subject or None
    )
    return Action(type=kind, action=SEND_MESSAGE, details=shown)


def targets_of(actions: Sequence[Action]) -> set[int]:
    """Return the numbers of the events that actions run."""
    return {one.details.target_event_id or 0 for one in actions if one.action == SCRIPT}


def worded(problem: Problem) -> Problem:
    """Return a problem of actions with its fields by Cronium's names."""
    fields = {}
    for name, told in problem.fields.items():
        noun, _, place = name.partition(".")
        index, _, part = place.partition(".")
        if noun == "actions":
            inner = f".{index}.details.{_FIELDS.get(part, part)}" if part else ""
            fields[f"conditionalActions{inner}"] = told
    return problem.of_fields(fields)
