"""What follows runs: other jobs with the output, messages by template, and where chains end."""

import pytest
from sqlalchemy import delete

from dogwatch.core.alerts import Verdict
from dogwatch.core.conditional import MAX_DEPTH, ConditionalAction, On
from dogwatch.core.message import words
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome
from dogwatch.core.run import Overlap
from dogwatch.store import runs as run_rows
from dogwatch.store.tables import tasks
from dogwatch.usecases import actions, channels, following, runs, variables, watches
from tests.harness.flowing import Flowing
from tests.harness.house import House, after

# What differs between the two databases is told by the other tests.
alone = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def flowing(house: House) -> Flowing:
    """Two jobs, a and b."""
    for name in "ab":
        house.job(f"job-{name}", schedule=None, kind="script")
    return Flowing(house)


def effects(flowing: Flowing, run_id: str) -> list[tuple[str, str, str]]:
    """Return what followed a run: when, what became of it, why not."""
    house = flowing.house
    found = house.see(actions.effects_of, house.workspace.id, run_id)
    return [(str(one.action.on), one.state, one.reason) for one in found]


def test_another_job_gets_the_output(flowing: Flowing) -> None:
    house = flowing.house
    flowing.acts(
        "job-a",
        ConditionalAction(On.SUCCESS, run="job-b"),
        ConditionalAction(On.FAILURE, run="job-b"),
    )
    run = flowing.house.trigger("job-a")
    flowing.finish(flowing.claim(1)["a"], 2, output="[1,2]")
    assert [row["state"] for row in house.rows("effects")] == ["waiting"]
    assert flowing.conduct(3) == 1
    assert effects(flowing, run.id) == [("success", "done", "")]
    work = flowing.claim(4)["b"]
    assert (work.given, work.run.trigger) == ("[1,2]", "action")
    assert (work.run.parent_id, work.run.depth) == (run.id, 1)
    flowing.finish(work, 5)
    assert (house.flips("job-b"), house.rows("tasks"), house.audit(6)) == ([("new", "up")], [], [])


def test_what_is_masked_stays_masked_on_its_way(flowing: Flowing) -> None:
    house = flowing.house
    channel = house.channel()
    flowing.acts(
        "job-a",
        ConditionalAction(On.SUCCESS, run="job-b"),
        ConditionalAction(On.SUCCESS, channel=channel.id, message="it said {{output}}"),
    )
    flowing.acts("job-b", ConditionalAction(On.SUCCESS, channel=channel.id, message="{{input}}"))
    house.trigger("job-a")
    flowing.finish(flowing.claim(1)["a"], 2, output='{"pin":73914628}', masked='{"pin":"***"}')
    flowing.conduct(3)
    work = flowing.claim(4)["b"]
    assert (work.given, work.run.shown_input) == ('{"pin":73914628}', '{"pin":"***"}')
    assert work.handed_secrets == ["73914628"]
    flowing.finish(work, 5)
    flowing.conduct(6)
    told = [words(one.message).notes for one in house.parcels(7) if one.delivery.event == "note"]
    assert told == [('it said {"pin": "***"}',), ('{"pin": "***"}',)]


@alone
@pytest.mark.parametrize(
    ("outcome", "condition", "followed"),
    [
        (Outcome.OK, True, ["success", "always", "condition"]),
        (Outcome.OK, None, ["success", "always"]),
        (Outcome.TIMEOUT, True, ["failure", "always"]),
        (Outcome.SKIPPED, None, []),
    ],
)
def test_what_follows_which_end(
    flowing: Flowing, outcome: Outcome, condition: bool | None, followed: list[str]
) -> None:
    flowing.house.job("job-c", schedule=None, kind="script", overlap=Overlap.ALLOW)
    flowing.acts("job-a", *(ConditionalAction(on, run="job-c") for on in On))
    run = flowing.house.trigger("job-a")
    work = flowing.claim(1)["a"]
    flowing.finish(work, 2, outcome, condition=condition, retryable=False)
    flowing.conduct(3)
    assert [told[0] for told in effects(flowing, run.id)] == followed


@alone
def test_nothing_follows_an_attempt_that_is_tried_again(flowing: Flowing) -> None:
    house = flowing.house
    house.job("job-c", schedule=None, kind="script", max_attempts=2)
    flowing.acts("job-c", ConditionalAction(On.FAILURE, run="job-b"))
    house.trigger("job-c")
    flowing.finish(flowing.claim(1)["c"], 2, Outcome.FAIL)
    assert house.rows("effects") == []
    flowing.finish(flowing.claim(60)["c"], 61, Outcome.FAIL)
    assert len(house.rows("effects")) == 1


@alone
def test_the_ledger_says_how_a_run_ended(flowing: Flowing) -> None:
    house = flowing.house
    house.job("job-c", schedule=None, kind="script", min_duration_ms=5_000)
    flowing.acts("job-c", ConditionalAction(On.FAILURE, run="job-b"))
    house.trigger("job-c")
    flowing.finish(flowing.claim(1)["c"], 2, duration_ms=1_000)
    flowing.conduct(3)
    assert list(flowing.claim(4)) == ["b"]


@alone
def test_what_cannot_follow_says_why(flowing: Flowing) -> None:
    house = flowing.house
    flowing.acts("job-a", ConditionalAction(On.ALWAYS, run="job-b"))
    house.trigger("job-b")
    run = house.trigger("job-a")
    works = flowing.claim(1)
    flowing.finish(works["a"], 2)
    flowing.conduct(3)
    assert effects(flowing, run.id) == [
        ("always", "refused", "the run before is still going; overlap is skip")
    ]
    house.on("job-b", lambda tx, record: watches.remove(tx, record))
    second = house.trigger("job-a", at=4)
    flowing.finish(flowing.claim(5)["a"], 6)
    flowing.conduct(7)
    assert effects(flowing, second.id) == [("always", "refused", "the job is gone")]


