"""Examples: items with a history that never was, marked, and gone at one word."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dogwatch.core.demo import DAYS, EXAMPLES, TAG, Example, history
from dogwatch.core.ping import Heard, Kind
from dogwatch.core.signals import Finish, Signal
from dogwatch.core.spec import WatchSpec
from dogwatch.core.watch import step, wake_at
from dogwatch.ids import new_id
from dogwatch.store import flips, jobs, nodes, pings, runs, watches, workspaces
from dogwatch.store.flips import FlipRow
from dogwatch.store.tx import Tx
from dogwatch.store.watches import Record
from dogwatch.usecases import incidents
from dogwatch.usecases.facts import Turn
from dogwatch.usecases.jobs import JobSpec, default_policy
from dogwatch.usecases.jobs import add as add_job
from dogwatch.usecases.probes import ProbeSpec
from dogwatch.usecases.probes import add as add_probe
from dogwatch.usecases.watches import add as add_watch
from dogwatch.usecases.watches import find, pause, remove
from dogwatch.vault import Vault

# So many of the last runs of an example say something.
SPEAKING = 3
BATCH = 500
_TARGET = {"kind": "http", "url": "https://shop.example/"}


def add(tx: Tx, workspace_id: int, vault: Vault, at: datetime) -> int:
    """Make the examples unless they are there; return how many there are."""
    if present := _ids(tx, workspace_id):
        return len(present)
    workspaces.get(tx, workspace_id, lock=True)
    lived = [_lived(tx, workspace_id, one, vault, at) for one in EXAMPLES]
    turns = sorted((turn for one in lived for turn in one.turns), key=lambda turn: turn.flip.at)
    for turn in turns:
        incidents.follow(tx, workspace_id, [turn], turn.flip.at)
    flips.add_many(tx, [turn.flip for turn in turns])
    for one in lived:
        if one.example.paused:
            pause(tx, find(tx, workspace_id, one.record.id, lock=True), at)
    nodes.set_fact(tx, _fact(workspace_id), " ".join(one.record.id for one in lived))
    return len(lived)


def count(tx: Tx, workspace_id: int) -> int:
    """Return how many examples there are."""
    return len(_ids(tx, workspace_id))


def clear(tx: Tx, workspace_id: int) -> int:
    """Remove the examples with all that was kept of them; return how many that were."""
    ids = _ids(tx, workspace_id)
    for watch_id in ids:
        remove(tx, find(tx, workspace_id, watch_id, lock=True))
    nodes.drop_fact(tx, _fact(workspace_id))
    return len(ids)


def _ids(tx: Tx, workspace_id: int) -> Sequence[str]:
    """Return those of the examples that nobody has removed yet."""
    known = (nodes.fact(tx, _fact(workspace_id)) or "").split()
    return sorted(watches.look(tx, workspace_id, known)) if known else []


def _fact(workspace_id: int) -> str:
    return f"demo:{workspace_id}"


@dataclass(slots=True)
class _Life:
    """An example while it lives through its days: what is to be written of it."""

    example: Example
    record: Record
    entries: list[runs.Entry] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    ends: list[tuple[str, Finish]] = field(default_factory=list)

    def live(self, signal: Signal, run_id: str) -> None:
        """Take one signal."""
        before = self.record.watch
        done = step(before, _named(signal, run_id))
        trigger = "ping" if self.example.kind == "watch" else "schedule"
        key = self.record.key
        self.entries += [runs.Entry(*key, line, trigger) for line in done.lines if line.outcome]
        self.record = replace(self.record, watch=done.watch)
        if isinstance(signal, Finish):
            self.ends.append((run_id, signal))
        if flip := done.flip:
            row = FlipRow(
                key[0], new_id(flip.at), key[1], flip.at, str(flip.from_status),
                str(flip.to_status), flip.reason,
            )  # fmt: skip
            last = done.lines[-1] if done.lines else None
            own, took_ms = (last.run_id, last.duration_ms) if last else (None, None)
            self.turns.append(Turn(row, self.record, before, done.watch, own, took_ms, ""))


def _named(signal: Any, run_id: str) -> Any:
    return replace(signal, id=run_id) if hasattr(signal, "id") else signal


def _lived(tx: Tx, workspace_id: int, example: Example, vault: Vault, at: datetime) -> _Life:
    life = _Life(example, _made(tx, workspace_id, example, vault, at - DAYS))
    names: dict[str, str] = {}
    for signal, name in history(example, life.record.watch, at):
        life.live(signal, names.setdefault(name, new_id(signal.at)))
        if len(life.entries) >= BATCH:  # the database must not think that we stand still
            _write_entries(tx, life)
    _write(tx, life)
    return life


def _write_entries(tx: Tx, life: _Life) -> None:
    runs.write(tx, life.entries)
    life.entries.clear()


def _made(tx: Tx, workspace_id: int, example: Example, vault: Vault, at: datetime) -> Record:
    spec = WatchSpec(
        name=example.name,
        schedule=example.schedule,
        tags=(TAG, *example.tags),
        start_by_s=example.grace_s if example.kind == "watch" else None,
        slow_after_ms=example.slow_after_ms,
        description=example.description,
    )
    if example.kind == "watch":
        return add_watch(tx, workspace_id, spec, at)
    if example.kind == "probe":
        return add_probe(tx, workspace_id, ProbeSpec(spec, _TARGET), vault, at)
    action = {"language": "bash", "source": f"echo '{example.says}'\n"}
    job = JobSpec(spec, "script", action, default_policy("script", action))
    return add_job(tx, workspace_id, job, vault, at)


def _write(tx: Tx, life: _Life) -> None:
    _write_entries(tx, life)
    record, heard = life.record, life.ends if life.example.kind == "watch" else []
    last_at = heard[-1][1].at if heard else None
    watches.save(tx, replace(record, due_at=wake_at(record.watch), last_ping_at=last_at))
    if life.example.kind == "job":
        jobs.set_next(tx, *record.key, record.watch.slot_at)
    pings.add_many(
        tx, [(*record.key, _heard(end, _said(life.example, end))) for _, end in heard[-SPEAKING:]]
    )
    if life.example.kind == "job":
        for run_id, end in life.ends[-SPEAKING:]:
            chunk = (0, "stdout", _said(life.example, end))
            runs.append_output(tx, record.workspace_id, run_id, [chunk])


def _said(example: Example, end: Finish) -> str:
    said = example.complains if end.outcome == "fail" else example.says
    return f"{said}\n" if said else ""


def _heard(end: Finish, said: str) -> Heard:
    kind = Kind.FAIL if end.outcome == "fail" else Kind.OK
    return Heard(
        kind=kind, at=end.at, body=said, body_bytes=len(said.encode()), method="POST",
        user_agent="curl/8", remote_ip="192.0.2.7",
    )  # fmt: skip
