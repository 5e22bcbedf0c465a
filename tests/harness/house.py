"""A store with one workspace, for tests of use-cases: short words for what they do most."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any, Concatenate, ParamSpec, TypeVar
from unittest.mock import patch

from sqlalchemy import Connection, event, insert, select

from dogwatch.core.alerts import Attempt, Rule, Verdict
from dogwatch.core.ping import Answer, Heard, Kind
from dogwatch.core.result import Outcome, Result
from dogwatch.core.run import Policy
from dogwatch.core.spec import WatchSpec
from dogwatch.store import bulk, driver
from dogwatch.store.channels import ChannelRow
from dogwatch.store.database import Database, Tx
from dogwatch.store.runs import Run
from dogwatch.store.tables import metadata
from dogwatch.store.watches import Record
from dogwatch.usecases import (
    audit,
    channels,
    jobs,
    nodes,
    pings,
    rules,
    runs,
    telling,
    watches,
    workspaces,
)
from dogwatch.usecases.jobs import JobSpec
from dogwatch.usecases.runs import Ended, Work
from dogwatch.usecases.telling import Answered, Parcel, Room
from dogwatch.vault import Vault

P = ParamSpec("P")
T = TypeVar("T")
Row = dict[str, Any]

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
HTTP = {"method": "GET", "url": "https://example.org/"}
SCRIPT = {"language": "bash", "source": "true"}
BASE_URL = "https://watch.example"


def after(seconds: float) -> datetime:
    """Return noon and so many seconds."""
    return NOON + timedelta(seconds=seconds)


@dataclass
class House:
    """One workspace in a real database. Times are seconds after noon."""

    database: Database
    vault: Vault = field(default_factory=lambda: Vault(b"k" * 32))

    def __post_init__(self) -> None:
        self.workspace = self.do(workspaces.first, NOON)

    def do(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a use-case in a transaction of its own."""
        return self.database.write(lambda tx: fn(tx, *args, **kwargs)).result(30)

    def see(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a question on a snapshot."""
        return self.database.read(lambda tx: fn(tx, *args, **kwargs)).result(30)

    def on(
        self,
        name: str,
        fn: Callable[Concatenate[Tx, Record, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a use-case on a watch, locked."""

        def locked(tx: Tx) -> T:
            record = watches.find(tx, self.workspace.id, name, lock=True)
            return fn(tx, record, *args, **kwargs)

        return self.do(locked)

    # --- watches and pings ---

    def watch(self, slug: str = "", at: float = 0, **spec: Any) -> Record:
        """Make a watch, every ten minutes with a minute of grace unless `spec` says else."""
        given: Row = {"name": slug or "Nightly", "schedule": "*/10 * * * *", "start_by_s": 60}
        made = WatchSpec(slug=slug or None, **given | spec)
        return self.do(watches.add, self.workspace.id, made, after(at))

    def find(self, name: str) -> Record:
        """Return a watch by its id or slug."""
        return self.see(watches.find, self.workspace.id, name)

    def ping(self, *heard: Heard, at: float | None = None) -> list[Answer]:
        """Record a batch at the time of its newest ping, or `at`."""
        told_at = max(one.at for one in heard) if at is None else after(at)
        return self.do(pings.record, heard, told_at)

    def lapse(self, at: float, limit: int = 500) -> int:
        """Judge silence."""
        return self.do(watches.lapse, after(at), limit)

    # --- jobs and runs ---

    def job(self, slug: str = "job", at: float = 0, **given: Any) -> Record:
        """Make an HTTP job on every full minute; policy fields and watch fields by name."""
        names = Policy.__dataclass_fields__
        policy = Policy(**{name: given.pop(name) for name in list(given) if name in names})
        kind, action = given.pop("kind", "http"), given.pop("action", None)
        spec = {"name": slug, "slug": slug, "schedule": "* * * * *"} | given
        action = action or (HTTP if kind == "http" else SCRIPT)
        return self.do(
            jobs.add, self.workspace.id, JobSpec(WatchSpec(**spec), kind, action, policy),
            self.vault, after(at),
        )  # fmt: skip

    def fire(self, at: float, limit: int = 200) -> int:
        """Fire what is due."""
        return self.do(runs.fire_due, after(at), limit)

    def trigger(self, slug: str = "job", at: float = 0, given: str = "") -> Run:
        """Queue a run by hand."""
        return self.on(slug, runs.trigger, given, after(at))

    def claim(
        self, at: float, node: str = "node-a", lane: str = "http", limit: int = 10
    ) -> list[Work]:
        """Claim runs."""
        return self.do(runs.claim, lane, node, after(at), limit, self.vault)

    def finish(self, work: Work, at: float, outcome: Outcome = Outcome.OK, **facts: Any) -> bool:
        """Finish a run, without jitter."""
        return self.do(runs.finish, [Ended(work, Result(outcome, **facts))], after(at))[0]

    def join(self, node: str, at: float = 0, *, alone: bool = False) -> object:
        """Add a node."""
        return self.do(nodes.join, node, node, after(at), alone=alone)

    # --- telling ---

    def channel(
        self,
        name: str = "hook",
        rule: Rule | None = None,
        at: float = -600,
        settings: Mapping[str, str] | None = None,
        kind: str = "webhook",
    ) -> ChannelRow:
        """Make a webhook with a rule that sends it everything, or the rule given."""
        made = self.do(
            channels.add_channel, self.workspace.id, name, kind,
            {"url": "https://hook.example/", **(settings or {})}, {"secrets": ["whsec_c2VjcmV0"]},
            self.vault, after(at),
        )  # fmt: skip
        self.rule(made, rule or Rule("", ""), at)
        return made

    def rule(self, channel: ChannelRow, rule: Rule, at: float = -600) -> Rule:
        """Add a rule of a channel."""
        told = replace(rule, channel_id=channel.id)
        return self.do(rules.add_rule, self.workspace.id, told, after(at))

    def parcels(
        self, at: float, node: str = "node-a", room: Room | None = None
    ) -> Sequence[Parcel]:
        """Claim deliveries."""
        room = room or Room(100, 100)
        return self.do(telling.claim, node, after(at), room, self.vault, BASE_URL)

    def settle(self, parcel: Parcel, at: float, verdict: Verdict, **facts: Any) -> None:
        """Write what an attempt came to, without jitter."""
        values: dict[str, Any] = {"status_code": 200, "detail": "ok", "duration_ms": 5} | facts
        self.do(telling.settle, [Answered(parcel, Attempt(verdict, **values), 0.5)], after(at))

    # --- looking ---

    def rows(self, name: str) -> list[Row]:
        """Return all rows of a table, by primary key."""
        table = metadata.tables[name]
        found = select(table).order_by(*table.primary_key.columns)
        return self.see(lambda tx: [dict(row._mapping) for row in tx.conn.execute(found)])

    def everything(self) -> dict[str, list[Row]]:
        """Return all rows of all tables."""
        return {name: self.rows(name) for name in metadata.tables}

    def slots(self, slug: str = "job") -> list[tuple[float | None, str]]:
        """Return the ledger of a watch: (slot in seconds after noon, outcome or state)."""
        watch_id = self.find(slug).id
        lines = [row for row in self.rows("runs") if row["watch_id"] == watch_id]
        told = [(_seconds(row["slot_at"]), row["outcome"] or row["state"]) for row in lines]
        return sorted(told, key=lambda line: (line[0] is None, line[0] or 0, line[1]))

    def flips(self, slug: str) -> list[tuple[str, str]]:
        """Return the flips of a watch in order: (from, to)."""
        watch_id = self.find(slug).id
        found = [row for row in self.rows("flips") if row["watch_id"] == watch_id]
        return [(row["from_status"], row["to_status"]) for row in found]

    def audit(self, at: float) -> list[audit.Finding]:
        """Return what the audit finds."""
        return self.see(audit.audit, after(at))

    def plant(self, statement: Any) -> None:
        """Change rows behind everybody's back."""
        self.do(lambda tx: tx.conn.execute(statement))

    def put(self, name: str, **values: Any) -> None:
        """Insert a row as it is."""
        self.plant(insert(metadata.tables[name]).values(**values))


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else (at - NOON).total_seconds()


def heard(record: Record, at: float, kind: Kind = Kind.OK, **facts: Any) -> Heard:
    """Return a ping of a watch."""
    return Heard(key=record.ping_key, kind=kind, at=after(at), **facts)


def meet(barrier: Barrier) -> None:
    """Wait for another thread on the first try; a try after a conflict goes on alone."""
    with suppress(BrokenBarrierError):
        barrier.wait(5)
    barrier.abort()


@contextmanager
def statements(conn: Connection) -> Iterator[list[str]]:
    """Yield a list that fills with the SQL statements sent on a connection."""
    sent: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    def execute(on: Connection, sql: str, given: Any = ()) -> Any:
        if on is conn:
            sent.append(sql)
        return driver.execute(on, sql, given)

    event.listen(conn, "before_cursor_execute", note)
    try:
        with patch.object(bulk, "execute", execute):
            yield sent
    finally:
        event.remove(conn, "before_cursor_execute", note)
