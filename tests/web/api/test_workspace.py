"""/workspace: what a client must know of its server."""

import os
import pwd

from tests.web.api.conftest import House


def test_the_user_of_scripts_is_told_where_they_run(house: House) -> None:
    own = pwd.getpwuid(os.geteuid()).pw_name
    assert house.client("*").get("/workspace").json["scripts_run_as"] == own


def test_no_user_is_told_where_scripts_are_switched_off(house: House) -> None:
    assert house.client("*", scripts_on=False).get("/workspace").json["scripts_run_as"] is None


def test_the_isolation_of_scripts_is_told(house: House) -> None:
    assert house.client("*").get("/workspace").json["isolation"] == "trusted"
    boxed = house.client("*", isolation="bubblewrap").get("/workspace").json
    assert (boxed["isolation"], boxed["scripts_run_as"]) == ("bubblewrap", None)
    assert house.client("*", scripts_on=False).get("/workspace").json["isolation"] == "off"


def test_a_workspace_demands_isolation(house: House) -> None:
    client = house.client("*", isolation_why="bwrap is missing")
    job = {"name": "Tidy", "action": {"kind": "script", "language": "bash", "source": "true"}}
    assert client("POST", "/jobs", job).status == 201
    demanded = client("PATCH", "/workspace", {"least_isolation": "bubblewrap"})
    assert demanded.json["least_isolation"] == "bubblewrap"
    refused = [
        client("POST", "/jobs", {**job, "name": "More"}),
        client("PATCH", "/jobs/tidy", {"action": job["action"]}),
        client("POST", "/jobs/tidy/trigger"),
    ]
    assert {answer.status for answer in refused} == {403}
    assert all("bwrap is missing" in answer.json["detail"] for answer in refused)
    boxed = house.client("*", isolation="bubblewrap")
    assert boxed("POST", "/jobs/tidy/trigger").status == 202
    assert client("PATCH", "/workspace", {"name": "Shop"}).json["least_isolation"] == "bubblewrap"
    assert client("PATCH", "/workspace", {"least_isolation": "none"}).status == 422


def test_a_file_of_scripts_is_compared_with_what_the_workspace_demands(house: House) -> None:
    client = house.client("*", isolation_why="bwrap is missing")
    client("PATCH", "/workspace", {"least_isolation": "bubblewrap"})
    text = (
        "dogwatch: 1\njobs:\n- slug: more\n  name: More\n  action: {kind: script, "
        "language: bash, source: 'true'}\n"
    )
    asked: dict[str, object] = {"name": "x.yaml", "text": text, "dry_run": True}
    told = client("POST", "/manifests/apply", asked)
    assert told.status == 403
    assert "jobs.0.action: line 5: the workspace demands isolation" in told.json["detail"]
    assert (
        house.client("*", isolation="bubblewrap")("POST", "/manifests/apply", asked).status == 200
    )


def test_scripts_may_have_a_network_in_a_sandbox(house: House) -> None:
    action = {"kind": "script", "language": "bash", "source": "true", "network": True}
    boxed = house.client("*", isolation="bubblewrap")
    made = boxed("POST", "/jobs", {"name": "Fetch", "action": action})
    assert made.json["action"]["network"] is True


def test_no_script_is_taken_where_the_sandbox_that_is_demanded_is_missing(house: House) -> None:
    closed = house.client("*", isolation="off", isolation_why="bwrap is missing")
    action = {"kind": "script", "language": "bash", "source": "true"}
    refused = closed("POST", "/jobs", {"name": "Tidy", "action": action})
    assert (refused.status, refused.json["detail"]) == (403, "bwrap is missing")
