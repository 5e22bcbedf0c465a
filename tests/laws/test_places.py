"""A page that nobody looks at in a browser is not done."""

from dogwatch.web.dashboard.beside import PICTURES
from tests.harness.places import PLACES, shown


def test_each_page_is_looked_at_in_a_browser() -> None:
    assert set(shown()) == set(PLACES)


def test_pictures_have_addresses_of_their_own() -> None:
    assert len(set(PICTURES)) == len(PICTURES) >= 8
