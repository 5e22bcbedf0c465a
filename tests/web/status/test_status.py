"""Status pages as anybody sees them: what they tell, in which form, and what they never do."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from dogwatch.usecases import keys, watches, workspaces
from dogwatch.usecases.callers import host
from dogwatch.web.app import build
from tests.web.api.conftest import House, api, house
from tests.web.asgi_client import Answer, Client
from tests.web.dialects.conftest import ON_BOTH, database_url

__all__ = ["api", "database_url", "house"]

# In names, slugs, tags, notes and addresses of what stands behind a page.
PRIVATE = "internal-hostname-db7"


@pytest.fixture
def anybody(house: House) -> Client:
    """Somebody without a key; all his calls are to one server."""
    return Client(build(house.services))


def watch(api: Client, name: str, **more: Any) -> Any:
    asked = {"name": name, "schedule": "every 1h", "grace_s": 60} | more
    made = api("POST", "/watches", asked)
    assert made.status == 201, made.text
    return made.json


def page(api: Client, **said: Any) -> Any:
    made = api("POST", "/status-pages", {"title": "Shop status", "slug": "shop"} | said)
    assert made.status == 201, made.text
    return made.json


def ping(anybody: Client, one: Any, words: str = "") -> None:
    path = one["ping_url"].removeprefix("http://dogwatch.test")
    assert anybody("POST", path + words).status == 200


def later(house: House, seconds: float) -> None:
    house.clock.advance(seconds)
    house.write(lambda tx: watches.lapse(tx, house.clock.now()))


def seen(anybody: Client, slug: str = "shop") -> Any:
    answer = anybody.get(f"/status/{slug}.json")
    assert answer.status == 200, answer.text
    return answer.json


def states(view: Mapping[str, Any]) -> dict[str, str]:
    return {one["name"]: one["state"] for one in view["components"]}


@ON_BOTH
def test_a_page_tells_how_things_stand(api: Client, anybody: Client, house: House) -> None:
    web, pay, fax = watch(api, "a"), watch(api, "b", tags=["pay"]), watch(api, "c", tags=["pay"])
    items = [
        {"name": "Website", "watch": web["slug"]},
        {"name": "Payments", "tag": "pay"},
        {"name": "Nothing", "tag": "none-has-it"},
    ]
    made = page(api, items=items, description="How we do", public=True)
    assert made["url"] == "http://dogwatch.test/status/shop"
    assert seen(anybody)["state"] == "operational"
    for one in (web, pay, fax):
        ping(anybody, one)
    later(house, 31)
    assert states(seen(anybody)) == {
        "Website": "operational", "Payments": "operational", "Nothing": "unknown",
    }  # fmt: skip
    ping(anybody, pay, "/fail")
    assert states(seen(anybody))["Payments"] == "operational"  # as it was, up to 30 s ago
    later(house, 31)
    view = seen(anybody)
    assert (view["state"], states(view)["Payments"]) == ("degraded", "degraded")
    ping(anybody, fax, "/fail")
    later(house, 31)
    view = seen(anybody)
    assert (view["state"], states(view)["Payments"]) == ("down", "down")
    payments = view["components"][1]
    assert len(payments["days"]) == 90
    assert payments["days"][-1]["date"] == "2026-01-05"
    assert payments["days"][-1]["state"] == "down"
    assert payments["days"][-1]["down_s"] == 46  # on average
    assert payments["days"][-2] == {
        "date": "2026-01-04", "state": None, "uptime_percent": None, "down_s": 0,
    }  # fmt: skip
    assert payments["uptime_percent"] == 50.0


def test_days_go_on_over_midnights(api: Client, anybody: Client, house: House) -> None:
    web = watch(api, "a", schedule="every 1w")
    page(api, items=[{"name": "Website", "watch": web["slug"]}])
    ping(anybody, web)
    later(house, timedelta(days=1).total_seconds())
    ping(anybody, web, "/fail")
    later(house, timedelta(days=1).total_seconds())
    days = seen(anybody)["components"][0]["days"][-3:]
    assert [(day["state"], day["down_s"]) for day in days] == [
        ("up", 0), ("down", 12 * 3600), ("down", 12 * 3600),
    ]  # fmt: skip


@ON_BOTH
def test_people_post_incidents(api: Client, anybody: Client, house: House) -> None:
    page(api)
    said = {"title": "Payments fail", "text": "We look into it.", "impact": "major"}
    made = api("POST", "/status-pages/shop/posts", said)
    assert (made.status, made.json["state"]) == (201, "investigating")
    later(house, 60)
    path = f"/status-posts/{made.json['id']}"
    more = {"state": "resolved", "text": "All <b>well</b> & good.\x07"}
    done = api("PATCH", path, more).json
    assert (done["state"], done["resolved_at"], len(done["updates"])) == (
        "resolved", "2026-01-05T12:01:00.000Z", 2,
    )  # fmt: skip
    (shown,) = seen(anybody)["incidents"]
    assert (shown["title"], shown["impact"], shown["state"]) == (
        "Payments fail",
        "major",
        "resolved",
    )
    html = anybody.get("/status/shop").text
    assert "All &lt;b&gt;well&lt;/b&gt; &amp; good." in html
    assert api("PATCH", path, {"state": "resolved"}).status == 422  # says nothing
    assert api("PATCH", path, {"title": "Cards"}).json["title"] == "Cards"
    assert [one["id"] for one in api.get("/status-pages/shop/posts").json["data"]] == [shown["id"]]
    assert api("DELETE", path).status == 204
    later(house, 31)
    assert seen(anybody)["incidents"] == []


@ON_BOTH
def test_maintenance_is_shown_by_the_names_of_the_page(api: Client, anybody: Client) -> None:
    web, other = watch(api, "a", tags=[PRIVATE]), watch(api, "b")
    page(
        api, items=[{"name": "Web; site", "watch": web["id"]}, {"name": "B", "watch": other["id"]}]
    )
    once = {"kind": "once", "start_at": "2026-01-06T22:00:00Z", "end_at": "2026-01-07T02:00:00Z"}
    scope = {"kind": "tags", "values": [PRIVATE]}
    api("POST", "/maintenance", {"name": PRIVATE, "scope": scope, "window": once})
    nightly = {"kind": "cron", "cron": "0 11 * * *", "duration_s": 7200}
    api("POST", "/maintenance", {"name": PRIVATE, "window": nightly})
    works = seen(anybody)["maintenance"]
    assert works[0] == {
        "names": ["Web; site", "B"], "start_at": "2026-01-05T11:00:00Z",
        "end_at": "2026-01-05T13:00:00Z",
    }  # fmt: skip
    assert [one["start_at"] for one in works if one["names"] == ["Web; site"]] == [
        "2026-01-06T22:00:00Z"
    ]
    html = anybody.get("/status/shop").text
    assert html.index("Maintenance under way") < html.index("Maintenance to come")
    calendar = anybody.get("/status/shop.ics").text
    assert "SUMMARY:Maintenance: Web\\; site\r\n" in calendar
    assert "DTSTART:20260106T220000Z\r\nDTEND:20260107T020000Z\r\n" in calendar
    assert PRIVATE not in html + calendar


@ON_BOTH
def test_what_is_down_under_maintenance_is_said_to_be_maintained(
    api: Client, anybody: Client, house: House
) -> None:
    web, shop = watch(api, "a"), watch(api, "b")
    page(api, items=[{"name": "Web", "watch": web["id"]}, {"name": "Shop", "watch": shop["id"]}])
    window = {"kind": "once", "start_at": "2026-01-05T11:00:00Z", "end_at": "2026-01-05T13:00:00Z"}
    scope = {"kind": "watches", "values": [web["id"]]}
    made = api("POST", "/maintenance", {"name": PRIVATE, "scope": scope, "window": window})
    ping(anybody, web, "/fail")
    ping(anybody, shop)
    view = seen(anybody)
    assert (view["state"], states(view)) == (
        "maintenance", {"Web": "maintenance", "Shop": "operational"},
    )  # fmt: skip
    assert "◆</span> Maintenance under way" in anybody.get("/status/shop").text
    assert "maintenance" in anybody.get("/status/shop.svg").text
    owl = anybody.get("/cronowl/api/status/shop").json  # it has no word for that
    assert (owl["overallStatus"], owl["checks"][0]["status"]) == ("down", "down")
    assert "down" in anybody.get("/cronowl/api/status/shop/badge").text
    assert api("DELETE", f"/maintenance/{made.json['id']}").status == 204
    later(house, 31)
    assert seen(anybody)["state"] == "down"


FORMS = {
    "": "text/html; charset=utf-8",
    ".json": "application/json",
    ".rss": "application/rss+xml; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".svg": "image/svg+xml",
}


def full(api: Client, anybody: Client) -> dict[str, Answer]:
    """Return all forms of a page that has something of everything, with private things behind."""
    web = watch(
        api, f"{PRIVATE} web", slug=f"{PRIVATE}-web", tags=[PRIVATE], description=PRIVATE,
        schedule="0 * * * *",
    )  # fmt: skip
    target = {"kind": "http", "url": f"https://{PRIVATE}.example/"}
    probe = api("POST", "/probes", {"name": PRIVATE, "target": target, "schedule": "60"}).json
    nightly = {"kind": "cron", "cron": "0 11 * * *", "duration_s": 7200}
    api("POST", "/maintenance", {"name": PRIVATE, "window": nightly})
    items = [
        {"name": "Website", "watch": web["slug"]}, {"name": "API <1>", "watch": probe["slug"]},
        {"name": "All", "tag": PRIVATE},
    ]  # fmt: skip
    page(api, items=items)
    ping(anybody, web)
    path = web["ping_url"].removeprefix("http://dogwatch.test")
    anybody("POST", f"{path}/fail", PRIVATE.encode())
    posted = {"title": "Trouble", "text": "We look.\nAgain.", "impact": "critical"}
    api("POST", "/status-pages/shop/posts", posted)
    return {form: anybody.get(f"/status/shop{form}") for form in FORMS}


def test_nothing_private_leaks(api: Client, anybody: Client, house: House) -> None:
    answers = full(api, anybody)
    answers["owl"] = anybody.get("/cronowl/api/status/shop")
    answers["badge"] = anybody.get("/cronowl/api/status/shop/badge")
    every = api.get("/watches").json["data"]
    secret = {PRIVATE, house.workspace.name, house.workspace.ping_key}
    secret |= {one[name] for one in every for name in ("id", "ping_url", "slug") if one[name]}
    for form, answer in answers.items():
        assert answer.status == 200, form
        told = answer.text + json.dumps(dict(answer.headers))
        assert not [word for word in secret if word in told], form


def test_every_form_is_what_it_says(api: Client, anybody: Client) -> None:
    answers = full(api, anybody)
    assert {form: one.headers["content-type"] for form, one in answers.items()} == FORMS
    for answer in answers.values():
        assert answer.headers["cache-control"] == "public, max-age=30"
        assert answer.headers["x-robots-tag"] == "noindex"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'")
        assert "script" not in policy
    html = answers[""].text
    assert "<script" not in html
    assert not re.search(r"\son\w+=|style=", html)
    assert "API &lt;1&gt;" in html
    assert "dogwatch" not in html.lower()
    style = re.search(r'href="\.\./(status-[0-9a-f]+\.css)"', html)
    assert style
    assert anybody.get(f"/{style[1]}").status == 200
    channel = ET.fromstring(answers[".rss"].body)[0]
    item = channel.find("item")
    assert item is not None
    assert item.findtext("title") == "Investigating: Trouble"
    assert item.findtext("pubDate") == "Mon, 05 Jan 2026 12:00:00 +0000"
    assert channel.findtext("link") == "http://dogwatch.test/status/shop"
    picture = ET.fromstring(answers[".svg"].body)
    assert picture.attrib["aria-label"] == "status: down"
    lines = answers[".ics"].body.split(b"\r\n")
    assert (lines[0], lines[-2], lines[-1]) == (b"BEGIN:VCALENDAR", b"END:VCALENDAR", b"")
    assert max(map(len, lines)) <= 75


def test_who_has_it_already_is_sent_nothing(api: Client, anybody: Client) -> None:
    page(api)
    tag = anybody.get("/status/shop").headers["etag"]
    again = anybody("GET", "/status/shop", headers={"if-none-match": tag})
    assert (again.status, again.body) == (304, b"")
    head = anybody("HEAD", "/status/shop")
    assert head.status == 200


def test_a_public_page_may_be_listed(api: Client, anybody: Client) -> None:
    page(api, public=True)
    answer = anybody.get("/status/shop")
    assert "x-robots-tag" not in answer.headers
    assert "noindex" not in answer.text


@pytest.mark.parametrize(
    "path",
    ["nothing", "nothing.json", "shop.xml", "shop.json.json", ".json", "%2e%2e", "a%00b", "é" * 99],
)
def test_what_is_not_there_is_404(api: Client, anybody: Client, path: str) -> None:
    page(api)
    assert anybody.get(f"/status/{path}").status == 404


@ON_BOTH
def test_pages_are_made_changed_and_removed(api: Client, anybody: Client, house: House) -> None:
    web = watch(api, "Web")
    made = api("POST", "/status-pages", {"title": " Shop "}).json
    assert (made["title"], made["public"], made["items"]) == ("Shop", False, [])
    assert re.fullmatch(r"[a-z0-9]{8}", made["slug"])
    path = f"/status-pages/{made['slug']}"
    items = [{"name": "Website", "watch": web["id"]}]
    house.clock.advance(1)
    changed = api("PATCH", path, {"slug": "other", "items": items}).json
    assert changed["items"] == [{"name": "Website", "watch": "web", "tag": None}]
    assert (changed["title"], changed["updated_at"]) == ("Shop", "2026-01-05T12:00:01.000Z")
    assert api.get("/status-pages/other").json == changed
    assert [one["id"] for one in api.get("/status-pages").json["data"]] == [made["id"]]
    page(api)
    taken = api("PATCH", "/status-pages/other", {"slug": "shop"})
    assert (taken.status, list(taken.faults)) == (409, ["slug"])
    unknown = api("PATCH", "/status-pages/other", {"items": [{"name": "x", "watch": "none"}]})
    assert (unknown.status, list(unknown.faults)) == (422, ["items.0.watch"])
    api("DELETE", f"/watches/{web['slug']}")
    assert states(seen(anybody, "other")) == {"Website": "unknown"}
    api("POST", "/status-pages/other/posts", {"title": "x", "text": "y"})
    assert api("DELETE", "/status-pages/other").status == 204
    later(house, 31)
    assert anybody.get("/status/other").status == 404


def test_other_workspaces_have_their_own(api: Client, anybody: Client, house: House) -> None:
    page(api)
    at, vault = house.clock.now(), house.services.vault
    other = house.write(lambda tx: workspaces.make(tx, "other", at))
    token = house.write(lambda tx: keys.make(tx, host(other.id), "k", ["*"], vault, at).token)
    foreign = Client(anybody.app, token, "/api/v1")
    assert foreign.get("/status-pages").json["data"] == []
    assert foreign.get("/status-pages/shop").status == 404
    assert foreign("POST", "/status-pages", {"title": "x", "slug": "shop"}).status == 409


def test_a_plan_allows_so_many(api: Client, house: House) -> None:
    house.write(lambda tx: workspaces.assign(tx, house.workspace.id, "free"))
    page(api)
    assert api("POST", "/status-pages", {"title": "x"}).status == 403
    said = {"title": "x", "text": "y"}
    first = api("POST", "/status-pages/shop/posts", said)
    assert api("POST", "/status-pages/shop/posts", said).status == 403
    api("PATCH", f"/status-posts/{first.json['id']}", {"state": "resolved", "text": "z"})
    assert api("POST", "/status-pages/shop/posts", said).status == 201


# --- CronOwl's own -----------------------------------------------------------------------------


def test_cronowl_shows_the_same_page(api: Client, anybody: Client) -> None:
    full(api, anybody)
    answer = anybody.get("/cronowl/api/status/shop")
    assert answer.headers["cache-control"] == "public, s-maxage=30, stale-while-revalidate=60"
    told = answer.json
    assert list(told) == [
        "title", "description", "checks", "overallStatus", "updatedAt", "branding", "incidents",
    ]  # fmt: skip
    assert told["overallStatus"] == "down"
    check = told["checks"][0]
    assert list(check) == [
        "id", "name", "status", "lastPing", "tags", "history", "uptimePercent",
    ]  # fmt: skip
    assert (check["name"], check["status"], check["tags"]) == ("Website", "down", [])
    assert len(check["history"]) == 90
    assert list(check["history"][-1]) == ["date", "status", "uptimePercent", "downMinutes"]
    assert [one["severity"] for one in told["incidents"]["active"]] == ["critical"]
    assert told["incidents"]["recent"] == []
    missing = anybody.get("/cronowl/api/status/none")
    assert (missing.status, missing.json) == (404, {"error": "Status page not found"})


def test_cronowl_draws_a_badge(api: Client, anybody: Client) -> None:
    page(api)
    pictures = {
        style: anybody.get("/cronowl/api/status/shop/badge", label="<shop> & co", style=style)
        for style in ("flat", "flat-square", "for-the-badge", "odd", "")
    }
    for style, answer in pictures.items():
        assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
        root = ET.fromstring(answer.body)
        loud = style == "for-the-badge"
        label = "<SHOP> & CO: OPERATIONAL" if loud else "<shop> & co: operational"
        assert root.attrib["aria-label"] == label
        assert root.attrib["height"] == ("28" if loud else "20")
    assert 'rx="3"' in pictures["odd"].text
    assert 'rx="0"' in pictures["flat-square"].text
    none = anybody.get("/cronowl/api/status/none/badge")
    assert (none.status, none.headers["cache-control"]) == (200, "no-cache")
    assert ET.fromstring(none.body).attrib["aria-label"] == "status: down"
