"""Jobs: made, masked, changed, refused, triggered."""

import json
from typing import Any

import pytest

from dogwatch.runners.interpreters import Interpreters
from dogwatch.store import results
from dogwatch.store import runs as run_rows
from dogwatch.usecases import jobs, runs
from tests.web.api.conftest import HTTP_ACTION, SCRIPT_ACTION, House
from tests.web.asgi_client import Client

SESAME = "sesame-3"
SECRETIVE = {
    "kind": "http",
    "url": "http://example.org/",
    "method": "POST",
    "headers": [
        ["Authorization", f"Bearer {SESAME}"],
        ["Accept", "text/plain"],
        ["X-My-Token", "token-0"],
    ],
}


def stored(house: House, job: Any) -> dict[str, Any]:
    """Return the action as it is run."""

    def opened(tx: Any) -> dict[str, Any]:
        from dogwatch.usecases import watches

        record = watches.find(tx, house.workspace.id, job["slug"])
        return runs.action_of(house.services.vault, jobs.find(tx, record))

    return house.database.read(opened).result()


def test_a_job_is_made_with_rules_that_fit_its_action(api: Client) -> None:
    made = api("POST", "/jobs", {"name": "Probe", "schedule": "*/5 * * * *", "action": HTTP_ACTION})
    assert made.status == 201
    assert made.headers["location"] == f"/api/v1/jobs/{made.json['id']}"
    job = made.json
    assert job["kind"] == "job"
    assert job["start_by_s"] is None
    assert job["lost_run"] == "rerun"
    assert job["overlap"] == "skip"
    assert job["next_due_at"] == "2026-01-05T12:05:00.000Z"
    assert job["action"]["url"] == HTTP_ACTION["url"]
    assert job["action"]["kind"] == "http"
    assert api.get("/jobs/probe").json == job
    assert api.get("/jobs").json["data"] == [job]
    assert api.get("/watches/probe").json["id"] == job["id"]


def test_tags_of_a_job_are_set_found_and_cleared(api: Client) -> None:
    for name, tags in (("One", ["db", "night"]), ("Two", ["db"]), ("Three", [])):
        body = {"name": name, "tags": tags, "action": HTTP_ACTION}
        assert api("POST", "/jobs", body).json["tags"] == tags

    def found(tag: str) -> set[str]:
        return {one["slug"] for one in api.get("/jobs", tag=tag).json["data"]}

    assert (found("db"), found("night"), found("d")) == ({"one", "two"}, {"one"}, set())
    assert api("PATCH", "/jobs/two", {"tags": ["day"]}).json["tags"] == ["day"]
    assert (found("db"), found("day")) == ({"one"}, {"two"})
    assert api("PATCH", "/jobs/two", {"tags": []}).json["tags"] == []
    many = {"tags": [f"t{n}" for n in range(100)]}
    assert api("PATCH", "/jobs/two", many).faults.keys() == {"tags"}


def test_run_rules_are_set_and_cleared(api: Client) -> None:
    body = {"name": "J", "action": SCRIPT_ACTION, "overlap": "allow", "max_attempts": 3}
    job = api("POST", "/jobs", body).json
    assert (job["overlap"], job["max_attempts"], job["lost_run"]) == ("allow", 3, "fail")
    job = api("PATCH", "/jobs/j", {"overlap": None, "backoff_s": 7}).json
    assert (job["overlap"], job["max_attempts"], job["backoff_s"]) == ("skip", 3, 7)


def test_every_fault_of_a_job_is_told_at_once(api: Client) -> None:
    made = api(
        "POST",
        "/jobs",
        {
            "name": "",
            "schedule": "x y",
            "overlap": "sometimes",
            "max_attempts": 99,
            "action": {"kind": "http", "url": "ftp://x", "methods": "GET"},
        },
    )
    assert made.status == 422
    assert made.faults.keys() == {
        "name", "schedule", "overlap", "max_attempts", "action.url", "action.methods",
    }  # fmt: skip


@pytest.mark.parametrize("action", [{}, {"kind": []}, {"kind": "ftp"}, {"kind": None}])
def test_an_action_needs_a_known_kind(api: Client, action: Any) -> None:
    made = api("POST", "/jobs", {"name": "J", "action": action})
    assert (made.status, made.faults) == (422, {"action.kind": "use http or script"})


