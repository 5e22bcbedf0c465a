"""What proves who somebody is, and the sessions that begin with it."""

from collections.abc import Mapping

from fastapi import Response

from dogwatch import totp
from dogwatch.core.policy import Grant, Role
from dogwatch.usecases import audit_log, limiting, people
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.door import Tx
from dogwatch.usecases.people import SignedIn, User
from dogwatch.web.dashboard import cookie
from dogwatch.web.dashboard.pages import moved
from dogwatch.web.dashboard.visit import Visit


async def right_password(visit: Visit, user: User | None, password: str, email: str = "") -> bool:
    """Whether a password is right; as slow where there is no such person, who `email` names.

    The only place that tries a password; each try is limited by account and by client address. In
    a browser that its owner has signed in from they are counted apart: tries from elsewhere shut
    nobody out of his account (OWASP, device cookies).
    """
    if limits := visit.services.limits:
        own = _browser_of(visit, user) if user else ""
        if not own:
            of_address = limiting.address_windows(visit.remote_ip)
            limiting.admit(await limits.strangers.spend(of_address))
        known = limits.limiter if user else limits.strangers
        of_account = limiting.account_windows(own or (user.email if user else email))
        limiting.admit(await known.spend(of_account))
    return await visit.services.passwords.verify(user.password_hash if user else None, password)


async def may_try_code(visit: Visit, user: User, code: str) -> bool:
    """Whether a code may be tried by who knows the password; those of the app are limited.

    Who is refused is told no more than of a wrong code, or he would know the password for right.
    """
    limits = visit.services.limits
    if limits is None or not user.second_factor or totp.digits_of(code) is None:
        return True
    asked = limiting.code_windows(_browser_of(visit, user) or user.email)
    return not limiting.longest_wait_s(await limits.limiter.spend(asked))


def _browser_of(visit: Visit, user: User) -> str:
    """Return the name of a browser that a person has signed in from, "" for any other."""
    return cookie.known_of(visit.request, visit.services, user.id)


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
    cookie.keep_known(answer, visit.services, begun.user.id, _browser_of(visit, begun.user))
    return answer
