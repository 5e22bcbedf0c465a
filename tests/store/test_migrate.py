"""Migrations: what they make is what the tables say, and nothing is lost or half done."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, insert, inspect, select

from dogwatch.core.problems import Problem
from dogwatch.store import migrate
from dogwatch.store.database import Database
from dogwatch.store.tables import metadata, workspaces
from tests.harness.behind import connected
from tests.harness.postgres import PostgresServer

AT = datetime(2026, 1, 5, 12, 0, 0, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    yield server.create("dogwatch_empty")
    server.drop("dogwatch_empty")


def tables(url: str) -> set[str]:
    with connected(url) as conn:
        return set(inspect(conn).get_table_names()) - {"alembic_version"}


def test_the_migrated_schema_is_what_the_tables_say(database_url: str) -> None:
    with connected(database_url) as conn:
        # Alembic takes the same empty text for two on SQLite.
        defaults = conn.dialect.name != "sqlite"
        options = {"compare_type": True, "compare_server_default": defaults}
        context = MigrationContext.configure(conn, opts=options)
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("name", metadata.tables)
def test_the_migrated_keys_are_what_the_tables_say(migrated_sqlite: Path, name: str) -> None:
    table = metadata.tables[name]
    with connected(f"sqlite:///{migrated_sqlite}") as conn:
        inspector = inspect(conn)
        primary = inspector.get_pk_constraint(name)["constrained_columns"]
        foreign = [
            (*one["constrained_columns"], one["referred_table"], one["options"].get("ondelete"))
            for one in inspector.get_foreign_keys(name)
        ]
    assert primary == [column.name for column in table.primary_key.columns]
    assert sorted(foreign, key=str) == sorted(
        (
            (*one.column_keys, one.referred_table.name, one.ondelete)
            for one in table.foreign_key_constraints
        ),
        key=str,
    )


def add_workspace(database: Database, name: str) -> None:
    row = insert(workspaces).values(name=name, ping_key=name, created_at=AT)
    database.write(lambda tx: tx.conn.execute(row)).result(60)


def names(database: Database) -> list[str]:
    found = select(workspaces.c.name).order_by(workspaces.c.id)
    return list(database.read(lambda tx: tx.conn.execute(found).scalars().all()).result(60))


def test_up_with_data_down_and_up_again(empty_url: str) -> None:
    assert (migrate.current(empty_url), migrate.is_current(empty_url)) == (None, False)
    database = Database.open(empty_url)
    for name in ("first", "second"):
        migrate.upgrade(database)
        assert migrate.is_current(database)
        add_workspace(database, name)
        assert names(database) == [name]
        migrate.downgrade(database, "base")
        assert (migrate.current(database), tables(empty_url)) == (None, set())
    database.close()


def test_up_again_changes_nothing(database: Database) -> None:
    add_workspace(database, "kept")
    migrate.upgrade(database)
    assert names(database) == ["kept"]


def test_several_at_once_migrate_once(empty_url: str) -> None:
    command = [
        sys.executable,
        "-c",
        "import sys; from dogwatch.store import migrate; migrate.upgrade(sys.argv[1])",
        empty_url,
    ]
    nodes = [subprocess.Popen(command) for _ in range(3)]
    assert [node.wait(180) for node in nodes] == [0] * 3
    assert migrate.is_current(empty_url)


def test_a_migration_that_fails_half_way_leaves_nothing(empty_url: str) -> None:
    with connected(empty_url) as conn:
        conn.exec_driver_sql("CREATE TABLE receipts (id INTEGER)")
        conn.commit()
    with pytest.raises(Exception, match="receipts"):
        migrate.upgrade(empty_url)
    assert (tables(empty_url), migrate.current(empty_url)) == ({"receipts"}, None)


def test_a_newer_database_is_refused(database: Database) -> None:
    database.write(
        lambda tx: tx.conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    ).result(60)
    assert not migrate.is_current(database)
    for attempt in (migrate.upgrade, lambda where: migrate.downgrade(where, "base")):
        with pytest.raises(Problem, match="upgrade Dogwatch") as caught:
            attempt(database)
        assert caught.value.kind == "refused"


def test_a_database_that_cannot_be_reached_is_away() -> None:
    with pytest.raises(Problem) as caught:
        migrate.upgrade("postgresql://nobody:hunter2@127.0.0.1:1/nothing")
    assert (caught.value.kind, "hunter2" in caught.value.message) == ("away", False)


def test_readers_go_on_while_another_migrates(database: Database) -> None:
    add_workspace(database, "seen")
    migrating, seen = threading.Event(), threading.Event()

    def read(tx: Any) -> int:
        count: int = tx.conn.execute(select(func.count()).select_from(workspaces)).scalar_one()
        migrating.set()
        assert seen.wait(60)
        return count

    reading = database.read(read)
    assert migrating.wait(60)
    migrate.upgrade(database)
    seen.set()
    assert reading.result(60) == 1


def test_the_head_is_the_newest_script() -> None:
    assert migrate._scripts().get_current_head() == migrate.HEAD
