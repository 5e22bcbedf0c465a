"""A PostgreSQL server of the tests' own, run by an unprivileged user on a free port.

Dogwatch owns its databases there and is no superuser, so that row-level security holds for it.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.harness.ports import free_port

ROLE, ADMIN = "dogwatch", "postgres"
FAST = ("fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB")


class PostgresMissing(Exception):  # noqa: N818  (says what to install)
    """No PostgreSQL server programs on this machine."""


def _find_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    on_path = shutil.which("initdb")
    if not found and not on_path:
        raise PostgresMissing("PostgreSQL is needed: apt-get install postgresql (server programs)")
    return (found[-1] if found else Path(str(on_path))).resolve().parent


def _version(initdb: Path) -> int:
    return int(initdb.parent.parent.name)


def _unprivileged() -> list[str]:
    """Return what to put before a command, so that root does not run the server."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = next(name for name in ("postgres", "nobody") if name in names)
    return ["runuser", "-u", user, "--"]


def _memory() -> str:
    """Return a directory in memory where there is one: a new database is 400 files."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    return str(memory) if roomy and os.access(memory, os.W_OK) else "/tmp"


class PostgresServer:
    """One running server: `url(name)` of its databases, `create`, `drop`, `restart`."""

    def __init__(self, directory: Path, settings: Sequence[str] = FAST) -> None:
        self.port = free_port()
        self._directory = directory
        self._programs = _find_programs()
        self._as = _unprivileged()
        self._settings = settings
        if self._as:
            shutil.chown(directory, self._as[2])
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", ADMIN, "-E", "UTF8", "-N")

    @property
    def _data(self) -> str:
        return str(self._directory / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._programs / program), *arguments]
        # Output goes to a file: the server inherits it, and a pipe would never end.
        with (self._directory / f"{program}.log").open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, cwd="/", check=False)
        if done.returncode:
            text = (self._directory / f"{program}.log").read_text()
            raise RuntimeError(f"{program} ended with {done.returncode}: {text[-2000:]}")

    def start(self) -> None:
        """Start and wait until it answers."""
        settings = " ".join(f"-c {one}" for one in self._settings)
        options = f"-p {self.port} -k {self._directory} -c listen_addresses=127.0.0.1 {settings}"
        log = str(self._directory / "server.log")
        self._run("pg_ctl", "-D", self._data, "-l", log, "-o", options, "-w", "start")

    def admit(self) -> None:
        """Make the role of Dogwatch, on a server that was started for the first time."""
        with self.connect() as conn:
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))

    def stop(self, mode: str = "fast") -> None:
        """Stop: `fast` ends sessions, `immediate` is a crash."""
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    def url(self, database: str, role: str = ROLE) -> str:
        """Return the URL of a database on this server."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        """Return a superuser's connection in autocommit, for what a test does behind our back."""
        return psycopg.connect(self.url(database, ADMIN), autocommit=True)

    def create(self, name: str, template: str = "template0") -> str:
        """Create a database as a copy of `template` and return its URL."""
        with self.connect() as conn:
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
            conn.execute(statement.format(*map(sql.Identifier, (name, template, ROLE))))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop a database with whoever is still connected."""
        with self.connect() as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def running_postgres(settings: Sequence[str] = FAST) -> Iterator[PostgresServer]:
    """Yield a server that lives as long as the block."""
    place = _memory() if settings is FAST else "/tmp"
    directory = Path(tempfile.mkdtemp(prefix="dogwatch-pg-", dir=place))
    try:
        server = PostgresServer(directory, settings)
        server.start()
        try:
            server.admit()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
