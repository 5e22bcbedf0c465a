"""Alerts on both databases: held, let go, collected, suppressed; incidents; never dropped."""

from collections.abc import Callable
from datetime import time
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from dogwatch.core.alerts import Escalation, Event, Rule, Scope, Verdict
from dogwatch.core.message import words
from dogwatch.core.ping import Kind
from dogwatch.core.problems import Problem
from dogwatch.core.windows import Digest, Quiet, WindowSpec
from dogwatch.store.database import Tx
from dogwatch.usecases import (
    ack_links,
    channels,
    dependencies,
    incidents,
    ladder,
    lists,
    maintenance,
    pings,
    rules,
    timers,
    watches,
    why,
)
from tests.harness.house import House, after, heard, meet

FAIL, OK = Kind.FAIL, Kind.OK
EVERY = frozenset({Event.DOWN, Event.DEGRADED, Event.RECOVERED})
NOBODY = Rule("", "", EVERY, Scope("tags", frozenset({"none"})))
HOUR = WindowSpec("once", start_at=after(-60), end_at=after(3600))
# Of each kind one that goes on at noon of that Monday, UTC, for an hour.
WINDOWS = {
    "once": HOUR,
    "weekly": WindowSpec(
        "weekly", days=("mon",), start="13:00", duration_s=3600, timezone="Europe/Warsaw"
    ),
    "cron": WindowSpec("cron", cron="0 7 * * 1-5", duration_s=3600, timezone="America/New_York"),
}


def step(house: House, at: float) -> None:
    """Do all that is due."""
    while house.do(timers.step, after(at)):
        pass


def fail(house: House, slug: str, at: float, **spec: Any) -> None:
    """Make a watch that was up and fails."""
    record = house.watch(slug, **spec)
    house.ping(heard(record, at - 1), heard(record, at, FAIL))


def recover(house: House, slug: str, at: float) -> None:
    house.ping(heard(house.find(slug), at))


def told(house: House) -> list[tuple[str, str, str]]:
    """Return what became of each delivery: (event, state, what it is held for or its reason)."""
    rows = house.rows("deliveries")
    return [(row["event"], row["state"], row["hold"] or row["reason"]) for row in rows]


def ruled(house: House, **timing: Any) -> None:
    house.channel(rule=Rule("", "", EVERY, **timing))


def maintain(house: House, scope: Scope | None = None, window: WindowSpec = HOUR) -> str:
    made = house.do(
        maintenance.add, house.workspace.id, "Upgrade", scope or Scope(), window, after(-120)
    )
    return made.id


def arrived(house: House, at: float) -> list[str]:
    """Send what is on its way; return the events."""
    found = list(house.parcels(at))
    for parcel in found:
        house.settle(parcel, at, Verdict.SENT)
    return [str(parcel.message.event) for parcel in found]


# --- rules -------------------------------------------------------------------------------------


def test_a_delay_tells_only_what_lasts(house: House) -> None:
    ruled(house, delay_s=300)
    fail(house, "short", 1)
    fail(house, "long", 1)
    assert [one[1:] for one in told(house)] == [("held", "delay")] * 2
    step(house, 300)
    recover(house, "short", 300)
    assert house.audit(300) == []
    step(house, 301)
    assert arrived(house, 302) == ["down"]
    assert sorted(told(house)) == [
        ("down", "sent", "ok"),
        ("down", "suppressed", "it recovered before this was to be told (it was held: the rule "
         "waits 300 s to see whether it lasts)"),
        ("recovered", "suppressed", "nobody was told of what it ends"),
    ]  # fmt: skip
    recover(house, "long", 303)
    assert arrived(house, 304) == ["recovered"]
    assert house.audit(304) == []


def test_quiet_hours_hold_everything_until_their_end(house: House) -> None:
    ruled(house, quiet=Quiet(time(12, 1), time(13)))
    fail(house, "early", 1)
    assert arrived(house, 2) == ["down"]
    recover(house, "early", 100)
    fail(house, "night", 100)
    fail(house, "gone", 100)
    recover(house, "gone", 200)
    step(house, 3599)
    assert arrived(house, 3599) == []
    step(house, 3600)
    assert sorted(arrived(house, 3600)) == ["down", "recovered"]
    assert house.audit(3600) == []


def test_a_recovery_that_did_not_last_the_night(house: House) -> None:
    ruled(house, quiet=Quiet(time(12, 1), time(13)))
    fail(house, "one", 1)
    arrived(house, 2)
    recover(house, "one", 100)
    house.ping(heard(house.find("one"), 200, FAIL))
    step(house, 3600)
    assert arrived(house, 3600) == ["down"]
    assert ("recovered", "suppressed") in [one[:2] for one in told(house)]
    assert house.audit(3600) == []


