"""Healthchecks' APIs as its manual and its clients state them."""

import asyncio
import hashlib
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from dogwatch.core.problems import Problem
from dogwatch.usecases import assigning, channels, numbered, watches, workspaces
from tests.web.asgi_client import Answer, Client
from tests.web.dialects.conftest import ON_BOTH, Door, House

BACKUPS = {"name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BOTH = [
    "name", "slug", "tags", "desc", "grace", "n_pings", "status", "started", "last_ping",
    "next_ping", "manual_resume", "methods", "subject", "subject_fail", "start_kw", "success_kw",
    "failure_kw", "filter_subject", "filter_body", "filter_http_body", "filter_default_fail",
    "badge_url",
]  # fmt: skip
WRITER = [*BOTH, "uuid", "ping_url", "update_url", "pause_url", "resume_url", "channels"]


@pytest.fixture
def client(door: Door) -> Client:
    return door("healthchecks")


def made(client: Client, **changes: Any) -> Any:
    answer = client("POST", "/api/v3/checks/", BACKUPS | changes)
    assert answer.status == 201, answer.text
    return answer.json


def shown(client: Client, check: Any) -> Any:
    return client.get(f"/api/v3/checks/{check['uuid']}").json


def ping(
    client: Client, check: Any, end: str = "", body: Any = None, method: str = "GET"
) -> Answer:
    return Client(client.app)(method, f"/ping/{check['uuid']}{end}", body)


def channel(house: House, name: str) -> str:
    vault, at = house.services.vault, house.clock.now()
    return house.write(
        lambda tx: (
            channels.add_channel(
                tx, house.workspace.id, name, "webhook", {"url": "https://x.example"}, {}, vault, at
            ).id
        )
    )


@ON_BOTH
def test_a_check_from_its_making_to_its_end(client: Client) -> None:
    check = made(client)
    assert list(check) == [*WRITER, "timeout"]
    assert UUID.fullmatch(check["uuid"])
    assert check["ping_url"] == f"http://dogwatch.test/hc/ping/{check['uuid']}"
    assert (check["status"], check["slug"], check["n_pings"]) == ("new", "backups", 0)
    place = urlsplit(check["update_url"]).path.removeprefix("/hc")
    changed = client("POST", place, {"schedule": "15 5 * * *", "tz": "Europe/Riga"})
    assert changed.status == 200
    assert (changed.json["schedule"], changed.json["tz"]) == ("15 5 * * *", "Europe/Riga")
    assert "timeout" not in changed.json
    gone = client("DELETE", place)
    assert (gone.status, gone.json["name"]) == (200, "Backups")
    assert client.get(place).status == 404
    assert ping(client, check).status == 404


@ON_BOTH
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_pings_are_answered_as_wrappers_expect(client: Client, house: House, method: str) -> None:
    check = made(client)
    answer = ping(client, check, method=method)
    assert answer.status == 200
    assert answer.body == (b"" if method == "HEAD" else b"OK")
    assert answer.headers["ping-body-limit"] == "10000"
    assert shown(client, check)["status"] == "up"
    for end, status in (("/fail", "down"), ("/0", "up"), ("/3", "down"), ("/log", "down")):
        house.clock.advance(1)
        assert ping(client, check, end).status == 200
        assert shown(client, check)["status"] == status


def test_only_what_is_judged_is_the_last_ping(client: Client, house: House) -> None:
    check = made(client)
    for end, last_ping in (
        ("/start", None), ("/log", None), ("", "12:00:02"), ("/log", "12:00:02"),
        ("/start", "12:00:02"), ("/fail", "12:00:05"),
    ):  # fmt: skip
        ping(client, check, end)
        told = shown(client, check)["last_ping"]
        assert told == (last_ping and f"2026-01-05T{last_ping}+00:00")
        house.clock.advance(1)


def test_senders_are_told_how_much_of_a_body_is_kept(door: Door) -> None:
    few = door("healthchecks", ping_body_limit_bytes=20)
    check = made(few)
    for end in ("", "/start", "/log", "/600"):
        assert ping(few, check, end, b"x" * 100).headers["ping-body-limit"] == "20"
    (first, *_) = few.get(f"/api/v3/checks/{check['uuid']}/pings/").json["pings"]
    kept = few.get(urlsplit(first["body_url"]).path.removeprefix("/hc")).text
    assert kept == f"{'x' * 10}\n[80 bytes dropped]\n{'x' * 10}"


