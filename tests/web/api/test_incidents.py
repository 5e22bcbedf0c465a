"""Rules with timing, maintenance, dependencies, incidents and why, over both stores."""

from typing import Any

import pytest

from dogwatch.core.alerts import Attempt, Verdict
from dogwatch.usecases import telling, timers
from dogwatch.usecases.telling import Answered, Room
from tests.web.api.conftest import House
from tests.web.asgi_client import Client

QUIET = {"start": "22:00", "end": "07:00", "timezone": "Europe/Warsaw"}
DIGEST = {"time": "08:00", "timezone": "UTC"}
WEEKLY = {"kind": "weekly", "days": ["sat"], "start": "22:00", "duration_s": 7200}


@pytest.fixture
def channel(api: Client) -> Any:
    """A webhook."""
    settings = {"url": "http://example.org/hook"}
    return api("POST", "/channels", {"name": "Ops", "kind": "webhook", "settings": settings}).json


@pytest.fixture
def broken(house: House, api: Client, channel: Any) -> Any:
    """A watch that went down, and a rule that told of it."""
    assert api("POST", "/rules", {"channel_id": channel["id"]}).status == 201
    made = api("POST", "/watches", {"name": "Nightly", "schedule": "0 * * * *"}).json
    key = made["ping_url"].rpartition("/")[2]
    house.ping(key)
    house.clock.advance(1)
    house.ping(key, "/3")
    return made


def send(house: House) -> None:
    """Send what is on its way."""
    at, vault = house.clock.now(), house.services.vault
    house.write(lambda tx: timers.step(tx, at))
    sent = Attempt(Verdict.SENT, 204, "HTTP 204", 180)
    for parcel in house.write(lambda tx: telling.claim(tx, "n", at, Room(9, 9), vault, "http://x")):
        house.write(lambda tx, one=parcel: telling.settle(tx, [Answered(one, sent, 0.5)], at))  # type: ignore[misc]  # of this turn


def test_a_rule_says_when_and_changes(api: Client, channel: Any) -> None:
    settings = {"url": "http://example.org/c"}
    chief = {"name": "Chief", "kind": "webhook", "settings": settings}
    other = api("POST", "/channels", chief).json
    steps = [{"channel_id": other["id"], "after_s": 900}]
    timing = {"delay_s": 300, "quiet": QUIET, "repeat_s": 600, "digest": DIGEST,
              "escalations": steps}  # fmt: skip
    made = api("POST", "/rules", {"channel_id": channel["id"], "events": ["late", "slow"]} | timing)
    assert made.status == 201, made.text
    assert {name: made.json[name] for name in timing} == timing
    path = f"/rules/{made.json['id']}"
    assert api.get(path).json == made.json
    changed = api("PATCH", path, {"quiet": None, "delay_s": 0}).json
    assert changed == made.json | {"quiet": None, "delay_s": 0}
    assert api("PATCH", path, {"events": None}).json["events"] == ["down", "recovered"]
    assert api("PATCH", path, {"channel_id": "x"}).faults.keys() == {"channel_id"}


@pytest.mark.parametrize(
    ("timing", "bad"),
    [
        ({"delay_s": -1}, "delay_s"),
        ({"repeat_s": 5}, "repeat_s"),
        ({"quiet": {**QUIET, "start": "25:00"}}, "quiet.start"),
        ({"quiet": {**QUIET, "timezone": "X"}}, "quiet.timezone"),
        ({"digest": {"time": "8"}}, "digest.time"),
        ({"escalations": [{"channel_id": "no", "after_s": 900}]}, "escalations.0.channel_id"),
        ({"events": []}, "events"),
    ],
)
def test_bad_timing_is_named(api: Client, channel: Any, timing: dict[str, Any], bad: str) -> None:
    answer = api("POST", "/rules", {"channel_id": channel["id"]} | timing)
    assert (answer.status, bad in answer.faults) == (422, True), answer.text


def test_a_channel_says_for_how_long_it_collects(api: Client, channel: Any) -> None:
    path = f"/channels/{channel['id']}"
    assert channel["group_window_s"] == 0
    assert api("PATCH", path, {"group_window_s": 30}).json["group_window_s"] == 30
    assert api("PATCH", path, {"group_window_s": None}).json["group_window_s"] == 0
    assert api("PATCH", path, {"group_window_s": 9999}).faults.keys() == {"group_window_s"}