def test_a_pause_ends_what_was_held(house: House) -> None:
    ruled(house, delay_s=60)
    fail(house, "one", 1)
    house.on("one", watches.pause, after(10))
    step(house, 100)
    assert told(house)[0][:2] == ("down", "suppressed")
    assert house.rows("incidents")[0]["closed_by"] == "pause"
    assert house.audit(100) == []


def test_what_is_still_down_when_it_is_resumed_is_told_again(house: House) -> None:
    ruled(house)
    fail(house, "one", 1)
    assert arrived(house, 2) == ["down"]
    house.on("one", watches.pause, after(10))
    assert arrived(house, 11) == []
    house.on("one", watches.resume, after(20))
    assert arrived(house, 21) == ["down"]
    recover(house, "one", 30)
    assert arrived(house, 31) == ["recovered"]
    assert [one["closed_by"] for one in house.rows("incidents")] == ["pause", "recovery"]
    assert house.audit(31) == []


def test_a_rule_that_is_gone_sends_nothing_it_held(house: House) -> None:
    ruled(house, delay_s=60)
    fail(house, "one", 1)
    (rule,) = house.rows("rules")
    house.do(rules.remove_rule, house.workspace.id, rule["id"], after(5))
    step(house, 5)
    assert told(house)[0][1] == "suppressed"
    assert told(house)[0][2].startswith("no rule sends it any more")
    assert (house.rows("tasks"), house.audit(6)) == ([], [])


def test_a_rule_that_waits_no_longer_sends_at_once(house: House) -> None:
    ruled(house, delay_s=3600)
    fail(house, "one", 1)
    ((rule, _),) = house.see(rules.rule_page, house.workspace.id, 10, "")
    eager = Rule(rule.id, rule.channel_id, rule.events, rule.scope)
    house.do(rules.change_rule, house.workspace.id, eager, after(5))
    step(house, 5)
    assert arrived(house, 5) == ["down"]


def test_slow_is_another_word_for_degraded(house: House) -> None:
    house.channel(rule=Rule("", "", frozenset({Event.SLOW})))
    record = house.watch("one", slow_after_ms=1000)
    house.ping(heard(record, 0), heard(record, 10, Kind.START), heard(record, 20))
    assert [one[0] for one in told(house)] == ["degraded"]


# --- lateness ----------------------------------------------------------------------------------


def test_late_is_told_once_a_slot(house: House) -> None:
    house.channel(rule=Rule("", "", frozenset({Event.LATE})))
    record = house.watch("one", start_by_s=300)
    house.ping(heard(record, 1))
    step(house, 600)
    assert told(house) == []
    for at in (601, 602, 700):
        step(house, at)
    assert arrived(house, 702) == ["late"]
    told_of = house.see(why.why, house.workspace.id, "one", after(703))
    assert told_of.sentence.endswith("That it was late: hook was told (ok).")
    assert told_of.flip is None
    house.ping(heard(record, 710))
    step(house, 1190)
    assert len(told(house)) == 1
    step(house, 1201)
    assert len(told(house)) == 2
    assert house.audit(1201) == []


def test_what_happened_last_is_explained_be_it_lateness_or_a_flip(house: House) -> None:
    house.channel(rule=Rule("", "", frozenset({Event.LATE, Event.DOWN})))
    record = house.watch("one", start_by_s=300)
    house.ping(heard(record, 1))
    assert "Nobody was told anything" in reason(house, 2)
    step(house, 601)
    assert arrived(house, 602) == ["late"]
    assert "That it was late: hook was told" in reason(house, 603)
    house.ping(heard(record, 610, FAIL))
    assert "That it went down: a message to hook is on its way" in reason(house, 611)


def reason(house: House, at: float) -> str:
    """Return why the watch is as it is, and who was told."""
    return house.see(why.why, house.workspace.id, "one", after(at)).sentence


def test_one_owed_slot_is_told_once_though_others_pass(house: House) -> None:
    house.channel(rule=Rule("", "", frozenset({Event.LATE})))
    house.ping(heard(house.watch("fast", schedule="every 10s", start_by_s=600), 0))
    for at in (11.5, 21.5, 31.5, 60):
        step(house, at)
    assert [one[0] for one in told(house)] == ["late"]


@pytest.mark.parametrize(("away", "back"), [(500, 700), (590, 605)])
def test_our_own_outage_calls_nobody_late(house: House, away: float, back: float) -> None:
    house.channel(rule=Rule("", "", frozenset({Event.LATE})))
    house.ping(heard(house.watch("one", start_by_s=300), 1))
    house.join("before", away)
    house.join("after", back, alone=True)
    step(house, back + 1)
    assert told(house) == []
    house.ping(heard(house.find("one"), back + 10))
    step(house, 1201)
    assert [one[0] for one in told(house)] == ["late"]


