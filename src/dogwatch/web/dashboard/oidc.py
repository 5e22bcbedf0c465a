"""Signing in by an OpenID Connect provider, linking an identity, joining by one.

The browser brings back what it left with in a cookie of its own; it is good for one answer.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from fastapi import Response

from dogwatch.core.problems import Problem
from dogwatch.oidc import Flow, Identity, Provider
from dogwatch.usecases import identities, limiting, members, people
from dogwatch.usecases.door import Tx
from dogwatch.usecases.people import SignedIn, User
from dogwatch.web.dashboard import account, cookie, invitation, sign_in
from dogwatch.web.dashboard.credentials import begun, let_in, note
from dogwatch.web.dashboard.pages import HEADERS, rendered
from dogwatch.web.dashboard.visit import Visit

STRANGER = (
    "nobody here is linked to this identity; sign in with your password and link it in your "
    "account, or ask for an invitation"
)


async def begin(visit: Visit) -> Response:
    """Send the browser to the provider, to sign in."""
    place = sign_in.place_of(visit.request.query_params.get("next", ""))
    try:
        flow = Flow.begin("sign-in", place, visit.at)
        where = await _where(visit, flow)
    except Problem as problem:
        return await sign_in.form(replace(visit, problem=problem), place)
    answer = Response(None, 303, {**HEADERS, "Location": where})
    _keep(answer, visit, flow)
    return answer


async def link(visit: Visit) -> Response:
    """Let who knows the password link an identity to his account."""
    if visit.user.password_hash is not None:
        await account.check_password(visit, "oidc_password")
    return await _leaving(visit, Flow.begin("link", visit.signed_in.session.id, visit.at))


async def unlink(visit: Visit) -> Response:
    """Sign in by the identity no longer."""
    issuer = _provider(visit).client.issuer

    def unlinked(tx: Tx) -> SignedIn:
        identities.unlink(tx, visit.user, issuer)
        note(tx, visit, visit.user, "identities.unlink")
        return begun(tx, visit, visit.user)

    return let_in(visit, await visit.write(unlinked))


async def join(visit: Visit) -> Response:
    """Let a new person join by an identity instead of a password."""
    code, vault = invitation.code_of(visit), visit.services.vault
    await visit.read(lambda tx: members.invitation_of(tx, code, vault, visit.at))
    return await _leaving(visit, Flow.begin("join", code, visit.at))


async def finish(visit: Visit) -> Response:
    """Take the provider's answer; whatever comes of it, there is no second one."""
    if visit.request.method != "GET":
        raise Problem("not_found", "there is nothing at this address")
    flow = _flow_of(visit)
    try:
        answer = await _finished(visit, flow)
    except Problem as problem:
        answer = await _told(replace(visit, problem=problem), flow)
    cookie.drop_flow(answer, visit.services)
    return answer


# --- there and back ---


def _provider(visit: Visit) -> Provider:
    if visit.services.oidc is None:
        raise Problem("not_found", "there is nothing at this address")
    return visit.services.oidc


async def _where(visit: Visit, flow: Flow) -> str:
    """Return where the browser goes; each try is limited by client address."""
    provider = _provider(visit)
    await _spend(visit)
    return await provider.begin(flow)


async def _spend(visit: Visit) -> None:
    if limits := visit.services.limits:
        limiting.admit(await limits.strangers.spend(limiting.address_windows(visit.remote_ip)))


async def _leaving(visit: Visit, flow: Flow) -> Response:
    """Show the way to the provider: no form may lead there by itself (form-action 'self')."""
    where = await _where(visit, flow)
    answer = rendered(visit, "leaving.html", where=where)
    _keep(answer, visit, flow)
    return answer


def _keep(answer: Response, visit: Visit, flow: Flow) -> None:
    vault = visit.services.vault
    kept = flow.to_cookie(lambda text: vault.keyed_hash(text, "oidc-flow"))
    cookie.keep_flow(answer, visit.services, kept)


