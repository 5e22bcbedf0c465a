"""Sharing by the API: keys, members, invitations, the workspace, and the instance's admins."""

import asyncio
import csv
import io
import json
from collections.abc import Generator
from functools import partial
from threading import Event, Semaphore
from typing import Any

import pytest

from dogwatch.core.dialects import DIALECTS
from dogwatch.core.policy import Grant, Role
from dogwatch.usecases import audit_log, keys, members, people, workspaces
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.people import User
from tests.web.api.conftest import House
from tests.web.asgi_client import DEADLINE_S, Client


def person(house: House, name: str, role: Role | None = None, *, admin: bool = False) -> User:
    at, email = house.clock.now(), f"{name}@example.org"
    user = house.write(lambda tx: people.make(tx, email, name, "hash", at, admin=admin))
    if role:
        house.write(lambda tx: members.appoint(tx, house.workspace.id, user, at, role))
    return user


def key_of(house: House, user: User, *scopes: str, workspace_id: int | None = None) -> Client:
    """Return a client with a key that an owner, or an admin of the instance, made."""
    grant = Grant(Role.OWNER, instance=user.admin_at is not None)
    caller = Caller(workspace_id or house.workspace.id, grant, "user", user.id, user.email)
    vault, at = house.services.vault, house.clock.now()
    token = house.write(lambda tx: keys.make(tx, caller, "k", scopes, vault, at).token)
    return Client(house.client("*").app, token, "/api/v1")


# --- keys -------------------------------------------------------------------------------------


def test_a_key_is_shown_once(api: Client) -> None:
    made = api("POST", "/keys", {"name": "ci", "scopes": ["read:watches"]})
    assert made.status == 201
    secret = made.json["key"]
    assert Client(api.app, secret, "/api/v1").get("/watches").status == 200
    listed = api.get("/keys")
    assert secret not in listed.text
    assert {one["name"] for one in listed.json["data"]} == {"test", "ci"}


def test_a_key_of_a_dialect_may_do_all_of_it_unless_said_otherwise(api: Client) -> None:
    for dialect, theirs in DIALECTS.items():
        made = api("POST", "/keys", {"name": dialect, "dialect": dialect})
        assert (made.status, made.json["scopes"]) == (201, list(theirs.scopes))
    for sent in ({"name": "own"}, {"name": "own", "scopes": None}):
        refused = api("POST", "/keys", sent)
        assert refused.status == 422
        assert [(one["field"], one["message"]) for one in refused.json["errors"]] == [
            ("scopes", "is required")
        ]


def test_a_key_is_rotated_and_revoked(api: Client, house: House) -> None:
    made = api("POST", "/keys", {"name": "ci", "scopes": ["read:watches"]}).json
    fresh = api("POST", f"/keys/{made['id']}/rotate", {"overlap_s": 60}).json
    old, new = (Client(api.app, one["key"], "/api/v1") for one in (made, fresh))
    assert [one.get("/watches").status for one in (old, new)] == [200, 200]
    house.clock.advance(60)
    assert [one.get("/watches").status for one in (old, new)] == [401, 200]
    assert api("DELETE", f"/keys/{fresh['id']}").status == 204
    assert new.get("/watches").status == 401
    assert api("DELETE", f"/keys/{fresh['id']}").status == 404


def test_a_key_that_may_make_keys_makes_none_that_may_more(house: House) -> None:
    narrow = house.client("manage:keys")
    refused = narrow("POST", "/keys", {"name": "all", "scopes": ["*"]})
    assert refused.status == 403
    house.client("*")
    by_scope = {one["scopes"][0]: one["id"] for one in narrow.get("/keys").json["data"]}
    assert narrow("POST", f"/keys/{by_scope['manage:keys']}/rotate").status == 201
    assert narrow("POST", f"/keys/{by_scope['*']}/rotate").status == 403


def test_an_answer_that_holds_a_key_is_for_who_asked_alone(api: Client, house: House) -> None:
    body, again = {"name": "ci", "scopes": ["read:jobs"]}, {"idempotency-key": "once"}
    made = api("POST", "/keys", body, headers=again)
    assert api("POST", "/keys", body, headers=again).json == made.json
    other = house.client("manage:keys", "read:jobs")("POST", "/keys", body, headers=again)
    assert (other.status, made.json["key"] in other.text) == (422, False)