def test_a_rule_that_asks_for_lateness_finds_the_watches_there_are(house: House) -> None:
    house.ping(heard(house.watch("one", start_by_s=300), 1))
    house.watch("two", tags=("x",), start_by_s=300)
    scope = Scope("tags", frozenset({"y"}))
    house.channel(rule=Rule("", "", frozenset({Event.LATE})))
    house.channel(rule=Rule("", "", frozenset({Event.LATE}), scope))
    assert len([row for row in house.rows("tasks") if row["lane"] == "late"]) == 2
    step(house, 601)
    assert [one[0] for one in told(house)] == ["late"]


# --- maintenance and dependencies --------------------------------------------------------------


@pytest.mark.parametrize("kind", WINDOWS)
def test_maintenance_holds_what_opens_and_lets_it_go_at_its_end(house: House, kind: str) -> None:
    ruled(house)
    fail(house, "before", 1)
    maintain(house, window=WINDOWS[kind])
    fail(house, "within", 2)
    fail(house, "over", 2)
    recover(house, "over", 3)
    recover(house, "before", 3)
    assert house.flips("within") == [("new", "up"), ("up", "down")]
    assert sorted(arrived(house, 4)) == ["down"]
    assert arrived(house, 4) == ["recovered"]
    step(house, 3599)
    assert arrived(house, 3599) == []
    step(house, 3600)
    assert arrived(house, 3601) == ["down"]
    recover(house, "within", 3602)
    assert arrived(house, 3603) == ["recovered"]
    states = [one[:2] for one in told(house)]
    assert states.count(("down", "suppressed")) == states.count(("recovered", "suppressed")) == 1
    assert house.audit(3603) == []


def test_a_window_that_is_removed_lets_go(house: House) -> None:
    ruled(house)
    made = maintain(house, Scope("tags", frozenset({"db"})))
    fail(house, "in", 1, tags=("db",))
    fail(house, "out", 1)
    assert arrived(house, 2) == ["down"]
    house.do(maintenance.remove, house.workspace.id, made, after(3))
    step(house, 3)
    assert arrived(house, 4) == ["down"]


def family(house: House) -> None:
    """Make a router, and a page that depends on it through a database."""
    for slug in ("router", "db", "page"):
        house.ping(heard(house.watch(slug), 0))
    depend(house, "db", "router")
    depend(house, "page", "db")


def depend(house: House, slug: str, *parents: str) -> None:
    house.do(dependencies.set_parents, house.workspace.id, slug, parents, after(0))


def test_while_a_parent_is_down_children_open_no_alerts(house: House) -> None:
    ruled(house)
    family(house)
    house.ping(heard(house.find("router"), 1, FAIL))
    for slug in ("db", "page"):
        house.ping(heard(house.find(slug), 2, FAIL))
    assert arrived(house, 3) == ["down"]
    recover(house, "page", 4)
    recover(house, "router", 5)
    step(house, 5)
    assert sorted(arrived(house, 6)) == ["down", "recovered"]
    reasons = [one[2] for one in told(house) if one[1] == "suppressed"]
    assert "db, which it depends on, is down" in reasons[0]
    assert house.audit(6) == []


def test_a_child_told_before_its_parent_fell_recovers_aloud(house: House) -> None:
    ruled(house)
    family(house)
    house.ping(heard(house.find("db"), 1, FAIL))
    arrived(house, 2)
    house.ping(heard(house.find("router"), 3, FAIL))
    recover(house, "db", 4)
    assert sorted(arrived(house, 5)) == ["down", "recovered"]


def test_a_child_that_is_judged_first_waits_for_its_parent(house: House) -> None:
    ruled(house)
    family(house)
    house.ping(heard(house.find("db"), 640, FAIL))
    assert arrived(house, 641) == []
    (held,) = house.rows("deliveries")
    assert held["reason"] == "router, which it depends on, is about to be judged"
    recover(house, "page", 641)
    house.lapse(660)
    step(house, 670)
    assert arrived(house, 671) == ["down"]
    assert told(house) == [("down", "held", "parent"), ("down", "sent", "ok")]
    assert "is down" in house.rows("deliveries")[0]["reason"]


def test_a_child_waits_no_longer_than_is_said(house: House) -> None:
    ruled(house)
    family(house)
    house.ping(heard(house.find("db"), 640, FAIL))
    recover(house, "router", 641)
    step(house, 669)
    assert arrived(house, 669) == []
    step(house, 670)
    assert arrived(house, 670) == ["down"]


