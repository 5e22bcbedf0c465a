"""Uptime and percentiles over 24 hours to 90 days, from rollups of ten thousand probes.

    python -m bench.figures [--probes 10000] [--store SQLite|PostgreSQL]

The rollups of three months at one slot a minute, as the janitor leaves them: hours for eight days,
days before. Beside what one answer takes stands the same where there are a hundred probes: it must
not grow with their number.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import insert, select

from bench.pings import DURABLE
from bench.scale import seed
from bench.table import Row, markdown
from dogwatch.core.statistics import Tally
from dogwatch.store import rollups, tables
from dogwatch.store.database import Database, Tx
from dogwatch.store.rollups import Place
from dogwatch.usecases import statistics, workspaces
from tests.harness.postgres import running_postgres

PROBES, FEW, ASKED, PAGE = 10_000, 100, 200, 250
STORES = ("SQLite", "PostgreSQL")
DAYS, DAYS_OF_HOURS = 90, 8
OF_AN_HOUR = Tally(59, 0, 1, 60 * 120, {91: 20, 95: 30, 99: 10})


def _places(workspace_id: int, name: str, at: datetime) -> Iterator[tuple[Place, Tally]]:
    hour = rollups.hour_of(at)
    midnight = hour.replace(hour=0)
    of_a_day = Tally(59 * 24, 0, 24, 7200 * 24, {91: 480, 95: 720, 99: 240})
    for back in range(24 * DAYS_OF_HOURS):
        yield (workspace_id, name, rollups.HOUR, hour - timedelta(hours=back)), OF_AN_HOUR
    for back in range(DAYS_OF_HOURS + 1, DAYS):
        yield (workspace_id, name, rollups.DAY, midnight - timedelta(days=back)), of_a_day


def seeded(database: Database, probes: int, at: datetime) -> tuple[int, list[str]]:
    """Fill a store of so many watches; return the workspace and their ids."""

    def found(tx: Tx) -> tuple[int, list[str]]:
        ids = tx.conn.scalars(select(tables.watches.c.id).limit(probes))
        return workspaces.first(tx, at).id, list(ids)

    own, names = database.write(found).result()
    like, *others = names
    database.write(partial(rollups.add, fresh=dict(_places(own, like, at)))).result()
    for first in range(0, len(others), PAGE):
        copied = partial(_copied, like=like, to=others[first : first + PAGE])
        database.write(copied).result()
    return own, names


def _copied(tx: Tx, like: str, to: Sequence[str]) -> None:
    """Have the database give others the rollups of one: Python would take an hour for it."""
    every, one = tables.watches, tables.rollups
    rows = select(*(every.c.id if own is one.c.watch_id else own for own in one.c))
    rows = rows.select_from(one.join(every, every.c.id.in_(to))).where(one.c.watch_id == like)
    tx.conn.execute(insert(one).from_select([own.name for own in one.c], rows))


def answers(url: str, probes: int) -> float:
    """Return answers per second."""
    at = datetime.now(UTC)
    seed(url, probes)
    database = Database.open(url)
    try:
        own, names = seeded(database, probes, at)
        began = time.perf_counter()
        for number in range(ASKED):
            asked = partial(statistics.windows, workspace_id=own, name=names[-number % FEW], at=at)
            assert database.read(asked).result()[-1].tally.count > 100_000
        return ASKED / (time.perf_counter() - began)
    finally:
        database.close()


def rows(probes: int = PROBES, stores: Sequence[str] = STORES) -> Iterator[Row]:
    """Measure each store, full and nearly empty."""
    with (
        running_postgres(DURABLE) as postgres,
        tempfile.TemporaryDirectory(prefix="dogwatch-bench-") as folder,
    ):
        for store in stores:
            urls = [
                postgres.create(f"bench_figures_{count}")
                if store == "PostgreSQL"
                else f"sqlite:///{Path(folder) / str(count)}"
                for count in (FEW, probes)
            ]
            few, rate = answers(urls[0], FEW), answers(urls[1], probes)
            kept = probes * (24 * DAYS_OF_HOURS + DAYS - DAYS_OF_HOURS - 1)
            told = f"figures of 90 days, one of {probes:,} probes, {kept:,} rollups, {store}"
            yield Row(told, rate, f"one of {FEW}", few)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--probes", type=int, default=PROBES)
    parser.add_argument("--store", choices=STORES, action="append")
    given = parser.parse_args()
    for line in markdown(rows(given.probes, given.store or STORES)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
