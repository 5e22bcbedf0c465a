"""The OpenAPI document says what the API does: names, problems, examples."""

import re
from typing import Any

import pytest

from dogwatch.notify import CHANNELS
from dogwatch.web.api.document import EXAMPLES
from tests.web.api.conftest import HTTP_ACTION
from tests.web.asgi_client import Client

LISTS = ("watches", "jobs", "runs", "flips", "channels", "rules", "deliveries")


@pytest.fixture
def operations(api: Client) -> dict[tuple[str, str], Any]:
    """Every operation by method and path."""
    return {
        (method.upper(), path): operation
        for path, methods in api.get("/openapi.json").json["paths"].items()
        for method, operation in methods.items()
    }


def test_every_operation_has_a_short_name_of_its_own(operations: Any) -> None:
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names) > 30
    assert {"make_watch", "list_pings", "trigger_job"} <= set(names)


def test_every_list_has_pages(operations: Any) -> None:
    for (method, path), operation in operations.items():
        if method == "GET" and path.rpartition("/")[2] in (*LISTS, "pings"):
            assert {"limit", "cursor"} <= {one["name"] for one in operation["parameters"]}, path


def test_problems_are_documented_in_their_own_form(operations: Any) -> None:
    for (method, path), operation in operations.items():
        answers = operation["responses"]
        problems = {status for status in answers if status[0] in "45d"}
        assert {"401", "403", "422", "503", "default"} <= problems
        assert ("404" in problems) >= ("{id}" in path), path
        assert {"400", "413", "415"} <= problems or "requestBody" not in operation, path
        assert ("409" in problems) >= (method == "POST"), path
        for status in problems:
            assert set(answers[status]["content"]) == {"application/problem+json"}


def test_what_is_answered_is_documented(api: Client, operations: Any) -> None:
    """Each wrong call of each operation gets a status that its entry has."""
    stranger = Client(api.app, "dw_live_nobody", api.base)
    for (method, path), operation in operations.items():
        address = path.replace("{id}", "nobody")
        answers = [
            stranger(method, address),
            api(method, address),
            api(method, address, query={"nonsense": "1"}),
        ]
        if method in ("POST", "PATCH"):
            answers += [
                api(method, address, b"{"),
                api(method, address, {"nonsense": 1}),
                api(method, address, b" " * 1_100_000),
                api(method, address, {"a": 1}, headers={"content-type": "text/plain"}),
            ]
        seen = {str(answer.status) for answer in answers}
        documented = set(operation["responses"]) | {"400", "413", "415"}
        assert seen <= documented, (method, path)
        assert {"401", "422"} <= seen, (method, path)


def test_the_examples_are_taken(api: Client) -> None:
    assert api("POST", "/watches", EXAMPLES["WatchNew"]).status == 201
    assert api("PATCH", "/watches/nightly-backup", EXAMPLES["WatchChange"]).status == 200
    assert api("POST", "/jobs", EXAMPLES["JobNew"]).status == 201
    assert api("PATCH", "/jobs/sync-orders", EXAMPLES["JobChange"]).status == 200
    run = api("POST", "/jobs/sync-orders/trigger", EXAMPLES["Trigger"])
    assert run.status == 202
    assert api("POST", f"/runs/{run.json['id']}/cancel", EXAMPLES["Cancel"]).status == 202
    channel = api("POST", "/channels", EXAMPLES["ChannelNew"])
    assert channel.status == 201
    named = f"/channels/{channel.json['id']}"
    assert api("PATCH", named, EXAMPLES["ChannelChange"]).status == 200
    rule = {**EXAMPLES["RuleNew"], "channel_id": channel.json["id"]}
    assert api("POST", "/rules", rule).status == 201
    schemas = api.get("/openapi.json").json["components"]["schemas"]
    assert all(schemas[name]["examples"] == [example] for name, example in EXAMPLES.items())


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "A", "name": "B"}', b'{"name": "A", "slow_after_s": NaN}',
        b'{"name": "A", "early_s": -Infinity}', b"[" * 4_000, b'{"name": "A",}',
    ],
)  # fmt: skip
def test_json_is_taken_to_the_letter(api: Client, body: bytes) -> None:
    answer = api("POST", "/watches", body)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "not JSON" in answer.json["detail"]
    assert api.get("/watches").json["data"] == []


