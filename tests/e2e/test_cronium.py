"""Cronium's document followed on a real server: its samples by curl, requests and the helpers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually
from tests.harness.served import Served

HOST = "https://your-cronium-instance.com"
# Word for word from the document.
REQUESTS = """\
import requests
headers = {
'Authorization': 'Bearer YOUR_API_TOKEN',
'Content-Type': 'application/json'
}
response = requests.get(
'https://your-cronium-instance.com/api/events',
headers=headers
)"""
NODE = """\
// Node.js
const dbUrl = cronium.getVariable('DATABASE_URL');
cronium.setVariable('LAST_RUN', new Date().toISOString());"""
PYTHON = """\
# Python
db_url = cronium.getVariable('DATABASE_URL')
cronium.setVariable('LAST_RUN', datetime.now().isoformat())"""
BASH = """\
# Bash
DB_URL=$(cronium.getVariable "DATABASE_URL")
cronium.setVariable "LAST_RUN" "$(date -Iseconds)\""""
MORE = {
    "NODEJS": """
console.log('got ' + dbUrl + ' ' + cronium.input().n);
cronium.output([1]);""",
    "PYTHON": """
print('got', db_url, cronium.input()['n'])
cronium.setCondition(True)""",
    "BASH": """
echo "got $DB_URL $(cronium.input | tr -dc 0-9)\"""",
}
SCRIPTS = {
    "NODEJS": NODE + MORE["NODEJS"],
    "PYTHON": f"from datetime import datetime\n{PYTHON}{MORE['PYTHON']}",
    "BASH": BASH + MORE["BASH"],
}


@dataclass(frozen=True)
class Instance:
    """A server, and curl with a token for its dialect."""

    served: Served
    token: str

    @property
    def base(self) -> str:
        return f"{self.served.url}/cronium"

    def curl(self, method: str, path: str, body: Any = None, *, keyed: bool = True) -> Any:
        """Send a request as the document says and return status and JSON."""
        words = ["curl", "-sS", "-m", "30", "-X", method, "-w", "\n%{http_code}"]
        if keyed:
            words += ["-H", f"Authorization: Bearer {self.token}"]
        if body is not None:
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        done = subprocess.run(
            [*words, self.base + path], capture_output=True, text=True, check=True
        )
        text, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(text) if text else None

    def made(self, path: str, body: Any) -> Any:
        status, said = self.curl("POST", path, body)
        assert status == 201, said
        return next(iter(said["data"].values()))

    def log_of(self, execution_id: str) -> Any:
        """Return the log of an execution once it has ended."""
        self.wait(execution_id.removeprefix("exec_"))
        return self.curl("GET", f"/api/logs/{execution_id}")[1]["log"]

    def wait(self, run_id: str) -> None:
        """Wait for the end of a run, by our own API: this dialect takes 100 requests a minute."""
        path = f"/runs/{run_id}"
        eventually(
            lambda: self.served.get(path)["state"] == "done", within_s=90, what="the run ends"
        )


