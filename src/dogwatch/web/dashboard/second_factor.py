"""The second factor of one's own account: offered, set up, removed."""

import segno
from fastapi import Response
from markupsafe import Markup

from dogwatch import totp
from dogwatch.usecases import people
from dogwatch.usecases.door import Tx
from dogwatch.usecases.people import SignedIn
from dogwatch.web.dashboard import cookie
from dogwatch.web.dashboard.account import check_password
from dogwatch.web.dashboard.credentials import begun, let_in, note
from dogwatch.web.dashboard.pages import moved, rendered
from dogwatch.web.dashboard.visit import Visit


async def offer(visit: Visit) -> Response:
    """Make a secret for who knows the password; a session elsewhere, which it would be shown to and
    which could confirm it without the password, ends."""
    await check_password(visit, "factor_password")
    own, vault = visit.signed_in.session.id, visit.services.vault

    def offered(tx: Tx) -> None:
        people.offer_second_factor(tx, visit.user.id, vault)
        people.end_sessions(tx, visit.user.id, own)

    await visit.write(offered)
    return moved(visit, "account/second-factor")


async def show(visit: Visit) -> Response:
    """Show the secret that is being set up."""
    vault = visit.services.vault
    secret = await visit.read(lambda tx: people.offered_second_factor(tx, visit.user.id, vault))
    if secret is None:
        return moved(visit, "account")
    text = totp.text(secret)
    groups = [text[at : at + 4] for at in range(0, len(text), 4)]
    link = totp.link(secret, visit.user.email)
    return rendered(visit, "second_factor.html", groups=groups, link=link, qr=_qr(link))


def _qr(link: str) -> Markup:
    """Return a QR code as SVG that a page may hold: no style, no script, nothing from elsewhere.

    Black on white whatever the page's colours, as cameras expect (ISO/IEC 18004, section 5).
    """
    code = segno.make_qr(link, error="m")
    return Markup(code.svg_inline(dark="#000", light="#fff", omitsize=True, svgclass="qr"))  # noqa: S704  (made of squares alone)


async def take(visit: Visit) -> Response:
    """Ask for codes from now on; show the recovery codes, once."""
    code, vault = visit.form.get("code", ""), visit.services.vault

    def taken(tx: Tx) -> tuple[SignedIn, list[str]]:
        codes = people.take_second_factor(tx, visit.user.id, code, vault, visit.at)
        note(tx, visit, visit.user, "account.second_factor")
        return begun(tx, visit, visit.user), list(codes)

    signed_in, codes = await visit.write(taken)
    answer = rendered(visit, "recovery_codes.html", codes=codes)
    cookie.keep(answer, visit.services, signed_in.token)
    return answer


async def remove(visit: Visit) -> Response:
    """Ask for codes no longer, if who asks knows the password."""
    await check_password(visit, "factor_password")

    def removed(tx: Tx) -> SignedIn:
        people.drop_second_factor(tx, visit.user.id)
        note(tx, visit, visit.user, "account.second_factor_removed")
        return begun(tx, visit, visit.user)

    return let_in(visit, await visit.write(removed))
