"""The dialects as the world speaks them: documented samples, and clients that others wrote.

The samples are those of the published documents, verbatim but for host, key and id.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dogwatch.core.dialects import DIALECTS
from tests.eventually import eventually
from tests.harness.documented import DOCUMENTED, SAMPLES, requests_in
from tests.harness.ports import free_port
from tests.harness.served import Served, listening

LOUD = "curl() { command curl -sS -w '\\n%{http_code}\\n' \"$@\"; }\n"


@dataclass(frozen=True, slots=True)
class House:
    """One running server, and keys of its dialects."""

    served: Served

    def key(self, dialect: str) -> str:
        body = {"name": "e2e", "scopes": ["*"], "dialect": dialect}
        key: str = self.served.post("/keys", body)["key"]
        return key

    def done(self, run_id: str) -> None:
        """Wait for the end of a run."""
        path = f"/runs/{run_id}"
        eventually(lambda: self.served.get(path)["state"] == "done", within_s=90, what="its end")

    def call(self, dialect: str, method: str, path: str, body: Any = None) -> Any:
        """Call a dialect that takes bearer keys or X-API-Key."""
        sent = [] if body is None else ["-d", json.dumps(body)]
        url = f"{self.served.url}/{dialect}/api/v1{path}"
        done = said(
            "curl", "-sS", "-X", method, "-H", f"X-API-Key: {self.key(dialect)}", *sent, url
        )
        return json.loads(done) if done else None


def said(*words: str, stdin: str = "") -> str:
    """Run a program, which must succeed, and return what it printed."""
    done = subprocess.run(
        words, input=stdin, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done
    return done.stdout


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    flags = {"allow-private-targets": "127.0.0.0/8"}
    served = Served(tmp_path_factory.mktemp("dialects") / "node", flags)
    try:
        yield House(served.start())
        served.close()
    finally:
        if served.process is not None:
            served.kill9()


def sample(name: str, changes: dict[str, str]) -> str:
    """Return a sample with our words for those that are published, all at once: in a port or a
    key of ours may stand what is published, too."""
    text = (SAMPLES / name).read_text()
    assert [published for published in changes if published not in text] == []
    return re.sub("|".join(map(re.escape, changes)), lambda found: changes[found[0]], text)


def answers(text: str) -> list[tuple[int, Any]]:
    """Run samples one by one by bash and curl; return statuses and bodies."""
    found = []
    for one in text.strip().split("\n\n"):
        body, status = said("bash", stdin=LOUD + one).rstrip("\n").rsplit("\n", 1)
        found.append((int(status), read(body)))
    return found


def read(body: str) -> Any:
    """Return what an answer says, as JSON if it is that."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body


# --- the documents -----------------------------------------------------------------------------


def test_cronpulse_samples_answer(house: House) -> None:
    base = f"{house.served.url}/cronpulse/api/v1"
    changes = {
        "https://app.cronpulse.live/api/v1": base, "cpk_your_api_key_here": house.key("cronpulse"),
    }  # fmt: skip
    ((status, body),) = answers(sample("cronpulse.sh", changes))
    assert (status, type(body)) == (200, list)


def test_the_shell_workflow_of_cronpulse_runs(house: House) -> None:
    base = f"{house.served.url}/cronpulse/api/v1"
    changes = {
        "https://app.cronpulse.live/api/v1": base, "cpk_your_api_key": house.key("cronpulse"),
    }  # fmt: skip
    job = json.loads(
        said("bash", "-euo", "pipefail", stdin=sample("cronpulse_workflow.sh", changes))
    )
    assert list(job) == [
        "id", "name", "projectId", "url", "method", "schedule", "heartbeat", "heartbeatTolerance",
        "timeout", "expectedStatusCode", "headers", "body", "lastStatus", "lastActivityAt",
        "nextRunAt",
    ]  # fmt: skip
    assert (job["name"], job["heartbeat"], job["schedule"]) == ("Health Check", True, "*/5 * * * *")
    projects = house.call("cronpulse", "GET", "/projects")
    assert {"id": job["projectId"], "name": "My API Project"}.items() <= projects[-1].items()


