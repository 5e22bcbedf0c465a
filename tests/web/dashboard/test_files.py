"""The page of files, and what is kept in one."""

import re

import pytest

from dogwatch.core.policy import Role
from tests.web.dashboard.conftest import Browser, House, member, standing_in, watch

FILES = "/settings/files"
TEXT = "dogwatch: 1\nwatches:\n- slug: backup\n  name: Backup\n"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for words."""
    return sqlite_url


def test_the_workspace_is_downloaded_as_a_file(house: House, ana: Browser) -> None:
    watch(house, "Backup", schedule="0 2 * * *")
    answer = ana.get("/dogwatch.yaml")
    assert answer.status == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="dogwatch.yaml"'
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "- slug: backup\n  name: Backup\n" in answer.text


def test_of_a_file_and_its_text_it_is_said_which_counts(ana: Browser) -> None:
    page = ana.get(FILES).text
    assert "It takes the place of the text below." in page
    assert "What stands there when you send the form is what counts." in page


def test_a_file_is_tried_applied_and_let_go(house: House, ana: Browser) -> None:
    tried = {"name": "ours.yaml", "text": TEXT.replace("\n", "\r\n"), "try": "1"}
    page = ana.fill(FILES, FILES, **tried)
    assert "It would be: 1 made." in page.text
    assert ana.get("/i/backup").status == 404
    del tried["try"]
    assert ana.fill(FILES, FILES, **tried).status == 303
    fewer = ana.fill(FILES, FILES, name="ours.yaml", text="dogwatch: 1", **{"try": "1"})
    assert "Let go of, as it names them no more: backup." in fewer.text
    item = ana.get("/i/backup").text
    assert "kept in <strong>ours.yaml</strong>" in item
    assert 'href="../i/backup/edit"' not in item
    refused = ana.fill("/i/backup/edit", "/i/backup/edit", name="X", schedule="every 5m")
    assert refused.status == 409
    assert "Backup is kept" in refused.text or "backup is kept" in refused.text.lower()
    assert "1 item kept in it" in ana.get(FILES).text
    assert ana.fill("/i/backup", "/i/backup/release").status == 303
    assert "Kept in" not in ana.get("/i/backup").text
    assert ana.fill(FILES, f"{FILES}/forget").status == 303
    assert "ours.yaml" not in ana.get(FILES).text


def test_a_broken_file_says_where_and_changes_nothing(ana: Browser) -> None:
    assert ana.fill(FILES, FILES, name="ours.yaml", text=TEXT).status == 303
    broken = TEXT.replace("Backup", "Other") + "  schedule: never\n  colour: red\n"
    refused = ana.fill(FILES, FILES, name="ours.yaml", text=broken)
    assert refused.status == 422
    assert "line 5" in refused.text
    assert "line 6" in refused.text
    assert "name: Other" in refused.text
    page = ana.get(FILES).text
    assert "<title>(1 refused) Files" in page
    assert "What was applied before holds on." in page
    assert "Backup" in ana.get("/i/backup").text


def test_what_was_never_applied_is_not_counted(ana: Browser) -> None:
    assert ana.fill(FILES, FILES, name="ours.yaml", text="dogwatch: 2").status == 422
    page = ana.get(FILES).text
    assert "Nothing of it holds." in page
    assert "<title>Files" in page


def test_who_only_looks_has_no_files(house: House, ana: Browser) -> None:
    viewer = member(house, Role.VIEWER)
    assert "settings/files" not in viewer.get("/settings").text
    assert viewer.get(FILES).status == 403
    assert viewer.get("/dogwatch.yaml").status == 403


ALL = """dogwatch: 1
watches: [{slug: backup, name: Backup}]
channels: [{name: Ops, kind: webhook, settings: {url: 'https://ops.example/in'}}]
rules: [{channel: Ops}]
maintenance: [{name: Upgrades, window: {kind: cron, cron: 0 3 * * *, duration_s: 60}}]
variables: [{key: TOKEN, value: s3cret}]
status_pages: [{slug: shop, title: Shop, items: [{name: It, watch: backup}]}]
"""


@pytest.mark.parametrize(
    ("page", "kinds"),
    [
        ("/alerts", ["channel", "rule", "maintenance"]),
        ("/settings/variables", ["variable"]),
        ("/settings/status-pages", ["status_page"]),
    ],
)
def test_what_a_file_keeps_is_locked_and_let_go_of_on_its_page(
    ana: Browser, page: str, kinds: list[str]
) -> None:
    assert ana.fill(FILES, FILES, name="ours.yaml", text=ALL).status == 303
    text = ana.get(page).text
    assert text.count("Locked</span>: kept in <strong>ours.yaml</strong>") == len(kinds)
    assert "/edit" not in text
    for count in range(len(kinds), 0, -1):
        assert ana.get(page).text.count("Locked</span>") == count
        done = ana.fill(page, f"{FILES}/release")
        assert (done.status, done.headers["location"]) == (303, f"../..{page}")
    assert "Locked" not in ana.get(page).text
    assert ana.post(f"{FILES}/release", kind="rule", thing="x").status == 403


def test_a_channel_that_a_file_keeps_is_not_changed_in_its_form(ana: Browser) -> None:
    assert ana.fill(FILES, FILES, name="ours.yaml", text=ALL).status == 303
    (own,) = re.findall(r"alerts/channels/([0-9a-z]{26})/test", ana.get("/alerts").text)
    path = f"/alerts/channels/{own}/edit"
    refused = ana.post(path, **standing_in(ana.get(path).text, path) | {"name": "Other"})
    assert (refused.status, "Ops is kept in ours.yaml" in refused.text) == (409, True)
    assert "Other" not in ana.get("/alerts").text