def test_a_run_is_measured(client: Client, house: House) -> None:
    check = made(client)
    rid = "?rid=0c8983c9-9d73-446f-adb5-0641fdacc9d4"
    query = rid.removeprefix("?")
    named = dict([query.split("=")])
    Client(client.app)("GET", f"/ping/{check['uuid']}/start", query=named)
    assert shown(client, check)["started"] is True
    assert client.get(f"/api/v1/checks/{check['uuid']}").json["status"] == "started"
    house.clock.advance(42)
    Client(client.app)("POST", f"/ping/{check['uuid']}", b"done", query=named)
    found = shown(client, check)
    assert (found["started"], found["last_duration"]) == (False, 42)
    end, start = client.get(f"/api/v3/checks/{check['uuid']}/pings/").json["pings"]
    assert (start["type"], end["type"]) == ("start", "success")
    body = urlsplit(end["body_url"]).path.removeprefix("/hc")
    assert client.get(body).text == "done"
    assert start["body_url"] is None


@pytest.mark.parametrize(
    ("before", "status"), [("", "new"), ("/0", "up"), ("/fail", "down")], ids=["new", "up", "down"]
)
def test_the_first_version_has_started_in_the_place_of_any_state(
    client: Client, house: House, before: str, status: str
) -> None:
    """As the manual of v2 says of a check that is down and has been started."""
    check = made(client)
    if before:
        ping(client, check, before)
        house.clock.advance(1)
    ping(client, check, "/start")
    told = {
        version: client.get(f"/api/{version}/checks/{check['uuid']}").json
        for version in ("v1", "v2", "v3")
    }
    assert {version: one["status"] for version, one in told.items()} == {
        "v1": "started", "v2": status, "v3": status,
    }  # fmt: skip
    assert all(one["started"] for one in told.values())


