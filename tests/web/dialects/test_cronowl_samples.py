"""Every sample request of CronOwl's document, run by curl against a real server."""

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from tests.eventually import eventually
from tests.harness.documented import SAMPLES
from tests.web.asgi_client import Client
from tests.web.dialects.conftest import Door

HOST = "https://cronowl.com"
# The document forgets to escape the quotes of bodyContains, which then is no JSON.
LIST, FILTERED, MADE, CHANGED, MONITORS, MONITOR_MADE, MONITOR_CHANGED = (
    (SAMPLES / "cronowl.sh").read_text().split("\n\n")
)
PINGS = (SAMPLES / "cronowl_pings.sh").read_text()


@dataclass(frozen=True, slots=True)
class Listening:
    """A server of this process, behind a real socket."""

    client: Client
    port: int

    def run(self, sample: str, **names: str) -> str:
        """Run a sample by bash with the host, the key and what it names replaced."""
        text = sample.replace(HOST, f"http://127.0.0.1:{self.port}/cronowl")
        for token in ("YOUR_API_KEY", "sk_live_xxx"):
            text = text.replace(token, str(self.client.token))
        for name, value in names.items():
            text = text.replace(name.replace("_", "-") if name == "your_slug" else name, value)
        shell = shutil.which("bash")
        assert shell
        done = subprocess.run(
            [shell, "-c", text], capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout

    def data(self, sample: str, **names: str) -> Any:
        answer = json.loads(self.run(sample, **names))
        assert answer["success"] is True, answer
        return answer["data"]


@pytest.fixture
def listening(door: Door) -> Iterator[Listening]:
    client = door("cronowl")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(client.app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            eventually(lambda: server.started, within_s=60)
            yield Listening(client, listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(60)


def test_every_sample_of_the_document_works(listening: Listening) -> None:
    assert listening.data(LIST) == []
    check = listening.data(MADE)
    assert (check["cronExpression"], check["maxDuration"]) == ("0 2 * * *", 300000)
    changed = listening.data(CHANGED, abc123=check["id"])
    assert (changed["name"], changed["tags"]) == ("Daily Backup", ["prod", "db"])
    answers = listening.run(PINGS, your_slug=check["slug"]).replace("}{", "}\n{").splitlines()
    words = [json.loads(line)["message"] for line in answers]
    assert words == ["Pong!", "Pong!", "Pong!", "Start signal recorded", "Pong!"]
    (up,) = listening.data(FILTERED)
    assert (up["id"], up["status"]) == (check["id"], "up")
    assert listening.data(MONITORS) == []
    printed = MONITOR_MADE.replace('\\"', '"')
    assert json.loads(listening.run(printed))["error"]["code"] == "VALIDATION_ERROR"
    monitor = listening.data(MONITOR_MADE)
    assert monitor["assertions"] == {"maxResponseTimeMs": 2000, "bodyContains": '"status":"ok"'}
    after = listening.data(MONITOR_CHANGED, mon_abc123=monitor["id"])
    assert (after["intervalSeconds"], after["assertions"]["maxResponseTimeMs"]) == (120, 3000)