@pytest.mark.parametrize("at", ["tomorrow", "2036-01-01T00:00:00", "2001-01-01T00:00:00Z"])
def test_a_key_expires_at_a_time_to_come(api: Client, at: str) -> None:
    refused = api("POST", "/keys", {"name": "ci", "scopes": ["*"], "expires_at": at})
    assert refused.faults.keys() == {"expires_at"}


# --- members and invitations ------------------------------------------------------------------


def test_owner_team_mate_and_stranger(api: Client, house: House) -> None:
    owner = person(house, "olga", Role.OWNER)
    mate = person(house, "tim", Role.VIEWER)
    stranger = person(house, "stan")
    assert {one["email"] for one in api.get("/members").json["data"]} == {owner.email, mate.email}
    changed = api("PATCH", f"/members/{mate.id}", {"role": "editor"})
    assert changed.json["role"] == "editor"
    assert api("PATCH", f"/members/{stranger.id}", {"role": "owner"}).status == 404
    assert api("PATCH", f"/members/{owner.id}", {"role": "viewer"}).status == 409
    assert api("DELETE", f"/members/{mate.id}").status == 204
    at = house.clock.now()
    other = house.write(lambda tx: workspaces.make(tx, "Other", at))
    theirs = key_of(house, stranger, "*", workspace_id=other.id)
    assert theirs("DELETE", f"/members/{owner.id}").status == 404
    assert theirs.get("/members").json["data"] == []


def test_an_invitation_is_a_link_shown_once(api: Client, house: House) -> None:
    made = api("POST", "/invitations", {"email": "Ana@Example.org", "role": "editor"}).json
    base, _, code = made["link"].rpartition("/")
    assert (base, made["email"]) == ("http://dogwatch.test/invitations", "ana@example.org")
    assert code not in api.get("/invitations").text
    user, vault, at = person(house, "ana"), house.services.vault, house.clock.now()
    house.write(lambda tx: members.accept(tx, code, user, vault, at))
    assert api.get("/members").json["data"][0]["role"] == "editor"
    second = api("POST", "/invitations", {"email": "bob@example.org"}).json
    assert api("DELETE", f"/invitations/{second['id']}").status == 204
    assert api.get("/invitations").json["data"] == []
    assert api("POST", "/invitations", {"email": "nobody"}).faults.keys() == {"email"}


# --- the workspace ----------------------------------------------------------------------------


def test_a_workspace_is_renamed_and_removed_by_its_name_after_an_export(house: House) -> None:
    at = house.clock.now()
    other = house.write(lambda tx: workspaces.make(tx, "Other", at))
    owner = person(house, "olga")
    theirs = key_of(house, owner, "*", workspace_id=other.id)
    assert theirs("PATCH", "/workspace", {"name": "Shop"}).json["name"] == "Shop"
    theirs("POST", "/watches", {"name": "W"})
    for body in (None, {}, {"name": "Other"}, {"name": "shop"}):
        assert theirs("DELETE", "/workspace", body).status == 422
    assert theirs("DELETE", "/workspace", {"name": "Shop"}).status == 409
    assert theirs.get("/workspace/export").status == 200
    house.clock.advance(3601)
    told = theirs("DELETE", "/workspace", {"name": "Shop"})
    assert (told.status, "export this workspace first" in told.text) == (409, True)
    assert theirs.get("/workspace/export").status == 200
    house.clock.advance(3599)
    assert theirs("DELETE", "/workspace", {"name": "Shop"}).status == 204
    assert theirs.get("/workspace").status == 401
    left = house.database.read(workspaces.listed).result()
    assert [one.id for one in left] == [house.workspace.id]
    # The next one is never taken for it, nor shown what was done there.
    again = house.write(lambda tx: workspaces.make(tx, "Next", at))
    assert again.id > other.id
    assert house.database.read(lambda tx: audit_log.page(tx, again.id, 10)).result() == []
    noted = house.database.read(lambda tx: audit_log.page(tx, other.id, 10)).result()
    assert noted[0].operation == "workspace.delete"


