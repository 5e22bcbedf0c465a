"""The one way a watch changes: step, save, ledger, flips and deliveries in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dogwatch.core.signals import Line, Signal
from dogwatch.core.slots import Gap
from dogwatch.core.watch import Flip, Watch, step, wake_at
from dogwatch.ids import new_id
from dogwatch.store import flips, nodes, runs, watches
from dogwatch.store.flips import FlipRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import telling

GAPS_KEPT = timedelta(days=32)


@dataclass(frozen=True, slots=True)
class Change:
    """Signals for one locked watch; `trigger` and `input` describe the runs they open."""

    record: Record
    signals: Sequence[Signal]
    trigger: str = "ping"
    input: str = ""


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
    turned = [
        turn
        for outcome, after in zip(outcomes, records, strict=True)
        for turn in outcome.turns(after)
    ]
    flips.add_many(tx, [turn.flip for turn in turned])
    telling.tell(tx, turned, at)
    return records


@dataclass(frozen=True, slots=True)
class _Outcome:
    change: Change
    watch: Watch
    lines: tuple[Line, ...]
    flips: tuple[Flip, ...]

    def hinted(self, gaps: Sequence[Gap], *, exact: bool) -> Record:
        """Return the record afterwards, its hint never later than the true deadline."""
        before = self.change.record
        due_at = wake_at(self.watch, gaps)
        if not exact and due_at and before.due_at:
            due_at = min(due_at, before.due_at)
        return replace(before, watch=self.watch, due_at=due_at)

    def entries(self) -> list[runs.Entry]:
        """Return the ledger lines to write."""
        change = self.change
        return [
            runs.Entry(*change.record.key, line, change.trigger, change.input)
            for line in self.lines
        ]

    def turns(self, after: Record) -> list[telling.Turn]:
        """Return the flips, each with the watch before and after all signals."""
        return [
            telling.Turn(
                FlipRow(
                    after.workspace_id, new_id(flip.at), after.id, flip.at,
                    str(flip.from_status), str(flip.to_status), flip.reason,
                ),
                self.change.record,
                after,
            )
            for flip in self.flips
        ]  # fmt: skip


def _steps(change: Change, gaps: Sequence[Gap]) -> _Outcome:
    watch = change.record.watch
    lines: list[Line] = []
    turned: list[Flip] = []
    for signal in change.signals:
        result = step(watch, signal, gaps)
        watch = result.watch
        lines += result.lines
        turned += [result.flip] if result.flip else []
    return _Outcome(change, watch, tuple(lines), tuple(turned))