@ON_BOTH
def test_each_end_of_a_run_is_logged_with_its_duration(
    client: Client, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the manual's sample: with a rid and without; not where nothing began."""
    check, pings = made(client), "/api/v3/checks/{uuid}/pings/"
    rid = {"rid": "123e4567-e89b-12d3-a456-426614174000"}
    for end, query in (("/start", {}), ("/start", rid), ("/fail", {}), ("/0", rid), ("", {})):
        Client(client.app)("GET", f"/ping/{check['uuid']}{end}", query=query)
        house.clock.advance(2.5)
    listed = client.get(pings.format(**check)).json["pings"]
    assert [one.get("duration") for one in listed] == [None, 5.0, 5.0, None, None]
    assert list(listed[1])[-4:] == ["rid", "duration", "exitstatus", "body_url"]
    # The start may stand before the page.
    monkeypatch.setattr("dogwatch.web.dialects.healthchecks.routes.MOST_PINGS", 2)
    assert client.get(pings.format(**check)).json["pings"] == listed[:2]


@pytest.mark.parametrize(("seconds", "shown_s"), [(0.4, 0), (41.9, 41), (42.0, 42)])
def test_a_duration_is_told_in_whole_seconds_that_have_passed(
    client: Client, house: House, seconds: float, shown_s: int
) -> None:
    check = made(client)
    ping(client, check, "/start")
    house.clock.advance(seconds)
    ping(client, check)
    assert shown(client, check)["last_duration"] == shown_s


def test_a_slug_that_is_taken_is_a_bad_field(client: Client) -> None:
    first, other = made(client, slug="mine"), made(client)
    told = {"error": "json validation error: slug is taken"}
    for path in ("/api/v3/checks/", f"/api/v3/checks/{other['uuid']}"):
        answer = client("POST", path, {"slug": "mine"})
        assert (answer.status, answer.json) == (400, told)
    assert client("POST", f"/api/v3/checks/{first['uuid']}", {"slug": "mine"}).status == 200


def test_a_key_and_a_slug_ping_too(client: Client, house: House) -> None:
    check, stranger = made(client), Client(client.app)
    key = house.workspace.ping_key
    numbered = made(client, name="2024")
    assert stranger.get(f"/ping/{key}/{numbered['slug']}").text == "OK"
    for mount in ("", "/hc"):
        assert stranger.get(f"{mount}/ping/{key}/backups").text == "OK"
    assert stranger("GET", f"/ping/{key}/fresh", query={"create": "1"}).status == 201
    assert stranger.get(f"/ping/{key}/none").status == 404
    assert shown(client, check)["n_pings"] == 2


def ups(house: House) -> dict[str, list[str]]:
    """Return by the slugs of watches the names of the channels that hear of them."""

    def found(tx: Any) -> dict[str, list[str]]:
        records = numbered.watch_page(tx, house.workspace.id, 1, 100).items
        names = {one.id: one.name for one in assigning.listed(tx, house.workspace.id)}
        heard = assigning.heard_by(tx, records)
        return {one.slug: sorted(names[own_id] for own_id in heard[one.id]) for one in records}

    return house.write(found)


@ON_BOTH
@pytest.mark.parametrize("end", ["", "/start", "/fail", "/log", "/3"])
def test_all_integrations_hear_of_a_check_that_a_ping_made(
    client: Client, house: House, end: str
) -> None:
    channel(house, "one")
    house.clock.advance(1)
    channel(house, "two")
    key, stranger = house.workspace.ping_key, Client(client.app)
    asked = {"create": "1"}
    made = stranger("POST", f"/hc/ping/{key}/fresh{end}", query=asked)
    assert (made.status, made.text) == (201, "Created")
    again = stranger("POST", f"/hc/ping/{key}/fresh{end}", query=asked)
    assert (again.status, again.text) == (200, "OK")
    assert stranger("GET", f"/ping/{key}/native", query=asked).status == 201
    assert ups(house) == {"fresh": ["one", "two"], "native": []}
    (check,) = client.get("/api/v3/checks/", slug="fresh").json["checks"]
    assert (check["timeout"], check["grace"], check["name"]) == (86_400, 3_600, "fresh")


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/ping/0c8983c9-9d73-446f-adb5-0641fdacc9d4", 404, "not found"),
        ("/ping/{}/600", 400, "invalid url format"),
        ("/hc/ping/short", 400, "invalid url format"),
    ],
)
def test_what_is_unknown_or_malformed_is_told(
    client: Client, path: str, status: int, told: str
) -> None:
    answer = Client(client.app).get(path.format(made(client)["uuid"]))
    assert (answer.status, answer.text) == (status, told)


@ON_BOTH
def test_lists_are_filtered_by_all_tags_and_by_slug(client: Client, house: House) -> None:
    for name, tags in (("One", "a b"), ("Two", "b"), ("Three", "")):
        made(client, name=name, tags=tags)
        house.clock.advance(1)

    def names(path: str) -> list[str]:
        base = f"{client.base}{path}"
        answer = Client(client.app, client.token, "", "x-api-key")("GET", base)
        return [one["name"] for one in answer.json["checks"]]

    assert names("/api/v3/checks/") == ["One", "Two", "Three"]
    assert names("/api/v1/checks") == ["One", "Two", "Three"]
    for query, found in (
        ({"tag": "b"}, ["One", "Two"]), ({"tag": ["b", "a"]}, ["One"]), ({"tag": "B"}, []),
        ({"slug": "two"}, ["Two"]), ({"slug": "two", "tag": "a"}, []), ({"slug": "none"}, []),
    ):  # fmt: skip
        answer = client("GET", "/api/v2/checks/", query=query)
        assert [one["name"] for one in answer.json["checks"]] == found, query


@ON_BOTH
def test_what_is_unique_is_changed_and_not_made_again(client: Client) -> None:
    first = made(client, unique=["name"])
    again = client("POST", "/api/v3/checks/", BACKUPS | {"unique": ["name"], "grace": 120})
    assert (again.status, again.json["uuid"], again.json["grace"]) == (200, first["uuid"], 120)
    other = client("POST", "/api/v3/checks/", BACKUPS | {"unique": ["name", "grace"]})
    assert other.status == 201
    # What was not sent can't be the same.
    assert client("POST", "/api/v3/checks/", {"unique": ["name"]}).status == 201
    assert client("POST", "/api/v3/checks/", {"unique": ["name"]}).status == 201
    tags = {"tags": "www  prod", "unique": ["tags"]}
    first = client("POST", "/api/v3/checks/", tags)
    again = client("POST", "/api/v3/checks/", tags)
    assert (again.status, again.json["uuid"]) == (200, first.json["uuid"])


