"""The examples: what they lived through is what the machine makes of it."""

from datetime import UTC, datetime

import pytest

from dogwatch.core.demo import DAYS, EXAMPLES, Example, history
from dogwatch.core.signals import Finish, Lapse
from dogwatch.core.spec import WatchSpec
from dogwatch.core.watch import Watch, create, phase, step

NOON = datetime(2026, 11, 20, 12, 10, tzinfo=UTC)


def lived(example: Example) -> Watch:
    job = example.kind != "watch"
    spec = WatchSpec(
        name=example.name, schedule=example.schedule, slow_after_ms=example.slow_after_ms,
        start_by_s=None if job else example.grace_s,
    )  # fmt: skip
    watch, last_at = create(spec.plan(job=job), NOON - DAYS, job=job), NOON - DAYS
    for signal, _ in history(example, watch, NOON):
        assert last_at <= signal.at <= NOON
        watch, last_at = step(watch, signal).watch, signal.at
    return watch


def test_there_are_twelve_of_every_kind_and_state() -> None:
    assert len({one.name for one in EXAMPLES}) == 12
    assert {one.kind for one in EXAMPLES} == {"watch", "job", "probe"}
    phases = {phase(lived(one), NOON) for one in EXAMPLES}
    assert phases == {"up", "down", "degraded", "late", "new"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
def test_what_comes_next_lies_ahead_or_is_late(example: Example) -> None:
    watch = lived(example)
    if not watch.begun:
        assert "never" in example.fates.values()
        return
    late = "late" in example.fates.values()
    assert watch.slot_at
    assert (watch.slot_at > NOON) is not late
    assert watch.open == ()


def test_fates_are_counted_from_the_last() -> None:
    example = Example("One", "0 * * * *", fates={-1: "fail", -2: "miss"})
    watch = create(WatchSpec(name="One", schedule="0 * * * *").plan(job=False), NOON - DAYS)
    signals = [signal for signal, _ in history(example, watch, NOON)]
    assert isinstance(signals[-1], Finish)
    assert signals[-1].outcome == "fail"
    assert isinstance(signals[-3], Lapse)
