"""What can happen to a watch, and the ledger lines that come of it: data in, data out."""

from dataclasses import dataclass
from datetime import datetime

from dogwatch.core.data import data
from dogwatch.core.result import Outcome
from dogwatch.core.slots import Plan


@data()
class Start:
    """A run began. `id` names the run if this opens one; `told_at` if that was later than `at`."""

    at: datetime
    id: str
    rid: str | None = None
    told_at: datetime | None = None


@data()
class Finish:
    """A run ended. `id` names the run if none was open. `outcome` is ok, fail, timeout, skipped.

    `told_at` if that was later than `at`.
    """

    at: datetime
    id: str
    outcome: Outcome = Outcome.OK
    rid: str | None = None
    reason: str = ""
    duration_ms: int | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """Our scheduler made run `id` for `slot_at` (None: by hand); `next_at` is fired next."""

    at: datetime
    id: str
    slot_at: datetime | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """Our probe asked for `slot_at` and has its outcome; run `id` tells it. `next_at` is next."""

    at: datetime
    id: str
    slot_at: datetime
    next_at: datetime | None
    outcome: Outcome
    reason: str = ""
    started_at: datetime | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """Our scheduler lets `slot_at` pass without a run."""

    at: datetime
    slot_at: datetime
    next_at: datetime | None
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Lapse:
    """Time has passed; whatever is overdue at `at` is judged.

    `now_at` where evidence since `at` may still come: the present, of which `at` falls short.
    """

    at: datetime
    now_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Expect nothing until resumed."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Resume:
    """Expect again, from `at` on; `fresh`: as if it had never been heard."""

    at: datetime
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """The plan changed; nothing is judged by it for the time before `at`."""

    at: datetime
    plan: Plan


Signal = Start | Finish | Queue | Answer | Skip | Lapse | Pause | Resume | Edit


@data()
class Line:
    """One line of the slot ledger to write: a run opened (`outcome` None) or settled.

    `run_id` None: a slot that passed without a run. `late`: takes the place of such a line.
    """

    run_id: str | None
    slot_at: datetime | None = None
    rid: str | None = None
    outcome: Outcome | None = None
    reason: str = ""
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: int | None = None
    late: bool = False
