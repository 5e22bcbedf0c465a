"""Probes: made, masked, changed, refused, tried, and their figures."""

from typing import Any

import pytest

from dogwatch.core.policy import Grant, Role
from dogwatch.core.result import Outcome, Result
from dogwatch.usecases import keys, people, probes, probing, runs, watches
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.probing import Reply
from dogwatch.usecases.runs import Ended
from tests.web.api.conftest import House
from tests.web.asgi_client import Client

SESAME = "sesame-5"
KEY = f"-----BEGIN PRIVATE KEY-----\n{SESAME}\n-----END PRIVATE KEY-----"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----"
TARGET: dict[str, Any] = {"kind": "http", "url": "https://shop.example/health"}
SECRETIVE = TARGET | {
    "headers": {"Authorization": f"Bearer {SESAME}", "Accept": "text/plain"},
    "client_certificate": CERTIFICATE,
    "client_key": KEY,
}


def make(api: Client, **given: Any) -> Any:
    answer = api(
        "POST", "/probes", {"name": "Shop", "schedule": "* * * * *", "target": TARGET} | given
    )
    assert answer.status == 201, answer.text
    return answer.json


def stored(house: House) -> dict[str, Any]:
    """Return the target as it is asked."""

    def opened(tx: Any) -> dict[str, Any]:
        record, job = probes.find(tx, house.workspace.id, "shop")
        spec = probes.spec_of(job, watches.spec_of(record), house.services.vault)
        return dict(spec.target)

    return house.write(opened)


def wrong(api: Client, **given: Any) -> set[str]:
    body = {"name": "Shop", "schedule": "60", "target": TARGET} | given
    answer = api("POST", "/probes", {n: v for n, v in body.items() if v is not None})
    assert answer.status == 422, answer.text
    return {error["field"] for error in answer.json["errors"]}


def answered(house: House, outcome: Outcome, **facts: Any) -> None:
    """Have what is due answered."""
    vault, at = house.services.vault, house.clock.now()

    def done(tx: Any) -> None:
        asked = probing.claim(tx, "here", "node", at, 10, vault)
        told = [Reply(one, Result(outcome, **facts), at, at) for one in asked]
        probing.finish(tx, told, at)

    house.write(done)


def test_a_probe_is_made_shown_and_listed(api: Client) -> None:
    probe = make(api, slow_after_ms=800, failures_before_down=3)
    assert probe["kind"] == "probe"
    assert probe["target"] == TARGET | {
        "method": "GET", "headers": [], "body": "", "timeout_s": 10.0,
        "expected_status": "200-299", "max_redirects": 5, "user_agent": "", "verify_tls": True,
        "client_certificate": "", "client_key": "", "assertions": [],
    }  # fmt: skip
    assert (probe["rechecks"], probe["recheck_after_s"]) == (2, 2)
    assert (probe["locations"], probe["agree"]) == (["here"], 1)
    assert (probe["slow_after_ms"], probe["failures_before_down"]) == (800, 3)
    assert api.get("/probes/shop").json == probe
    assert api.get("/probes").json["data"] == [probe]
    assert api.get("/jobs").json["data"] == []
    assert [one["id"] for one in api.get("/watches", kind="probe").json["data"]] == [probe["id"]]


def test_a_probe_is_no_job_and_a_watch_is_no_probe(api: Client, watch: Any) -> None:
    make(api)
    for path in ("/jobs/shop", f"/probes/{watch['slug']}"):
        assert api.get(path).status == 404
        assert api("DELETE", path).status == 404
    assert api("POST", "/jobs/shop/trigger").status == 404


def test_secrets_are_masked_kept_and_never_told(api: Client, house: House) -> None:
    probe = make(api, target=SECRETIVE)
    assert SESAME not in str(probe)
    headers = [["Authorization", "***"], ["Accept", "text/plain"]]
    assert (probe["target"]["headers"], probe["target"]["client_key"]) == (headers, "***")
    changed = api("PATCH", "/probes/shop", {"target": probe["target"] | {"method": "HEAD"}})
    assert changed.status == 200, changed.text
    assert stored(house)["headers"][0][1] == f"Bearer {SESAME}"
    assert (stored(house)["client_key"], stored(house)["method"]) == (KEY, "HEAD")


def test_a_mask_keeps_no_secret_for_another_origin(api: Client) -> None:
    probe = make(api, target=SECRETIVE)
    moved = probe["target"] | {"url": "https://evil.example/"}
    answer = api("PATCH", "/probes/shop", {"target": moved})
    assert answer.status == 422
    assert answer.json["errors"][0]["field"] == "target.headers.Authorization"
    bare = moved | {"headers": []}
    answer = api("PATCH", "/probes/shop", {"target": bare})
    assert answer.json["errors"][0]["field"] == "target.client_key"


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"schedule": None}, {"schedule"}),
        ({"target": None}, {"target"}),
        ({"target": {"kind": "http"}}, {"target.url"}),
        ({"target": TARGET | {"headers": {"Host": "x"}}}, {"target.headers"}),
        ({"target": TARGET | {"headers": {"A": "b\r\nC: d"}}}, {"target.headers"}),
        ({"target": {"kind": "dns", "name": "x", "port": 0}}, {"target.port"}),
        ({"target": TARGET | {"assertions": [{"kind": "body_matches", "pattern": "("}]}},
         {"target.assertions"}),
        ({"rechecks": 9, "agree": 2, "failures_before_down": 11},
         {"rechecks", "agree", "failures_before_down"}),
        ({"locations": ["Nowhere!"]}, {"locations"}),
        ({"overlap": "skip"}, {"overlap"}),
    ],
)  # fmt: skip
def test_every_bad_field_is_named(api: Client, given: Any, fields: set[str]) -> None:
    assert wrong(api, **given) == fields


