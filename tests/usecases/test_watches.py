"""Watches on both databases: made, changed, paused, removed, and judged in their silence."""

from dataclasses import replace
from operator import itemgetter
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import update

from dogwatch.core.ping import Kind
from dogwatch.core.problems import Problem
from dogwatch.core.slots import MAX_WALK, STRETCH, Gap
from dogwatch.core.spec import WatchSpec
from dogwatch.outbox import is_address
from dogwatch.store import nodes as node_rows
from dogwatch.store.database import Tx
from dogwatch.store.runs import append_output
from dogwatch.store.tables import runs as run_table
from dogwatch.store.tables import watches as watch_table
from dogwatch.store.watches import Record
from dogwatch.usecases import runs, watches
from tests.harness.house import House, after, heard, meet


def edited(house: House, name: str, at: float, /, **changes: Any) -> Record:
    def edit(tx: Tx, record: Record) -> Record:
        return watches.edit(tx, record, replace(watches.spec_of(record), **changes), after(at))

    return house.on(name, edit)


def test_a_watch_comes_back_as_it_was_made(house: House) -> None:
    made = house.watch(
        name="Nächtlich!", tags=("db", "prod"), project="home", timezone="Europe/Berlin",
        finish_by_s=60, slow_after_ms=5, min_duration_ms=1, early_s=9, failures_before_down=2,
        successes_before_up=3, description="why",
    )  # fmt: skip
    assert house.find("nachtlich") == house.find(made.id) == made
    assert watches.spec_of(made).tags == ("db", "prod")


