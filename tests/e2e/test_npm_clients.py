"""Clients from npm, pinned by the hashes of `clients/package-lock.json`, run by a real Node.

Those that can be pointed at a base URL: CronBeats' own, and one for both APIs of Healthchecks.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.served import Served

CLIENTS = Path(__file__).parent / "clients"
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("npm") / "node")
    try:
        yield served.start()
        served.close()
    finally:
        if served.process is not None:
            served.kill9()


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the clients are installed."""
    folder = tmp_path_factory.mktemp("clients")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(CLIENTS / name, folder)
    ran("npm", *INSTALL, cwd=folder)
    return folder


def ran(*words: str, cwd: Path) -> str:
    """Run a program, which must succeed, and return what it printed."""
    done = subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, timeout=240, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done
    return done.stdout


def node(folder: Path, program: str, *words: str) -> Any:
    """Run a module that uses a client; its last line is JSON."""
    (folder / "program.mjs").write_text(program)
    return json.loads(ran("node", "program.mjs", *words, cwd=folder).splitlines()[-1])


def key_of(served: Served, dialect: str) -> str:
    body = {"name": "npm", "scopes": ["*"], "dialect": dialect}
    key: str = served.post("/keys", body)["key"]
    return key


def called(url: str, key: str, body: Any = None) -> Any:
    sent = [] if body is None else ["-d", json.dumps(body)]
    words = ("curl", "-sS", "-m", "30", "-H", f"X-API-Key: {key}", *sent, url)
    return json.loads(ran(*words, cwd=CLIENTS))["data"]


CRONBEATS = """
import { ApiError, PingClient } from "@cronbeats/cronbeats-node";
const [baseUrl, key] = process.argv.slice(2);
const client = new PingClient(key, { baseUrl });
const told = [await client.ping(), await client.start(), await client.progress(40, "half"),
              await client.progress({ message: "on" }), await client.success(),
              await client.fail()];
try {
  await new PingClient("Unknown1", { baseUrl }).ping();
} catch (error) {
  if (!(error instanceof ApiError)) throw error;
  told.push(error.code);
}
console.log(JSON.stringify(told));
"""


@pytest.mark.parametrize("mount", ["/cronbeats", ""])
def test_cronbeats_node_pings(served: Served, modules: Path, mount: str) -> None:
    key = key_of(served, "cronbeats")
    jobs = f"{served.url}/cronbeats/api/v1/jobs"
    job = called(jobs, key, {"name": "x", "expected_interval_seconds": 3600})
    *told, unknown = node(modules, CRONBEATS, served.url + mount, job["job_key"])
    assert [one["action"] for one in told] == [
        "ping", "start", "progress", "progress", "end", "end",
    ]  # fmt: skip
    assert all(one["ok"] and one["jobKey"] == job["job_key"] for one in told)
    assert all(isinstance(one["processingTimeMs"], int | float) for one in told)
    assert unknown == "NOT_FOUND"
    state = called(f"{jobs}/{job['id']}", key)["current_state"]
    assert (state["status"], state["last_signal"]) == ("down", "end")


HEALTHCHECKS = """
import clients from "healthchecks-io-client";
const [baseUrl, apiKey, version] = process.argv.slice(2);
const { HealthChecksApiClient, HealthChecksPingClient } = clients;
const api = new HealthChecksApiClient({ apiKey, baseUrl, apiVersion: Number(version) });
const made = await api.createCheck({
  name: "Nightly " + version, tags: "prod db", timeout: 3600, grace: 60,
});
const uuid = made.ping_url.split("/").pop();
const ping = new HealthChecksPingClient({ uuid, baseUrl: baseUrl + "/ping" });
await ping.start();
await ping.fail("disk full");
await ping.success("done");
const told = {
  made: [made.name, made.tags, made.status, made.timeout],
  status: (await api.getCheck(uuid)).status,
  listed: (await api.getChecks(["prod"])).checks.map((one) => one.name),
  pings: (await api.listPings(uuid)).pings.map((one) => one.type),
  flips: (await api.listFlips(uuid)).flips.map((one) => one.up),
  channels: (await api.getIntegrations()).channels,
  updated: (await api.updateCheck(uuid, { name: "Again", timeout: 7200 })).name,
  paused: (await api.pauseCheck(uuid)).status,
  deleted: (await api.deleteCheck(uuid)).name,
};
try {
  await api.getCheck(uuid);
} catch (error) {
  told.gone = error.statusCode ?? error.message;
}
console.log(JSON.stringify(told));
"""


@pytest.mark.parametrize("version", [1, 3])
def test_healthchecks_io_client_manages_and_pings(
    served: Served, modules: Path, version: int
) -> None:
    key = key_of(served, "healthchecks")
    told = node(modules, HEALTHCHECKS, f"{served.url}/hc", key, str(version))
    assert told["made"] == [f"Nightly {version}", "prod db", "new", 3600]
    assert (told["status"], told["listed"]) == ("up", [f"Nightly {version}"])
    assert told["pings"] == ["success", "fail", "start"]
    assert told["flips"][-1] in (0, 1)
    assert (told["updated"], told["paused"], told["deleted"]) == ("Again", "paused", "Again")
    assert "404" in str(told["gone"])
