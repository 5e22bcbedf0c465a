"""Runs: the slot ledger, one row per occurrence of a watch, and the output of our own runs."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    null,
    select,
    true,
    tuple_,
    update,
)

from dogwatch.core.data import data
from dogwatch.core.result import Outcome, Result
from dogwatch.core.signals import Line
from dogwatch.ids import ids_of
from dogwatch.store.bulk import Build, Bulk, New, Values
from dogwatch.store.tables import outputs, runs, watches
from dogwatch.store.tx import INSERTS, Tx
from dogwatch.store.types import encode, microseconds, to_microseconds


@dataclass(frozen=True, slots=True)
class Run:
    """One occurrence of a watch. `state`: queued, running or done; `outcome` once done.

    `parent_id` is the run of the workflow that it is a node of, or the run whose conditional
    action made it; `depth` counts the runs that it follows from. `retry_at` is when its next
    attempt is due, while it waits for that.
    """

    workspace_id: int
    id: str
    watch_id: str
    slot_at: datetime | None
    rid: str | None
    state: str
    outcome: Outcome | None
    reason: str
    trigger: str
    attempt: int
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None
    exit_code: int | None
    status_code: int | None
    phases_ms: Mapping[str, float] | None
    input: str
    cancel_reason: str | None
    error: str | None = None
    detail: str | None = None
    preview: str | None = None
    parent_id: str | None = None
    depth: int = 0
    input_masked: str | None = None
    retry_at: datetime | None = None

    @property
    def shown_input(self) -> str:
        """The input as people see it: without the secret values that were handed on in it."""
        return self.input if self.input_masked is None else self.input_masked


@data()
class Entry:
    """A ledger line of one watch, ready to be written."""

    workspace_id: int
    watch_id: str
    line: Line
    trigger: str = "ping"
    input: str = ""
    exit_code: int | None = None


REMOVED = "its job was removed"
_LINE = (
    runs.c.workspace_id, runs.c.id, runs.c.watch_id, runs.c.slot_at, runs.c.rid, runs.c.trigger,
    runs.c.attempt, runs.c.input, runs.c.state, runs.c.outcome, runs.c.reason, runs.c.queued_at,
    runs.c.started_at, runs.c.finished_at, runs.c.duration_ms, runs.c.exit_code,
)  # fmt: skip
_CHANGED = (
    "state", "outcome", "reason", "queued_at", "started_at", "finished_at", "duration_ms",
    "exit_code",
)  # fmt: skip
_SLOT = (runs.c.workspace_id, runs.c.watch_id, runs.c.slot_at)
_PLACEHOLDERS = (str(Outcome.MISSED), str(Outcome.UNKNOWN))


def write(tx: Tx, entries: Sequence[Entry]) -> None:
    """Write ledger lines: open or settle runs by id, and record slots that passed without one.

    A run that has its outcome keeps it.
    """
    late = [_slot(entry) for entry in entries if entry.line.late]
    own = [_values(one, one.line.run_id) for one in entries if one.line.run_id]
    passed = sorted((one for one in entries if not one.line.run_id), key=_made_at)
    # Many are of one moment: ids in order list their slots in order.
    ids = sorted(ids_of(list(map(_made_at, passed))))
    _REPLACE.run(tx, late)
    for rows in _apart(own):
        _UPSERT[tx.dialect].run(tx, rows)
    _RECORD[tx.dialect].run(tx, list(map(_values, passed, ids)))


def _apart(rows: Sequence[Values]) -> Iterator[list[Values]]:
    """Part rows so that no two of one run or of one slot are written together."""
    while rows:
        seen: set[Values] = set()
        together: list[Values] = []
        again: list[Values] = []
        for row in rows:
            marks = {row[:2]} if row[3] is None else {row[:2], row[2:4]}
            (again if marks & seen else together).append(row)
            seen |= marks
        yield together
        rows = again


def _same_slot(new: New) -> ColumnElement[bool]:
    return and_(*(column == new[column.name] for column in _SLOT))


# A slot that has its row already (a clock set back, a schedule edited to and fro) is not taken
# twice: the run is kept without one.
def _upsert(make: Callable[..., Any]) -> Build:
    def build(new: New) -> Any:
        # Without a slot there is nothing to look for, and PostgreSQL would read all of its watch.
        taken = and_(
            new["slot_at"].is_not(None),
            exists().where(_same_slot(new), runs.c.id != new["id"]),
        )
        values = {**new, "slot_at": case((taken, null()), else_=new["slot_at"])}
        statement = make(runs).from_select(list(values), select(*values.values()).where(true()))
        changed = {name: statement.excluded[name] for name in _CHANGED}
        return statement.on_conflict_do_update(
            index_elements=["workspace_id", "id"], set_=changed, where=runs.c.state != "done"
        )

    return build


def _record(make: Callable[..., Any]) -> Build:
    def build(new: New) -> Any:
        return (
            make(runs)
            .from_select(list(new), select(*new.values()).where(true()))
            .on_conflict_do_nothing()
        )

    return build


def outcomes_of(
    tx: Tx, workspace_id: int, watch_id: str, slots: Collection[datetime]
) -> dict[datetime, Outcome | None]:
    """Return how those of the slots ended that have their line; None while it is open."""
    if not slots:
        return {}
    given = {"workspace": workspace_id, "watch": watch_id, "slots": list(slots)}
    rows = tx.conn.execute(_OUTCOMES, given)
    return {row.slot_at: Outcome(row.outcome) if row.outcome else None for row in rows}


_OUTCOMES = select(runs.c.slot_at, runs.c.outcome).where(
    runs.c.workspace_id == bindparam("workspace"),
    runs.c.watch_id == bindparam("watch"),
    runs.c.slot_at.in_(bindparam("slots", expanding=True)),
)


def reopen(tx: Tx, workspace_id: int, watch_id: str, slot_at: datetime) -> None:
    """Drop the line of a slot in which nothing happened: it is to be run after all."""
    _REPLACE.run(tx, [(workspace_id, watch_id, microseconds(slot_at))])


_UPSERT = {dialect: Bulk(_LINE, _upsert(make)) for dialect, make in INSERTS.items()}
_RECORD = {dialect: Bulk(_LINE, _record(make)) for dialect, make in INSERTS.items()}
_REPLACE = Bulk(
    _SLOT,
    lambda new: delete(runs).where(
        tuple_(*_SLOT).in_(select(*new.values())), runs.c.outcome.in_(_PLACEHOLDERS)
    ),
)


def _made_at(entry: Entry) -> datetime:
    line = entry.line
    if made_at := line.finished_at or line.started_at or line.queued_at or line.slot_at:
        return made_at
    raise ValueError("a ledger line needs a time")


def _values(entry: Entry, run_id: str) -> Values:
    """Return the values of `_LINE`."""
    line = entry.line
    open_state = "running" if line.started_at else "queued"
    return (
        entry.workspace_id,
        run_id,
        entry.watch_id,
        microseconds(line.slot_at),
        line.rid,
        entry.trigger,
        1,
        entry.input,
        "done" if line.outcome else open_state,
        line.outcome and str(line.outcome),
        line.reason,
        microseconds(line.queued_at),
        microseconds(line.started_at),
        microseconds(line.finished_at),
        line.duration_ms,
        entry.exit_code,
    )


def _slot(entry: Entry) -> Values:
    return entry.workspace_id, entry.watch_id, microseconds(entry.line.slot_at)


def by_id(tx: Tx, workspace_id: int, run_id: str) -> Run | None:
    """Return one run."""
    row = tx.conn.execute(_of(workspace_id).where(runs.c.id == run_id)).first()
    return _run(row) if row else None


def by_keys(tx: Tx, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], Run]:
    """Return the runs of these (workspace id, id)."""
    if not keys:
        return {}
    rows = tx.conn.execute(_BY_KEYS, {"keys": list(keys)})
    return {(row.workspace_id, row.id): _run(row) for row in rows}


def unfinished(tx: Tx) -> Sequence[Run]:
    """Return every run that has no outcome yet, over all workspaces."""
    return [_run(row) for row in tx.conn.execute(select(runs).where(runs.c.state != "done"))]


_AMONG = tuple_(runs.c.workspace_id, runs.c.id).in_(bindparam("keys", expanding=True))
_BY_KEYS = select(runs).where(_AMONG)
_WISHES = select(runs.c.workspace_id, runs.c.id, runs.c.cancel_reason).where(_AMONG)


def listed(
    tx: Tx, workspace_id: int, limit: int, before: str = "", **filters: Any
) -> Sequence[Run]:
    """Return runs newest first, older than id `before`; filters by column."""
    found = _of(workspace_id)
    if before:
        found = found.where(runs.c.id < before)
    for column, value in filters.items():
        found = found.where(runs.c[column] == value)
    return [_run(row) for row in tx.conn.execute(found.order_by(runs.c.id.desc()).limit(limit))]


def set_attempt(tx: Tx, workspace_id: int, run_id: str, attempt: int, **changes: Any) -> None:
    """Note which attempt a run is at, and what changed with it, unless it has ended."""
    tx.conn.execute(
        update(runs)
        .where(runs.c.workspace_id == workspace_id, runs.c.id == run_id, runs.c.state != "done")
        .values(attempt=attempt, **changes)
    )


def set_results(tx: Tx, results: Mapping[tuple[int, str], Result]) -> None:
    """Keep what only the runner knows: codes, phases, and what a probe saw."""
    rows = [
        (
            *key,
            result.exit_code,
            result.status_code,
            encode(dict(result.phases_ms)) if result.phases_ms else None,
            result.error or None,
            result.detail[:255] or None,
            result.preview or None,
        )
        for key, result in results.items()
    ]
    _RESULTS.run(tx, rows)


_OF_RESULT = (
    runs.c.exit_code, runs.c.status_code, runs.c.phases_ms, runs.c.error, runs.c.detail,
    runs.c.preview,
)  # fmt: skip
_RESULTS = Bulk(
    (runs.c.workspace_id, runs.c.id, *_OF_RESULT),
    lambda new: (
        update(runs)
        .where(runs.c.workspace_id == new["workspace_id"], runs.c.id == new["id"])
        .values({column.name: new[column.name] for column in _OF_RESULT})
    ),
)


@dataclass(frozen=True, slots=True)
class Child:
    """A run that a workflow makes of a job, queued at `at`; the watch of the job is not told."""

    workspace_id: int
    id: str
    watch_id: str
    parent_id: str
    depth: int
    input: str
    at: datetime
    input_masked: str | None = None


CHILD: Final = "workflow"
"""The trigger of a run that is a node of a workflow's run."""


