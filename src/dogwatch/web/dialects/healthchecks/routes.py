"""The routes of Healthchecks, in the order of its manual; each with and without a last slash."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from fastapi import Request, Response

from dogwatch.core.plain import whole_number
from dogwatch.core.problems import Problem
from dogwatch.usecases import aliases, assigning, lists, numbered, watches
from dogwatch.usecases.aliases import Named
from dogwatch.usecases.door import Tx
from dogwatch.usecases.lists import Record
from dogwatch.web.dialect.call import Called, DialectCall, asks, fields_as, takes
from dogwatch.web.dialect.refusal import Refusal, Refused
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.healthchecks import badges
from dogwatch.web.dialects.healthchecks.wire import (
    FRESH,
    SAID,
    CheckSent,
    FlipsAsked,
    check,
    flip,
    ping,
    unique_key,
)

BASE = "/api/v3"
VERSIONS = ("v1", "v2", "v3")
FIELDS = {"start_by_s": "grace", "timezone": "tz", "description": "desc"}
MOST_PINGS = 1_000
MOST_FLIPS = 10_000

# `tag` may come several times.
LIST_ASKS: dict[str, Any] = {
    "parameters": [
        {
            "name": "tag", "in": "query", "required": False,
            "schema": {"type": "array", "items": {"type": "string"}},
        },
        {"name": "slug", "in": "query", "required": False, "schema": {"type": "string"}},
    ]
}  # fmt: skip

router = router_of("/api/{version}")


async def token_of(request: Request) -> str | None:
    """Return the key that was sent, by header or in the body of a POST."""
    if "x-api-key" in request.headers or request.method != "POST":
        return request.headers.get("x-api-key")
    try:
        sent = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError):
        return None
    key = sent.get("api_key") if isinstance(sent, dict) else None
    return key if isinstance(key, str) else None


@dataclass(frozen=True, slots=True)
class Teller:
    """Writes checks as this caller may see them."""

    call: DialectCall
    version: str

    @property
    def readonly(self) -> bool:
        """Whether the key reads only."""
        scopes = self.call.caller.grant.scopes or frozenset()
        return not scopes & {"write:watches", "*"}

    def checks(self, tx: Tx, many: Sequence[Named]) -> list[dict[str, Any]]:
        """Return checks."""
        records = [record for _, record in many]
        heard, counts = assigning.heard_by(tx, records), numbered.ping_counts(tx, records)
        return [self._one(named, heard[named[1].id], counts.get(named[1].id, 0)) for named in many]

    def check(self, tx: Tx, named: Named) -> dict[str, Any]:
        """Return one check."""
        return self.checks(tx, [named])[0]

    def _one(self, named: Named, channels: Sequence[str], pings: int) -> dict[str, Any]:
        call, record = self.call, named[1]
        addresses = badges.addresses(
            call.origin, record.workspace_id, badges.CHECK + record.slug, call.services.vault
        )
        return check(
            named, pings, channels, call.origin, addresses["svg"], self.version, call.at,
            readonly=self.readonly,
        )  # fmt: skip


def _teller(call: DialectCall, version: str, *, writer: bool = False) -> Teller:
    """Return who writes the answer; `writer`: a key that only reads does not open this."""
    teller = Teller(call, version)
    if version not in VERSIONS:
        raise Refused(Refusal("no_path", "not found"))
    if writer and teller.readonly:
        raise Refused(Refusal("refused", "wrong api key"))
    return teller


def _said(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, media_type="application/json")


Handler = Callable[..., Any]


MAKES: dict[int | str, dict[str, Any]] = {201: {"description": "Created"}}


def _at(
    path: str,
    method: str,
    operation: str,
    responses: dict[int | str, dict[str, Any]] | None = None,
    **given: Any,
) -> Callable[[Handler], Handler]:
    """Serve a path with and without its last slash."""

    def added(handler: Handler) -> Handler:
        extra = needs(operation) | given
        router.add_api_route(
            path, handler, methods=[method], openapi_extra=extra, responses=responses
        )
        router.add_api_route(
            f"{path}/", handler, methods=[method], openapi_extra=extra, include_in_schema=False
        )
        return handler

    return added


@_at("/checks", "GET", "watches.list", **LIST_ASKS)
async def list_checks(call: Called, version: str) -> Response:
    """List checks, oldest first, with all of the tags asked for."""
    teller = _teller(call, version)
    query = parse_qs(call.request.scope["query_string"].decode("latin-1"))
    tags, slug = set(query.get("tag", [])), query.get("slug", [""])[0]

    def chosen(record: Record) -> bool:
        return tags <= set(record.tags) and slug in ("", record.slug)

    def found(tx: Tx, naming: Any) -> list[dict[str, Any]]:
        page = numbered.kept_page(tx, call.workspace_id, 1, badges.MOST, chosen)
        return teller.checks(tx, naming(tx, page.items))

    return _said({"checks": await call.read(found)})


@_at("/checks", "POST", "watches.make", MAKES, **takes(CheckSent))
async def make_check(call: Called, version: str) -> Response:
    """Make a check, or change the one that has what `unique` names."""
    teller, body = _teller(call, version), await call.sent(CheckSent)

    def done(tx: Tx) -> tuple[int, dict[str, Any]]:
        same = _same(tx, call, body)
        if same is not None:
            record = watches.find(tx, call.workspace_id, same.id, lock=True)
            (named,) = aliases.named(tx, call.workspace_id, call.tongue.name, [record], make=True)
            return 200, teller.check(tx, _changed(tx, teller, named, body))
        with _in_its_names():
            record = watches.add(tx, call.workspace_id, body.spec(FRESH), call.at)
        alias = aliases.give(tx, record, call.tongue.name, body.said({}))
        _assign(tx, call, record, body)
        return 201, teller.check(tx, (alias, record))

    status, shown = await call.write(done)
    return _said(shown, status)


def _same(tx: Tx, call: DialectCall, body: CheckSent) -> Record | None:
    """Return the check that has what `unique` names; of rivals, one alone finds none."""
    if not body.looks:
        return None
    found = numbered.kept_page(tx, call.workspace_id, 1, 1, body.same).items
    if not found:
        lists.workspace(tx, call.workspace_id, lock=True)
        found = numbered.kept_page(tx, call.workspace_id, 1, 1, body.same).items
    return found[0] if found else None


@_at("/checks/{name}", "GET", "watches.show")
async def show_check(call: Called, version: str, name: str) -> Response:
    """Show a check, by its UUID or its unique key."""
    teller = _teller(call, version)
    return _said(await call.read(lambda tx, naming: teller.check(tx, _any(tx, call, name, naming))))


@_at("/checks/{name}", "POST", "watches.change", **takes(CheckSent))
async def change_check(call: Called, version: str, name: str) -> Response:
    """Change a check; what is not sent stays."""
    teller, body = _teller(call, version), await call.sent(CheckSent)

    def done(tx: Tx) -> dict[str, Any]:
        named = call.find(tx, name.lower(), lock=True)
        return teller.check(tx, _changed(tx, teller, named, body))

    return _said(await call.write(done, name))


def _changed(tx: Tx, teller: Teller, named: Named, body: CheckSent) -> Named:
    call, (alias, record) = teller.call, named
    spec = body.spec(watches.spec_of(record))
    if teller.version != "v3" and spec.name != record.name and spec.slug == record.slug:
        spec = replace(spec, slug=watches.free_slug(tx, record, spec.name))
    with _in_its_names():
        record = watches.edit(tx, record, spec, call.at)
    said = body.said({**SAID, **alias.said})
    if said:
        alias = aliases.say(tx, alias, **said)
    _assign(tx, call, record, body)
    return alias, record


@contextmanager
def _in_its_names() -> Iterator[None]:
    """Have bad fields told by its names for them; so is a slug that is taken, since its manual
    knows no 409 here."""
    try:
        with fields_as(FIELDS):
            yield
    except Problem as problem:
        if problem.kind != "conflict" or "slug" not in problem.fields:
            raise
        raise Problem("invalid", problem.message, {"slug": "is taken"}) from None


def _assign(tx: Tx, call: DialectCall, record: Record, body: CheckSent) -> None:
    """Have the integrations that were named hear of a check; `*` is all of them."""
    if "channels" not in body.model_fields_set:
        return
    known = assigning.listed(tx, call.workspace_id)
    if body.channels == "*":
        names = [one.id for one in known]
    else:
        names = body.channels.split(",") if body.channels else []
    for name in names:
        _check_channel(name, sum(name in (one.id, one.name) for one in known))
    assigning.assign(tx, record, names, call.at)


def _check_channel(name: str, found: int) -> None:
    """Refuse what names no integration, or several."""
    if not name:
        raise Refused(Refusal("invalid", "empty channel identifier"))
    if found != 1:
        kind = "non-unique" if found else "invalid"
        raise Refused(Refusal("invalid", f"{kind} channel identifier: {name[:200]}"))


@_at("/checks/{name}", "DELETE", "watches.delete")
async def remove_check(call: Called, version: str, name: str) -> Response:
    """Delete a check; the answer is what it was."""
    teller = _teller(call, version)

    def done(tx: Tx) -> dict[str, Any]:
        named = call.find(tx, name.lower(), lock=True)
        shown = teller.check(tx, named)
        watches.remove(tx, named[1])
        return shown

    return _said(await call.write(done, name))


@_at("/checks/{name}/pause", "POST", "watches.pause")
async def pause_check(call: Called, version: str, name: str) -> Response:
    """Expect nothing until it is pinged or resumed."""
    teller = _teller(call, version)

    def done(tx: Tx) -> dict[str, Any]:
        alias, record = call.find(tx, name.lower(), lock=True)
        return teller.check(tx, (alias, watches.switch(tx, record, call.at, on=False)))

    return _said(await call.write(done, name))


@_at("/checks/{name}/resume", "POST", "watches.resume")
async def resume_check(call: Called, version: str, name: str) -> Response:
    """Expect again; 409 where it is not paused."""
    teller = _teller(call, version)

    def done(tx: Tx) -> dict[str, Any]:
        alias, record = call.find(tx, name.lower(), lock=True)
        if not watches.is_paused(record):
            raise Problem("conflict", "check is not paused")
        return teller.check(tx, (alias, watches.resume(tx, record, call.at, fresh=True)))

    return _said(await call.write(done, name))


@_at("/checks/{name}/pings", "GET", "watches.pings")
async def list_pings(call: Called, version: str, name: str) -> Response:
    """List the pings of a check, newest first."""
    _teller(call, version, writer=True)

    def found(tx: Tx, _: Any) -> list[dict[str, Any]]:
        alias, record = call.find(tx, name.lower())
        place = f"{call.origin}/api/{version}/checks/{alias.name}"
        page = numbered.ping_page(tx, record, 1, MOST_PINGS)
        return [ping(row, page.total - n, place, alias.said) for n, row in enumerate(page.items)]

    return _said({"pings": await call.read(found)})


@_at("/checks/{name}/pings/{number}/body", "GET", "watches.pings")
async def show_body(call: Called, version: str, name: str, number: str) -> Response:
    """Show what a ping came with."""
    _teller(call, version, writer=True)
    wanted = whole_number(number, 15) or 0

    def found(tx: Tx, _: Any) -> str:
        body = numbered.ping_body(tx, call.find(tx, name.lower())[1], wanted)
        if not body:
            raise Problem("not_found", "this ping has no body")
        return body

    return Response(await call.read(found), media_type="text/plain; charset=utf-8")


@_at("/checks/{name}/flips", "GET", "watches.flips", **asks(FlipsAsked))
async def list_flips(call: Called, version: str, name: str) -> Response:
    """List the changes between up and down, newest first."""
    _teller(call, version)
    asked = call.asked(FlipsAsked)

    def found(tx: Tx, naming: Any) -> list[dict[str, Any]]:
        record = _any(tx, call, name, naming)[1]
        rows = lists.flip_page(tx, record.workspace_id, MOST_FLIPS, "", {"watch_id": record.id})
        return [
            flip(row)
            for row in rows
            if row.to_status in ("up", "degraded", "down") and asked.covers(row.at, call.at)
        ]

    return _said({"flips": await call.read(found)})


@_at("/channels", "GET", "channels.list")
async def list_channels(call: Called, version: str) -> Response:
    """List the integrations."""
    _teller(call, version, writer=True)
    found = await call.read(lambda tx, _: assigning.listed(tx, call.workspace_id))
    return _said(
        {"channels": [{"id": one.id, "name": one.name, "kind": one.kind} for one in found]}
    )


@_at("/badges", "GET", "watches.list")
async def list_badges(call: Called, version: str) -> Response:
    """List the addresses of the badges of all tags."""
    _teller(call, version)

    def found(tx: Tx, _: Any) -> set[str]:
        page = numbered.kept_page(tx, call.workspace_id, 1, badges.MOST, lambda _: True)
        return {tag for record in page.items for tag in record.tags}

    tags = [*sorted(await call.read(found)), "*"]
    vault, workspace_id = call.services.vault, call.workspace_id
    return _said(
        {"badges": {tag: badges.addresses(call.origin, workspace_id, tag, vault) for tag in tags}}
    )


def _any(tx: Tx, call: DialectCall, name: str, naming: Any) -> Named:
    """Return the check with this UUID or unique key."""
    name = name.lower()
    if len(name) != len(unique_key("")):
        return call.find(tx, name)
    page = numbered.kept_page(tx, call.workspace_id, 1, badges.MOST, lambda _: True)
    every: Sequence[Named] = naming(tx, page.items)
    for named in every:
        if unique_key(named[0].name) == name:
            return named
    raise Problem("not_found", "not found")
