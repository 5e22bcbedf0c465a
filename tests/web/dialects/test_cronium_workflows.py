"""Workflows as Cronium states them: graphs, executions, webhooks, faults."""

import asyncio
from typing import Any

import pytest

from dogwatch.usecases import workflows
from tests.web.asgi_client import Client
from tests.web.dialects.conftest import ON_BOTH, Door, House
from tests.web.dialects.test_cronium import data_of, faults
from tests.web.dialects.test_cronium import made as event_made

WORKFLOW = [
    "id", "userId", "name", "description", "triggerType", "webhookKey", "scheduleNumber",
    "scheduleUnit", "customSchedule", "startTime", "timezone", "runLocation",
    "overrideEventServers", "overrideServerIds", "status", "shared", "tags", "lastRunAt",
    "nextRunAt", "createdAt", "updatedAt", "nodes", "edges",
]  # fmt: skip
EXECUTION = [
    "id", "workflowId", "userId", "status", "triggerType", "startedAt", "completedAt",
    "totalDuration", "totalEvents", "successfulEvents", "failedEvents", "executionData",
    "progress",
]  # fmt: skip


@pytest.fixture
def client(door: Door) -> Client:
    return door("cronium")


def graph(client: Client) -> dict[str, Any]:
    """Return a graph of two new events, one in each spelling."""
    one, two = event_made(client, name="one")["id"], event_made(client, name="two")["id"]
    return {
        "nodes": [
            {"id": "node-1", "eventId": one, "position": {"x": 1, "y": 2.5}},
            {"id": "node-2", "type": "eventNode", "data": {"eventId": two, "label": "x"}},
        ],
        "edges": [
            {"id": "e", "source": "node-1", "target": "node-2", "connectionType": "on_failure"},
            {"source": "node-1", "target": "node-2", "data": {"connectionType": "ON_SUCCESS"}},
        ],
    }


def made(client: Client, **changes: Any) -> Any:
    body = {"name": "w", "triggerType": "MANUAL", **graph(client), **changes}
    return data_of(client("POST", "/api/workflows", body), 201)["workflow"]


@ON_BOTH
def test_a_workflow_from_its_making_to_its_end(client: Client, house: House) -> None:
    workflow = made(client, status="ACTIVE")
    assert list(workflow) == WORKFLOW
    assert [list(node) for node in workflow["nodes"]] == [["id", "eventId", "position", "data"]] * 2
    assert str(workflow["nodes"][0]["position"]) == "{'x': 1, 'y': 2.5}"  # as it was sent
    assert [edge["connectionType"] for edge in workflow["edges"]] == ["ON_FAILURE", "ON_SUCCESS"]
    assert [edge["data"]["connectionType"] for edge in workflow["edges"]] == [
        "ON_FAILURE", "ON_SUCCESS",
    ]  # fmt: skip
    path = f"/api/workflows/{workflow['id']}"
    assert data_of(client.get(path)) == {"workflow": workflow}
    assert data_of(client.get("/api/workflows"))["workflows"] == [workflow]
    for method in ("PUT", "PATCH"):
        assert data_of(client(method, path, workflow))["workflow"] == workflow
    stored = house.write(lambda tx: workflows.find(tx, house.workspace.id, "w"))
    assert len(house.write(lambda tx: workflows.versions(tx, stored, 10))) == 1
    execution = data_of(client("POST", f"{path}/execute", {"input": {"a": 1}}))["execution"]
    assert list(execution) == ["id", "workflowId", "status", "startedAt", "input", "progress"]
    assert execution["id"].startswith("wf_exec_")
    assert execution["progress"] == {"completedNodes": 0, "totalNodes": 2, "currentNode": None}
    listed = data_of(client.get(f"{path}/executions"))
    assert data_of(client.get("/api/workflows/executions")) == listed
    (shown,) = listed["executions"]
    assert list(shown) == EXECUTION
    assert (shown["id"], shown["status"]) == (execution["id"], "PENDING")
    whole = data_of(client.get(f"{path}/executions/{execution['id']}"))["execution"]
    assert whole == {**shown, "events": []}
    assert data_of(client("DELETE", path)) == {}
    assert client.get(path).json["message"] == f"Workflow with ID {workflow['id']} not found"
    assert len(client.get("/api/events").json["events"]) == 2


def test_a_body_without_input_is_itself_the_input(client: Client) -> None:
    path = f"/api/workflows/{made(client)['id']}/execute"
    assert client("POST", path, {"a": [1]}).json["execution"]["input"] == {"a": [1]}


@pytest.mark.parametrize(
    ("sent", "shown", "next_at"),
    [
        ({"triggerType": "SCHEDULED", "scheduleNumber": 2, "scheduleUnit": "HOURS"},
         ("SCHEDULE", 2, None), "2026-01-05T14:00:00Z"),
        ({"triggerType": "schedule", "customSchedule": "*/10 * * * * *"},
         ("SCHEDULE", 1, "*/10 * * * * *"), "2026-01-05T12:00:10Z"),
        ({"triggerType": "MANUAL"}, ("MANUAL", 1, None), None),
    ],
)  # fmt: skip
def test_a_schedule_starts_it(
    client: Client, sent: Any, shown: tuple[Any, ...], next_at: str | None
) -> None:
    workflow = made(client, status="ACTIVE", **sent)
    names = ("triggerType", "scheduleNumber", "customSchedule")
    assert tuple(workflow[name] for name in names) == shown
    assert (workflow["nextRunAt"], workflow["webhookKey"]) == (next_at, None)