def add_children(tx: Tx, new: Sequence[Child]) -> None:
    """Insert the runs of nodes, waiting."""
    rows = [
        (
            one.workspace_id, one.id, one.watch_id, "queued", "", CHILD, 1, one.input,
            to_microseconds(one.at), one.parent_id, one.depth, one.input_masked,
        )
        for one in new
    ]  # fmt: skip
    _ADD_CHILD.run(tx, rows)


_OF_CHILD = (
    runs.c.workspace_id, runs.c.id, runs.c.watch_id, runs.c.state, runs.c.reason, runs.c.trigger,
    runs.c.attempt, runs.c.input, runs.c.queued_at, runs.c.parent_id, runs.c.depth,
    runs.c.input_masked,
)  # fmt: skip
_ADD_CHILD = Bulk(_OF_CHILD, lambda new: insert(runs).from_select(list(new), select(*new.values())))


def start_children(tx: Tx, keys: Sequence[tuple[int, str]], at: datetime) -> None:
    """Note that runs of nodes began."""
    _START_CHILD.run(tx, [(*key, to_microseconds(at)) for key in keys])


_START_CHILD = Bulk(
    (runs.c.workspace_id, runs.c.id, runs.c.started_at),
    lambda new: (
        update(runs)
        .where(runs.c.workspace_id == new["workspace_id"], runs.c.id == new["id"])
        .where(runs.c.state == literal_column("'queued'"))
        .values(state=literal_column("'running'"), started_at=new["started_at"])
    ),
)


