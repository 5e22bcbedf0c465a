"""The set-up page: there until the first person is made, and for the holder of the link alone."""

import asyncio

from fastapi import Response

from dogwatch.core.people import checked_email, checked_name
from dogwatch.core.problems import Problem
from dogwatch.usecases import setup
from dogwatch.usecases.door import Tx
from dogwatch.usecases.people import SignedIn
from dogwatch.web.dashboard.credentials import begun, let_in, note
from dogwatch.web.dashboard.pages import rendered
from dogwatch.web.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    """Show the form to who has the code, to others where it is."""
    code = visit.form.get("code") or visit.request.query_params.get("code", "")
    if not await visit.read(setup.needed):
        return _used(visit)
    if not await _opens(visit, code):
        return _closed(visit)
    return rendered(visit, "setup.html", code=code)


async def take(visit: Visit) -> Response:
    """Make the first person, admin of all, and sign him in; of several at once one wins."""
    try:
        return await _taken(visit)
    except Problem as problem:
        if problem.kind != "not_found":
            raise
        return _used(visit)


async def _taken(visit: Visit) -> Response:
    code = visit.form.get("code", "")
    if not await visit.read(setup.needed):
        return _used(visit)
    if not await _opens(visit, code):
        return _closed(visit)
    email = checked_email(visit.form.get("email", ""))
    name = checked_name(visit.form.get("name", ""), email)
    password_hash = await visit.services.passwords.hash(visit.form.get("password", ""))
    vault = visit.services.vault

    def claimed(tx: Tx) -> tuple[SignedIn, bool] | None:
        user = setup.claim(tx, code, email, name, password_hash, vault, visit.at)
        if user is None:
            return None
        note(tx, visit, user, "instance.set_up")
        return begun(tx, visit, user), setup.is_empty(tx, visit.at)

    done = await visit.write(claimed)
    if done is None:
        return _closed(visit)
    signed_in, empty = done
    await asyncio.to_thread(visit.services.on_set_up)
    return let_in(visit, signed_in, "new" if empty else "")


async def _opens(visit: Visit, code: str) -> bool:
    vault = visit.services.vault
    return bool(code) and await visit.write(lambda tx: setup.opens(tx, code, vault, visit.at))


def _used(visit: Visit) -> Response:
    return rendered(visit, "setup_used.html", 410)


def _closed(visit: Visit) -> Response:
    return rendered(visit, "setup_closed.html", 403)
