"""Signing in by an OpenID Connect provider, a real one on loopback that can lie."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc.jwk import ECKey, RSAKey

from dogwatch.config import EVERYWHERE
from dogwatch.core.policy import Role
from dogwatch.egress import Egress, Request, Response
from dogwatch.oidc import Client, Provider
from dogwatch.store.database import Database
from dogwatch.usecases import audit_log, identities, people
from dogwatch.usecases.limiting import Memory, limits_of
from tests.harness.clock import ManualClock
from tests.harness.identity_provider import (
    CLIENT_ID,
    SECRET,
    IdentityProvider,
    Sign,
    by,
    by_public_key,
    identity_provider,
    unsigned,
)
from tests.web.asgi_client import Answer
from tests.web.dashboard.conftest import ORIGIN, PASSWORD, Browser, House, house_on, sign_in
from tests.web.dashboard.test_invitation import invited, roles


async def fetch(request: Request) -> Response:
    """Go through a door of one loop, as each request of these tests has its own."""
    egress = Egress(allow=EVERYWHERE)
    try:
        return await egress.fetch(request)
    finally:
        await egress.close()


@pytest.fixture(scope="module")
def running() -> Iterator[IdentityProvider]:
    """One provider for all of these tests."""
    with identity_provider(ManualClock()) as provider:
        yield provider


@pytest.fixture
def house(sqlite_url: str, manual_clock: ManualClock) -> Iterator[House]:
    """An instance on SQLite; tests/usecases has the SQL on both."""
    database = Database.open(sqlite_url)
    yield house_on(database, manual_clock)
    database.close()


@pytest.fixture
def idp(running: IdentityProvider, house: House) -> IdentityProvider:
    """The provider, honest again, with the house's clock."""
    fresh = IdentityProvider(house.clock, running.port, keys=running.keys[:1])
    running.__dict__.update(fresh.__dict__)
    return running


def known_to(house: House, idp: IdentityProvider, **changes: Any) -> dict[str, Any]:
    """Return services that know the provider."""
    given = {"issuer": idp.issuer, "client_id": CLIENT_ID, "secret": SECRET}
    back = f"{ORIGIN}/login/oidc/callback"
    client = Client(redirect_uri=back, **given | changes)
    return {"oidc": Provider(client, fetch, house.clock)}


def led_back(browser: Browser, idp: IdentityProvider, begun: Answer) -> Answer:
    """Go to the provider and come back."""
    if begun.status == 303:
        where = begun.headers["location"]
    else:
        where = unescape(re.findall(r'href="(http://[^"]+/authorize[^"]+)"', begun.text)[0])
    return arrive(browser, idp.visit(where))


def arrive(browser: Browser, address: str, **changes: str) -> Answer:
    url = urlsplit(address)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ORIGIN}/login/oidc/callback"
    return browser.get(url.path, **dict(parse_qsl(url.query)) | changes)


def by_oidc(browser: Browser, idp: IdentityProvider) -> Answer:
    """Sign in by the provider."""
    return led_back(browser, idp, browser.get("/login/oidc"))


def linked(house: House, idp: IdentityProvider) -> Browser:
    """Return the browser of Ana, who linked her identity."""
    browser = house.ana(**known_to(house, idp))
    begun = browser.fill("/account", "/account/identity", oidc_password=PASSWORD)
    assert begun.status == 200
    assert led_back(browser, idp, begun).status == 303
    return browser


def refused(house: House, idp: IdentityProvider, why: str, status: int = 403, **known: Any) -> None:
    """Assert that signing in fails with these words, on the page where it began."""
    browser = house.browser(**known_to(house, idp, **known))
    page = by_oidc(browser, idp)
    assert page.status == status, page.text
    assert why.lower() in unescape(page.text).lower()
    assert 'name="email"' in page.text
    assert browser.cookies == {}


# --- the good path ----------------------------------------------------------------------------