def end_children(tx: Tx, ended: Mapping[tuple[int, str], Result], at: datetime) -> None:
    """Give runs of nodes their outcome."""
    rows = [
        (*key, str(one.outcome), one.reason, to_microseconds(at), one.duration_ms or None)
        for key, one in ended.items()
    ]
    _END_CHILD.run(tx, rows)


_END_CHILD = Bulk(
    (
        runs.c.workspace_id, runs.c.id, runs.c.outcome, runs.c.reason, runs.c.finished_at,
        runs.c.duration_ms,
    ),
    lambda new: (
        update(runs)
        .where(runs.c.workspace_id == new["workspace_id"], runs.c.id == new["id"])
        .values(
            {name: new[name] for name in ("outcome", "reason", "finished_at", "duration_ms")}
            | {"state": literal_column("'done'")}
        )
    ),
)  # fmt: skip


def follow(tx: Tx, workspace_id: int, run_id: str, parent_id: str, depth: int) -> None:
    """Note which run another follows from."""
    mine = runs.c.workspace_id == workspace_id, runs.c.id == run_id
    tx.conn.execute(update(runs).where(*mine).values(parent_id=parent_id, depth=depth))


def mask_input(tx: Tx, workspace_id: int, run_id: str, masked: str | None) -> None:
    """Note what people see of the input of a run, where that is not all."""
    if masked is not None:
        mine = runs.c.workspace_id == workspace_id, runs.c.id == run_id
        tx.conn.execute(update(runs).where(*mine).values(input_masked=masked))


def ask_cancel(tx: Tx, workspace_id: int, run_ids: Sequence[str], reason: str) -> None:
    """Ask whoever runs these to stop."""
    tx.conn.execute(
        update(runs)
        .where(
            runs.c.workspace_id == workspace_id,
            runs.c.id.in_(run_ids),
            runs.c.state != "done",
        )
        .values(cancel_reason=reason)
    )


