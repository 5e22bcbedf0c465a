"""What anybody may have typed, on every page, is shown as it is and runs nowhere."""

import re
from typing import Any

import pytest

from dogwatch.core.alerts import Attempt, Rule, Scope, Verdict
from dogwatch.core.policy import Role
from dogwatch.core.windows import WindowSpec
from dogwatch.notify import CHANNELS
from dogwatch.store import nodes
from dogwatch.usecases import (
    callers,
    channels,
    incidents,
    keys,
    maintenance,
    members,
    rules,
    telling,
    watches,
    workspaces,
)
from dogwatch.usecases.telling import Answered, Room
from tests.web.dashboard.conftest import ORIGIN, Browser, House, member, ping, watch

NASTY = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"
SHORT = NASTY[:40]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for words."""
    return sqlite_url


def filled(house: House) -> dict[str, str]:
    """Put the text wherever people, clients and services can; return ids by noun."""
    at, vault = house.clock.now(), house.services.vault
    record = watch(house, NASTY, tags=(SHORT,), description=NASTY, project=SHORT)
    settings = CHANNELS["webhook"].check({"url": "https://ops.example/in"})

    def made(tx: Any) -> dict[str, str]:
        workspace = workspaces.first(tx, at)
        us = callers.host(workspace.id)
        channel = channels.add_channel(
            tx, workspace.id, NASTY, "webhook", settings.public, settings.secret, vault, at
        )
        scope, spec = Scope("tags", frozenset({SHORT})), WindowSpec("cron", cron="0 0 1 1 *",
                                                                    duration_s=60)  # fmt: skip
        rules.add_rule(tx, workspace.id, Rule("", channel.id), at)
        rules.add_rule(tx, workspace.id, Rule("", channel.id, scope=scope), at)
        maintenance.add(tx, workspace.id, NASTY, scope, spec, at)
        key = keys.make(tx, us, NASTY, ["*"], vault, at).key.id
        members.invite(tx, us, "x'&amp@example.org", Role.VIEWER, vault, at)
        workspaces.rename(tx, workspace.id, NASTY)
        nodes.join(tx, "n1", NASTY, at)
        tested = telling.test_channel(tx, workspace.id, channel.id, at).id
        return {"channel": channel.id, "key": key, "delivery": tested, "item": record.slug}

    ids = house.write(made)
    ping(house, record, kind="fail", body=NASTY, user_agent=NASTY)

    def told(tx: Any) -> None:
        parcels = telling.claim(tx, "n1", at, Room(10, 10), vault, ORIGIN)
        attempt = Attempt(Verdict.FAILED, 500, NASTY, 1)
        telling.settle(tx, [Answered(one, attempt, 0.5) for one in parcels], at)
        ours = watches.find(tx, workspaces.first(tx, at).id, record.slug).workspace_id
        incidents.acknowledge(tx, ours, "1", NASTY, at)

    house.write(told)
    return ids


PAGES = (
    "/", "/i/{item}", "/i/{item}/edit", "/i/{item}/delete", "/incidents", "/incidents/1",
    "/alerts", "/alerts?item={item}", "/alerts/channels/{channel}/delete", "/alerts/rules/new",
    "/alerts/deliveries/{delivery}", "/settings", "/settings/keys", "/settings/keys/{key}/revoke",
    "/system",
)  # fmt: skip
# How scripts of ours begin.
OURS = '<script type="module" src=".'
# Where the whole text stands, and not a part of it.
WHOLE = {"/", "/i/{item}", "/alerts", "/settings", "/settings/keys", "/system", "/incidents/1"}


def test_no_page_runs_what_was_typed(house: House, ana: Browser) -> None:
    ids = filled(house)
    for path in PAGES:
        place, _, query = path.format(**ids).partition("?")
        page = ana.get(place, **dict([query.split("=")] if query else []))
        assert page.status == 200, path
        tags = re.findall(r"<(\w+)", page.text)
        assert tags.count("script") == page.text.count(OURS) <= 2, path
        assert "<b>" not in page.text, path
        assert "onerror=alert(1)>" not in page.text, path
        assert "49" not in re.findall(r"alert\(2\)&lt;/script&gt;(\S{0,7})", page.text), path
        if path in WHOLE:
            assert "&lt;script&gt;alert(2)" in page.text, path


def test_what_was_sent_comes_back_escaped(house: House, ana: Browser) -> None:
    ids = filled(house)
    forms = {
        f"/i/{ids['item']}/edit": {"name": "", "schedule": NASTY, "tags": NASTY},
        "/alerts/channels/new": {"kind": "webhook", "name": NASTY, "settings.url": NASTY},
        "/alerts/rules/new": {"values": NASTY, "event_down": "1", "delay_s": NASTY},
        "/alerts/maintenance/new": {"kind": "cron", "name": NASTY, "cron": NASTY, "values": NASTY},
        "/settings/invitations": {"email": NASTY},
        "/settings/keys": {"name": NASTY, "dialect": NASTY},
    }
    token = re.findall(r'name="token" value="([^"]*)"', ana.get("/").text)[0]
    for path, fields in forms.items():
        page = ana.post(path, token=token, **fields)
        assert page.status == 422, path
        assert page.text.count("<script") == page.text.count(OURS) <= 2, path
        assert "<img src=x" not in page.text, path


def test_every_form_of_every_page_carries_the_token(house: House, ana: Browser) -> None:
    ids = filled(house)
    member(house, Role.EDITOR)
    for path in PAGES:
        page = ana.get(path.format(**ids).partition("?")[0]).text
        forms = re.findall(r'<form [^>]*method="post".*?</form>', page, re.S)
        assert forms
        assert all('name="token"' in one for one in forms), path


def test_labels_and_ids_agree_on_every_page(house: House, ana: Browser) -> None:
    ids = filled(house)
    for path in PAGES:
        page = ana.get(path.format(**ids).partition("?")[0]).text
        own = re.findall(r'<(?:input|select|textarea) id="([^"]+)"', page)
        assert len(own) == len(set(own)), path
        assert all(f'<label for="{one}">' in page for one in own), path
        assert page.count("<h1>") == 1, path
        assert not re.search(r"style=|\son\w+=\"|https?://(?!dogwatch\.test)", page), path
