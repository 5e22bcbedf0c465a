"""Every migration, up and down and with data, killed at its statements: old or new, never between.

`DOGWATCH_PROVE_STATEMENTS` says at how many statements of each; in full, at all of them. Else it is
done to the newest two, at a few.
"""

import base64
import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Row, inspect, text

from dogwatch.store import migrate
from dogwatch.store.database import Database
from tests.harness.behind import connected
from tests.harness.house import House
from tests.harness.lived import lived_in
from tests.harness.postgres import PostgresServer
from tests.harness.proof import length, tell
from tests.harness.revisions import BASE, HEAD, LATER, Mortals, counted, go, later, steps

FEW = 4
KILLS = int(length("DOGWATCH_PROVE_STATEMENTS", FEW, 1_000))
SECRET = base64.b64encode(b"k" * 32).decode()

Content = dict[str, Any]


def content(url: str) -> Content:
    """Return all that a database holds: the rows of each table, and the tables' own make."""
    with connected(url) as conn:
        names = sorted(inspect(conn).get_table_names())
        rows = {
            name: sorted(repr(tuple(row)) for row in conn.execute(text(f'SELECT * FROM "{name}"')))
            for name in names
        }
        return {**rows, "its make": [_plain(line) for line in conn.execute(text(_make(conn)))]}


def _make(conn: Connection) -> str:
    if conn.dialect.name == "sqlite":
        return "SELECT name, sql FROM sqlite_master ORDER BY name"
    return """
        SELECT attrelid::regclass::text AS made, attname, format_type(atttypid, atttypmod),
               attnotnull, pg_get_expr(adbin, adrelid)
          FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
          LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
         WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped
     UNION ALL
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), NULL, NULL
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     UNION ALL
        SELECT polrelid::regclass::text, polname, pg_get_expr(polqual, polrelid),
               relrowsecurity, relforcerowsecurity::text
          FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
     ORDER BY 1, 2
    """


def _plain(line: Row[Any]) -> tuple[str, ...]:
    """Return a line of the make; Alembic copies a table's constraints in no fixed order."""
    return tuple(sorted(part.strip(" ,") for part in repr(tuple(line)).split("\\n")))


def holds(found: Content, expected: Content) -> bool:
    """Say whether nothing expected is missing; a first workspace may have come."""
    return found["its make"] == expected["its make"] and all(
        set(rows) <= set(found[name]) for name, rows in expected.items()
    )


@dataclass
class Kind:
    """A kind of database: makes empty ones, copies and drops them."""

    name: str
    make: Callable[[str], str]
    copy: Callable[[str, str], str]
    drop: Callable[[str], None]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def copied(self, source: str) -> Iterator[str]:
        name = f"killed_{next(self._numbers)}"
        yield self.copy(source, name)
        self.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    """Each kind of database."""
    if request.param == "sqlite":

        def url(name: str) -> str:
            return f"sqlite:///{tmp_path}/{name}.db"

        def copy(source: str, name: str) -> str:
            assert not (tmp_path / f"{source}.db-wal").exists()
            shutil.copy(tmp_path / f"{source}.db", tmp_path / f"{name}.db")
            return url(name)

        def make(name: str) -> str:
            (tmp_path / f"{name}.db").touch(0o600)
            return url(name)

        return Kind("SQLite", make, copy, lambda name: (tmp_path / f"{name}.db").unlink())
    server: PostgresServer = request.getfixturevalue("postgres")
    return Kind(
        "PostgreSQL", server.create, lambda source, name: server.create(name, source), server.drop
    )


@pytest.fixture
def mortals(tmp_path: Path) -> Iterator[Mortals]:
    """A process whose children migrate and die."""
    made = Mortals({"DOGWATCH_SECRET_KEY": SECRET, "DOGWATCH_DATA": str(tmp_path / "data")})
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _a_revision_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in later().items():
        monkeypatch.setattr(migrate, name, value)


def templates(kind: Kind) -> Iterator[str]:
    """Make a database with data at each revision, named as it is; they are to be copied.

    Today's program lives in the newest; the others are what it comes to from there, up or down.
    """
    newest = kind.make(HEAD)
    go(newest, HEAD)
    database = Database.open(newest)
    lived_in(House(database))
    database.close()
    yield newest
    for _, revision in steps():
        if revision != HEAD:
            url = kind.copy(HEAD, revision)
            go(url, revision)
            yield url
    yield kind.make(BASE)


@dataclass(frozen=True)
class State:
    """What a database holds at a revision, and once it is brought from there to the newest."""

    now: Content
    then: Content

    @classmethod
    def of(cls, url: str) -> "State":
        now = content(url)
        go(url, LATER)
        return cls(now, content(url))


@dataclass(frozen=True)
class Step:
    """One migration of a database that holds data, and what it is to come to."""

    kind: Kind
    before: str
    after: str
    statements: int
    states: dict[str, State]

    @classmethod
    def of(cls, kind: Kind, before: str, after: str) -> "Step":
        with kind.copied(before) as old, kind.copied(before) as new:
            with counted() as seen:
                go(new, after)
            states = {before: State.of(old), after: State.of(new)}
        return cls(kind, before, after, len(seen), states)

    def chosen(self) -> list[int]:
        """Return the statements at which to die: the first, the last and some between."""
        wanted = min(KILLS, self.statements)
        gaps = max(1, wanted - 1)
        return [1 + n * (self.statements - 1) // gaps for n in range(wanted)]

    def killed(self, mortals: Mortals, last: int) -> str:
        """Kill it after a statement, let `dogwatch migrate` finish, and say what is wrong."""
        with self.kind.copied(self.before) as url:
            status = mortals.migrate(url, self.after, last)
            found, state = content(url), self.states[migrate.current(url) or BASE]
            finished = mortals.run("migrate", "--database", url)
            end = content(url)
        wrong = {
            f"it ended with {status}": status != -9,
            "it is between": found != state.now,
            f"migrate ended with {finished}": finished != 0,
            "it did not come to the newest": not holds(end, state.then),
        }
        told = ", ".join(what for what, is_so in wrong.items() if is_so)
        return told and f"{self.before} to {self.after}, statement {last}: {told}"


def test_a_migration_killed_at_any_statement_is_old_or_new(kind: Kind, mortals: Mortals) -> None:
    assert len(list(templates(kind))) == len(list(steps())) + 1
    some = list(steps())[-2:] if KILLS == FEW else list(steps())
    ways = [way for before, after in some for way in ((before, after), (after, before))]
    walked = [Step.of(kind, *way) for way in ways]
    found = [step.killed(mortals, last) for step in walked for last in step.chosen()]
    wrong = [told for told in found if told]
    figure = f"{kind.name}: {len(found)} deaths at {sum(step.statements for step in walked)} "
    figure += f"statements of {len(walked)} migrations, {len(wrong)} between"
    tell("a migration killed at any statement is done or not done", figure, holds=not wrong)
    assert not wrong
