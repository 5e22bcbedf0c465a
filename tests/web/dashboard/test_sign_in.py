"""Signing in: cookies, what a wrong try tells, who may send forms, and that the API is apart."""

import re
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest
from argon2 import PasswordHasher

from dogwatch.core.policy import Role
from dogwatch.usecases import audit_log, people
from dogwatch.usecases.limiting import Memory, limits_of
from tests.web.dashboard.conftest import PASSWORD, Browser, House, member, sign_in
from tests.web.dashboard.test_invitation import invited


def test_a_person_signs_in_and_out(house: House) -> None:
    house.ana()
    browser = house.browser()
    assert browser.get("/account").headers["location"] == "./login?next=account"
    assert sign_in(browser, email="ANA@example.org").status == 303
    assert "ana@example.org" in browser.get("/account").text
    stolen = dict(browser.cookies)
    out = browser.fill("/account", "/logout")
    assert (out.status, set(browser.cookies)) == (303, {"dogwatch-known"})
    browser.cookies = stolen
    assert browser.get("/account").headers["location"] == "./login?next=account"


def test_the_cookie_of_http_and_of_https(house: House) -> None:
    browser = house.ana()
    assert re.fullmatch(
        r"dogwatch=\w{27}; HttpOnly; Max-Age=7776000; Path=/; SameSite=lax", browser.set_cookie
    )
    safe = house.browser(base_url="https://dogwatch.test")
    safe.origin = "https://dogwatch.test"
    sign_in(safe)
    assert re.fullmatch(
        r"__Host-dogwatch=\w{27}; HttpOnly; Max-Age=7776000; Path=/; SameSite=lax; Secure",
        safe.set_cookie,
    )
    assert safe.get("/account").status == 200


def test_over_https_a_form_of_plain_http_is_refused(house: House) -> None:
    house.ana()
    browser = house.browser(base_url="https://dogwatch.test")
    assert sign_in(browser).status == 403


@pytest.mark.parametrize(
    "given",
    [
        {"password": "not the password"},
        {"email": "nobody@example.org"},
        {"email": "nobody"},
        {"email": "a\0b@example.org"},
        {"password": ""},
        {"password": "x" * 2000},
    ],
)
def test_a_wrong_try_tells_nothing(house: House, given: dict[str, str]) -> None:
    house.ana()
    page = sign_in(house.browser(), **given)
    assert page.status == 422
    assert "Address, password or code is not right." in page.text
    assert "set-cookie" not in page.headers