@ON_BOTH
def test_rivals_make_what_is_unique_once(client: Client) -> None:
    """As a play that runs on many hosts asks for the same check from each."""

    async def many() -> list[Answer]:
        asked = BACKUPS | {"unique": ["name"]}
        return await asyncio.gather(
            *(client.send("POST", "/api/v3/checks/", asked) for _ in range(8))
        )

    answers = asyncio.run(many())
    assert sorted(one.status for one in answers) == [200] * 7 + [201]
    assert len({one.json["uuid"] for one in answers}) == 1


@pytest.mark.parametrize("names", [["slug"], ["tags"], ["timeout"], ["grace"], ["name", "tags"]])
def test_each_field_may_be_unique(client: Client, names: list[str]) -> None:
    sent = BACKUPS | {"slug": "mine"}
    first = made(client, slug="mine")
    assert made(client, name="Other", tags="x", timeout=60, grace=90)
    again = client("POST", "/api/v3/checks/", sent | {"unique": names, "desc": "again"})
    assert (again.status, again.json["uuid"]) == (200, first["uuid"])
    assert again.json["desc"] == "again"


@pytest.mark.parametrize(
    ("sent", "shown", "next_ping"),
    [
        ({}, {"timeout": 86_400}, "2026-01-06T12:00:00"),
        ({"timeout": 300}, {"timeout": 300}, "2026-01-05T12:05:00"),
        ({"schedule": "0,30 * * * *"}, {"schedule": "0,30 * * * *", "tz": "UTC"},
         "2026-01-05T12:30:00"),
        ({"schedule": "*-*~1 12:00", "tz": "Europe/Riga"},
         {"schedule": "*-*~1 12:00", "tz": "Europe/Riga"}, "2026-01-31T10:00:00"),
        ({"schedule": "15 5 * * *", "timeout": 300}, {"schedule": "15 5 * * *", "tz": "UTC"},
         "2026-01-06T05:15:00"),
    ],
)  # fmt: skip
def test_a_period_a_cron_line_or_a_calendar_says_when(
    client: Client, sent: Any, shown: Any, next_ping: str
) -> None:
    """And a period takes the place of a line again, where no line is sent with it."""
    check = client("POST", "/api/v3/checks/", sent).json
    assert {name: check[name] for name in list(check) if name in ("timeout", "schedule", "tz")} == (
        shown
    )
    path = f"/api/v3/checks/{check['uuid']}"
    ping(client, check)
    assert client.get(path).json["next_ping"] == f"{next_ping}+00:00"
    assert client("POST", path, {"timeout": 600}).json["timeout"] == 600
    assert "schedule" not in client.get(path).json


def test_the_limit_of_checks_is_told(client: Client, house: House) -> None:
    house.write(lambda tx: workspaces.assign(tx, house.workspace.id, "free"))
    limit = 25
    for number in range(limit):
        made(client, name=f"c{number}")
    for version in ("v1", "v2", "v3"):
        refused = client("POST", f"/api/{version}/checks/", BACKUPS)
        assert (refused.status, list(refused.json)) == (403, ["error"])
    same = client("POST", "/api/v3/checks/", {"name": "c1", "unique": ["name"]})
    assert same.status == 200
    assert len(client.get("/api/v3/checks/").json["checks"]) == limit


def test_a_check_without_a_name_has_none(client: Client) -> None:
    check = client("POST", "/api/v3/checks/", {}).json
    assert (check["name"], check["timeout"], check["grace"]) == ("", 86_400, 3_600)
    path = f"/api/v3/checks/{check['uuid']}"
    assert client("POST", path, {"name": "Named"}).json["name"] == "Named"
    assert client("POST", path, {"desc": "x"}).json["name"] == "Named"
    assert client("POST", path, {"name": ""}).json["name"] == ""


