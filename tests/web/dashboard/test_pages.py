"""What every page keeps to: nothing from elsewhere, no script, labels on all fields."""

import re

from tests.web.dashboard.conftest import House
from tests.web.dashboard.test_account import with_factor
from tests.web.dashboard.test_invitation import invited


def test_pages_ask_nobody_else_and_run_nothing(house: House) -> None:
    code, link = house.code(), invited(house)
    shut = house.browser()
    pages = [shut.get("/setup", code=code), shut.get("/setup"), shut.get("/login"), shut.get(link)]
    ana = with_factor(house)[0]
    pages += [ana.get("/account"), ana.get(link), ana.get("/setup"), ana.get("/invitations/x")]
    for page in pages:
        assert page.headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        )
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"<script|style=|\son\w+=|https?://", page.text)
        assert "<title>" in page.text
        assert page.text.count("<h1>") == 1
        ids = re.findall(r'<input id="(\w+)"', page.text)
        assert len(ids) == len(set(ids))
        assert all(f'<label for="{one}">' in page.text for one in ids)


def test_the_style_sheet_is_ours(house: House) -> None:
    page = house.browser().get("/login").text
    [address] = re.findall(r'<link rel="stylesheet" href="\./(dashboard-[0-9a-f]{16}\.css)">', page)
    sheet = house.browser().get(f"/{address}")
    assert sheet.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert "url(" not in sheet.text
    assert "@import" not in sheet.text


def test_a_page_that_takes_no_get_has_none(house: House) -> None:
    assert house.browser().get("/logout").status == 405
    assert house.browser().client("DELETE", "/account").status == 405
