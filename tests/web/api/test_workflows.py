"""Workflows over HTTP: made, refused, run, repeated, compared, started from outside."""

from collections.abc import Callable
from typing import Any

import pytest

from dogwatch.core.result import Outcome, Result
from dogwatch.core.signature import sign
from dogwatch.usecases import conducting, runs
from dogwatch.usecases.runs import Ended
from dogwatch.web.app import build
from tests.web.api.conftest import HTTP_ACTION, House
from tests.web.asgi_client import Answer, Client

NODES = [{"key": "a", "job": "one"}, {"key": "b", "job": "two", "retries": 2, "x": 40.5}]
EDGES = [{"source": "a", "target": "b", "on": "success"}]
Make = Callable[..., Any]


# What differs between the two databases is told by the other tests.
alone = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def make(api: Client) -> Make:
    """Makes a workflow of two jobs."""
    for name in ("one", "two"):
        assert api("POST", "/jobs", {"name": name, "action": HTTP_ACTION}).status == 201

    def made(**given: Any) -> Any:
        body = {"name": "Orders", "slug": "orders", "nodes": NODES, "edges": EDGES} | given
        answer = api("POST", "/workflows", body)
        assert answer.status == 201, answer.text
        return answer.json

    return made


def play(house: House, outcome: Outcome = Outcome.OK) -> None:
    """Have everything done that waits."""
    at, vault = house.clock.now(), house.services.vault

    def step(tx: Any) -> int:
        conducting.step(tx, at)
        works = runs.claim(tx, "http", "node", at, 10, vault)
        runs.finish(tx, [Ended(work, Result(outcome, "boom")) for work in works], at)
        return len(works)

    while house.write(step):
        pass


def hook(house: House, url: str, body: bytes, **headers: str) -> Answer:
    path = url.removeprefix("http://dogwatch.test")
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client(build(house.services))("POST", path, body, headers=given)


@alone
def test_made_shown_listed_changed_and_gone(api: Client, make: Make) -> None:
    made = make(schedule="0 3 * * *", timeout_s=600)
    assert (made["kind"], made["version"], made["layers"]) == ("workflow", 1, [["a"], ["b"]])
    assert [(node["key"], node["job"], node["retries"], node["x"]) for node in made["nodes"]] == [
        ("a", "one", None, 0.0), ("b", "two", 2, 40.5),
    ]  # fmt: skip
    assert made["edges"] == EDGES
    assert api.get("/workflows/orders").json == made
    assert api.get("/workflows").json["data"] == [made]
    assert [one["kind"] for one in api.get("/watches", kind="workflow").json["data"]] == [
        "workflow"
    ]
    assert api.get("/jobs/orders").status == 404
    changed = api("PATCH", "/workflows/orders", {"edges": [], "schedule": None}).json
    assert (changed["version"], changed["edges"], changed["schedule"]) == (2, [], None)
    assert api("PATCH", "/watches/orders", {"schedule": "@daily"}).status == 200
    renamed = api("PATCH", "/workflows/orders", {"name": "Orders 2"}).json
    assert (renamed["version"], renamed["schedule"]) == (4, "@daily")
    assert api("POST", "/workflows/orders/pause").json["status"] == "paused"
    assert api("POST", "/workflows/orders/resume").json["status"] == "new"
    assert api("DELETE", "/workflows/orders").status == 204
    assert api.get("/workflows/orders").status == 404
    assert api.get("/jobs/one").status == 200


REFUSED: list[tuple[dict[str, Any], set[str]]] = [
    ({"nodes": None}, {"nodes"}),
    ({"nodes": [{"key": "a b", "job": "one"}]}, {"nodes.0.key"}),
    ({"nodes": [{"key": "a", "job": "nobody"}], "edges": []}, {"nodes.0.job"}),
    ({"nodes": [{"key": "a", "job": "one", "retries": 99}]}, {"nodes.0.retries"}),
    ({"edges": [*EDGES, {"source": "b", "target": "a"}]}, {"edges"}),
    ({"edges": [{"source": "a", "target": "z"}]}, {"edges.0.target"}),
    ({"edges": [{"source": "a", "target": "b", "on": "maybe"}]}, {"edges.0.on"}),
    ({"timeout_s": 0, "schedule": "never"}, {"timeout_s", "schedule"}),
    ({"max_runs": 0, "priority": 9}, {"max_runs", "priority"}),
]


@alone
def test_what_is_refused(api: Client, make: Make) -> None:
    workflow = make()
    for given, fields in REFUSED:
        body = {"name": "Bad", "nodes": NODES, "edges": EDGES} | given
        answer = api("POST", "/workflows", {n: v for n, v in body.items() if v is not None})
        assert (answer.status, set(answer.faults)) == (422, fields), given
    change = api(
        "PATCH", f"/workflows/{workflow['id']}", {"edges": [{"source": "b", "target": "b"}]}
    )
    assert [error["field"] for error in change.json["errors"]] == ["edges.0"]


def test_a_run_and_its_tree(house: House, api: Client, make: Make) -> None:
    make()
    run = api("POST", "/workflows/orders/trigger", {"input": {"day": 1}}).json
    tree = api.get(f"/runs/{run['id']}/tree").json
    assert [(step["node"], step["state"]) for step in tree["steps"]] == [
        ("a", "waiting"), ("b", "waiting"),
    ]  # fmt: skip
    play(house)
    tree = api.get(f"/runs/{run['id']}/tree").json
    assert [(step["node"], step["outcome"]) for step in tree["steps"]] == [("a", "ok"), ("b", "ok")]
    child = tree["steps"][0]["run"]
    assert (child["parent_id"], child["trigger"]) == (run["id"], "workflow")
    assert (tree["run"]["outcome"], tree["version"], tree["layers"]) == ("ok", 1, [["a"], ["b"]])
    assert api.get("/workflows/orders").json["status"] == "up"
    again = api("POST", f"/runs/{run['id']}/rerun", {"node": "b"})
    assert again.status == 202
    play(house)
    tree = api.get(f"/runs/{again.json['id']}/tree").json
    assert (tree["rerun_of"], tree["rerun_from"]) == (run["id"], "b")
    bad = api("POST", f"/runs/{run['id']}/rerun", {"node": "zz"})
    assert [error["field"] for error in bad.json["errors"]] == ["node"]
    assert api.get(f"/runs/{child['id']}/tree").status == 404


