"""Lanes: no alert waits for a script, and a run that kills its node each time is set aside.

`DOGWATCH_PROVE_QUEUED` is the number of scripts that wait beside the alert.
"""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dogwatch import config
from dogwatch.boot.store import opened
from dogwatch.core.run import Overlap
from dogwatch.usecases.runs import MAX_WAITING
from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.house import House
from tests.harness.proof import length, tell
from tests.harness.pulse import key_of
from tests.harness.receivers import Webhooks
from tests.harness.served import Served
from tests.harness.warm import Warm

QUEUED = int(length("DOGWATCH_PROVE_QUEUED", 60, 10_000))
JOBS = max(20, -(-QUEUED // MAX_WAITING))
LONG_S = 120.0
ATTEMPTS = 3
SECRET = "a" * 43 + "="


def fill(served: Served, url: str) -> None:
    """Queue the scripts before the server starts."""
    settings = config.load({"data": str(served.data), "database_url": url}, {})
    with opened(settings) as store:
        house = House(store.database, store.vault)
        action = {"language": "bash", "source": "sleep 5"}
        for number in range(JOBS):
            house.job(
                f"slow-{number}", schedule=None, kind="script", action=action,
                overlap=Overlap.ALLOW,
            )  # fmt: skip
        for number in range(QUEUED):
            house.trigger(f"slow-{number % JOBS}")


def test_an_alert_does_not_wait_for_scripts(
    postgres_url: str, serve: Serve, webhooks: Webhooks
) -> None:
    served = serve(begin=False, database=postgres_url, allow_private_targets="127.0.0.0/8")
    fill(served, postgres_url)
    served.start()
    watch = served.post("/watches", {"name": "told", "schedule": "every 1h"})
    given = {"name": "hook", "kind": "webhook", "settings": {"url": webhooks.url}}
    channel = served.post("/channels", given)
    webhooks.secret = channel["secrets"][0]
    scope = {"kind": "watches", "values": [watch["id"]]}
    served.post("/rules", {"channel_id": channel["id"], "scope": scope})
    running = "/runs?state=running"
    eventually(lambda: served.get(running)["data"], within_s=LONG_S, what="scripts run")
    began = time.monotonic()
    assert served.call("POST", f"/ping/{key_of(watch)}/fail").status == 200
    eventually(lambda: webhooks.came, within_s=LONG_S, what="the alert comes")
    took_s = time.monotonic() - began
    waiting = len(served.get("/runs?state=queued&limit=100")["data"])
    figure = f"{took_s:.2f} s beside {QUEUED} scripts"
    told = tell("an alert waits for no script", figure, holds=took_s < 1)
    assert waiting > 0, told
    served.kill9()  # rather than wait for what runs


# Ends the node that it runs on: the process above it whose number the file names.
POISON = """
above=$$
until grep -qx "$above" {pids}; do read -r _ _ _ above _ < "/proc/$above/stat"; done
kill -9 "$above"
sleep 60
"""


def test_a_run_that_kills_its_node_is_set_aside(
    store: dict[str, str], serve: Serve, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    nodes = [serve(begin=False, secret_key=SECRET, **store) for _ in range(2 if store else 1)]

    def name_nodes() -> None:
        aside = pids.with_suffix(".new")
        aside.write_text("".join(f"{running(node).pid}\n" for node in nodes))
        aside.rename(pids)

    for node in nodes:
        node.start()
    name_nodes()
    poison = job(nodes[0], "poison", POISON.format(pids=pids), lost_run="rerun")
    nodes[0].post("/jobs/poison/trigger", {}, status=202)
    for _ in range(ATTEMPTS):
        (dead,) = eventually(lambda: ended_nodes(nodes), within_s=LONG_S, what="a node ends")
        dead.start()
        name_nodes()
    eventually(lambda: ended(nodes[0], "poison"), within_s=LONG_S, what="it is set aside")
    (run,) = nodes[0].every(f"/runs?watch={poison['id']}")
    job(nodes[0], "good", "true")
    nodes[0].post("/jobs/good/trigger", {}, status=202)
    eventually(lambda: ended(nodes[0], "good"), within_s=LONG_S, what="others go on")
    holds = (run["outcome"], run["reason"], run["attempt"]) == ("fail", "its node died", ATTEMPTS)
    kind = "two nodes on PostgreSQL" if store else "a node on SQLite"
    figure = f"{kind}: {run['attempt']} attempts, then {run['outcome']}; all goes on"
    told = tell("a run that kills its node is set aside", figure, holds=holds)
    assert holds, told
    assert ended(nodes[0], "good") == ["ok"]
    assert not ended_nodes(nodes)


def running(node: Served) -> "subprocess.Popen[bytes] | Warm":
    """Return the process of a node that was started."""
    assert node.process is not None
    return node.process


def ended_nodes(nodes: Sequence[Served]) -> list[Served]:
    """Return the nodes that are dead."""
    return [node for node in nodes if running(node).poll() is not None]


def job(served: Served, name: str, source: str, **spec: Any) -> Any:
    """Make a script that runs when it is told to."""
    action = {"kind": "script", "language": "bash", "source": source}
    given = {"name": name, "action": action} | spec
    return served.post("/jobs", given)


def ended(served: Served, name: str) -> list[str]:
    """Return the outcomes of a job."""
    return [run["outcome"] for run in served.every(f"/runs?watch={name}") if run["outcome"]]