def test_a_parent_that_is_removed_holds_nothing_back(house: House) -> None:
    ruled(house)
    family(house)
    house.ping(heard(house.find("router"), 1, FAIL))
    house.ping(heard(house.find("db"), 2, FAIL))
    house.on("router", watches.remove)
    step(house, 3)
    assert arrived(house, 4) == ["down"]
    assert house.audit(4) == []


def test_circles_are_refused_with_their_path(house: House) -> None:
    family(house)
    with pytest.raises(Problem, match="router → page → db → router"):
        depend(house, "router", "page")
    with pytest.raises(Problem, match="no watch 'nobody'"):
        depend(house, "router", "nobody")
    found = house.see(dependencies.parents_of, house.workspace.id, "page")
    assert [one.slug for one in found] == ["db"]


# --- one message for one cause -----------------------------------------------------------------


def grouping(house: House, window_s: int = 10, **timing: Any) -> None:
    channel = house.channel("chat", Rule("", "", EVERY, **timing))
    house.do(channels.regroup, channel, window_s)


def test_what_happens_within_a_window_is_one_message(house: House) -> None:
    grouping(house)
    for n in range(50):
        fail(house, f"w{n}", 1)
    recover(house, "w0", 5)
    step(house, 10)
    assert arrived(house, 10) == []
    step(house, 11)
    (parcel,) = house.parcels(11)
    message = parcel.message
    assert (message.count, len(message.items), message.event) == (50, 50, Event.DOWN)
    (back,) = [item for item in message.items if item.slug == "w0"]
    assert (back.event, back.changes) == (Event.RECOVERED, 2)
    assert {item.slug for item in message.items} == {f"w{n}" for n in range(50)}
    [incident] = house.rows("incidents")
    assert message.key == incident["id"]
    assert house.audit(11) == []
    house.settle(parcel, 12, Verdict.SENT, detail="HTTP 200")
    flips = [row for row in house.rows("deliveries") if row["flip_id"]]
    assert {(row["state"], row["reason"]) for row in flips} == {("sent", "HTTP 200")}
    assert {row["bundle_id"] for row in flips} == {parcel.delivery.id}
    assert (house.rows("tasks"), house.audit(13)) == ([], [])


def test_of_many_uses_of_a_link_at_once_one_counts(nodes: tuple[House, House]) -> None:
    house = nodes[0]
    house.channel()
    fail(house, "one", 1)
    (parcel,) = house.parcels(2)
    code = parcel.message.ack_url.rpartition("/")[2]
    met = Barrier(2)

    def use(tx: Tx, number: int) -> str:
        meet(met)
        snooze_s = 3600 * (number % 2)
        ack_links.use(tx, code, f"P{number}", house.vault, after(3), snooze_s)
        return "counted"

    told = []
    doing = [node.database.write(partial(use, number=n)) for n in range(10) for node in nodes]
    for future in doing:
        try:
            told.append(future.result(30))
        except Problem as problem:
            told.append(problem.kind)
    assert sorted(told) == [*["conflict"] * 19, "counted"]
    assert len(house.rows("incident_notes")) == 1


def test_a_message_of_several_incidents_has_a_link_to_all_of_them(house: House) -> None:
    grouping(house, window_s=120)
    fail(house, "one", 1)
    fail(house, "two", 100)
    step(house, 121)
    (parcel,) = house.parcels(121)
    assert parcel.message.url.endswith("/incidents")
    code = parcel.message.ack_url.rpartition("/")[2]
    offer = house.see(ack_links.offer, code, house.vault, after(122))
    assert ([one.number for one in offer.incidents], offer.used) == ([1, 2], False)
    house.do(ack_links.use, code, "Ana", house.vault, after(122))
    assert [row["acked_by"] for row in house.rows("incidents")] == ["Ana", "Ana"]
    with pytest.raises(Problem, match="has been used"):
        house.do(ack_links.use, code, "Bo", house.vault, after(123))
    house.settle(parcel, 124, Verdict.SENT, detail="HTTP 200")
    two = house.see(incidents.find, house.workspace.id, "2")
    _, steps = house.see(ladder.ladder, two)
    (told_once,) = [one for one in steps if one.kind == "alert sent"]
    assert told_once.text.startswith("down to chat, with other incidents: HTTP 200")
    assert told_once.delivery_id == parcel.delivery.id
    own = next(row for row in house.rows("deliveries") if row["flip_id"])
    _, receipts = house.see(lists.delivery, house.workspace.id, own["id"])
    assert [one.detail for one in receipts] == ["HTTP 200"]


