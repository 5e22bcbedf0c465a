"""What follows the end of a run, and when."""

import pytest

from dogwatch.core.conditional import ConditionalAction, On, check, due, met
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome

RUN = ConditionalAction(On.SUCCESS, run="other")
SEND = ConditionalAction(On.FAILURE, channel="c", message="{{event.name}}")


@pytest.mark.parametrize(
    ("outcome", "condition", "wanted"),
    [
        (Outcome.OK, False, {On.SUCCESS, On.ALWAYS}),
        (Outcome.SLOW, True, {On.SUCCESS, On.ALWAYS, On.CONDITION}),
        (Outcome.FAIL, True, {On.FAILURE, On.ALWAYS}),
        (Outcome.TIMEOUT, False, {On.FAILURE, On.ALWAYS}),
        (Outcome.SKIPPED, True, set()),
        (Outcome.UNKNOWN, True, set()),
        (None, True, set()),
    ],
)
def test_when(outcome: Outcome | None, condition: bool, wanted: set[On]) -> None:
    assert {on for on in On if met(on, outcome, condition=condition)} == wanted


def test_in_order_of_outcome_always_condition() -> None:
    actions = [ConditionalAction(on, run="x") for on in (On.CONDITION, On.ALWAYS, On.SUCCESS)]
    told = [one.on for one in due(actions, Outcome.OK, condition=True)]
    assert told == [On.SUCCESS, On.ALWAYS, On.CONDITION]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (ConditionalAction(On.ALWAYS), "actions.0.run"),
        (ConditionalAction(On.ALWAYS, run="a", channel="b"), "actions.0.run"),
        (ConditionalAction(On.ALWAYS, run="own"), "actions.0.run"),
        (ConditionalAction(On.ALWAYS, channel="c"), "actions.0.message"),
        (ConditionalAction(On.ALWAYS, channel="c", message="{{no}}"), "actions.0.message"),
        (
            ConditionalAction(On.ALWAYS, channel="c", message="m", subject="{{no}}"),
            "actions.0.subject",
        ),
        (
            ConditionalAction(On.ALWAYS, channel="c", message="m", subject="s" * 201),
            "actions.0.subject",
        ),
    ],
)
def test_faults_have_their_place(bad: ConditionalAction, field: str) -> None:
    with pytest.raises(Problem) as problem:
        check([bad], "own")
    assert list(problem.value.fields) == [field]


def test_good_ones_pass_and_survive_their_text() -> None:
    check([RUN, SEND], "own")
    assert [ConditionalAction.from_json(one.to_json()) for one in (RUN, SEND)] == [RUN, SEND]
    with pytest.raises(Problem, match="at most 20"):
        check([RUN] * 21, "own")
