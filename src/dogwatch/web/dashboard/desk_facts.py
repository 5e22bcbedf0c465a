"""The facts of alerts, settings, system and account as JSON: what the pages show, no more."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from dogwatch import __version__
from dogwatch.core.instants import iso
from dogwatch.core.policy import SCOPES
from dogwatch.usecases import identities, keys, manifests, people, status_pages, variables, watches
from dogwatch.usecases.callers import require
from dogwatch.usecases.door import Tx
from dogwatch.usecases.keeping import CHANNEL, MAINTENANCE, PAGE, RULE, VARIABLE
from dogwatch.usecases.people import Session
from dogwatch.usecases.status_pages import StatusPage
from dogwatch.web.api.invitations import InvitationOut
from dogwatch.web.api.keys import KeyOut
from dogwatch.web.api.maintenance import MaintenanceOut
from dogwatch.web.api.manifests import ManifestOut
from dogwatch.web.api.members import MemberOut
from dogwatch.web.api.rules import RuleOut
from dogwatch.web.api.status_pages import StatusPageOut
from dogwatch.web.api.status_posts import PostOut
from dogwatch.web.api.variables import VariableOut
from dogwatch.web.api.wire import DeliveryDetail
from dogwatch.web.dashboard import alerts, channels, settings, system
from dogwatch.web.dashboard.keys import calls_of
from dogwatch.web.dashboard.variables import MOST
from dogwatch.web.dashboard.visit import Visit

Facts = Mapping[str, Any]
Tell = Callable[[Visit], Awaitable[Facts]]
_SESSION = ("id", "remote_ip", "user_agent")
_CHANNEL = ("id", "name", "kind", "disabled_reason")


async def of_alerts(visit: Visit) -> Facts:
    """Return channels, rules and windows, and who would be told of the item that is asked for."""
    page = await alerts.seen(visit)
    return {
        "channels": [
            {name: getattr(one, name) for name in _CHANNEL}
            | {"kept_in": page.kept.get((CHANNEL, one.id))}
            for one in page.channels
        ],
        "rules": [
            plain(RuleOut.of(one, visit.at), but="created_at")
            | {"words": page.sentence(one), "kept_in": page.kept.get((RULE, one.id))}
            for one in page.rules
        ],
        "maintenance": [
            plain(MaintenanceOut.of(one, visit.at))
            | {"kept_in": page.kept.get((MAINTENANCE, one.id))}
            for one, _ in page.windows
        ],
        "item": page.asked or None,
        "would_be_told": {
            event.value: [{"channel": one.channel, "words": one.words} for one in hearers]
            for event, hearers in page.hearers.items()
        },
    }  # fmt: skip


async def of_delivery(visit: Visit) -> Facts:
    """Return what became of one message; not the message, which may say more than its page."""
    found, receipts, channel = await channels.delivered(visit)
    told = DeliveryDetail.made(found, receipts)
    return plain(told, but="message") | {"channel": channel.name, "kind": channel.kind}


async def of_settings(visit: Visit) -> Facts:
    """Return the workspace, its plan and its people."""
    require(visit.caller, "workspace.show")
    workspace, own, invited = await visit.see(lambda tx: settings.found(tx, visit))
    return {
        "name": workspace.name,
        "plan": workspace.plan,
        "limits": settings.figures(workspace),
        "members": [plain(MemberOut.of(one)) for one in own],
        "invitations": [plain(InvitationOut.of(one)) for one in invited],
    }


async def of_variables(visit: Visit) -> Facts:
    """Return the variables and who uses them, without their values."""
    require(visit.caller, "variables.list")

    def found(tx: Tx) -> Facts:
        every = variables.page(tx, visit.workspace_id, MOST, "")
        uses = variables.uses(tx, every)
        kept = manifests.kept_things(tx, visit.workspace_id)
        return {
            "variables": [
                plain(VariableOut.of(visit.services.vault, one, uses[one.key]))
                | {"kept_in": kept.get((VARIABLE, one.key))}
                for one in every
            ]
        }

    return await visit.see(found)


async def of_keys(visit: Visit) -> Facts:
    """Return the good keys, without what proves them, the scopes, and where clients point to."""
    require(visit.caller, "keys.list")
    found = await visit.see(lambda tx: keys.listed(tx, visit.workspace_id))
    good = [plain(KeyOut.of(one)) for one in found if one.good(visit.at)]
    doors = {title: base for title, base, _ in calls_of(visit)}
    return {"keys": good, "scopes": list(SCOPES), "base_urls": doors}


async def of_status_pages(visit: Visit) -> Facts:
    """Return what was said of the status pages."""
    require(visit.caller, "status_pages.list")

    def found(tx: Tx) -> Facts:
        kept = manifests.kept_things(tx, visit.workspace_id)
        every = status_pages.listed(tx, visit.workspace_id)
        return {
            "status_pages": [
                _status_page(tx, visit, one) | {"kept_in": kept.get((PAGE, one.id))}
                for one in every
            ]
        }

    return await visit.see(found)


async def of_status_page(visit: Visit) -> Facts:
    """Return what was said of one status page, and what is posted on it."""
    require(visit.caller, "status_pages.show")

    def found(tx: Tx) -> Facts:
        page = status_pages.find(tx, visit.workspace_id, visit.name)
        posts = [plain(PostOut.of(one)) for one in status_pages.posts(tx, page)]
        return _status_page(tx, visit, page) | {"posts": posts}

    return await visit.see(found)


def _status_page(tx: Tx, visit: Visit, page: StatusPage) -> dict[str, Any]:
    named = [one.watch for one in page.items if one.watch]
    slugs = watches.slugs_of(tx, visit.workspace_id, named)
    return plain(StatusPageOut.of(page, slugs, visit.services.base_url))


async def of_files(visit: Visit) -> Facts:
    """Return the files that were applied, and why one was refused."""
    require(visit.caller, "manifests.list")
    found = await visit.see(lambda tx: manifests.listed(tx, visit.workspace_id))
    return {"files": [plain(ManifestOut.of(one)) for one in found]}


async def of_system(visit: Visit) -> Facts:
    """Return how Dogwatch itself is."""
    found, problems = await system.seen(visit)
    told = asdict(found)
    del told["at"]
    heartbeat, address = told.pop("outside_heartbeat"), visit.services.outside_heartbeat
    for waiting, one in zip(told["waiting"], found.waiting, strict=True):
        waiting["well"] = one.well
    return {
        "at": iso(found.at),
        "version": __version__,
        "database": visit.services.dialect,
        "problems": problems,
        "outside_heartbeat": _jsonable({**heartbeat, "address": address}) if address else None,
        **_jsonable(told),
    }


def _jsonable(told: Any) -> Any:
    """Return values with times as ISO 8601 and lengths in seconds."""
    if isinstance(told, Mapping):
        return {f"{name}_s" if isinstance(one, timedelta) else name: _jsonable(one)
                for name, one in told.items()}  # fmt: skip
    if isinstance(told, list | tuple):
        return [_jsonable(one) for one in told]
    if isinstance(told, timedelta):
        return told.total_seconds()
    return iso(told) if isinstance(told, datetime) else told


async def of_account(visit: Visit) -> Facts:
    """Return who is signed in, and where; nothing that proves it."""
    user, here = visit.user, visit.signed_in
    provider = visit.services.oidc
    sessions, linked = await visit.read(
        lambda tx: (
            people.sessions_of(tx, user.id),
            bool(provider and identities.linked(tx, user.id, provider.client.issuer)),
        )
    )
    return {
        "name": user.name,
        "email": user.email,
        "admin": user.admin_at is not None,
        "second_factor": bool(user.second_factor),
        "identity_linked": linked,
        "workspaces": [
            {"name": one.workspace, "role": one.role.name.lower()} for one in here.memberships
        ],
        "sessions": [_session(one, here.session) for one in sessions],
    }


def _session(one: Session, own: Session) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in _SESSION}
    times = {"created_at": iso(one.created_at), "seen_at": iso(one.seen_at)}
    return told | times | {"this": one.id == own.id}


def plain(model: BaseModel, but: str = "") -> dict[str, Any]:
    """Return what the API would answer."""
    return model.model_dump(mode="json", exclude={but})


FACTS: dict[str, Tell] = {
    "/alerts": of_alerts,
    "/alerts/deliveries/{name}": of_delivery,
    "/settings": of_settings,
    "/settings/variables": of_variables,
    "/settings/keys": of_keys,
    "/settings/status-pages": of_status_pages,
    "/settings/status-pages/{name}": of_status_page,
    "/settings/files": of_files,
    "/system": of_system,
    "/account": of_account,
}