def test_the_first_versions_make_slugs_of_names(client: Client) -> None:
    check = made(client)
    for version, name, slug in (("v3", "New", "backups"), ("v2", "New One", "new-one"),
                                ("v1", "Old", "old"), ("v1", "Old", "old")):  # fmt: skip
        path = f"/api/{version}/checks/{check['uuid']}"
        assert client("POST", path, {"name": name}).json["slug"] == slug
    mine = {"name": "Other", "slug": "mine"}
    assert client("POST", f"/api/v1/checks/{check['uuid']}", mine).json["slug"] == "mine"


def test_subjects_are_keywords_of_old(client: Client) -> None:
    names = ("subject", "subject_fail", "success_kw", "failure_kw", "filter_subject")

    def words(sent: Any) -> list[Any]:
        said = client("POST", f"/api/v3/checks/{check['uuid']}", sent).json
        return [said[name] for name in names]

    check = made(client, subject="OK")
    assert words({"subject_fail": "ERR"}) == ["OK", "ERR", "OK", "ERR", True]
    assert words({"filter_subject": False}) == ["", "", "OK", "ERR", False]
    assert words({"subject": "", "subject_fail": ""}) == ["", "", "", "", False]


@ON_BOTH
def test_integrations_are_assigned(client: Client, house: House) -> None:
    first = channel(house, "Email to Alice")
    house.clock.advance(1)
    second = channel(house, "SMS")
    listed = client.get("/api/v3/channels/").json["channels"]
    assert listed[0] == {"id": first, "name": "Email to Alice", "kind": "webhook"}
    assert made(client)["channels"] == ""
    assert set(made(client, channels="*")["channels"].split(",")) == {first, second}
    named = made(client, channels="Email to Alice")
    assert named["channels"] == first
    path = f"/api/v3/checks/{named['uuid']}"
    assert client("POST", path, {"channels": second}).json["channels"] == second
    assert client("POST", path, {"channels": ""}).json["channels"] == ""
    for wrong, told in (
        ("nobody", "invalid channel identifier: nobody"),
        (f"{first}, SMS", "invalid channel identifier:  SMS"),
        (f"{first},", "empty channel identifier"),
    ):
        answer = client("POST", path, {"channels": wrong})
        assert (answer.status, answer.json) == (400, {"error": told})


def test_pausing_lasts_until_a_ping_or_by_hand(client: Client) -> None:
    easy, strict = made(client), made(client, manual_resume=True)
    for check in (easy, strict):
        path = f"/api/v3/checks/{check['uuid']}"
        assert client("POST", f"{path}/resume").status == 409
        assert client("POST", f"{path}/pause").json["status"] == "paused"
        assert ping(client, check, "/log").status == 200
        assert shown(client, check)["status"] == "paused"
        assert ping(client, check).status == 200
    assert shown(client, easy)["status"] == "up"
    assert shown(client, strict)["status"] == "paused"
    resumed = client("POST", f"/api/v3/checks/{strict['uuid']}/resume")
    assert (resumed.status, resumed.json["status"]) == (200, "new")


@ON_BOTH
def test_what_is_resumed_is_new(client: Client, house: House) -> None:
    check = made(client)
    path = f"/api/v3/checks/{check['uuid']}"
    ping(client, check, "/fail")
    assert shown(client, check)["status"] == "down"
    client("POST", f"{path}/pause")
    resumed = client("POST", f"{path}/resume").json
    assert (resumed["status"], resumed["last_ping"], resumed["next_ping"]) == ("new", None, None)
    house.clock.advance(86_400)
    house.write(lambda tx: watches.lapse(tx, house.clock.now()))
    assert shown(client, check)["status"] == "new"
    ping(client, check)
    assert shown(client, check)["status"] == "up"


def test_a_run_that_outlasts_the_grace_is_down(client: Client, house: House) -> None:
    check = made(client)
    ping(client, check, "/start")
    house.clock.advance(61)
    house.write(lambda tx: watches.lapse(tx, house.clock.now()))
    for version in ("v1", "v2", "v3"):
        found = client.get(f"/api/{version}/checks/{check['uuid']}").json
        assert (found["status"], found["started"]) == ("down", False)
    longer = client("POST", f"/api/v3/checks/{check['uuid']}", {"grace": 600}).json
    assert longer["grace"] == 600
    (record,) = house.write(lambda tx: numbered.watch_page(tx, house.workspace.id, 1, 9)).items
    assert record.watch.plan.finish_by_s == 600


