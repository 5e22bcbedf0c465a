"""What every page keeps to: nothing from elsewhere, no script but ours, labels on all fields."""

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
        scripted = "<nav" in page.text
        assert page.headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        ) + ("; script-src 'self'; connect-src 'self'" if scripted else "")
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        ours = r'<script type="module" src="[./]*dashboard-[0-9a-f]{16}\.js"></script>'
        text, scripts = re.subn(ours, "", page.text)
        assert scripts == scripted
        assert not re.search(r"<script|style=|\son\w+=|https?://", text)
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


def test_the_script_is_ours_and_small(house: House) -> None:
    page = house.ana().get("/").text
    [address] = re.findall(r'src="\./(dashboard-[0-9a-f]{16}\.js)"', page)
    script = house.browser().get(f"/{address}")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert len(script.text) <= 8_000
    assert "innerHTML" not in script.text
    assert "http" not in script.text


def test_a_page_that_takes_no_get_has_none(house: House) -> None:
    assert house.browser().get("/logout").status == 405
    assert house.browser().client("DELETE", "/account").status == 405
