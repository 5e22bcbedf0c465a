"""One call of the API: what a route needs to carry it out and to answer."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel

from dogwatch.core.policy import POLICY, lacks
from dogwatch.core.problems import Problem
from dogwatch.usecases import audit_log
from dogwatch.usecases.callers import Caller, sight
from dogwatch.usecases.door import Tx
from dogwatch.usecases.once import Done, once
from dogwatch.web.api.idempotency import answered, sent_of
from dogwatch.web.api.payload import StrictRequest
from dogwatch.web.api.problems import plain
from dogwatch.web.reach import Hosts, refuse_blocked, sees_network
from dogwatch.web.services import Services

T = TypeVar("T")

_NAME = re.compile(r"[a-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Call:
    """A call by `caller`, begun at `at`."""

    services: Services
    caller: Caller
    request: Request
    at: datetime

    @property
    def workspace_id(self) -> int:
        """The workspace of the key."""
        return self.caller.workspace_id

    @property
    def may_ping(self) -> bool:
        """Whether the key may know how to ping: a ping changes a watch, and may make one."""
        return lacks(self.caller.grant, "watches.change") is None

    @property
    def pings(self) -> str | None:
        """What the address of a ping begins with; None for those who may not ping."""
        return f"{self.services.base_url.rstrip('/')}/ping/" if self.may_ping else None

    @property
    def sees_network(self) -> bool:
        """Whether the caller may learn how the network looks that this instance stands in."""
        return sees_network(self.services, self.caller)

    @property
    def _sight(self) -> int | None:
        """What the database shows to this call."""
        return sight(self.caller, self.request.state.operation)

    async def refuse_blocked(self, hosts: Hosts) -> None:
        """Raise a Problem for hosts that nothing here may connect to."""
        await refuse_blocked(self.services, self.caller, hosts)

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a snapshot."""
        return await self.services.door.aread(fn, self._sight)

    async def write(self, fn: Callable[[Tx], T], about: str = "") -> T:
        """Run `fn` in a transaction, which the audit log is noted in, `about` what it is if that
        neither stands in the address nor is made."""
        sent = await self._fields()

        def noted(tx: Tx) -> T:
            done = fn(tx)
            self._note(tx, done, sent, about)
            return done

        return await self.services.door.awrite(noted, self._sight)

    async def note_export(self, operation: str, *, instance: bool = False) -> None:
        """Note that everything of a kind is handed out, before it is; HEAD hands out nothing."""
        if self.request.method == "HEAD":
            return
        await self.services.door.awrite(
            lambda tx: audit_log.note(tx, self.caller, operation, "", self.at, instance=instance),
            None if instance else self.workspace_id,
        )

    async def _fields(self) -> Sequence[str]:
        """Return the names of the fields that were sent, which tell no value."""
        if not isinstance(self.request, StrictRequest) or not await self.request.body():
            return []
        sent = await self.request.json()
        return sorted(map(plain, sent)) if isinstance(sent, dict) else []

    def _note(self, tx: Tx, done: object, sent: Sequence[str], about: str = "") -> None:
        """Note what was done to what: the thing in the address, or the one that was made."""
        address = self.request.path_params.get("name")
        made = getattr(done, "slug", None) or getattr(done, "id", None)
        detail = {"fields": list(sent)} if sent else {}
        operation = self.request.state.operation
        of_instance = POLICY[operation].instance
        audit_log.note(
            tx, self.caller, operation, str(about or address or made or ""), self.at, detail,
            instance=of_instance,
        )  # fmt: skip

    async def post(
        self, status: int, work: Callable[[Tx], BaseModel], place: str | None = None
    ) -> Response:
        """Do `work` and answer with what it made; an Idempotency-Key makes that happen once.

        `place` is the address of the list the new thing has its Location in.
        """
        sent = await sent_of(self.request, self.caller)
        fields = await self._fields()

        def done(tx: Tx) -> Done:
            made = work(tx)
            self._note(tx, made, fields)
            return Done(status, made.model_dump_json().encode())

        def kept(tx: Tx) -> Done:
            assert sent is not None
            return once(tx, sent, self.services.vault, self.at, lambda: done(tx))

        answer = await self.services.door.awrite(kept if sent else done, self._sight)
        return answered(answer, self.request, place)


async def call_of(request: Request) -> Call:
    """Return the call of a request whose key has been checked; async, to need no thread."""
    services: Services = request.app.state.services
    return Call(services, request.state.caller, request, services.clock.now())


Called = Annotated[Call, Depends(call_of)]


async def _name(name: Annotated[str, Path(description="Id or slug.")]) -> str:
    """Refuse at once what can be no id or slug, and no database could look up."""
    if not _NAME.fullmatch(name):
        words = "there is nothing with this id or slug"
        raise Problem("not_found", words, {"id": words})
    return name


async def _id(name: Annotated[str, Path(description="Id.")]) -> str:
    """Refuse what can be no id; these have no slugs."""
    return await _name(name)


Name = Annotated[str, Depends(_name)]
Id = Annotated[str, Depends(_id)]


def shown(model: BaseModel) -> Response:
    """Answer with one thing."""
    return Response(model.model_dump_json(), media_type="application/json")