def test_a_wrong_try_costs_the_same_hash_whether_or_not_there_is_such_a_person(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.ana()
    tried: list[bool] = []
    passwords = house.services.passwords
    verify = passwords._verify

    def noted(stored: str, password: str) -> bool:
        tried.append(stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$"))
        return verify(stored, password)

    monkeypatch.setattr(passwords, "_verify", noted)
    for email in ("ana@example.org", "nobody@example.org", "nobody"):
        sign_in(house.browser(), "not the password", email=email)
    assert tried == [True, True, True]


def test_a_session_begins_anew_at_each_sign_in(house: House) -> None:
    browser = house.ana()
    before = dict(browser.cookies)
    sign_in(browser)
    assert browser.cookies != before
    browser.cookies = before
    assert browser.get("/account").status == 303


def test_a_session_ends_idle_and_after_its_life(house: House) -> None:
    browser = house.ana()
    house.clock.advance(timedelta(days=13).total_seconds())
    assert browser.get("/account").status == 200
    house.clock.advance(timedelta(days=13).total_seconds())
    assert browser.get("/account").status == 200
    house.clock.advance(timedelta(days=15).total_seconds())
    assert browser.get("/account").status == 303


def test_one_who_is_shut_out_is_out_at_once(house: House) -> None:
    browser = house.ana()
    at = house.clock.now()
    ana = house.write(lambda tx: people.find(tx, "ana@example.org"))
    house.write(lambda tx: people.make(tx, "ben@example.org", "", None, at, admin=True))
    house.write(lambda tx: people.disable(tx, ana, at))
    assert browser.get("/account").status == 303
    assert sign_in(house.browser()).status == 422


@pytest.mark.parametrize("origin", ["http://evil.test", "null", None, "http://dogwatch.test.evil"])
def test_other_sites_send_no_forms(house: House, origin: str | None) -> None:
    browser = house.ana()
    browser.origin = origin
    assert sign_in(browser).status == 403
    assert browser.fill("/account", "/account/name", name="Eve").status == 403
    assert "Eve" not in browser.get("/account").text


def test_a_form_without_the_token_of_its_session_is_refused(house: House) -> None:
    ana, other = house.ana(), house.browser()
    sign_in(other)
    token = re.findall(r'name="token" value="(\w+)"', other.get("/account").text)[0]
    for given in ({}, {"token": ""}, {"token": "é"}, {"token": token}):
        for path in ("/account/name", "/account/password", "/account/sessions", "/logout"):
            assert ana.post(path, name="Eve", **given).status == 403
    assert ana.get("/account").status == 200


def test_a_page_by_another_name_of_the_host_takes_its_own_forms(house: House) -> None:
    house.ana()
    browser = house.browser()
    browser.headers["host"] = "10.0.0.5:8000"
    browser.origin = "http://10.0.0.5:8000"
    assert sign_in(browser).status == 303


def test_a_cookie_opens_nothing_of_the_api(house: House) -> None:
    browser = house.ana()
    for path in ("/api/v1/watches", "/api/v1/workspace", "/api/v1/jobs"):
        assert browser.get(path).status == 401
    assert browser.post("/api/v1/watches", name="x").status == 401


def limited(house: House) -> dict[str, Any]:
    """Return services that limit tries, and believe what a proxy says of addresses."""
    limits = limits_of(house.services.door, Memory(house.clock), house.clock)
    return {"limits": limits, "trusted_proxies": [ip_network("127.0.0.0/8")]}


def at(browser: Browser, ip: str) -> Browser:
    """Return a browser at an address."""
    browser.headers["x-forwarded-for"] = ip
    return browser


def worn_out(services: dict[str, Any], house: House, **fields: str) -> None:
    """Try the password of an account at many addresses until no more tries are let through."""
    tries = [
        sign_in(at(house.browser(**services), f"192.0.2.{number}"), "not it", **fields).status
        for number in range(11)
    ]
    assert tries == [422] * 10 + [429]


def test_nobody_is_shut_out_by_tries_from_elsewhere(house: House) -> None:
    services = limited(house)
    ana = house.ana(**services)
    worn_out(services, house)
    assert sign_in(house.browser(**services)).status == 429
    assert (
        ana.fill("/account", "/account/second-factor/offer", factor_password=PASSWORD).status == 303
    )
    ana.fill("/account", "/logout")
    assert sign_in(ana, "not it").status == 422
    assert sign_in(ana).status == 303


def test_a_browser_is_known_for_one_person_alone(house: House) -> None:
    services = limited(house)
    house.ana()
    ben = member(house, Role.EDITOR)
    ben.client = house.browser(**services).client
    worn_out(services, house)
    assert sign_in(ben).status == 429
    forged = house.browser(**services)
    for kept in ("", ".", "x." + "0" * 64, ben.cookies["dogwatch-known"], "\xff" * 300):
        forged.cookies = {"dogwatch-known": kept}
        assert sign_in(forged).status == 429


def test_tries_in_a_known_browser_are_limited_too(house: House) -> None:
    services = limited(house)
    ana = house.ana(**services)
    ana.fill("/account", "/logout")
    assert sign_in(ana).status == 303  # which begins no new count
    assert [sign_in(ana, "not it").status for _ in range(10)] == [422] * 9 + [429]
    assert sign_in(house.browser(**services)).status == 303


@pytest.mark.parametrize("email", ["ip:198.51.100.7", "198.51.100.7", "nobody@example.org"])
def test_no_address_pays_for_tries_from_elsewhere(house: House, email: str) -> None:
    services = limited(house)
    house.ana()
    worn_out(services, house, email=email)
    assert sign_in(at(house.browser(**services), "198.51.100.7")).status == 303


def test_accounts_of_nobody_push_no_tries_out_of_memory(house: House) -> None:
    limits = limits_of(house.services.door, Memory(house.clock, most=3), house.clock)
    services = limited(house) | {"limits": replace(limits, strangers=Memory(house.clock, most=3))}
    house.ana()
    worn_out(services, house)
    for number in range(4):
        sign_in(at(house.browser(**services), "203.0.113.1"), email=f"nobody{number}@example.org")
    assert sign_in(at(house.browser(**services), "203.0.113.2")).status == 429


def test_tries_are_limited_by_account(house: House) -> None:
    house.ana()
    limits = limits_of(house.services.door, Memory(house.clock), house.clock)
    browser = house.browser(limits=limits)
    tries = [sign_in(browser, "not the password") for _ in range(11)]
    assert [one.status for one in tries] == [422] * 10 + [429]
    assert int(tries[-1].headers["retry-after"]) > 0
    assert sign_in(browser).status == 429
    house.clock.advance(900)
    assert sign_in(browser).status == 303


@pytest.mark.parametrize("place", ["timeline?hours=168&tag=db", "incidents?state=open"])
def test_it_leads_back_to_what_was_asked_for(house: House, place: str) -> None:
    house.ana()
    browser = house.browser()
    path, _, query = place.partition("?")
    asked = browser.get(f"/{path}", **dict(parse_qsl(query))).headers["location"]
    (led,) = parse_qs(urlsplit(asked).query)["next"]
    assert unquote(led) == unquote(place)
    assert sign_in(browser, next=place).headers["location"] == f"./{place}"


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.test", "//evil.test", "invitations/../x", "x", "?a\r\nb: c", "?a b",
        "?" + "a" * 2000,
    ],
)  # fmt: skip
def test_it_leads_nowhere_else(house: House, place: str) -> None:
    house.ana()
    assert sign_in(house.browser(), next=place).headers["location"] == "./"


