"""The one way a watch changes: step, save, ledger, flips and deliveries in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate, chain

from dogwatch.core.data import data
from dogwatch.core.ping import Heard
from dogwatch.core.signals import Signal
from dogwatch.core.slots import Gap
from dogwatch.core.watch import Step, step, wake_at
from dogwatch.ids import ids_of
from dogwatch.store import flips, nodes, pings, runs, watches
from dogwatch.store.bulk import together
from dogwatch.store.flips import FlipRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record, State
from dogwatch.usecases.alerting import tell
from dogwatch.usecases.facts import Turn

GAPS_KEPT = timedelta(days=32)


@data()
class Change:
    """Signals for one locked watch.

    `trigger` and `input` describe the runs they open; `heard` are the pings that brought them,
    and others that bring none. `status_code` is what an answer over HTTP said.
    """

    record: Record
    signals: Sequence[Signal]
    trigger: str = "ping"
    input: str = ""
    heard: Sequence[Heard] = ()
    status_code: int | None = None


def apply(tx: Tx, change: Change, at: datetime) -> Record:
    """Apply one change and return the watch afterwards."""
    return next(apply_many(tx, [change], at))


def apply_many(
    tx: Tx, changes: Sequence[Change], at: datetime, *, exact: bool = False
) -> Iterator[Record]:
    """Apply changes to locked watches and write all that follows; yield the watches afterwards.

    `exact` moves the sweeper's hint to the true deadline; otherwise it is only ever moved
    forward in time by the sweeper itself, so that a ping leaves the index alone.
    """
    states, _ = _write(tx, changes, at, exact=exact)
    return map(_after, changes, states)  # a batch of pings does not ask for them


def apply_steps(
    tx: Tx, changes: Sequence[Change], at: datetime
) -> list[tuple[Record, Sequence[Step]]]:
    """Do the same; return the watches afterwards, each with what its signals made of it."""
    states, done = _write(tx, changes, at, exact=False)
    return list(zip(map(_after, changes, states), done, strict=True))


def _write(
    tx: Tx, changes: Sequence[Change], at: datetime, *, exact: bool
) -> tuple[list[State], list[list[Step]]]:
    """Write what follows from changes; return their states afterwards, and how they came about."""
    gaps = nodes.gaps(tx, at - GAPS_KEPT)
    with together(tx):  # PostgreSQL writes the pings while they are judged
        pings.add_many(tx, [(*one.record.key, heard) for one in changes for heard in one.heard])
        done = [_steps(change, gaps) for change in changes]
        states = [
            _state(change, steps, gaps, exact=exact)
            for change, steps in zip(changes, done, strict=True)
        ]
        records = [change.record for change in changes]
        watches.save_states(tx, zip(records, states, strict=True))
        runs.write(tx, list(chain.from_iterable(map(_entries, changes, done))))
    turned = _numbered(list(chain.from_iterable(map(_turns, changes, done))), at)
    flips.add_many(tx, [turn.flip for turn in turned])
    tell(tx, turned, at)
    return states, done


def _after(change: Change, state: State) -> Record:
    return replace(change.record, **state._asdict())


def _steps(change: Change, gaps: Sequence[Gap]) -> list[Step]:
    """Return what the signals make of the watch, one after the other."""
    watch, steps = change.record.watch, []
    for signal in change.signals:
        steps.append(step(watch, signal, gaps))
        watch = steps[-1].watch
    return steps


def _state(change: Change, steps: Sequence[Step], gaps: Sequence[Gap], *, exact: bool) -> State:
    """Return the state afterwards, its hint never later than the true deadline."""
    before = change.record
    watch = steps[-1].watch if steps else before.watch
    due_at = wake_at(watch, gaps)
    if before.fault:  # the sweeper finds out when its schedule can be followed again
        due_at = before.due_at or before.created_at
    elif not exact and due_at and before.due_at:
        due_at = min(due_at, before.due_at)
    return State(watch, _last_ping_at(change), due_at)


def _last_ping_at(change: Change) -> datetime | None:
    times = [heard.at for heard in change.heard]
    if change.record.last_ping_at:
        times.append(change.record.last_ping_at)
    return max(times, default=None)


def _entries(change: Change, steps: Sequence[Step]) -> list[runs.Entry]:
    """Return the ledger lines to write, each with the exit code told at its end."""
    codes = {told.at: told.exit_code for told in change.heard if told.exit_code is not None}
    return [
        runs.Entry(
            *change.record.key, line, change.trigger, change.input,
            codes.get(signal.at) if line.finished_at else None,
        )
        for signal, done in zip(change.signals, steps, strict=True)
        for line in done.lines
    ]  # fmt: skip


def _turns(change: Change, steps: Sequence[Step]) -> list[Turn]:
    """Return the flips, each with the watch as it was before and after it."""
    if not any(done.flip for done in steps):
        return []
    record = change.record
    bodies = {heard.at: heard.body for heard in change.heard}
    befores = chain([record.watch], (done.watch for done in steps))
    return [
        Turn(
            FlipRow(
                record.workspace_id, "", record.id, flip.at,
                str(flip.from_status), str(flip.to_status), flip.reason,
            ),
            record,
            before,
            done.watch,
            done.lines[-1].run_id if done.lines else None,
            done.lines[-1].duration_ms if done.lines else None,
            bodies.get(signal.at, ""),
            change.status_code,
        )
        for signal, before, done in zip(change.signals, befores, steps, strict=False)
        if (flip := done.flip)
    ]  # fmt: skip


def _numbered(turns: Sequence[Turn], at: datetime) -> list[Turn]:
    """Give flips their ids, which tell in which order they became known."""
    known_at = accumulate((turn.flip.at for turn in turns), max, initial=at)
    ids = sorted(ids_of(list(known_at)[1:]))
    return [
        replace(turn, flip=replace(turn.flip, id=flip_id))
        for turn, flip_id in zip(turns, ids, strict=True)
    ]
