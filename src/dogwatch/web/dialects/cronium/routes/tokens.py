"""API tokens: made by one that may, shown once."""

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.usecases import keys
from dogwatch.usecases.door import Tx
from dogwatch.usecases.keys import Key
from dogwatch.web.dialect.call import Called, DialectCall, Naming, asks, takes
from dogwatch.web.dialect.route import needs, router_of
from dogwatch.web.dialects.cronium.answers import Nothing, answer, enveloped, listed
from dogwatch.web.dialects.cronium.routes.calls import BASE, as_theirs
from dogwatch.web.dialects.cronium.wire.tokens import (
    CRONIUM,
    OneToken,
    SomeTokens,
    TokenMade,
    TokenNew,
    TokenOut,
    TokensAsked,
)

router = router_of(f"{BASE}/tokens")


@router.get(
    "", response_model=enveloped(SomeTokens), openapi_extra=needs("keys.list") | asks(TokensAsked)
)
async def list_tokens(call: Called) -> Response:
    """List the tokens of this API, oldest first, those that are revoked as well."""
    asked = call.asked(TokensAsked)

    def seen(tx: Tx, _: Naming) -> SomeTokens:
        found = _every(tx, call)
        first = (asked.page - 1) * asked.limit
        some = [TokenOut.of(key) for key in found[first : first + asked.limit]]
        return SomeTokens(tokens=some, pagination=asked.pagination(len(found)))

    data = await call.read(seen)
    return answer(data, listed("tokens", data.tokens), call.at)


@router.post(
    "",
    response_model=enveloped(TokenMade),
    status_code=201,
    openapi_extra=needs("keys.make") | takes(TokenNew),
)
async def make_token(call: Called) -> Response:
    """Make a token, which is shown this once; nobody gives it more than he may himself."""
    body = await call.sent(TokenNew)
    vault = call.services.vault
    scopes = CRONIUM.scopes_of([name.lower() for name in body.permissions])

    def made(tx: Tx) -> TokenMade:
        done = keys.make(
            tx, call.caller, body.name, scopes, vault, call.at, body.expires_at, CRONIUM.name
        )
        return TokenMade(token=TokenOut.of(done.key), display_token=done.token)

    with as_theirs():
        data = await call.write(made, body.name)
    return answer(data, "Token created successfully", call.at, 201)


@router.put("/{name}", response_model=enveloped(OneToken), openapi_extra=needs("keys.revoke"))
async def revoke_token(call: Called, name: str) -> Response:
    """Revoke a token, at once; its line stays."""
    data = await call.write(lambda tx: _revoked(tx, call, name), name)
    return answer(data, "Token revoked successfully", call.at)


@router.delete("/{name}", response_model=enveloped(Nothing), openapi_extra=needs("keys.revoke"))
async def remove_token(call: Called, name: str) -> Response:
    """Revoke a token, at once; its line stays, so that the past can be told."""
    await call.write(lambda tx: _revoked(tx, call, name), name)
    return answer(Nothing(), "Token revoked successfully", call.at)


def _every(tx: Tx, call: DialectCall) -> list[Key]:
    return [key for key in keys.listed(tx, call.workspace_id) if key.dialect == CRONIUM.name]


def _revoked(tx: Tx, call: DialectCall, name: str) -> OneToken:
    if not any(key.id == name and not key.revoked_at for key in _every(tx, call)):
        raise Problem("not_found", f"Token with ID {name[:100]} not found")
    keys.revoke(tx, call.workspace_id, name, call.at)
    return OneToken(token=next(TokenOut.of(key) for key in _every(tx, call) if key.id == name))
