"""The desk of a run: what its script may ask and say while it runs, and nobody after it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from dogwatch.clock import Clock
from dogwatch.core.helper import NOTHING, VOID, Reply, condition_of
from dogwatch.core.masking import json_without
from dogwatch.core.problems import Problem, invalid
from dogwatch.core.result import BAD, GOOD
from dogwatch.core.variable import check, data_fault, data_of, json_text, key_fault
from dogwatch.ids import new_token
from dogwatch.store import results, runs, tasks
from dogwatch.store.tx import Tx
from dogwatch.usecases import variables, watches
from dogwatch.usecases.door import Door
from dogwatch.usecases.runs import Work
from dogwatch.vault import Vault

T = TypeVar("T")

TOKEN_BITS = 160
_NOTED = 200
_TYPES = {"bash": "BASH", "python": "PYTHON", "node": "NODEJS"}


class Desk:
    """Answers the script of one attempt of a run, one question after the other.

    What it says is durable once it is answered, and refused once the attempt is no longer ours.
    `on_secret` is told each value that the script reads or sets, before the script has it; these
    and `secrets` are masked in what people see of its output.
    """

    def __init__(
        self,
        door: Door,
        vault: Vault,
        clock: Clock,
        work: Work,
        on_secret: Callable[[str], None],
        secrets: Iterable[str] = (),
    ) -> None:
        self.token = new_token(TOKEN_BITS)
        self._door = door
        self._vault = vault
        self._clock = clock
        self._work = work
        self._on_secret = on_secret
        self._secrets = {self.token: None, **dict.fromkeys(secrets)}
        self._condition: bool | None = None
        self._read: dict[str, None] = {}
        self._set: dict[str, None] = {}
        self._turn = asyncio.Lock()
        self._closed = False

    @property
    def run_id(self) -> str:
        """The run at this desk."""
        return self._work.run.id

    async def ask(self, operation: str, args: Sequence[str]) -> Reply:
        """Do what a helper asks for; a Problem says why not."""
        count, answer = _OPERATIONS.get(operation, (0, None))
        if answer is None:
            raise Problem("invalid", f"there is no helper {operation[:40]!r}")
        if len(args) != count:
            raise Problem("invalid", f"{operation} takes {count} arguments, not {len(args)}")
        async with self._turn:
            if self._closed:
                raise Problem("refused", VOID)
            return await answer(self, *args)

    async def close(self) -> None:
        """Answer nothing more, and note which variables were used."""
        async with self._turn:
            self._closed = True
        if self._read or self._set:
            with suppress(Problem):  # it serves people; no run fails for it
                await self._door.awrite(self._note_uses, self._work.run.workspace_id)

    def _note_uses(self, tx: Tx) -> None:
        run, at = self._work.run, self._clock.now()
        if watches.exists(tx, run.workspace_id, run.watch_id):
            variables.note_uses(tx, run.workspace_id, run.watch_id, self._read, self._set, at)

    async def _see(self, fn: Callable[[Tx], T]) -> T:
        def fenced(tx: Tx) -> T:
            self._fence(ours=tasks.is_held(tx, self._work.task))
            return fn(tx)

        return await self._door.aread(fenced, self._work.run.workspace_id)

    async def _do(self, fn: Callable[[Tx], T]) -> T:
        def fenced(tx: Tx) -> T:
            self._fence(ours=tasks.hold(tx, self._work.task))
            return fn(tx)

        return await self._door.awrite(fenced, self._work.run.workspace_id)

    def _fence(self, *, ours: bool) -> None:
        if not ours:
            raise Problem("refused", VOID)

    # --- what can be asked ------------------------------------------------------------------

    async def _input(self) -> Reply:
        await self._see(lambda tx: None)
        given = self._work.given
        return Reply("json", data_of(given) if given else "{}")

    async def _event(self) -> Reply:
        return Reply("json", json_text(await self._see(lambda tx: event(tx, self._work))))

    async def _get_variable(self, key: str) -> Reply:
        if key_fault(key):
            return NOTHING  # there can be none
        run, vault = self._work.run, self._vault
        value = await self._see(lambda tx: variables.value(tx, vault, run.workspace_id, key))
        _mark(self._read, key)
        if value is None:
            return NOTHING
        self._hide(value)
        return Reply("text", value)

    async def _set_variable(self, key: str, value: str) -> Reply:
        check(key, value)
        run, vault, at = self._work.run, self._vault, self._clock.now()
        self._hide(value)
        await self._do(
            lambda tx: variables.put(tx, vault, run.workspace_id, key, value, at, by_run=True)
        )
        _mark(self._set, key)
        return NOTHING

    async def _output(self, text: str) -> Reply:
        text = data_of(text)
        if fault := data_fault(text):
            raise invalid("output", fault)
        run, shown = self._work.run, json_without(text, self._secrets)
        masked = None if shown == text else shown
        await self._do(
            lambda tx: results.put(tx, run.workspace_id, run.id, output=text, masked=masked)
        )
        return NOTHING

    def _hide(self, secret: str) -> None:
        self._secrets[secret] = None
        self._on_secret(secret)

    async def _set_condition(self, text: str) -> Reply:
        run, met = self._work.run, condition_of(text)
        await self._do(lambda tx: results.put(tx, run.workspace_id, run.id, condition=met))
        self._condition = met
        return NOTHING

    async def _get_condition(self) -> Reply:
        await self._see(lambda tx: None)
        return NOTHING if self._condition is None else Reply("json", json_text(self._condition))


_OPERATIONS: Mapping[str, tuple[int, Callable[..., Awaitable[Reply]]]] = {
    "input": (0, Desk._input),
    "event": (0, Desk._event),
    "output": (1, Desk._output),
    "getVariable": (1, Desk._get_variable),
    "setVariable": (2, Desk._set_variable),
    "getCondition": (0, Desk._get_condition),
    "setCondition": (1, Desk._set_condition),
}


def _mark(keys: dict[str, None], key: str) -> None:
    if len(keys) < _NOTED:
        keys[key] = None


def event(tx: Tx, work: Work) -> dict[str, Any]:
    """Return what a script is told of its job and its run, by the names that Cronium gives."""
    run = work.run
    record = watches.find(tx, run.workspace_id, run.watch_id)
    tally = runs.tally(tx, run.workspace_id, run.watch_id)
    last_at = runs.started_before(tx, run.workspace_id, run.watch_id, run.id)
    return {
        "id": record.id,
        "slug": record.slug,
        "name": record.name,
        "description": record.description,
        "type": _TYPES.get(str(work.action.get("language")), "HTTP_REQUEST"),
        "tags": list(record.tags),
        "runLocation": "LOCAL",
        "server": None,
        "userId": None,
        "createdAt": record.created_at.isoformat(),
        "updatedAt": record.updated_at.isoformat(),
        "successCount": sum(tally.get(outcome, 0) for outcome in GOOD),
        "failureCount": sum(tally.get(outcome, 0) for outcome in BAD),
        "lastRunAt": last_at.isoformat() if last_at else None,
        "executionId": run.id,
        "attempt": work.task.attempt,
        "trigger": run.trigger,
        "slotAt": run.slot_at.isoformat() if run.slot_at else None,
    }


class Desks:
    """The desks of the runs of this process, found by token while they are open.

    `remote_url` is where the same is answered over HTTP, once something listens there.
    """

    def __init__(self, door: Door, vault: Vault, clock: Clock) -> None:
        self._door = door
        self._vault = vault
        self._clock = clock
        self._open: dict[str, Desk] = {}
        self.remote_url: str | None = None

    @asynccontextmanager
    async def opened(
        self, work: Work, on_secret: Callable[[str], None], secrets: Iterable[str] = ()
    ) -> AsyncIterator[Desk]:
        """Keep a desk for a run inside the block; `secrets` are known of it already."""
        desk = Desk(self._door, self._vault, self._clock, work, on_secret, secrets)
        on_secret(desk.token)
        self._open[desk.token] = desk
        try:
            yield desk
        finally:
            del self._open[desk.token]
            await desk.close()

    def find(self, token: str) -> Desk | None:
        """Return the desk whose token this is."""
        return self._open.get(token)

    def environ(self, desk: Desk) -> Mapping[str, str]:
        """Return what a script needs to reach its desk over HTTP, as Cronium's clients do."""
        if self.remote_url is None:
            return {}
        return {
            "CRONIUM_RUNTIME_API": self.remote_url,
            "CRONIUM_EXECUTION_TOKEN": desk.token,
            "CRONIUM_EXECUTION_ID": desk.run_id,
        }