def test_cronbeats_samples_answer(house: House) -> None:
    """That which has Slack told is asked while there is none to tell."""
    changes = {
        "https://cronbeats.com/api/v1": f"{house.served.url}/cronbeats/api/v1",
        "cb_your_api_key_here": house.key("cronbeats"),
    }
    samples = sample("cronbeats.sh", changes).split("\n\n")
    quiet = [one for one in samples if "/slack/test" not in one]
    assert len(quiet) == len(samples) - 1
    ((status, refused),) = answers(*(one for one in samples if one not in quiet))
    assert (status, refused["success"], refused["error"]) == (400, False, "not_configured")
    found = answers("\n\n".join(quiet))
    assert [status for status, _ in found] == [200, 201, *[200] * 8]
    assert list(found[1][1]["data"]) == [
        "id", "job_key", "name", "ping_url", "is_enabled", "created_at",
    ]  # fmt: skip
    assert [list(body)[:2] for _, body in found] == [["success", "data"]] * 10
    none = {"alert_on_down": False, "alert_on_recovery": False}
    assert house.call("cronbeats", "PUT", "/integrations/alert-rules", none)["data"] == none


def test_cronmonitor_samples_answer(house: House) -> None:
    made = house.call("cronmonitor", "POST", "/monitors", {"name": "x", "schedule": "0 2 * * *"})
    changes = {
        "https://cronmonitor.io/api/v1": f"{house.served.url}/cronmonitor/api/v1",
        "your-api-token": house.key("cronmonitor"),
        "mon_abc123": made["data"]["id"],
    }
    found = answers(sample("cronmonitor.sh", changes))
    assert [status for status, _ in found] == [200, 200, 200, 200, 201, 204]
    assert list(found[4][1]["data"]) == [
        "id", "name", "schedule", "timezone", "grace_period", "status", "ping_url", "created_at",
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes by curl what the requests of a document are about."""

    house: House
    dialect: str
    key: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request with the key in either header, and return what is said."""
        sent = [] if body is None else ["-d", json.dumps(body)]
        mount = DIALECTS[self.dialect].mount
        keys = ["-H", f"X-API-Key: {self.key}", "-H", f"Authorization: Bearer {self.key}"]
        text = said("curl", "-sS", "-X", method, *keys, *sent,
                    f"{self.house.served.url}/{mount}{path}")  # fmt: skip
        return json.loads(text)

    def cronbeats(self) -> dict[str, str]:
        new = {"name": "Rest", "expected_interval_seconds": 60}
        one, *more = (self.ask("POST", "/api/v1/jobs", new)["data"] for _ in range(3))
        ids = zip(("456", "789"), (str(job["id"]) for job in more), strict=True)
        return {"Abcd1234": one["job_key"], "/123": f"/{one['id']}", **dict(ids)}

    def cronium(self) -> dict[str, str]:
        new = {"name": "Rest", "type": "BASH", "script": "true"}
        event, other = (self.ask("POST", "/api/events", new)["event"]["id"] for _ in range(2))
        graph = {"nodes": [{"id": "a", "eventId": event}], "edges": []}
        flow = {"name": "W", "triggerType": "WEBHOOK", "status": "ACTIVE", **graph}
        workflow = self.ask("POST", "/api/workflows", flow)["workflow"]
        run = self.ask("POST", f"/api/workflows/{workflow['id']}/execute", {})["execution"]["id"]
        log = self.ask("POST", f"/api/events/{event}/execute", {})["execution"]["id"]
        self.house.done(log.removeprefix("exec_"))
        self.house.done(run.removeprefix("wf_exec_"))
        tokens = [self.ask("POST", "/api/tokens", {"name": "t"})["token"]["id"] for _ in range(2)]
        return {
            "wf_exec_456": run, "exec_123": log, "hook_456": workflow["webhookKey"],
            "tok_1": tokens[0], "tok_2": tokens[1], "events/123": f"events/{event}",
            "events/124": f"events/{other}",
            "[123]": f"[{event}]", '"eventId": 123': f'"eventId": {event}',
            "workflows/456": f"workflows/{workflow['id']}", "[456]": f"[{workflow['id']}]",
        }  # fmt: skip

    def cronmonitor(self) -> dict[str, str]:
        made = self.ask("POST", "/api/v1/monitors", {"name": "x", "schedule": "0 2 * * *"})["data"]
        return {"mon_abc123": made["id"], "abc123def456": made["ping_url"].rpartition("/")[2]}

    def cronowl(self) -> dict[str, str]:
        monitor = self.ask("POST", "/api/v1/http-monitors",
                           {"name": "x", "url": "https://x.example"})["data"]  # fmt: skip
        check = self.ask("POST", "/api/v1/checks", {"name": "x"})["data"]
        key = self.ask("POST", "/api/v1/auth/keys", {"name": "x"})["data"]
        return {"mon_abc123": monitor["id"], "abc123": check["id"], "def456": key["id"]}

    def cronpulse(self) -> dict[str, str]:
        project = self.ask("POST", "/api/v1/projects", {"name": "P", "url": "https://x.example"})
        new = {"name": "x", "projectId": project["id"], "url": "http://127.0.0.1:9/",
               "method": "GET", "schedule": "0 0 1 1 *"}  # fmt: skip
        job = self.ask("POST", "/api/v1/jobs", new)
        return {"clxxx...": project["id"], "clyyy...": job["id"]}

    def healthchecks(self) -> dict[str, str]:
        one, two, three = (
            self.ask("POST", "/api/v3/checks/", {"name": "db backups"})["uuid"] for _ in range(3)
        )
        said("curl", "-sS", "-d", "kept", f"{self.house.served.url}/hc/ping/{one}")
        return {
            "f618072a-7bde-4eee-af63-71a77c5723bc": one,
            "0c8983c9-9d73-446f-adb5-0641fdacc9d4": two,
            "803f680d-e89b-492b-82ef-2be7b774a92d": three,
        }

    def healthchecks_pings(self) -> dict[str, str]:
        made = self.ask("POST", "/api/v3/checks/", {"name": "x", "slug": "db-backups"})
        return {
            "f618072a-7bde-4eee-af63-71a77c5723bc": made["uuid"],
            "fqOOd6-F4MMNuCEnzTU01w": self.house.served.get("/workspace")["ping_key"],
        }


# What is made by its first ping.
MADE = frozenset({"/ping/fqOOd6-F4MMNuCEnzTU01w/srv01"})
RESTS = {
    "cronbeats_rest": ("https://cronbeats.com", "cb_your_api_key_here"),
    "cronium_rest": ("https://your-cronium-instance.com", "YOUR_API_TOKEN"),
    "cronmonitor_rest": ("https://cronmonitor.io", "your-api-token"),
    "cronowl_rest": ("https://cronowl.com", "sk_live_xxx"),
    "cronpulse_rest": ("https://app.cronpulse.live", "cpk_your_api_key"),
    "healthchecks": ("https://healthchecks.io", "your-api-key"),
    "healthchecks_pings": ("https://hc-ping.com", ""),
}


@pytest.mark.parametrize("name", RESTS)
def test_what_is_documented_without_a_sample_is_answered_too(house: House, name: str) -> None:
    """Each endpoint by curl, with the body that the document prints, as a rule."""
    dialect = name.partition("_")[0]
    maker = Maker(house, dialect, house.key(dialect))
    host, key = RESTS[name]
    changes = getattr(maker, name.removesuffix("_rest"))() | ({key: maker.key} if key else {})
    ours = f"{house.served.url}/{DIALECTS[dialect].mount}{'/ping' if 'pings' in name else ''}"
    text = sample(f"{name}.sh", {host: ours} | changes)
    asked = requests_in((SAMPLES / f"{name}.sh").read_text())
    found = answers(text.replace(" --head ", " --head -o /dev/null "))
    for (method, path), (status, body) in zip(asked, found, strict=True):
        good = {one.statuses[0] for one in DOCUMENTED[dialect] if one.is_at(method, path)}
        assert status in ({201} if path in MADE else good), (method, path, status, body)


@pytest.mark.parametrize(
    ("name", "words", "then"),
    [
        ("cronmonitor_create.php", ["php"], "\necho $response;"),
        ("cronmonitor_create.py.txt", [sys.executable, "-"], "\nprint(response.text)"),
    ],
)
def test_cronmonitor_samples_in_other_languages(
    house: House, name: str, words: list[str], then: str
) -> None:
    changes = {
        "https://cronmonitor.io/api/v1": f"{house.served.url}/cronmonitor/api/v1",
        "your-api-token": house.key("cronmonitor"),
    }
    made = json.loads(said(*words, stdin=sample(name, changes) + then))
    assert (made["data"]["status"], made["data"]["timezone"]) == ("pending", "Europe/Warsaw")


REST_OF_WRAPPER = """
$id = $monitor['data']['id'];
$told = [$api->getMonitor($id),
         $api->updateMonitor($id, ['name' => 'Again', 'grace_period' => 600]),
         $api->resumeMonitor($id)];
try { $api->deleteMonitor($id); $told[] = 'array'; } catch (TypeError $e) { $told[] = 'TypeError'; }
try { $api->getMonitor($id); } catch (Exception $e) { $told[] = $e->getMessage(); }
echo json_encode($told);
"""


def test_the_php_wrapper_of_cronmonitor_works(house: House) -> None:
    """Its delete fails on the documented 204 after the monitor is gone, as published."""
    changes = {
        "https://cronmonitor.io/api/v1": f"{house.served.url}/cronmonitor/api/v1",
        "your-api-token": house.key("cronmonitor"),
    }
    text = sample("cronmonitor_wrapper.php", changes)
    shown, changed, resumed, deleted, gone = json.loads(said("php", stdin=text + REST_OF_WRAPPER))
    assert shown["data"]["status"] == "paused"
    assert changed["data"]["name"] == "Again"
    assert resumed["data"]["status"] == "pending"
    assert deleted == "TypeError"
    assert gone == ('API Error: {"error": {"code": "not_found", "message": "Resource not found"}}')


@contextmanager
def php_receiver(folder: Path) -> Iterator[str]:
    """Serve the document's check of a signature by a real PHP; what passes it is kept."""
    text = (SAMPLES / "cronmonitor_verify.php").read_text()
    kept = "\nfile_put_contents(__DIR__ . '/event.json', $payload);\n"
    (folder / "hook.php").write_text(text + kept)
    port = free_port()
    words = ["php", "-S", f"127.0.0.1:{port}", "hook.php"]
    with subprocess.Popen(words, cwd=folder, stderr=subprocess.DEVNULL) as php:
        try:
            eventually(lambda: listening(port))
            yield f"http://127.0.0.1:{port}/hook"
        finally:
            php.terminate()


def test_webhooks_pass_the_check_that_cronmonitor_prints(house: House, tmp_path: Path) -> None:
    with php_receiver(tmp_path) as url:
        forged = said("curl", "-sS", "-w", "%{http_code}", "-d", "{}", url,
                      "-H", "X-CronMonitor-Signature: sha256=0")  # fmt: skip
        assert forged == "Invalid signature401"
        assert not (tmp_path / "event.json").exists()
        settings = {"url": url, "format": "cronmonitor", "secrets": ["your-webhook-secret"]}
        hook = {"name": "PHP", "kind": "webhook", "settings": settings}
        channel = house.served.post("/channels", hook)
        house.served.post(f"/channels/{channel['id']}/test", {}, 202)
        eventually((tmp_path / "event.json").exists)
    event = json.loads((tmp_path / "event.json").read_text())
    assert list(event) == ["event", "monitor", "recovered_at", "downtime_duration"]


def test_a_test_of_an_integration_of_cronbeats_is_a_real_message(house: House) -> None:
    """Any door may change where a channel leads; here it is to a ping, which keeps what it says."""
    job = house.call("cronbeats", "POST", "/jobs", {"name": "x", "expected_interval_seconds": 60})
    told = {"url": "https://example.org/in", "secret": "s", "is_enabled": True}
    house.call("cronbeats", "PUT", "/integrations/webhook", told)
    channels = house.served.get("/channels")["data"]
    (channel,) = (one["id"] for one in channels if one["name"] == "CronBeats: webhook")
    for end, words in ((job["data"]["job_key"], "Test message sent"), ("nobody12", "HTTP 404")):
        settings = {"url": f"{house.served.url}/ping/{end}", "format": "cronbeats"}
        house.served.call("PATCH", f"/api/v1/channels/{channel}", {"settings": settings})
        tried = house.call("cronbeats", "POST", "/integrations/webhook/test")
        assert (tried["success"], words in tried["message"]) == ("sent" in words, True), tried
    house.call("cronbeats", "PUT", "/integrations/webhook", {"url": ""})
    (signal,) = house.call("cronbeats", "GET", f"/jobs/{job['data']['id']}/signals")["data"]
    assert signal["message"].startswith('{"event":"job.test","job":')


# --- clients that others wrote -----------------------------------------------------------------


def client(text: str, *words: str) -> Any:
    """Run a program that uses a client in a process of its own; its last line is JSON."""
    return json.loads(said(sys.executable, "-W", "ignore", "-c", text, *words).splitlines()[-1])


CRONBEATS = """
import json, sys
from cronbeats_python import ApiError, PingClient
url, key = sys.argv[1:]
client = PingClient(key, {"base_url": url})
told = [client.ping(), client.start(), client.progress(40, "half"), client.progress(message="on"),
        client.success(), client.fail()]
try:
    PingClient("Unknown1", {"base_url": url}).ping()
except ApiError as error:
    told.append(error.code)
print(json.dumps(told))
"""


@pytest.mark.parametrize("mount", ["/cronbeats", ""])
def test_cronbeats_python_pings(house: House, mount: str) -> None:
    new = {"name": "x", "expected_interval_seconds": 3600}
    job = house.call("cronbeats", "POST", "/jobs", new)["data"]
    *told, unknown = client(CRONBEATS, house.served.url + mount, job["job_key"])
    assert [one["action"] for one in told] == [
        "ping", "start", "progress", "progress", "end", "end",
    ]  # fmt: skip
    assert all(one["ok"] and one["jobKey"] == job["job_key"] for one in told)
    assert unknown == "NOT_FOUND"
    state = house.call("cronbeats", "GET", f"/jobs/{job['id']}")["data"]["current_state"]
    assert (state["status"], state["last_signal"]) == ("down", "end")


CRONPULSE = """
import json, sys
import requests
from cronpulse.monitor import Monitor
url, key = sys.argv[1:]
monitor = Monitor(key, base_url=url)
told = [monitor.ping(state) for state in ("beat", "start", "success", "fail")]
told.append(monitor.ping({"state": "fail", "message": "disk full"}))
try:
    Monitor("unknown12", base_url=url).ping("beat")
except requests.HTTPError as error:
    told.append(error.response.status_code)
print(json.dumps(told))
"""


@pytest.mark.parametrize("mount", ["/cronpulse", ""])
def test_cronpulse_python_pings(house: House, mount: str) -> None:
    owner = house.call("cronpulse", "POST", "/projects", {"name": "P", "url": "https://x.example"})
    new = {
        "name": f"Pulse{mount}", "projectId": owner["id"], "url": "https://x.example",
        "method": "GET", "schedule": "0 0 1 1 *",
    }  # fmt: skip
    job = house.call("cronpulse", "POST", "/jobs", new)
    # Its id is as good as the key that only our own doors show.
    (slug,) = (one["slug"] for one in house.served.get("/watches?limit=200")["data"]
               if one["name"] == new["name"])  # fmt: skip
    named = json.loads(house.served.cli("dialect", "names", slug, "--json").stdout)
    (key,) = (one["ping_key"] for one in named if one["id"] == job["id"])
    told = client(CRONPULSE, house.served.url + mount, key if mount else job["id"])
    assert told == [*['{"success": true}'] * 5, 404]
    assert house.call("cronpulse", "GET", f"/jobs/{job['id']}")["lastStatus"] == "failed"


HEALTHCHECKS = """
import json, sys
from healthchecks_io import Client, CheckCreate, CheckTrap
from healthchecks_io.client.exceptions import CheckNotFoundError
url, key, ping_key = sys.argv[1:]
with Client(api_key=key, ping_key=ping_key, api_url=url + "/hc/api/",
            ping_url=url + "/hc/ping/") as client:
    made = client.create_check(CheckCreate(name="Nightly", tags="night db", timeout=3600, grace=60))
    told = {"made": [made.name, made.tags, made.status, made.timeout]}
    uuid = made.uuid
    told["pings"] = [client.success_ping(uuid=uuid), client.start_ping(uuid=uuid),
                     client.exit_code_ping(3, uuid=uuid, data="broken"),
                     client.success_ping(slug=made.slug)]
    with CheckTrap(client, uuid=uuid):
        pass
    told["status"] = client.get_check(uuid).status
    told["listed"] = [one.name for one in client.get_checks(tags=["night"])]
    told["log"] = [one.type for one in client.get_check_pings(uuid)]
    told["channels"] = [one.kind for one in client.get_integrations()]
    told["badges"] = sorted(client.get_badges())
    told["updated"] = client.update_check(uuid, CheckCreate(name="Nightly 2", timeout=7200)).name
    told["paused"] = client.pause_check(uuid).status
    told["deleted"] = client.delete_check(uuid).name
    try:
        client.get_check(uuid)
    except CheckNotFoundError:
        told["gone"] = True
print(json.dumps(told))
"""


def test_healthchecks_io_manages_and_pings(house: House) -> None:
    """All it can do but flips, whose list it wants bare, which no server of theirs sends."""
    ping_key = house.served.get("/workspace")["ping_key"]
    told = client(HEALTHCHECKS, house.served.url, house.key("healthchecks"), ping_key)
    assert told["made"] == ["Nightly", "night db", "new", 3600]
    assert told["pings"] == [[True, "OK"]] * 4
    assert (told["status"], told["listed"]) == ("up", ["Nightly"])
    assert told["log"] == ["success", "start", "success", "fail", "start", "success"]
    assert (told["updated"], told["paused"], told["deleted"]) == (
        "Nightly 2", "paused", "Nightly 2",
    )  # fmt: skip
    assert told["gone"]


# --- the proof that an operator can have --------------------------------------------------------


def test_each_dialect_proves_itself(house: House) -> None:
    listed = json.loads(house.served.cli("dialect", "ls", "--json").stdout)
    for one in listed:
        results = json.loads(house.served.cli("dialect", "check", one["name"], "--json").stdout)
        assert len(results) > 10
        assert {step["told"] for step in results} == {""}
    assert {one["name"] for one in listed if one["check"]} == set(DIALECTS)


def test_a_wrong_key_fails_the_check(house: House) -> None:
    done = house.served.cli("dialect", "check", "cronpulse", "--key", "cpk_wrong", code=1)
    assert "status 401, not 201" in done.stdout
    assert "1 of 2 as documented" in done.stdout