def test_a_person_links_an_identity_and_signs_in_by_it(house: House, idp: IdentityProvider) -> None:
    ana = linked(house, idp)
    assert '<span class="tag good">linked</span>' in ana.get("/account").text
    browser = house.browser(**known_to(house, idp))
    assert f"Sign in with 127.0.0.1:{idp.port}" in browser.get("/login").text
    done = by_oidc(browser, idp)
    assert (done.status, done.headers["location"]) == (303, "../../")
    assert "ana@example.org" in browser.get("/account").text
    assert set(browser.cookies) == {"dogwatch", "dogwatch-known"}
    assert "HttpOnly; Max-Age=7776000; Path=/; SameSite=lax" in done.cookies[0]
    noted = house.write(lambda tx: audit_log.page(tx, None, 3))
    told = [(one.operation, one.actor, one.detail) for one in noted]
    assert told[:2] == [
        ("sessions.begin", "ana@example.org", {"by": "oidc"}),
        ("identities.link", "ana@example.org", {}),
    ]


def test_the_session_begins_anew(house: House, idp: IdentityProvider) -> None:
    ana = linked(house, idp)
    before = dict(ana.cookies)
    assert by_oidc(ana, idp).status == 303
    assert ana.cookies != before
    ana.cookies = before
    assert ana.get("/account").status == 303


def test_the_way_there_says_what_it_must(house: House, idp: IdentityProvider) -> None:
    browser = house.browser(**known_to(house, idp), base_url="https://dogwatch.test")
    begun = browser.get("/login/oidc", next="https://evil.test")
    url = urlsplit(begun.headers["location"])
    asked = dict(parse_qsl(url.query))
    assert (url.path, asked["tenant"], asked["client_id"]) == ("/authorize", "1", CLIENT_ID)
    assert asked["redirect_uri"] == f"{ORIGIN}/login/oidc/callback"
    assert {len(asked[name]) for name in ("state", "nonce")} == {27}
    assert len(asked["code_challenge"]) == 43
    [kept] = begun.cookies
    assert kept.startswith("__Host-dogwatch-oidc=")
    assert kept.endswith("; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure")
    assert begun.headers["cache-control"] == "no-store"
    again = dict(parse_qsl(urlsplit(browser.get("/login/oidc").headers["location"]).query))
    assert all(asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))


def test_without_a_provider_there_is_nothing(house: House) -> None:
    ana = house.ana()
    for path in ("/login/oidc", "/login/oidc/callback"):
        assert ana.get(path).status == 404
    assert "oidc" not in ana.get("/login").text + ana.get("/account").text
    token = re.findall(r'name="token" value="(\w+)"', ana.get("/account").text)[0]
    assert ana.post("/account/identity", token=token, oidc_password=PASSWORD).status == 404


def test_keys_of_both_kinds_and_new_ones_are_taken(house: House, idp: IdentityProvider) -> None:
    linked(house, idp)
    services = known_to(house, idp)
    idp.keys.append(ECKey.generate_key("P-256", {"kid": "second"}))
    assert by_oidc(house.browser(**services), idp).status == 303
    assert idp.asked.count("/keys") == 2  # of both providers' memories, one each
    idp.keys.append(RSAKey.generate_key(2048, {"kid": "third"}))
    assert by_oidc(house.browser(**services), idp).status == 303
    assert idp.asked.count("/keys") == 3


