"""One's own account: name, password, sessions, second factor."""

import hmac
import re
from base64 import b32decode
from html import unescape

import pytest
import segno

from dogwatch import totp
from dogwatch.usecases import people
from dogwatch.usecases.limiting import Memory, limits_of
from tests.web.dashboard.conftest import PASSWORD, Browser, House, sign_in

NEW = "five kinds of coffee"


def secret_on(page: str) -> bytes:
    """Return the secret that a page shows."""
    code = re.search(r'<p class="secret"><code>(.*?)</code>', page, re.S)
    assert code
    return b32decode("".join(re.findall(r"<span>(\w+)</span>", code[1])))


def code_of(house: House, secret: bytes) -> str:
    """Return what the app shows now (RFC 4226, 5.3)."""
    step = int(house.clock.now().timestamp()) // totp.STEP_S
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def with_factor(house: House) -> tuple[Browser, bytes, list[str]]:
    """Return Ana's browser, her secret and her recovery codes."""
    browser = house.ana()
    browser.fill("/account", "/account/second-factor/offer", factor_password=PASSWORD)
    secret = secret_on(browser.get("/account/second-factor").text)
    page = browser.fill(
        "/account/second-factor", "/account/second-factor", code=code_of(house, secret)
    )
    assert page.status == 200, page.text
    return browser, secret, re.findall(r"<li><code>([a-z0-9-]+)</code></li>", page.text)


def test_it_stands_among_the_settings(house: House) -> None:
    page = house.ana().get("/account").text
    assert '<a href="./account" aria-current="page">Your account</a>' in page
    assert '<a href="./settings/keys">API keys</a>' in page


def test_a_name_is_changed(house: House) -> None:
    browser = house.ana()
    assert browser.fill("/account", "/account/name", name="  Ana <b> Banana ").status == 303
    assert "Ana &lt;b&gt; Banana" in browser.get("/account").text
    refused = browser.fill("/account", "/account/name", name="a\nb" * 60)
    assert refused.status == 422
    assert 'id="name-error"' in refused.text


def test_a_password_is_changed_by_who_knows_it(house: House) -> None:
    browser, other = house.ana(), house.browser()
    sign_in(other)
    before = dict(browser.cookies)
    wrong = browser.fill("/account", "/account/password", present="wrong one", password=NEW)
    assert wrong.status == 422
    assert 'id="present-error"' in wrong.text
    weak = browser.fill("/account", "/account/password", present=PASSWORD, password="short")
    assert 'id="password-error"' in weak.text
    done = browser.fill("/account", "/account/password", present=PASSWORD, password=NEW)
    assert done.status == 303
    assert browser.cookies != before
    assert browser.get("/account").status == 200
    assert other.get("/account").status == 303
    browser.cookies = before
    assert browser.get("/account").status == 303
    assert sign_in(house.browser()).status == 422
    assert sign_in(house.browser(), NEW).status == 303


def test_sessions_are_listed_and_ended(house: House) -> None:
    browser, second, third = house.ana(), house.browser(), house.browser()
    second.headers["user-agent"] = "<i>Lynx</i>"
    sign_in(second)
    sign_in(third)
    page = browser.get("/account").text
    assert "&lt;i&gt;Lynx&lt;/i&gt;" in page
    assert page.count('name="session"') == 2
    token = re.findall(r'name="token" value="(\w+)"', page)[0]
    [lynx] = re.findall(r'Lynx.*?name="session" value="(\w+)"', page, re.S)[:1]
    assert browser.post("/account/sessions", token=token, session=lynx).status == 303
    assert second.get("/account").status == 303
    assert browser.post("/account/sessions", token=token, session=lynx).status == 404
    assert third.get("/account").status == 200
    assert browser.fill("/account", "/account/other-sessions").status == 303
    assert third.get("/account").status == 303
    assert browser.get("/account").status == 200


def test_sessions_of_others_are_out_of_reach(house: House) -> None:
    ana = house.ana()
    at, vault = house.clock.now(), house.services.vault
    ben = house.write(lambda tx: people.make(tx, "ben@example.org", "", None, at))
    his = house.write(lambda tx: people.begin_session(tx, ben, vault, at, "", ""))
    token = re.findall(r'name="token" value="(\w+)"', ana.get("/account").text)[0]
    assert ana.post("/account/sessions", token=token, session=his.session.id).status == 404
    assert len(house.write(lambda tx: people.sessions_of(tx, ben.id))) == 1