def test_a_window_that_is_over_is_refused(house: House) -> None:
    past = WindowSpec("once", start_at=after(-60), end_at=after(10))
    own = house.workspace.id
    with pytest.raises(Problem, match="is over already"):
        house.do(maintenance.add, own, "Upgrade", Scope(), past, after(10))
    one = house.do(maintenance.add, own, "Upgrade", Scope(), past, after(9))
    named = house.do(maintenance.change, one, "Other", Scope(), past, after(60))
    assert named.name == "Other"
    longer = WindowSpec("once", start_at=after(-60), end_at=after(20))
    with pytest.raises(Problem, match="is over already"):
        house.do(maintenance.change, named, "Other", Scope(), longer, after(60))


def test_a_group_says_what_else_is_down_but_not_its_members(house: House) -> None:
    fail(house, "before", 1)
    grouping(house)
    for slug in ("a", "b", "c"):
        fail(house, slug, 2)
    recover(house, "c", 3)
    step(house, 12)
    (message,) = (parcel.message for parcel in house.parcels(12))
    assert {item.slug for item in message.items} == {"a", "b", "c"}
    assert (message.also_down, message.also_down_count) == ((house.find("before").name,), 1)


def test_a_member_is_named_once_with_its_last_state(house: House) -> None:
    grouping(house)
    for slug in ("flaps", "falls"):
        fail(house, slug, 1)
    for at, kind in ((2, OK), (3, FAIL), (4, OK)):
        house.ping(heard(house.find("flaps"), at, kind))
    step(house, 11)
    (parcel,) = house.parcels(11)
    assert words(parcel.message).members == (
        "Down: falls (it reported a failure)",
        "Recovered: flaps (was down for 1 s; 4 changes)",
    )
    house.settle(parcel, 12, Verdict.SENT)
    assert [one[:2] for one in told(house) if one[1] != "sent"] == []
    house.ping(heard(house.find("flaps"), 20, FAIL), heard(house.find("flaps"), 21))
    step(house, 31)
    (parcel,) = house.parcels(31)
    alone = words(parcel.message)
    assert (alone.title, parcel.message.ack_url) == ("Recovered: flaps", "")
    assert ("Changes", "2, of which this is the last") in alone.facts
    assert house.audit(31) == []


def test_lateness_that_ended_in_a_fall_is_told_as_the_fall(house: House) -> None:
    channel = house.channel("chat", Rule("", "", frozenset({Event.LATE, Event.DOWN})))
    house.do(channels.regroup, channel, 30)
    house.ping(*(heard(house.watch(slug, start_by_s=300), 1) for slug in ("one", "two")))
    step(house, 601)
    house.ping(heard(house.find("one"), 602, FAIL))
    step(house, 632)
    (parcel,) = house.parcels(632)
    found = {item.slug: str(item.event) for item in parcel.message.items}
    assert found == {"one": "down", "two": "late"}


def test_one_alone_is_itself(house: House) -> None:
    grouping(house)
    fail(house, "one", 1)
    step(house, 11)
    (parcel,) = house.parcels(11)
    assert parcel.delivery.flip_id
    assert parcel.message.first.slug == "one"


def test_messages_of_a_collecting_channel_go_in_order(house: House) -> None:
    grouping(house)
    fail(house, "one", 1)
    step(house, 11)
    (first,) = house.parcels(11)
    recover(house, "one", 12)
    step(house, 22)
    assert house.parcels(23) == []
    house.settle(first, 24, Verdict.RETRY)
    assert [p.message.event for p in house.parcels(60)] == [Event.DOWN]


def test_a_message_that_fails_fails_for_all_it_told(house: House) -> None:
    grouping(house)
    fail(house, "one", 1)
    fail(house, "two", 1)
    step(house, 11)
    (parcel,) = house.parcels(11)
    house.settle(parcel, 12, Verdict.FAILED, detail="no such room")
    assert [one[1:] for one in told(house)] == [("failed", "no such room")] * 3
    assert house.audit(13) == []


def test_a_removed_watch_takes_nothing_along(house: House) -> None:
    grouping(house)
    fail(house, "one", 1)
    fail(house, "two", 1)
    step(house, 11)
    house.on("one", watches.remove)
    (parcel,) = house.parcels(13)
    assert parcel.message.count == 2


def test_a_digest_is_told_at_its_time(house: House) -> None:
    ruled(house, digest=Digest(time(13)))
    fail(house, "one", 1)
    recover(house, "one", 2)
    fail(house, "two", 3)
    step(house, 3599)
    assert arrived(house, 3599) == []
    step(house, 3600)
    (parcel,) = house.parcels(3600)
    events = sorted(str(item.event) for item in parcel.message.items)
    assert events == ["down", "recovered"]
    fail(house, "three", 3601)
    step(house, 3602)
    assert house.audit(3602) == []


