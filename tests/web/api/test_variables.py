"""Variables: set, shown to those who may see them, listed without values, removed."""

import pytest

from tests.web.api.conftest import SCRIPT_ACTION, House
from tests.web.asgi_client import Client

URL = "postgresql://shop:pa$$@db/ü\n"


def test_a_variable_is_set_shown_listed_and_removed(api: Client) -> None:
    made = api("PUT", "/variables/DB_URL", {"value": URL, "description": "Orders"})
    assert made.status == 200
    assert made.json["description"] == "Orders"
    assert "value" not in made.json
    assert URL not in made.text
    assert api.get("/variables/DB_URL").json == made.json | {"value": URL}
    assert api.get("/variables").json == {"data": [made.json], "next_cursor": None}
    api("PUT", "/variables/DB_URL", {"value": ""})
    api("PATCH", "/variables/DB_URL", {"description": "None"})
    shown = api.get("/variables/DB_URL").json
    assert (shown["value"], shown["description"], shown["id"]) == ("", "None", made.json["id"])
    assert api("DELETE", "/variables/DB_URL").status == 204
    for method in ("GET", "DELETE", "PATCH"):
        body = {"description": ""} if method == "PATCH" else None
        assert api(method, "/variables/DB_URL", body).status == 404


def test_pages_hold_every_variable_once(api: Client) -> None:
    keys = [f"K_{n}" for n in range(5)]
    for key in keys:
        api("PUT", f"/variables/{key}", {"value": "x"})
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get("/variables", limit=2, **{"cursor": cursor} if cursor else {}).json
        seen += [one["key"] for one in page["data"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == keys


@pytest.mark.parametrize(
    ("key", "body", "faults"),
    [
        ("KEY", {}, {"value"}),
        ("KEY", {"value": 5}, {"value"}),
        ("KEY", {"value": "x" * 10_001}, {"value"}),
        ("KEY", {"value": "nul\0"}, {"value"}),
        ("KEY", {"value": "x", "description": "x" * 501, "more": 1}, {"description", "more"}),
    ],
)
def test_a_bad_value_is_refused_by_name(
    api: Client, key: str, body: object, faults: set[str]
) -> None:
    answer = api("PUT", f"/variables/{key}", body)
    assert (answer.status, set(answer.faults)) == (422, faults)


@pytest.mark.parametrize("key", ["PATH", "CRONIUM_X", "a%20b", "1A", "K" * 101, "%00", "a%2Fb"])
def test_what_can_be_no_key_is_not_found(api: Client, key: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        body = {"value": "x"} if method == "PUT" else None
        assert api(method, f"/variables/{key}", body).status in (404, 422)
    assert api.get("/variables").json["data"] == []


def test_values_are_for_those_with_the_scope_alone(house: House, api: Client) -> None:
    api("PUT", "/variables/KEY", {"value": "canary"})
    reader, writer = house.client("read:variables"), house.client("write:variables")
    assert reader.get("/variables/KEY").json["value"] == "canary"
    assert reader("PUT", "/variables/KEY", {"value": "x"}).status == 403
    assert writer.get("/variables/KEY").status == writer.get("/variables").status == 403
    assert writer("PUT", "/variables/KEY", {"value": "x"}).status == 200
    assert house.client("read:jobs", "write:jobs").get("/variables/KEY").status == 403


def test_what_is_too_short_to_be_masked_is_told_when_it_is_set(api: Client) -> None:
    for value, masked in (("short", False), ("longer", True), ("", True)):
        assert api("PUT", "/variables/KEY", {"value": value}).json["masked"] is masked, value
        assert api.get("/variables").json["data"][0]["masked"] is masked, value


def test_it_tells_which_jobs_name_it(api: Client) -> None:
    api("PUT", "/variables/KEY", {"value": "x"})
    action = SCRIPT_ACTION | {"source": "cronium.setVariable KEY 1; dogwatch_get_variable 'KEY'"}
    job = api("POST", "/jobs", {"name": "J", "action": action}).json
    (use,) = api.get("/variables/KEY").json["uses"]
    assert use == {
        "watch_id": job["id"], "slug": "j", "named": True, "read_at": None, "set_at": None
    }  # fmt: skip
    api("PATCH", "/jobs/j", {"action": SCRIPT_ACTION})
    assert api.get("/variables/KEY").json["uses"] == []


def test_the_audit_log_tells_no_value(api: Client) -> None:
    api("PUT", "/variables/KEY", {"value": "canary"})
    api("DELETE", "/variables/KEY")
    log = api.get("/audit-log")
    told = [(one["operation"], one["object"], one["detail"]) for one in log.json["data"]]
    assert told[:2] == [
        ("variables.delete", "KEY", {}), ("variables.set", "KEY", {"fields": ["value"]})
    ]  # fmt: skip
    assert "canary" not in log.text
    assert "canary" not in api.get("/workspace/export").text
