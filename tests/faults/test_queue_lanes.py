"""Lanes: no alert waits for a script, and a run that kills its node each time is set aside.

`DOGWATCH_PROVE_QUEUED` is the number of scripts that wait beside the alert.
"""

import time
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

QUEUED = int(length("DOGWATCH_PROVE_QUEUED", 60, 10_000))
JOBS = max(20, -(-QUEUED // MAX_WAITING))
LONG_S = 120.0
ATTEMPTS = 3


def fill(served: Served, url: str) -> None:
    """Queue the scripts before the server starts."""
    settings = config.load({"data": str(served.data), "database_url": url}, {})
    with opened(settings) as store:
        house = House(store.database, store.vault)
        action = {"language": "bash", "source": "sleep 0.5"}
        for number in range(JOBS):
            house.job(
                f"slow-{number}", schedule="@yearly", kind="script", action=action,
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


def test_a_run_that_kills_its_node_is_set_aside(serve: Serve, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    served = serve()
    script = f"until [ -s {victim} ]; do sleep 0.05; done; kill -9 $(cat {victim}); sleep 5"
    poison = job(served, "poison", script, lost_run="rerun")
    served.post("/jobs/poison/trigger", {}, status=202)
    for _ in range(ATTEMPTS):
        process = served.process
        assert process is not None
        aside = victim.with_suffix(".new")
        aside.write_text(str(process.pid))
        aside.rename(victim)
        process.wait(LONG_S)
        victim.unlink()
        served.start()
    eventually(lambda: ended(served, "poison"), within_s=LONG_S, what="it is set aside")
    (run,) = served.every(f"/runs?watch={poison['id']}")
    assert (run["outcome"], run["reason"], run["attempt"]) == ("fail", "its node died", ATTEMPTS)
    job(served, "good", "true")
    served.post("/jobs/good/trigger", {}, status=202)
    eventually(lambda: ended(served, "good"), within_s=LONG_S, what="others go on")
    assert ended(served, "good") == ["ok"]


def job(served: Served, name: str, source: str, **spec: Any) -> Any:
    """Make a script that runs when it is told to."""
    action = {"kind": "script", "language": "bash", "source": source}
    given = {"name": name, "schedule": "@yearly", "action": action} | spec
    return served.post("/jobs", given)


def ended(served: Served, name: str) -> list[str]:
    """Return the outcomes of a job."""
    return [run["outcome"] for run in served.every(f"/runs?watch={name}") if run["outcome"]]
