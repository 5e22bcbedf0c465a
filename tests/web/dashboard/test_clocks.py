"""Times on pages: whose clock they are of; schedules said back; maintenance windows changed."""

import re
from datetime import datetime

import pytest

from dogwatch.core.ping import Kind
from tests.web.dashboard.conftest import Browser, House, ping, watch, words
from tests.web.dashboard.test_alerts import HOOK

WARSAW = "Europe/Warsaw"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for words."""
    return sqlite_url


def test_times_are_of_the_zone_that_was_chosen(house: House, ana: Browser) -> None:
    ping(house, watch(house, "Nightly", schedule="0 2 * * *", timezone="Asia/Tokyo"))
    page = ana.get("/i/nightly").text
    assert "Times are UTC." in page
    assert "2026-01-05 17:00:00</time>" in page
    chosen = ana.fill("/i/nightly", "/zone", zone="Asia/Tokyo", place="i/nightly")
    assert (chosen.status, chosen.headers["location"]) == (303, "./i/nightly")
    chosen = ana.fill("/i/nightly", "/zone", zone="Asia/Tokyo", place="timeline?hours=168")
    assert chosen.headers["location"] == "./timeline?hours=168"
    page = ana.get("/i/nightly").text
    assert "Times are Asia/Tokyo." in page
    assert "2026-01-06 02:00:00</time>" in page
    assert "Show UTC" in page
    assert re.search(r"<strong>Why:</strong>[^<]*(<time>[^<]*</time>[^<]*)+Asia/Tokyo", page)


def test_the_zone_of_a_cookie_is_one_that_there_is(ana: Browser) -> None:
    ana.cookies["dogwatch-zone"] = WARSAW
    assert "Times are Europe/Warsaw." in ana.get("/timeline").text
    ana.cookies["dogwatch-zone"] = "../../etc/passwd"
    assert "Times are UTC." in ana.get("/timeline").text


def test_forms_begin_with_that_zone_and_pages_say_which_it_is(house: House, ana: Browser) -> None:
    ana.cookies["dogwatch-zone"] = WARSAW
    new = "/alerts/channels/new"
    assert ana.fill(f"{new}?kind=webhook", new, kind="webhook", **HOOK).status == 200
    chosen = f'<option value="{WARSAW}" selected>'
    assert chosen in ana.get("/alerts/rules/new").text
    assert chosen in ana.get("/alerts/maintenance/new", kind="weekly").text
    place = "/settings/status-pages"
    made_at = ana.fill(place, place, title="Shop", slug="shop", items="").headers["location"]
    page = words(ana.get(place + made_at.partition(place[1:])[2]).text)
    assert "Times are Europe/Warsaw." in page
    assert "UTC." not in page


@pytest.mark.parametrize("alias", ["Etc/UTC", "UCT", "Zulu", "GMT", "Etc/GMT+0"])
def test_utc_by_another_name_is_utc(house: House, ana: Browser, alias: str) -> None:
    watch(house, "Nightly", timezone=alias)
    ana.cookies["dogwatch-zone"] = f"{alias}:UTC:{WARSAW}"
    page = ana.get("/i/nightly").text
    assert "Times are UTC." in page
    assert re.findall(r">Show ([A-Z][^<]*)<", page) == [WARSAW]


def test_no_other_zone_is_taken_and_nobody_is_led_away(ana: Browser) -> None:
    ana.cookies["dogwatch-zone"] = WARSAW
    assert ana.fill("/", "/zone", zone="Mars/Base", place="").status == 422
    away = ana.fill("/", "/zone", zone="UTC", place="//evil.example")
    assert away.headers["location"] == "./"


def test_a_schedule_is_said_back(ana: Browser) -> None:
    token = re.findall(r'name="token" value="([^"]*)"', ana.get("/new", kind="watch").text)[0]

    def told(**fields: str) -> str:
        return words(ana.post("/schedule", token=token, **fields).text)

    good = told(schedule="every weekday at 7", timezone=WARSAW, start_by_s="20")
    assert good.startswith(
        "At 07:00 every weekday, Europe/Warsaw 0 7 * * 1-5 due 07:00 alert 07:20"
    )
    assert good.count(":00:00 Europe/Warsaw") == 5
    assert "Tue 2026-01-06 07:00:00 Europe/Warsaw" in good
    picture = ana.post("/schedule", token=token, schedule="0 7 * * *", start_by_s="20").text
    assert "alert at 2026-01-06 07:20" in picture
    assert "is not a schedule" in told(schedule="soon")
    assert told(schedule="") == ""
    assert "2026-03-29" in told(schedule="30 2 29 3 *", timezone=WARSAW)


@pytest.mark.parametrize(
    ("day", "due", "alert"),
    [("2026-03-29", "01:50", "03:10"), ("2026-10-25", "02:50", "02:10")],
)
def test_what_a_change_of_the_clocks_meets_is_as_long_as_it_was(
    house: House, day: str, due: str, alert: str
) -> None:
    """They change at 01:00 UTC; what is due ten minutes before is judged ten minutes after."""
    change_at = datetime.fromisoformat(f"{day}T01:00Z")
    house.clock.advance((change_at - house.clock.now()).total_seconds() - 3600)
    ana, record = house.ana(), watch(house, "Nightly")
    ana.cookies["dogwatch-zone"] = WARSAW
    token = re.findall(r'name="token" value="([^"]*)"', ana.get("/new", kind="watch").text)[0]
    hour, minute = due.split(":")
    line = {"schedule": f"{minute} {hour} * * *", "timezone": WARSAW, "start_by_s": "20"}
    assert f"alert at {day} {alert}" in ana.post("/schedule", token=token, **line).text
    house.clock.advance(3000)
    ping(house, record, kind=Kind.START)
    house.clock.advance(1200)
    ping(house, record)
    assert f"OK, {day} {due}:00, 20 min" in ana.get("/timeline.svg").text


def test_words_become_cron_when_an_item_is_made(house: House, ana: Browser) -> None:
    made = ana.fill(
        "/new?kind=watch", "/new", name="Report", schedule="every monday at 9", timezone=WARSAW
    )
    assert made.status == 303
    page = ana.get("/i/report").text
    assert 'Europe/Warsaw <span class="hint">(0 9 * * 1)</span>' in page


def test_a_window_is_changed_on_its_page(ana: Browser) -> None:
    ana.cookies["dogwatch-zone"] = WARSAW
    once = {"kind": "once", "name": "Move", "scope": "all", "values": "",
            "start_at": "2026-02-01T22:00", "end_at": "2026-02-02T02:00"}  # fmt: skip
    assert ana.fill("/alerts/maintenance/new", "/alerts/maintenance/new", **once).status == 303
    page = ana.get("/alerts").text
    assert "from 2026-02-01 22:00 to 2026-02-02 02:00 Europe/Warsaw" in words(page)
    edit = "/" + re.findall(r'href="\./(alerts/maintenance/\w+/edit)"', page)[0]
    form = ana.get(edit).text
    assert 'value="2026-02-01T22:00"' in form
    changed = ana.fill(edit, edit, **once | {"name": "Moved", "end_at": "2026-02-02T03:00"})
    assert changed.status == 303
    assert "2026-02-02 03:00 Europe/Warsaw" in words(ana.get("/alerts").text)
    weekly = {"kind": "weekly", "name": "Moved", "scope": "tags", "values": "db", "day_sat": "1",
              "start": "22:00", "duration_s": "90", "timezone": WARSAW}  # fmt: skip
    assert ana.fill(edit, edit, **weekly).status == 303
    assert 'value="1 h 30 min"' in ana.get(edit).text
    assert ana.fill(edit, edit, **weekly | {"name": " "}).status == 422
    assert ana.fill(edit, edit, **weekly | {"timezone": "UTC"}).status == 303
    assert "at 22:00 UTC, for" in ana.get("/alerts").text


def test_the_user_of_a_systems_crontab_is_no_command(ana: Browser) -> None:
    lines = "0 2 * * * root /usr/bin/dump --all\n"
    page = ana.fill("/new/crontab", "/new/crontab", crontab=lines, timezone="UTC").text
    assert 'value="dump"' in page
    mixed = lines + "0 1 * * * nosuchuser /opt/x\n"
    asked = ana.fill("/new/crontab", "/new/crontab", crontab=mixed, timezone="UTC")
    assert (asked.status, "&#39;root&#39; in line 1 looks like a user" in asked.text) == (422, True)
    asked = ana.fill("/new/crontab", "/new/crontab", crontab=mixed, timezone="UTC", format="system")
    assert (asked.status, 'value="x /opt/x"' in asked.text or 'value="x"' in asked.text) == (
        200,
        True,
    )
    page = ana.fill("/new/crontab", "/new/crontab", crontab="0 2 * * * dump", timezone="UTC").text
    assert 'value="dump"' in page


@pytest.mark.parametrize("ticked", [{}, {"watch": "1"}])
def test_a_crontab_beyond_measure_is_not_even_read(ana: Browser, ticked: dict[str, str]) -> None:
    text = "0 2 * * * dump\n" * 3_000
    page = ana.fill("/new/crontab", "/new/crontab", crontab=text, timezone="UTC", **ticked)
    assert (page.status, "at most 40000 letters" in page.text) == (422, True)
    assert 'value="dump"' not in page.text