def test_an_export_has_every_row_and_no_secret(api: Client, house: House, watch: Any) -> None:
    api(
        "POST",
        "/jobs",
        {
            "name": "J",
            "action": {
                "kind": "http",
                "url": "http://example.org",
                "headers": {"authorization": "canary-1"},
            },
        },
    )
    api("POST", "/channels", {"name": "H", "kind": "webhook",
                              "settings": {"url": "https://ops.example/canary-2"}})  # fmt: skip
    person(house, "olga", Role.OWNER)
    made = api("POST", "/keys", {"name": "ci", "scopes": ["*"]}).json
    export = api.get("/workspace/export")
    assert export.headers["content-type"] == "application/jsonl"
    lines = [json.loads(line) for line in export.text.splitlines()]
    rows = dict(lines)
    assert {"workspaces", "watches", "jobs", "channels", "keys", "members", "users"} <= set(rows)
    for secret in ("canary-1", made["key"], "hash", "sealed", api.token or "none"):
        assert secret not in export.text
    assert watch["id"] in export.text
    assert api("HEAD", "/workspace/export").status == 200


# --- the audit log ----------------------------------------------------------------------------


def test_what_is_done_is_noted_by_the_names_of_fields(api: Client, watch: Any) -> None:
    api("PATCH", f"/watches/{watch['id']}", {"description": "s3cret", "tags": ["t"]})
    api("DELETE", "/watches/nightly-backup")
    api("DELETE", "/watches/nightly-backup")  # refused: nothing was done
    log = api.get("/audit-log")
    told = [(one["operation"], one["object"], one["detail"]) for one in log.json["data"]]
    assert told == [
        ("watches.delete", "nightly-backup", {}),
        ("watches.change", watch["id"], {"fields": ["description", "tags"]}),
        ("watches.make", "nightly-backup", {"fields": ["name", "schedule"]}),
    ]
    assert "s3cret" not in log.text
    assert {(one["actor_kind"], one["actor"]) for one in log.json["data"]} == {("key", "test")}


def test_a_repeated_request_is_noted_once(api: Client) -> None:
    for _ in range(2):
        api("POST", "/watches", {"name": "W"}, headers={"idempotency-key": "k"})
    assert len(api.get("/audit-log").json["data"]) == 1