def test_signing_in_is_noted(house: House) -> None:
    house.ana()
    sign_in(house.browser())
    noted = house.write(lambda tx: audit_log.page(tx, None, 10))
    told = [(entry.operation, entry.actor, entry.remote_ip) for entry in noted]
    assert told == [
        ("sessions.begin", "ana@example.org", "127.0.0.1"),
        ("instance.set_up", "ana@example.org", "127.0.0.1"),
    ]


def test_forms_that_are_none(house: House) -> None:
    browser = house.browser()
    options = {"host": "dogwatch.test", "origin": "http://dogwatch.test"}
    form = options | {"content-type": "application/x-www-form-urlencoded"}
    for body, headers in (
        (b"{}", options),
        (b"a=" + b"x" * 20_000, form),
        (b"&".join(b"a=1" for _ in range(50)), form),
        (b"\xff", form),
    ):
        answer = browser.client("POST", "/login", body, headers=headers)
        assert answer.status == 422
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


# --- a proxy that signs people in ---


def proxied(house: House, **changes: object) -> dict[str, object]:
    """Return services that trust the client's address, and its header."""
    given = {
        "trusted_proxies": (ip_network("127.0.0.0/8"),),
        "trusted_user_header": "Remote-User",
    }
    return given | changes


def test_a_trusted_proxy_names_who_is_there(house: House) -> None:
    house.ana()
    browser = house.browser(**proxied(house))
    browser.headers["remote-user"] = "Ana@Example.org"
    assert browser.get("/login").headers["location"] == "./"
    assert browser.get("/account").status == 200
    assert browser.fill("/account", "/account/name", name="Ana B").status == 303
    browser.headers["remote-user"] = "ben@example.org"
    assert browser.get("/account").headers["location"] == "./login?next=account"
    assert "<form" in browser.get("/login").text


def test_nobody_else_is_believed(house: House) -> None:
    house.ana()
    for changes in (
        {"trusted_user_header": None},
        {"trusted_proxies": ()},
        {"trusted_proxies": (ip_network("10.0.0.0/8"),)},
    ):
        browser = house.browser(**proxied(house, **changes))
        browser.headers["remote-user"] = "ana@example.org"
        assert browser.get("/login").status == 200
        assert browser.cookies == {}


def test_nobody_makes_an_account_of_an_address_that_the_proxy_has_not_named(house: House) -> None:
    """Else who may invite makes one of anybody's, and knows the password of what becomes his."""
    house.ana()
    link = invited(house, "ben@example.org")
    for named in ("eve@example.org", None):
        eve = house.browser(**proxied(house))
        eve.headers |= {"remote-user": named} if named else {}
        refused = eve.post(link, name="Ben", password=PASSWORD)
        assert (refused.status, "sign in to the proxy" in refused.text) == (403, True)
    ben = house.browser(**proxied(house))
    ben.headers["remote-user"] = "Ben@Example.org"
    assert ben.post(link, name="Ben", password=PASSWORD).status == 303


def test_a_password_with_old_costs_is_renewed(house: House) -> None:
    house.ana()
    weak = "$argon2id$v=19$m=8,t=1,p=1$"
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    ana = house.write(lambda tx: people.find(tx, "ana@example.org"))
    house.write(lambda tx: people.rehashed(tx, ana, old))
    assert sign_in(house.browser()).status == 303
    now = house.write(lambda tx: people.find(tx, "ana@example.org")).password_hash
    assert now
    assert old.startswith(weak)
    assert not now.startswith(weak)
    assert sign_in(house.browser()).status == 303