def test_a_second_factor_is_asked_for(house: House) -> None:
    _, secret, codes = with_factor(house)
    assert len(set(codes)) == 10
    assert sign_in(house.browser()).status == 422
    assert sign_in(house.browser(), code="000000").status == 422
    house.clock.advance(30)
    code = code_of(house, secret)
    assert sign_in(house.browser(), "not the password", code=code).status == 422
    assert sign_in(house.browser(), code=code).status == 303
    assert sign_in(house.browser(), code=code).status == 422
    assert sign_in(house.browser(), code=codes[0].upper()).status == 303
    browser = house.browser()
    assert sign_in(browser, code=codes[0]).status == 422
    assert sign_in(browser, code=codes[1]).status == 303
    assert re.search(r"8 recovery\s+codes are left", browser.get("/account").text)


def test_codes_are_limited_for_who_knows_the_password_and_told_as_wrong(house: House) -> None:
    owner, secret, codes = with_factor(house)
    limits = limits_of(house.services.door, Memory(house.clock), house.clock)
    for _ in range(20):
        house.clock.advance(90)  # as often as passwords may be tried
        assert sign_in(house.browser(limits=limits), code="000 000").status == 422
    stranger = house.browser(limits=limits)
    house.clock.advance(90)
    refused = sign_in(stranger, code=code_of(house, secret))
    assert (refused.status, "is not right" in refused.text) == (422, True)
    assert sign_in(stranger, code=codes[0]).status == 303
    owner.client = stranger.client
    owner.cookies.pop("dogwatch")
    assert sign_in(owner, code=code_of(house, secret)).status == 303
    house.clock.advance(86_400)
    assert sign_in(house.browser(limits=limits), code=code_of(house, secret)).status == 303


def test_a_second_factor_changes_the_session(house: House) -> None:
    browser = house.ana()
    before = dict(browser.cookies)
    browser.fill("/account", "/account/second-factor/offer", factor_password=PASSWORD)
    page = browser.get("/account/second-factor")
    assert 'href="otpauth://totp/Dogwatch:ana%40example.org?secret=' in page.text
    secret = secret_on(page.text)
    wrong = browser.fill("/account/second-factor", "/account/second-factor", code="12")
    assert wrong.status == 422
    assert secret_on(wrong.text) == secret
    browser.fill("/account/second-factor", "/account/second-factor", code=code_of(house, secret))
    assert browser.cookies != before
    assert browser.get("/account").status == 200
    assert browser.get("/account/second-factor").status == 303


def test_a_second_factor_is_read_from_a_square_of_plain_svg(house: House) -> None:
    browser = house.ana()
    browser.fill("/account", "/account/second-factor/offer", factor_password=PASSWORD)
    page = browser.get("/account/second-factor").text
    link = unescape(re.findall(r'href="(otpauth:[^"]+)"', page)[0])
    [square] = re.findall(r"<figure[^>]*>(<svg.*?</svg>)</figure>", page, re.S)
    expected = segno.make_qr(link, error="m")
    assert f'viewBox="0 0 {len(expected.matrix) + 8} ' in square
    assert square.count("h") > 300
    assert not re.search(r"style=|<script|href|\son|url\(|xmlns", square)


def test_nobody_elsewhere_sees_or_confirms_a_second_factor_that_is_set_up(house: House) -> None:
    ana, thief = house.ana(), house.browser()
    thief.cookies = dict(ana.cookies)
    fresh = house.browser()
    assert sign_in(fresh).status == 303
    fresh.fill("/account", "/account/second-factor/offer", factor_password=PASSWORD)
    assert thief.get("/account/second-factor").headers["location"].startswith("../login")
    assert secret_on(fresh.get("/account/second-factor").text)


@pytest.mark.parametrize("path", ["/account/second-factor/offer", "/account/second-factor/remove"])
def test_a_second_factor_takes_the_password(house: House, path: str) -> None:
    browser = with_factor(house)[0] if path.endswith("remove") else house.ana()
    refused = browser.fill("/account", path, factor_password="not the password")
    assert refused.status == 422
    assert 'id="factor_password-error"' in refused.text


def test_a_second_factor_is_removed(house: House) -> None:
    browser, _, codes = with_factor(house)
    done = browser.fill("/account", "/account/second-factor/remove", factor_password=PASSWORD)
    assert done.status == 303
    assert sign_in(house.browser()).status == 303
    assert codes[0] not in browser.get("/account").text
