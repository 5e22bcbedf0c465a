"""The pages of settings and of the system: people, keys, doors, and Dogwatch itself."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from dogwatch.core.ping import Kind
from dogwatch.core.policy import Role
from dogwatch.core.slots import Gap
from dogwatch.store import nodes, tasks, variables
from dogwatch.store.tables import jobs
from dogwatch.usecases import audit_log, outside, workspaces
from dogwatch.usecases.callers import host
from dogwatch.web.dialects import TONGUES
from tests.harness.house import House as Engine
from tests.web.asgi_client import Client
from tests.web.dashboard.conftest import Browser, House, member, ping, watch, words

KEYS = "/settings/keys"
DIALECTS = Path(__file__).parents[3] / "docs/dialects/README.md"
DOCUMENTED = re.findall(r"^\| \[.*?\| `(https://HOST/[^`]*)`", DIALECTS.read_text(), re.M)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a fresh database; one kind of store is enough for words."""
    return sqlite_url


def code_in(page: str) -> str:
    return str(re.findall(r'class="secret">.*?<code>([^<]*)</code>', page, re.S)[0])


def test_the_workspace_is_named_and_shows_its_plan(house: House, ana: Browser) -> None:
    assert ana.fill("/settings", "/settings/name", name="Night shift").status == 303
    assert "Night shift" in ana.get("/settings").text
    house.write(lambda tx: workspaces.assign(tx, workspaces.found(tx, None).id, "pro"))
    page = words(ana.get("/settings").text)
    assert "Plan: pro ." in page
    assert "Watches at most 500" in page
    wrong = ana.fill("/settings", "/settings/name", name=" ")
    assert wrong.status == 422
    assert 'id="name-error"' in wrong.text


def test_a_workspace_goes_by_its_name_once_it_is_exported(house: House, ana: Browser) -> None:
    viewer, place, name = member(house, Role.VIEWER), "/settings/remove", workspace_of(house)
    assert place[1:] not in viewer.get("/settings").text
    assert place[1:] in ana.get("/settings").text
    early = ana.fill(place, place, name=name)
    assert (early.status, "Export this workspace first" in words(early.text)) == (409, True)
    token = str(re.findall(r'name="token" value="([^"]*)"', viewer.get("/account").text)[0])
    assert viewer.post("/settings/export", token=token).status == 403
    export = ana.fill(place, "/settings/export")
    assert export.headers["content-disposition"] == 'attachment; filename="workspace.jsonl"'
    assert '["members",' in export.text
    assert ana.fill(place, place, name="another").status == 422
    assert ana.fill(place, place, name=name).status == 303
    assert house.write(workspaces.listed) == []


def workspace_of(house: House) -> str:
    return house.write(lambda tx: workspaces.found(tx, None)).name


def test_an_invitation_is_a_link_that_is_shown_once(house: House, ana: Browser) -> None:
    made = ana.fill("/settings", "/settings/invitations", email="bo@example.org", role="editor")
    link = code_in(made.text)
    assert link.startswith("http://dogwatch.test/invitations/")
    page = ana.get("/settings").text
    assert "bo@example.org" in page
    assert link not in page
    assert house.browser().get(link.removeprefix("http://dogwatch.test")).status == 200
    back = re.findall(r'action="\./(settings/invitations/[^"]*/revoke)"', page)[0]
    assert ana.fill("/settings", f"/{back}").status == 303
    assert house.browser().get(link.removeprefix("http://dogwatch.test")).status == 404
    assert ana.fill("/settings", "/settings/invitations", email="x", role="boss").status == 422


def test_members_change_roles_and_go(house: House, ana: Browser) -> None:
    member(house, Role.VIEWER)
    page = ana.get("/settings").text
    roles = re.findall(r'action="\./(settings/members/[^"]*/role)"', page)
    own, other = sorted(roles, key=lambda path: path in roles[1:])
    answers = {ana.fill("/settings", f"/{one}", role="editor").status for one in (own, other)}
    assert answers == {303, 409}  # the only owner stays one
    assert "viewer@example.org" in ana.get("/settings").text
    gone = next(one for one in (own, other) if "Remove viewer@example.org" in asked(ana, one))
    path = "/" + gone.replace("/role", "/remove")
    assert ana.fill(path, path).status == 303
    assert "viewer@example.org" not in ana.get("/settings").text


def asked(ana: Browser, role_path: str) -> str:
    return ana.get("/" + role_path.replace("/role", "/remove")).text


def test_a_key_for_everything_says_so(ana: Browser) -> None:
    ana.fill(KEYS, KEYS, name="all", **{"scope_*": "1"})
    assert '<p class="hint">everything you may</p>' in ana.get(KEYS).text