@alone
def test_a_run_is_cancelled(house: House, api: Client, make: Make) -> None:
    make()
    run = api("POST", "/workflows/orders/trigger").json
    at = house.clock.now()
    house.write(lambda tx: conducting.step(tx, at))
    answer = api("POST", f"/runs/{run['id']}/cancel", {"reason": "no"})
    assert (answer.status, answer.json["outcome"], answer.json["reason"]) == (202, "skipped", "no")


def test_versions_are_listed_compared_and_restored(api: Client, make: Make) -> None:
    make()
    api("PATCH", "/workflows/orders", {"description": "two"})
    api("PATCH", "/workflows/orders", {"edges": []})
    page = api.get("/workflows/orders/versions", limit=2).json
    assert [one["number"] for one in page["data"]] == [3, 2]
    rest = api.get("/workflows/orders/versions", cursor=page["next_cursor"]).json
    assert [one["number"] for one in rest["data"]] == [1]
    first = api.get("/workflows/orders/versions/1").json
    assert (first["made_by"], first["definition"]["nodes"][0]) == (
        "test", {"key": "a", "job": "one"},
    )  # fmt: skip
    told = api.get("/workflows/orders/diff", before=1, after=3).json["differences"]
    assert [one["field"] for one in told] == ["description", "edges.a → b"]
    assert api("POST", "/workflows/orders/versions/1/restore").json["version"] == 4
    assert api.get("/workflows/orders").json["edges"] == EDGES
    assert api.get("/workflows/orders/versions/99").status == 404


@alone
def test_started_from_outside(house: House, api: Client, make: Make) -> None:
    make(webhook=True)
    url = api.get("/workflows/orders/webhook").json["url"]
    answer = hook(house, url, b'{"order": 7}')
    assert answer.status == 202, answer.text
    run = api.get(f"/runs/{answer.json['run_id']}").json
    assert (run["trigger"], run["input"]) == ("webhook", '{"order": 7}')
    assert hook(house, url, b"").status == 409  # the one before is still going
    assert hook(house, f"{url}x", b"").status == 404
    play(house)
    api("POST", "/workflows/orders/pause")
    assert hook(house, url, b"").status == 409
    api("PATCH", "/workflows/orders", {"webhook": False})
    assert hook(house, url, b"").status == 404
    assert api.get("/workflows/orders/webhook").status == 404
    assert api("POST", "/workflows/orders/webhook").status == 409


@alone
def test_a_signed_webhook_takes_nothing_else(house: House, api: Client, make: Make) -> None:
    make(webhook=True)
    made = api("POST", "/workflows/orders/webhook", {"signed": True}).json
    shown = api.get("/workflows/orders/webhook").json
    assert shown == {"url": made["url"], "secret": "***"}, "the secret is shown once"
    now, body = str(int(house.clock.now().timestamp())), b"plain words"
    good = sign(made["secret"], now, body)
    assert hook(house, made["url"], body).status == 401
    bad = hook(house, made["url"], b"other", x_webhook_timestamp=now, x_webhook_signature=good)
    assert bad.status == 401
    old = str(int(now) - 301)
    answer = hook(
        house, made["url"], body, x_webhook_timestamp=old,
        x_webhook_signature=sign(made["secret"], old, body),
    )  # fmt: skip
    assert answer.status == 401
    answer = hook(house, made["url"], body, x_webhook_timestamp=now, x_webhook_signature=good)
    assert answer.status == 202
    assert api.get(f"/runs/{answer.json['run_id']}").json["input"] == '"plain words"'
    play(house)
    again = hook(house, made["url"], body, x_webhook_timestamp=now, x_webhook_signature=good)
    assert (again.status, again.json) == (202, answer.json)  # nothing began


@alone
def test_conditional_actions(house: House, api: Client, make: Make) -> None:
    make()
    two = api.get("/jobs/two").json["id"]
    put = api("PUT", "/jobs/one/actions", {"actions": [{"on": "failure", "run": "two"}]})
    assert put.json["actions"] == [
        {"on": "failure", "run": two, "channel": None, "subject": None, "message": None}
    ]
    assert api.get("/jobs/one/actions").json == put.json
    run = api("POST", "/jobs/one/trigger").json
    play(house, Outcome.FAIL)
    (effect,) = api.get(f"/runs/{run['id']}/effects").json["effects"]
    assert (effect["state"], effect["delivery_id"]) == ("done", None)
    assert api.get(f"/runs/{effect['run_id']}").json["parent_id"] == run["id"]
    for bad, field in (
        ({"on": "always"}, "actions.0.run"),
        ({"on": "always", "run": "one"}, "actions.0.run"),
        ({"on": "always", "channel": "x", "message": "{{nope}}"}, "actions.0.message"),
        ({"on": "sometimes", "run": "two"}, "actions.0.on"),
    ):
        answer = api("PUT", "/jobs/one/actions", {"actions": [bad]})
        assert [error["field"] for error in answer.json["errors"]] == [field]