def test_a_change_keeps_what_is_not_sent(api: Client) -> None:
    probe = make(api, rechecks=4, locations=["here", "fra"], agree=2)
    changed = api("PATCH", "/probes/shop", {"schedule": "5", "rechecks": None}).json
    assert (changed["schedule"], changed["rechecks"], changed["agree"]) == ("5", 2, 2)
    assert changed["target"] == probe["target"]
    assert api("PATCH", "/probes/shop", {"agree": 3}).status == 422
    assert api("PATCH", "/probes/shop", {"schedule": None}).status == 422


def test_pause_resume_and_delete(api: Client) -> None:
    make(api)
    assert api("POST", "/probes/shop/pause").json["status"] == "paused"
    assert api("POST", "/probes/shop/resume").json["next_due_at"] is not None
    assert api("DELETE", "/probes/shop").status == 204
    assert api.get("/probes/shop").status == 404


def test_what_was_seen_is_told(api: Client, house: House) -> None:
    make(api)
    house.clock.advance(60)
    answered(
        house, Outcome.FAIL, reason="could not connect", error="connect",
        detail="blocked address: loopback", preview="<html>", phases_ms={"total": 3.5},
    )  # fmt: skip
    last = api.get("/probes/shop").json["last_run"]
    assert (last["outcome"], last["error"], last["reason"]) == (
        "fail", "connect", "could not connect",
    )  # fmt: skip
    assert "blocked" not in str(last)
    run = api.get(f"/runs/{last['id']}").json
    assert (run["preview"], run["detail"]) == ("<html>", "blocked address: loopback")


@pytest.mark.parametrize(
    ("role", "hosted", "told"),
    [
        (Role.OWNER, False, True),
        (Role.ADMIN, False, True),
        (Role.EDITOR, False, False),
        (Role.OWNER, True, False),
    ],
)
def test_only_admins_of_an_own_instance_learn_of_the_network(
    api: Client, house: House, role: Role, hosted: bool, told: bool
) -> None:
    make(api)
    house.clock.advance(60)
    answered(house, Outcome.FAIL, detail="Connection refused")
    run_id = api.get("/probes/shop").json["last_run"]["id"]
    at, vault = house.clock.now(), house.services.vault

    def token(tx: Any) -> str:
        user = people.make(tx, "ana@example.org", "", "hash", at)
        caller = Caller(house.workspace.id, Grant(role), "user", user.id, "ana@example.org")
        scopes = ["read:jobs", "manage:keys"] if role >= Role.ADMIN else ["read:jobs", "run:jobs"]
        return keys.make(tx, caller, "k", scopes, vault, at).token

    client = Client(house.client("*", hosted=hosted).app, house.write(token), "/api/v1")
    shown = client.get(f"/runs/{run_id}")
    assert shown.status == 200, shown.text
    assert (shown.json["detail"] is not None) == told


def test_a_try_by_hand_is_a_run(api: Client, house: House) -> None:
    make(api)
    tried = api("POST", "/probes/shop/test")
    assert (tried.status, tried.json["state"], tried.json["trigger"]) == (202, "queued", "manual")
    vault, at = house.services.vault, house.clock.now()

    def done(tx: Any) -> None:
        (work,) = runs.claim(tx, "probe", "node", at, 10, vault)
        assert work.action["target"]["url"] == TARGET["url"]
        runs.finish(tx, [Ended(work, Result(Outcome.OK, preview="ok"))], at)

    house.write(done)
    run = api.get(f"/runs/{tried.json['id']}").json
    assert (run["outcome"], run["slot_at"], run["preview"]) == ("ok", None, "ok")
    assert api.get("/probes/shop").json["status"] == "up"


def test_figures(api: Client, house: House) -> None:
    make(api)
    for outcome in (Outcome.OK, Outcome.FAIL, Outcome.OK):
        house.clock.advance(60)
        answered(house, outcome, duration_ms=100)
    windows = api.get("/watches/shop/statistics").json["windows"]
    assert [one["name"] for one in windows] == ["24h", "7d", "30d", "90d"]
    for one in windows:
        assert (one["ok"], one["bad"], one["uptime_percent"]) == (2, 1, 66.667)
        assert one["average_ms"] == 100.0
        assert 95 < one["p50_ms"] == one["p99_ms"] < 105
        assert one["gaps"] == []


def test_a_watch_without_probes_has_no_figures(api: Client, watch: Any) -> None:
    window = api.get(f"/watches/{watch['id']}/statistics").json["windows"][0]
    assert (window["uptime_percent"], window["p95_ms"], window["ok"]) == (None, None, 0)