KEYWORDS = {"failure_kw": "ERROR, Oops", "success_kw": "done", "start_kw": "begin"}


@pytest.mark.parametrize(
    ("rules", "method", "body", "told"),
    [
        ({}, "POST", b"ERROR", "success"),
        ({"filter_http_body": True}, "POST", b"done, with an error", "fail"),
        ({"filter_http_body": True}, "POST", b"all DONE, now begin", "success"),
        ({"filter_http_body": True}, "POST", b"begin", "start"),
        ({"filter_http_body": True}, "POST", b"nothing", "ign"),
        ({"filter_http_body": True}, "GET", None, "ign"),
        ({"filter_http_body": True, "filter_default_fail": True}, "POST", b"nothing", "fail"),
        ({"filter_http_body": True, "methods": "POST"}, "GET", None, "ign"),
    ],
)
def test_words_in_a_body_say_what_a_ping_means(
    client: Client, rules: dict[str, Any], method: str, body: bytes | None, told: str
) -> None:
    check = made(client, **KEYWORDS, **rules)
    assert ping(client, check, body=body, method=method).status == 200
    (logged,) = client.get(f"/api/v3/checks/{check['uuid']}/pings/").json["pings"]
    assert logged["type"] == told


def test_silence_passes_grace_and_is_down(client: Client, house: House) -> None:
    check = made(client)
    ping(client, check)

    def after(seconds: int) -> Any:
        house.clock.advance(seconds)
        house.write(lambda tx: watches.lapse(tx, house.clock.now()))
        return shown(client, check)

    assert after(3599)["status"] == "up"
    late = after(2)
    assert (late["status"], late["next_ping"]) == ("grace", "2026-01-05T13:00:00+00:00")
    down = after(60)
    assert (down["status"], down["next_ping"]) == ("down", None)
    flips = client.get(f"/api/v3/checks/{check['uuid']}/flips/").json["flips"]
    assert [one["up"] for one in flips] == [0, 1]
    assert flips[1]["timestamp"] == "2026-01-05T12:00:00+00:00"
    few = client.get(f"/api/v3/checks/{check['uuid']}/flips/", seconds=60).json["flips"]
    assert [one["up"] for one in few] == [0]
    path, went_up = f"/api/v3/checks/{check['uuid']}/flips/", 1_767_614_400
    for asked, ups in (
        ({"seconds": 1}, [0]), ({"start": went_up}, [0, 1]), ({"start": went_up + 1}, [0]),
        ({"end": went_up}, []), ({"end": went_up + 1}, [1]),
        ({"end": went_up + 1, "seconds": 60}, []),
    ):  # fmt: skip
        assert [one["up"] for one in client.get(path, **asked).json["flips"]] == ups, asked
    for wrong, told in (
        ({"seconds": -1}, "seconds is too small"), ({"seconds": "x"}, "seconds is not a number"),
        ({"start": "1.5"}, "start is not a number"), ({"end": 10**11}, "end is too large"),
        ({"end": "9" * 9_000}, "end is too large"),
    ):  # fmt: skip
        refused = client.get(path, **wrong)
        assert refused.status == 400
        assert refused.json == {"error": f"invalid query parameters: {told}"}