def test_the_audit_log_has_pages_and_comes_as_csv(api: Client) -> None:
    for name in ("A", "B", "C"):
        api("POST", "/watches", {"name": name})
    first = api.get("/audit-log", limit="2").json
    rest = api.get("/audit-log", limit="2", cursor=first["next_cursor"]).json
    assert [one["object"] for one in first["data"] + rest["data"]] == ["c", "b", "a"]
    assert rest["next_cursor"] is None
    whole = api.get("/audit-log", format="csv")
    assert whole.headers["content-type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(whole.text)))
    assert [line[6] for line in lines] == ["object", "", "c", "b", "a"]
    assert lines[2][7] == '{"fields": ["name"]}'


def test_exports_are_noted_and_their_heads_are_not(api: Client) -> None:
    for path in ("/workspace/export", "/audit-log?format=csv", "/instance-log?format=csv"):
        place, _, query = path.partition("?")
        form = {"format": "csv"} if query else {}
        assert api("HEAD", place, query=form).status == 200
        assert api.get(place, **form).status == 200
    told = [one["operation"] for one in api.get("/audit-log").json["data"]]
    assert told == ["audit_log.export", "workspace.export"]
    entry = api.get("/instance-log").json["data"][0]
    assert (entry["operation"], entry["workspace_id"]) == ("audit_log.export", None)


def test_admins_of_the_instance_read_the_whole_log(api: Client, house: House) -> None:
    admin, owner = person(house, "ada", admin=True), person(house, "olga", Role.OWNER)
    at = house.clock.now()
    other = house.write(lambda tx: workspaces.make(tx, "Other", at))
    key_of(house, owner, "*", workspace_id=other.id)("POST", "/watches", {"name": "Theirs"})
    api("POST", "/watches", {"name": "Ours"})
    ada, olga = key_of(house, admin, "*"), key_of(house, owner, "*")
    assert olga.get("/instance-log").status == 403
    assert [one["object"] for one in olga.get("/audit-log").json["data"]] == ["ours"]
    first = ada.get("/instance-log", limit="1").json
    rest = ada.get("/instance-log", limit="1", cursor=first["next_cursor"]).json
    told = [(one["workspace_id"], one["object"]) for one in first["data"] + rest["data"]]
    assert told == [(house.workspace.id, "ours"), (other.id, "theirs")]
    whole = ada.get("/instance-log", format="csv").text
    assert whole.splitlines()[0].endswith(",workspace_id")
    assert "theirs" in whole


def test_no_cell_of_the_csv_is_a_formula(api: Client, house: House) -> None:
    owner = person(house, "=1+1")
    key_of(house, owner, "*")("POST", "/keys", {"name": "=cmd()", "scopes": ["*"]})
    api("POST", "/channels", {"name": "x", "kind": "webhook", "settings": {"url": "http://x.y"}})
    assert ",=" not in api.get("/audit-log", format="csv").text


# --- the instance -----------------------------------------------------------------------------


def test_only_admins_of_the_instance_see_all_of_it(api: Client, house: House) -> None:
    admin, owner = person(house, "ada", admin=True), person(house, "olga", Role.OWNER)
    made = api("POST", "/workspaces", {"name": "Shop", "owner": owner.email})
    assert made.status == 201
    ada, olga = key_of(house, admin, "*"), key_of(house, owner, "*")
    for path in ("/users", "/workspaces", "/plans"):
        assert (ada.get(path).status, olga.get(path).status) == (200, 403)
    place = f"/workspaces/{made.json['id']}/plan"
    assert olga("PUT", place, {"plan": "pro"}).status == 403
    assert ada("PUT", place, {"plan": "pro"}).json["plan"] == "pro"
    assert ada("PUT", place, {"plan": "gold"}).faults.keys() == {"plan"}
    assert ada("PUT", "/workspaces/nine/plan", {"plan": "pro"}).status == 404


def test_people_are_shut_out_and_let_in(api: Client, house: House) -> None:
    admin, owner = person(house, "ada", admin=True), person(house, "olga", Role.OWNER)
    assert api("PATCH", f"/users/{admin.id}", {"disabled": True}).status == 409
    assert api("PATCH", f"/users/{owner.id}", {"disabled": True}).json["disabled_at"]
    assert api("PATCH", f"/users/{owner.id}", {"disabled": False}).json["disabled_at"] is None
    assert api("PATCH", f"/users/{owner.id}", {"admin": True}).json["admin"] is True
    assert "hash" not in api.get("/users").text
    assert api("PATCH", f"/users/{owner.id}", {"second_factor": True}).status == 422
    lost = {"second_factor": False, "end_sessions": True}
    assert api("PATCH", f"/users/{owner.id}", lost).json["second_factor"] is False
    assert [one["id"] for one in api.get("/users").json["data"]] == sorted([admin.id, owner.id])


def test_without_overreach_a_plan_bounds_the_keys(api: Client, house: House) -> None:
    house.write(lambda tx: workspaces.assign(tx, house.workspace.id, "free"))
    made = [api("POST", "/keys", {"name": "k", "scopes": ["*"]}).status for _ in range(10)]
    assert (made.count(201), made[-1]) == (9, 403)


def test_exports_take_turns_so_that_others_read_meanwhile(
    house: House, api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are four readers, and five exports that come to no end."""
    ended, under_way = Event(), Semaphore(0)

    def endless(*_: Any) -> Generator[str, None, None]:
        under_way.release()
        assert ended.wait(DEADLINE_S)
        yield ""

    monkeypatch.setattr(workspaces, "export", endless)

    async def beside() -> list[int]:
        exports = [asyncio.ensure_future(api.send("GET", "/workspace/export")) for _ in range(5)]
        await asyncio.to_thread(under_way.acquire)
        try:
            read = await asyncio.wait_for(house.services.door.aread(lambda _: 200), DEADLINE_S / 2)
        finally:
            ended.set()
        return [read, *(one.status for one in await asyncio.gather(*exports))]

    assert asyncio.run(beside()) == [200] * 6


def test_an_export_without_room_is_told(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written to /dev/full, as on a disk for temporary files that is."""
    for number in range(30):
        api("POST", "/watches", {"name": f"W {number}", "description": "d" * 900})
    full = partial(open, "/dev/full", "w+b")
    monkeypatch.setattr("dogwatch.web.aside.tempfile.TemporaryFile", full)
    refused = api.get("/workspace/export")
    assert refused.status == 503
    assert "No space left on device" in refused.json["detail"]
    made = api("POST", "/watches", {"name": "Later"}).json["id"]
    assert {api.get(f"/watches/{made}").status for _ in range(8)} == {200}
