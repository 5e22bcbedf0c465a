"""PostgreSQL is restarted while jobs run and pings arrive: nothing is lost, and work resumes.

`DOGWATCH_PROVE_RESTARTS` is the number of restarts, `DOGWATCH_SEED` repeats a run.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.eventually import eventually
from tests.harness.postgres import PostgresServer, running_postgres
from tests.harness.proof import length, tell
from tests.harness.pulse import Pulse, key_of, turns
from tests.harness.served import Served

RESTARTS = int(length("DOGWATCH_PROVE_RESTARTS", 2, 40))
MODES = ("immediate", "fast")
LONG_S = 120.0
SEED = int(os.environ.get("DOGWATCH_SEED", "0")) or random.randrange(1, 2**32)
WATCHES = 3


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the test's own."""
    with running_postgres() as running:
        yield running


@dataclass(slots=True)
class Scene:
    """A server whose jobs, short and long ones, note each start; its database comes and goes."""

    server: Served
    database: PostgresServer
    folder: Path

    def furnish(self) -> list[str]:
        """Make jobs and watches; return the keys of the watches."""
        note = f"echo $DOGWATCH_RUN_ID $DOGWATCH_ATTEMPT >> {self.folder / 'began'}"
        for name, wait in (("short", "true"), ("long", "sleep 3")):
            action = {"kind": "script", "language": "bash", "source": f"{note}; {wait}"}
            job = {"name": name, "schedule": "*-*-* *:*:*", "action": action}
            self.server.post("/jobs", job)
        spec = {"schedule": "every 1m", "start_by_s": 60}
        watches = [
            self.server.post("/watches", {"name": f"Watch {number}", **spec})
            for number in range(WATCHES)
        ]
        return [key_of(watch) for watch in watches]

    @property
    def began(self) -> list[str]:
        """What each start of a script noted: run and attempt."""
        file = self.folder / "began"
        return file.read_text().splitlines() if file.exists() else []

    def restart(self, mode: str, pulse: Pulse) -> float:
        """Restart the database under pings; return after how many seconds a script began."""
        heard = len(pulse.acked)
        self.database.stop(mode)
        eventually(lambda: len(pulse.acked) > heard + WATCHES, within_s=LONG_S, what="pings kept")
        self.database.start()
        began, before = time.monotonic(), len(self.began)
        eventually(lambda: len(self.began) > before, within_s=LONG_S, what="work resumes")
        return time.monotonic() - began

    def wrongs(self, acked: list[str]) -> Iterator[str]:
        """Yield what is lost, doubled or falsely alarmed."""
        eventually(lambda: not set(acked) - self.stored().keys(), within_s=LONG_S, what="folding")
        yield from (f"{rid} is there twice" for rid, times in self.stored().items() if times > 1)
        jobs = ("short", "long")
        well = [run for job in jobs for run in self.server.every(f"/runs?watch={job}&outcome=ok")]
        starts = Counter(self.began)  # read last: the jobs go on
        yield from (f"{one} began twice" for one, times in starts.items() if times > 1)
        for number in range(WATCHES):
            became = turns(self.server, f"watch-{number}")
            if became != ["up"]:
                yield f"watch {number} became {became}"
        for run in well:
            if f"{run['id']} {run['attempt']}" not in starts:
                yield f"run {run['id']} is called ok and never began"

    def stored(self) -> Counter[str]:
        """Count the pings that are in the database."""
        names = [f"watch-{number}" for number in range(WATCHES)]
        pings = [ping for name in names for ping in self.server.every(f"/watches/{name}/pings")]
        return Counter(ping["rid"] for ping in pings)


def test_no_ping_is_lost_and_work_resumes(
    database: PostgresServer, serve: Serve, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    scene = Scene(serve(database=database.create("d")), database, tmp_path)
    modes = [*MODES, *(chance.choice(MODES) for _ in range(RESTARTS - len(MODES)))]
    with Pulse(scene.server, scene.furnish()) as pulse:
        eventually(lambda: len(scene.began) > 1, within_s=LONG_S, what="scripts begin")
        waits = [scene.restart(mode, pulse) for mode in modes]
    wrong = list(scene.wrongs(pulse.acked))
    holds = not wrong and pulse.refused == 0
    figure = f"{len(modes)} restarts, {len(pulse.acked)} pings acknowledged, {pulse.refused} "
    figure += f"refused, {len(scene.began)} starts, work again after {max(waits):.1f} s at most, "
    figure += f"{len(wrong)} lost, doubled or false"
    told = tell("PostgreSQL is restarted", figure, holds=holds, seed=str(SEED))
    assert holds, (told, wrong)
