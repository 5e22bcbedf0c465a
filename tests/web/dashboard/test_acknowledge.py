"""Acknowledging by the link in a message: a GET never acts, and a link works once."""

from datetime import timedelta
from typing import Any

import pytest

from dogwatch.core.alerts import Rule
from dogwatch.core.ping import Heard, Kind
from dogwatch.core.spec import WatchSpec
from dogwatch.store.deliveries import Delivery
from dogwatch.usecases import ack_links, channels, incidents, pings, rules, telling, watches
from dogwatch.usecases.incidents import Incident
from dogwatch.usecases.telling import Room
from dogwatch.usecases.workspaces import first
from tests.web.dashboard.conftest import House, words

URL = "https://dogwatch.test"


@pytest.fixture
def delivery(house: House) -> Delivery:
    """The alert of a watch that went down."""
    at, vault = house.clock.now(), house.services.vault
    own = house.write(lambda tx: first(tx, at)).id
    record = house.write(lambda tx: watches.add(tx, own, WatchSpec(name="One"), at))
    public: dict[str, Any] = {"url": "http://example.org"}
    channel = house.write(
        lambda tx: channels.add_channel(tx, own, "Ops", "webhook", public, {}, vault, at)
    )
    house.write(lambda tx: rules.add_rule(tx, own, Rule("", channel.id), at))
    heard = [Heard(key=record.ping_key, kind=kind, at=at) for kind in (Kind.OK, Kind.FAIL)]
    house.write(lambda tx: pings.record(tx, heard, at))
    (parcel,) = house.write(lambda tx: telling.claim(tx, "n", at, Room(9, 9), vault, URL))
    assert parcel.message.ack_url == f"{URL}/acknowledge/{code(house, parcel.delivery)}"
    return parcel.delivery


def code(house: House, delivery: Delivery) -> str:
    return ack_links.code_of(delivery, house.services.vault)


def incident(house: House, delivery: Delivery) -> Incident:
    own = delivery.workspace_id
    return house.write(lambda tx: incidents.find(tx, own, "1"))


def test_a_get_never_acts_and_the_button_acts_once(house: House, delivery: Delivery) -> None:
    browser, link = house.browser(), f"/acknowledge/{code(house, delivery)}"
    for _ in range(2):
        page = browser.get(link)
        assert (page.status, "Acknowledge</button>" in page.text) == (200, True)
        assert 'name="hours" value="1">Snooze for 1 h</button>' in page.text
        assert f'incidents/{incident(house, delivery).number}"' in page.text
        assert "Incident 1: One Open since" in words(page.text)
        assert "UTC.\n<a" in page.text
    assert incident(house, delivery).acked_at is None
    done = browser.post(link, name="Ana")
    assert (done.status, "Acknowledged by Ana." in done.text) == (200, True)
    assert incident(house, delivery).acked_by == "Ana"
    again = browser.get(link)
    assert (again.status, "This link has been used" in again.text) == (410, True)
    second = browser.post(link, name="Bo")
    assert second.status == 409
    for page in (again, second):
        assert page.text.lower().count("link has been used") == 1
        assert "already" not in page.text
    assert incident(house, delivery).acked_by == "Ana"


def test_the_other_link_snoozes_for_an_hour(house: House, delivery: Delivery) -> None:
    browser, link = house.browser(), f"/acknowledge/{code(house, delivery)}"
    page = browser.get(link, hours="1")
    assert "Snooze for 1 h</button>" in page.text
    assert "Acknowledge</button>" not in page.text
    assert incident(house, delivery).snoozed_until_at is None
    done = browser.post(link, name="Ana", hours="1")
    assert (done.status, "Snoozed until" in done.text) == (200, True)
    until_at = house.clock.now() + timedelta(hours=1)
    found = incident(house, delivery)
    assert (found.snoozed_until_at, found.acked_at) == (until_at, None)
    assert (browser.get(link).status, browser.post(link).status) == (410, 409)


def test_without_a_name_the_channel_stands_for_who_it_was(house: House, delivery: Delivery) -> None:
    house.browser().post(f"/acknowledge/{code(house, delivery)}", name=" ")
    assert incident(house, delivery).acked_by == "somebody by the link sent to Ops"


def test_who_is_signed_in_is_named_by_address(house: House, delivery: Delivery) -> None:
    browser = house.ana()
    page = browser.get(f"/acknowledge/{code(house, delivery)}")
    assert "You are signed in as" in page.text
    browser.post(f"/acknowledge/{code(house, delivery)}", name="Mallory")
    assert incident(house, delivery).acked_by == "ana@example.org"


def test_links_that_are_changed_or_old_open_nothing(house: House, delivery: Delivery) -> None:
    good = code(house, delivery)
    other = f"{good[:-1]}{'0' if good[-1] != '0' else '1'}"
    bare = good.rpartition(".")[0]
    for wrong in (other, bare, f"2{good[1:]}", "x", "...", "ä.b.c.d"):
        assert house.browser().get(f"/acknowledge/{wrong}").status == 404, wrong
        assert house.browser().post(f"/acknowledge/{wrong}").status == 404, wrong
    house.clock.advance(timedelta(days=7).total_seconds())
    assert house.browser().get(f"/acknowledge/{good}").status == 404
    assert incident(house, delivery).acked_at is None


def test_of_a_closed_incident_there_is_nothing_to_do(house: House, delivery: Delivery) -> None:
    own, at = delivery.workspace_id, house.clock.now()
    house.write(lambda tx: incidents.close(tx, own, "1", "Ana", at))
    link = f"/acknowledge/{code(house, delivery)}"
    assert "There is nothing to do" in house.browser().get(link).text
    assert house.browser().post(link).status == 409
