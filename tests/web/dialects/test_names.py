"""What the APIs of other products call a watch is shown in our own, to those who may know."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from dogwatch.cli import dialect as command
from dogwatch.cli.client import Answer
from dogwatch.core.dialects import DIALECTS
from dogwatch.web.app import build
from dogwatch.web.dialects import TONGUES
from tests.cli.stub import Here
from tests.web.asgi_client import Client
from tests.web.dialects.conftest import Door, House


def names(api: Client, watch: str) -> Any:
    answer = api.get(f"/watches/{watch}/dialects")
    assert answer.status == 200, answer.text
    return {one["dialect"]: one for one in answer.json["data"]}


def test_the_nine_characters_of_a_cronpulse_job_are_shown(door: Door, house: House) -> None:
    client, api = door("cronpulse"), house.client("*")
    project = client("POST", "/api/v1/projects", {"name": "P", "url": "https://x.example"}).json
    new = {"name": "x", "projectId": project["id"], "url": "https://x.example", "method": "GET",
           "schedule": "0 2 * * *"}  # fmt: skip
    job = client("POST", "/api/v1/jobs", new).json
    number = door("cronbeats").get("/api/v1/jobs").json["data"][0]["id"]
    found = names(api, "x")
    assert list(found) == ["cronbeats", "cronpulse"]
    assert found["cronbeats"]["id"] == str(number)
    pulse = found["cronpulse"]
    assert (pulse["product"], pulse["id"], len(pulse["ping_key"])) == ("CronPulse", job["id"], 9)
    assert pulse["ping_url"] == f"http://dogwatch.test/cronpulse/api/ping/{pulse['ping_key']}"
    path = pulse["ping_url"].removeprefix("http://dogwatch.test")
    assert Client(client.app)("GET", path).json == {"success": True}
    hidden = names(house.client("read:watches"), "x")["cronpulse"]
    assert (hidden["id"], hidden["ping_key"], hidden["ping_url"]) == (job["id"], None, None)


def test_what_nobody_asked_for_has_no_names(api: Client, watch: Any) -> None:
    assert names(api, watch["slug"]) == {}
    assert api.get("/watches/nothing/dialects").status == 404


def test_a_dialect_on_a_host_of_its_own_links_its_documents_there(house: House) -> None:

    hosts = {"cronowl": "owl.example.org"}
    client = Client(build(replace(house.services, dialect_hosts=hosts)))
    own = client("GET", "/", headers={"host": "owl.example.org"})
    assert 'href="/api/v1/openapi.json"' in own.text
    for path in ("/style.css", "/api/v1/openapi.json"):
        assert client("GET", path, headers={"host": "owl.example.org"}).status == 200
    assert 'href="/cronowl/api/v1/openapi.json"' in client("GET", "/cronowl").text


@pytest.mark.parametrize("name", [tongue.name for tongue in TONGUES])
def test_a_dialect_proves_itself_at_its_prefix_and_at_a_host_of_its_own(
    door: Door, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = door(name, dialect_hosts={name: "own.example.org"})

    def ask(method: str, url: str, headers: Any, body: bytes | None, _: Any) -> Answer:
        place = urlsplit(url)
        given = {key.lower(): value for key, value in headers.items()} | {"host": place.netloc}
        query = dict(one.split("=") for one in place.query.split("&") if one)
        answer = Client(client.app)(method, place.path, body, query=query, headers=given)
        return Answer(answer.status, answer.body)

    monkeypatch.setattr(command, "ask", ask)
    for base in (f"http://dogwatch.test/{DIALECTS[name].mount}", "http://own.example.org"):
        done = Here(capsys)("dialect", "check", name, "--key", client.token or "", "--url", base)
        assert done.returncode == 0, done.stdout
        count = len(done.stdout.splitlines()) - 2
        assert f"{count} of {count} as documented" in done.stdout
