"""Pages: every list can be walked to its end, each item once."""

from typing import Any

import pytest

from tests.web.api.conftest import HTTP_ACTION, House
from tests.web.asgi_client import Client

COUNT = 7


def walk(api: Client, path: str, limit: int) -> list[Any]:
    """Return all items, page by page."""
    found: list[Any] = []
    cursor = None
    while True:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = api.get(path, **query).json
        assert page.keys() == {"data", "next_cursor"}
        assert len(page["data"]) <= limit
        found += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
        assert len(page["data"]) == limit


@pytest.fixture
def full(api: Client, house: House) -> Client:
    """An API with several of everything."""
    api("POST", "/jobs", {"name": "J", "action": HTTP_ACTION, "overlap": "allow"})
    hook = {"kind": "webhook", "settings": {"url": "http://example.org/"}}
    for number in range(COUNT):
        house.clock.advance(1)
        watch = api("POST", "/watches", {"name": f"W{number}"}).json
        channel = api("POST", "/channels", {"name": f"C{number}", **hook}).json
        api("POST", "/rules", {"channel_id": channel["id"]})
        api("POST", f"/channels/{channel['id']}/test")
        api("POST", "/jobs/j/trigger")
        house.ping(watch["ping_url"].rpartition("/")[2])
        house.ping(api.get("/watches/w0").json["ping_url"].rpartition("/")[2], "/log")
    return api


def test_every_list_is_walked_to_its_end(full: Client) -> None:
    counts = {
        "/watches": COUNT + 1, "/jobs": 1, "/channels": COUNT, "/rules": COUNT,
        "/deliveries": COUNT, "/runs": 2 * COUNT, "/watches/j/runs": COUNT, "/flips": COUNT,
        "/watches/w0/pings": COUNT + 1, "/watches/w1/flips": 1,
    }  # fmt: skip
    for path, count in counts.items():
        whole = full.get(path, limit=200).json["data"]
        assert len({one["id"] for one in whole}) == count, path
        for limit in (1, 3, count):
            assert walk(full, path, limit) == whole


def test_what_came_last_is_shown_first(full: Client) -> None:
    for path, field in (("/watches/j/runs", "queued_at"), ("/flips", "at")):
        times = [one[field] for one in full.get(path).json["data"]]
        assert times == sorted(times, reverse=True)
    ids = [int(one["id"]) for one in full.get("/watches/w0/pings").json["data"]]
    assert ids == sorted(ids, reverse=True)


def test_filters_hold_over_pages(full: Client) -> None:
    full("PATCH", "/watches/w2", {"tags": ["x"]})
    full("PATCH", "/watches/w5", {"tags": ["x"]})
    first = full.get("/watches", tag="x", limit=1).json
    second = full.get("/watches", tag="x", limit=1, cursor=first["next_cursor"]).json
    assert [page["data"][0]["slug"] for page in (first, second)] == ["w2", "w5"]
    assert second["next_cursor"] is None


def test_a_page_has_50_items_unless_asked(api: Client) -> None:
    for number in range(51):
        api("POST", "/watches", {"name": f"W{number}"})
    page = api.get("/watches").json
    assert len(page["data"]) == 50
    assert page["next_cursor"]


def test_a_filter_takes_what_there_is_and_names_it(api: Client) -> None:
    for path, name, example in (
        ("/watches", "kind", "'heartbeat', 'job', 'probe' or 'workflow'"),
        ("/watches", "status", "'degraded', 'down' or 'paused'"),
        ("/jobs", "status", "'degraded', 'down' or 'paused'"),
        ("/runs", "outcome", "'suppressed' or 'unknown'"),
        ("/runs", "state", "'queued', 'running' or 'done'"),
        ("/deliveries", "state", "'held', 'pending', 'sent', 'failed' or 'suppressed'"),
    ):
        for value in ("bogus", ""):
            refused = api.get(path, **{name: value})
            assert refused.status == 422, (path, name, value)
            assert example in refused.faults[name]
        last = example.rpartition("'")[0].rpartition("'")[2]
        assert api.get(path, **{name: last}).status == 200
    for path in ("/watches", "/runs", "/flips", "/deliveries"):
        assert api.get(path, **{"slug" if path == "/watches" else "watch": ""}).status == 422
    assert api.get("/deliveries", channel="nope").status == 404
