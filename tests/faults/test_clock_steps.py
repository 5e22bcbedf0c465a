"""The wall clock steps two hours on and two hours back: no false alarm, nothing fired twice.

The clock is moved under a running server by libfaketime; what never goes back is left alone.

`DOGWATCH_PROVE_STEPS` is the number of further steps, `DOGWATCH_SEED` repeats a run.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dogwatch.core.slots import STRETCH
from tests.e2e.conftest import flags_of
from tests.eventually import eventually
from tests.harness.faketime import Moved
from tests.harness.proof import length, tell
from tests.harness.pulse import Pulse, key_of, turns

HOUR_S = 3600
STEPS = int(length("DOGWATCH_PROVE_STEPS", 0, 20))
SIZES_S = (2 * HOUR_S, HOUR_S / 2, 600, 20, 3, -3, -20, -600, -HOUR_S / 2, -2 * HOUR_S)
LONG_S = 400.0
SEED = int(os.environ.get("DOGWATCH_SEED", "0")) or random.randrange(1, 2**32)
# None of them lets its next ping wait as long as the steps are.
PINGED = {
    "interval": {"schedule": "every 30s", "start_by_s": 60},
    "minutely": {"schedule": "* * * * *", "start_by_s": 60},
    "hourly": {"schedule": "0 * * * *", "start_by_s": 120},
}
JOBS = {"grid": "*-*-* *:*:0/5", "paced": "every 2s", "rare": "30 * * * *"}
GRID = timedelta(seconds=5)


@dataclass(slots=True)
class Scene:
    """A server with watches that are pinged, one that falls mute, and jobs that note each start."""

    server: Moved
    folder: Path

    def furnish(self) -> list[str]:
        """Make all of it; return the keys that are pinged from now on."""
        watches = [self.server.post("/watches", {"name": n, **spec}) for n, spec in PINGED.items()]
        for name, schedule in JOBS.items():
            source = f"echo {name} $DOGWATCH_SLOT_AT >> {self.folder / 'began'}"
            action = {"kind": "script", "language": "bash", "source": source}
            self.server.post("/jobs", {"name": name, "schedule": schedule, "action": action})
        return [key_of(watch) for watch in watches]

    def began(self, name: str) -> list[datetime]:
        """Return the slots that the scripts of a job noted."""
        file = self.folder / "began"
        lines = file.read_text().splitlines() if file.exists() else []
        noted = (line.split() for line in lines)
        return [datetime.fromisoformat(at) for job, at in noted if job == name]

    def goes_on(self, name: str) -> None:
        """Wait until a job has begun once more."""
        before = len(self.began(name))
        eventually(lambda: len(self.began(name)) > before, within_s=LONG_S, what=f"{name} goes on")


@pytest.fixture(params=["sqlite", "postgresql"] if STEPS else ["sqlite"])
def store(request: pytest.FixtureRequest) -> dict[str, str]:
    """The flags of a store: SQLite's, and PostgreSQL's at full length, which takes minutes."""
    return flags_of(request)


@pytest.fixture
def scene(store: dict[str, str], tmp_path: Path) -> Iterator[Scene]:
    """A server on a clock that we move; in the end it is audited."""
    server = Moved(tmp_path / "node", store)
    server.start()
    try:
        yield Scene(server, tmp_path)
        server.close()
    finally:
        if server.process is not None:
            server.kill9()


def step(scene: Scene, pulse: Pulse, by_s: float) -> None:
    """Move the clock and see that pings are taken and the interval goes on, in the new time."""
    scene.server.move(by_s)
    heard = len(pulse.acked) + 2 * len(PINGED)
    eventually(lambda: len(pulse.acked) >= heard, within_s=LONG_S, what="pings are taken")
    scene.goes_on("paced")


def wrongs(scene: Scene) -> Iterator[str]:
    """Yield false alarms, and slots that are doubled or missing."""
    for name in (*PINGED, *JOBS):
        became = turns(scene.server, name)
        if became not in ([], ["up"]):
            watch_id = scene.server.get(f"/watches/{name}")["id"]
            yield f"{name} became {became}: {scene.server.every(f'/flips?watch={watch_id}')}"
    for name in JOBS:
        again = [at for at, times in Counter(scene.began(name)).items() if times > 1]
        yield from (f"{name} began twice at {at}" for at in again)
    # What lies ahead was known when the clock was ahead; what is between is yet to come.
    runs = scene.server.every("/runs?watch=grid")
    slots = sorted({at for at in map(at_of, runs) if at <= scene.server.now_at})
    # One line may stand for those after it until it was told, amid some that have their own.
    stretches = [
        (at_of(run), datetime.fromisoformat(run["finished_at"]))
        for run in runs
        if run["reason"] == STRETCH
    ]
    holes = [
        at
        for at, after in pairwise(slots)
        if after - at != GRID
        and not any(since <= at and after <= told_at + GRID for since, told_at in stretches)
    ]
    yield from (f"nothing is known of the slot after {at}" for at in holes)
    for run in scene.server.every("/runs?watch=hourly"):
        if run["outcome"] not in {"ok", "unknown"}:
            yield f"hourly was {run['outcome']} at {run['slot_at']}"


def at_of(run: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(run["slot_at"])


def silence_is_told(scene: Scene) -> None:
    """See that a watch that falls mute now goes down, once."""
    watch = scene.server.post("/watches", {"name": "mute", "schedule": "every 2s", "start_by_s": 1})
    scene.server.call("GET", f"/ping/{key_of(watch)}")
    eventually(lambda: "down" in turns(scene.server, "mute"), within_s=LONG_S, what="silence told")
    assert turns(scene.server, "mute") == ["up", "down"]


def test_a_step_of_the_clock_alarms_nobody_and_doubles_nothing(
    scene: Scene, store: dict[str, str]
) -> None:
    chance = random.Random(SEED)
    sizes = [2 * HOUR_S, -2 * HOUR_S, *(chance.choice(SIZES_S) for _ in range(STEPS))]
    with Pulse(scene.server, scene.furnish()) as pulse:
        scene.goes_on("paced")
        scene.goes_on("grid")
        for by_s in sizes:
            step(scene, pulse, by_s)
            scene.goes_on("grid")
        silence_is_told(scene)
    wrong = list(wrongs(scene))
    starts = sum(len(scene.began(name)) for name in JOBS)
    figure = f"{'postgresql' if store else 'sqlite'}: {len(sizes)} steps of up to ±2 h, "
    figure += f"{len(pulse.acked)} pings, {starts} starts, {len(wrong)} false, doubled or missing"
    told = tell("the wall clock steps", figure, holds=not wrong, seed=str(SEED))
    assert wrong == [], told
