"""A server whose wall clock we move while it runs: libfaketime, see its README."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.request import urlopen

import psycopg
from psycopg import sql

from tests.eventually import eventually
from tests.harness.served import Served

MOVED_S = 60.0
LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")


def _library() -> str:
    names = (f"{root}{deep}/faketime/libfaketimeMT.so.1" for root in LIBRARIES
             for deep in ("", "/*"))  # fmt: skip
    found = [str(path) for name in names for path in Path("/").glob(name[1:])]
    assert found, "these tests need libfaketime: tools/setup.sh tests"
    return found[0]


@dataclass(slots=True)
class Moved(Served):
    """A server, and the command line beside it, whose wall clock is off by `offset_s`.

    What never goes back is left alone, and so are the times of files. The server looks at our
    file once a second, as reading it each time would slow it down. Nodes on PostgreSQL keep the
    time of the database, so that moves as well.
    """

    offset_s: float = 0

    def move(self, by_s: float) -> None:
        """Step its wall clock; if it runs, wait until its answers show it."""
        before = self._shown_off_s() if self.process else 0
        self.offset_s += by_s
        self._write()
        if self.process is None:
            return
        eventually(
            lambda: abs(self._shown_off_s() - before - by_s) < abs(by_s) / 2,
            within_s=MOVED_S,
            what="the clock has moved",
        )

    def _shown_off_s(self) -> float:
        """Return how far the date of an answer is from the true one."""
        with urlopen(f"{self.url}/healthz", timeout=MOVED_S) as answer:
            shown_at = parsedate_to_datetime(answer.headers["date"])
        return (shown_at - datetime.now(UTC)).total_seconds()

    @property
    def now_at(self) -> datetime:
        """What its clock shows, and the database's."""
        return datetime.now(UTC) + timedelta(seconds=self.offset_s)

    @property
    def environ(self) -> dict[str, str]:
        if not self._file.exists():
            self._write()
        return {
            **Served.environ.__get__(self),
            "LD_PRELOAD": _library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    @property
    def _file(self) -> Path:
        return self.data.with_suffix(".clock")

    def _write(self) -> None:
        """Replace the file at once: half a number would be another time."""
        aside = self._file.with_suffix(".new")
        aside.write_text(f"{self.offset_s:+.3f}\n")
        aside.replace(self._file)
        if url := self.flags.get("database"):
            _move_database(url, self.offset_s)


def _move_database(url: str, offset_s: float) -> None:
    """Have a clock_timestamp() of our own found before PostgreSQL's, in sessions from now on."""
    with psycopg.connect(url, autocommit=True) as conn:
        name = sql.Identifier(conn.info.dbname)
        path = sql.SQL("ALTER DATABASE {} SET search_path = public, moved, pg_catalog")
        conn.execute(path.format(name))
        conn.execute("CREATE SCHEMA IF NOT EXISTS moved")
        now = sql.SQL("""
            CREATE OR REPLACE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql
            AS $$ SELECT pg_catalog.clock_timestamp() + {} * interval '1 second' $$
        """)
        conn.execute(now.format(sql.Literal(offset_s)))
