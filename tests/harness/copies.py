"""Copies of a migrated PostgreSQL database, emptied after use: ten times cheaper than new ones."""

from typing import Any

import psycopg
from psycopg import sql

from tests.harness.postgres import PostgresServer

_ALONE = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_KEPT = "alembic_version"
_FROM_ONE = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE last_value IS NOT NULL"""
# What is defined, and by which transaction: any change of the schema shows. Ours follow 16383.
_SHAPE = """
    SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
        SELECT concat('class', oid, '-', xmin) FROM pg_class WHERE oid > 16383
        UNION ALL SELECT concat('column', attrelid, '-', attnum, '-', xmin)
            FROM pg_attribute WHERE attrelid > 16383
        UNION ALL SELECT concat('function', oid, '-', xmin) FROM pg_proc WHERE oid > 16383
        UNION ALL SELECT concat('trigger', oid, '-', xmin) FROM pg_trigger
        UNION ALL SELECT concat('policy', oid, '-', xmin) FROM pg_policy
        UNION ALL SELECT concat('setting', setdatabase, setconfig) FROM pg_db_role_setting
        UNION ALL SELECT concat('version', version_num) FROM alembic_version
    ) AS parts (part)"""


class Copies:
    """Copies of `template`: `take` one, `give_back` its name when nobody needs it any more."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server, self._template = server, template
        self._open: dict[str, Copy] = {}
        self._free: list[str] = []

    def take(self) -> str:
        """Return the name of a database with the template's tables and no row in them."""
        if self._free:
            return self._free.pop()
        name = f"{self._template}_{len(self._open) + 1}"
        self._server.create(name, self._template)
        self._open[name] = Copy(self._server.connect(name))
        return name

    def give_back(self, name: str) -> None:
        """Empty a copy, or make it anew if a test changed its tables."""
        copy = self._open[name]
        if not copy.rinse():
            copy.close()
            self._server.drop(name)
            self._server.create(name, self._template)
            self._open[name] = Copy(self._server.connect(name))
        self._free.append(name)

    def close(self) -> None:
        """Leave the databases to the server."""
        for copy in self._open.values():
            copy.close()


class Copy:
    """One copy, through a superuser's connection that stays, since a new one knows no table yet."""

    def __init__(self, conn: "psycopg.Connection[Any]") -> None:
        self._conn = conn
        self._tables = [name for (name,) in conn.execute(_TABLES) if name != _KEPT]
        self._shape = self._one(_SHAPE)
        conn.execute("SET session_replication_role = replica")  # no triggers, no references

    def rinse(self) -> bool:
        """Put out whoever is connected and empty all tables; False if they are no longer ours."""
        try:
            self._conn.execute(_ALONE)
            if self._one(_SHAPE) != self._shape:
                return False
            for table in self._filled():
                self._conn.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            self._conn.execute(_FROM_ONE)
        except psycopg.OperationalError:
            return False
        return True

    def close(self) -> None:
        """End the connection."""
        self._conn.close()

    def _one(self, asked: str) -> object:
        return self._conn.execute(asked).fetchone()

    def _filled(self) -> list[str]:
        any_row = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")
        asked = [any_row.format(sql.Literal(one), sql.Identifier(one)) for one in self._tables]
        return [name for (name,) in self._conn.execute(sql.SQL(" UNION ALL ").join(asked))]
