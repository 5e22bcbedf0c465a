"""Real runners, the real clock: jobs of every kind on a one-second schedule."""

import asyncio
from pathlib import Path

from dogwatch.boot.process import assemble
from dogwatch.boot.store import Store
from dogwatch.clock import SystemClock
from dogwatch.config import Config, load
from dogwatch.egress import Egress
from dogwatch.engine.intake import Intake
from tests.eventually import eventually_async
from tests.harness.endpoints import endpoint, status
from tests.harness.house import NOON, House

CLOCK = SystemClock()
SOURCES = {
    "bash": 'echo "bash $DOGWATCH_RUN_ID"',
    "python": 'import os; print("python", os.environ["DOGWATCH_RUN_ID"])',
    "node": 'console.log("node", process.env.DOGWATCH_RUN_ID)',
}


def configured(data: Path, url: str) -> Config:
    """Return the configuration of a server on a database."""
    flags = {
        "data": str(data),
        "database_url": url,
        "allow_private_targets": "127.0.0.0/8",
        "sandbox": "trusted",
    }
    return load(flags, {"HOME": str(data)})


def make_jobs(house: House, url: str) -> list[str]:
    """Make a job of each kind that is due every second; return their slugs."""
    at = (CLOCK.now() - NOON).total_seconds()
    for language, source in SOURCES.items():
        action = {"language": language, "source": source}
        house.job(language, at, kind="script", action=action, schedule="every 1s")
    house.job("http", at, action={"method": "GET", "url": url}, schedule="every 1s")
    return [*SOURCES, "http"]


def good(house: House, slug: str) -> list[str]:
    """Return the ids of the runs of a job that ended well."""
    watch_id = house.find(slug).id
    return [
        row["id"] for row in house.rows("runs")
        if row["watch_id"] == watch_id and row["outcome"] == "ok"
    ]  # fmt: skip


def test_jobs_of_every_kind_run_each_second(
    house: House, database_url: str, tmp_path: Path
) -> None:
    config = configured(tmp_path, database_url)

    async def story() -> list[str]:
        egress = Egress(allow=config.allow_private_targets)
        store = Store(house.database, house.vault, CLOCK)
        engine = assemble(config, store, egress, Intake(house.database, CLOCK, None))
        async with endpoint(status(200)) as told:
            slugs = make_jobs(house, told.url)
            await engine.start("real", alone=True)
            try:
                await eventually_async(
                    lambda: all(len(good(house, slug)) >= 2 for slug in slugs), within_s=30
                )
            finally:
                await engine.stop(10)
                await egress.close()
        return slugs

    slugs = asyncio.run(story())
    outputs = {row["run_id"]: row["text"] for row in house.rows("outputs")}
    for slug in slugs:
        first = good(house, slug)[0]
        assert outputs[first].startswith("HTTP 200" if slug == "http" else f"{slug} {first}")
    slots = [(row["watch_id"], row["slot_at"]) for row in house.rows("runs")]
    assert len(slots) == len(set(slots))
    assert house.audit((CLOCK.now() - NOON).total_seconds()) == []
    assert {row["to_status"] for row in house.rows("flips")} == {"up"}
