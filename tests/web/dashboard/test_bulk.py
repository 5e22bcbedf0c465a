"""Several items at once."""

import pytest

from dogwatch.core.policy import Role
from tests.web.dashboard.conftest import Browser, House, member, watch


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for words."""
    return sqlite_url


@pytest.fixture
def ana(house: House) -> Browser:
    for name in ("Alpha", "Beta", "Gamma"):
        watch(house, name, tags=("db",))
    return house.ana()


def bulk(browser: Browser, do: str, *slugs: str, **more: str) -> int:
    ticked = {f"item_{slug}": "1" for slug in slugs}
    return browser.fill("/bulk", "/bulk", do=do, **ticked, **more).status


def test_all_that_are_shown_are_ticked_by_a_link(ana: Browser, house: House) -> None:
    watch(house, "Delta")
    page = ana.get("/bulk", tag="db").text
    assert 'href="./bulk?tag=db&amp;tick=all">Tick all 3</a>' in page
    assert " checked" not in page
    page = ana.get("/bulk", tag="db", tick="all").text
    assert (page.count(" checked"), "Delta" in page) == (3, False)
    assert 'href="./bulk?tag=db">Tick none</a>' in page
    assert 'action="./bulk?tag=db"' in page  # what was unticked since stays so
    assert "tick=all" in ana.get("/bulk").text


def test_some_are_paused_and_resumed(ana: Browser) -> None:
    assert "bulk?tag=db" in ana.get("/", tag="db").text
    assert bulk(ana, "pause", "alpha", "beta") == 303
    assert "Paused 2" in ana.get("/").text
    assert bulk(ana, "resume", "alpha", "gamma") == 303
    assert "Paused 1" in ana.get("/").text


def test_they_are_deleted_once_that_is_said_twice(ana: Browser) -> None:
    ask = ana.fill("/bulk", "/bulk", do="delete", item_alpha="1", item_beta="1")
    assert ask.status == 200
    assert "Delete these 2" in ask.text
    assert "Gamma" not in ask.text
    assert ana.get("/i/alpha").status == 200
    assert bulk(ana, "delete", "alpha", "beta", sure="1") == 303
    assert ana.get("/i/alpha").status == 404
    assert ana.get("/i/gamma").status == 200


def test_all_or_none_and_something_at_least(house: House, ana: Browser) -> None:
    assert bulk(ana, "pause", "alpha", "gone") == 404
    assert "Paused" not in ana.get("/").text
    assert bulk(ana, "pause") == 422
    assert bulk(ana, "dance", "alpha") == 422
    viewer = member(house, Role.VIEWER)
    assert "bulk" not in viewer.get("/").text
    assert bulk(viewer, "pause", "alpha") == 403
