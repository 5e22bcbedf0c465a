"""Runs on both databases: claimed, started, retried, finished, cancelled, lost, fenced."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, update

from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome, Result
from dogwatch.core.run import LostRun, Overlap
from dogwatch.store.runs import append_output
from dogwatch.store.tables import jobs as job_table
from dogwatch.store.tables import runs as run_table
from dogwatch.usecases import nodes as node_cases
from dogwatch.usecases import runs, watches
from dogwatch.usecases.runs import Ended
from tests.harness.house import House, after

FAIL = Outcome.FAIL


def test_a_run_from_its_slot_to_its_outcome(house: House) -> None:
    house.job()
    house.fire(60)
    (work,) = house.claim(61)
    assert (work.slug, work.action_kind, work.action["url"]) == (
        "job", "http", "https://example.org/",
    )  # fmt: skip
    assert house.finish(
        work, 65, duration_ms=3_900, exit_code=0, status_code=200, phases_ms={"dns": 1.5}
    )
    (row,) = house.rows("runs")
    told = ("slot_at", "state", "outcome", "queued_at", "started_at", "finished_at", "duration_ms",
            "exit_code", "status_code", "phases_ms", "attempt", "trigger")  # fmt: skip
    assert [row[name] for name in told] == [
        after(60), "done", "ok", after(60), after(61), after(65), 3_900, 0, 200, {"dns": 1.5}, 1,
        "schedule",
    ]  # fmt: skip
    assert (house.rows("tasks"), house.flips("job")) == ([], [("new", "up")])
    assert house.audit(66) == []


def test_lanes_are_strangers(house: House) -> None:
    house.job("web")
    house.job("sh", kind="script")
    house.fire(60)
    assert [work.slug for work in house.claim(60, lane="script")] == ["sh"]
    assert [work.slug for work in house.claim(60, lane="http")] == ["web"]


def test_those_due_first_are_claimed_first_and_none_too_early(house: House) -> None:
    for n in (3, 1, 2):
        house.job(f"j{n}", schedule=None)
        house.trigger(f"j{n}", at=n)
    assert house.claim(0.5) == []
    assert [work.slug for work in house.claim(9, limit=2)] == ["j1", "j2"]
    assert [work.slug for work in house.claim(9)] == ["j3"]


def test_runs_of_a_job_wait_for_each_other(house: House) -> None:
    house.job(overlap=Overlap.QUEUE_ONE)
    house.trigger()
    (first,) = house.claim(10)
    second = house.trigger(at=11)
    assert house.claim(12) == []
    house.finish(first, 13)
    assert [work.run.id for work in house.claim(14)] == [second.id]


def test_two_nodes_never_claim_the_same(nodes: tuple[House, House]) -> None:
    for n in range(30):
        nodes[0].job(f"j{n}", schedule=None)
        nodes[0].trigger(f"j{n}")
    claims = [
        house.database.write(
            partial(runs.claim, lane="http", node_id=name, at=after(1), limit=8, vault=house.vault)
        )
        for name in ("node-a", "node-b")
        for house in nodes
    ]
    ids = [work.run.id for claim in claims for work in claim.result(60)]
    assert len(ids) == len(set(ids))
    assert max(len(claim.result()) for claim in claims) <= 8
    rest = nodes[0].claim(2, limit=100)
    assert len(ids) + len(rest) == 30


def test_a_failed_attempt_is_tried_again_and_only_the_last_flips(house: House) -> None:
    house.job(max_attempts=3, backoff_s=10)
    house.fire(60)
    for attempt, at in ((1, 60), (2, 75)):
        (work,) = house.claim(at)
        assert work.task.attempt == attempt
        house.finish(work, at + 1, FAIL, reason="boom")
        assert house.rows("runs")[0]["reason"] == f"attempt {attempt}: boom"
        assert (house.slots(), house.flips("job")) == ([(60, "queued")], [])
    assert house.rows("tasks")[0]["run_at"] == after(96)
    assert house.claim(95) == []
    (work,) = house.claim(96)
    house.finish(work, 97, FAIL, reason="boom", exit_code=1)
    (row,) = house.rows("runs")
    assert (row["outcome"], row["reason"], row["attempt"], row["started_at"]) == (
        "fail", "boom", 3, after(60),
    )  # fmt: skip
    assert house.flips("job") == [("new", "down")]
    assert house.audit(98) == []


def test_what_cannot_succeed_is_not_tried_again(house: House) -> None:
    house.job(max_attempts=3)
    house.fire(60)
    house.finish(house.claim(60)[0], 61, FAIL, retryable=False)
    assert house.slots() == [(60, "fail")]


def test_a_waiting_run_is_cancelled_at_once(house: House) -> None:
    house.job()
    run = house.trigger()
    ended = house.do(runs.cancel, house.workspace.id, run.id, "by hand", after(1))
    assert (ended.state, ended.outcome, ended.reason) == ("done", Outcome.SKIPPED, "by hand")
    assert (house.rows("tasks"), house.claim(2), house.flips("job")) == ([], [], [])
    with pytest.raises(Problem, match="ended already"):
        house.do(runs.cancel, house.workspace.id, run.id, "again", after(3))
    with pytest.raises(Problem, match="there is no run"):
        house.do(runs.cancel, house.workspace.id, "nothing", "x", after(3))


def test_a_running_run_is_asked_to_stop(house: House) -> None:
    house.job()
    run = house.trigger()
    (work,) = house.claim(1)
    asked = house.do(runs.cancel, house.workspace.id, run.id, "x" * 300, after(2))
    assert (asked.state, asked.cancel_reason) == ("running", "x" * 255)
    house.finish(work, 3, Outcome.SKIPPED, reason="by hand", retryable=False)
    assert house.slots() == [(None, "skipped")]


def test_a_run_that_waits_for_its_next_attempt_is_cancelled_at_once(house: House) -> None:
    house.job(max_attempts=2)
    run = house.trigger()
    house.finish(house.claim(1)[0], 2, FAIL)
    house.do(runs.cancel, house.workspace.id, run.id, "enough", after(3))
    assert (house.slots(), house.rows("tasks")) == ([(None, "skipped")], [])
    assert house.audit(4) == []


def die(house: House, node: str, at: float) -> int:
    """The node has not beaten since it joined; another notices."""
    house.join("witness", at)
    return house.do(node_cases.reap, after(at))


@pytest.mark.parametrize(
    ("policy", "ledger", "flips"),
    [
        (LostRun.FAIL, [(60, "fail")], [("new", "down")]),
        (LostRun.SKIP, [(60, "skipped")], []),
        (LostRun.RERUN, [(60, "queued")], []),
    ],
)
def test_a_lost_run_follows_its_policy(
    house: House, policy: LostRun, ledger: list[Any], flips: list[Any]
) -> None:
    house.job(lost_run=policy)
    house.join("node-a", 60)
    house.fire(60)
    house.claim(60)
    assert house.do(node_cases.reap, after(70)) == 0
    assert die(house, "node-a", 71) == 1
    assert (house.slots(), house.flips("job")) == (ledger, flips)
    assert house.do(node_cases.reap, after(72)) == 0
    assert house.audit(72) == []


def test_a_run_that_kills_its_nodes_is_given_up(house: House) -> None:
    house.job(lost_run=LostRun.RERUN)
    house.fire(60)
    for n in range(3):
        node, at = f"node-{n}", 60 + 20 * n
        house.join(node, at)
        (work,) = house.claim(at, node=node)
        assert work.task.attempt == n + 1
        assert house.do(node_cases.reap, after(at + 11)) == 1
    assert house.slots() == [(60, "fail")]
    assert house.audit(119) == []


def test_a_zombie_changes_nothing(house: House) -> None:
    """Its node was declared dead and the run taken over: whatever it says comes too late."""
    house.job(lost_run=LostRun.RERUN, max_attempts=5)
    house.join("node-a", 60)
    house.fire(60)
    (zombie,) = house.claim(60, "node-a")
    die(house, "node-a", 71)
    house.join("node-b", 72)
    (work,) = house.claim(72, "node-b")
    before = house.everything()
    assert house.finish(zombie, 73, reason="I am alive") is False
    assert house.finish(zombie, 73, FAIL) is False
    assert house.do(runs.give_back, zombie, after(73)) is False
    assert house.everything() == before
    assert house.finish(work, 74) is True
    assert house.finish(work, 75, FAIL) is False
    assert house.slots() == [(60, "ok")]


def test_a_zombie_on_the_same_node_changes_nothing(house: House) -> None:
    house.job(max_attempts=3, backoff_s=0)
    house.fire(60)
    (first,) = house.claim(60)
    house.finish(first, 61, FAIL)
    (second,) = house.claim(62)
    assert house.finish(first, 63) is False
    assert (house.slots(), second.task.attempt) == ([(60, "running")], 2)


@pytest.mark.parametrize(
    ("policy", "ledger"),
    [(LostRun.RERUN, "queued"), (LostRun.FAIL, "fail"), (LostRun.SKIP, "skipped")],
)
def test_a_run_is_given_back_at_shutdown(house: House, policy: LostRun, ledger: str) -> None:
    house.job(lost_run=policy)
    house.fire(60)
    assert house.do(runs.give_back, house.claim(60)[0], after(61)) is True
    assert house.slots() == [(60, ledger)]
    assert house.rows("runs")[0]["reason"] == "its node was shut down"
    assert len(house.claim(62, "node-b")) == (policy is LostRun.RERUN)


@pytest.mark.parametrize("outcome", [Outcome.OK, FAIL])
def test_a_run_that_the_sweeper_timed_out_keeps_its_outcome(house: House, outcome: Outcome) -> None:
    """Every slot ends in exactly one outcome, also if its runner comes back later."""
    house.job(finish_by_s=30, max_attempts=3)
    house.fire(60)
    (work,) = house.claim(60)
    assert house.lapse(90) == 1
    assert house.slots() == [(60, "timeout")]
    assert house.flips("job") == [("new", "down")]
    house.finish(work, 100, outcome, reason="late")
    (row,) = house.rows("runs")
    assert (row["outcome"], row["state"], row["started_at"]) == ("timeout", "done", after(60))
    assert house.claim(1000) == []
    assert (house.rows("tasks"), house.audit(101)) == ([], [])


def test_a_lost_run_that_had_timed_out_is_not_run_again(house: House) -> None:
    house.job(finish_by_s=30, lost_run=LostRun.RERUN)
    house.join("node-a", 60)
    house.fire(60)
    house.claim(60)
    house.lapse(90)
    die(house, "node-a", 100)
    assert house.claim(101) == []
    assert (house.slots(), house.rows("tasks"), house.audit(101)) == ([(60, "timeout")], [], [])


def test_a_job_that_cannot_be_read_fails_alone(house: House) -> None:
    house.job("broken")
    house.job("sound")
    broken = house.find("broken")
    house.plant(
        update(job_table).where(job_table.c.watch_id == broken.id).values(action=b"garbage")
    )
    house.fire(60)
    assert [work.slug for work in house.claim(60)] == ["sound"]
    assert house.slots("broken") == [(60, "fail")]


def test_a_task_without_its_run_is_dropped(house: House) -> None:
    house.job()
    house.trigger()
    house.plant(delete(run_table))
    assert (house.claim(1), house.rows("tasks")) == ([], [])


def test_output_is_told_with_the_run_that_failed_not_with_the_newest(house: House) -> None:
    house.job(overlap=Overlap.QUEUE_ONE)
    house.channel()
    house.fire(60)
    (work,) = house.claim(60)
    chunks = [(n, "stdout", f"line {n}\n") for n in range(30)]
    house.do(append_output, work.run.workspace_id, work.run.id, chunks)
    house.fire(120)
    house.finish(work, 121, FAIL, reason="exit status 3")
    (delivery,) = house.rows("deliveries")
    (item,) = delivery["message"]["items"]
    assert item["output_tail"].splitlines() == [f"line {n}" for n in range(25, 30)]
    assert item["reason"] == "exit status 3"


def test_a_run_that_does_not_start_in_time_turns_its_watch(house: House) -> None:
    house.job(start_by_s=30)
    house.fire(60)
    house.lapse(90)
    assert (house.flips("job"), house.slots()) == ([("new", "down")], [(60, "queued")])
    house.finish(house.claim(100)[0], 101)
    assert house.flips("job") == [("new", "down"), ("down", "up")]
    assert (house.slots(), house.audit(102)) == ([(60, "ok")], [])


def test_a_paused_job_ends_its_open_run(house: House) -> None:
    house.job()
    house.fire(60)
    (work,) = house.claim(60)
    house.on("job", watches.pause, after(61))
    assert house.finish(work, 62, FAIL) is True
    assert (house.slots(), house.flips("job")) == ([(60, "fail")], [("new", "paused")])
    house.on("job", watches.resume, after(70))
    assert house.audit(71) == []


def test_a_claim_needs_the_lane_that_was_asked(house: House) -> None:
    house.job(kind="script")
    house.trigger()
    assert house.claim(1, lane="http") == []
    result = Result(Outcome.OK)
    (work,) = house.claim(1, lane="script")
    assert house.do(runs.finish, [Ended(work, result)], after(2)) == [True]


def test_overlap_holds_for_runs_by_hand(house: House) -> None:
    house.job("skip")
    house.trigger("skip")
    with pytest.raises(Problem, match="the run before is still going; overlap is skip") as caught:
        house.trigger("skip", 1)
    assert caught.value.kind == "conflict"
    house.job("queue", overlap=Overlap.QUEUE_ONE)
    house.trigger("queue")
    assert len(house.claim(1)) == 2
    house.trigger("queue", 2)
    with pytest.raises(Problem, match="one run is waiting already"):
        house.trigger("queue", 3)
    house.job("cancel", overlap=Overlap.CANCEL_PREVIOUS)
    for at in (0, 1):
        house.trigger("cancel", at)
    assert house.slots("cancel") == [(None, "queued"), (None, "skipped")]


def test_only_so_many_runs_by_hand_wait(house: House) -> None:
    house.job("job", overlap=Overlap.ALLOW)
    for _ in range(runs.MAX_WAITING):
        house.trigger()
    with pytest.raises(Problem, match="50 runs of job wait already") as caught:
        house.trigger()
    assert caught.value.kind == "limited"
    house.claim(1, limit=1)
    assert house.trigger(at=2).state == "queued"
