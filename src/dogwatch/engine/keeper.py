"""The keeper: saves what one process knows of spent requests, so that it outlives a restart."""

from dogwatch.store.database import Database
from dogwatch.usecases.limiting import Memory

EVERY_S = 30.0


class Keeper:
    """Saves now and then; nothing where nobody is limited."""

    name = "keeper"
    topics: frozenset[str] = frozenset()

    def __init__(self, memory: Memory, database: Database) -> None:
        self._memory = memory
        self._database = database

    async def step(self) -> float:
        """Save what was spent since the last time."""
        await self._memory.save(self._database)
        return EVERY_S
