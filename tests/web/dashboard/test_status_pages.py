"""Status pages in the settings: made, changed, posted on and removed without a script."""

import re

import pytest

from dogwatch.core.policy import Role
from tests.web.asgi_client import Client
from tests.web.dashboard.conftest import Browser, House, member, watch

PLACE = "/settings/status-pages"
NASTY = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for words."""
    return sqlite_url


def made(ana: Browser, **fields: str) -> str:
    """Make a page and return the place of its settings."""
    answer = ana.fill(PLACE, PLACE, **{"title": "Shop", "slug": "shop", "items": ""} | fields)
    assert answer.status == 303, answer.text
    return PLACE + answer.headers["location"].partition(PLACE[1:])[2]


def seen(house: House, slug: str = "shop") -> str:
    answer = Client(house.browser().client.app).get(f"/status/{slug}")
    assert answer.status == 200
    return answer.text


def test_a_page_is_made_changed_and_removed(house: House, ana: Browser) -> None:
    watch(house, "web")
    place = made(ana, items="Website = web\n\nPay = fast = tag:pay", public="1")
    page = ana.get(place).text
    assert "Website = web\nPay = fast = tag:pay</textarea>" in page
    assert "Website" in seen(house)
    changed = ana.fill(place, place, title="Shop 2", slug="other", items="Site = web")
    assert changed.status == 303
    assert "Shop 2" in seen(house, "other")
    assert "unlisted" in ana.get(PLACE).text
    assert ana.get(f"{place}/delete").status == 200
    assert ana.fill(f"{place}/delete", f"{place}/delete").status == 303
    assert "There is none." in ana.get(PLACE).text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": " "}, "title"),
        ({"slug": "No"}, "slug"),
        ({"items": "Website"}, "items"),
        ({"items": "Website = none-such"}, "items"),
        ({"items": "A = tag:x\nA = tag:y"}, "items"),
    ],
)
def test_a_bad_field_is_marked_and_keeps_its_text(
    ana: Browser, fields: dict[str, str], field: str
) -> None:
    given = {"title": "Shop", "slug": "shop", "items": ""} | fields
    answer = ana.fill(PLACE, PLACE, **given)
    assert answer.status == 422
    assert f'id="{field}-error"' in answer.text
    assert fields[field] in answer.text


def test_incidents_are_posted(house: House, ana: Browser) -> None:
    place = made(ana)
    posted = {"post_title": "Payments fail", "text": "We look.", "impact": "major"}
    answer = ana.fill(place, f"{place}/posts", **posted, state="investigating")
    assert answer.status == 303
    assert "Payments fail" in seen(house)
    wrong = ana.fill(place, f"{place}/posts", post_title="", text="x", impact="major", state="x")
    assert wrong.status == 422
    assert 'id="post_title-error"' in wrong.text
    own = re.findall(rf'action="[./]*({place[1:]}/posts/[^"/]*)"', ana.get(place).text)[0]
    said = ana.fill(place, f"/{own}", state="resolved", text="All is well.")
    assert said.status == 303
    assert "All is well." in seen(house)
    assert ana.fill(place, f"/{own}/delete").status == 303
    assert "Payments fail" not in seen(house)


def test_a_viewer_sees_and_changes_nothing(house: House, ana: Browser) -> None:
    place = made(ana)
    viewer = member(house, Role.VIEWER)
    for path in (PLACE, place):
        page = viewer.get(path)
        assert page.status == 200
        assert f'action="./{path[1:]}' not in page.text
    assert "<form" not in viewer.get(place).text.partition("</header>")[2].partition("<dialog")[0]
    assert viewer.get(f"{place}/delete").status == 403


def test_what_people_type_is_shown_as_it_is(house: House, ana: Browser) -> None:
    place = made(
        ana, title=NASTY, description=NASTY, items=f"{NASTY[:90]} = tag:{NASTY[:50].strip()}"
    )
    posted = {"post_title": NASTY, "text": NASTY, "impact": "minor", "state": "identified"}
    ana.fill(place, f"{place}/posts", **posted)
    browser = Client(house.browser().client.app)
    forms = [browser.get(f"/status/shop{form}").text for form in ("", ".rss", ".svg")]
    for page in (ana.get(PLACE).text, ana.get(place).text, *forms):
        assert "<img src=x" not in page
        assert "<script>alert" not in page
