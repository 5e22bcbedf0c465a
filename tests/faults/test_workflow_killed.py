"""Servers are killed while workflows run: each goes on, and no node runs twice but by its policy.

On SQLite the one server comes back; on PostgreSQL the other of two takes over within its lease.
`DOGWATCH_PROVE_KILLS` is how often; `DOGWATCH_SEED` repeats the moments.
"""

import itertools
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.proof import length, tell
from tests.harness.served import Served

KILLS = int(length("DOGWATCH_PROVE_KILLS", 1, 40))
SEED = int(os.environ.get("DOGWATCH_SEED", "0")) or random.randrange(1, 2**32)
SECRET = "a" * 43 + "="
LONG_S = 180.0
# Two of them may be run again where their node died, the others never.
JOBS = {"a": "fail", "b": "rerun", "c": "fail", "d": "rerun", "e": "fail"}
EDGES = (("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"))
FLOWS = 3


class Scene:
    """A workflow of five nodes; each start of a script adds a line to a file."""

    def __init__(self, server: Served, folder: Path) -> None:
        self.file = folder / "began"
        self.file.touch()
        for name, lost_run in JOBS.items():
            source = f"echo {name} $DOGWATCH_RUN_ID $DOGWATCH_ATTEMPT >> {self.file}"
            action = {"kind": "script", "language": "bash", "source": source}
            server.post("/jobs", {"name": name, "action": action, "lost_run": lost_run})
        nodes = [{"key": name, "job": name} for name in JOBS]
        edges = [{"source": a, "target": b, "on": "always"} for a, b in EDGES]
        server.post(
            "/workflows", {"name": "flow", "overlap": "allow", "nodes": nodes, "edges": edges}
        )

    def began(self) -> list[tuple[str, ...]]:
        """Return the starts: job, run, attempt."""
        return [tuple(line.split()) for line in self.file.read_text().splitlines()]

    def wait(self, count: int) -> None:
        """Wait until so many more scripts have started."""
        most = len(self.began()) + count
        eventually(lambda: len(self.began()) >= most, within_s=LONG_S, what=f"{most} starts")


def begin(server: Served) -> None:
    """Start some runs of the workflow."""
    for _ in range(FLOWS):
        server.post("/workflows/flow/trigger", {}, status=202)


def wait_for_the_end(server: Served) -> None:
    """Wait until all runs of the workflow have ended."""
    polls = itertools.count()

    def over() -> bool:  # asked twice a second: it is the server that shall work
        runs = server.every("/runs?watch=flow") if next(polls) % 25 == 0 else [{"state": ""}]
        return all(run["state"] == "done" for run in runs)

    eventually(over, within_s=LONG_S, what="the workflows end")


def doubled(scene: Scene, server: Served, trees: list[Any]) -> list[str]:
    """Return what ran twice, and what was never decided."""
    starts = Counter(scene.began())
    wrong = [f"{start} began {times} times" for start, times in starts.items() if times > 1]
    tries = Counter((job, run_id) for job, run_id, _ in scene.began())
    again = {key: times for key, times in tries.items() if times > 1}
    wrong += [f"{key} ran {n} times" for key, n in again.items() if JOBS[key[0]] != "rerun"]
    made = Counter((run["parent_id"], run["watch_id"])
                   for run in server.every("/runs") if run["parent_id"])  # fmt: skip
    wrong += [f"{key} has {times} runs" for key, times in made.items() if times > 1]
    steps = [(tree["run"]["id"], step) for tree in trees for step in tree["steps"]]
    return wrong + [f"{run} {step['node']}" for run, step in steps if step["state"] != "done"]


def judged(scene: Scene, server: Served, where: str) -> None:
    """Prove what is promised, and say so."""
    trees = [server.get(f"/runs/{run['id']}/tree") for run in server.every("/runs?watch=flow")]
    wrong = doubled(scene, server, trees)
    lost = sum(step["reason"] == "its node died" for tree in trees for step in tree["steps"])
    told = tell(
        f"workflows survive kill -9 on {where}",
        f"{len(trees)} runs, {len(scene.began())} starts, {lost} nodes lost, {len(wrong)} doubled",
        holds=not wrong, seed=str(SEED),
    )  # fmt: skip
    assert wrong == [], told
    assert all(tree["run"]["outcome"] in ("ok", "fail") for tree in trees), told


def test_one_server_comes_back(serve: Serve, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    server = serve()
    scene = Scene(server, tmp_path)
    for _ in range(KILLS):
        begin(server)
        scene.wait(chance.randint(1, FLOWS * len(JOBS) - 3))
        server.kill9()
        server.start()
        wait_for_the_end(server)
    judged(scene, server, "SQLite")


def test_another_takes_over(postgres_url: str, serve: Serve, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    servers = [serve(database=postgres_url, secret_key=SECRET) for _ in range(2)]
    scene = Scene(servers[0], tmp_path)
    for turn in range(KILLS):
        if turn:
            servers.reverse()
            servers[1].start()
        begin(servers[0])
        scene.wait(chance.randint(1, FLOWS * len(JOBS) - 3))
        servers[0].kill9()
        wait_for_the_end(servers[1])
    judged(scene, servers[1], "PostgreSQL with two nodes")
