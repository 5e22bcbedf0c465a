"""The one state machine: a watch and a signal in, the watch afterwards and what to write out.

`TABLE` holds every status change there is. `step` decides which event a signal amounts to, keeps
the counters and the ledger lines, and asks the table.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dogwatch.core.signals import (
    Answer,
    Edit,
    Finish,
    Lapse,
    Pause,
    Queue,
    Resume,
    Signal,
    Skip,
    Start,
)
from dogwatch.core.slots import Gap, Plan
from dogwatch.core.watch.changes import edit, forgive, pause, resume, underneath
from dogwatch.core.watch.evidence import answer, finish, queue, skip, start
from dogwatch.core.watch.silence import armed, lapse, phase, wake_at
from dogwatch.core.watch.state import TABLE, Event, Flip, OpenRun, Status, Step, Watch

__all__ = [
    "TABLE", "Event", "Flip", "OpenRun", "Status", "Step", "Watch",
    "armed", "create", "forgive", "phase", "step", "underneath", "wake_at",
]  # fmt: skip


def create(plan: Plan, at: datetime, *, job: bool = False) -> Watch:
    """Return a new watch; it owes its first slot after `at`."""
    return Watch(plan=plan, job=job, since_at=at, slot_at=plan.after(at))


def step(watch: Watch, signal: Signal, gaps: Sequence[Gap] = ()) -> Step:
    """Return what `signal` makes of `watch`. Pure; the same signal twice changes nothing."""
    return _HANDLERS[type(signal)](watch, signal, gaps)


_HANDLERS: Mapping[type, Callable[[Watch, Any, Sequence[Gap]], Step]] = {
    Start: start,
    Finish: finish,
    Queue: queue,
    Answer: answer,
    Skip: skip,
    Lapse: lapse,
    Pause: pause,
    Resume: resume,
    Edit: edit,
}
