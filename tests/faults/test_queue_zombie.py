"""A node stands still for longer than its lease and wakes up: what it held was done by another.

Meanwhile the other has a healthy run that outlasts its lease many times: it starts once.
`DOGWATCH_PROVE_STOP_S` is how long the node stands still, and the healthy run runs.
"""

import os
import random
import signal
from collections import Counter
from datetime import datetime
from pathlib import Path

from sqlalchemy import NullPool, select

from dogwatch.store.database import Database, parse_url
from dogwatch.store.postgres import engine_for
from dogwatch.store.tables import watches
from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.house import House
from tests.harness.proof import length, tell
from tests.harness.served import Served

STOP_S = length("DOGWATCH_PROVE_STOP_S", 11, 100)
SEED = int(os.environ.get("DOGWATCH_SEED", "0")) or random.randrange(1, 2**32)
SECRET = "a" * 43 + "="
LONG_S = 180.0
RERUN = {"lost_run": "rerun", "overlap": "allow"}


class Scene:
    """Jobs of two nodes; each start of a script adds a line to a file."""

    def __init__(self, one: Served, folder: Path) -> None:
        self.one = one
        self.file = folder / "began"
        self.file.touch()

    def job(self, name: str, more: str = "", **spec: object) -> None:
        """Make a job that notes its starts."""
        source = f"echo {name} $DOGWATCH_RUN_ID $DOGWATCH_ATTEMPT >> {self.file}\n{more}"
        action = {"kind": "script", "language": "bash", "source": source, "timeout_s": 600}
        self.one.post("/jobs", {"name": name, "action": action} | spec)

    def began(self, name: str) -> list[tuple[str, int]]:
        """Return the starts of a job: run and attempt."""
        lines = [line.split() for line in self.file.read_text().splitlines()]
        return [(run_id, int(attempt)) for job, run_id, attempt in lines if job == name]

    def wait(self, name: str, count: int) -> None:
        """Wait until a job has started so often."""
        eventually(
            lambda: len(self.began(name)) >= count, within_s=LONG_S, what=f"{count} x {name}"
        )

    def ended(self, server: Served, name: str) -> None:
        """Wait until the newest run of a job has its outcome."""
        eventually(
            lambda: server.every(f"/runs?watch={name}")[0]["state"] == "done",
            within_s=LONG_S + STOP_S, what=f"{name} ends",
        )  # fmt: skip


def doubled(scene: Scene, server: Served) -> list[str]:
    """Return what started twice, and slots without exactly one outcome."""
    names = ("grid", "held", "healthy")
    starts = Counter(start for name in names for start in scene.began(name))
    wrong = [f"{start} began {times} times" for start, times in starts.items() if times > 1]
    runs = server.every("/runs?watch=grid")
    attempts = Counter(run_id for run_id, _ in scene.began("grid"))
    wrong += [f"{run['id']} began {attempts[run['id']]} times" for run in runs
              if attempts[run["id"]] > 1]  # fmt: skip
    slots = Counter(run["slot_at"] for run in runs)
    return wrong + [f"{slot} has {times} runs" for slot, times in slots.items() if times > 1]


def test_a_zombie_is_fenced(postgres_url: str, serve: Serve, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    first = serve(database=postgres_url, secret_key=SECRET)
    scene = Scene(first, tmp_path)
    scene.job("grid", schedule="every 1s", overlap="allow")
    scene.job("held", "[ $DOGWATCH_ATTEMPT = 2 ] || sleep 600", **RERUN)
    scene.job("healthy", f"sleep {STOP_S}", **RERUN)
    scene.wait("grid", chance.randint(1, 3))
    first.post("/jobs/held/trigger", {}, status=202)
    scene.wait("held", 1)
    second = serve(database=postgres_url, secret_key=SECRET)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        second.post("/jobs/healthy/trigger", {}, status=202)
        scene.wait("healthy", 1)
        scene.wait("held", 2)
        scene.ended(second, "held")
        if STOP_S > 60:
            scene.ended(second, "healthy")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    eventually(lambda: "runs are dropped" in first.log.read_text(), within_s=LONG_S)
    scene.wait("grid", len(scene.began("grid")) + 2)
    scene.ended(second, "healthy")
    wrong = doubled(scene, second)
    (held,) = second.every("/runs?watch=held")
    (healthy,) = second.every("/runs?watch=healthy")
    told = tell(
        "a node that stood still is fenced",
        f"{len(scene.began('grid'))} starts, a run of {STOP_S:.0f} s started "
        f"{len(scene.began('healthy'))} time, {len(wrong)} doubled",
        holds=not wrong, seed=str(SEED),
    )  # fmt: skip
    assert wrong == [], told
    assert (held["outcome"], [one for _, one in scene.began("held")]) == ("ok", [1, 2])
    assert (healthy["outcome"], len(scene.began("healthy"))) == ("ok", 1)
    times = [datetime.fromisoformat(healthy[name]) for name in ("started_at", "finished_at")]
    assert (times[1] - times[0]).total_seconds() >= STOP_S


def test_a_node_that_stands_still_in_a_transaction_holds_up_no_other(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    still = engine_for(parse_url(postgres_url), poolclass=NullPool)
    try:
        house = House(database)
        house.job()
        with still.connect() as conn:
            conn.execute(select(watches).with_for_update())
            run = house.trigger()
            conn.invalidate()
    finally:
        database.close()
        still.dispose()
    assert run.state == "queued"