def test_who_only_reads_is_told_no_addresses(door: Door, client: Client) -> None:
    check = made(client)
    ping(client, check)
    reader = door("healthchecks", "read:watches")
    (found,) = reader.get("/api/v3/checks/").json["checks"]
    assert set(found) == {*BOTH, "unique_key", "timeout"}
    key = found["unique_key"]
    assert re.fullmatch(r"[0-9a-f]{40}", key)
    assert reader.get(f"/api/v3/checks/{key}").json["unique_key"] == key
    assert reader.get(f"/api/v3/checks/{key}/flips/").status == 200
    assert reader.get(f"/api/v3/checks/{'0' * 40}").status == 404
    own = f"/api/v3/checks/{check['uuid']}"
    for method, path in (
        ("POST", "/api/v3/checks/"), ("POST", own), ("DELETE", own), ("POST", f"{own}/pause"),
        ("GET", f"{own}/pings/"), ("GET", f"{own}/pings/1/body"), ("GET", "/api/v3/channels/"),
    ):  # fmt: skip
        refused = reader(method, path, BACKUPS if method == "POST" else None)
        assert (refused.status, refused.json) == (401, {"error": "wrong api key"}), path
    assert reader.get("/api/v3/badges/").status == 200


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/v3/checks/", "GET, POST, OPTIONS"),
        ("/api/v1/checks/{uuid}", "DELETE, GET, POST, OPTIONS"),
        ("/api/v2/checks/{uuid}/pause", "POST, OPTIONS"),
        ("/api/v3/checks/{uuid}/flips/", "GET, OPTIONS"),
    ],
)
def test_pages_of_others_may_ask(client: Client, path: str, methods: str) -> None:
    place = path.format(uuid=made(client)["uuid"])
    asked = Client(client.app, None, client.base)("OPTIONS", place)
    for answer in (asked, client("GET", place), client("PATCH", place), client.get("/api/v3/x")):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-headers"] == "X-Api-Key"
        assert answer.headers["access-control-max-age"] == "600"
    assert (asked.status, asked.text) == (204, "")
    assert asked.headers["access-control-allow-methods"] == methods


def test_a_unique_key_is_a_hash_of_half_of_the_uuid(door: Door, client: Client) -> None:
    half = made(client)["uuid"].replace("-", "")[:16]
    (found,) = door("healthchecks", "read:watches").get("/api/v3/checks/").json["checks"]
    assert found["unique_key"] == hashlib.sha1(half.encode()).hexdigest()


def test_the_key_may_stand_in_the_body(client: Client) -> None:
    body = BACKUPS | {"api_key": client.token}
    stranger = Client(client.app, None, client.base)
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert stranger("POST", "/api/v1/checks/", body, headers=form).status == 201
    assert stranger("POST", "/api/v1/checks/", BACKUPS).json == {"error": "missing api key"}
    wrong = stranger("POST", "/api/v1/checks/", body | {"api_key": "x" * 32})
    assert (wrong.status, wrong.json) == (401, {"error": "wrong api key"})


def test_a_get_with_a_body_is_a_get(client: Client) -> None:
    assert client("GET", "/api/v3/checks/", b"null").status == 200


def test_badges_show_what_is_worst_to_who_has_their_address(client: Client, house: House) -> None:
    check = made(client, tags="prod")
    ping(client, check)
    listed = client.get("/api/v3/badges/").json["badges"]
    assert list(listed) == ["prod", "*"]
    assert list(listed["*"]) == ["svg", "svg3", "json", "json3", "shields", "shields3"]
    stranger = Client(client.app)

    def badge(form: str) -> Answer:
        return stranger.get(urlsplit(listed["prod"][form]).path)

    assert badge("json").json == {"status": "up", "total": 1, "grace": 0, "down": 0}
    house.clock.advance(3_601)
    states = [badge(form).json for form in ("json", "json3", "shields", "shields3")]
    assert [one.get("status") or one["message"] for one in states] == ["up", "late", "up", "late"]
    assert (states[1]["grace"], states[3]["color"]) == (1, "important")
    ping(client, check, "/fail")
    assert badge("json").json["status"] == badge("json3").json["status"] == "down"
    assert badge("shields").json["color"] == "critical"
    assert "prod: down" in badge("svg").text
    mine = urlsplit(check["badge_url"]).path
    assert "Backups: down" in stranger.get(mine).text
    assert stranger.get(mine.replace("/badge/1/", "/badge/2/")).status == 404
    assert stranger.get("/hc/badge/1/wrong-2.svg").status == 404


WRONG: dict[str, list[Any]] = {
    "name": [None, 5, "x" * 101],
    "slug": [None, 5, "Upper case", "x" * 65, "7"],
    "tags": [None, 5, ["a"], "x" * 501],
    "timeout": [None, "5", 59, 31_536_001, 60.5, True],
    "grace": [None, "5", 59, 31_536_001],
    "schedule": [None, 5, "", "61 * * * *", "x" * 300],
    "tz": [None, 5, "Mars/Olympus"],
    "manual_resume": [None, "yes", 1],
    "methods": [None, "PUT"],
    "unique": [None, "name", ["status"]],
    "channels": [5, None],
}


