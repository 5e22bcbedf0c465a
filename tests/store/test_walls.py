"""The second wall: a query that forgets its filter finds and touches its own workspace alone."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import psycopg
import pytest
from sqlalchemy import Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from dogwatch.core.spec import WatchSpec
from dogwatch.store import walls
from dogwatch.store.database import Database, Tx
from dogwatch.store.tables import metadata, watches, workspaces
from dogwatch.usecases import watches as spoken
from dogwatch.usecases import workspaces as kept
from tests.harness.behind import connected
from tests.harness.held import Held
from tests.harness.postgres import ADMIN, PostgresServer

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
OWNED = [table for table in metadata.sorted_tables if "workspace_id" in table.c]


@pytest.fixture
def house(postgres_url: str) -> Iterator[Database]:
    """Two workspaces, 1 and 2, each with a watch of its number."""
    database = Database.open(postgres_url)
    for number in (1, 2):
        database.write(partial(_furnish, name=str(number))).result(60)
    yield database
    database.close()


def _furnish(tx: Tx, name: str) -> None:
    home = kept.make(tx, name, AT)
    spoken.add(tx, home.id, WatchSpec(name=name, schedule="every 1h"), AT)


def names(tx: Tx, table: Table = watches) -> list[str]:
    """Ask for everything, as a query that forgot its filter."""
    return sorted(tx.conn.scalars(select(table.c.name)))


@pytest.mark.parametrize("table", [watches, workspaces], ids=str)
def test_a_query_that_forgets_its_filter_sees_its_own_workspace(
    house: Database, table: Table
) -> None:
    def seen(tx: Tx) -> list[str]:
        return names(tx, table)

    for run in (house.read, house.write):
        assert run(seen, 2).result(60) == ["2"]
        assert run(seen, 1).result(60) == ["1"]
        assert run(seen, 3).result(60) == []
        assert run(seen).result(60) == ["1", "2"]


def test_a_change_that_forgets_its_filter_changes_its_own_workspace(house: Database) -> None:
    def rename(tx: Tx) -> int:
        return tx.conn.execute(update(watches).values(name="mine")).rowcount

    def clear(tx: Tx) -> int:
        return tx.conn.execute(delete(watches)).rowcount

    assert house.write(rename, 1).result(60) == 1
    assert house.read(names).result(60) == ["2", "mine"]
    assert house.write(clear, 1).result(60) == 1
    assert house.read(names).result(60) == ["2"]


def test_nothing_is_put_into_another_workspace(house: Database) -> None:
    def plant(tx: Tx) -> None:
        row = dict(tx.conn.execute(select(watches)).one()._mapping)
        tx.conn.execute(insert(watches).values(**row | {"workspace_id": 2, "id": "planted"}))

    def move(tx: Tx) -> None:
        tx.conn.execute(update(watches).values(workspace_id=2))

    for trespass in (plant, move):
        with pytest.raises(DBAPIError, match="row-level security"):
            house.write(trespass, 1).result(60)
    assert house.read(names).result(60) == ["1", "2"]


def test_commands_of_one_commit_see_what_is_theirs(house: Database) -> None:
    def fail(tx: Tx) -> None:
        assert names(tx) == ["2"]
        raise ValueError

    held = Held(house)
    asked = [house.write(names, number) for number in (1, None, 2)]
    failed = house.write(fail, 2)
    asked += [house.write(names, number) for number in (None, 1)]
    held.release()
    assert isinstance(failed.exception(60), ValueError)
    found = [one.result(60) for one in asked]
    assert found == [["1"], ["1", "2"], ["2"], ["1", "2"], ["1"]]


def test_a_connection_goes_back_with_every_workspace_in_sight(house: Database) -> None:
    def setting(tx: Tx) -> str:
        return str(tx.conn.scalar(text(f"SHOW {walls.SETTING}")))

    def fail(_tx: Tx) -> None:
        raise ValueError

    for run in (house.read, house.write):
        for _ in range(5):  # more than there are connections
            assert run(setting, 1).result(60) == "1"
            assert isinstance(run(fail, 2).exception(60), ValueError)
            assert run(setting).result(60) == walls.EVERY


def test_a_session_without_the_setting_sees_nothing(house: Database) -> None:
    url = house.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as stranger:
        assert stranger.execute("SELECT count(*) FROM watches").fetchone() == (0,)
        stranger.execute(walls.seeing(2))
        assert stranger.execute("SELECT name FROM watches").fetchall() == [("2",)]
        stranger.commit()  # PostgreSQL leaves an empty setting behind
        assert stranger.execute("SELECT count(*) FROM watches").fetchone() == (0,)


@pytest.mark.parametrize("table", [workspaces, *OWNED], ids=str)
def test_every_table_of_a_workspace_has_its_wall(
    migrated_postgres: PostgresServer, table: Table
) -> None:
    """A new one gets it by `raise_wall` in its revision."""
    column = "id" if table is workspaces else "workspace_id"
    with connected(migrated_postgres.url("dogwatch_template")) as conn:
        found = conn.execute(_WALL, {"name": table.name}).all()
    assert [tuple(one)[:3] for one in found] == [("wall", True, True)]
    assert f" OR ({column} = ( SELECT" in found[0].qual


def test_no_other_table_has_one(migrated_postgres: PostgresServer) -> None:
    with connected(migrated_postgres.url("dogwatch_template")) as conn:
        walled = conn.scalars(text("SELECT tablename FROM pg_policies")).all()
    assert sorted(walled) == sorted(table.name for table in (workspaces, *OWNED))


_WALL = text("""
    SELECT polname, relrowsecurity AND relforcerowsecurity, polcmd = '*' AND polwithcheck IS NULL,
           pg_get_expr(polqual, polrelid) AS qual
      FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid WHERE relname = :name
""")


def test_the_tests_walk_through_the_wall(house: Database) -> None:
    assert house.read(walls.gap).result(60) is None


def test_a_role_that_no_wall_holds_is_told(
    house: Database, migrated_postgres: PostgresServer
) -> None:
    with migrated_postgres.connect() as admin:
        admin.execute("CREATE ROLE climber LOGIN BYPASSRLS")
    told = []
    for role in ("climber", ADMIN):
        database = Database.open(house.url.set(username=role).render_as_string())
        told.append(database.read(walls.gap).result(60))
        database.close()
    assert told == ["the role climber has BYPASSRLS", f"the role {ADMIN} is a superuser"]