def test_an_action_is_required_and_an_object(api: Client) -> None:
    assert api("POST", "/jobs", {"name": "J"}).faults == {"action": "is required"}
    assert api("POST", "/jobs", {"name": "J", "action": 3}).faults.keys() == {"action"}


def test_secrets_are_masked_and_sent_back_they_stay(api: Client, house: House) -> None:
    job = api("POST", "/jobs", {"name": "J", "action": SECRETIVE}).json
    assert job["action"]["headers"] == [
        ["Authorization", "***"], ["Accept", "text/plain"], ["X-My-Token", "***"],
    ]  # fmt: skip
    assert SESAME not in api.get("/jobs/j").text
    action = {**job["action"], "url": "http://example.org/new"}
    assert api("PATCH", "/jobs/j", {"action": action}).status == 200
    kept = stored(house, job)
    assert kept["url"] == "http://example.org/new"
    assert kept["headers"] == SECRETIVE["headers"]
    as_object = {**SECRETIVE, "headers": {"Authorization": "Bearer new", "X-My-Token": "***"}}
    assert api("PATCH", "/jobs/j", {"action": as_object}).status == 200
    assert stored(house, job)["headers"] == [
        ["Authorization", "Bearer new"],
        ["X-My-Token", "token-0"],
    ]


NAMES = ("X-Access-Key", "X-Signature", "X-Pass", "PRIVATE-KEY", "X-Anything")


@pytest.mark.parametrize(
    "origin", ["https://example.org", "http://evil.example", "http://example.org:81"]
)
def test_a_mask_keeps_nothing_for_another_origin(api: Client, house: House, origin: str) -> None:
    url = "http://example.org/a?token=s3cret&day=1"
    action = {
        **HTTP_ACTION,
        "url": url,
        "headers": dict.fromkeys(NAMES, SESAME),
        "body": f"pass={SESAME}",
    }
    job = api("POST", "/jobs", {"name": "J", "action": action}).json
    assert SESAME not in json.dumps(job)
    plain: dict[str, Any] = {**HTTP_ACTION, "url": f"{origin}/"}
    parts: dict[str, dict[str, Any]] = {
        **{f"action.headers.{name}": {"headers": {name: "***"}} for name in NAMES},
        "action.url": {"url": f"{origin}/a?token=***"},
        "action.body": {"body": "***"},
    }
    for field, part in parts.items():
        refused = api("PATCH", "/jobs/j", {"action": {**plain, **part}})
        assert (refused.status, list(refused.faults)) == (422, [field]), refused.text
    assert stored(house, job)["url"] == url
    moved = {**job["action"], "url": "http://EXAMPLE.org:80/b?x&token=***&token=2#end"}
    assert api("PATCH", "/jobs/j", {"action": moved}).status == 200
    kept = stored(house, job)
    assert kept["url"] == "http://EXAMPLE.org:80/b?x&token=s3cret&token=2#end"
    assert (kept["headers"], kept["body"]) == ([[name, SESAME] for name in NAMES], f"pass={SESAME}")


def test_harmless_parts_are_shown(api: Client) -> None:
    action = {
        **HTTP_ACTION, "url": "http://example.org/?day=1&x&y=", "body": '{"day": 1}',
        "headers": [["Accept", "*/*"], ["Content-Type", "text/plain"], ["User-Agent", "me"]],
    }  # fmt: skip
    shown = api("POST", "/jobs", {"name": "J", "action": action}).json["action"]
    assert {name: shown[name] for name in action} == action


def test_the_environment_is_masked_whole(api: Client, house: House) -> None:
    action = {**SCRIPT_ACTION, "env": {"A": "1", "B": "2"}}
    job = api("POST", "/jobs", {"name": "J", "action": action}).json
    assert job["action"]["env"] == {"A": "***", "B": "***"}
    changed = {**SCRIPT_ACTION, "env": {"A": "***", "C": "3"}}
    assert api("PATCH", "/jobs/j", {"action": changed}).status == 200
    assert stored(house, job)["env"] == {"A": "1", "C": "3"}


def test_a_mask_without_a_stored_value_is_a_fault(api: Client) -> None:
    action = {**SECRETIVE, "headers": {"Authorization": "***"}}
    made = api("POST", "/jobs", {"name": "J", "action": action})
    assert made.faults.keys() == {"action.headers.Authorization"}
    env = {**SCRIPT_ACTION, "env": {"A": "***"}}
    assert api("POST", "/jobs", {"name": "J", "action": env}).faults.keys() == {"action.env.A"}


