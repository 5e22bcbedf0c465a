"""A dialect as its folder describes it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp

from dogwatch.core.limits import Verdict
from dogwatch.core.plans import Plan
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.limiting import Asked
from dogwatch.web.dialect.opened import Open
from dogwatch.web.dialect.refusal import Refusal
from dogwatch.web.page import Endpoint

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Tongue:
    """How a dialect speaks: who calls by `token_of` a request, `windows` he is limited by and
    `told` of, and how a refusal is `worded` at a time. `base` leads all paths of its routes; those
    of `public` are open to all, and those of `hooks` to whoever has the key that is in the path;
    `opened` describes these, and its pings; `around` is put around all of it.
    """

    name: str
    base: str
    router: APIRouter
    token_of: Callable[[Request], Awaitable[str | None]]
    windows: Callable[[Plan, Caller], Sequence[Asked]]
    told: Callable[[Sequence[tuple[Asked, Verdict]]], Headers]
    worded: Callable[[Refusal, datetime], Response]
    public: Mapping[str, Endpoint] = field(default_factory=dict)
    hooks: Mapping[str, Endpoint] = field(default_factory=dict)
    key_header: str = "X-API-Key"
    opened: Mapping[str, Open] = field(default_factory=dict)
    around: Callable[[ASGIApp], ASGIApp] | None = None
