"""Limits of a process: what was spent is there after its end, and beside the other nodes'."""

import asyncio
from pathlib import Path

from dogwatch.boot.limits import limits
from dogwatch.boot.store import opened
from dogwatch.config import load
from dogwatch.core.limits import Window
from dogwatch.store import workspaces as stored
from dogwatch.usecases import workspaces
from dogwatch.usecases.limiting import Asked

DAY = Asked("workspace:1", "day", Window("first", 10, 86_400))


def spent_in_a_life(tmp_path: Path, url: str, count: int) -> int:
    """Start, spend so many requests, stop; return how many are left of the day."""
    config = load({"data": tmp_path / "node", "database_url": url}, {})

    async def live() -> int:
        async with limits(config, store) as limited:
            found = [await limited.limiter.spend([DAY]) for _ in range(count)]
            return found[-1][0].remaining

    with opened(config) as store:
        return asyncio.run(live())


def test_a_restart_gives_nothing_back(tmp_path: Path, database_url: str) -> None:
    assert [spent_in_a_life(tmp_path, database_url, 3) for _ in range(4)] == [7, 4, 1, 0]


def test_the_plan_of_a_workspace_is_known_soon_after_it_was_assigned(
    tmp_path: Path, sqlite_url: str
) -> None:
    config = load({"data": tmp_path / "node", "database_url": sqlite_url}, {})

    async def plan() -> str:
        async with limits(config, store) as limited:
            return (await limited.plans.of(home.id)).name

    with opened(config) as store:
        home = store.database.write(lambda tx: workspaces.first(tx, store.clock.now())).result()
        assert asyncio.run(plan()) == "unlimited"
        store.database.write(lambda tx: stored.change(tx, home.id, plan="pro")).result()
        assert asyncio.run(plan()) == "pro"