def test_a_key_is_shown_once_and_works(house: House, ana: Browser) -> None:
    watch(house, "Nightly")
    made = ana.fill(KEYS, KEYS, name="deploy", **{"scope_read:watches": "1"})
    key = code_in(made.text)
    client = Client(ana.client.app, key, "/api/v1")
    assert client("GET", "/watches").status == 200
    page = ana.get(KEYS).text
    assert key not in page
    assert "deploy" in page
    assert '<p class="hint">see watches and incidents</p>' in page
    path = "/" + re.findall(r'href="\.\./(settings/keys/[^"]*/revoke)"', page)[0]
    assert "Revoke deploy?" in ana.get(path).text
    assert ana.fill(path, path).status == 303
    assert client("GET", "/watches").status == 401


def test_a_dialects_key_may_what_its_api_needs(house: House, ana: Browser) -> None:
    made = ana.fill(KEYS, KEYS, name="old client", dialect="healthchecks")
    door = Client(ana.client.app, code_in(made.text), "/hc", "x-api-key")
    assert door("GET", "/api/v3/checks/").status == 200
    assert "Healthchecks" in ana.get(KEYS).text


def test_every_call_that_can_be_copied_works(house: House, ana: Browser) -> None:
    page = ana.get(KEYS).text
    calls = re.findall(r"curl -fsS -H &#34;([^&]*?): (?:Bearer )?\$KEY&#34; (http[^<]*)<", page)
    assert len(calls) == 1 + len(TONGUES)
    bases = re.findall(r"<p>Base URL</p>.*?<code>http://dogwatch.test([^<]*)</code>", page, re.S)
    assert {f"https://HOST{base}" for base in bases} == {"https://HOST/api/v1", *DOCUMENTED}
    for header, url in calls:
        path = url.removeprefix("http://dogwatch.test")
        mount = path.split("/")[1]
        dialect = {"api": "native", "hc": "healthchecks"}.get(mount, mount)
        ticked = {"scope_read:watches": "1"} if dialect == "native" else {}
        made = ana.fill(KEYS, KEYS, name=mount, dialect=dialect, **ticked)
        plain = "" if header == "Authorization" else header.lower()
        client = Client(ana.client.app, code_in(made.text), "", plain)
        assert client("GET", path).status == 200, path


def test_a_key_of_nothing_is_refused(house: House, ana: Browser) -> None:
    assert "Tick one at least" in ana.fill(KEYS, KEYS, name="x").text
    assert ana.fill(KEYS, KEYS, name="", dialect="healthchecks").status == 422


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_who_is_no_admin_changes_nobody(house: House, ana: Browser, role: Role) -> None:
    browser = member(house, role)
    page = browser.get("/settings").text
    assert "ana@example.org" in page
    assert 'action="./settings' not in page
    assert "API keys" not in page
    assert browser.get(KEYS).status == browser.get("/system").status == 403
    token = re.findall(r'name="token" value="([^"]*)"', page)[0]
    for path in ("/settings/name", "/settings/invitations", "/settings/invitations/x/revoke",
                 "/settings/members/x/role", "/settings/members/x/remove", KEYS,
                 f"{KEYS}/x/revoke"):  # fmt: skip
        assert browser.post(path, token=token, name="x").status == 403, path


def test_a_variable_too_short_to_be_masked_is_told(ana: Browser) -> None:
    path = "/settings/variables"
    for value, told in (("short", 1), ("longer", 0)):
        assert ana.fill(path, path, key="PIN", value=value, description="").status == 303
        assert ana.get(path).text.count("Too short to be masked") == told, value


def test_a_variable_is_set_and_its_value_never_shown(house: House, ana: Browser) -> None:
    path = "/settings/variables"
    value = "hunter2 and more"
    assert ana.fill(path, path, key="DB_PASSWORD", value=value, description="of db1").status == 303
    page = ana.get(path).text
    assert "DB_PASSWORD" in page
    assert "no job uses it" in page
    assert value not in page
    key = code_in(ana.fill(KEYS, KEYS, name="x", **{"scope_*": "1"}).text)
    log = Client(ana.client.app, key, "/api/v1").get("/audit-log")
    noted = [(one["operation"], one["object"]) for one in log.json["data"]]
    assert ("variables.set", "DB_PASSWORD") in noted
    assert value not in log.text
    record = watch(house, "Nightly")
    ours = record.workspace_id
    house.write(lambda tx: variables.name(tx, ours, record.id, ["DB_PASSWORD"]))
    assert 'used by <a href="../i/nightly">nightly</a>' in ana.get(path).text
    wrong = ana.fill(path, path, key="not a key!", value=value)
    assert wrong.status == 422
    assert 'id="key-error"' in wrong.text
    assert value not in wrong.text
    gone = f"{path}/DB_PASSWORD/delete"
    assert "Delete DB_PASSWORD?" in ana.get(gone).text
    assert ana.fill(gone, gone).status == 303
    assert "There are none yet" in ana.get(path).text
    viewer = member(house, Role.VIEWER)
    token = re.findall(r'name="token" value="([^"]*)"', viewer.get(path).text)[0]
    assert "Set one" not in viewer.get(path).text
    assert viewer.post(path, token=token, key="A", value="b").status == 403


