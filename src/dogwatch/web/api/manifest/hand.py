"""Applying a text: tried and undone, or for good; why one was refused is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from dogwatch.core.manifest.text import Document
from dogwatch.core.problems import Problem
from dogwatch.usecases import manifests
from dogwatch.usecases.callers import Caller, require
from dogwatch.usecases.door import Tx
from dogwatch.web.api.manifest.hosts import hosts_of
from dogwatch.web.api.manifest.whole import Applied, apply, read, refused
from dogwatch.web.api.manifest.work import Work
from dogwatch.web.reach import refuse_blocked
from dogwatch.web.services import Services

Write = Callable[[Callable[[Tx], Applied]], Awaitable[Applied]]


@dataclass(frozen=True, slots=True)
class Hand:
    """Who applies, where and when; `write` runs in a transaction that is noted in the audit log.

    Why a file is refused is kept of those that were applied before; `keeps_first`: of all.
    """

    services: Services
    caller: Caller
    at: datetime
    write: Write
    keeps_first: bool = False

    async def apply(
        self, name: str, text: str, *, prune: bool = False, dry_run: bool = False
    ) -> Applied:
        """Apply a text as the file `name`; a `dry_run` tells what it would change, and is undone.

        A Problem names every fault with its line; then all stays as it was.
        """
        require(self.caller, "manifests.apply")
        name = manifests.check_name(name)
        try:
            document = await asyncio.to_thread(read, text)
            await refuse_blocked(self.services, self.caller, hosts_of(document))
            return await self._applied(name, document, prune=prune, dry_run=dry_run)
        except Problem as problem:
            told = await asyncio.to_thread(refused, text, problem)
            if not dry_run and told.kind in ("invalid", "conflict"):
                await self._note(name, told)
            raise told from None

    async def _applied(
        self, name: str, document: Document, *, prune: bool, dry_run: bool
    ) -> Applied:
        def work(tx: Tx) -> Applied:
            own = Work(tx, self.services, self.caller, self.at, name)
            done = apply(own, document, prune=prune)
            if dry_run:
                raise _Undone(done)
            return done

        try:
            return await self.write(work)
        except _Undone as undone:
            return undone.done

    async def _note(self, name: str, problem: Problem) -> None:
        where = self.caller.workspace_id

        def noted(tx: Tx) -> None:
            if self.keeps_first or manifests.is_known(tx, where, name):
                manifests.note_fault(tx, where, name, problem.message, self.at)

        await self.services.door.awrite(noted, where)


class _Undone(Exception):  # noqa: N818  (no error: a dry run ends so)
    """Carries what was done out of the transaction that is undone."""

    def __init__(self, done: Applied) -> None:
        super().__init__()
        self.done = done