def test_a_misspelt_parameter_is_named(api: Client) -> None:
    assert api.get("/watches", stauts="down").faults.keys() == {"stauts"}
    assert api.get("/watches", status="down").status == 200
    trigger = api("POST", "/jobs", {"name": "J", "action": HTTP_ACTION}, query={"dry": "1"})
    assert trigger.faults.keys() == {"dry"}
    assert api.get("/jobs").json["data"] == []


def test_each_answer_has_the_one_media_type_it_comes_in(api: Client) -> None:
    paths = api.get("/openapi.json").json["paths"]
    plain = paths["/runs/{id}/output"]["get"]["responses"]["200"]
    assert list(plain["content"]) == ["text/plain"]
    live = paths["/runs/{id}/output/stream"]["get"]["responses"]
    assert list(live["200"]["content"]) == ["text/event-stream"]
    for methods in paths.values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                kinds = list(answer.get("content", {}))
                both = operation["operationId"] in ("list_audit_log", "list_instance_log")
                assert len(kinds) <= (2 if both and status == "200" else 1)
                assert status[0] == "2" or kinds == ["application/problem+json"]


def test_the_page_defines_each_shape_once_and_links_to_it(api: Client) -> None:
    text = api.get("/docs").text
    anchors = re.findall(r' id="([^"]+)"', text)
    assert len(anchors) == len(set(anchors))
    links = set(re.findall(r'href="#([^"]+)"', text))
    assert links <= set(anchors)
    shapes = {"RunOut", "PingOut", "FlipOut", "DeliveryOut", "ReceiptOut", "ScopeAsked"}
    assert shapes <= links
    assert "`" not in text
    document = api.get("/openapi.json").json
    assert text.count("/api/v1/") >= sum(map(len, document["paths"].values()))


def test_what_is_made_leads_on(api: Client, operations: Any) -> None:
    links = operations["POST", "/watches"]["responses"]["201"]["links"]
    assert {"show_watch", "change_watch", "list_pings"} <= set(links)
    made = api("POST", "/watches", EXAMPLES["WatchNew"]).json
    for (method, path), operation in operations.items():
        if operation["operationId"] in links:
            assert links[operation["operationId"]]["parameters"] == {"id": "$response.body#/id"}
            assert path.startswith("/watches/{id}")
            if method == "GET":
                assert api.get(path.replace("{id}", made["id"])).status == 200


def test_a_new_channel_is_told_apart_by_its_kind(api: Client) -> None:
    schemas = api.get("/openapi.json").json["components"]["schemas"]
    new = schemas["ChannelNew"]
    assert new["properties"]["kind"]["enum"] == list(CHANNELS)
    assert new["discriminator"]["propertyName"] == "kind"
    assert [one["$ref"] for one in new["oneOf"]] == list(new["discriminator"]["mapping"].values())
    for kind, reference in new["discriminator"]["mapping"].items():
        schema = schemas[reference.rpartition("/")[2]]
        assert schema["properties"]["kind"]["const"] == kind
        settings = schema["properties"]["settings"]
        assert set(settings["required"]) <= set(settings["properties"])
        assert all(one["description"] for one in settings["properties"].values())
    assert schemas["ChannelNew_telegram"]["properties"]["settings"]["properties"]["bot_token"][
        "writeOnly"
    ]


def test_the_page_has_the_settings_of_every_kind(api: Client) -> None:
    page = api.get("/docs").text
    assert all(f'<h3 id="ChannelNew_{kind}">' in page for kind in CHANNELS)
    assert "write /newbot to @BotFather" in page