@pytest.mark.parametrize(
    ("field", "value"), [(name, value) for name, many in WRONG.items() for value in many], ids=repr
)
def test_a_bad_field_is_told_and_changes_nothing(client: Client, field: str, value: Any) -> None:
    check = made(client)
    before = shown(client, check)
    for path in ("/api/v3/checks/", f"/api/v3/checks/{check['uuid']}"):
        if path.endswith("checks/") or field != "unique":
            answer = client("POST", path, BACKUPS | {field: value})
            assert (answer.status, list(answer.json)) == (400, ["error"]), answer.text
            assert answer.json["error"].startswith("json validation error: ")
    assert shown(client, check) == before


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("name", 5, "is not a string"),
        ("name", None, "is not a string"),
        ("name", "x" * 101, "is too long"),
        ("slug", "Upper case", "does not match pattern"),
        ("timeout", "5", "is not a number"),
        ("timeout", 59, "is too small"),
        ("grace", 31_536_001, "is too large"),
        ("schedule", "61 * * * *", "is not a valid cron or OnCalendar expression"),
        ("schedule", "*-*-40", "is not a valid cron or OnCalendar expression"),
        ("tz", "Mars/Olympus", "is not a valid timezone"),
        ("manual_resume", "yes", "is not a boolean"),
        ("methods", "PUT", "has unexpected value"),
        ("unique", "name", "is not an array"),
        ("channels", None, "is not a string"),
    ],
)
def test_faults_are_told_in_its_words(client: Client, field: str, value: Any, told: str) -> None:
    answer = client("POST", "/api/v3/checks/", {field: value})
    assert answer.json == {"error": f"json validation error: {field} {told}"}


def test_the_fault_of_an_item_is_told_as_such(client: Client) -> None:
    answer = client("POST", "/api/v3/checks/", {"unique": ["status"]})
    told = "json validation error: an item in 'unique' has unexpected value"
    assert answer.json == {"error": told}


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 200_000])
def test_a_body_that_cannot_be_read_is_told(client: Client, body: bytes) -> None:
    answer = client("POST", "/api/v3/checks/", body)
    assert (answer.status, answer.json) == (400, {"error": "could not parse request body"})


@pytest.mark.parametrize("path", ["/api/v4/checks/", "/api/v3/nothing", "/api/v3/checks/x/pause/x"])
def test_what_is_not_there_is_told(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status, answer.json) == (404, {"error": "not found"})


@ON_BOTH
def test_a_check_that_takes_post_alone_ignores_others(client: Client, house: House) -> None:
    check = made(client, methods="POST", slug="strict")
    by_slug = f"/hc/ping/{house.workspace.ping_key}/{check['slug']}"
    stranger = Client(client.app)
    for method, path in (("GET", f"/ping/{check['uuid']}"), ("HEAD", by_slug), ("GET", by_slug)):
        assert stranger(method, path).status == 200
    assert shown(client, check)["status"] == "new"
    assert stranger("POST", by_slug).text == "OK"
    assert shown(client, check)["status"] == "up"
    stranger.get(f"/ping/{check['uuid']}/fail")
    assert shown(client, check)["status"] == "up"
    pings = client.get(f"/api/v3/checks/{check['uuid']}/pings/").json["pings"]
    assert [one["type"] for one in pings] == ["ign", "success", "ign", "ign", "ign"]


def test_a_paused_check_goes_on_by_its_slug_too(client: Client, house: House) -> None:
    check = made(client)
    client("POST", f"/api/v3/checks/{check['uuid']}/pause")
    Client(client.app).get(f"/hc/ping/{house.workspace.ping_key}/{check['slug']}")
    assert shown(client, check)["status"] == "up"


def test_whether_the_database_is_there_is_told_without_a_key(client: Client) -> None:
    for version in ("v1", "v2", "v3"):
        for end in ("", "/"):
            answer = Client(client.app).get(f"/hc/api/{version}/status{end}")
            assert (answer.status, answer.text) == (200, "OK")


class Away:
    """A door to a database that is not there."""

    async def aread(self, *_: object, **__: object) -> None:
        raise Problem("away", "the database is away")


def test_that_the_database_is_away_is_told_without_a_key(door: Door) -> None:
    client = door("healthchecks", door=Away())
    assert Client(client.app).get("/hc/api/v3/status/").status == 500
