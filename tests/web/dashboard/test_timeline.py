"""The timeline and the pictures of items: drawn, alone, and as numbers."""

import re
from datetime import date
from xml.etree import ElementTree

import pytest

from dogwatch.usecases import demo
from dogwatch.usecases.workspaces import first
from dogwatch.web.dashboard.pictures import calendar
from tests.web.dashboard.conftest import Browser, House, words

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for pictures."""
    return sqlite_url


@pytest.fixture
def ana(house: House) -> Browser:
    """Somebody who looks at the examples."""
    at, vault = house.clock.now(), house.services.vault
    ana = house.ana()
    house.write(lambda tx: demo.add(tx, first(tx, at).id, vault, at))
    return ana


def test_a_lane_has_its_runs_and_what_is_to_come(ana: Browser) -> None:
    page = ana.get("/timeline").text
    assert page.count('<svg class="lane"') == 13
    assert 'aria-label="Invoices to accounting: 1 Failed; 0 to come"' in page
    assert 'aria-label="Clean old sessions: 12 OK; 3 to come"' in page
    assert 'class="coming"' in page
    assert '<a href="./runs/' in page
    assert "items ran together, first at" in words(page)
    assert "Clean old sessions" not in ana.get("/timeline", q="backup").text
    assert ana.get("/timeline", hours="168", state="x", page="x").status == 200
    drawn = ana.get("/timeline.svg")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "default-src 'none'" in drawn.headers["content-security-policy"]
    root = ElementTree.fromstring(drawn.text)
    assert root.tag == f"{SVG}svg"
    texts = root.findall(f"{SVG}text")
    assert len([one for one in texts if one.get("class") is None]) == 12  # names beside lanes
    assert {"12:00", "18:00"} <= {one.text for one in texts}
    told = ana.get("/timeline.json", q="invoices").json
    (lane,) = told["lanes"]
    assert lane["ran"][0]["outcome"] == "fail"
    assert told["most_together"]["count"] == 1


def test_what_is_late_stands_where_it_was_due(ana: Browser) -> None:
    page = ana.get("/timeline", q="Copy to").text
    assert page.count('<rect class="late"') == 1
    assert re.search(r"Copy to the other site: [^\"]*; late, due \d\d:00", page)
    (lane,) = ana.get("/timeline.json", q="Copy to").json["lanes"]
    (other,) = ana.get("/timeline.json", q="invoices").json["lanes"]
    assert lane["late_at"].endswith(":00:00.000Z")
    assert other["late_at"] is None


def test_a_strip_ends_hollow_only_where_something_is_due_soon(ana: Browser) -> None:
    page = ana.get("/").text
    strips = re.findall(r'<svg class="strip".*?</svg>', page, re.S)
    for one in strips:
        assert ('class="coming"' in one) == ("due within the next 1 h" in one)
    (paused,) = [one for one in strips if "paused now" in one]
    assert 'class="coming"' not in paused
    assert any('class="coming"' in one for one in strips)
    told = ana.get("/i/shop-answers/day.json").json
    bars = re.findall(r"<rect [^>]* width=\"(\d+)\"", paused)
    behind = 1  # the low one that stands behind the last cell
    assert sum(int(wide) + 1 for wide in bars) == 4 * (len(told["cells"]) + behind)


def test_pictures_of_an_item_stand_alone(ana: Browser) -> None:
    page = ana.get("/i/search-index").text
    for name in ("day", "quarter", "durations"):
        _alone(ana, page, name)
    assert ana.get("/i/phone-app-heartbeat/durations.svg").status == 404


def _alone(ana: Browser, page: str, name: str) -> None:
    assert f'href="../i/search-index/{name}.svg"' in page
    root = ElementTree.fromstring(ana.get(f"/i/search-index/{name}.svg").text)
    assert root.find(f"{SVG}style") is not None
    assert root.attrib["aria-label"]
    told = ana.get(f"/i/search-index/{name}.json").json
    assert (
        len(told.get("cells") or told["runs"]) == {"day": 48, "quarter": 90, "durations": 240}[name]
    )
    assert ana.get(f"/i/nothing/{name}.svg").status == 404


def test_a_crowded_hour_stands_out_of_what_begins_all_day() -> None:
    hours: list[float | None] = [720.0] * 24
    hours[0], hours[5] = 745.0, 730.0
    drawn = calendar.drawn({date(2026, 11, 22): hours})
    shades = re.findall(r'fill-opacity="([^"]*)"', drawn)
    assert (shades[0], shades[1], shades[5]) == ("1.00", "0.12", "0.31")
    assert drawn.count('class="on"') == 1
    alike = [1471.0] * 22 + [1472.4, 1473.0]
    assert 'class="on"' not in calendar.drawn({date(2026, 11, 22): alike})
    assert 'fill-opacity="1.00"' in calendar.drawn({date(2026, 11, 22): [0.0] * 24})


def test_the_examples_are_marked_and_go_by_one_click(ana: Browser) -> None:
    assert "12 of these are examples" in words(ana.get("/").text)
    assert ana.fill("/", "/demo/remove").status == 303
    assert "examples" not in ana.get("/").text
    assert "Nothing is watched yet." in ana.get("/timeline").text
