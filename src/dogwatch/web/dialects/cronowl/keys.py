"""/auth/keys: a key makes others that may do what it may."""

from typing import Any

from fastapi import Response

from dogwatch.core.problems import Problem, Usage
from dogwatch.usecases import keys
from dogwatch.usecases.door import Tx
from dogwatch.usecases.keys import Key
from dogwatch.web.dialect.call import Called, DialectCall, shown, takes
from dogwatch.web.dialect.route import needs
from dogwatch.web.dialects.cronowl.routes import answers, router
from dogwatch.web.dialects.cronowl.wire import ApiKey, ApiKeyMade, Data, KeyNew, Revoked, prefix_of

MOST_KEYS = 10


@router.get("/auth/keys", **answers(Data[list[ApiKey]]), openapi_extra=needs("keys.list"))
async def list_keys(call: Called) -> Response:
    """List the keys of this API, oldest first."""

    def found(tx: Tx, _: Any) -> list[ApiKey]:
        return [ApiKey.of(key) for key in _valid(tx, call)]

    return shown(Data(data=await call.read(found)))


@router.post(
    "/auth/keys", **answers(Data[ApiKeyMade]), openapi_extra=needs("keys.make") | takes(KeyNew)
)
async def make_key(call: Called) -> Response:
    """Make a key, which is shown this once."""
    body = await call.sent(KeyNew)

    def made(tx: Tx) -> ApiKeyMade:
        present = len(_valid(tx, call))
        if present >= MOST_KEYS:
            told = f"Maximum of {MOST_KEYS} API keys allowed per user"
            raise Problem("exceeded", told, usage=Usage("unlimited", MOST_KEYS, present))
        scopes = sorted(call.caller.grant.scopes or ())
        vault, dialect = call.services.vault, call.tongue.name
        fresh = keys.make(tx, call.caller, body.name, scopes, vault, call.at, dialect=dialect)
        return ApiKeyMade(
            id=fresh.key.id, name=fresh.key.name, key=fresh.token,
            prefix=prefix_of(fresh.token), created_at=fresh.key.created_at,
        )  # fmt: skip

    return shown(Data(data=await call.write(made)))


@router.delete("/auth/keys/{name}", **answers(Data[Revoked]), openapi_extra=needs("keys.revoke"))
async def revoke_key(call: Called, name: str) -> Response:
    """Revoke a key at once."""

    def revoked(tx: Tx) -> None:
        if name not in {key.id for key in _valid(tx, call)}:
            raise Problem("not_found", "API key not found or does not belong to you")
        keys.revoke(tx, call.workspace_id, name, call.at)

    await call.write(revoked, name)
    return shown(Data(data=Revoked()))


def _valid(tx: Tx, call: DialectCall) -> list[Key]:
    """Return the keys of this dialect that are good."""
    return [
        key
        for key in keys.listed(tx, call.workspace_id)
        if key.dialect == call.tongue.name
        and key.revoked_at is None
        and (key.expires_at is None or key.expires_at > call.at)
    ]