def test_a_new_key_may_have_the_name_of_the_old_one(
    house: House, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked(house, idp)
    services = known_to(house, idp)
    assert by_oidc(house.browser(**services), idp).status == 303
    monkeypatch.setattr(idp, "keys", [OTHER])
    assert by_oidc(house.browser(**services), idp).status == 303


def test_what_the_provider_publishes_is_remembered_for_an_hour(
    house: House, idp: IdentityProvider
) -> None:
    linked(house, idp)
    services = known_to(house, idp)
    idp.asked.clear()
    for _ in range(3):
        assert by_oidc(house.browser(**services), idp).status == 303
    assert len(idp.asked) == 2 + 3
    house.clock.advance(3_601)
    assert by_oidc(house.browser(**services), idp).status == 303
    assert len(idp.asked) == 5 + 3


def test_a_public_client_and_a_secret_in_the_body(house: House, idp: IdentityProvider) -> None:
    """What is sent to a provider that takes no Basic, and where there is no secret."""
    sent: list[Request] = []

    async def noted(request: Request) -> Response:
        sent.append(request)
        return await fetch(request)

    idp.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    for secret in (SECRET, None):
        services = known_to(house, idp, secret=secret)
        services["oidc"]._fetch = noted
        by_oidc(house.browser(**services), idp)
        form = dict(parse_qsl(sent[-1].body.decode()))
        assert form["client_id"] == CLIENT_ID
        assert form.get("client_secret") == secret
        assert "Authorization" not in dict(sent[-1].headers)


# --- tokens that prove nothing ----------------------------------------------------------------

OTHER = RSAKey.generate_key(2048, {"kid": "first"})
HOUR = 3_600
NOON = 1_767_614_400


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "another"}, "answers another sign-in (nonce)"),
        ({"nonce": None}, "lacks nonce"),
        ({"aud": "another"}, "meant for another client (aud)"),
        ({"aud": None}, "lacks aud"),
        ({"aud": [CLIENT_ID, "another"]}, "made for another client (azp)"),
        ({"azp": "another"}, "made for another client (azp)"),
        ({"iss": "http://127.0.0.1:1"}, "of another issuer"),
        ({"iss": None}, "lacks iss"),
        ({"exp": NOON - 121}, "has expired"),
        ({"exp": None}, "lacks exp"),
        ({"exp": "tomorrow"}, "exp is not valid"),
        ({"iat": NOON - HOUR}, "older than this sign-in"),
        ({"iat": NOON + HOUR}, "of the future"),
        ({"iat": None}, "lacks iat"),
        ({"nbf": NOON + HOUR}, "not valid yet"),
        ({"sub": None}, "lacks sub"),
        ({"sub": "x" * 256}, "not one that OpenID Connect allows"),
        ({"sub": "ana\n1"}, "not one that OpenID Connect allows"),
        ({"sub": 7}, "sub is not valid"),
        ({"nonce": ["x"]}, "(nonce)"),
    ],
)
def test_wrong_claims(
    house: House, idp: IdentityProvider, claims: dict[str, Any], why: str
) -> None:
    idp.claims = claims
    refused(house, idp, why)


@pytest.mark.parametrize(
    ("sign", "why"),
    [
        (unsigned, "not signed by one of RS256, ES256"),
        (by_public_key, "not signed by one of RS256, ES256"),
        (by(OTHER), "the signature is wrong"),
        (by(OTHER, kid="nobody's"), "a key that the provider does not publish"),
        (lambda *_: "a.b", "no signed token"),
        (lambda *_: "e30." * 9_000, "too long"),
        (lambda *_: "e30.e30.e30", "no signed token"),
    ],
)  # fmt: skip
def test_wrong_signatures(house: House, idp: IdentityProvider, sign: Sign, why: str) -> None:
    idp.sign = sign
    refused(house, idp, why)


def test_an_algorithm_that_is_not_pinned(house: House, idp: IdentityProvider) -> None:
    refused(house, idp, "not signed by one of ES256", algorithms=("ES256",))


def test_others_may_be_meant_where_it_was_made_for_us(house: House, idp: IdentityProvider) -> None:
    linked(house, idp)
    idp.claims = {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}
    assert by_oidc(house.browser(**known_to(house, idp)), idp).status == 303


def test_an_unknown_key_makes_us_ask_once_a_minute(house: House, idp: IdentityProvider) -> None:
    services = known_to(house, idp)
    idp.sign = by(OTHER, kid="nobody's")
    for _ in range(4):
        assert by_oidc(house.browser(**services), idp).status == 403
    assert idp.asked.count("/keys") == 2
    house.clock.advance(61)
    assert by_oidc(house.browser(**services), idp).status == 403
    assert idp.asked.count("/keys") == 3


# --- answers that are not ours ----------------------------------------------------------------


