"""The one way a watch changes: step, save, ledger, flips and deliveries in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dogwatch.core.signals import Signal
from dogwatch.core.slots import Gap
from dogwatch.core.watch import Step, Watch, step, wake_at
from dogwatch.ids import new_ids
from dogwatch.store import flips, nodes, runs, watches
from dogwatch.store.flips import FlipRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import telling

GAPS_KEPT = timedelta(days=32)


@dataclass(frozen=True, slots=True)
class Change:
    """Signals for one locked watch.

    `trigger` and `input` describe the runs they open; `bodies` is what came with signals, by time.
    `last_ping_at` is the newest ping's time, if these are pings.
    """

    record: Record
    signals: Sequence[Signal]
    trigger: str = "ping"
    input: str = ""
    last_ping_at: datetime | None = None
    bodies: Mapping[datetime, str] = field(default_factory=dict)


def apply(tx: Tx, change: Change, at: datetime) -> Record:
    """Apply one change and return the watch afterwards."""
    return apply_many(tx, [change], at)[0]


def apply_many(
    tx: Tx, changes: Sequence[Change], at: datetime, *, exact: bool = False
) -> list[Record]:
    """Apply changes to locked watches and write all that follows.

    `exact` moves the sweeper's hint to the true deadline; otherwise it is only ever moved
    forward in time by the sweeper itself, so that a ping leaves the index alone.
    """
    gaps = nodes.gaps(tx, at - GAPS_KEPT)
    outcomes = [_steps(change, gaps) for change in changes]
    records = [outcome.hinted(gaps, exact=exact) for outcome in outcomes]
    watches.save_states(tx, records)
    runs.write(tx, [entry for outcome in outcomes for entry in outcome.entries()])
    turned = _numbered(
        [
            turn
            for outcome, record in zip(outcomes, records, strict=True)
            for turn in outcome.turns(record)
        ],
        at,
    )
    flips.add_many(tx, [turn.flip for turn in turned])
    telling.tell(tx, turned, at)
    return records


@dataclass(frozen=True, slots=True)
class _Outcome:
    change: Change
    watch: Watch
    steps: tuple[tuple[Watch, Step], ...]

    def hinted(self, gaps: Sequence[Gap], *, exact: bool) -> Record:
        """Return the record afterwards, its hint never later than the true deadline."""
        before = self.change.record
        due_at = wake_at(self.watch, gaps)
        if before.fault:  # the sweeper finds out when its schedule can be followed again
            due_at = before.due_at or before.created_at
        elif not exact and due_at and before.due_at:
            due_at = min(due_at, before.due_at)
        last_ping_at = self.change.last_ping_at or before.last_ping_at
        return replace(before, watch=self.watch, due_at=due_at, last_ping_at=last_ping_at)

    def entries(self) -> list[runs.Entry]:
        """Return the ledger lines to write."""
        change = self.change
        return [
            runs.Entry(*change.record.key, line, change.trigger, change.input)
            for _, done in self.steps
            for line in done.lines
        ]

    def turns(self, record: Record) -> list[telling.Turn]:
        """Return the flips, each with the watch as it was before and after it."""
        return [
            telling.Turn(
                FlipRow(
                    record.workspace_id, "", record.id, flip.at,
                    str(flip.from_status), str(flip.to_status), flip.reason,
                ),
                record,
                before,
                done.watch,
                done.lines[-1].run_id if done.lines else None,
                self.change.bodies.get(flip.at, ""),
            )
            for before, done in self.steps
            if (flip := done.flip)
        ]  # fmt: skip


def _numbered(turns: Sequence[telling.Turn], at: datetime) -> list[telling.Turn]:
    """Give flips their ids, which tell in which order they became known."""
    return [
        replace(turn, flip=replace(turn.flip, id=flip_id))
        for turn, flip_id in zip(turns, new_ids(at, len(turns)), strict=True)
    ]


def _steps(change: Change, gaps: Sequence[Gap]) -> _Outcome:
    watch = change.record.watch
    steps: list[tuple[Watch, Step]] = []
    for signal in change.signals:
        done = step(watch, signal, gaps)
        steps.append((watch, done))
        watch = done.watch
    return _Outcome(change, watch, tuple(steps))
