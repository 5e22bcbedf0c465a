"""A page that nobody looks at in a browser is not done, nor one whose facts no program can read."""

from dogwatch.web.dashboard.beside import PICTURES, routes
from tests.harness.places import ASKS, PLACES, addresses, shown


def test_each_page_is_looked_at_in_a_browser() -> None:
    assert set(shown()) == set(PLACES)


def test_pictures_have_addresses_of_their_own() -> None:
    assert len(set(PICTURES)) == len(PICTURES) >= 8


def test_each_page_that_tells_has_its_facts_beside_it() -> None:
    """What only asks has none: it tells nothing that another page does not."""
    facts = {path for path, _ in routes() if path.endswith(".json")}
    mute = {name for path, name in addresses() if f"{path}.json" not in facts}
    telling = {name for path, name in addresses() if f"{path}.json" in facts}
    assert mute - telling == ASKS
    assert telling.isdisjoint(ASKS)