@alone
def test_a_mistake_of_ours_holds_up_no_other(
    flowing: Flowing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(template: str, values: object) -> str:
        raise ZeroDivisionError(template)

    monkeypatch.setattr(following, "fill", mistaken)
    flowing.house.job("job-c", schedule=None, kind="script")
    channel = flowing.house.channel()
    flowing.acts("job-a", ConditionalAction(On.ALWAYS, channel=channel.id, message="x"))
    flowing.acts("job-b", ConditionalAction(On.ALWAYS, run="job-c"))
    first, second = flowing.house.trigger("job-a"), flowing.house.trigger("job-b")
    for work in flowing.claim(1).values():
        flowing.finish(work, 2)
    flowing.conduct(3)
    assert effects(flowing, first.id) == [("always", "refused", following.MISTAKE)]
    assert [state for _, state, _ in effects(flowing, second.id)] == ["done"]


@alone
def test_a_chain_without_end_is_stopped(flowing: Flowing) -> None:
    house = flowing.house
    flowing.acts("job-a", ConditionalAction(On.ALWAYS, run="job-b"))
    flowing.acts("job-b", ConditionalAction(On.ALWAYS, run="job-a"))
    house.trigger("job-a")
    order: list[str] = []
    while played := flowing.play():
        order += played
        flowing.conduct(0)
    assert len(order) == MAX_DEPTH + 1
    (told,) = [row for row in house.rows("effects") if row["state"] == "refused"]
    assert told["reason"].startswith("10 runs have followed from one another")
    with pytest.raises(Problem, match="cannot follow itself"):
        flowing.acts("job-a", ConditionalAction(On.ALWAYS, run="job-a"))


def test_a_message_in_words_of_ones_own(flowing: Flowing) -> None:
    house = flowing.house
    channel = house.channel()
    house.do(variables.put, house.vault, house.workspace.id, "TEAM", "{{event.name}}", after(0))
    flowing.acts("job-a", ConditionalAction(
        On.FAILURE, channel=channel.id, subject="{{event.name}} {{event.status}}",
        message="Hello {{cronium.getVariables.TEAM}}:\n{{event.error}}, {{output.n}} left",
    ))  # fmt: skip
    run = house.trigger("job-a")
    work = flowing.claim(1)["a"]
    house.do(run_rows.append_output, house.workspace.id, run.id, [(1, "stdout", "hi")])
    flowing.finish(work, 2, Outcome.FAIL, output='{"n":3}', reason="exit status 3")
    flowing.conduct(3)
    assert "{{event.name}}" not in str(house.rows("deliveries"))
    (parcel,) = [one for one in house.parcels(4) if one.delivery.event == "note"]
    told = words(parcel.message)
    assert told.title == "job-a failure"
    assert told.notes == ("Hello {{event.name}}:", "exit status 3, 3 left")
    house.settle(parcel, 5, Verdict.SENT)
    assert [row["state"] for row in house.rows("deliveries")][-1] == "sent"
    house.do(channels.remove_channel, house.workspace.id, channel.id)
    second = house.trigger("job-a", at=6)
    flowing.finish(flowing.claim(7)["a"], 8, Outcome.FAIL)
    flowing.conduct(9)
    assert effects(flowing, second.id) == [("failure", "refused", "the channel is gone")]


@alone
def test_a_workflow_can_follow_and_be_followed(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("x>y")
    house.job("job-c", schedule=None, kind="script")
    flowing.acts("job-a", ConditionalAction(On.SUCCESS, run="flow"))
    flowing.acts("flow", ConditionalAction(On.SUCCESS, run="job-c"))
    flowing.acts("job-x", ConditionalAction(On.SUCCESS, run="job-b"))
    house.trigger("job-a")
    flowing.finish(flowing.claim(1)["a"], 2, output="7")
    flowing.conduct(3)
    flowing.conduct(3)
    work = flowing.claim(4)["x"]
    assert (work.given, work.run.depth) == ("7", 1)
    flowing.finish(work, 5)
    assert flowing.play(6) == ["y"]
    flowing.conduct(7)
    # of its nodes, the edges alone say what follows
    assert list(flowing.claim(8)) == ["c"]
    assert runs.LANES == ("script", "http", "probe")


@alone
@pytest.mark.parametrize(
    ("action", "field"),
    [
        (ConditionalAction(On.ALWAYS, run="nobody"), "actions.0.run"),
        (ConditionalAction(On.ALWAYS, run="beat"), "actions.0.run"),
        (ConditionalAction(On.ALWAYS, channel="nowhere", message="m"), "actions.0.channel"),
    ],
)
def test_targets_are_there(flowing: Flowing, action: ConditionalAction, field: str) -> None:
    flowing.house.watch("beat")
    with pytest.raises(Problem) as problem:
        flowing.acts("job-a", action)
    assert list(problem.value.fields) == [field]


@alone
def test_the_audit_sees_what_nothing_will_do(flowing: Flowing) -> None:
    house = flowing.house
    flowing.acts("job-a", ConditionalAction(On.SUCCESS, run="job-b"))
    run = house.trigger("job-a")
    flowing.finish(flowing.claim(1)["a"], 2)
    assert house.audit(3) == []
    house.plant(delete(tasks))
    found = [(one.rule, one.where, one.detail) for one in house.audit(3)]
    assert found == [("what follows is done", run.id, "nothing will do action 0")]