def test_an_answer_counts_once_and_where_it_was_begun(house: House, idp: IdentityProvider) -> None:
    linked(house, idp)
    services = known_to(house, idp)
    browser, other = house.browser(**services), house.browser(**services)
    back = idp.visit(browser.get("/login/oidc").headers["location"])
    other.get("/login/oidc")
    assert "begin again" in arrive(other, back).text  # another browser's
    assert "begin again" in arrive(house.browser(**services), back).text  # of none
    kept = dict(browser.cookies)
    assert arrive(browser, back).status == 303
    assert "begun elsewhere" in arrive(browser, back).text
    browser.cookies = kept  # who kept the cookie gets no further with a code that was used
    replayed = arrive(browser, back)
    assert (replayed.status, "(invalid_grant)" in replayed.text) == (403, True)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "x"}, "not to this sign-in"),
        ({"state": "é"}, "not to this sign-in"),
        ({"code": ""}, "has no code"),
        ({"code": "guessed"}, "invalid_grant"),
        ({"iss": "http://evil.test"}, "of another provider"),
        ({"error": "access_denied"}, "it says access_denied"),
        ({"error": "<b>x</b>"}, "it says no"),
    ],
)
def test_answers_that_were_changed(
    house: House, idp: IdentityProvider, changes: dict[str, str], why: str
) -> None:
    browser = house.browser(**known_to(house, idp))
    back = idp.visit(browser.get("/login/oidc").headers["location"])
    page = arrive(browser, back, **changes)
    assert (page.status, browser.cookies) == (403, {})
    assert why in page.text


def test_a_provider_that_names_itself_must(house: House, idp: IdentityProvider) -> None:
    linked(house, idp)
    idp.document = {"authorization_response_iss_parameter_supported": True}
    refused(house, idp, "of another provider")
    idp.answer = {"iss": idp.issuer}
    assert by_oidc(house.browser(**known_to(house, idp)), idp).status == 303


def test_a_parameter_that_comes_twice(house: House, idp: IdentityProvider) -> None:
    browser = house.browser(**known_to(house, idp))
    browser.get("/login/oidc")
    doubled = browser.client(
        "GET",
        "/login/oidc/callback",
        query=[("state", "a"), ("state", "b")],
        headers=browser.sent(),
    )
    assert "something twice" in doubled.text


def test_a_sign_in_is_begun_for_ten_minutes_and_by_us(house: House, idp: IdentityProvider) -> None:
    linked(house, idp)
    browser = house.browser(**known_to(house, idp))
    back = idp.visit(browser.get("/login/oidc").headers["location"])
    kept = browser.cookies["dogwatch-oidc"]
    for forged in ("", "x", "e30.00", kept[:-1], "A" + kept, f"{kept}0", "ü"):
        browser.cookies = {"dogwatch-oidc": forged}
        assert arrive(browser, back).status == 403
    browser.cookies = {"dogwatch-oidc": kept}
    assert browser.client("HEAD", "/login/oidc/callback", headers=browser.sent()).status == 404
    house.clock.advance(601)
    assert "too long ago" in arrive(browser, back).text


# --- providers in trouble ---------------------------------------------------------------------


def test_a_provider_that_is_down(house: House, idp: IdentityProvider) -> None:
    nobody = IdentityProvider(house.clock, port=1)
    browser = house.browser(**known_to(house, nobody))
    page = browser.get("/login/oidc")
    assert page.status == 503
    assert "cannot be used now: could not connect" in page.text
    assert 'name="password"' in page.text


def test_those_who_wait_for_a_provider_are_told_at_once(
    house: House, idp: IdentityProvider
) -> None:
    idp.status = 500
    browser = house.browser(**known_to(house, idp))
    assert [browser.get("/login/oidc").status for _ in range(3)] == [503] * 3
    assert len(idp.asked) == 1
    idp.status = 200
    house.clock.advance(6)
    assert browser.get("/login/oidc").status == 303


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"issuer": "http://127.0.0.1:2"}, "of another issuer"),
        ({"token_endpoint": None}, "no good token_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "no good authorization_endpoint"),
        ({"jwks_uri": ["x"]}, "no good jwks_uri"),
        ({"authorization_endpoint": "http://id.example/\ud800"}, "no good authorization_endpoint"),
        ({"token_endpoint": "https://["}, "no good token_endpoint"),
        ({"token_endpoint": "https://a:b@c/\n"}, "no good token_endpoint"),
    ],
)
def test_a_provider_that_talks_nonsense(
    house: House, idp: IdentityProvider, document: dict[str, Any], why: str
) -> None:
    idp.document = document
    page = house.browser(**known_to(house, idp)).get("/login/oidc")
    assert (page.status, why in page.text) == (503, True)