def test_a_message_about_one_watch_leaves_no_other_untold(house: House) -> None:
    """Other products' formats have no lists: each watch has a message, be it collected or said
    again."""
    steps = (Escalation(house.channel("late", NOBODY).id, 900),)
    every = Rule("", "", EVERY, repeat_s=600, escalations=steps)
    owl = house.channel("owl", every, settings={"format": "cronowl"})
    house.do(channels.regroup, owl, 10)
    for slug in ("one", "two", "flaps"):
        fail(house, slug, 1)
    recover(house, "flaps", 5)
    step(house, 11)
    assert named(house, 11) == [
        (("flaps", 2), "Recovered"), (("one", 1), "Down"), (("two", 1), "Down"),
    ]  # fmt: skip
    assert [one[1] for one in told(house)] == ["sent"] * 5
    assert house.audit(13) == []
    step(house, 611)  # said again, and collected once more
    step(house, 621)
    assert [item for item, _ in named(house, 621)] == [("one", 1), ("two", 1)]
    assert "owl was told (reminder: ok)" in reason(house, 622)
    step(house, 911)
    assert len(named(house, 911)) == 1  # our own format has a list


@pytest.mark.parametrize(
    ("kind", "form", "count"),
    [("webhook", "cronpulse", 3), ("webhook", "standard", 1), ("pagerduty", "", 3)],
)
def test_a_digest_of_what_has_no_list_is_a_message_each(
    house: House, kind: str, form: str, count: int
) -> None:
    made = house.channel("hook", Rule("", "", EVERY, digest=Digest(time(13))), kind=kind)
    for slug in ("one", "two", "three"):
        fail(house, slug, 1)
    house.do(
        channels.change_channel, made, house.vault,
        public={"url": "https://hook.example/", "format": form}, secret={},
    )  # fmt: skip
    step(house, 3600)
    assert len(house.parcels(3600)) == count


def test_a_pager_that_an_incident_escalates_to_is_told_of_each_watch_and_of_its_end(
    house: House,
) -> None:
    """An alert that is opened under one name there stays open for ever if it ends under another."""
    pager = house.channel("pager", NOBODY, kind="pagerduty")
    house.channel("team", Rule("", "", EVERY, escalations=(Escalation(pager.id, 900),)))
    for slug in ("one", "two"):
        fail(house, slug, 1)
    step(house, 901)
    fell = paged(house, 901)
    for slug in ("one", "two"):
        recover(house, slug, 902)
    ids = sorted(house.find(slug).id for slug in ("one", "two"))
    assert fell == [(False, one) for one in ids]
    assert paged(house, 903) == [(True, one) for one in ids]


def paged(house: House, at: float) -> list[tuple[bool, str]]:
    """Send what is on its way; return what the pager was told: whether it closes, and its key."""
    parcels = list(house.parcels(at))
    for parcel in parcels:
        house.settle(parcel, at, Verdict.SENT)
    told = [one.message for one in parcels if one.channel.name == "pager"]
    return sorted((one.closes, one.key) for one in told)


def named(house: House, at: float) -> list[tuple[tuple[str, int], str]]:
    """Send what is on its way, each after the other; return whom each is about first, and what."""
    found = []
    while parcels := house.parcels(at):
        for parcel in parcels:
            first = parcel.message.first
            found.append(((first.slug, first.changes), words(parcel.message).title.split(":")[0]))
            house.settle(parcel, at, Verdict.SENT)
    return sorted(found)


# --- incidents ---------------------------------------------------------------------------------


def the_incident(house: House) -> Any:
    (row,) = house.rows("incidents")
    return row


def test_what_fails_together_is_one_incident(house: House) -> None:
    fail(house, "one", 1)
    fail(house, "two", 30)
    fail(house, "else", 30, project="shop")
    fail(house, "later", 200)
    numbers = {row["id"]: row["number"] for row in house.rows("incidents")}
    slugs = {row["id"]: row["slug"] for row in house.rows("watches")}
    parts = sorted(
        (numbers[row["incident_id"]], slugs[row["watch_id"]])
        for row in house.rows("incident_members")
    )
    assert parts == [(1, "one"), (1, "two"), (2, "else"), (3, "later")]
    recover(house, "one", 300)
    assert house.rows("incidents")[0]["closed_at"] is None
    recover(house, "two", 301)
    closed = {row["number"]: row["closed_at"] for row in house.rows("incidents")}
    assert closed == {1: after(301), 2: None, 3: None}
    assert house.audit(301) == []


