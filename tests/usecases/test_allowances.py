"""Allowances: what a plan lets a workspace have, wherever that is asked for."""

from concurrent.futures import wait
from dataclasses import replace
from typing import Any

import pytest

from dogwatch.core.ping import Answer, Heard
from dogwatch.core.plans import PLANS
from dogwatch.core.problems import Problem
from dogwatch.core.run import Policy
from dogwatch.core.spec import WatchSpec
from dogwatch.store import workspaces as stored
from dogwatch.store.retention import Keep
from dogwatch.usecases import jobs, retention, watches
from dogwatch.usecases.jobs import JobSpec
from dogwatch.usecases.runs import Work
from tests.harness.house import HTTP, House, after, heard

DAY_S = 86_400
FREE = PLANS["free"]


def plan(house: House, name: str) -> None:
    house.do(lambda tx: stored.change(tx, house.workspace.id, plan=name))


def full(house: House) -> None:
    """Fill the workspace but for one watch."""
    for number in range((FREE.watches or 0) - 1):
        house.watch(f"w{number}")
    plan(house, "free")


def test_a_watch_too_many_is_refused_with_what_there_is(house: House) -> None:
    full(house)
    house.watch("last")
    with pytest.raises(Problem, match="the plan free allows 25 watches") as told:
        house.watch("more")
    assert told.value.kind == "exceeded"
    assert told.value.fields == {"watches": "25 of 25 are in use"}
    with pytest.raises(Problem, match="25 watches"):
        house.job(schedule="every 1h")
    plan(house, "starter")
    house.watch("more")


def test_rivals_make_no_more_watches_than_the_plan_allows(house: House) -> None:
    full(house)
    specs = [WatchSpec(name=f"r{n}", slug=f"r{n}", schedule="every 1h") for n in range(8)]

    def add(spec: WatchSpec) -> Any:
        return house.database.write(lambda tx: watches.add(tx, house.workspace.id, spec, after(0)))

    futures = [add(spec) for spec in specs]
    wait(futures, 60)
    assert sum(future.exception() is None for future in futures) == 1
    assert len(house.rows("watches")) == FREE.watches


def test_a_ping_makes_no_watch_beyond_the_plan_and_known_ones_count(house: House) -> None:
    full(house)
    key = house.workspace.ping_key

    def ping(slug: str) -> Answer:
        named = Heard(workspace_key=key, slug=slug, create=True, at=after(5))
        return house.ping(named)[0]

    assert [ping(slug) for slug in ("new", "another", "w1")] == [
        Answer.CREATED,
        Answer.UNKNOWN,
        Answer.RECORDED,
    ]


@pytest.mark.parametrize(
    ("schedule", "fits"),
    [("every 5m", True), ("every 4m", False), ("*/5 * * * *", True), ("0,1 3 * * *", False)],
)
def test_a_job_runs_no_more_often_than_the_plan_allows(
    house: House, schedule: str, fits: bool
) -> None:
    plan(house, "free")
    if fits:
        assert house.job(schedule=schedule).schedule
        return
    with pytest.raises(Problem, match="runs a job every 300 seconds at most") as told:
        house.job(schedule=schedule)
    assert told.value.kind == "exceeded"
    assert house.rows("watches") == []


def test_an_edit_is_held_to_the_plan_where_it_changes_the_schedule(house: House) -> None:
    record = house.job(schedule="every 1m")
    plan(house, "free")
    job = house.see(jobs.find, record)

    def edit(schedule: str, name: str) -> None:
        spec = jobs.spec_of(
            record, job, WatchSpec(name=name, slug="job", schedule=schedule), house.vault
        )
        house.on("job", jobs.edit, spec, house.vault, after(1))

    edit("every 1m", "renamed")
    with pytest.raises(Problem, match="300 seconds"):
        edit("every 2m", "renamed")
    assert (house.find("job").name, house.find("job").schedule) == ("renamed", "every 1m")


