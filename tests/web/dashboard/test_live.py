"""Pages that keep themselves true: what the script asks, and what it is answered."""

import asyncio
from collections.abc import Callable

import pytest

from dogwatch.store import workspaces
from dogwatch.store.tables import sessions
from dogwatch.store.tx import Tx
from dogwatch.usecases import people
from dogwatch.usecases.door import page_of
from tests.web.asgi_client import Answer
from tests.web.dashboard.conftest import Browser, House, pass_time, ping, watch

LIVE = {"dogwatch-live": "1"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for words."""
    return sqlite_url


def asked(browser: Browser, path: str, tag: str = "") -> Answer:
    browser.headers = LIVE | ({"if-none-match": tag} if tag else {})
    answer = browser.get(path)
    browser.headers = {}
    return answer


@pytest.mark.parametrize("path", ["/", "/i/nightly", "/incidents"])
def test_nothing_is_sent_again_until_something_changed(
    house: House, ana: Browser, path: str
) -> None:
    record = watch(house, "Nightly")
    first = asked(ana, path)
    assert first.status == 200
    same = asked(ana, path, first.headers["etag"])
    assert (same.status, same.text) == (304, "")
    ping(house, record)
    ping(house, record, kind="fail")
    changed = asked(ana, path, first.headers["etag"])
    assert changed.status == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_who_only_reads_is_given_no_tag(house: House, ana: Browser) -> None:
    assert "etag" not in ana.get("/").headers


def test_title_and_icon_count_the_problems(house: House, ana: Browser) -> None:
    for name in ("Alpha", "Beta"):
        ping(house, watch(house, name), kind="fail")
    page = ana.get("/").text
    assert "<title>(2 down) Now – Dogwatch</title>" in page
    assert '<link rel="icon" href="./icon/2.svg"' in page
    assert ">2</text>" in ana.get("/icon/2.svg").text
    assert ">99+</text>" in ana.get("/icon/4000.svg").text
    assert ana.get("/icon/x.svg").status == 404
    assert 'href="../icon/1.svg"' in ana.get("/i/alpha").text


def test_what_a_script_asks_is_nobodys_presence(house: House, ana: Browser) -> None:
    def seen_at() -> object:
        return house.write(lambda tx: tx.conn.execute(sessions.select()).one().seen_at)

    before = seen_at()
    house.clock.advance(3600)
    assert asked(ana, "/").status == 200
    assert seen_at() == before
    ana.get("/")
    assert seen_at() != before


def test_a_stranger_is_sent_away(house: House, ana: Browser) -> None:
    assert asked(house.browser(), "/incidents").status == 303


def test_the_keys_stand_on_each_page(house: House, ana: Browser) -> None:
    page = ana.get("/").text
    assert '<a href="./incidents" data-key="i">Incidents</a>' in page
    assert '<a href="./" data-key="n" aria-current="page">Now</a>' in page
    assert '<dialog id="keys"' in page


def test_waiting_turns_to_ok_with_the_first_ping(house: House, ana: Browser) -> None:
    record = watch(house, "Nightly")
    assert "Waiting for the first ping" in asked(ana, "/i/nightly").text
    ping(house, record)
    page = asked(ana, "/i/nightly").text
    assert "<title>OK: Nightly" in page
    assert "Waiting for" not in page
    assert "<strong>Why:</strong> It is up" in page
    pass_time(house, 661)
    assert "<strong>Why:</strong> It is down" in asked(ana, "/i/nightly").text


def said_after(house: House, browser: Browser, *works: Callable[[Tx], object]) -> list[str]:
    """Return what the stream says until it ends, while things are done one after the other."""

    async def listen() -> list[str]:
        pieces = browser.client.stream("/live", headers=browser.sent())
        said = [await anext(pieces)]
        for work in works:
            await asyncio.to_thread(house.write, work)
        return said + [piece async for piece in pieces]

    return asyncio.run(listen())


def left(tx: Tx) -> None:
    people.end_sessions(tx, tx.conn.execute(sessions.select()).one().user_id)


def gone(tx: Tx) -> None:
    found = workspaces.first(tx)
    assert found
    workspaces.remove(tx, found.id)


@pytest.mark.parametrize(("end", "stays"), [(left, False), (gone, True)])
def test_the_stream_ends_with_session_or_workspace_and_hears_of_its_own_alone(
    house: House, ana: Browser, end: Callable[[Tx], None], stays: bool
) -> None:
    said = said_after(house, ana, lambda tx: tx.wake(page_of(99)), end)
    assert said == ["retry: 3000\n\n", "event: changed\ndata: 1\n\n"]
    assert ("Sign out" in ana.get("/account").text) is stays
