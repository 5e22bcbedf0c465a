"""What proves who somebody is, and the sessions that begin with it."""

from collections.abc import Mapping

from fastapi import Response

from dogwatch.core.policy import Grant, Role
from dogwatch.usecases import audit_log, limiting, people
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.door import Tx
from dogwatch.usecases.people import SignedIn, User
from dogwatch.web.dashboard import cookie
from dogwatch.web.dashboard.pages import moved
from dogwatch.web.dashboard.visit import Visit


async def right_password(visit: Visit, user: User | None, password: str) -> bool:
    """Whether a password is right; as slow where there is no such person.

    The only place that tries a password; each try is limited by account and by client address.
    """
    if visit.services.limits:
        account = user.email if user else visit.form.get("email", "")
        asked = limiting.sign_in_windows(account, visit.remote_ip)
        limiting.admit(await visit.services.limits.limiter.spend(asked))
    return await visit.services.passwords.verify(user.password_hash if user else None, password)


def begun(tx: Tx, visit: Visit, user: User) -> SignedIn:
    """Begin a session in the place of the visit's own, as after every change of what one may."""
    end(tx, visit)
    return people.begin_session(
        tx, user, visit.services.vault, visit.at, visit.user_agent, visit.remote_ip
    )


def end(tx: Tx, visit: Visit) -> None:
    """End the visit's session, if there is one."""
    if visit.present:
        people.leave(tx, visit.present.session)


def note(
    tx: Tx, visit: Visit, user: User, operation: str, detail: Mapping[str, str] | None = None
) -> None:
    """Append to the instance's audit log what a person did with his account."""
    grant = Grant(Role.VIEWER, instance=user.admin_at is not None)
    caller = Caller(0, grant, "user", user.id, user.email, visit.remote_ip)
    audit_log.note(tx, caller, operation, user.email, visit.at, detail, instance=True)


def let_in(visit: Visit, begun: SignedIn, place: str = "account") -> Response:
    """Hand out a session's cookie and lead on."""
    answer = moved(visit, place)
    cookie.keep(answer, visit.services, begun.token)
    return answer
