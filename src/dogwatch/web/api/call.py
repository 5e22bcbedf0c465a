"""One call of the API: what a route needs to carry it out and to answer."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel

from dogwatch.core.problems import Problem
from dogwatch.usecases.door import Tx
from dogwatch.usecases.keys import Principal
from dogwatch.usecases.once import Done, once
from dogwatch.web.api.idempotency import answered, sent_of
from dogwatch.web.services import Services

T = TypeVar("T")

_NAME = re.compile(r"[a-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Call:
    """A call by `principal`, begun at `at`."""

    services: Services
    principal: Principal
    request: Request
    at: datetime

    @property
    def workspace_id(self) -> int:
        """The workspace of the key."""
        return self.principal.workspace_id

    @property
    def may_ping(self) -> bool:
        """Whether the key may know how to ping: a ping changes a watch, and may make one."""
        return self.principal.may("write:watches")

    @property
    def pings(self) -> str | None:
        """What the address of a ping begins with; None for those who may not ping."""
        return f"{self.services.base_url.rstrip('/')}/ping/" if self.may_ping else None

    async def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a snapshot."""
        return await self.services.door.aread(fn)

    async def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a transaction."""
        return await self.services.door.awrite(fn)

    async def post(
        self, status: int, work: Callable[[Tx], BaseModel], place: str | None = None
    ) -> Response:
        """Do `work` and answer with what it made; an Idempotency-Key makes that happen once.

        `place` is the address of the list the new thing has its Location in.
        """
        sent = await sent_of(self.request, self.workspace_id)

        def done(tx: Tx) -> Done:
            return Done(status, work(tx).model_dump_json().encode())

        def kept(tx: Tx) -> Done:
            assert sent is not None
            return once(tx, sent, self.services.vault, self.at, lambda: done(tx))

        return answered(await self.write(kept if sent else done), self.request, place)


def call_of(request: Request) -> Call:
    """Return the call of a request whose key has been checked."""
    services: Services = request.app.state.services
    return Call(services, request.state.principal, request, services.clock.now())


Called = Annotated[Call, Depends(call_of)]


def _name(name: Annotated[str, Path(description="Id or slug.")]) -> str:
    """Refuse at once what can be no id or slug, and no database could look up."""
    if not _NAME.fullmatch(name):
        words = "there is nothing with this id or slug"
        raise Problem("not_found", words, {"name": words})
    return name


def _id(name: Annotated[str, Path(description="Id.")]) -> str:
    """Refuse what can be no id; these have no slugs."""
    return _name(name)


Name = Annotated[str, Depends(_name)]
Id = Annotated[str, Depends(_id)]


def shown(model: BaseModel) -> Response:
    """Answer with one thing."""
    return Response(model.model_dump_json(), media_type="application/json")
