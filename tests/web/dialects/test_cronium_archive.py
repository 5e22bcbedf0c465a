"""What Cronium's document leaves out and its server had: archive, downloads, uses, other names."""

import io
import json
import zipfile

import pytest

from tests.web.asgi_client import Client
from tests.web.dialects.conftest import Door
from tests.web.dialects.test_cronium import data_of, faults
from tests.web.dialects.test_cronium import made as event_made
from tests.web.dialects.test_cronium_workflows import graph, made


@pytest.fixture
def client(door: Door) -> Client:
    return door("cronium")


def test_a_workflow_is_archived_and_fetched_back(client: Client) -> None:
    workflow = made(client, status="ACTIVE")
    path = f"/api/workflows/{workflow['id']}/archive"
    assert data_of(client("POST", path))["workflow"]["status"] == "ARCHIVED"
    assert client.get("/api/workflows").json["workflows"] == []
    assert data_of(client("DELETE", path))["workflow"] == {**workflow, "status": "PAUSED",
                                                           "nextRunAt": None}  # fmt: skip
    assert client("POST", "/api/workflows/4711/archive").status == 404


def test_many_are_archived_at_once_and_those_that_cannot_be_are_named(client: Client) -> None:
    one, two, event = made(client)["id"], made(client)["id"], event_made(client)["id"]
    body = {"workflowIds": [one, two, event, 4711]}
    done = data_of(client("POST", "/api/workflows/bulk-archive", body))
    assert (done["archived"], done["workflowIds"]) == (2, [one, two])
    assert done["failed"] == [
        {"id": number, "error": f"Workflow with ID {number} not found"} for number in (event, 4711)
    ]
    assert client.get("/api/workflows").json["workflows"] == []
    wrong: list[dict[str, list[int]]] = [
        {}, {"workflowIds": []}, {"workflowIds": list(range(101))},
    ]  # fmt: skip
    for body in wrong:
        assert "workflowIds" in faults(client("POST", "/api/workflows/bulk-archive", body))


def test_the_workflows_of_an_event_are_listed(client: Client) -> None:
    parts = graph(client)
    used, lone = parts["nodes"][0]["eventId"], event_made(client, name="lone")["id"]
    body = {"name": "w", "triggerType": "MANUAL", **parts}
    workflow = data_of(client("POST", "/api/workflows", body), 201)["workflow"]
    found = data_of(client.get(f"/api/events/{used}/workflows"))
    assert found["workflows"] == [workflow]
    assert found["pagination"] == {"page": 1, "limit": 10, "total": 1, "pages": 1}
    assert data_of(client.get(f"/api/events/{lone}/workflows"))["workflows"] == []
    assert client.get(f"/api/events/{workflow['id']}/workflows").status == 404


def test_events_are_downloaded_as_json_or_as_a_zip_with_their_secrets_masked(
    client: Client,
) -> None:
    one = event_made(client, name="one", envVars={"A": "b"})
    two = event_made(client, name="two", type="PYTHON", script="print(1)", envVars={})
    whole = client("POST", "/api/events/download", {})
    assert whole.headers["content-disposition"] == 'attachment; filename="events.json"'
    assert sorted(whole.json, key=lambda event: event["id"]) == [one, two]
    assert one["envVars"][0]["value"] == "***"
    some = client("POST", "/api/events/download", {"eventIds": [two["id"]], "format": "zip"})
    assert some.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(some.body)) as folder:
        name = f"event-{two['id']}"
        assert folder.namelist() == [f"{name}.json", f"{name}.py"]
        assert json.loads(folder.read(f"{name}.json")) == two
        assert folder.read(f"{name}.py") == b"print(1)"
    assert client("POST", "/api/events/download", {"eventIds": [4711]}).status == 404
    assert faults(client("POST", "/api/events/download", {"format": "tar"}))["format"]


def test_run_is_execute_and_hooks_have_two_addresses(client: Client) -> None:
    event = event_made(client)
    done = data_of(client("POST", f"/api/events/{event['id']}/run", {"input": {"a": 1}}))
    assert done["execution"]["status"] == "running"
    workflow = made(client, triggerType="WEBHOOK", status="ACTIVE")
    stranger = Client(client.app, None, client.base)
    started = stranger("POST", f"/api/webhooks/{workflow['webhookKey']}", {"a": 1})
    assert data_of(started) == {"workflowId": workflow["id"]}


def test_who_gives_a_token_more_than_he_has_is_told_in_the_words_of_the_product(
    door: Door,
) -> None:
    own = door("cronium", "manage:keys", "read:watches", "read:jobs", "read:variables")
    refused = own("POST", "/api/tokens", {"name": "x", "permissions": ["WRITE"]})
    assert refused.status == 403
    assert refused.json["message"] == "nobody gives a key more than he may himself: write"
