"""The facts of pages as JSON beside them, and under their policy."""

import re

import pytest

from dogwatch.core.policy import Role
from dogwatch.web.dashboard import desk_facts, facts
from tests.harness.flowing import Flowing
from tests.harness.house import House as Engine
from tests.web.dashboard.conftest import Browser, House, member, watch
from tests.web.dashboard.test_files import ALL, FILES
from tests.web.dashboard.test_incidents import break_one

FACTS = facts.FACTS | desk_facts.FACTS


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for words."""
    return sqlite_url


def there(ana: Browser, house: House) -> dict[str, str]:
    """Have something of every kind; return an address for each page that tells facts."""
    assert ana.fill(FILES, FILES, name="ours.yaml", text=ALL).status == 303
    flowing = Flowing(Engine(house.database, house.services.vault))
    flowing.make("load>check")
    flowing.trigger()
    break_one(house, "Payroll")
    [told] = re.findall(r"alerts/channels/(\w+)/delete", ana.get("/alerts").text)
    sent = ana.fill("/alerts", f"/alerts/channels/{told}/test").headers["location"]
    [page] = ana.get("/settings/status-pages.json").json["status_pages"]
    names = {
        "/i/": "backup", "/flows/": "flow", "/incidents/": "1",
        "/runs/": ana.get("/flows/flow.json").json["runs"][0]["id"],
        "/alerts/deliveries/": sent.rpartition("/")[2], "/settings/status-pages/": page["id"],
    }  # fmt: skip
    return {path: re.sub("{.*}", names.get(path.partition("{")[0], ""), path) for path in FACTS}


def test_each_page_has_its_facts_and_nothing_secret(ana: Browser, house: House) -> None:
    places = there(ana, house)
    answers = {path: ana.get(f"{place}.json") for path, place in places.items()}
    assert {path: one.status for path, one in answers.items() if one.status != 200} == {}
    assert [
        one for one in places.values() if ana.get(one if one != "/now" else "/").status != 200
    ] == []
    secrets = ("s3cret", "ops.example", *ana.cookies.values())
    assert [one for path in answers for one in secrets if one in answers[path].text] == []
    told = {path: one.json for path, one in answers.items()}
    alerts = told["/alerts"]
    [channel], [rule], [window] = alerts["channels"], alerts["rules"], alerts["maintenance"]
    assert [one["kept_in"] for one in (channel, rule, window)] == 3 * ["ours.yaml"]
    assert (channel["name"], window["name"], alerts["item"]) == ("Ops", "Upgrades", None)
    assert "everything" in rule["words"] or "down" in rule["words"]
    assert [one["role"] for one in told["/settings"]["members"]] == ["owner"]
    assert told["/settings/variables"]["variables"][0]["key"] == "TOKEN"
    assert "value" not in told["/settings/variables"]["variables"][0]
    assert told["/settings/status-pages"]["status_pages"][0]["items"][0]["watch"] == "backup"
    assert told["/settings/files"]["files"][0]["id"] == "ours.yaml"
    assert {one["name"] for one in told["/system"]["waiting"]} >= {"scheduler", "delivery"}
    assert sum(told["/system"]["watches"].values()) == told["/now"]["total"]
    assert [one["this"] for one in told["/account"]["sessions"]] == [True]
    assert told["/account"]["email"] == "ana@example.org"
    assert told["/settings/keys"]["base_urls"]["Healthchecks"].startswith("http://dogwatch.test/")
    flow = told["/flows/{name}"]
    assert [one["node"] for one in flow["run"]["steps"]] == ["load", "check"]
    assert (flow["slug"], [one["number"] for one in flow["versions"]]) == ("flow", [1])
    delivery = told["/alerts/deliveries/{name}"]
    assert (delivery["channel"], delivery["event"], delivery["state"]) == ("Ops", "test", "pending")
    assert told["/settings/status-pages/{name}"]["posts"] == []
    assert told["/incidents/{name}"]["watches"] == ["payroll"]


def test_the_facts_are_chosen_by_the_address_as_the_page_is(ana: Browser, house: House) -> None:
    there(ana, house)
    assert [one["number"] for one in ana.get("/incidents.json").json["incidents"]] == [1]
    assert ana.get("/incidents.json", state="closed").json == {"incidents": [], "before": None}
    found = ana.get("/now.json", state="down").json["items"]
    assert [one["slug"] for one in found] == ["payroll"]


def test_the_facts_say_who_would_be_told(ana: Browser, house: House) -> None:
    watch(house, "Payroll")
    ana.fill(FILES, FILES, name="ours.yaml", text=ALL)
    told = ana.get("/alerts.json", item="payroll").json["would_be_told"]
    assert told["down"] == [{"channel": "Ops", "words": "told at once"}]


def test_who_may_not_see_a_page_may_not_see_its_facts(ana: Browser, house: House) -> None:
    assert ana.get("/account").status == 200
    viewer, stranger = member(house, Role.VIEWER), house.browser()
    for path in (one if "{" not in one else re.sub("{.*}", "x", one) for one in FACTS):
        page = viewer.get(path if path != "/now" else "/").status
        assert viewer.get(f"{path}.json").status == page, path
        refused = stranger.get(f"{path}.json")
        assert (refused.status, refused.text) == (401, "sign in first\n")
    for path in ("/timeline", "/load"):
        for ending in (".json", ".svg"):
            assert stranger.get(f"{path}{ending}").status == 401
        assert stranger.get(path).status == 303
    assert viewer.get("/system.json").status == 403
