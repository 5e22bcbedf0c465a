"""Limits of one process: beside the other nodes, or from its own memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

from dogwatch.boot.store import Store, agree, alone
from dogwatch.config import Config
from dogwatch.engine.keeper import Keeper
from dogwatch.engine.loop import Turning
from dogwatch.store.database import Database
from dogwatch.usecases.limiting import Limiter, Limits, Memory, limits_of
from dogwatch.usecases.sharing import Shared


@contextlib.asynccontextmanager
async def limits(config: Config, store: Store) -> AsyncIterator[Limits]:
    """Have requests limited inside the block."""
    around = _remembered(store) if alone(config) else _shared(config, store)
    async with around as limiter:
        yield limits_of(store.database, limiter, store.clock)


@contextlib.asynccontextmanager
async def _shared(config: Config, store: Store) -> AsyncIterator[Limiter]:
    """Spend through a connection of its own, made when a plan first limits anything."""
    aside = Database.open(config.database_url, readers=1, writers=1, patience_s=1)
    shared = Shared(aside, store.clock, partial(agree, store.clock))
    try:
        yield shared
    finally:
        await shared.give_back()
        await asyncio.to_thread(aside.close)


@contextlib.asynccontextmanager
async def _remembered(store: Store) -> AsyncIterator[Limiter]:
    """Go on from what was saved, and save now and then and at the end."""
    memory = Memory(store.clock)
    await memory.load(store.database)
    turning = Turning(Keeper(memory, store.database))
    task = asyncio.create_task(turning.run())
    try:
        yield memory
    finally:
        turning.stop()
        await task
        await turning.step()