def test_history_is_kept_as_long_as_the_plan_says_or_less(house: House) -> None:
    record = house.watch("one", schedule="0 12 * * *", start_by_s=3_600)
    for day in range(20):
        house.ping(heard(record, day * DAY_S))
    plan(house, "free")

    def kept(days: int) -> int:
        keep = {"pings": Keep(days, 10**9)}
        counted = house.see(retention.census, keep, {})
        house.do(retention.prune, keep, 30, counted, after(19.5 * DAY_S))
        return len(house.rows("pings"))

    assert (kept(90), kept(3)) == (7, 3)


def claimed(house: House, at: float, lane: str = "http") -> list[Work]:
    return house.claim(at, lane=lane)


def test_no_more_runs_go_at_once_than_the_plan_allows(house: House) -> None:
    for slug in "abcde":
        house.job(slug)
    house.job("s", kind="script")
    house.fire(60)
    plan(house, "starter")
    first = claimed(house, 60)
    assert len(first) == PLANS["starter"].concurrent_runs
    assert {work.most_output_bytes for work in first} == {PLANS["starter"].output_bytes}
    assert claimed(house, 61, "script") == []
    house.finish(first[0], 62)
    assert len(claimed(house, 63, "script")) == 1
    for work in first[1:]:
        house.finish(work, 64)
    (last,) = (claimed(house, 65),)
    assert len(last) == 2
    plan(house, "unlimited")
    house.fire(120)
    assert {work.most_output_bytes for work in claimed(house, 121)} == {None}


# --- HTTP monitors ----------------------------------------------------------------------------


def test_a_monitor_too_many_is_refused_however_it_comes(house: House) -> None:
    plan(house, "free")
    house.job("first", schedule="every 1h")
    house.job("script", kind="script", schedule="every 1h")
    record = house.find("script")
    job = house.see(jobs.find, record)
    turned = replace(
        jobs.spec_of(record, job, watches.spec_of(record), house.vault),
        action_kind="http",
        action=HTTP,
    )
    with pytest.raises(Problem, match="the plan free allows 1 http monitors") as told:
        house.job("second", schedule="every 1h")
    assert told.value.kind == "exceeded"
    with pytest.raises(Problem, match="1 http monitors"):
        house.on("script", jobs.edit, turned, house.vault, after(1))
    assert {row["slug"] for row in house.rows("watches")} == {"first", "script"}
    house.on("first", watches.remove)
    house.on("script", jobs.edit, turned, house.vault, after(2))
    house.on("script", jobs.edit, turned, house.vault, after(3))  # it is one already


def test_rivals_make_no_more_monitors_than_the_plan_allows(house: House) -> None:
    plan(house, "free")

    def add(number: int) -> Any:
        spec = JobSpec(WatchSpec(name=f"r{number}", schedule="every 1h"), "http", HTTP, Policy())
        return house.database.write(
            lambda tx: jobs.add(tx, house.workspace.id, spec, house.vault, after(0))
        )

    futures = [add(number) for number in range(6)]
    wait(futures, 60)
    assert sum(future.exception() is None for future in futures) == 1
    assert len(house.rows("jobs")) == FREE.http_monitors


def test_runs_of_monitors_are_kept_as_long_as_the_plan_says(house: House) -> None:
    for slug, kind in (("probe", "http"), ("script", "script")):
        house.job(slug, kind=kind, schedule="0 12 * * *")
    for day in range(1, 11):
        house.fire(day * DAY_S)
        for lane in ("http", "script"):
            for work in claimed(house, day * DAY_S, lane):
                house.finish(work, day * DAY_S + 1)
    at = 10.5 * DAY_S

    def kept(days: int, limit: int = 500) -> list[int]:
        keep = {"runs": Keep(days, 10**9)}
        counted = house.see(retention.census, keep, {})
        while house.do(retention.prune, keep, 30, counted, after(at), limit):
            pass
        return [len(house.slots(slug)) for slug in ("probe", "script")]

    assert kept(90) == [10, 10]
    plan(house, "free")
    assert kept(90, 3) == [1, 7]
    assert house.audit(at) == []
    assert kept(2) == [1, 2]