def test_the_system_warns_of_scripts_that_run_as_root(house: House) -> None:
    page = house.ana(scripts_on=True, scripts_as_root=True).get("/system").text
    assert "scripts run as root; run Dogwatch as a user of its own" in page


def test_the_system_tells_of_its_disk_and_last_backup(house: House) -> None:
    ana = house.ana(disk=lambda: (100 * 10**9, 97 * 10**9, 3 * 10**9))
    page = words(ana.get("/system").text)
    assert "disk of the data directory is nearly full: 3.0 GB free of 100.0 GB" in page
    assert "Last backup none that Dogwatch made" in page
    house.write(lambda tx: audit_log.note(
        tx, host(0), "instance.backup", "", house.clock.now(), instance=True
    ))  # fmt: skip
    house.clock.advance(11)
    assert "Last backup none" not in words(ana.get("/system").text)


def test_the_system_counts_items_by_the_words_of_the_front_page(house: House) -> None:
    ana = house.ana()
    for name, kinds in (("A", [Kind.OK]), ("B", [Kind.FAIL]), ("C", [])):
        record = watch(house, name)
        for kind in kinds:
            ping(house, record, kind=kind)
    assert "Watches Down 1, New 1, OK 1 Disk" in words(ana.get("/system").text)


def test_the_system_tells_of_the_outside_heartbeat(house: House) -> None:
    ana = house.ana()
    page = ana.get("/system").text
    assert '<a href="./settings" data-key="s" aria-current="page">Settings</a>' in page
    page = words(page)
    assert "Outside heartbeat not set: nobody elsewhere would notice" in page
    assert ana.get("/system.json").json["outside_heartbeat"] is None
    at = house.clock.now()
    ana.client = house.browser(outside_heartbeat="https://hc.example/***").client
    assert "https://hc.example/*** answered never yet" in words(ana.get("/system").text)
    house.write(lambda tx: outside.note(tx, at, ""))
    house.clock.advance(11)
    assert "https://hc.example/*** answered 2026-01-05 12:00" in words(ana.get("/system").text)
    house.write(lambda tx: outside.note(tx, at, "status 500"))
    house.clock.advance(11)
    told = ana.get("/system.json").json
    assert told["outside_heartbeat"] == {
        "address": "https://hc.example/***", "asked_at": None,
        "answered_at": "2026-01-05T12:00:00.000Z", "fault": "status 500",
    }  # fmt: skip
    assert "the outside heartbeat fails: status 500" in told["problems"]
    assert "fails: status 500; it last answered 2026-01-05" in words(ana.get("/system").text)


def test_the_system_tells_of_nodes_gaps_and_lag(house: House, ana: Browser) -> None:
    assert "Dogwatch is not well" in ana.get("/system").text
    at = house.clock.now()
    house.write(lambda tx: nodes.join(tx, "n1", "watchtower", at))
    house.clock.advance(2)
    page = words(ana.get("/system").text)
    assert "Dogwatch is well" in page
    assert "✓ Alive watchtower" in page
    gap = Gap(at - timedelta(hours=1), at - timedelta(minutes=30))
    house.write(lambda tx: nodes.add_gap(tx, gap, "no node was alive"))
    late = tasks.NewTask(1, "http", "x", "x", at - timedelta(minutes=3))
    house.write(lambda tx: tasks.add_many(tx, [late]))
    house.clock.advance(2)
    page = words(ana.get("/system").text)
    assert "The http is behind." in page
    assert "Behind Requests that wait or run 1 3 min" in page
    assert "30 min no node was alive" in page


def test_a_scheduler_that_stands_still_is_told_within_half_a_minute(
    house: House, ana: Browser
) -> None:
    Engine(house.database, house.services.vault).job("nightly")
    due_at = house.write(lambda tx: tx.conn.scalar(select(jobs.c.next_at)))
    assert due_at
    house.clock.advance((due_at - house.clock.now()).total_seconds() + 20)
    page = words(ana.get("/system").text)
    assert "Well Scheduler: starts what is due – 20 s" in page
    house.clock.advance(11)
    page = words(ana.get("/system").text)
    assert "he scheduler is behind" in page
    assert "Behind Scheduler: starts what is due – 31 s" in page
