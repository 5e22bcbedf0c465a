"""Runs of workflows on both databases: begun, moved on, stopped, timed out, lost, repeated."""

from collections.abc import Sequence
from functools import partial

import pytest
from sqlalchemy import delete, update

from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome, Result
from dogwatch.core.run import LostRun, Overlap
from dogwatch.store import runs as run_rows
from dogwatch.store.tables import runs as run_table
from dogwatch.store.tables import watches as watch_table
from dogwatch.usecases import nodes as node_cases
from dogwatch.usecases import repeating, runs, watches, workflows
from dogwatch.usecases.runs import Ended, Work
from tests.harness.flowing import Flowing
from tests.harness.house import House, after

FAIL = Outcome.FAIL


# What differs between the two databases is told by the other tests.
alone = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def flowing(house: House) -> Flowing:
    """Workflows in a house."""
    return Flowing(house)


def test_from_the_first_node_to_the_last(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b, a>c, b>d, c>d", schedule="* * * * *")
    house.fire(60)
    assert flowing.conduct(61) == 1
    (run,) = [row for row in house.rows("runs") if row["trigger"] == "schedule"]
    assert (run["state"], run["started_at"]) == ("running", after(61))
    works = flowing.claim(62)
    assert list(works) == ["a"]
    assert (works["a"].run.trigger, works["a"].run.parent_id) == ("workflow", run["id"])
    flowing.finish(works["a"], 63, output='{"n":1}')
    works = flowing.claim(64)
    assert {name: work.given for name, work in works.items()} == {"b": '{"n":1}', "c": '{"n":1}'}
    flowing.finish(works["b"], 65, output="2")
    assert flowing.claim(66) == {}
    flowing.finish(works["c"], 67)
    work = flowing.claim(68)["d"]
    assert work.given == '{"b":2,"c":null}'
    flowing.finish(work, 69)
    assert house.slots("flow") == [(60, "ok")]
    assert house.flips("flow") == [("new", "up")]
    assert (house.rows("tasks"), house.audit(70)) == ([], [])
    (told,) = [row for row in house.rows("runs") if row["id"] == run["id"]]
    assert (told["duration_ms"], told["finished_at"]) == (8_000, after(69))


@alone
def test_nodes_do_not_touch_the_watch_of_their_job(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b?failure")
    house.job("job-c", schedule="* * * * *", kind="script")
    run = flowing.trigger()
    flowing.play(a=FAIL)
    assert house.find("job-a").watch.status == "new"
    assert house.flips("job-a") == []
    assert house.slots("job-a") == [(None, "fail")]
    assert flowing.ended(run) == ("ok", "a failed: boom (its edge on failure took over)")
    steps = flowing.tree(run).steps
    assert (steps["a"].outcome, steps["a"].handled) == ("fail", True)
    assert house.flips("flow") == [("new", "up")]


def test_the_last_run_of_a_job_is_none_of_a_workflow(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b")
    own = house.trigger("job-a")
    flowing.finish(flowing.claim(1)["a"], 2)
    flow = flowing.trigger(at=3)
    flowing.play(4)
    ids = {row["slug"]: row["id"] for row in house.rows("watches")}
    last = house.see(run_rows.last_of, house.workspace.id, list(ids.values()))
    assert {key: run.id for key, run in last.items()} == {
        ids["job-a"]: own.id,
        ids["flow"]: flow.id,
    }


@alone
def test_a_failure_that_nobody_handles(flowing: Flowing) -> None:
    flowing.make("a>b, b>c, a>d?failure")
    run = flowing.trigger()
    assert flowing.play(b=FAIL) == ["a", "b"]
    assert flowing.ended(run) == ("fail", "b failed: boom")
    assert flowing.told(run) == "a ok, b fail, c skipped, d skipped"
    assert flowing.tree(run).steps["c"].reason == "b ended fail, and the edge asks for success"
    assert flowing.house.flips("flow") == [("new", "down")]


@alone
def test_it_has_its_watch_like_everything_else(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b", schedule="* * * * *", start_by_s=20, finish_by_s=40, slow_after_ms=5_000)
    for at, ends_at in ((60, 62), (120, 130)):
        house.fire(at)
        flowing.conduct(at + 1)
        flowing.play(ends_at)
    house.fire(180)
    house.lapse(199)
    assert len(house.rows("flips")) == 2
    house.lapse(201)  # it waits too long
    flowing.conduct(210)
    flowing.play(212)
    house.fire(240)
    flowing.conduct(241)
    house.lapse(279)
    assert len(house.rows("flips")) == 4
    house.lapse(281)  # it takes too long
    flowing.play(283)
    assert house.slots("flow") == [(60, "ok"), (120, "slow"), (180, "ok"), (240, "timeout")]
    flips = [(row["to_status"], row["reason"]) for row in house.rows("flips")]
    assert flips == [
        ("up", ""), ("degraded", "took 9000 ms, at most 5000 expected"),
        ("down", "not started in time"), ("up", ""), ("down", "not finished in time"), ("up", ""),
    ]  # fmt: skip


@alone
def test_a_condition(flowing: Flowing) -> None:
    flowing.make("a>b?condition, a>c?condition, b>d")
    run = flowing.trigger()
    flowing.finish(flowing.claim(1)["a"], 2, condition=True)
    assert flowing.play(3) == ["b", "c", "d"]
    assert flowing.ended(run) == ("ok", "")
    other = flowing.trigger(at=4)
    flowing.finish(flowing.claim(5)["a"], 6, condition=False)
    assert flowing.ended(other) == ("ok", "")
    assert flowing.told(other) == "a ok, b skipped, c skipped, d skipped"


@alone
def test_the_input_of_a_run_is_that_of_its_first_nodes(flowing: Flowing) -> None:
    flowing.make("a>b, c>b")
    flowing.trigger('{"order":7}')
    works = flowing.claim(1)
    assert [works[name].given for name in "ac"] == ['{"order":7}'] * 2


@alone
def test_retries_and_timeout_of_a_node_replace_those_of_its_job(flowing: Flowing) -> None:
    flowing.make("a>b", nodes={"a": {"retries": 1, "timeout_s": 7.5}})
    run = flowing.trigger()
    work = flowing.claim(1)["a"]
    assert work.action["timeout_s"] == 7.5
    flowing.finish(work, 2, FAIL, reason="boom")
    step = flowing.tree(run).steps["a"]
    assert step.run is not None
    assert (step.run.state, step.run.reason) == ("queued", "attempt 1: boom")
    assert step.run.retry_at is not None
    assert after(11) <= step.run.retry_at <= after(13)
    work = flowing.claim(20)["a"]
    assert work.task.attempt == 2
    step = flowing.tree(run).steps["a"]
    assert step.run is not None
    assert step.run.retry_at is None
    flowing.finish(work, 21, FAIL, reason="boom")
    assert flowing.ended(run)[0] == "fail"
    assert flowing.claim(22) == {}


def test_cancelling_stops_what_runs_and_passes_over_the_rest(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>c, b>c, c>d")
    run = flowing.trigger()
    work = house.claim(1, lane="script", limit=1)[0]  # the other one waits
    house.do(runs.cancel, house.workspace.id, run.id, "not today", after(2))
    assert flowing.ended(run) == (None, "")
    assert house.see(runs.find, house.workspace.id, work.run.id).cancel_reason == "not today"
    house.finish(work, 3, Outcome.SKIPPED, reason="not today", retryable=False)
    assert flowing.ended(run) == ("skipped", "not today")
    assert flowing.told(run) == "a skipped, c skipped, b skipped, d skipped"
    assert {step.reason for step in flowing.tree(run).steps.values()} == {"not today"}
    assert (house.rows("tasks"), house.audit(4)) == ([], [])
    with pytest.raises(Problem, match="ended already"):
        house.do(runs.cancel, house.workspace.id, run.id, "again", after(5))


@alone
def test_a_run_that_waits_is_cancelled_at_once(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b", overlap=Overlap.ALLOW)
    run = house.trigger("flow")
    house.do(runs.cancel, house.workspace.id, run.id, "no", after(1))
    assert flowing.ended(run) == ("skipped", "no")
    assert (flowing.conduct(2), house.rows("tasks")) == (0, [])


@alone
def test_one_node_is_cancelled_and_the_others_go_on(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>c, b>d")
    run = flowing.trigger()
    child = flowing.tree(run).steps["a"].run
    assert child
    house.do(runs.cancel, house.workspace.id, child.id, "this one", after(1))
    assert flowing.play(2) == ["b", "d"]
    assert flowing.ended(run) == ("skipped", "a: this one")


@alone
def test_a_run_that_takes_too_long(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b", timeout_s=100)
    run = flowing.trigger()
    work = flowing.claim(1)["a"]
    assert (flowing.conduct(59), flowing.conduct(60), flowing.conduct(99)) == (0, 1, 0)
    assert flowing.conduct(100) == 1
    assert house.see(runs.find, house.workspace.id, work.run.id).cancel_reason == (
        "it took more than 100 s"
    )
    house.finish(work, 101, Outcome.SKIPPED, reason="it took more than 100 s", retryable=False)
    assert flowing.ended(run) == ("timeout", "it took more than 100 s")
    assert flowing.told(run) == "a skipped, b skipped"
    assert house.flips("flow") == [("new", "down")]


@alone
def test_a_node_that_ends_after_the_stop_is_not_tried_again(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b", nodes={"a": {"retries": 3}})
    run = flowing.trigger()
    work = flowing.claim(1)["a"]
    house.do(runs.cancel, house.workspace.id, run.id, "stop", after(2))
    house.finish(work, 3, FAIL, reason="boom")
    assert flowing.ended(run) == ("skipped", "stop")
    assert flowing.tree(run).steps["a"].outcome == "fail"


def test_runs_of_one_workflow_wait_for_each_other(flowing: Flowing) -> None:
    flowing.make("a>b", overlap=Overlap.QUEUE_ONE)
    first = flowing.trigger()
    second = flowing.trigger(at=1)
    assert flowing.told(second) == "a -, b -"
    flowing.play(2)
    assert flowing.conduct(3) == 1
    flowing.play(4)
    assert [flowing.ended(run)[0] for run in (first, second)] == ["ok", "ok"]


@alone
def test_the_next_run_cancels_the_one_before(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b", overlap=Overlap.CANCEL_PREVIOUS)
    first = flowing.trigger()
    work = flowing.claim(1)["a"]
    second = flowing.trigger(at=2)
    assert flowing.told(second) == "a -, b -"
    house.finish(work, 3, Outcome.SKIPPED, reason="cancelled", retryable=False)
    assert flowing.ended(first)[0] == "skipped"
    flowing.conduct(4)
    assert flowing.play(5) == ["a", "b"]
    assert flowing.ended(second)[0] == "ok"


@alone
def test_the_next_run_cancels_all_before(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b", overlap=Overlap.ALLOW)
    before = [flowing.trigger(), flowing.trigger()]
    changed = flowing.definition("a>b", overlap=Overlap.CANCEL_PREVIOUS)
    house.on("flow", workflows.edit, changed, house.vault, after(1))
    new = house.trigger("flow", 2)
    assert [flowing.ended(run)[0] for run in before] == ["skipped", "skipped"]
    assert [run.id for run in house.find("flow").watch.open] == [new.id]


@alone
@pytest.mark.parametrize(
    ("lost_run", "ends"), [(LostRun.FAIL, "fail"), (LostRun.RERUN, None), (LostRun.SKIP, "skipped")]
)
def test_a_node_whose_machine_died(flowing: Flowing, lost_run: LostRun, ends: str | None) -> None:
    house = flowing.house
    for name in "ab":
        house.job(f"job-{name}", schedule=None, kind="script", lost_run=lost_run)
    flowing.make("a>b")
    run = flowing.trigger()
    flowing.claim(1, node="dead")
    house.do(runs.lost, {"dead"}, after(20))
    assert flowing.ended(run)[0] == ends
    if lost_run is LostRun.RERUN:
        assert flowing.play(21) == ["a", "b"]
    assert house.audit(22) == []


@alone
def test_a_zombie_moves_nothing_on(flowing: Flowing) -> None:
    house = flowing.house
    house.job("job-a", schedule=None, kind="script", lost_run=LostRun.RERUN)
    flowing.make("a>b")
    run = flowing.trigger()
    zombie = flowing.claim(1, node="dead")["a"]
    house.do(runs.lost, {"dead"}, after(20))
    work = flowing.claim(21)["a"]
    assert not house.finish(zombie, 22)
    assert flowing.told(run) == "a going, b -"
    assert house.finish(work, 23)
    assert flowing.play(24) == ["b"]


@alone
def test_a_run_goes_by_the_version_that_it_began_with(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b")
    run = flowing.trigger()
    after_edit = flowing.definition("a>c, a>d")
    house.on("flow", workflows.edit, after_edit, house.vault, after(1))
    assert flowing.play(2) == ["a", "b"]
    assert (flowing.ended(run)[0], flowing.tree(run).version) == ("ok", 1)
    other = flowing.trigger(at=3)
    assert flowing.play(4) == ["a", "c", "d"]
    assert flowing.tree(other).version == 2


def test_a_job_that_went_away(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b, a>c, c>d")
    run = flowing.trigger()
    flowing.claim(1)
    house.plant(delete(watch_table).where(watch_table.c.slug == "job-b"))
    house.on("job-a", lambda tx, record: watches.remove(tx, record))
    assert flowing.conduct(59) == 0
    assert flowing.conduct(60) == 1
    assert flowing.ended(run) == ("fail", "a failed: its job is gone")
    other = flowing.trigger(at=61)
    assert flowing.ended(other) == ("fail", "a failed: its job is gone")
    assert house.audit(62) == []


@alone
def test_a_workflow_that_goes_away_takes_its_runs_along(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b, c>d")
    flowing.trigger()
    work = house.claim(1, lane="script", limit=1)[0]
    house.on("flow", lambda tx, record: watches.remove(tx, record))
    assert house.see(runs.find, house.workspace.id, work.run.id).cancel_reason
    assert flowing.claim(2) == {}
    assert house.finish(work, 3, Outcome.SKIPPED, retryable=False)
    assert (house.rows("tasks"), house.audit(4)) == ([], [])


@alone
def test_an_input_that_is_too_large(flowing: Flowing) -> None:
    flowing.make("a>c, b>c")
    run = flowing.trigger()
    works = flowing.claim(1)
    for name in "ab":
        flowing.finish(works[name], 2, output=f'"{"x" * 600_000}"')
    assert flowing.ended(run) == ("fail", "c failed: its input: at most 1000000 bytes of JSON")


def test_again_from_a_node_with_what_it_was_given(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b, b>c, a>d")
    run = flowing.trigger('"in"')
    flowing.finish(flowing.claim(1)["a"], 2, output='"from a"')
    works = flowing.claim(3)
    flowing.finish(works["d"], 4)
    flowing.finish(works["b"], 4, FAIL, reason="boom")
    again = house.do(repeating.rerun, house.workspace.id, run.id, "b", after(5))
    flowing.conduct(6)
    works = flowing.claim(7)
    assert {name: work.given for name, work in works.items()} == {"b": '"from a"'}
    flowing.finish(works["b"], 8)
    assert flowing.play(9) == ["c"]
    assert flowing.told(again) == "a ok, b ok, c ok, d ok"
    tree = flowing.tree(again)
    assert (flowing.ended(again), tree.rerun_of, tree.rerun_from) == (("ok", ""), run.id, "b")
    whole = house.do(repeating.rerun, house.workspace.id, run.id, None, after(10))
    flowing.conduct(11)
    assert flowing.claim(12)["a"].given == '"in"'
    assert flowing.told(whole) == "a going, b -, c -, d -"


def test_what_is_masked_stays_masked_on_its_way(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>c, b>c, c>d")
    run = flowing.trigger()
    works = flowing.claim(1)
    flowing.finish(works["a"], 2, output='{"of":"the-secret"}', masked='"***"')
    flowing.finish(works["b"], 2, output="7")
    work = flowing.claim(3)["c"]
    assert work.given == '{"a":{"of":"the-secret"},"b":7}'
    assert work.run.shown_input == '{"a":"***","b":7}'
    assert work.handed_secrets == ["the-secret"]
    flowing.finish(work, 4, FAIL)
    again = house.do(repeating.rerun, house.workspace.id, run.id, "c", after(5))
    flowing.conduct(6)
    work = flowing.claim(7)["c"]
    assert (work.given, work.handed_secrets) == (
        '{"a":{"of":"the-secret"},"b":7}',
        ["the-secret"],
    )
    flowing.finish(work, 8, output="[1]")
    work = flowing.claim(9)["d"]
    assert (work.given, work.run.shown_input, work.handed_secrets) == ("[1]", "[1]", [])
    flowing.finish(work, 10)
    assert flowing.ended(again) == ("ok", "")


@alone
@pytest.mark.parametrize(
    ("node", "told"), [("z", "there is no node 'z'"), ("c", "c was not run then")]
)
def test_what_cannot_be_repeated(flowing: Flowing, node: str, told: str) -> None:
    house = flowing.house
    flowing.make("a>c?failure")
    run = flowing.trigger()
    with pytest.raises(Problem, match="still going"):
        house.do(repeating.rerun, house.workspace.id, run.id, "a", after(1))
    flowing.play(2)
    with pytest.raises(Problem, match=told):
        house.do(repeating.rerun, house.workspace.id, run.id, node, after(3))


@alone
def test_the_audit_sees_a_node_that_stands_still(flowing: Flowing) -> None:
    house = flowing.house
    flowing.make("a>b")
    run = flowing.trigger()
    work = flowing.claim(1)["a"]
    mine = run_table.c.id == work.run.id
    house.plant(update(run_table).where(mine).values(state="done", outcome="ok"))
    found = [(one.rule, one.where, one.detail) for one in house.audit(2)]
    assert found == [("workflows go on", run.id, "the node a stands still")]


def test_siblings_that_end_at_once_on_two_nodes(nodes: tuple[House, House]) -> None:
    flowing = Flowing(nodes[0])
    flowing.make("a>c, b>c, c>d", overlap=Overlap.ALLOW)
    found = [flowing.trigger() for _ in range(10)]
    for house, name in zip(nodes, ("n1", "n2"), strict=True):
        house.do(node_cases.join, name, name, after(0), alone=False)
    works = flowing.house.claim(1, lane="script", limit=100)
    halves = [works[::2], works[1::2]]
    ends = [
        house.database.write(partial(runs.finish, ended=_well(half), at=after(2)))
        for house, half in zip(nodes, halves, strict=True)
    ]
    assert all(all(end.result(60)) for end in ends)
    assert sorted(work.slug for work in nodes[1].claim(3, lane="script", limit=100)) == (
        ["job-c"] * 10
    )
    assert [flowing.told(run) for run in found] == ["a ok, c going, b ok, d -"] * 10
    assert nodes[0].audit(4) == []


def _well(works: Sequence[Work]) -> list[Ended]:
    return [Ended(work, Result(Outcome.OK)) for work in works]