def test_what_recovers_and_fails_in_one_batch_goes_on(house: House) -> None:
    fail(house, "one", 1)
    house.ping(heard(house.find("one"), 100), heard(house.find("one"), 101, FAIL))
    assert [row["ended_at"] for row in house.rows("incident_members")] == [after(100), None]
    assert house.audit(102) == []


def sent_at(house: House, at: float) -> list[str]:
    """Do what is due, send it, and return the channels it went to."""
    step(house, at)
    parcels = list(house.parcels(at))
    for parcel in parcels:
        house.settle(parcel, at, Verdict.SENT)
    return sorted(parcel.channel.name for parcel in parcels)


def following(house: House) -> None:
    """Have a team that is reminded every ten minutes, and a chief after a quarter of an hour."""
    chief = house.channel("chief", NOBODY)
    steps = (Escalation(chief.id, 900),)
    house.channel("team", Rule("", "", EVERY, repeat_s=600, escalations=steps))
    fail(house, "one", 1)


def test_reminders_and_escalations(house: House) -> None:
    following(house)
    times = (1, 600, 601, 900, 901, 1200, 1201)
    assert [(at, sent) for at in times if (sent := sent_at(house, at))] == [
        (1, ["team"]), (601, ["team"]), (901, ["chief"]), (1201, ["team"]),
    ]  # fmt: skip
    house.do(incidents.acknowledge, house.workspace.id, "1", "Ana", after(1202))
    assert sent_at(house, 9000) == []
    recover(house, "one", 9001)
    assert sent_at(house, 9002) == ["chief", "team"]
    assert the_incident(house)["closed_at"] == after(9001)
    assert house.audit(9002) == []


def test_why_tells_of_the_last_reminder_or_escalation(house: House) -> None:
    following(house)
    sent_at(house, 1)
    assert "That it went down: team was told (ok)." in reason(house, 2)
    sent_at(house, 601)
    assert "That it is still down: team was told (reminder: ok)." in reason(house, 602)
    step(house, 901)
    assert "That it is still down: an escalation to chief is on its way." in reason(house, 902)
    recover(house, "one", 903)
    assert "That it recovered: a message to team is on its way" in reason(house, 904)
    house.ping(heard(house.find("one"), 905, FAIL))
    assert "That it went down: a message to team is on its way" in reason(house, 906)


def test_a_recovery_ends_the_reminders(house: House) -> None:
    following(house)
    sent_at(house, 1)
    recover(house, "one", 10)
    assert sent_at(house, 11) == ["team"]
    assert sent_at(house, 5000) == []
    assert house.rows("tasks") == []


def test_a_snooze_is_silence_and_then_a_reminder(house: House) -> None:
    following(house)
    sent_at(house, 1)
    house.do(incidents.snooze, house.workspace.id, "1", "Ana", 3600, after(10))
    assert sent_at(house, 3609) == []
    snoozed = house.see(incidents.find, house.workspace.id, "1")
    assert [snoozed.snoozing_until_at(after(at)) for at in (3609, 3610)] == [after(3610), None]
    assert sent_at(house, 3610) == ["chief", "team"]
    house.do(incidents.snooze, house.workspace.id, "1", "Ana", 80, after(3611))
    house.do(incidents.acknowledge, house.workspace.id, "1", "Ana", after(3612))
    acked = house.see(incidents.find, house.workspace.id, "1")
    assert acked.snoozing_until_at(after(3612)) is None
    _, steps = house.see(ladder.ladder, acked)
    assert [one.text for one in steps if one.kind == "snoozed"][-1] == "by Ana for 1 min 20 s"


def test_a_snoozed_watch_that_flaps_is_not_told_again(house: House) -> None:
    ruled(house)
    fail(house, "one", 1)
    arrived(house, 2)
    house.do(incidents.snooze, house.workspace.id, "1", "Ana", 3600, after(10))
    recover(house, "one", 20)
    house.ping(heard(house.find("one"), 30, FAIL))
    assert arrived(house, 40) == ["recovered"]
    assert told(house)[-1] == ("down", "held", "snooze")
    step(house, 3610)
    assert arrived(house, 3611) == ["down"]


def test_what_is_decided_again_heeds_a_snooze(house: House) -> None:
    ruled(house, delay_s=60)
    fail(house, "one", 1)
    house.do(incidents.snooze, house.workspace.id, "1", "Ana", 3600, after(10))
    step(house, 61)
    assert told(house) == [("down", "held", "snooze")]
    step(house, 3610)
    assert arrived(house, 3611) == ["down"]


def test_who_acknowledged_first_counts(house: House) -> None:
    fail(house, "one", 1)
    for who in ("Ana\nBo", "Cy"):
        house.do(incidents.acknowledge, house.workspace.id, "1", who, after(5))
    assert the_incident(house)["acked_by"] == "Ana Bo"
    notes = [(row["kind"], row["by"]) for row in house.rows("incident_notes")]
    assert notes == [("acknowledged", "Ana Bo")]