def test_a_provider_that_fails_between(house: House, idp: IdentityProvider) -> None:
    browser = house.browser(**known_to(house, idp))
    back = idp.visit(browser.get("/login/oidc").headers["location"])
    idp.status = 500
    page = arrive(browser, back)
    assert (page.status, "answered 500" in page.text) == (503, True)


def test_below_https_nothing_is_less_safe(house: House, idp: IdentityProvider) -> None:
    async def answer(_: Request) -> Response:
        text = b'{"issuer": "https://id.example", "authorization_endpoint": "http://id.example/"}'
        return Response(200, (), text, False, {}, "")

    client = Client("https://id.example", "x", f"{ORIGIN}/login/oidc/callback")
    page = house.browser(oidc=Provider(client, answer, house.clock)).get("/login/oidc")
    assert (page.status, "no good authorization_endpoint" in page.text) == (503, True)


def test_tries_are_limited_by_address(house: House, idp: IdentityProvider) -> None:
    limits = limits_of(house.services.door, Memory(house.clock), house.clock)
    browser = house.browser(**known_to(house, idp), limits=limits)
    answers = [browser.get("/login/oidc").status for _ in range(31)]
    assert answers == [303] * 30 + [429]


# --- whose identity ---------------------------------------------------------------------------


def test_an_address_links_nobody(house: House, idp: IdentityProvider) -> None:
    house.ana()
    idp.person = {"sub": "eve-1", "email": "ana@example.org", "email_verified": True}
    refused(house, idp, "nobody here is linked to this identity")


def test_who_is_shut_out_stays_out(house: House, idp: IdentityProvider) -> None:
    linked(house, idp)
    at = house.clock.now()
    house.write(lambda tx: people.make(tx, "ben@example.org", "", None, at, admin=True))
    ana = house.write(lambda tx: people.find(tx, "ana@example.org"))
    house.write(lambda tx: people.disable(tx, ana, at))
    refused(house, idp, "this account is shut out")


def test_linking_takes_the_password_and_the_session_that_began_it(
    house: House, idp: IdentityProvider
) -> None:
    ana = house.ana(**known_to(house, idp))
    wrong = ana.fill("/account", "/account/identity", oidc_password="not the password")
    assert 'id="oidc_password-error"' in wrong.text
    begun = ana.fill("/account", "/account/identity", oidc_password=PASSWORD)
    flow = ana.cookies["dogwatch-oidc"]
    sign_in(ana)
    ana.cookies["dogwatch-oidc"] = flow
    page = led_back(ana, idp, begun)
    assert (page.status, "another session" in page.text) == (403, True)
    assert not house.write(lambda tx: identities.known(tx, idp.issuer, "ana-1"))
    assert ana.post("/account/identity", oidc_password=PASSWORD).status == 403  # no token


def test_an_identity_has_one_person_and_a_person_one_identity(
    house: House, idp: IdentityProvider
) -> None:
    ana = linked(house, idp)
    ben = house.browser(**known_to(house, idp))
    link = invited(house)
    ben.post(link, name="Ben", password=PASSWORD)
    begun = ben.fill("/account", "/account/identity", oidc_password=PASSWORD)
    taken = led_back(ben, idp, begun)
    assert (taken.status, "belongs to another account" in taken.text) == (409, True)
    idp.person = {"sub": "ana-2"}
    token = re.findall(r'name="token" value="(\w+)"', ana.get("/account").text)[0]
    begun = ana.post("/account/identity", token=token, oidc_password=PASSWORD)
    assert "remove that one first" in led_back(ana, idp, begun).text


def test_a_link_is_removed(house: House, idp: IdentityProvider) -> None:
    ana = linked(house, idp)
    before = dict(ana.cookies)
    assert ana.fill("/account", "/account/identity/remove").status == 303
    assert ana.cookies != before
    refused(house, idp, "nobody here is linked")
    token = re.findall(r'name="token" value="(\w+)"', ana.get("/account").text)[0]
    assert ana.post("/account/identity/remove", token=token).status == 404


