"""Who may do what."""

from datetime import timedelta
from typing import Any

import pytest

from dogwatch.store import keys as stored
from dogwatch.usecases import keys
from tests.web.api.conftest import HTTP_ACTION, House
from tests.web.asgi_client import Client


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "Bearer dw_live_wrong",
        "Bearer \0",
        "Bearer é",
        "x" * 9000,
    ],
)
def test_without_a_valid_key_all_is_401(api: Client, header: str) -> None:
    answer = api("GET", "/watches", headers={"authorization": header})
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json["title"] == "Unauthorized"


def test_the_key_is_asked_before_the_body_is_read(api: Client) -> None:
    stranger = Client(api.app, None, "/api/v1")
    for body in (b"{", b"x" * 2_000_000, {"name": 3}):
        assert stranger("POST", "/watches", body).status == 401
    assert stranger.get("/openapi.json").status == 200


def test_a_revoked_key_is_401(api: Client, house: House) -> None:
    at, workspace_id = house.clock.now(), house.workspace.id
    house.write(lambda tx: keys.revoke(tx, workspace_id, "test", at))
    assert api.get("/watches").status == 401


def test_the_word_bearer_is_read_in_any_case(api: Client) -> None:
    lower = {"authorization": f"bearer {api.token}"}
    assert api("GET", "/watches", headers=lower).status == 200


def test_the_lack_of_a_scope_is_named(house: House) -> None:
    refused = house.client("read:jobs").get("/watches")
    assert refused.status == 403
    assert refused.json["detail"] == "the API key lacks the scope read:watches"


def test_the_use_of_a_key_is_noted_once_a_minute(api: Client, house: House) -> None:
    def used() -> Any:
        found = house.database.read(lambda tx: stored.listed(tx, house.workspace.id)).result()
        return found[0].last_used_at

    first_at = house.clock.now()
    api.get("/watches")
    house.clock.advance(30)
    api.get("/watches")
    assert used() == first_at
    house.clock.advance(60)
    api.get("/watches")
    assert used() == first_at + timedelta(seconds=90)


def test_a_job_is_not_changed_as_a_watch_without_its_scope(api: Client, house: House) -> None:
    api("POST", "/jobs", {"name": "J", "action": {"kind": "http", "url": "http://example.org"}})
    narrow = house.client("write:watches")
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume")):
        body: Any = {} if method == "PATCH" else None
        refused = narrow(method, f"/watches/j{path}", body)
        assert refused.json["detail"] == "the API key lacks the scope write:jobs"
    both = house.client("write:watches", "write:jobs")
    assert both("POST", "/watches/j/pause").json["status"] == "paused"


def test_who_may_only_read_learns_no_way_to_ping(house: House, api: Client, watch: Any) -> None:
    api("POST", "/jobs", {"name": "J", "action": HTTP_ACTION})
    reader = house.client("read:watches", "read:jobs")
    for path in ("/watches/nightly-backup", "/jobs/j"):
        assert reader.get(path).json["ping_url"] is None
        assert api.get(path).json["ping_url"].startswith("http://dogwatch.test/ping/")
    assert {one["ping_url"] for one in reader.get("/watches").json["data"]} == {None}
    assert reader.get("/workspace").json["ping_key"] is None
    assert api.get("/workspace").json["ping_key"] == house.workspace.ping_key
    writer = house.client("read:watches", "write:watches")
    assert writer.get("/watches/nightly-backup").json["ping_url"] == watch["ping_url"]
