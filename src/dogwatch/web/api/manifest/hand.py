"""Applying a text: planned from what is present, then carried out; why one was refused is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from dogwatch.core.manifest.text import Document
from dogwatch.core.problems import Problem
from dogwatch.usecases import manifests
from dogwatch.usecases.callers import Caller, require
from dogwatch.usecases.door import Tx
from dogwatch.web.api.manifest.hosts import hosts_of
from dogwatch.web.api.manifest.plan import Plan, Stale
from dogwatch.web.api.manifest.present import Present
from dogwatch.web.api.manifest.present import read as read_present
from dogwatch.web.api.manifest.whole import Applied, applied, planned, read, refused
from dogwatch.web.reach import refuse_blocked
from dogwatch.web.services import Services

Write = Callable[[Callable[[Tx], Applied]], Awaitable[Applied]]
TRIES = 4
"""So often a plan may be stale because others changed the workspace; then it is made in turn."""


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
        """Apply a text as the file `name`; a `dry_run` tells what it would change, and reads only.

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

    async def present(self) -> Present:
        """Return what was said of the workspace."""
        where, vault = self.caller.workspace_id, self.services.vault
        return await self.services.door.aread(
            lambda tx: read_present(tx, where, vault, self.at), where
        )  # fmt: skip

    async def _applied(
        self, name: str, document: Document, *, prune: bool, dry_run: bool
    ) -> Applied:
        for _ in range(TRIES):
            present = await self.present()
            plan, done = await asyncio.to_thread(self._planned, present, name, document, prune)
            if dry_run:
                return done
            try:
                return await self.write(partial(_carried, plan, done))
            except Stale:
                continue
        try:
            return await self.write(lambda tx: self._at_once(tx, name, document, prune))
        except Stale:
            told = "others change this workspace all the while: apply again"
            raise Problem("conflict", told) from None

    def _planned(
        self, present: Present, name: str, document: Document, prune: bool
    ) -> tuple[Plan, Applied]:
        plan = planned(present, self.services, self.caller, name, document, prune=prune)
        return plan, applied(plan, document)

    def _at_once(self, tx: Tx, name: str, document: Document, prune: bool) -> Applied:
        """Plan and write in one transaction, which holds up all others."""
        manifests.lock(tx, self.caller.workspace_id)
        manifests.stamp(tx, self.caller.workspace_id, lock=True)
        present = read_present(tx, self.caller.workspace_id, self.services.vault, self.at)
        return _carried(*self._planned(present, name, document, prune), tx)

    async def _note(self, name: str, problem: Problem) -> None:
        where = self.caller.workspace_id

        def noted(tx: Tx) -> None:
            if self.keeps_first or manifests.is_known(tx, where, name):
                manifests.note_fault(tx, where, name, problem.message, self.at)

        await self.services.door.awrite(noted, where)


def _carried(plan: Plan, done: Applied, tx: Tx) -> Applied:
    plan.carry_out(tx)
    return done
