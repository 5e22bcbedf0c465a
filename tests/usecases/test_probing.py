"""Probes on both databases: claimed in turn, settled once, spread, freed, agreed upon, counted."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import update

from dogwatch.core.alerts import Event, Rule, Verdict
from dogwatch.core.probe.pace import RETURN_S
from dogwatch.core.problems import Problem
from dogwatch.core.result import Outcome, Result
from dogwatch.core.statistics import Tally
from dogwatch.store import rollups
from dogwatch.store.tables import jobs
from dogwatch.usecases import (
    nodes,
    probes,
    probing,
    statistics,
    system,
    timers,
    unwatched,
    watches,
    why,
)
from dogwatch.usecases.probing import Reply
from tests.harness.house import House, after, meet
from tests.harness.probing import Probing


@pytest.fixture
def probing_house(house: House) -> Probing:
    """A house with probes."""
    return Probing(house)


# --- making -----------------------------------------------------------------------------------


def test_a_probe_is_a_job_of_its_own_kind(probing_house: Probing) -> None:
    record = probing_house.make()
    found, job = probing_house.house.see(probes.find, record.workspace_id, "shop")
    assert (found.kind, found.watch.job, job.action_kind, job.next_at) == (
        "probe", True, "probe", None,
    )  # fmt: skip
    (row,) = probing_house.house.rows("probes")
    assert (row["location"], row["due_at"], row["node_id"]) == ("here", after(60), None)


def test_an_interval_begins_where_its_id_puts_it(probing_house: Probing) -> None:
    firsts = [probing_house.make(f"p{n}", schedule="300").watch.slot_at for n in range(20)]
    assert all(one and after(0) < one <= after(300) for one in firsts)
    assert len(set(firsts)) > 15  # two may fall upon one millisecond


def test_secrets_of_a_probe_are_sealed(probing_house: Probing) -> None:
    target = {"kind": "http", "url": "https://x.example/", "headers": {"X-Key": "s3cret-value"}}
    probing_house.make(target=target)
    assert b"s3cret-value" not in str(probing_house.house.everything()).encode()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"schedule": None}, "schedule"),
        ({"target": {"kind": "tcp", "host": "x"}}, "target.port"),
        ({"failures_before_down": 11}, "failures_before_down"),
        ({"rechecks": 6}, "rechecks"),
        ({"recheck_after_s": 0}, "recheck_after_s"),
        ({"agree": 2}, "agree"),
        ({"locations": ()}, "locations"),
        ({"locations": ("a", "a")}, "locations"),
        ({"locations": ("Here",)}, "locations"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    probing_house: Probing, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(Problem) as caught:
        probing_house.make(**given)
    assert field in caught.value.fields


def test_an_edit_changes_what_is_asked_and_keeps_the_slot(probing_house: Probing) -> None:
    house, record = probing_house.house, probing_house.make()
    spec = probing_house.spec(target={"kind": "icmp", "host": "x"}, locations=("here", "fra"))
    house.on("shop", probes.edit, spec, house.vault, after(30))
    (question,) = probing_house.claim(60)
    assert (question.probe.target.kind, question.slot_at) == ("icmp", after(60))
    assert house.see(probes.find, record.workspace_id, "shop")[0].watch.slot_at == after(60)
    assert [row["location"] for row in house.rows("probes")] == ["fra", "here"]


# --- asking -----------------------------------------------------------------------------------


def test_an_answer_settles_its_slot(probing_house: Probing) -> None:
    probing_house.make()
    assert probing_house.claim(59) == []
    (question,) = probing_house.claim(60.2)
    assert question.slot_at == after(60)
    assert probing_house.claim(61) == []
    seen = {"status_code": 503, "phases_ms": {"total": 12.5}, "error": "status", "preview": "no!"}
    probing_house.reply([question], 61, "fail", **seen)
    (run,) = probing_house.house.rows("runs")
    assert (run["slot_at"], run["outcome"], run["trigger"]) == (after(60), "fail", "schedule")
    assert {name: run[name] for name in seen} == seen
    assert (run["state"], run["duration_ms"], run["started_at"]) == ("done", 5, after(61))
    assert probing_house.status() == "down"
    assert probing_house.house.flips("shop") == [("new", "down")]
    assert len(probing_house.claim(120)) == 1


def test_degraded_between_down_and_up(probing_house: Probing) -> None:
    probing_house.make(slow_after_ms=100)
    for at, outcome, ms in ((60, "ok", 5), (120, "ok", 500), (180, "fail", 5), (240, "slow", 5)):
        probing_house.ask(at, outcome, duration_ms=ms)
    assert [to for _, to in probing_house.house.flips("shop")] == [
        "up", "degraded", "down", "degraded",
    ]  # fmt: skip


def test_a_watch_that_is_down_is_not_asked_again_and_again(probing_house: Probing) -> None:
    probing_house.make(rechecks=3)
    (question,) = probing_house.claim(60)
    assert question.rechecks == 3
    probing_house.reply([question], 61, "fail")
    assert probing_house.claim(120)[0].rechecks == 0


def test_the_same_slot_is_settled_once(probing_house: Probing) -> None:
    probing_house.make()
    questions = probing_house.claim(60)
    probing_house.reply(questions, 61)
    probing_house.reply(questions, 62, "fail")
    assert probing_house.house.slots("shop") == [(60, "ok")]
    assert probing_house.status() == "up"
    assert [row["due_at"] for row in probing_house.house.rows("probes")] == [after(120)]


def test_slots_passed_over_are_in_the_ledger(probing_house: Probing) -> None:
    probing_house.make()
    questions = probing_house.claim(60)
    probing_house.reply(questions, 190, "timeout")
    assert probing_house.ask(190) == 1
    assert probing_house.ask(241) == 1
    told = [(60, "timeout"), (120, "skipped"), (180, "ok"), (240, "ok")]
    assert probing_house.house.slots("shop") == told
    assert probing_house.house.audit(250) == []


def test_an_answer_that_comes_after_a_pause_is_dropped(probing_house: Probing) -> None:
    probing_house.make()
    questions = probing_house.claim(60)
    probing_house.house.on("shop", watches.pause, after(61))
    probing_house.reply(questions, 62, "fail")
    assert probing_house.status() == "paused"
    assert probing_house.claim(120) == []
    probing_house.house.on("shop", watches.resume, after(130))
    assert [question.slot_at for question in probing_house.claim(180)] == [after(180)]


def test_an_answer_for_a_probe_that_is_gone_is_dropped(probing_house: Probing) -> None:
    probing_house.make()
    questions = probing_house.claim(60)
    probing_house.house.on("shop", watches.remove)
    probing_house.reply(questions, 61)
    assert probing_house.house.rows("runs") == []


def test_one_that_cannot_be_read_holds_up_no_other(probing_house: Probing) -> None:
    probing_house.make("bad")
    probing_house.house.plant(update(jobs).values(action=b"broken"))
    probing_house.make("good")
    assert [one.probe.target.kind for one in probing_house.claim(60)] == ["http"]
    assert probing_house.claim(61) == []


# --- coming back ------------------------------------------------------------------------------


def test_what_is_overdue_after_an_outage_is_spread_within_the_interval(
    probing_house: Probing,
) -> None:
    for n in range(12):
        probing_house.make(f"p{n}", schedule="60")
    assert probing_house.claim(600) == []
    due = sorted(
        (row["due_at"] - after(600)).total_seconds() for row in probing_house.house.rows("probes")
    )
    assert 0 <= due[0] < due[-1] <= 60
    assert len(set(due)) == 12
    asked = [question for at in range(601, 662) for question in probing_house.claim(at)]
    assert len(asked) == 12
    assert all(one.slot_at > after(540) for one in asked)


def test_a_restart_is_no_stampede_and_leaves_nothing_unwatched(probing_house: Probing) -> None:
    house, count, back = probing_house.house, 60, 420
    house.join("node-a", alone=True)
    for n in range(count):
        probing_house.make(f"p{n}", schedule="60")
    assert sum(probing_house.ask(at) for at in range(1, 61)) == count
    house.do(nodes.beat, "node-a", after(60))
    house.join("node-b", back, alone=True)
    asked: dict[str, int] = {}
    most = 0
    for at in range(back, back + 62):
        questions = probing_house.claim(at, node="node-b")
        probing_house.reply(questions, at + 0.1)
        most = max(most, len(questions))
        for one in questions:
            asked.setdefault(one.key[1], at)
    assert len(asked) == count
    assert max(asked.values()) <= back + 60
    assert most <= 10


def test_a_dead_node_leaves_its_probes_to_the_others_at_once(probing_house: Probing) -> None:
    house = probing_house.house
    house.join("node-a")
    house.join("node-b")
    probing_house.make()
    lost = probing_house.claim(60)
    house.do(nodes.beat, "node-b", after(75))
    house.do(nodes.reap, after(75))
    (again,) = probing_house.claim(75, node="node-b")
    assert again.slot_at == after(60)
    probing_house.reply([again], 76)
    probing_house.reply(lost, 77, "fail")
    assert house.slots("shop") == [(60, "ok")]
    assert [row["node_id"] for row in house.rows("probes")] == [None]


def test_a_restart_asks_what_was_under_way(probing_house: Probing) -> None:
    house = probing_house.house
    house.join("node-a", alone=True)
    probing_house.make()
    probing_house.claim(60)
    house.join("node-b", 62, alone=True)
    assert len(probing_house.claim(62, node="node-b")) == 1


def test_slots_in_an_outage_of_ours_are_unknown_and_do_not_count(probing_house: Probing) -> None:
    house = probing_house.house
    house.join("node-a", alone=True)
    probing_house.make()
    probing_house.ask(60)
    house.do(nodes.beat, "node-a", after(61))
    house.join("node-b", 301, alone=True)
    for at in range(302, 302 + int(RETURN_S) + 1):
        probing_house.ask(at)
    slots = house.slots("shop")
    assert slots[:2] == [(60, "ok"), (120, "unknown")]
    assert [outcome for _, outcome in slots[2:]] in (["ok"], ["ok", "ok"])
    day = house.see(statistics.windows, house.workspace.id, "shop", after(400))[0]
    assert (day.tally.bad, day.tally.uptime_percent) == (0, 100.0)
    assert (day.gaps[-1].start_at, day.gaps[-1].end_at) == (after(61), after(301))
    assert house.audit(363) == []


def test_a_clock_set_back_leaves_no_probe_waiting(probing_house: Probing) -> None:
    house = probing_house.house
    house.join("node-a", 7200, alone=True)
    probing_house.make(schedule="60", at=7200)
    house.do(nodes.beat, "node-a", after(7201))
    house.do(nodes.beat, "node-a", after(0))
    (row,) = house.rows("probes")
    assert after(0) < row["due_at"] <= after(60)


# --- locations --------------------------------------------------------------------------------

THREE: dict[str, Any] = {"locations": ("here", "fra", "nyc"), "agree": 2}


def test_each_location_asks_for_itself_and_two_decide(probing_house: Probing) -> None:
    probing_house.make(**THREE)
    probing_house.ask(60)
    assert probing_house.status() == "new"
    probing_house.ask(61, "fail", "fra")
    assert probing_house.status() == "new"
    probing_house.ask(62, "ok", "nyc")
    assert probing_house.status() == "up"
    probing_house.ask(120, "fail", "fra")
    probing_house.ask(120, "timeout", "nyc")
    assert probing_house.status() == "down"
    probing_house.ask(121, "ok")
    assert probing_house.house.slots("shop") == [(60, "ok"), (120, "fail")]
    down = probing_house.house.rows("runs")[-1]
    assert down["reason"] == "2 of 3 locations: fra: fail; nyc: timeout"
    assert [len(probing_house.claim(180, one)) for one in ("here", "fra", "nyc")] == [1, 1, 1]


def test_a_location_without_anybody_is_told(probing_house: Probing) -> None:
    house = probing_house.house
    own = probing_house.make(**THREE)
    probing_house.ask(60)
    probing_house.ask(60, "ok", "fra")
    probing_house.ask(120)
    assert house.see(system.unasked, after(119)) == []
    probing_house.ask(120, "ok", "fra")
    (found,) = house.see(system.unasked, after(130))
    assert (found.location, found.since_at, found.count) == ("nyc", after(60), 1)
    assert "nobody asks at location nyc: 1 probe waits" in found.words
    state = house.see(system.state, after(130))
    assert found.words in state.problems
    told = house.see(why.why, house.workspace.id, own.id, after(130)).sentence
    assert "It is unwatched from nyc: its turn came at 2026-01-05 12:01:00 UTC" in told


def test_who_hears_that_it_is_down_hears_that_nobody_asks(probing_house: Probing) -> None:
    house = probing_house.house
    house.channel(rule=Rule("", "", frozenset({Event.DOWN})))
    probing_house.make(**THREE)
    for at in (60, 120):
        probing_house.ask(at)
        probing_house.ask(at, "ok", "fra")
    assert house.do(unwatched.look, after(119)) == 0
    assert [house.do(unwatched.look, after(at)) for at in (121, 151)] == [1, 0]
    (parcel,) = house.parcels(200)
    assert parcel.message.event is Event.LATE
    assert parcel.message.first.reason == "it is unwatched: no node of location nyc asks it"
    probing_house.ask(200, "ok", "nyc")
    assert house.do(unwatched.look, after(201)) == 0


def test_what_no_rule_wants_is_looked_at_once(probing_house: Probing) -> None:
    house = probing_house.house
    probing_house.make(**THREE)
    assert house.do(unwatched.look, after(121)) == 0
    known = house.rows("untaken")
    assert known != []
    assert house.do(unwatched.look, after(151)) == 0
    assert house.rows("untaken") == known
    assert house.rows("deliveries") == []


def test_each_location_that_nobody_asks_is_told(probing_house: Probing) -> None:
    house = probing_house.house
    house.channel(rule=Rule("", "", frozenset({Event.DOWN})))
    probing_house.make(**THREE)
    probing_house.ask(60, "ok", "nyc")
    for at in (60, 120, 180):
        probing_house.ask(at)
    assert [house.do(unwatched.look, after(at)) for at in (125, 181, 190)] == [1, 1, 0]
    told = [str(row["message"]) for row in house.rows("deliveries")]
    assert ["location fra asks" in told[0], "location nyc asks" in told[1]] == [True, True]


def test_a_delay_does_not_forget_that_nobody_asked(probing_house: Probing) -> None:
    house = probing_house.house
    house.channel(rule=Rule("", "", frozenset({Event.DOWN}), delay_s=60))
    probing_house.make()
    assert house.do(unwatched.look, after(130)) == 1
    house.do(timers.step, after(191))
    assert [row["state"] for row in house.rows("deliveries")] == ["pending"]


def others_ask(probing_house: Probing, *times: float) -> None:
    """Have the two other locations ask."""
    for at in times:
        probing_house.ask(at)
        probing_house.ask(at, "ok", "fra")


def nyc_asks(probing_house: Probing, at: float) -> None:
    """Have New York come back a minute before, when nothing is owed, and ask before the others."""
    assert probing_house.ask(at - 60, "ok", "nyc") == 0
    assert probing_house.ask(at, "ok", "nyc") == 1
    others_ask(probing_house, at)


def unwatched_from_nyc(probing_house: Probing, delay_s: int = 0) -> None:
    """Have somebody told that New York does not ask, which it owed at 60."""
    probing_house.house.channel(rule=Rule("", "", frozenset({Event.DOWN}), delay_s=delay_s))
    probing_house.make(**THREE)
    others_ask(probing_house, 60, 120)
    assert probing_house.house.do(unwatched.look, after(121)) == 1


def told(house: House) -> list[tuple[str, str]]:
    """Return the events that people were told of, and what became of it."""
    return [(row["event"], row["state"]) for row in house.rows("deliveries")]


def test_who_heard_that_nobody_asks_hears_once_that_somebody_does(probing_house: Probing) -> None:
    house = probing_house.house
    unwatched_from_nyc(probing_house)
    (opening,) = house.parcels(122)
    house.settle(opening, 123, Verdict.SENT)
    others_ask(probing_house, 180, 240, 300)
    nyc_asks(probing_house, 360)
    assert [house.do(unwatched.look, after(at)) for at in (370, 400)] == [1, 0]
    (closing,) = house.parcels(400)
    assert closing.message.event is Event.RECOVERED
    assert closing.message.first.reason == (
        "location nyc asks it again, after 5 min in which nobody did"
    )
    assert closing.message.key == opening.message.key != closing.message.first.watch_id
    assert house.rows("untaken") == []


def test_a_second_time_that_nobody_asks_is_told_again(probing_house: Probing) -> None:
    house = probing_house.house
    unwatched_from_nyc(probing_house)
    others_ask(probing_house, 180)
    nyc_asks(probing_house, 240)
    assert house.do(unwatched.look, after(250)) == 1
    others_ask(probing_house, 300, 360)
    assert [house.do(unwatched.look, after(at)) for at in (365, 390)] == [1, 0]
    assert [event for event, _ in told(house)] == ["late", "recovered", "late"]


def test_an_edit_asks_nobody(probing_house: Probing) -> None:
    house = probing_house.house
    unwatched_from_nyc(probing_house)
    for at, locations, left in ((130, ("here", "nyc"), 1), (140, ("here", "fra"), 0)):
        spec = probing_house.spec(locations=locations, agree=1)
        house.on("shop", probes.edit, spec, house.vault, after(at))
        assert house.do(unwatched.look, after(at + 1)) == 0
        assert len(house.rows("untaken")) == left


def test_the_all_clear_waits_for_what_it_ends(probing_house: Probing) -> None:
    house = probing_house.house
    unwatched_from_nyc(probing_house, delay_s=100)
    nyc_asks(probing_house, 180)
    assert house.do(unwatched.look, after(190)) == 0
    house.do(timers.step, after(222))
    assert house.do(unwatched.look, after(223)) == 1
    assert told(house) == [("late", "pending"), ("recovered", "pending")]


def test_no_all_clear_while_nobody_asks_again(probing_house: Probing) -> None:
    house = probing_house.house
    unwatched_from_nyc(probing_house, delay_s=200)
    nyc_asks(probing_house, 180)
    assert house.do(unwatched.look, after(190)) == 0
    others_ask(probing_house, 240, 300)
    house.do(timers.step, after(322))
    assert house.do(unwatched.look, after(323)) == 0
    assert [event for event, _ in told(house)] == ["late"]


def test_no_all_clear_for_whom_nobody_told(probing_house: Probing) -> None:
    house = probing_house.house
    unwatched_from_nyc(probing_house)
    house.channel("newcomer", rule=Rule("", "", frozenset({Event.DOWN, Event.RECOVERED})))
    nyc_asks(probing_house, 180)
    assert house.do(unwatched.look, after(190)) == 1
    assert len({row["channel_id"] for row in house.rows("deliveries")}) == 1


def test_a_location_that_is_silent_is_not_waited_for(probing_house: Probing) -> None:
    probing_house.make(**THREE)
    probing_house.ask(60, "ok", "fra")
    probing_house.ask(120, "ok", "fra")
    assert probing_house.house.slots("shop") == [(60, "ok")]
    probing_house.ask(180, "fail", "fra")
    assert probing_house.house.slots("shop") == [(60, "ok"), (120, "ok")]
    probing_house.ask(240, "ok", "fra")
    assert probing_house.house.slots("shop")[-1] == (180, "unknown")
    assert probing_house.status() == "up"


def test_several_locations_at_once_settle_a_slot_once(nodes: tuple[House, House]) -> None:
    here, there = map(Probing, nodes)
    here.make(locations=("here", "fra"), agree=1)
    barrier = Barrier(2)
    asked = here.claim(60), there.claim(60, "fra", "node-b")

    def answer(side: Probing, mine: Any) -> None:
        reply = Reply(mine[0], Result(Outcome.FAIL, "no"), after(60), after(61))

        def together(tx: Any) -> None:
            meet(barrier)
            probing.finish(tx, [reply], after(61))

        side.house.do(together)

    threads = [Thread(target=answer, args=pair) for pair in zip((here, there), asked, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert here.house.slots("shop") == [(60, "fail")]
    assert here.house.flips("shop") == [("new", "down")]


def test_two_nodes_of_one_location_share_the_work(nodes: tuple[House, House]) -> None:
    here, there = map(Probing, nodes)
    for n in range(6):
        here.make(f"p{n}")
    first = here.claim(60, node="node-a", limit=3)
    second = there.claim(60, node="node-b", limit=10)
    assert len({one.key for one in [*first, *second]}) == len(first) + len(second) == 6


# --- statistics -------------------------------------------------------------------------------


def test_statistics_count_what_was_asked(probing_house: Probing) -> None:
    house = probing_house.house
    probing_house.make()
    for minute, outcome in enumerate(["ok", "ok", "fail", "slow"], 1):
        probing_house.ask(60 * minute, outcome, duration_ms=100 * minute)
    found = house.see(statistics.windows, house.workspace.id, "shop", after(300))
    assert [one.name for one in found] == ["24h", "7d", "30d", "90d"]
    for one in found:
        tally = one.tally
        assert (tally.ok, tally.slow, tally.bad, tally.total_ms) == (2, 1, 1, 700)
        assert (tally.uptime_percent, tally.average_ms) == (75.0, 233.3)
        assert tally.percentile_ms(0.5) == pytest.approx(200, rel=0.05)
        assert tally.percentile_ms(0.99) == pytest.approx(400, rel=0.05)


def test_hours_become_days_without_losing_or_doubling_a_slot(probing_house: Probing) -> None:
    house, record = probing_house.house, probing_house.make()
    start = rollups.hour_of(after(0)) - timedelta(days=20)
    hours = {
        (*record.key, rollups.HOUR, start + timedelta(hours=n)): Tally(1, 0, n % 2, 10, {24: 1})
        for n in range(480)
    }
    house.do(rollups.add, hours)
    before = house.see(statistics.windows, house.workspace.id, "shop", after(0))
    while house.do(statistics.tidy, after(0)):
        pass
    units = [row["unit"] for row in house.rows("rollups")]
    assert (units.count("day"), units.count("hour")) == (12, 480 - 12 * 24 + 12)
    assert house.see(statistics.windows, house.workspace.id, "shop", after(0)) == before
    assert before[3].tally == Tally(480, 0, 240, 4800, {24: 480})
    house.do(statistics.tidy, after(0) + timedelta(days=200))
    house.do(statistics.tidy, after(0) + timedelta(days=200))
    assert house.rows("rollups") == []
