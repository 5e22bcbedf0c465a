"""Rules of jobs on both databases: a count of runs, a priority, a start."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome
from dogwatch.core.run import Overlap
from dogwatch.core.watch import Status
from dogwatch.store import runs
from dogwatch.store.database import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import jobs, lists, watches, workspaces
from dogwatch.vault import Vault
from tests.harness.house import House, after


def status(house: House) -> Status:
    return house.find("job").watch.status


def once(house: House, at: float) -> bool:
    """Go round at a time: fire what is due, and have it run well."""
    house.fire(at)
    done = [house.finish(work, at + 1) for work in house.claim(at)]
    return bool(done)


def count(house: House) -> int:
    return int(house.rows("jobs")[0]["run_count"])


def test_a_job_is_paused_after_its_last_run(house: House) -> None:
    house.job(max_runs=2, start_by_s=30)
    assert [once(house, at) for at in (60, 120, 180)] == [True, True, False]
    assert (status(house), count(house)) == (Status.PAUSED, 2)
    assert house.slots() == [(60, "ok"), (120, "ok")]
    with pytest.raises(Problem, match="had its 2 runs"):
        house.trigger()
    with pytest.raises(Problem, match="had its 2 runs"):
        house.on("job", watches.resume, after(200))
    assert house.audit(300) == []


def test_nothing_is_due_while_the_last_run_goes_on(house: House) -> None:
    house.job(max_runs=1, start_by_s=30, overlap=Overlap.ALLOW)
    house.fire(60)
    (work,) = house.claim(60)
    assert (house.fire(120), house.lapse(500), house.audit(500)) == (0, 0, [])
    assert status(house) is not Status.PAUSED
    house.finish(work, 501)
    assert (status(house), house.slots()) == (Status.PAUSED, [(60, "ok")])
    assert house.audit(600) == []


def test_runs_by_hand_count_and_retries_do_not(house: House) -> None:
    house.job(max_runs=2, max_attempts=2, backoff_s=0, schedule=None)
    house.trigger(at=0)
    assert house.finish(house.claim(0)[0], 1, Outcome.FAIL)
    assert count(house) == 1
    house.finish(house.claim(1)[0], 2)
    assert (status(house), house.rows("runs")[0]["attempt"]) == (Status.UP, 2)
    house.trigger(at=3)
    house.finish(house.claim(3)[0], 4)
    assert status(house) is Status.PAUSED


def test_a_reset_counts_from_0_and_leaves_it_paused(house: House) -> None:
    house.job(max_runs=1)
    once(house, 60)
    house.on("job", jobs.reset, after(70))
    assert (status(house), count(house)) == (Status.PAUSED, 0)
    house.on("job", watches.resume, after(80))
    assert once(house, 120)
    assert house.audit(130) == []


def test_resuming_resets_where_that_is_wished(house: House) -> None:
    house.job(max_runs=1, reset_on_resume=True)
    once(house, 60)
    house.on("job", watches.resume, after(70))
    assert [once(house, at) for at in (120, 180)] == [True, False]
    assert count(house) == 1


def test_a_reset_during_the_last_run_lets_it_go_on(house: House) -> None:
    house.job(max_runs=1)
    house.fire(60)
    (work,) = house.claim(60)
    house.on("job", jobs.reset, after(70))
    house.finish(work, 80)
    assert status(house) is Status.UP
    assert once(house, 120)
    assert house.audit(121) == []


def test_a_lower_count_than_there_were_pauses_at_the_next_slot(house: House) -> None:
    house.job(max_runs=9)
    once(house, 60)
    house.on("job", lower, house.vault, after(70))
    assert (once(house, 120), status(house)) == (False, Status.PAUSED)
    assert house.audit(200) == []


def lower(tx: Tx, record: Record, vault: Vault, at: datetime) -> Record:
    job = jobs.find(tx, record)
    spec = jobs.spec_of(record, job, watches.spec_of(record), vault)
    return jobs.edit(tx, record, replace(spec, policy=replace(spec.policy, max_runs=1)), vault, at)


def test_bad_rules_are_named(house: House) -> None:
    with pytest.raises(Problem) as caught:
        house.job(priority=4, max_runs=0)
    assert set(caught.value.fields) == {"priority", "max_runs"}


@pytest.mark.parametrize("plan", ["unlimited", "business"])
def test_a_higher_priority_goes_first(house: House, plan: str) -> None:
    house.do(workspaces.assign, house.workspace.id, plan)
    for slug, priority in (("low", 0), ("high", 3), ("middle", 1), ("last", 0)):
        house.job(slug, schedule=None, priority=priority)
        house.trigger(slug)
    claims = [{work.slug for work in house.claim(1, limit=2)} for _ in range(3)]
    assert claims == [{"high", "middle"}, {"low", "last"}, set()]


def test_nothing_is_due_before_the_start(house: House) -> None:
    house.job(starts_at=after(150))
    assert [once(house, at) for at in (60, 120, 180)] == [False, False, True]
    assert house.slots() == [(180, "ok")]
    assert house.find("job").starts_at == after(150)
    assert house.audit(200) == []


def test_an_interval_counts_from_its_start(house: House) -> None:
    house.job(schedule="every 60s", starts_at=after(90))
    assert [once(house, at) for at in (60, 90, 150)] == [False, True, True]
    assert house.slots() == [(90, "ok"), (150, "ok")]


def test_a_start_is_set_and_cleared(house: House) -> None:
    house.watch("one")

    def edited(tx: Tx, record: Record, starts_at: datetime | None) -> Record:
        spec = replace(watches.spec_of(record), starts_at=starts_at)
        return watches.edit(tx, record, spec, after(1))

    later = house.on("one", edited, after(7_000))
    assert (later.watch.slot_at, house.find("one").watch.slot_at) == (after(7_200), after(7_200))
    assert house.on("one", edited, None).watch.slot_at == after(600)
    with pytest.raises(Problem, match="5 years"):
        house.on("one", edited, after(6 * 366 * 86_400))


def waits(tx: Tx) -> str:
    """Say what the runs wait for that wait for something."""
    waiting = [run for run in runs.listed(tx, 1, 99, "") if run.state == "queued"]
    return "; ".join(lists.waits(tx, run) for run in waiting)


def keyed(house: House, *slugs: str, limit: int = 1, **more: Any) -> None:
    """Make jobs that share places, and have each run once."""
    for slug in slugs:
        house.job(
            slug, schedule=None, concurrency_key="db", concurrency_limit=limit, **more
        )  # fmt: skip
        house.trigger(slug)


def test_runs_of_one_key_share_its_places(house: House) -> None:
    keyed(house, "a", "b", "c", limit=2)
    house.job("free", schedule=None)
    house.trigger("free")
    first = house.claim(1)
    assert len(first) == 3
    assert house.claim(2) == []
    told = house.do(waits)
    assert told == "waits for a place: 2 of 2 runs with the key db are under way"
    house.finish(first[0], 3)
    assert len(house.claim(4)) == 1


def test_a_key_holds_in_all_lanes_and_one_workspace(house: House) -> None:
    keyed(house, "a")
    keyed(house, "b", kind="script")
    (work,) = house.claim(1)
    assert house.claim(1, lane="script") == []
    house.finish(work, 2)
    assert len(house.claim(3, lane="script")) == 1


def test_the_lowest_limit_counts_and_a_full_key_hides_no_other(house: House) -> None:
    keyed(house, "a", "b", limit=9)
    keyed(house, "c", limit=1)
    assert len(house.claim(1, limit=1)) == 1
    assert len(house.claim(1)) == 1  # `c` waits for both, `b` for neither
    assert house.claim(1) == []


def test_a_key_is_checked(house: House) -> None:
    with pytest.raises(Problem) as caught:
        house.job(concurrency_key="no spaces", concurrency_limit=0)
    assert set(caught.value.fields) == {"concurrency_key", "concurrency_limit"}


def test_two_nodes_never_run_more_than_there_are_places(nodes: tuple[House, House]) -> None:
    one, other = nodes
    keyed(one, *(f"j{n}" for n in range(12)), limit=3)
    with ThreadPoolExecutor(2) as threads:
        for at in range(1, 9):
            taken = [
                threads.submit(house.claim, at, name)
                for house, name in ((one, "node-a"), (other, "node-b"))
            ]
            works = [work for each in taken for work in each.result()]
            assert len(works) <= 3
            for work in works:
                one.finish(work, at)
    assert {row["state"] for row in one.rows("runs")} == {"done"}