@pytest.fixture(scope="module")
def cronium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One server for all."""
    served = Served(tmp_path_factory.mktemp("cronium") / "node").start()
    try:
        token = served.cli("key", "new", "--name", "doc", "--dialect", "cronium").stdout.strip()
        yield Instance(served, token)
        served.close()
    finally:
        if served.process is not None:
            served.kill9()


def test_a_token_has_32_characters_and_the_permissions_that_it_is_made_with(
    cronium: Instance,
) -> None:
    assert len(cronium.token) == 32
    made = cronium.served.cli(
        "key", "new", "--name", "reader", "--dialect", "cronium", "--scopes", "read"
    )
    reader = Instance(cronium.served, made.stdout.strip())
    assert reader.curl("GET", "/api/variables")[0] == 200
    assert reader.curl("POST", "/api/variables", {"key": "A", "value": "b"})[0] == 403


def test_the_sample_of_the_document_lists_events(cronium: Instance) -> None:
    sample = REQUESTS.replace(HOST, cronium.base).replace("YOUR_API_TOKEN", cronium.token)
    done = subprocess.run(
        [sys.executable, "-c", f"{sample}\nprint(response.status_code, response.text)"],
        capture_output=True, text=True, check=True, cwd=Path("/"),
    )  # fmt: skip
    status, _, text = done.stdout.partition(" ")
    assert status == "200"
    assert list(json.loads(text)) == [
        "success", "data", "message", "timestamp", "events", "pagination",
    ]  # fmt: skip


def test_nothing_is_refused_in_the_words_of_the_document(cronium: Instance) -> None:
    status, said = cronium.curl("POST", "/api/events", {})
    assert status == 400
    assert said.pop("timestamp").endswith("Z")
    assert said == {
        "error": "Validation Error",
        "message": "Invalid request data",
        "code": 400,
        "details": [
            {"field": "name", "message": "Name is required"},
            {
                "field": "type",
                "message": "Type must be one of: BASH, PYTHON, NODEJS, HTTP_REQUEST",
            },
        ],
    }


@pytest.mark.parametrize("kind", SCRIPTS)
def test_the_scripts_of_the_document_run_and_their_log_is_read(
    cronium: Instance, kind: str
) -> None:
    cronium.curl("DELETE", "/api/variables/DATABASE_URL")
    cronium.curl("DELETE", "/api/variables/LAST_RUN")
    cronium.made("/api/variables", {"key": "DATABASE_URL", "value": f"db://{kind}"})
    body = {"name": kind, "type": kind, "script": SCRIPTS[kind], "timeoutValue": 60}
    event = cronium.made("/api/events", body)
    status, said = cronium.curl("POST", f"/api/events/{event['id']}/execute", {"input": {"n": 7}})
    assert (status, said["execution"]["status"]) == (200, "running")
    log = cronium.log_of(said["execution"]["id"])
    # What a script read of a variable is kept out of what it printed.
    assert (log["status"], log["output"], log["exitCode"]) == ("SUCCESS", "got *** 7\n", 0)
    assert cronium.curl("GET", f"/api/events/{event['id']}/logs")[1]["logs"] == [log]
    (stamp,) = [
        one["value"]
        for one in cronium.curl("GET", "/api/variables")[1]["variables"]
        if one["key"] == "LAST_RUN"
    ]
    assert stamp.startswith("20")


def test_what_goes_to_standard_error_does_not_fail_an_event_and_its_own_env_stays(
    cronium: Instance,
) -> None:
    event = cronium.made(
        "/api/events",
        {"name": "env", "type": "BASH", "script": 'echo "$A $B" | tr a-z b-za; echo oh >&2',
         "envVars": {"A": "abc"}, "timeoutValue": 60},
    )  # fmt: skip
    path = f"/api/events/{event['id']}/execute"
    _, said = cronium.curl("POST", path, {"envVars": {"B": "xyz"}})
    log = cronium.log_of(said["execution"]["id"])
    assert log["status"] == "SUCCESS"
    assert sorted(log["output"].split("\n")) == ["", "bcd yza", "oh"]
    assert cronium.curl("GET", f"/api/events/{event['id']}")[1]["event"]["envVars"] == [
        {"id": 1, "eventId": event["id"], "key": "A", "value": "***"}
    ]


def test_a_workflow_hands_data_on_and_a_failure_is_told(cronium: Instance) -> None:
    scripts = {
        "first": 'cronium.output "{\\"n\\": 2}"; cronium.setCondition true',
        "second": 'echo "has $(cronium.input | tr -dc 0-9)"; exit 3',
        "third": "echo never",
    }
    numbers = {
        name: cronium.made(
            "/api/events", {"name": name, "type": "BASH", "script": text, "timeoutValue": 60}
        )["id"]
        for name, text in scripts.items()
    }
    nodes = [{"id": name, "eventId": number} for name, number in numbers.items()]
    edges = [
        {"id": "a", "source": "first", "target": "second", "connectionType": "ON_CONDITION"},
        {"id": "b", "source": "second", "target": "third",
         "data": {"connectionType": "ON_SUCCESS"}},
    ]  # fmt: skip
    workflow = cronium.made(
        "/api/workflows",
        {"name": "w", "triggerType": "WEBHOOK", "status": "ACTIVE", "nodes": nodes, "edges": edges},
    )
    hook = f"/api/workflows/webhook/{workflow['webhookKey']}"
    status, said = cronium.curl("POST", hook, {"from": "outside"}, keyed=False)
    assert (status, said["workflowId"]) == (200, workflow["id"])
    path = f"/api/workflows/{workflow['id']}/executions"

    (execution,) = cronium.curl("GET", path)[1]["executions"]
    cronium.wait(execution["id"].removeprefix("wf_exec_"))
    (execution,) = cronium.curl("GET", path)[1]["executions"]
    counts = ("status", "triggerType", "totalEvents", "successfulEvents", "failedEvents")
    assert [execution[name] for name in counts] == ["FAILURE", "WEBHOOK", 2, 1, 1]
    assert execution["executionData"] == {"inputData": {"from": "outside"}}
    whole = cronium.curl("GET", f"{path}/{execution['id']}")[1]["execution"]
    told = [(one["nodeId"], one["status"], one["connectionType"]) for one in whole["events"]]
    assert told == [("first", "SUCCESS", None), ("second", "FAILURE", "ON_CONDITION")]
    assert whole["events"][1]["output"] == "has 2\n"
    (log,) = cronium.curl("GET", f"/api/events/{numbers['second']}/logs")[1]["logs"]
    assert (log["workflowId"], log["exitCode"]) == (workflow["id"], 3)
