"""Signing in and out."""

import re

from fastapi import Response

from dogwatch.core.people import checked_email
from dogwatch.core.problems import Problem
from dogwatch.usecases import people
from dogwatch.usecases.door import Tx
from dogwatch.usecases.people import SignedIn, User
from dogwatch.web.dashboard import cookie
from dogwatch.web.dashboard.credentials import (
    begun,
    end,
    let_in,
    may_try_code,
    note,
    right_password,
)
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit

_NEXT = re.compile(
    r"(w/[0-9]{1,10}/)?(account|new|(i|flows)/[a-z0-9_-]{1,64}(/edit)?|runs/[0-9a-z]{26}"
    r"|invitations/[0-9A-Za-z]{1,64}|timeline|load|incidents(/[0-9a-z]{1,26})?"
    r"|alerts(/deliveries/[0-9a-z]{26})?|settings(/[a-z-]{1,20}){0,2}|system)?"
    r"(\?[!-~]{0,1000})?"
)


async def show(visit: Visit) -> Response:
    """Show the form; whom the proxy has signed in needs none."""
    place = place_of(visit.request.query_params.get("next", ""))
    if visit.named and not visit.present and (signed_in := await _by_proxy(visit, visit.named)):
        return let_in(visit, signed_in, place)
    return await form(visit, place)


async def form(visit: Visit, place: str) -> Response:
    """Show the form, and what was wrong."""
    return rendered(visit, "login.html", next=place)


async def take(visit: Visit) -> Response:
    """Let in who gives the right address, password and code; what was wrong is not told."""
    email, code = _address(visit), visit.form.get("code", "").strip()
    user = await visit.read(lambda tx: people.by_email(tx, email))
    right = await right_password(visit, user, visit.form.get("password", ""), email)
    signed_in = None
    if user and right and await may_try_code(visit, user, code):
        signed_in = await _by_password(visit, user, code)
    if signed_in is None:
        words = "address, password or code is not right"
        raise Problem("invalid", words, {"form": words})
    await _renew(visit, signed_in.user)
    return let_in(visit, signed_in, place_of(visit.form.get("next", "")))


async def leave(visit: Visit) -> Response:
    """End the session."""
    await visit.write(lambda tx: end(tx, visit))
    answer = moved(visit, "login")
    cookie.drop(answer, visit.services)
    return answer


def place_of(asked: str) -> str:
    """Return where signing in leads: to one of our own pages, whatever was asked for."""
    return asked if _NEXT.fullmatch(asked) else ""


def _address(visit: Visit) -> str:
    """Return the address given, "" where it can be nobody's."""
    try:
        return checked_email(visit.form.get("email", ""))
    except Problem:
        return ""


async def _by_password(visit: Visit, user: User, code: str) -> SignedIn | None:
    vault = visit.services.vault

    def signed_in(tx: Tx) -> SignedIn | None:
        found = people.sign_in(tx, user, code, vault, visit.at, visit.user_agent, visit.remote_ip)
        if found:
            end(tx, visit)
            note(tx, visit, found.user, "sessions.begin")
        return found

    return await visit.write(signed_in)


async def _by_proxy(visit: Visit, named: str) -> SignedIn | None:
    def signed_in(tx: Tx) -> SignedIn | None:
        user = people.by_email(tx, named)
        if user is None:
            return None
        note(tx, visit, user, "sessions.begin")
        return begun(tx, visit, user)

    return await visit.write(signed_in)


async def _renew(visit: Visit, user: User) -> None:
    """Keep the password at today's costs."""
    passwords = visit.services.passwords
    if user.password_hash and passwords.outdated(user.password_hash):
        fresh = await passwords.hash(visit.form["password"])
        await visit.write(lambda tx: people.rehashed(tx, user, fresh))
