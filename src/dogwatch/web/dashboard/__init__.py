"""Pages for people, made on the server; a script keeps open ones true, and none is needed."""

from fastapi import FastAPI

from dogwatch.web.dashboard import (
    account,
    acknowledge,
    alerts,
    beside,
    bulk,
    channels,
    crontab,
    demo,
    edit,
    files,
    flow,
    flow_edit,
    icon,
    incidents,
    invitation,
    item,
    keys,
    live,
    load,
    maintenance,
    new,
    now,
    oidc,
    removal,
    rules,
    run,
    schedule,
    second_factor,
    settings,
    setup,
    sign_in,
    status_pages,
    system,
    timeline,
    variables,
    workspace,
    zone,
)
from dogwatch.web.dashboard.gate import Handler, either, form, open_to_all, signed_in
from dogwatch.web.dashboard.pages import ASSETS
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
    "/new/crontab": (crontab.show, crontab.take),
    "/demo/remove": (now.show, demo.clear),
    "/i/{name}/pause": (item.show, item.pause),
    "/i/{name}/resume": (item.show, item.resume),
    "/i/{name}/run": (item.show, item.trigger),
    "/i/{name}/edit": (edit.show, edit.take),
    "/flows/new": (flow_edit.show, flow_edit.make),
    "/flows/{name}/edit": (flow_edit.show, flow_edit.take),
    "/flows/{name}/rerun": (flow.show, flow.rerun),
    "/flows/{name}/restore": (flow.show, flow.restore),
    "/i/{name}/delete": (item.ask_removal, item.remove),
    "/runs/{run_id}/cancel": (run.show, run.cancel),
    "/alerts/rehearse": (alerts.show, alerts.rehearse),
    "/alerts/channels/new": (channels.show_new, channels.make),
    "/alerts/channels/{name}/edit": (channels.show_edit, channels.change),
    "/alerts/channels/{name}/test": (alerts.show, channels.test),
    "/alerts/channels/{name}/enable": (alerts.show, channels.enable),
    "/alerts/channels/{name}/disable": (alerts.show, channels.disable),
    "/alerts/channels/{name}/delete": (channels.ask_removal, channels.remove),
    "/alerts/rules/new": (rules.show_new, rules.make),
    "/alerts/rules/{name}/edit": (rules.show_edit, rules.change),
    "/alerts/rules/{name}/delete": (alerts.show, rules.remove),
    "/alerts/maintenance/new": (maintenance.show_new, maintenance.make),
    "/alerts/maintenance/{name}/edit": (maintenance.show_edit, maintenance.change),
    "/bulk": (bulk.show, bulk.take),
    "/alerts/maintenance/{name}/delete": (alerts.show, maintenance.remove),
    "/settings/name": (settings.show, settings.rename),
    "/settings/remove": (removal.ask, removal.remove),
    "/settings/invitations": (settings.show, settings.invite),
    "/settings/invitations/{name}/revoke": (settings.show, settings.uninvite),
    "/settings/members/{name}/role": (settings.show, settings.change_role),
    "/settings/members/{name}/remove": (settings.ask_removal, settings.remove),
    "/settings/variables": (variables.show, variables.put),
    "/settings/variables/{name}/delete": (variables.ask_removal, variables.remove),
    "/settings/keys": (keys.show, keys.make),
    "/settings/keys/{name}/revoke": (keys.ask_revocation, keys.revoke),
    "/settings/status-pages": (status_pages.show_all, status_pages.make),
    "/settings/status-pages/{name}": (status_pages.show, status_pages.change),
    "/settings/status-pages/{name}/delete": (status_pages.ask_removal, status_pages.remove),
    "/settings/status-pages/{name}/posts": (status_pages.show, status_pages.post),
    "/settings/status-pages/{name}/posts/{post}": (status_pages.show, status_pages.update),
    "/settings/status-pages/{name}/posts/{post}/delete": (
        status_pages.show,
        status_pages.remove_post,
    ),
    "/settings/files": (files.show, files.take),
    "/settings/files/forget": (files.show, files.forget),
    "/settings/files/release": (files.show, files.release),
    "/i/{name}/release": (item.show, item.release),
    "/incidents/{name}/acknowledge": (incidents.show, incidents.acknowledge),
    "/incidents/{name}/snooze": (incidents.show, incidents.snooze),
    "/incidents/{name}/close": (incidents.show, incidents.close),
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


POSTED: dict[str, Handler] = {
    "/system/backup": system.back_up,
    "/settings/export": removal.export,
    "/zone": zone.choose,
    "/away": now.read_away,
    "/schedule": schedule.show,
    "/logout": sign_in.leave,
    "/flows/preview": flow_edit.preview,
}
PAGES: dict[str, Handler] = {
    "/": now.show,
    "/i/{name}": item.show,
    "/timeline": timeline.show,
    "/load": load.show,
    "/runs/{run_id}": run.show,
    "/flows/{name}": flow.show,
    "/incidents": incidents.show_all,
    "/incidents/{name}": incidents.show,
    "/alerts": alerts.show,
    "/alerts/deliveries/{name}": channels.show_delivery,
    "/settings": settings.show,
    "/system": system.show,
    "/account": account.show,
}


def install(app: FastAPI, front: Endpoint) -> None:
    """Add the pages to an application; `front` is shown to those who are not signed in."""
    for address, asset in ASSETS.items():
        app.add_route(f"/{address}", asset)
    app.add_route("/icon/{count}.svg", icon.show)
    app.add_route("/login/oidc", open_to_all(oidc.begin))
    app.add_route("/login/oidc/callback", open_to_all(oidc.finish))
    app.add_route("/runs/{run_id}/output.txt", signed_in(run.download))
    app.add_route("/runs/{run_id}/tail.json", signed_in(run.tail))
    app.add_route("/dogwatch.yaml", signed_in(files.download))
    app.add_route("/live", signed_in(live.show))
    for path in ("/w/{workspace}", "/w/{workspace}/{place:path}"):
        app.add_route(path, signed_in(workspace.enter))
    for path, take in POSTED.items():
        app.add_route(path, signed_in(take), ["POST"])
    for path, answer in beside.routes():
        app.add_route(path, answer)
    for path, (show, take) in OPEN.items():
        app.add_route(path, open_to_all(form(show, take)), ["GET", "POST"])
    for path, (show, take) in MEMBERS.items():
        app.add_route(path, signed_in(form(show, take)), ["GET", "POST"])
    for path, show in PAGES.items():
        app.add_route(path, either(front, show) if path == "/" else signed_in(show))
