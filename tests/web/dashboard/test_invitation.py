"""Invitations: a new person joins by a link, one who is here confirms."""

from datetime import timedelta

import pytest

from dogwatch.core.policy import Role
from dogwatch.core.spec import WatchSpec
from dogwatch.core.watch import Status
from dogwatch.store.tx import Tx
from dogwatch.usecases import members, people, watches, workspaces
from dogwatch.usecases.callers import host
from tests.web.dashboard.conftest import PASSWORD, Browser, House, hidden_in, sign_in, watch


def invited(house: House, email: str = "ben@example.org", role: Role = Role.VIEWER) -> str:
    """Return the path of a new invitation to a second workspace."""
    at, vault = house.clock.now(), house.services.vault
    workspace = house.write(lambda tx: workspaces.make(tx, "Shop <1>", at))
    caller = host(workspace.id)
    _, code = house.write(lambda tx: members.invite(tx, caller, email, role, vault, at))
    return f"/invitations/{code}"


def roles(house: House, email: str) -> list[tuple[str, Role]]:
    """Return where somebody is a member, and as what."""
    user = house.write(lambda tx: people.find(tx, email))
    vault, at = house.services.vault, house.clock.now()

    def found(tx: Tx) -> list[tuple[str, Role]]:
        begun = people.begin_session(tx, user, vault, at, "", "")
        present = people.present(tx, begun.token, vault, at)
        assert present
        return [(one.workspace, one.role) for one in present.memberships]

    return house.write(found)


def test_a_new_person_joins(house: House) -> None:
    house.ana()
    browser, link = house.browser(), invited(house)
    page = browser.get(link)
    assert "Join Shop &lt;1&gt;" in page.text
    assert "viewer" in page.text
    weak = browser.post(link, name="Ben", password="short")
    assert weak.status == 422
    assert 'id="password-error"' in weak.text
    joined = browser.post(link, name="Ben", password=PASSWORD, email="eve@example.org")
    assert (joined.status, joined.headers["location"]) == (303, "../w/2/")
    assert "ben@example.org" in browser.get("/account").text
    assert roles(house, "ben@example.org") == [("Shop <1>", Role.VIEWER)]
    assert house.browser().get(link).status == 404
    assert house.browser().post(link, name="Eve", password=PASSWORD).status == 404


def test_one_who_is_signed_in_confirms(house: House) -> None:
    ana, link = house.ana(), invited(house, "ana@example.org", Role.EDITOR)
    before = dict(ana.cookies)
    assert ana.post(link).status == 403
    assert ana.fill(link, link).status == 303
    assert ana.cookies != before
    assert "Shop &lt;1&gt;" in ana.get("/account").text
    assert roles(house, "ana@example.org")[-1] == ("Shop <1>", Role.EDITOR)


def test_one_who_has_an_account_signs_in_first(house: House) -> None:
    house.ana()
    browser, link = house.browser(), invited(house, "ana@example.org")
    page = browser.get(link)
    assert 'type="password"' not in page.text
    assert f'href="../login?next={link[1:]}"' in page.text
    assert browser.post(link, name="Eve", password=PASSWORD).status == 409
    assert sign_in(browser, next=link[1:]).headers["location"] == f".{link}"
    assert browser.fill(link, link).status == 303


@pytest.mark.parametrize("code", ["x", "%00", "ü", "a/b"])
def test_a_link_that_is_none(house: House, code: str) -> None:
    assert house.browser().get(f"/invitations/{code}").status == 404


def test_a_link_lasts_a_week(house: House) -> None:
    link = invited(house)
    house.clock.advance(timedelta(days=8).total_seconds())
    assert house.browser().get(link).status == 404


def test_another_site_cannot_join(house: House) -> None:
    link = invited(house)
    browser: Browser = house.browser()
    browser.origin = "http://evil.test"
    assert browser.post(link, name="Ben", password=PASSWORD).status == 403
    assert house.browser().get(link).status == 200


def test_who_is_in_two_workspaces_sees_the_one_he_entered(house: House) -> None:
    ana = house.ana()
    shop = house.write(lambda tx: workspaces.make(tx, "Shop <1>", house.clock.now()))
    both = house.write(lambda tx: workspaces.make(tx, "Nobody's", house.clock.now()))
    assert ana.get(f"/w/{shop.id}/").status == 403
    assert "Shop" not in ana.get("/").text
    in_default = watch(house, "Backup")
    other = WatchSpec(name="Backup", schedule="every 1h")
    house.write(lambda tx: watches.add(tx, shop.id, other, house.clock.now()))

    def appointed(tx: Tx) -> None:
        user = people.by_email(tx, "ana@example.org")
        assert user
        members.appoint(tx, shop.id, user, house.clock.now())

    house.write(appointed)
    assert "every 1h" not in ana.get("/i/backup").text
    assert f'href="w/{shop.id}/">Go there' in ana.get("/account").text.replace("./", "")
    assert ana.get("/live", workspace=str(shop.id)).status == 401
    assert f'data-stream="../live?workspace={in_default.workspace_id}"' in ana.get("/i/backup").text
    stale = hidden_in(ana.get("/i/backup").text, "/i/backup/pause")
    entered = ana.get(f"/w/{shop.id}/i/backup")
    assert (entered.status, entered.headers["location"]) == (303, "../../../i/backup")
    page = ana.get("/i/backup").text
    assert "every 1h" in page
    assert "Shop &lt;1&gt;</a>" in page
    refused = ana.post("/i/backup/pause", **stale)
    assert (refused.status, "load it again" in refused.text) == (403, True)
    assert ana.fill("/i/backup", "/i/backup/pause").status == 303
    paused = house.write(lambda tx: watches.find(tx, shop.id, "backup"))
    assert paused.watch.status is Status.PAUSED
    assert (
        house.write(lambda tx: watches.find(tx, in_default.workspace_id, "backup")).watch.status
        is not Status.PAUSED
    )
    assert ana.get(f"/w/{both.id}/i/backup").status == 403
    for place in ("", "/", "/flows/nightly", "/i/backup/edit", "/settings/status-pages/x"):
        led = ana.get(f"/w/{shop.id}{place}").headers["location"]
        assert led.strip("./") == place.strip("/")
    asked = ana.get(f"/w/{shop.id}/timeline", hours="168").headers["location"]
    assert asked == "../../timeline?hours=168"
    assert ana.get(f"/w/{shop.id}//evil.example").headers["location"] == "../../../"
    stranger = house.browser().get(f"/w/{shop.id}/i/backup")
    assert stranger.headers["location"].endswith(f"login?next=w%2F{shop.id}%2Fi%2Fbackup")
