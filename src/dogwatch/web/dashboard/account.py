"""A person's own account: name, password, sessions."""

from fastapi import Response

from dogwatch.core.problems import Problem, invalid
from dogwatch.usecases import identities, people
from dogwatch.usecases.door import Tx
from dogwatch.usecases.people import SignedIn
from dogwatch.web.dashboard.credentials import begun, let_in, note, right_password
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    """Show all of it."""
    provider = visit.services.oidc
    sessions, codes, linked = await visit.read(
        lambda tx: (
            people.sessions_of(tx, visit.user.id),
            people.recovery_codes_left(tx, visit.user.id),
            provider and identities.linked(tx, visit.user.id, provider.client.issuer),
        )
    )
    return rendered(visit, "account.html", sessions=sessions, codes=codes, linked=linked)


async def take_name(visit: Visit) -> Response:
    """Take another name."""
    name = visit.form.get("name", "")
    await visit.write(lambda tx: people.rename(tx, visit.user, name))
    return moved(visit, "account")


async def take_password(visit: Visit) -> Response:
    """Take a new password from who knows the present one; all other sessions end."""
    await check_password(visit, "present")
    fresh = await visit.services.passwords.hash(visit.form.get("password", ""))
    former = visit.user.password_hash

    def changed(tx: Tx) -> SignedIn:
        user = people.find(tx, visit.user.id)
        if user.password_hash != former:
            raise Problem("conflict", "the password was changed meanwhile")
        people.set_password(tx, user.id, fresh)
        note(tx, visit, user, "account.password")
        return begun(tx, visit, user)

    return let_in(visit, await visit.write(changed))


async def end_session(visit: Visit) -> Response:
    """End one session."""
    session_id = visit.form.get("session", "")
    await visit.write(lambda tx: people.end_session(tx, visit.user.id, session_id))
    return moved(visit, "account")


async def end_other_sessions(visit: Visit) -> Response:
    """End all sessions but this one."""
    own = visit.signed_in.session.id
    await visit.write(lambda tx: people.end_sessions(tx, visit.user.id, own))
    return moved(visit, "account")


async def check_password(visit: Visit, field: str) -> None:
    """Raise invalid unless the form's `field` holds the password of who is signed in."""
    if not await right_password(visit, visit.user, visit.form.get(field, "")):
        raise invalid(field, "this is not your password")
