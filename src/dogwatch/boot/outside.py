"""The heartbeat to somebody outside, as the configuration says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from dogwatch.boot.store import Store
from dogwatch.config import EVERYWHERE, Config
from dogwatch.egress import Egress
from dogwatch.engine.loop import Turning
from dogwatch.engine.outside import Outside
from dogwatch.usecases import outside


@contextlib.asynccontextmanager
async def told(config: Config, store: Store) -> AsyncIterator[None]:
    """Have somebody told inside the block, if the settings say whom; leaving waits for nobody."""
    if config.outside_heartbeat_url is None:
        await store.database.awrite(outside.forget)
        yield
        return
    egress = Egress(EVERYWHERE, config.user_agent)
    loop = Outside(store.database, store.clock, egress, config.outside_heartbeat_url)
    task = asyncio.create_task(Turning(loop).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        await egress.close()