def test_a_ping_key_is_never_taken_for_a_slug(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(["0123456789abcdefg", "01234567890123456", "0123456789abcdefG"])
    monkeypatch.setattr(watches, "new_token", lambda _: next(drawn))
    key = house.watch().ping_key
    assert (key, is_address(key)) == ("0123456789abcdefG", True)


def test_a_slug_that_is_not_given_is_made_unique(house: House) -> None:
    slugs = [house.watch(name="Nightly backup").slug for _ in range(3)]
    assert slugs == ["nightly-backup", "nightly-backup-2", "nightly-backup-3"]


def test_slugs_that_rivals_took_meanwhile_are_passed_over(nodes: tuple[House, House]) -> None:
    one, other = nodes
    barrier = Barrier(2)
    spec = WatchSpec(name="Nightly backup")

    def make(tx: Tx) -> str:
        meet(barrier)
        made = [watches.add(tx, one.workspace.id, spec, after(0)).slug for _ in range(5)]
        return " ".join(made)

    doing = [house.database.write(make) for house in (one, other)]
    for work in doing:
        work.result(30)
    assert len({row["slug"] for row in one.rows("watches")}) == 10


def test_a_schedule_is_due_within_five_years_of_the_time_it_is_given(house: House) -> None:
    words = "schedule: '2199-01-01' does not fire within 5 years from now"
    with pytest.raises(Problem, match=words):
        house.watch("one", schedule="0 2 * * *\n2199-01-01")
    made = house.watch("one", schedule="2026-01-05 12:30:00")
    with pytest.raises(Problem, match=words):
        edited(house, "one", 0, schedule="2199-01-01")
    assert edited(house, "one", 9000, name="Renamed").schedule == made.schedule
    with pytest.raises(Problem, match="does not fire"):
        edited(house, "one", 9000, schedule="2026-01-05 12:45:00")


def test_a_slug_that_looks_like_an_id_is_nobodys(house: House) -> None:
    watched = house.watch("one")
    with pytest.raises(Problem, match="slug: looks like an id"):
        house.watch(watched.id)
    with pytest.raises(Problem, match="slug: looks like an id"):
        edited(house, "one", 0, slug=watched.id)
    assert house.watch(name=watched.id).slug == f"{watched.id}-2"


def test_a_slug_that_none_may_have_any_more_stays_until_it_is_changed(house: House) -> None:
    made = house.watch("one")
    house.plant(update(watch_table).values(slug="7"))
    assert edited(house, made.id, 0, name="Other").slug == "7"
    with pytest.raises(Problem, match="slug: use 1 to 64"):
        edited(house, made.id, 0, slug="8")


def test_a_slug_that_is_taken_is_a_conflict_and_spoils_nothing(house: House) -> None:
    house.watch("one")
    with pytest.raises(Problem, match="slug: one is taken") as caught:
        house.watch("one")
    assert (caught.value.kind, list(caught.value.fields)) == ("conflict", ["slug"])
    house.watch("two")
    with pytest.raises(Problem, match="slug: two is taken"):
        edited(house, "one", 0, slug="two")
    assert {row["slug"] for row in house.rows("watches")} == {"one", "two"}


def test_every_bad_field_is_named(house: House) -> None:
    spec = WatchSpec(name=" ", slug="No", schedule="* * *", start_by_s=-1, failures_before_down=0)
    with pytest.raises(Problem) as caught:
        house.do(watches.add, house.workspace.id, spec, after(0))
    assert set(caught.value.fields) == {
        "name", "slug", "schedule", "start_by_s", "failures_before_down",
    }  # fmt: skip


def test_a_watch_that_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(Problem, match="there is no watch 'x'") as caught:
        house.find("x")
    assert caught.value.kind == "not_found"


def test_an_edit_judges_nothing_before_it(house: House) -> None:
    record = house.watch("one")
    house.ping(heard(record, 0))
    house.ping(heard(record, 600))
    edited(house, "one", 1250, schedule="*/5 * * * *", name="New")
    assert house.slots("one") == [(600, "ok"), (1200, "suppressed"), (None, "ok")]
    assert house.find("one").watch.slot_at == after(1500)
    assert house.lapse(1559) == house.lapse(1560) - 1
    assert house.slots("one")[-2] == (1500, "missed")
    assert house.audit(1600) == []


def test_an_edit_of_words_leaves_what_is_owed(house: House) -> None:
    record = house.watch("one")
    house.ping(heard(record, 0))
    changed = edited(house, "one", 650, name="Other", tags=("x",), slug="uno")
    assert (changed.watch.slot_at, changed.ledger_from_at) == (after(600), after(0))
    assert house.find("uno").tags == ("x",)
    house.lapse(660)
    assert house.flips("uno")[-1] == ("up", "down")


def test_pause_and_resume_never_judge_what_was_due_meanwhile(house: House) -> None:
    record = house.watch("one")
    house.ping(heard(record, 0))
    house.on("one", watches.pause, after(620))
    assert (house.lapse(5000), house.find("one").due_at) == (0, None)
    house.on("one", watches.pause, after(5000))
    resumed = house.on("one", watches.resume, after(6000))
    assert (resumed.watch.slot_at, resumed.ledger_from_at) == (after(6600), after(6000))
    house.on("one", watches.resume, after(6001))
    assert house.flips("one") == [("new", "up"), ("up", "paused"), ("paused", "up")]
    assert house.lapse(6660) == 1
    assert house.slots("one") == [(600, "suppressed"), (6600, "missed"), (None, "ok")]
    assert house.audit(6700) == []


def test_a_paused_watch_keeps_its_log(house: House) -> None:
    record = house.watch("one")
    house.on("one", watches.pause, after(10))
    house.ping(heard(record, 20, Kind.FAIL))
    assert (len(house.rows("pings")), house.flips("one")) == (1, [("new", "paused")])


def test_a_removed_watch_leaves_nothing_behind(house: House) -> None:
    empty = house.everything()
    house.watch("other")
    alone = house.everything()
    job = house.job()
    house.channel()
    house.fire(60)
    house.finish(house.claim(61)[0], 62)
    house.trigger(at=70)
    house.do(
        lambda tx: append_output(
            tx, job.workspace_id, house.rows("runs")[0]["id"], [(0, "stdout", "hi")]
        )
    )
    house.ping(heard(job, 71, Kind.FAIL))
    house.parcels(72)
    assert all(house.rows(name) for name in ("tasks", "deliveries", "outputs"))
    house.on("job", watches.remove)
    left, kept = house.everything(), {"channels", "rules", "instance"}
    kept |= {"workspaces"}  # its version of the rules tells of the new one
    assert {name: left[name] for name in left if name not in kept} == {
        name: alone[name] for name in alone if name not in kept
    }
    house.on("other", watches.remove)
    assert house.rows("watches") == empty["watches"]


def test_a_run_of_a_removed_watch_ends_in_silence(house: House) -> None:
    house.job()
    house.trigger()
    work = house.claim(1)[0]
    house.on("job", watches.remove)
    assert house.finish(work, 2) is False
    assert house.do(runs.give_back, work, after(2)) is False


def test_silence_is_judged_in_batches_and_once(house: House) -> None:
    for n in range(7):
        house.ping(heard(house.watch(f"w{n}"), n))
    assert [house.lapse(660, limit=3) for _ in range(4)] == [3, 3, 1, 0]
    assert [house.flips(f"w{n}") for n in range(7)] == [[("new", "up"), ("up", "down")]] * 7
    assert house.audit(661) == []


def test_a_long_silence_ends_in_one_flip_and_a_line_for_each_slot(house: House) -> None:
    house.ping(heard(house.watch("one"), 0))
    while house.lapse(7300):
        pass
    assert house.slots("one")[:-1] == [(600 * n, "missed") for n in range(1, 13)]
    assert house.flips("one") == [("new", "up"), ("up", "down")]
    assert house.audit(7300) == []


def test_nobody_is_blamed_for_our_gap(house: House) -> None:
    house.ping(heard(house.watch("one"), 0))
    house.do(node_rows.add_gap, Gap(after(500), after(1300)), "test")
    assert house.lapse(1310) == 1
    assert house.flips("one") == [("new", "up")]
    assert house.find("one").due_at == after(1360)
    house.lapse(1360)
    assert house.slots("one") == [(600, "unknown"), (1200, "unknown"), (None, "ok")]
    house.lapse(1860)
    assert house.flips("one") == [("new", "up"), ("up", "down")]
    assert house.audit(1900) == []


def test_a_stale_hint_is_harmless(house: House) -> None:
    house.ping(heard(house.watch("one"), 0))
    house.plant(update(watch_table).values(due_at=after(1)))
    assert house.lapse(2) == 1
    assert (house.flips("one"), house.find("one").due_at) == ([("new", "up")], after(660))


def test_two_sweepers_share_what_is_due(nodes: tuple[House, House]) -> None:
    """Each judges what the other doesn't hold; nothing is judged twice."""
    for n in range(20):
        nodes[0].ping(heard(nodes[0].watch(f"w{n}"), 0))
    both = [house.database.write(lambda tx: watches.lapse(tx, after(660), 10)) for house in nodes]
    seen = sum(future.result(60) for future in both)
    while again := nodes[0].lapse(660):
        seen += again
    assert (seen, len(nodes[0].rows("flips"))) == (20, 40)


DENSE: dict[str, Any] = {"schedule": "*-*-* *:*:*", "start_by_s": 86_400}


def test_one_ping_of_a_dense_schedule_writes_a_bounded_ledger(house: House) -> None:
    """Every second with a day of grace: one line stands for the slots that have none."""
    record = house.watch("dense", **DENSE)
    house.ping(heard(record, 0.5), heard(record, 72_000.5))
    lines = [row for row in house.rows("runs") if row["outcome"] == "missed"]
    lines.sort(key=itemgetter("slot_at"))
    assert len(lines) == MAX_WALK
    assert [row["reason"] == STRETCH for row in lines].index(True) == MAX_WALK - 1
    found = house.find("dense").watch
    assert (found.slot_at, found.unheard) == (after(72_001), ())
    house.ping(heard(record, 71_999.5), at=72_001)
    assert house.audit(72_001) == []
    house.plant(update(run_table).where(run_table.c.reason == STRETCH).values(reason="else"))
    assert [one.rule for one in house.audit(72_001)] == ["no slot without a line"]


@pytest.mark.parametrize("turn", [watches.pause, None])
def test_a_dense_schedule_is_paused_and_changed_in_few_lines(house: House, turn: Any) -> None:
    record = house.watch("dense", **DENSE)
    house.ping(heard(record, 0.5))
    if turn:
        house.on("dense", turn, after(72_000))
    else:
        edited(house, "dense", 72_000, schedule="*/5 * * * *")
    lines = [row for row in house.rows("runs") if row["outcome"] == "suppressed"]
    assert len(lines) == MAX_WALK + 1
    assert house.audit(72_000) == []


def zone_of(house: House, slug: str, zone: str) -> None:
    """Store a zone for a watch, as if the time zone data had been another when it was made."""
    house.plant(update(watch_table).where(watch_table.c.slug == slug).values(timezone=zone))


def test_a_zone_that_is_gone_concerns_its_own_watch_alone(house: House) -> None:
    for slug in ("one", "two"):
        house.ping(heard(house.watch(slug), 0))
    zone_of(house, "one", "Mars/Olympus")
    house.lapse(660)
    assert (house.flips("one"), house.flips("two")) == (
        [("new", "up")], [("new", "up"), ("up", "down")],
    )  # fmt: skip
    assert "timezone" in house.find("one").fault
    assert house.find("one").due_at == after(660 + 3_600)
    found = [one for one in house.audit(660) if one.where == "one"]
    assert [one.rule for one in found] == ["every schedule can be followed"]
    zone_of(house, "one", "UTC")
    house.lapse(660 + 3_600)
    assert house.flips("one") == [("new", "up"), ("up", "down")]


def test_pings_count_without_the_zone_and_with_it_silence_is_judged_again(house: House) -> None:
    house.watch("one")
    zone_of(house, "one", "Mars/Olympus")
    house.ping(heard(house.find("one"), 100), heard(house.find("one"), 700))
    assert house.find("one").watch.status == "up"
    house.lapse(800)
    zone_of(house, "one", "UTC")
    house.lapse(4_500)
    assert house.find("one").watch.slot_at == after(4_800)
    house.lapse(4_860)
    assert house.flips("one") == [("new", "up"), ("up", "down")]
    assert house.audit(4_861) == []


def test_another_zone_mends_it(house: House) -> None:
    house.ping(heard(house.watch("one"), 0))
    zone_of(house, "one", "Mars/Olympus")
    house.lapse(660)
    mended = edited(house, "one", 700, timezone="Europe/Berlin")
    assert (mended.watch.slot_at, mended.due_at) == (after(1_200), after(1_260))
    assert house.find("one").fault == ""


def test_a_job_whose_zone_is_gone_waits_and_holds_nobody_up(house: House) -> None:
    house.job("one")
    house.job("two")
    zone_of(house, "one", "Mars/Olympus")
    house.fire(60)
    assert [work.slug for work in house.claim(60)] == ["two"]
    zone_of(house, "one", "UTC")
    house.fire(120)
    house.fire(60 + 3_600)
    slots = [
        row["slot_at"] for row in house.rows("runs") if row["watch_id"] == house.find("one").id
    ]
    assert sorted(slots) == [after(60 * n) for n in range(1, 62)]
    assert house.audit(60 + 3_600) == []
