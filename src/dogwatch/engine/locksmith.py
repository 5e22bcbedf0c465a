"""The locksmith: hears of new keys, and seals what is stored with them, a little at a time."""

import structlog

from dogwatch.clock import Clock
from dogwatch.core.problems import Problem
from dogwatch.store.database import Database
from dogwatch.usecases import keyring
from dogwatch.vault import Vault

EVERY_S = 3.0
BREATH_S = 0.2

_log = structlog.get_logger("dogwatch.engine")


class Locksmith:
    """Keeps this node's keys those of the store."""

    name = "locksmith"
    topics = frozenset({keyring.TOPIC})

    def __init__(self, database: Database, clock: Clock, vault: Vault) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._told = ""

    async def step(self) -> float:
        """Take the keys as they are in the store; seal a batch anew while an older key is left."""
        try:
            await self._database.aread(lambda tx: keyring.refresh(tx, self._vault))
        except Problem as problem:
            self._tell(problem)
            return EVERY_S
        self._told = ""
        if len(self._vault.ring.data_keys) < 2:
            return EVERY_S
        done = await self._database.awrite(
            lambda tx: keyring.reseal(tx, self._vault, self._clock.now())
        )
        return BREATH_S if done else EVERY_S

    def _tell(self, problem: Problem) -> None:
        """Say once what an operator must mend."""
        if problem.message != self._told:
            _log.warning("the secret key was rotated, and is not here", why=problem.message)
        self._told = problem.message
