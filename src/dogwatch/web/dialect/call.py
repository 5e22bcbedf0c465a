"""One call of a dialect: the body as its model reads it, and use-cases in a transaction."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qs

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ValidationError

from dogwatch.core.policy import POLICY
from dogwatch.core.problems import Problem, in_words, renaming
from dogwatch.usecases import aliases, audit_log
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.callers import Caller, sight
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.api.problems import faults_of
from dogwatch.web.dialect.refusal import Refusal, Refused
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.services import Services

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
# What no database keeps: NUL, and lone surrogates.
_UNKEPT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Naming:
    """Names watches as a dialect does; `make`: those without a name get one."""

    workspace_id: int
    dialect: str
    make: bool

    def __call__(self, tx: Tx, records: Sequence[Record]) -> list[Named]:
        """Return watches with their aliases."""
        return aliases.named(tx, self.workspace_id, self.dialect, records, make=self.make)


@dataclass(frozen=True, slots=True)
class DialectCall:
    """A call by `caller`, begun at `at`."""

    services: Services
    tongue: Tongue
    caller: Caller
    request: Request
    at: datetime

    @property
    def workspace_id(self) -> int:
        """The workspace of the key."""
        return self.caller.workspace_id

    @property
    def _sight(self) -> int | None:
        """What the database shows to this call."""
        return sight(self.caller, str(self.request.state.operation))

    @property
    def origin(self) -> str:
        """The address at which this dialect answers, as links shall name it."""
        return self.services.origin_of(self.tongue.name)

    async def sent(self, model: type[M]) -> M:
        """Return the body as its model reads it. Raises Refused."""
        return checked(model, await self.body())

    async def body(self) -> dict[str, Any]:
        """Return the body; none is `{}`, whatever its content type says. Raises Refused."""
        try:
            said = await self.request.json() if await self.request.body() else {}
        except Problem as problem:
            raise Refused(Refusal("unreadable", problem.message)) from None
        except (ValueError, RecursionError):
            raise Refused(Refusal("unreadable", "the body is not valid JSON")) from None
        if not isinstance(said, dict):
            raise Refused(Refusal("unreadable", "the body is not a JSON object"))
        return said

    def asked(self, model: type[M]) -> M:
        """Return the query, the last value of each parameter. Raises Refused."""
        text = self.request.scope["query_string"].decode("latin-1")
        said = {name: values[-1] for name, values in parse_qs(text).items()}
        return checked(model, said, query=True)

    async def read(self, fn: Callable[[Tx, Naming], T]) -> T:
        """Run `fn` on a snapshot; once more in a transaction if a watch has no alias yet."""
        door = self.services.door
        try:
            return await door.aread(lambda tx: fn(tx, self._naming(make=False)), self._sight)
        except aliases.Unnamed:
            return await door.awrite(lambda tx: fn(tx, self._naming(make=True)), self._sight)

    async def write(self, fn: Callable[[Tx], T], about: str = "") -> T:
        """Run `fn` in a transaction, which the audit log is noted in with what it is `about`."""

        def noted(tx: Tx) -> T:
            done = fn(tx)
            operation = str(self.request.state.operation)
            made = about or str(getattr(done, "id", "") or "")
            audit_log.note(
                tx, self.caller, operation, made, self.at, {"dialect": self.tongue.name},
                instance=POLICY[operation].instance,
            )  # fmt: skip
            return done

        return await self.services.door.awrite(noted, self._sight)

    @property
    def give_names(self) -> Naming:
        """What names watches with their aliases, given where one has none: for what writes."""
        return self._naming(make=True)

    def _naming(self, *, make: bool) -> Naming:
        return Naming(self.workspace_id, self.tongue.name, make)

    def find(self, tx: Tx, name: str | int, *, lock: bool = False) -> Named:
        """Return the watch that the dialect knows by this name or number, or raise not_found."""
        return aliases.find(tx, self.workspace_id, self.tongue.name, name, lock=lock)

    def find_all(self, tx: Tx, numbers: Collection[int]) -> dict[int, Named]:
        """Return the watches that the dialect knows by these numbers, as far as there are any."""
        return aliases.find_all(tx, self.workspace_id, self.tongue.name, numbers)


def checked(model: type[M], said: Mapping[str, Any], *, query: bool = False) -> M:
    """Return what was said as `model` reads it; Refused names each bad field."""
    try:
        found = model.model_validate(said)
    except ValidationError as error:
        faults = faults_of(error.errors()).items()
        raise _refused(
            {_sent_as(model, name): text for name, text in faults}, query=query
        ) from None
    dumped = found.model_dump(by_alias=True, exclude_unset=True)
    unkept = [name for name, value in _places(dumped) if any(map(_UNKEPT.search, _texts(value)))]
    if unkept:
        raise _refused(dict.fromkeys(unkept, "must not hold NUL or half a character"), query=query)
    return found


def _sent_as(model: type[BaseModel], name: str) -> str:
    """Return the name of a field as clients send it: of a default, Pydantic says our own."""
    known = model.model_fields.get(name)
    return (known and known.alias) or name


def news(said: Mapping[str, Any], shown: BaseModel) -> dict[str, Any]:
    """Return what was said and is not just as it is shown: who sends back all that he read and one
    thing more means that one thing."""
    known = shown.model_dump(by_alias=True)
    return {
        name: value
        for name, value in said.items()
        if name not in known or (type(value), value) != (type(known[name]), known[name])
    }


def _places(said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields, and those of an object one by one, each with its name."""
    for name, value in said.items():
        inner = value if isinstance(value, dict) else {}
        yield from ((f"{name}.{key}", (key, one)) for key, one in inner.items())
        if not inner:
            yield name, value


def _refused(fields: Mapping[str, str], *, query: bool) -> Refused:
    return Refused(Refusal("invalid", in_words(fields), fields, query=query))


def _texts(value: Any) -> Iterator[str]:
    """Yield all text in a value, however deep it lies."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            left += [*one, *one.values()]
        elif isinstance(one, Sequence):
            left += one


def fields_as(names: Mapping[str, str]) -> AbstractContextManager[None]:
    """Have bad fields told by the names that a dialect has for them."""
    return renaming(lambda name: names.get(name, name))


async def call_of(request: Request) -> DialectCall:
    """Return the call of a request whose key has been checked."""
    services: Services = request.app.state.services
    tongue: Tongue = request.app.state.tongue
    return DialectCall(services, tongue, request.state.caller, request, services.clock.now())


Called = Annotated[DialectCall, Depends(call_of)]


def shown(model: BaseModel, status: int = 200) -> Response:
    """Answer with one thing, its keys in the order of the model."""
    return Response(model.model_dump_json(), status, media_type="application/json")


def shown_all(models: Sequence[BaseModel]) -> Response:
    """Answer with a bare list."""
    text = ",".join(model.model_dump_json() for model in models)
    return Response(f"[{text}]", media_type="application/json")


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """Return the part of `openapi_extra` that describes a body read by `sent`."""
    schema = model.model_json_schema()
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def asks(model: type[BaseModel]) -> dict[str, Any]:
    """Return the part of `openapi_extra` that describes a query read by `asked`."""
    own = model.model_json_schema()["properties"]
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in own.items()
        ]
    }