def _flow_of(visit: Visit) -> Flow:
    _provider(visit)
    kept, vault = cookie.flow_of(visit.request, visit.services), visit.services.vault
    flow = Flow.from_cookie(kept, lambda text: vault.keyed_hash(text, "oidc-flow"), visit.at)
    if flow is None:
        words = "this sign-in was begun elsewhere or too long ago; begin again"
        raise Problem("refused", words)
    return flow


async def _finished(visit: Visit, flow: Flow) -> Response:
    await _spend(visit)
    asked = visit.request.query_params
    given: Mapping[str, str] = {name: asked.getlist(name)[0] for name in asked}
    if len(given) < len(asked.multi_items()):
        raise Problem("refused", "the identity provider's answer says something twice")
    identity = await _provider(visit).finish(flow, given)
    return await _PURPOSES[flow.purpose](visit, flow, identity)


async def _told(visit: Visit, flow: Flow) -> Response:
    """Show what was wrong on the page where it began."""
    if flow.purpose == "link" and visit.present:
        return await account.show(visit)
    place = flow.subject if flow.purpose == "sign-in" else "account"
    return await sign_in.form(visit, place)


# --- what an identity is good for ---


async def _signed_in(visit: Visit, flow: Flow, identity: Identity) -> Response:
    def entered(tx: Tx) -> SignedIn | None:
        user = _known(tx, identity) or _newcomer(tx, visit, identity)
        return _let(tx, visit, user) if user else None

    signed_in = await visit.write(entered)
    if signed_in is None:
        raise Problem("refused", STRANGER)
    return let_in(visit, signed_in, flow.subject)


def _known(tx: Tx, identity: Identity) -> User | None:
    return identities.known(tx, identity.issuer, identity.subject)


def _newcomer(tx: Tx, visit: Visit, identity: Identity) -> User | None:
    domains = visit.services.oidc_new_people
    user = identities.newcomer(
        tx, identity.issuer, identity.subject, identity.email, identity.name, domains, visit.at
    )
    if user:
        note(tx, visit, user, "users.make")
    return user


def _let(tx: Tx, visit: Visit, user: User) -> SignedIn:
    note(tx, visit, user, "sessions.begin", {"by": "oidc"})
    return begun(tx, visit, user)


async def _linked(visit: Visit, flow: Flow, identity: Identity) -> Response:
    if visit.present is None or visit.present.session.id != flow.subject:
        raise Problem("refused", "you began this in another session; sign in and link it again")

    def linked(tx: Tx) -> SignedIn:
        identities.link(tx, visit.user.id, identity.issuer, identity.subject)
        note(tx, visit, visit.user, "identities.link")
        return begun(tx, visit, visit.user)

    return let_in(visit, await visit.write(linked))


async def _joined(visit: Visit, flow: Flow, identity: Identity) -> Response:
    """Make the one who is invited; who has an account already confirms on the invitation's page."""
    code, vault = flow.subject, visit.services.vault

    def joined(tx: Tx) -> tuple[SignedIn, str]:
        user = _known(tx, identity)
        if user is not None:
            return _let(tx, visit, user), f"invitations/{code}"
        invited = members.invitation_of(tx, code, vault, visit.at)
        if people.taken(tx, invited.email):
            words = f"there is an account with the address {invited.email}; sign in to it first"
            raise Problem("conflict", words)
        invitation.check_vouched(visit, invited.email)
        user = identities.make(
            tx, identity.issuer, identity.subject, invited.email, identity.name, visit.at
        )
        members.accept(tx, code, user, vault, visit.at)
        note(tx, visit, user, "invitations.accept", {"by": "oidc"})
        return begun(tx, visit, user), "account"

    signed_in, place = await visit.write(joined)
    return let_in(visit, signed_in, place)


_Purpose = Callable[[Visit, Flow, Identity], Awaitable[Response]]
_PURPOSES: Mapping[str, _Purpose] = {"sign-in": _signed_in, "link": _linked, "join": _joined}
