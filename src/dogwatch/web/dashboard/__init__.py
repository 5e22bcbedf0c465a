"""Pages for people, made on the server, without a script."""

from fastapi import FastAPI

from dogwatch.web.dashboard import (
    account,
    acknowledge,
    invitation,
    item,
    new,
    now,
    oidc,
    run,
    second_factor,
    setup,
    sign_in,
)
from dogwatch.web.dashboard.gate import Handler, either, form, open_to_all, signed_in
from dogwatch.web.dashboard.pages import STYLE_ADDRESS, STYLE_SHEET
from dogwatch.web.page import Endpoint

OPEN: dict[str, tuple[Handler, Handler]] = {
    "/setup": (setup.show, setup.take),
    "/login": (sign_in.show, sign_in.take),
    "/invitations/{code}": (invitation.show, invitation.take),
    "/acknowledge/{code}": (acknowledge.show, acknowledge.take),
    "/invitations/{code}/oidc": (invitation.show, oidc.join),
}
MEMBERS: dict[str, tuple[Handler, Handler]] = {
    "/new": (new.show, new.take),
    "/i/{name}/pause": (item.show, item.pause),
    "/i/{name}/resume": (item.show, item.resume),
    "/i/{name}/run": (item.show, item.trigger),
    "/i/{name}/delete": (item.ask_removal, item.remove),
    "/account/name": (account.show, account.take_name),
    "/account/password": (account.show, account.take_password),
    "/account/sessions": (account.show, account.end_session),
    "/account/other-sessions": (account.show, account.end_other_sessions),
    "/account/identity": (account.show, oidc.link),
    "/account/identity/remove": (account.show, oidc.unlink),
    "/account/second-factor": (second_factor.show, second_factor.take),
    "/account/second-factor/offer": (account.show, second_factor.offer),
    "/account/second-factor/remove": (account.show, second_factor.remove),
}


def install(app: FastAPI, front: Endpoint) -> None:
    """Add the pages to an application; `front` is shown to those who are not signed in."""
    app.add_route(f"/{STYLE_ADDRESS}", STYLE_SHEET)
    app.add_route("/login/oidc", open_to_all(oidc.begin))
    app.add_route("/login/oidc/callback", open_to_all(oidc.finish))
    app.add_route("/", either(front, now.show))
    app.add_route("/i/{name}", signed_in(item.show))
    app.add_route("/runs/{run_id}", signed_in(run.show))
    app.add_route("/account", signed_in(account.show))
    app.add_route("/logout", signed_in(sign_in.leave), ["POST"])
    for path, (show, take) in OPEN.items():
        app.add_route(path, open_to_all(form(show, take)), ["GET", "POST"])
    for path, (show, take) in MEMBERS.items():
        app.add_route(path, signed_in(form(show, take)), ["GET", "POST"])