def test_scripts_are_refused_where_they_are_off(api: Client, house: House) -> None:
    api("POST", "/jobs", {"name": "S", "action": SCRIPT_ACTION})
    api("POST", "/jobs", {"name": "H", "action": HTTP_ACTION})
    closed = house.client("*", scripts_on=False)
    for refused in (
        closed("POST", "/jobs", {"name": "J", "action": SCRIPT_ACTION}),
        closed("PATCH", "/jobs/h", {"action": SCRIPT_ACTION}),
        closed("POST", "/jobs/s/trigger"),
    ):
        assert refused.status == 403
        assert "switched off" in refused.json["detail"]
    assert closed("POST", "/jobs/h/trigger").status == 202
    assert closed("PATCH", "/jobs/s", {"name": "Still here"}).status == 200


def test_scripts_are_refused_where_none_can_run(api: Client, house: House) -> None:
    api("POST", "/jobs", {"name": "S", "action": SCRIPT_ACTION})
    elsewhere = house.client("*", platform="darwin")
    for refused in (
        elsewhere("POST", "/jobs", {"name": "J", "action": SCRIPT_ACTION}),
        elsewhere("POST", "/jobs/s/trigger"),
    ):
        assert refused.status == 403
        assert "need Linux" in refused.json["detail"]
        assert "darwin" in refused.json["detail"]
    assert elsewhere("POST", "/jobs", {"name": "H", "action": HTTP_ACTION}).status == 201


def test_trigger_hands_over_its_input(api: Client) -> None:
    api("POST", "/jobs", {"name": "J", "action": SCRIPT_ACTION, "overlap": "allow"})
    inputs: tuple[Any, ...] = (
        {"input": {"month": "ä"}},
        {"input": "text"},
        {"input": None},
        {},
        None,
    )
    told = [api("POST", "/jobs/j/trigger", body) for body in inputs]
    assert {(one.status, one.json["state"], one.json["trigger"]) for one in told} == {
        (202, "queued", "manual")
    }
    given = [api.get(f"/runs/{one.json['id']}").json["input"] for one in told]
    assert given == ['{"month": "ä"}', "text", "", "", ""]
    assert api("POST", "/jobs/j/trigger", {"input": 3}).faults.keys() == {"input"}
    assert api("POST", "/jobs/j/trigger", {"input": "x" * 1_000_001}).faults.keys() == {"input"}


def test_a_watch_is_no_job(api: Client, watch: Any) -> None:
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/trigger")):
        body: Any = None if method in ("GET", "DELETE") else {}
        assert api(method, f"/jobs/{watch['slug']}{path}", body).status == 404
    assert api.get(f"/watches/{watch['slug']}").status == 200


def test_pause_resume_delete(api: Client) -> None:
    api("POST", "/jobs", {"name": "J", "schedule": "0 * * * *", "action": HTTP_ACTION})
    paused = api("POST", "/jobs/j/pause").json
    assert (paused["status"], paused["action"]["kind"]) == ("paused", "http")
    assert api("POST", "/jobs/j/resume", {}).json["next_due_at"] == "2026-01-05T13:00:00.000Z"
    assert api("DELETE", "/jobs/j").status == 204
    assert api.get("/jobs/j").status == 404


def test_a_new_schedule_counts_from_now(api: Client) -> None:
    api("POST", "/jobs", {"name": "J", "schedule": "0 * * * *", "action": HTTP_ACTION})
    moved = api("PATCH", "/jobs/j", {"schedule": "30 12 * * *", "timezone": "UTC"}).json
    assert moved["next_due_at"] == "2026-01-05T12:30:00.000Z"


def test_a_run_says_for_whose_place_it_waits(api: Client, house: House) -> None:
    body = {"action": SCRIPT_ACTION, "concurrency_key": "db"}
    for name in ("one", "two"):
        job = api("POST", "/jobs", body | {"name": name}).json
        assert (job["concurrency_key"], job["concurrency_limit"]) == ("db", 1)
        api("POST", f"/jobs/{name}/trigger")
    vault, at = house.services.vault, house.clock.now()
    assert len(house.write(lambda tx: runs.claim(tx, "script", "node", at, 9, vault))) == 1
    found = [api.get(f"/runs/{run['id']}").json for run in api.get("/runs").json["data"]]
    told = "waits for a place: 1 of 1 runs with the key db are under way"
    assert sorted(run["waits"] for run in found) == ["", told]
    cleared = api("PATCH", "/jobs/one", {"concurrency_key": None}).json
    assert cleared["concurrency_key"] is None


