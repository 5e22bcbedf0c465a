"""Every form of every page: who may not is refused before anything is looked up."""

import re

import pytest

from dogwatch.core.policy import Role
from dogwatch.web.dashboard import MEMBERS, PAGES
from tests.web.dashboard.conftest import Browser, House, member

# What everybody may do with his own account, whatever his role.
OWN = ("/account/",)
FORMS = [re.sub("{[^}]*}", "x", path) for path in MEMBERS if not path.startswith(OWN)]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for who may."""
    return sqlite_url


def token_of(browser: Browser) -> str:
    return str(re.findall(r'name="token" value="([^"]*)"', browser.get("/account").text)[0])


def answers(browser: Browser, token: str) -> dict[str, int]:
    return {path: browser.post(path, token=token).status for path in FORMS}


def test_a_viewer_is_refused_at_every_form(house: House) -> None:
    house.ana()
    viewer = member(house, Role.VIEWER)
    refused = answers(viewer, token_of(viewer))
    assert {path for path, status in refused.items() if status != 403} == set()


def test_an_owner_is_refused_at_none(house: House) -> None:
    owner = house.ana()
    found = answers(owner, token_of(owner))
    # Scripts are switched off here, whoever asks for one.
    assert {path for path, status in found.items() if status in (403, 500)} == {"/new"}


def test_strangers_are_led_to_sign_in_and_forms_of_no_session_are_refused(house: House) -> None:
    owner, stranger = house.ana(), house.browser()
    for path in FORMS:
        sent = stranger.post(path)
        assert (sent.status, "login" in sent.headers["location"]) == (303, True), path
        assert owner.post(path, token="0" * 64).status == 403, path


def test_a_name_that_nothing_has_is_told(house: House) -> None:
    owner = house.ana()
    for name in ("%00", "%0A", "x%0D%0Ay", "%1B%5B31m", "%FF", "%ED%A0%80"):
        for path in filter(re.compile("{").search, PAGES):
            assert owner.get(re.sub("{[^}]*}", name, path)).status == 404, (name, path)
        for path in filter(re.compile("{").search, MEMBERS):
            assert owner.get(re.sub("{[^}]*}", name, path)).status in (200, 303, 404), (name, path)
