"""API keys: made, shown once, revoked; and where clients of other products point to."""

from collections.abc import Mapping

from fastapi import Response

from dogwatch.core.dialects import DIALECTS, Dialect
from dogwatch.core.policy import SCOPES, grantable
from dogwatch.core.problems import Problem
from dogwatch.usecases import keys
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.keys import Made
from dogwatch.web.dashboard.fields import ticked
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.dialects import TONGUES

WORDS = {
    "read:watches": "see watches and incidents",
    "write:watches": "make, change and delete watches",
    "read:jobs": "see jobs, runs and their output",
    "write:jobs": "make, change and delete jobs",
    "run:jobs": "run and cancel jobs",
    "read:variables": "see the names of variables",
    "write:variables": "set and delete variables",
    "manage:alerts": "channels, rules, maintenance, and acknowledge",
    "manage:members": "members and invitations",
    "manage:keys": "API keys",
    "*": "everything you may",
}
# A first call in each product's own words: (path behind the base URL, header of the key).
CALLS: Mapping[str, tuple[str, str]] = {
    "healthchecks": ("/checks/", "X-Api-Key: "),
    "cronmonitor": ("/monitors", "Authorization: Bearer "),
    "cronbeats": ("/jobs", "X-API-Key: "),
    "cronowl": ("/checks", "Authorization: Bearer "),
    "cronpulse": ("/jobs", "X-API-Key: "),
    "cronium": ("/events", "Authorization: Bearer "),
}


async def show(visit: Visit) -> Response:
    """Show the keys and the form of a new one."""
    require(visit.caller, "keys.list")
    found = await visit.see(lambda tx: keys.listed(tx, visit.workspace_id))
    mine = grantable(visit.caller.grant.role)
    return rendered(
        visit, "keys.html", keys=[one for one in found if one.good(visit.at)],
        scopes=[(scope, WORDS[scope]) for scope in SCOPES if scope in mine],
        dialects=[(keys.NATIVE, "Dogwatch"), *((one.name, one.title) for one in _spoken())],
        titles={one.name: one.title for one in DIALECTS.values()} | {keys.NATIVE: "Dogwatch"},
        calls=calls_of(visit), words=WORDS,
    )  # fmt: skip


def _spoken() -> list[Dialect]:
    return [DIALECTS[tongue.name] for tongue in TONGUES]


def calls_of(visit: Visit) -> list[tuple[str, str, str]]:
    """Return each product with its base URL here and a call to try."""
    root = visit.services.base_url.rstrip("/")
    native = f'curl -fsS -H "Authorization: Bearer $KEY" {root}/api/v1/watches'
    calls = [("Dogwatch", f"{root}/api/v1", native)]
    for tongue in TONGUES:
        one = DIALECTS[tongue.name]
        base = f"{root}/{one.mount}{tongue.base}"
        path, header = CALLS[one.name]
        calls.append((one.title, base, f'curl -fsS -H "{header}$KEY" {base}{path}'))
    return calls


async def make(visit: Visit) -> Response:
    """Make a key and show it, this once."""
    require(visit.caller, "keys.make")
    dialect = visit.form.get("dialect") or keys.NATIVE
    scopes, vault = ticked(visit, "scope_", SCOPES), visit.services.vault
    if dialect in DIALECTS and not scopes:
        mine = grantable(visit.caller.grant.role)
        scopes = [scope for scope in DIALECTS[dialect].scopes if scope in mine]
    if not scopes:
        raise Problem("invalid", "scopes", {"scopes": "tick one at least"})

    def made(tx: Tx) -> Made:
        name = visit.form.get("name", "")
        return keys.make(tx, visit.caller, name, scopes, vault, visit.at, dialect=dialect)

    fresh = await visit.carry_out("keys.make", dialect, made)
    return rendered(visit, "key_made.html", key=fresh.key, secret=fresh.token)


async def ask_revocation(visit: Visit) -> Response:
    """Ask whether a key shall really end."""
    require(visit.caller, "keys.revoke")
    name = visit.name
    found = await visit.see(lambda tx: keys.listed(tx, visit.workspace_id))
    key = next((one for one in found if one.id == name), None)
    if key is None:
        raise Problem("not_found", "there is no such key")
    return rendered(visit, "key_revoke.html", key=key)


async def revoke(visit: Visit) -> Response:
    """End a key, at once."""
    name = visit.name
    await visit.carry_out(
        "keys.revoke", name, lambda tx: keys.revoke(tx, visit.workspace_id, name, visit.at)
    )
    return moved(visit, "settings/keys")
