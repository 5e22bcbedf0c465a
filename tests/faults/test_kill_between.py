"""kill -9 at any step between claim, start, finish, flip, send and settle.

Each life of a server ends where a seed says: at one of its system calls, while a script of its
runs, or while a receiver of its webhooks has not answered. What the clients, the scripts and the
receiver saw is compared with what the last life knows.

`DOGWATCH_PROVE_KILLS` is the number of lives, `DOGWATCH_SEED` repeats a run.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.mortal import Blow, live
from tests.harness.proof import length, tell
from tests.harness.pulse import Pulse, key_of
from tests.harness.receivers import Webhooks
from tests.harness.served import Served

LIVES = int(length("DOGWATCH_PROVE_KILLS", 2, 50))
LIFE_S = 6.0
LONG_S = 90.0
EVERY_SECOND = "*-*-* *:*:*"
SEED = int(os.environ.get("DOGWATCH_SEED", "0")) or random.randrange(1, 2**32)


@dataclass(slots=True)
class Scene:
    """A server with jobs whose scripts note their start, and a watch that is pinged up and down.

    While `gate` is there, the scripts that began do not end.
    """

    server: Served
    hooks: Webhooks
    folder: Path
    key: str = ""

    @property
    def gate(self) -> Path:
        return self.folder / "gate"

    @property
    def began(self) -> list[str]:
        """What each start of a script noted: run, attempt, job and slot."""
        file = self.folder / "began"
        return file.read_text().splitlines() if file.exists() else []

    def furnish(self) -> None:
        """Make the jobs, the watch, the channel and its rule."""
        hook = {"name": "Hook", "kind": "webhook", "settings": {"url": self.hooks.url}}
        channel = self.server.post("/channels", hook)
        self.hooks.secret = channel["secrets"][0]
        self.server.post("/rules", {"channel_id": channel["id"]})
        note = "echo $DOGWATCH_RUN_ID $DOGWATCH_ATTEMPT {} $DOGWATCH_SLOT_AT >> {}/began"
        wait = f"while test -e {self.gate}; do sleep 0.05; done"
        turns = "exit $(( $(date +%s) % 2 ))"
        for name, end in (("steady", "true"), ("fickle", turns)):
            source = f"{note.format(name, self.folder)}; {wait}; {end}"
            action = {"kind": "script", "language": "bash", "source": source}
            self.server.post("/jobs", {"name": name, "schedule": EVERY_SECOND, "action": action})
        action = {"kind": "http", "url": f"{self.server.url}/healthz"}
        self.server.post("/jobs", {"name": "asks", "schedule": EVERY_SECOND, "action": action})
        watch = self.server.post("/watches", {"name": "Pinged", "schedule": "every 1h"})
        self.key = key_of(watch)


def killed_while_a_script_runs(scene: Scene) -> bool:
    """Kill the server between the start of a script and its end."""
    scene.gate.touch()
    scene.server.start()
    before = len(scene.began)
    eventually(lambda: len(scene.began) > before, within_s=LONG_S, what="a script begins")
    scene.server.kill9()
    scene.gate.unlink()
    return True


def killed_while_a_webhook_waits(scene: Scene) -> bool:
    """Kill the server between the sending of an alert and its answer."""
    scene.hooks.hold.clear()
    before = len(scene.hooks.came)
    scene.server.start()
    eventually(lambda: len(scene.hooks.came) > before, within_s=LONG_S, what="an alert comes")
    scene.server.kill9()
    scene.hooks.hold.set()
    return True


def end_lives(scene: Scene, chance: random.Random, kind: str) -> int:
    """Lead the server through its lives; return how many ended where the seed said."""
    ways = ["script", "webhook", *["blow"] * (LIVES - 2)]
    if LIVES == 2:  # the short run does half of it on each kind of store
        ways = ["script", "blow"] if kind == "sqlite" else ["webhook", "blow"]
    chance.shuffle(ways)
    struck = 0
    for way in ways:
        if way == "script":
            struck += killed_while_a_script_runs(scene)
        elif way == "webhook":
            struck += killed_while_a_webhook_waits(scene)
        else:
            struck += live(scene.server, Blow.drawn(chance, kind), LIFE_S)
    return struck


def settled(server: Served) -> list[Any]:
    """Wait until nothing runs and every delivery has its end, and return the deliveries."""
    for job in ("steady", "fickle", "asks"):
        server.post(f"/watches/{job}/pause", {}, status=200)

    def quiet() -> bool:
        runs = server.every("/runs?state=queued") + server.every("/runs?state=running")
        waiting = [d for d in server.every("/deliveries") if d["state"] not in {"sent", "failed"}]
        return not runs and not waiting

    eventually(quiet, within_s=LONG_S, what="all runs end and all alerts are sent")
    return server.every("/deliveries")


def wrongs(scene: Scene, acked: set[str]) -> Iterator[str]:
    """Yield what is lost, doubled or untold."""
    deliveries = settled(scene.server)
    told = Counter(one["flip_id"] for one in deliveries if one["flip_id"])
    events = {flip["id"] for flip in scene.server.every("/flips") if flip["event"]}
    came = {hook.id for hook in scene.hooks.came if hook.verified}
    yield from (f"flip {one} has no delivery" for one in events - told.keys())
    yield from (f"flip {one} has {times} deliveries" for one, times in told.items() if times > 1)
    for one in deliveries:
        if one["state"] == "sent" and one["id"] not in came:
            yield f"delivery {one['id']} is called sent and never came"
    yield from _wrong_runs(scene)
    pings = Counter(ping["rid"] for ping in scene.server.every("/watches/pinged/pings"))
    yield from (f"{rid} was acknowledged and is lost" for rid in acked - pings.keys())
    yield from (f"{rid} is there twice" for rid, times in pings.items() if times > 1)


def _wrong_runs(scene: Scene) -> Iterator[str]:
    starts = Counter(tuple(line.split()[:2]) for line in scene.began)
    slots = Counter(tuple(line.split()[2:]) for line in scene.began)
    runs = [run for job in ("steady", "fickle") for run in scene.server.every(f"/runs?watch={job}")]
    yield from (f"{one} began twice" for one, times in (starts + slots).items() if times > 1)
    for run in runs:
        if run["outcome"] == "ok" and (run["id"], str(run["attempt"])) not in starts:
            yield f"run {run['id']} is called ok and never began"
    known = {run["id"] for run in runs}
    yield from (f"{one} began and is unknown" for one in starts if one[0] not in known)


def test_nothing_is_lost_doubled_or_untold(
    store: dict[str, str], serve: Serve, webhooks: Webhooks, tmp_path: Path
) -> None:
    server = serve(**store, allow_private_targets="127.0.0.0/8")
    scene = Scene(server, webhooks, tmp_path)
    scene.furnish()
    server.kill9()
    kind = "postgresql" if store else "sqlite"
    with Pulse(server, [scene.key], ("", "/fail")) as pulse:
        struck = end_lives(scene, random.Random(SEED), kind)
        server.start()
        eventually(lambda: len(pulse.acked) > LIVES, within_s=LONG_S, what="pings go through")
    wrong = list(wrongs(scene, set(pulse.acked)))
    figure = f"{kind}: {LIVES} lives, {struck} ended in between, {len(scene.began)} scripts began, "
    figure += f"{len(pulse.acked)} pings acknowledged, {len(wrong)} lost, doubled or untold"
    told = tell("kill -9 at any step", figure, holds=not wrong, seed=str(SEED))
    assert wrong == [], told
