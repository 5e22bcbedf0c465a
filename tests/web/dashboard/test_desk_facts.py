"""Alerts, settings, system and account as JSON beside their pages, and under their policy."""

import pytest

from dogwatch.core.policy import Role
from dogwatch.web.dashboard.desk_facts import FACTS
from tests.web.dashboard.conftest import Browser, House, member, watch
from tests.web.dashboard.test_files import ALL, FILES


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for words."""
    return sqlite_url


@pytest.fixture
def ana(house: House) -> Browser:
    return house.ana()


def test_each_page_has_its_facts_and_nothing_secret(ana: Browser) -> None:
    assert ana.fill(FILES, FILES, name="ours.yaml", text=ALL).status == 303
    answers = {path: ana.get(f"{path}.json") for path in FACTS}
    assert {one.status for one in answers.values()} == {200}
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
    assert told["/system"]["watches"] == {"new": 1}
    assert [one["this"] for one in told["/account"]["sessions"]] == [True]
    assert told["/account"]["email"] == "ana@example.org"


def test_the_facts_say_who_would_be_told(ana: Browser, house: House) -> None:
    watch(house, "Payroll")
    ana.fill(FILES, FILES, name="ours.yaml", text=ALL)
    told = ana.get("/alerts.json", item="payroll").json["would_be_told"]
    assert told["down"] == [{"channel": "Ops", "words": "told at once"}]


def test_who_may_not_see_a_page_may_not_see_its_facts(ana: Browser, house: House) -> None:
    assert ana.get("/account").status == 200
    viewer, stranger = member(house, Role.VIEWER), house.browser()
    for path in FACTS:
        assert viewer.get(f"{path}.json").status == viewer.get(path).status, path
        refused = stranger.get(f"{path}.json")
        assert (refused.status, refused.text) == (401, "sign in first\n")
    for path in ("/timeline", "/load"):
        for ending in (".json", ".svg"):
            assert stranger.get(f"{path}{ending}").status == 401
        assert stranger.get(path).status == 303
    assert viewer.get("/system.json").status == 403
