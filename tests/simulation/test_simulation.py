"""The engine lives through days of trouble in seconds, and every promise is kept.

Longer: DOGWATCH_SIMULATION_DAYS=3 of a busy fleet, DOGWATCH_SIMULATION_MONTH=30 of a calm one.
One seed again: DOGWATCH_SIMULATION_SEEDS=7.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from dogwatch.core.slots import Gap, Plan, deadline
from dogwatch.core.watch import silence
from dogwatch.store import tasks
from dogwatch.store.database import Tx
from dogwatch.store.tasks import Task
from dogwatch.usecases import nodes, runs, signals
from tests.harness.proof import length, tell
from tests.simulation.fleet import BUSY, CALM, Schedules
from tests.simulation.simulation import Verdict, simulate
from tests.simulation.world import Scenario

DAYS = length("DOGWATCH_SIMULATION_DAYS", 0.25, 3)
BUSY_WATCHES = 24
MONTH = length("DOGWATCH_SIMULATION_MONTH", 0.5, 30)
CALM_WATCHES = 100
SEEDS = [int(seed) for seed in os.environ.get("DOGWATCH_SIMULATION_SEEDS", "1,2,3").split(",")]
# The night before clocks change: in October in Europe, in March too, in March in America.
NIGHTS = (
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 3, 8, 2, tzinfo=UTC),
)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory in memory where there is one: a commit costs no disk."""
    fast = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=fast if fast.is_dir() else None) as path:
        yield Path(path)


def run(
    seed: int,
    days: float,
    watches: int,
    memory: Path,
    *,
    trouble: float = 1,
    schedules: Schedules = BUSY,
) -> Verdict:
    start_at = NIGHTS[seed % len(NIGHTS)]
    path = memory / f"{len(list(memory.iterdir()))}.db"
    began = time.process_time()
    verdict = simulate(Scenario(seed, start_at, days, watches, trouble, schedules), path)
    took_s = time.process_time() - began
    print(f"seed {seed}, {days} days in {took_s:.1f} s: {verdict.figures}, {verdict.digest[:16]}")
    return verdict


def expect_whole(verdict: Verdict, days: float, watches: int) -> None:
    """Print what came of a simulation; nothing may be amiss."""
    seed, breaches = verdict.seed, verdict.breaches
    figure = f"{days:g} days of {watches} watches: {verdict.figures}, {len(breaches)} breaches"
    tell("every promise, in virtual time", figure, holds=not breaches, seed=str(seed))
    assert breaches == [], f"seed {seed}, start {NIGHTS[seed % len(NIGHTS)]}"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_promise_is_kept(seed: int, memory: Path) -> None:
    expect_whole(run(seed, DAYS, BUSY_WATCHES, memory), DAYS, BUSY_WATCHES)


@pytest.mark.parametrize("seed", SEEDS[:1])
def test_a_month_of_a_hundred_watches(seed: int, memory: Path) -> None:
    verdict = run(seed, MONTH, CALM_WATCHES, memory, trouble=0.15, schedules=CALM)
    expect_whole(verdict, MONTH, CALM_WATCHES)


def too_late(plan: Plan, slot_at: datetime, gaps: Sequence[Gap] = ()) -> datetime:
    return deadline(plan, slot_at, gaps) + timedelta(seconds=10)


def run_again(tx: Tx, task: Task, at: datetime) -> None:
    tasks.again(tx, task, at)


FAULTS = {
    "an outage of ours is not noted": (nodes, "_note_gap", lambda *_: None, "false down", 8),
    "silence is judged too late": (silence, "deadline", too_late, "silence untold", 0.3),
    "every lost run is run again": (runs, "_lose", run_again, "executed 2 times", 8),
    "nobody is told": (signals, "tell", lambda *_: None, "every flip is told", 8),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen(fault: str, memory: Path) -> None:
    module, name, planted, breach, trouble = FAULTS[fault]
    with mock.patch.object(module, name, planted):
        verdict = run(21, 0.12, 20, memory, trouble=trouble)
    assert any(breach in one for one in verdict.breaches), verdict.breaches


def test_a_seed_replays_exactly(memory: Path) -> None:
    first, again, other = (run(seed, 0.05, 10, memory) for seed in (11, 11, 14))
    assert first.digest == again.digest
    assert first.digest != other.digest