def test_an_incident_closed_by_hand_is_over(house: House) -> None:
    following(house)
    sent_at(house, 1)
    house.do(incidents.close, house.workspace.id, the_incident(house)["id"], "Ana", after(5))
    assert sent_at(house, 5000) == []
    with pytest.raises(Problem, match="incident 1 is closed"):
        house.do(incidents.acknowledge, house.workspace.id, "1", "Bo", after(6))
    with pytest.raises(Problem, match="no incident '7'"):
        house.do(incidents.close, house.workspace.id, "7", "Bo", after(6))
    recover(house, "one", 5001)
    assert sent_at(house, 5002) == ["team"]
    assert house.audit(5002) == []


def test_two_nodes_open_one_incident_and_do_each_timer_once(nodes: tuple[House, House]) -> None:
    """Both fail watches at once, and both do what is due at once."""
    one, two = nodes
    ruled(one, delay_s=60)
    records = [one.watch(f"w{n}") for n in range(8)]
    one.ping(*(heard(record, 0) for record in records))
    futures = [
        house.database.write(
            lambda tx, record=record: _fail_one(tx, record)  # type: ignore[misc]  # of this turn
        )
        for record, house in zip(records, nodes * 4, strict=True)
    ]
    for future in futures:
        future.result(30)
    assert len(one.rows("incidents")) == 1
    assert len(one.rows("incident_members")) == 8
    steps = [house.database.write(lambda tx: timers.step(tx, after(61))) for house in nodes * 3]
    assert sum(future.result(30) for future in steps) == 8
    assert len(two.parcels(62)) == 8
    assert one.audit(62) == []


def _fail_one(tx: Any, record: Any) -> None:
    pings.record(tx, [heard(record, 1, FAIL)], after(1))


# --- why ---------------------------------------------------------------------------------------


def _parent(house: House) -> None:
    ruled(house)
    family(house)
    house.ping(heard(house.find("router"), 1, FAIL))
    house.ping(heard(house.find("db"), 2, FAIL))


def _snoozed(house: House) -> None:
    ruled(house, delay_s=60)
    fail(house, "db", 1)
    house.do(incidents.snooze, house.workspace.id, "1", "Ana", 3600, after(10))
    step(house, 61)


def _grouped(house: House) -> None:
    channel = house.channel(rule=Rule("", "", EVERY))
    house.do(channels.regroup, channel, 30)
    fail(house, "db", 1)


def _ruled(**timing: Any) -> Callable[[House], None]:
    def arranged(house: House) -> None:
        ruled(house, **timing)
        fail(house, "db", 1)

    return arranged


def _maintained(house: House) -> None:
    maintain(house)
    _ruled()(house)


@pytest.mark.parametrize(
    ("arrange", "hold", "because"),
    [
        (_ruled(delay_s=300), "delay", "the rule waits 300 s to see whether it lasts"),
        (_ruled(quiet=Quiet(time(12), time(13))), "quiet", "quiet hours of the rule"),
        (_ruled(digest=Digest(time(13))), "digest", "told in the rule's digest"),
        (_grouped, "group", "collected with what else happens now"),
        (_maintained, "maintenance", "maintenance: Upgrade"),
        (_parent, "parent", "router, which it depends on, is down"),
        (_snoozed, "snooze", "its incident is snoozed"),
    ],
)
def test_whatever_is_not_told_leaves_a_row_and_says_why(
    house: House, arrange: Callable[[House], None], hold: str, because: str
) -> None:
    """Held: until when, and what for. Over before it was told: suppressed, with both reasons."""
    arrange(house)
    held = house.see(why.why, house.workspace.id, "db", after(62)).sentence
    assert "hook will be told at" in held
    assert f"or later ({because})" in held
    recover(house, "db", 63)
    rows = [row for row in house.rows("deliveries") if row["watch_id"] == house.find("db").id]
    states = {row["event"]: (row["state"], row["hold"]) for row in rows}
    if hold in ("digest", "group"):  # these are decided: they go, together with their end
        assert states == {"down": ("held", hold), "recovered": ("held", hold)}
    else:
        assert states == {"down": ("suppressed", None), "recovered": ("suppressed", None)}
        assert all(row["reason"] for row in rows)
        (down,) = (row["reason"] for row in rows if row["event"] == "down")
        assert because in down
        ended = house.see(why.why, house.workspace.id, "db", after(64)).sentence
        assert "hook was not told (nobody was told of what it ends)" in ended
    assert house.audit(64) == []