def test_priority_count_and_start_are_set_and_cleared(api: Client) -> None:
    body = {
        "name": "J", "action": SCRIPT_ACTION, "schedule": "0 * * * *", "priority": 2,
        "max_runs": 3, "reset_on_resume": True, "starts_at": "2026-02-01T01:00:00+01:00",
    }  # fmt: skip
    job = api("POST", "/jobs", body).json
    names = ("priority", "max_runs", "reset_on_resume", "run_count", "starts_at", "next_due_at")
    start = "2026-02-01T00:00:00.000Z"
    assert [job[name] for name in names] == [2, 3, True, 0, start, start]
    api("POST", "/jobs/j/trigger")
    assert api.get("/jobs/j").json["run_count"] == 1
    assert api("POST", "/jobs/j/reset").json["run_count"] == 0
    cleared = api("PATCH", "/jobs/j", dict.fromkeys(("priority", "max_runs", "starts_at"))).json
    assert [cleared[name] for name in names] == [
        0, None, True, 0, None, "2026-01-05T13:00:00.000Z"
    ]  # fmt: skip
    bad = {"starts_at": "soon", "priority": 9, "max_runs": 0, "reset_on_resume": 1, "action": {}}
    faults = api("PATCH", "/jobs/j", bad).faults
    assert {"reset_on_resume"} <= set(faults)
    del bad["reset_on_resume"]
    assert {"starts_at", "priority", "max_runs"} <= set(api("PATCH", "/jobs/j", bad).faults)


def test_a_script_that_nothing_here_can_run_is_refused_at_save(house: House) -> None:
    found = Interpreters({"bash": "bash", "python": "/nowhere/python", "node": "off"}, ("sh",))
    client = house.client("*", admit_script=found.find)

    def made(language: str, **more: object) -> dict[str, str]:
        action = {"kind": "script", "language": language, "source": "1", **more}
        answer = client("POST", "/jobs", {"name": "J", "action": action})
        return {} if answer.status == 201 else answer.faults

    assert made("bash") == made("bash", interpreter="sh") == made("bash", interpreter="bash") == {}
    assert "not found: /nowhere/python" in made("python")["action.language"]
    assert "switched off" in made("node")["action.language"]
    assert "allowed are bash, sh" in made("bash", interpreter="/bin/zsh")["action.interpreter"]
    other = {"action": {"kind": "script", "language": "node", "source": "1"}}
    assert client("PATCH", "/jobs/j", other).status == 422


def test_an_input_of_a_job_is_any_json(house: House, api: Client) -> None:
    action = SCRIPT_ACTION | {"input": {"day": [1, None]}}
    job = api("POST", "/jobs", {"name": "J", "action": action}).json
    assert job["action"]["input"] == {"day": [1, None]}
    assert stored(house, job)["input"] == {"day": [1, None]}


def test_a_run_shows_what_it_handed_on(house: House, api: Client) -> None:
    api("POST", "/jobs", {"name": "J", "action": SCRIPT_ACTION})
    run = api("POST", "/jobs/j/trigger").json
    shown = api.get(f"/runs/{run['id']}").json
    assert (shown["output_value"], shown["condition"]) == (None, None)
    workspace_id = house.workspace.id
    house.write(lambda tx: results.put(tx, workspace_id, run["id"], output='[{"a":null}]'))
    house.write(lambda tx: results.put(tx, workspace_id, run["id"], condition=False))
    shown = api.get(f"/runs/{run['id']}").json
    assert (shown["output_value"], shown["condition"]) == ([{"a": None}], False)
    house.write(lambda tx: results.put(tx, workspace_id, run["id"], masked='["***"]'))
    house.write(lambda tx: run_rows.mask_input(tx, workspace_id, run["id"], '"***"'))
    shown = api.get(f"/runs/{run['id']}").json
    assert (shown["output_value"], shown["input"]) == (["***"], '"***"')