@ON_BOTH
def test_a_webhook_starts_it_with_what_was_sent(client: Client, door: Door, house: House) -> None:
    workflow = made(client, triggerType="webhook", status="ACTIVE")
    assert len(workflow["webhookKey"]) == 16
    stranger, hook = Client(client.app, None, client.base), "/api/workflows/webhook/"
    for body in ({"a": 1}, b"plain words", None):
        answer = stranger("POST", hook + workflow["webhookKey"], body)
        assert data_of(answer) == {"workflowId": workflow["id"]}
        house.clock.advance(1)
    path = f"/api/workflows/{workflow['id']}"
    shown = client.get(f"{path}/executions").json["executions"]
    assert [one["executionData"]["inputData"] for one in shown] == [{}, "plain words", {"a": 1}]
    assert {one["triggerType"] for one in shown} == {"WEBHOOK"}
    reader = door("cronium", "read:jobs")
    assert reader.get(path).json["workflow"]["webhookKey"] is None
    own = client("PATCH", path, {"webhookKey": "A" * 20}).json["workflow"]
    assert own["webhookKey"] == "A" * 20
    gone = stranger("POST", hook + workflow["webhookKey"], {})
    assert (gone.status, gone.json["message"]) == (404, "Webhook not found")
    client("PATCH", path, {"status": "PAUSED"})
    assert faults(stranger("POST", hook + "A" * 20, {}))["status"]
    assert stranger.get(hook + "A" * 20).status == 405
    client("PATCH", path, {"triggerType": "MANUAL", "status": "ACTIVE"})
    assert stranger("POST", hook + "A" * 20, {}).status == 404


def test_archived_ones_are_shown_if_that_is_asked_for(client: Client) -> None:
    workflow = made(client)
    assert workflow["status"] == "DRAFT"
    client("PATCH", f"/api/workflows/{workflow['id']}", {"status": "archived"})
    assert client.get("/api/workflows").json["workflows"] == []
    every = client.get("/api/workflows", includeArchived="true").json
    assert [one["status"] for one in every["workflows"]] == ["ARCHIVED"]


def _node(**changes: Any) -> Any:
    return {"id": "a", "eventId": 1} | changes


WRONG: dict[str, list[Any]] = {
    "name": [None, "", "x" * 201, 5, "a\0", "\ud800"],
    "triggerType": ["", "EMAIL", 5],
    "status": ["asleep", 5, None],
    "customSchedule": ["x", "every 5m", 5],
    "scheduleNumber": [0, -1, "5", 1.5, 10**12],
    "scheduleUnit": ["WEEKS", 5],
    "webhookKey": ["short", 5, "x" * 65, "a b" * 8],
    "runLocation": ["REMOTE", 5],
    "overrideEventServers": [True],
    "overrideServerIds": [[1]],
    "nodes": ["x", [5], [{}], [_node(id="")], [_node(id="a b")], [_node(eventId="x")],
              [_node(eventId=987654321)], [_node(position="x")], [_node(position={"x": "a"})],
              [_node(), _node()], [_node(id=f"n{n}") for n in range(201)]],
    "edges": ["x", [5], [{}], [{"source": "node-1", "target": "nowhere"}],
              [{"source": "node-1", "target": "node-1"}],
              [{"source": "node-1", "target": "node-2"}, {"source": "node-2", "target": "node-1"}],
              [{"source": "node-1", "target": "node-2", "connectionType": "MAYBE"}]],
}  # fmt: skip


def test_a_bad_field_is_named_and_changes_nothing(client: Client) -> None:
    workflow = made(client)
    path = f"/api/workflows/{workflow['id']}"
    whole = {"name": "w", "triggerType": "SCHEDULE", **graph(client)}
    before = client.get("/api/workflows").json["workflows"]

    async def send_all() -> list[Any]:
        return [
            (name, value, await client.send(method, where, {**base, name: value}))
            for name, many in WRONG.items()
            for value in many
            for method, where, base in (
                ("POST", "/api/workflows", whole),
                ("PATCH", path, {"triggerType": "SCHEDULE"}),
            )
        ]

    for name, value, answer in asyncio.run(send_all()):
        assert answer.status == 400, (name, str(value)[:80], answer.text[:300])
        named = {name, "schedule"} if "chedule" in name else {name}
        named |= {"edges"} if name == "nodes" else set()
        told = {field.partition(".")[0] for field in faults(answer)}
        assert told & named, (name, str(value)[:80], told)
    assert client.get("/api/workflows").json["workflows"] == before


def test_a_field_within_another_is_named_as_it_was_sent(client: Client) -> None:
    body = {"name": "w", "triggerType": "MANUAL", "nodes": [_node(eventId="x")]}
    told = faults(client("POST", "/api/workflows", body))
    assert told["nodes.0.eventId"] == "nodes.0.eventId must be a whole number"


def test_an_active_one_has_something_to_run(client: Client) -> None:
    body = {"name": "w", "triggerType": "MANUAL"}
    told = faults(client("POST", "/api/workflows", body | {"status": "ACTIVE"}))
    assert told == {"nodes": "Nodes must hold at least one node: there is nothing to run"}
    draft = client("POST", "/api/workflows", body).json["workflow"]
    assert "nodes" in faults(client("POST", f"/api/workflows/{draft['id']}/execute"))


def test_an_event_is_no_workflow_and_a_workflow_is_no_event(client: Client) -> None:
    workflow = made(client)
    event = client.get("/api/events").json["events"][0]
    assert client.get(f"/api/workflows/{event['id']}").status == 404
    assert client.get(f"/api/events/{workflow['id']}").status == 404
    assert client.get(f"/api/workflows/{workflow['id']}/executions/wf_exec_x").status == 404
