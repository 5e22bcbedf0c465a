"""The first person: by the link alone, once, and of many at once one."""

import asyncio
import re
from datetime import timedelta

import pytest

from dogwatch.usecases import people
from tests.web.dashboard.conftest import PASSWORD, House, watch

ANA = {"name": "Ana", "email": "ana@example.org", "password": PASSWORD}


def test_the_link_leads_to_a_form_that_makes_the_first_person(house: House) -> None:
    told: list[str] = []
    browser = house.browser(on_set_up=lambda: told.append("set up"))
    code = house.code()
    assert "<h1>Set up Dogwatch</h1>" in browser.get("/setup", code=code).text
    made = browser.fill(f"/setup?code={code}", "/setup", **ANA)
    assert (made.status, made.headers["location"]) == (303, "./new")
    assert "admin of this instance" in browser.get("/account").text
    assert told == ["set up"]


def test_where_something_is_watched_it_leads_to_now(house: House) -> None:
    watch(house, "Backup")
    made = house.browser().post("/setup", code=house.code(), **ANA)
    assert (made.status, made.headers["location"]) == (303, "./")


def test_there_is_no_form_without_the_code(house: House) -> None:
    house.code()
    browser = house.browser()
    for query in ({}, {"code": ""}, {"code": "wrong"}):
        page = browser.get("/setup", **query)
        assert page.status == 403
        assert "<form" not in page.text
        assert "setup.url" in page.text


def test_the_page_is_gone_for_ever_once_somebody_is_here(house: House) -> None:
    code = house.code()
    house.browser().post("/setup", code=code, **ANA)
    browser = house.browser()
    assert browser.get("/setup").status == 410
    assert browser.get("/setup", code=code).status == 410
    assert browser.post("/setup", code=code, **ANA | {"email": "eve@example.org"}).status == 410


def test_a_code_lasts_fifteen_minutes(house: House) -> None:
    code = house.code()
    house.clock.advance(timedelta(minutes=16).total_seconds())
    assert house.browser().post("/setup", code=code, **ANA).status == 403


def test_five_wrong_codes_wear_the_right_one_out(house: House) -> None:
    code = house.code()
    browser = house.browser()
    for n in range(4):
        browser.get("/setup", code=f"wrong{n}")
    assert browser.get("/setup", code=code).status == 200
    browser.post("/setup", code="wrong", **ANA)
    assert browser.get("/setup", code=code).status == 403
    assert browser.get("/setup", code=house.code()).status == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "nobody"), ("password", "short"), ("password", "1234567890"), ("name", "x" * 101)],
)
def test_what_is_wrong_stands_beside_its_field(house: House, field: str, value: str) -> None:
    code = house.code()
    page = house.browser().post("/setup", code=code, **ANA | {field: value})
    assert page.status == 422
    assert re.search(f'<p class="error" id="{field}-error">', page.text)
    assert f'aria-describedby="{field}-' in page.text
    assert PASSWORD not in page.text
    again = house.browser().post("/setup", code=code, **ANA)
    assert again.status == 303


def test_of_twenty_at_once_one_wins(house: House) -> None:
    code = house.code()
    browser = house.browser()

    async def all_at_once() -> list[int]:
        claims = (
            browser.posted("/setup", code=code, **ANA | {"email": f"p{n}@example.org"})
            for n in range(20)
        )
        return sorted(answer.status for answer in await asyncio.gather(*claims))

    assert asyncio.run(all_at_once()) == [303] + [410] * 19
    assert len(house.write(people.listed)) == 1


def test_another_site_cannot_set_it_up(house: House) -> None:
    code = house.code()
    browser = house.browser()
    for origin in ("http://evil.test", "null", None):
        browser.origin = origin
        assert browser.post("/setup", code=code, **ANA).status == 403
    assert house.write(people.listed) == []