def cancel_asked(tx: Tx, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Return why those of these runs are to stop that were asked to, or are there no more."""
    rows = tx.conn.execute(_WISHES, {"keys": list(keys)})
    known = {(row.workspace_id, row.id): row.cancel_reason for row in rows}
    return {key: why for key in keys if (why := known.get(key, REMOVED)) is not None}


def append_output(
    tx: Tx, workspace_id: int, run_id: str, chunks: Sequence[tuple[int, str, str]]
) -> None:
    """Store chunks of output: (seq, stream, text)."""
    rows = [
        {"workspace_id": workspace_id, "run_id": run_id, "seq": seq, "stream": stream, "text": text}
        for seq, stream, text in chunks
    ]
    if rows:
        tx.conn.execute(insert(outputs), rows)


def drop_output(tx: Tx, workspace_id: int, run_id: str, seqs: Sequence[int]) -> None:
    """Delete chunks that fell out of the kept head and tail."""
    if seqs:
        tx.conn.execute(
            delete(outputs).where(
                outputs.c.workspace_id == workspace_id,
                outputs.c.run_id == run_id,
                outputs.c.seq.in_(seqs),
            )
        )


def output(
    tx: Tx, workspace_id: int, run_id: str, after_seq: int = -1, limit: int = 10_000
) -> Sequence[tuple[int, str, str]]:
    """Return chunks of output after `after_seq`: (seq, stream, text)."""
    found = (
        select(outputs.c.seq, outputs.c.stream, outputs.c.text)
        .where(
            outputs.c.workspace_id == workspace_id,
            outputs.c.run_id == run_id,
            outputs.c.seq > after_seq,
        )
        .order_by(outputs.c.seq)
        .limit(limit)
    )
    return [(row.seq, row.stream, row.text) for row in tx.conn.execute(found)]


def output_tail(tx: Tx, workspace_id: int, run_id: str, count: int) -> str:
    """Return the text of the last `count` chunks of output."""
    last = (
        select(outputs.c.text)
        .where(outputs.c.workspace_id == workspace_id, outputs.c.run_id == run_id)
        .order_by(outputs.c.seq.desc())
        .limit(count)
    )
    return "".join(reversed(tx.conn.scalars(last).all()))


def last_of(tx: Tx, workspace_id: int, watch_ids: Sequence[str]) -> dict[str, Run]:
    """Return the newest run of each of these watches; those of nodes do not touch it."""
    newest = (
        select(runs.c.id)
        .where(runs.c.workspace_id == workspace_id, runs.c.watch_id == watches.c.id)
        .where(runs.c.trigger != CHILD)
        .order_by(runs.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    ids = select(newest).where(watches.c.workspace_id == workspace_id, watches.c.id.in_(watch_ids))
    rows = tx.conn.execute(_of(workspace_id).where(runs.c.id.in_(ids)))
    return {row.watch_id: _run(row) for row in rows}


def tally(tx: Tx, workspace_id: int, watch_id: str) -> dict[Outcome, int]:
    """Return how many runs of a watch ended in each outcome."""
    found = (
        select(runs.c.outcome, func.count())
        .where(runs.c.workspace_id == workspace_id, runs.c.watch_id == watch_id)
        .where(runs.c.outcome.is_not(None))
        .group_by(runs.c.outcome)
    )
    return {Outcome(outcome): count for outcome, count in tx.conn.execute(found)}


def numbered(
    tx: Tx, workspace_id: int, offset: int, limit: int, watch_id: str | None, kind: str
) -> tuple[Sequence[Run], int]:
    """Return runs of our own, newest first, from the `offset`th one on, and how many there are:
    those of one watch, else those of all watches of a kind."""
    mine = [runs.c.workspace_id == workspace_id, runs.c.queued_at.is_not(None)]
    if watch_id:
        mine.append(runs.c.watch_id == watch_id)
    else:
        same = watches.c.workspace_id == workspace_id, watches.c.kind == kind
        mine.append(runs.c.watch_id.in_(select(watches.c.id).where(*same)))
    found = select(runs).where(*mine).order_by(runs.c.id.desc()).offset(offset).limit(limit)
    total = tx.conn.scalar(select(func.count()).select_from(runs).where(*mine))
    return [_run(row) for row in tx.conn.execute(found)], int(total or 0)


def started_before(tx: Tx, workspace_id: int, watch_id: str, run_id: str) -> datetime | None:
    """Return when the last run of a watch before this one began."""
    found = (
        select(runs.c.started_at)
        .where(runs.c.workspace_id == workspace_id, runs.c.watch_id == watch_id)
        .where(runs.c.id < run_id, runs.c.started_at.is_not(None))
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    started_at: datetime | None = tx.conn.scalar(found)
    return started_at


def _of(workspace_id: int) -> Select[Any]:
    return select(runs).where(runs.c.workspace_id == workspace_id)


def _run(row: Row[Any]) -> Run:
    values = dict(row._mapping)
    values["outcome"] = Outcome(row.outcome) if row.outcome else None
    if row.state != "queued":
        values["retry_at"] = None
    return Run(**values)