def test_maintenance(api: Client, watch: Any) -> None:
    scope = {"kind": "watches", "values": [watch["slug"]]}
    made = api("POST", "/maintenance", {"name": "Sat", "scope": scope, "window": WEEKLY})
    assert made.status == 201, made.text
    assert made.json["scope"]["values"] == [watch["id"]]
    assert made.json["open_until_at"] is None
    path = f"/maintenance/{made.json['id']}"
    once = {"kind": "once", "start_at": "2026-01-05T12:00:00+01:00",
            "end_at": "2026-01-06T00:00:00Z"}  # fmt: skip
    changed = api("PATCH", path, {"window": once}).json
    assert changed["open_until_at"] == "2026-01-06T00:00:00.000Z"
    assert changed["window"]["start_at"] == "2026-01-05T11:00:00Z"
    assert changed["name"] == "Sat"
    assert [one["id"] for one in api.get("/maintenance").json["data"]] == [made.json["id"]]
    assert api.get(path).json == changed
    assert api("DELETE", path).status == 204
    assert api.get(path).status == 404
    bad = api("POST", "/maintenance", {"name": "x", "window": {**WEEKLY, "cron": "* * * * *"}})
    assert bad.faults.keys() == {"window.cron"}


def test_dependencies_refuse_circles(api: Client, watch: Any) -> None:
    router = api("POST", "/watches", {"name": "Router"}).json
    path = f"/watches/{watch['slug']}/parents"
    assert api("PUT", path, {"parents": ["router"]}).json["parents"][0]["id"] == router["id"]
    assert [one["slug"] for one in api.get(path).json["parents"]] == ["router"]
    circle = api("PUT", "/watches/router/parents", {"parents": [watch["id"]]})
    assert circle.status == 422
    assert "router → nightly-backup → router" in circle.faults["parents"]
    assert api("PUT", path, {"parents": []}).json == {"parents": []}
    assert api("PUT", path, {"parents": ["nobody"]}).status == 422


def test_an_incident_is_a_ladder_of_facts(house: House, api: Client, broken: Any) -> None:
    send(house)
    house.clock.advance(60)
    (row,) = api.get("/incidents").json["data"]
    assert (row["number"], row["state"], row["count"], row["going_on"]) == (1, "open", 1, 1)
    assert api("POST", "/incidents/1/acknowledge").json["acked_by"] == "test"
    house.clock.advance(60)
    house.ping(broken["ping_url"].rpartition("/")[2])
    send(house)
    shown = api.get(f"/incidents/{row['id']}").json
    kinds = [step["kind"] for step in shown["ladder"]]
    assert kinds == ["down", "alert sent", "acknowledged", "recovered", "alert sent", "closed"]
    assert shown["ladder"][1]["text"] == "down to Ops: HTTP 204 in 180 ms"
    assert (shown["state"], shown["closed_by"], shown["watches"]) == (
        "closed", "recovery", ["nightly"],
    )  # fmt: skip
    assert api.get("/incidents", state="open").json["data"] == []
    assert len(api.get("/incidents", state="closed").json["data"]) == 1
    assert api("POST", "/incidents/1/acknowledge").status == 409


def test_an_incident_is_snoozed_and_closed_by_hand(api: Client, broken: Any) -> None:
    snoozed = api("POST", "/incidents/1/snooze", {"for_s": 3600}).json
    assert snoozed["snoozed_until_at"] == "2026-01-05T13:00:01.000Z"
    assert api("POST", "/incidents/1/snooze", {"for_s": 1}).faults.keys() == {"for_s"}
    assert api("POST", "/incidents/1/close").json["closed_by"] == "test"
    assert api.get("/incidents/2").status == 404


def test_why_in_a_sentence_and_as_json(house: House, api: Client, broken: Any) -> None:
    send(house)
    found = api.get("/watches/nightly/why").json
    assert found["sentence"] == (
        "It is down since 2026-01-05 12:00:01 UTC: exit status 3; it was last good at "
        "2026-01-05 12:00:00 UTC. That it went down: Ops was told (HTTP 204)."
    )
    assert (found["status"], found["flip"]["event"], found["evidence"]["failures"]) == (
        "down", "down", 1,
    )  # fmt: skip
    assert found["alerts"][0]["state"] == "sent"
    assert found["incident"] == 1
    api("POST", "/incidents/1/close")
    assert api.get("/watches/nightly/why").json["incident"] is None
    assert found["rule"]["schedule"] == "0 * * * *"
    new = api("POST", "/watches", {"name": "New"}).json
    assert "nothing has been heard" in api.get(f"/watches/{new['id']}/why").json["sentence"]