# --- newcomers --------------------------------------------------------------------------------


def test_a_new_person_joins_by_an_identity(house: House, idp: IdentityProvider) -> None:
    house.ana()
    link = invited(house, role=Role.EDITOR)
    idp.person = {"sub": "ben-1", "name": "Ben B", "email": "other@example.org"}
    browser = house.browser(**known_to(house, idp))
    assert "Join with 127.0.0.1" in browser.get(link).text
    assert led_back(browser, idp, browser.post(f"{link}/oidc")).status == 303
    page = browser.get("/account").text
    assert "ben@example.org" in page
    assert "Ben B" in page
    assert "/account/identity/remove" not in page  # the only way in
    assert roles(house, "ben@example.org") == [("Shop <1>", Role.EDITOR)]
    token = re.findall(r'name="token" value="(\w+)"', page)[0]
    assert browser.post("/account/identity/remove", token=token).status == 409
    assert house.browser().get(link).status == 404
    assert by_oidc(house.browser(**known_to(house, idp)), idp).status == 303


def test_joining_takes_over_nobodys_account(house: House, idp: IdentityProvider) -> None:
    house.ana()
    link = invited(house, "ana@example.org")
    browser = house.browser(**known_to(house, idp))
    page = led_back(browser, idp, browser.post(f"{link}/oidc"))
    assert (page.status, "sign in to it first" in page.text) == (409, True)
    assert not house.write(lambda tx: identities.known(tx, idp.issuer, "ana-1"))
    behind = house.browser(**known_to(house, idp), trusted_user_header="Remote-User")
    link_of_another = invited(house, "eve@example.org")
    page = led_back(behind, idp, behind.post(f"{link_of_another}/oidc"))
    assert (page.status, "sign in to the proxy" in page.text) == (403, True)
    assert house.browser(**known_to(house, idp)).post("/invitations/x/oidc").status == 404
    browser.origin = "http://evil.test"
    assert browser.post(f"{link}/oidc").status == 403


def test_one_who_has_an_account_confirms(house: House, idp: IdentityProvider) -> None:
    linked(house, idp)
    link = invited(house)
    browser = house.browser(**known_to(house, idp))
    joined = led_back(browser, idp, browser.post(f"{link}/oidc"))
    assert joined.headers["location"] == f"../..{link}"
    assert roles(house, "ana@example.org")[-1][0] == "Default"
    assert browser.fill(link, link).status == 303
    assert roles(house, "ana@example.org")[-1][0] == "Shop <1>"


@pytest.mark.parametrize(
    ("person", "enters"),
    [
        ({"email": "ben@example.org", "email_verified": True}, True),
        ({"email": "Ben@EXAMPLE.org", "email_verified": True}, True),
        ({"email": "ben@example.org", "email_verified": False}, False),
        ({"email": "ben@example.org", "email_verified": "true"}, False),
        ({"email": "ben@example.org"}, False),
        ({"email": "ben@evil.test", "email_verified": True}, False),
        ({"email": "ben@sub.example.org", "email_verified": True}, False),
        ({}, False),
    ],
)
def test_people_of_a_domain_are_made(
    house: House, idp: IdentityProvider, person: dict[str, Any], enters: bool
) -> None:
    house.ana()
    idp.person = {"sub": "ben-1", **person}
    browser = house.browser(**known_to(house, idp), oidc_new_people=("example.org",))
    assert by_oidc(browser, idp).status == (303 if enters else 403)
    assert ("You are in none" in browser.get("/account").text) is enters


def test_nobody_is_made_of_an_address_that_is_taken_nor_first_of_all(
    house: House, idp: IdentityProvider
) -> None:
    idp.person = {"sub": "eve-1", "email": "ana@example.org", "email_verified": True}
    services = {**known_to(house, idp), "oidc_new_people": ("example.org",)}
    assert by_oidc(house.browser(**services), idp).status == 403  # the set-up link alone
    house.ana()
    page = by_oidc(house.browser(**services), idp)
    assert (page.status, "already" in page.text) == (409, True)
