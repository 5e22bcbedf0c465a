"""Eight minutes in which we were down, with every watch overdue at our return: nobody is blamed.

The clock is moved on while the program is away; `DOGWATCH_PROVE_OUTAGE_S` is how much of the time
is really waited for instead, and whether real silence is waited for, which takes a minute more.
"""

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.harness.faketime import Moved
from tests.harness.proof import length, tell
from tests.harness.pulse import Pulse, key_of, turns

OUTAGE_S = 480.0
WAITED_S = min(length("DOGWATCH_PROVE_OUTAGE_S", 0, OUTAGE_S), OUTAGE_S)
REARM = timedelta(seconds=60)
LONG_S = 300.0
NEVER = datetime.max.replace(tzinfo=UTC)
# All of them are overdue after eight minutes; those that are pinged have time to be so again.
HEALTHY = {
    "interval": {"schedule": "every 30s", "start_by_s": 60},
    "minutely": {"schedule": "* * * * *", "start_by_s": 60},
    "slow": {"schedule": "every 4m", "start_by_s": 60},
}
MUTE = {
    "mute interval": {"schedule": "every 5s", "start_by_s": 1},
    "mute minutely": {"schedule": "* * * * *", "start_by_s": 20},
}


@dataclass(slots=True)
class Scene:
    """A server through its outage: when it went, when it was back, and who was pinged."""

    kind: str
    server: Moved
    ending: signal.Signals
    keys: dict[str, str] = field(default_factory=dict)
    gone_at: datetime = NEVER
    back_at: datetime = NEVER

    def furnish(self) -> None:
        """Make the watches and a job; ping each once."""
        self.server.start()
        for name, spec in {**HEALTHY, **MUTE}.items():
            watch = self.server.post("/watches", {"name": name, **spec})
            self.keys[watch["slug"]] = key_of(watch)
        action = {"kind": "script", "language": "bash", "source": "true"}
        self.server.post("/jobs", {"name": "job", "schedule": "* * * * *", "action": action})
        for key in self.keys.values():
            assert self.server.call("GET", f"/ping/{key}", key="none").status == 200

    def be_away(self) -> None:
        """Stop; the clock moves on."""
        self.server.end(self.ending)
        self.gone_at = self.server.now_at
        self.server.move(OUTAGE_S - WAITED_S)

    def come_back(self) -> None:
        self.back_at = self.server.now_at
        self.server.start()

    @property
    def healthy(self) -> list[str]:
        return [key for slug, key in self.keys.items() if "mute" not in slug]

    @property
    def mute(self) -> list[str]:
        return [slug for slug in self.keys if "mute" in slug]

    def told(self) -> bool:
        """Whether every silent watch is down."""
        return all("down" in turns(self.server, slug) for slug in self.mute)

    def judges(self) -> bool:
        """Whether the sweeper is at work: a watch that was made after the outage went down."""
        return "down" in turns(self.server, "fresh")

    def fall_silent(self) -> None:
        """Make a watch that misses its first due time."""
        fresh = {"name": "fresh", "schedule": "every 2s", "start_by_s": 0}
        watch = self.server.post("/watches", fresh)
        assert self.server.call("GET", f"/ping/{key_of(watch)}", key="none").status == 200

    def wrongs(self) -> Iterator[str]:
        """Yield false alarms, and slots of the outage that somebody is blamed for."""
        for slug in (*HEALTHY, "job"):
            became = turns(self.server, slug)
            if became not in ([], ["up"]):
                yield f"{slug} became {became}"
        if not WAITED_S:
            until = self.back_at + REARM  # they may be down before, and again after that
            early = {
                slug for slug in self.mute for at in self._downs(slug) if self.gone_at < at < until
            }
            yield from (f"{slug} is blamed for our outage" for slug in early)
            return
        for slug in self.mute:
            down_at = self._downs(slug)
            if len(down_at) != 1 or down_at[0] < self.back_at + REARM:
                yield f"{slug} went down at {down_at}, we were back at {self.back_at}"
        unknown = self._in_gap("minutely", "unknown")
        if len(unknown) < OUTAGE_S // 60 - 3:
            runs = self.server.every("/runs?watch=minutely")
            seen = [(run["slot_at"], run["outcome"], run["reason"]) for run in runs]
            yield f"only {unknown} are unknown, of {seen}"
        blamed = [
            at for slug in ("minutely", "mute-minutely") for at in self._in_gap(slug, "missed")
        ]
        yield from (f"the slot of {at} is called missed" for at in blamed)

    def _downs(self, slug: str) -> list[datetime]:
        watch_id = self.server.get(f"/watches/{slug}")["id"]
        flips = self.server.every(f"/flips?watch={watch_id}")
        return [datetime.fromisoformat(f["at"]) for f in flips if f["to_status"] == "down"]

    def _in_gap(self, slug: str, outcome: str) -> list[datetime]:
        """Return the slots of the outage that ended so."""
        runs = self.server.every(f"/runs?watch={slug}&outcome={outcome}")
        slots = [datetime.fromisoformat(run["slot_at"]) for run in runs]
        return [at for at in slots if self.gone_at < at < self.back_at - timedelta(seconds=60)]


@pytest.fixture
def scenes(tmp_path: Path, postgres_url: str) -> Iterator[list[Scene]]:
    """A server on each kind of store; one is killed, one is stopped."""
    made = [
        Scene("sqlite", Moved(tmp_path / "sqlite"), signal.SIGKILL),
        Scene("postgresql", Moved(tmp_path / "pg", {"database": postgres_url}), signal.SIGTERM),
    ]
    try:
        yield made
        for scene in made:
            scene.server.close()
    finally:
        for scene in made:
            if scene.server.process is not None:
                scene.server.kill9()


def test_our_own_outage_blames_nobody_and_real_silence_is_told(scenes: list[Scene]) -> None:
    for scene in scenes:
        scene.furnish()
        scene.be_away()
    until = time.monotonic() + WAITED_S
    eventually(lambda: time.monotonic() >= until, within_s=WAITED_S + 60, what="the outage lasts")
    for scene in scenes:
        scene.come_back()
    first, second = (Pulse(s.server, s.healthy, pause_s=0.5) for s in scenes)
    with first, second:
        for scene in scenes:
            scene.fall_silent()
            told = scene.told if WAITED_S else scene.judges
            eventually(told, within_s=LONG_S, what="silence is told")
    for scene in scenes:
        wrong = list(scene.wrongs())
        figure = f"{scene.kind}: {OUTAGE_S:.0f} s away, {WAITED_S:.0f} s of it waited for, "
        figure += f"{len(scene.keys) + 1} overdue, {len(MUTE)} really silent, {len(wrong)} wrong"
        line = tell("our own outage blames nobody", figure, holds=not wrong)
        assert wrong == [], line
