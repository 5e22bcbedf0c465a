"""The pages of incidents: what broke, who knows, what was done."""

import re
from datetime import timedelta
from typing import Any

import pytest

from dogwatch.core.alerts import Attempt, Rule, Verdict
from dogwatch.core.policy import Role
from dogwatch.notify import CHANNELS
from dogwatch.store import audit_log, manifests, variables
from dogwatch.store.audit_log import Entry
from dogwatch.store.manifests import ITEM
from dogwatch.usecases import channels, rules, telling, watches, workspaces
from dogwatch.usecases.telling import Answered, Room
from tests.web.dashboard.conftest import (
    ORIGIN,
    Browser,
    House,
    member,
    pass_time,
    ping,
    watch,
    words,
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for words."""
    return sqlite_url


def channel(house: House, name: str = "Ops") -> str:
    """Add a webhook that is told of everything at once."""
    at, vault = house.clock.now(), house.services.vault
    settings = CHANNELS["webhook"].check({"url": "https://ops.example/in"})

    def made(tx: Any) -> str:
        ours = workspaces.first(tx, at).id
        made = channels.add_channel(
            tx, ours, name, "webhook", settings.public, settings.secret, vault, at
        )
        rules.add_rule(tx, ours, Rule("", made.id), at)
        return made.id

    return house.write(made)


def break_one(house: House, name: str = "Nightly") -> None:
    ping(house, watch(house, name), kind="fail")


def test_nothing_has_broken_yet(house: House, ana: Browser) -> None:
    page = ana.get("/incidents")
    assert "Nothing has broken yet" in page.text
    assert "None is closed" in words(ana.get("/incidents", state="closed").text)


def test_the_list_tells_state_and_count(house: House, ana: Browser) -> None:
    break_one(house)
    house.clock.advance(1)
    break_one(house, "Other")
    page = ana.get("/incidents")
    assert "<title>(1 going on) Incidents" in page.text
    told = "Nightly and Other are down incident 1 · 2 items, 2 still down"
    assert told in words(page.text)
    assert "nobody has acknowledged" in page.text
    assert "incident 1" not in ana.get("/incidents", state="closed", before="x' --").text


def test_it_is_called_by_its_trouble(house: House, ana: Browser) -> None:
    break_one(house)
    page = ana.get("/incidents/1").text
    assert "Nightly is down (incident 1)" in page.partition("</title>")[0]
    assert "Nightly is down incident 1" in words(page)
    house.clock.advance(1)
    break_one(house, "Other")
    assert "Nightly and Other are down incident 1" in words(ana.get("/incidents/1").text)
    ana.fill("/incidents/1", "/incidents/1/close")
    assert "Nightly and Other were down incident 1" in words(ana.get("/incidents/1").text)


def test_a_snooze_is_told_in_a_sentence_of_its_own(house: House, ana: Browser) -> None:
    break_one(house)
    ana.fill("/incidents/1", "/incidents/1/snooze", hours="1")
    assert "Nobody has acknowledged it. Snoozed until" in words(ana.get("/incidents/1").text)
    assert "nobody has acknowledged, snoozed until" in words(ana.get("/incidents").text)
    house.clock.advance(3600)
    assert "snoozed" not in ana.get("/incidents").text


def test_many_are_named_by_the_first_of_them(house: House, ana: Browser) -> None:
    for name in ("A", "B", "C", "D", "E"):
        break_one(house, name)
        house.clock.advance(1)
    assert "A, B, C and 2 more are down incident 1" in words(ana.get("/incidents").text)
    [told] = ana.get("/incidents.json").json["incidents"]
    assert told["trouble"] == "A, B, C and 2 more are down"


def test_what_was_changed_before_it_that_concerns_it(house: House, ana: Browser) -> None:
    record = watch(house, "Nightly")
    watch(house, "Other")

    def noted(operation: str, name: str, age_s: float) -> None:
        at, ours = house.clock.now() - timedelta(seconds=age_s), record.workspace_id
        entry = Entry(ours, at, "user", None, "bo", operation, name, {}, "")
        house.write(lambda tx: audit_log.add(tx, entry))

    noted("watches.change", "nightly", 90_000)
    noted("watches.change", "nightly", 7200)
    noted("watches.change", record.id, 3600)
    noted("watches.change", "other", 60)
    for key in ("USED", "FREE"):
        noted("variables.set", key, 60)
        noted("manifests.apply", key, 30)
    house.write(lambda tx: variables.name(tx, record.workspace_id, record.id, ["USED"]))
    house.write(lambda tx: manifests.keep(tx, record.workspace_id, [(ITEM, record.id)], "USED"))
    ping(house, record, kind="fail")
    house.clock.advance(60)
    noted("watches.change", "nightly", 0)
    page = ana.get("/incidents/1").text
    changed = page.partition('id="changed"')[2].partition("</section>")[0]
    assert re.findall(r"<li><span>bo ([^<]*)</span>", changed) == [
        "changed Nightly", "changed Nightly", "applied a file USED", "set variable USED"
    ]  # fmt: skip


def changed(page: str) -> str:
    return words(page.partition('id="changed"')[2].partition("</section>")[0])


def test_an_item_that_was_made_just_before_is_told(house: House, ana: Browser) -> None:
    break_one(house)
    assert re.search(r"Nightly was made \d{4}-\d\d-\d\d", changed(ana.get("/incidents/1").text))
    for name in ("A", "B", "C"):
        break_one(house, name)
    assert "4 of its items were made" in changed(ana.get("/incidents/1").text)


def test_an_item_that_is_older_than_a_day_was_not_made_before_it(
    house: House, ana: Browser
) -> None:
    record = watch(house, "Nightly")
    house.clock.advance(90_000)
    ping(house, record, kind="fail")
    assert "Nothing in the 24 hours before" in changed(ana.get("/incidents/1").text)


def test_it_is_acknowledged_snoozed_and_closed(house: House, ana: Browser) -> None:
    break_one(house)
    done = ana.fill("/incidents/1", "/incidents/1/acknowledge")
    assert (done.status, done.headers["location"]) == (303, "../../incidents/1")
    page = words(ana.get("/incidents/1").text)
    assert "ana@example.org looks after it" in page
    assert "Acknowledged by ana@example.org" in page
    snoozed = ana.fill("/incidents/1", "/incidents/1/snooze")
    assert snoozed.status == 303
    assert "Snoozed until" in words(ana.get("/incidents/1").text)
    assert ana.fill("/incidents/1", "/incidents/1/close").status == 303
    page = words(ana.get("/incidents/1").text)
    assert "It is over: by ana@example.org, by hand." in page
    assert "Closed by ana@example.org, by hand" in page
    assert "Acknowledge Snooze" not in page


def test_a_snooze_is_of_whole_hours_that_are_offered(house: House, ana: Browser) -> None:
    break_one(house)
    for hours in ("0", "x", "9999999"):
        assert ana.fill("/incidents/1", "/incidents/1/snooze", hours=hours).status == 422
    assert ana.get("/incidents/9").status == 404


def test_recovery_closes_it_and_says_how_long(house: House, ana: Browser) -> None:
    break_one(house)
    house.clock.advance(4200)
    record = house.write(lambda tx: watch_of(tx, house))
    ping(house, record)
    page = words(ana.get("/incidents/1").text)
    assert "1 h 10 min in all. It is over: all that was down has recovered." in page
    assert "Nobody had acknowledged it." in page
    assert "+1 h 10 min" in page
    assert "Nightly was down (incident 1)" in page


def watch_of(tx: Any, house: House) -> Any:
    return watches.find(tx, workspaces.first(tx, house.clock.now()).id, "nightly")


def test_who_was_told_stands_in_it_with_the_answer(house: House, ana: Browser) -> None:
    channel(house)
    break_one(house)
    at, vault = house.clock.now(), house.services.vault

    def sent(tx: Any) -> None:
        parcels = telling.claim(tx, "node", at, Room(10, 10), vault, ORIGIN)
        attempt = Attempt(Verdict.SENT, 204, "204 No Content", 180)
        telling.settle(tx, [Answered(one, attempt, 0.5) for one in parcels], at)

    house.write(sent)
    page = words(ana.get("/incidents/1").text)
    assert "down to Ops: 204 No Content in 180 ms" in page


def test_each_step_but_the_first_tells_its_time_since_that(house: House, ana: Browser) -> None:
    record = watch(house, "Nightly copy")
    ping(house, record, kind="fail")
    house.clock.advance(1200)
    ping(house, record)
    page = ana.get("/incidents/1").text
    ladder = page.partition('<ol class="ladder">')[2].partition("</ol>")[0]
    assert re.findall(r'class="gap">([^<]*)<', ladder) == ["+20 min"] * 2
    assert re.findall(r'i/nightly-copy">([^<]*)<', ladder) == ["Nightly copy"] * 2
    assert page.count("the time since the first line") == 1
    assert "3 steps in 20 min, from down to closed." in page
    rows = re.findall(r"<tr>(.*?)</tr>", page.partition("What happened, as a table")[2])
    assert [words(row).split(" ", 2)[2] for row in rows[1:]] == [
        "0 s 0 s down Nightly copy is down from here on: it reported a failure",
        "20 min 20 min recovered Nightly copy is no longer down",
        "20 min 0 s closed – all that was down has recovered",
    ]
    assert re.findall(r'<li class="(\w+) room-(\d)', ladder) == [
        ("down", "0"), ("recovered", "1"), ("closed", "0")
    ]  # fmt: skip
    drawn = ana.get("/incidents/1/ladder.svg").text
    assert re.findall(r">(\+[^<]*)<", drawn) == ["+20 min"] * 2
    assert "down Nightly copy" in drawn


def test_a_viewer_sees_all_and_changes_nothing(house: House, ana: Browser) -> None:
    break_one(house)
    viewer = member(house, Role.VIEWER)
    page = viewer.get("/incidents/1").text
    assert "What happened, and who was told" in page
    assert 'action="../incidents' not in page
    token = re.findall(r'name="token" value="([^"]*)"', page)[0]
    for verb in ("acknowledge", "snooze", "close"):
        sent = viewer.post(f"/incidents/1/{verb}", token=token, hours="1")
        assert sent.status == 403, sent.text


def test_a_late_one_shows_since_when(house: House, ana: Browser) -> None:
    record = watch(house, "Nightly")
    ping(house, record)
    pass_time(house, 661)
    page = ana.get("/incidents/1").text
    assert page.index("was due, and nothing was heard") < page.index("is down from")
