"""Where each page of the dashboard is looked at, by who shows it: a law compares them."""

from collections.abc import Iterator, Mapping

from dogwatch.web.dashboard import MEMBERS, OPEN, PAGES
from dogwatch.web.dashboard.gate import Handler

# A path; or (a path, what its link is like) for what has a number of its own.
Place = str | tuple[str, str]
# What everybody sees.
BESIDE = ("/status/nasty", "/docs", "/docs/alerts")
# Pages that are met on the way only: by who sets up, is invited, makes a channel.
ON_THE_WAY = ""

PLACES: Mapping[str, tuple[Place, ...]] = {
    "account.show": ("/account",),
    "acknowledge.show": (ON_THE_WAY,),
    "alerts.show": ("/alerts?item=payroll",),
    "bulk.show": ("/bulk?tag=shop",),
    "channels.ask_removal": (("/alerts", r"/alerts/channels/\w+/delete"),),
    "channels.show_delivery": (ON_THE_WAY,),
    "channels.show_edit": (("/alerts", r"/alerts/channels/\w+/edit"),),
    "channels.show_new": ("/alerts/channels/new", "/alerts/channels/new?kind=slack"),
    "crontab.show": ("/new/crontab",),
    "edit.show": ("/i/daily-report/edit",),
    "files.show": ("/settings/files",),
    "flow.show": ("/flows/chain",),
    "flow_edit.show": ("/flows/chain/edit",),
    "incidents.show": (("/incidents?state=open", r"/incidents/\d+"),),
    "incidents.show_all": ("/incidents",),
    "invitation.show": (ON_THE_WAY,),
    "item.ask_removal": ("/i/payroll/delete",),
    "item.show": ("/i/invoices-to-accounting", "/i/nasty-4", "/i/asked"),
    "keys.ask_revocation": (("/settings/keys", r"/settings/keys/\w+/revoke"),),
    "keys.show": ("/settings/keys",),
    "load.show": ("/load",),
    "maintenance.show_edit": (("/alerts", r"/alerts/maintenance/\w+/edit"),),
    "maintenance.show_new": ("/alerts/maintenance/new?kind=weekly",),
    "new.show": ("/new", "/new?kind=watch", "/new?kind=script"),
    "now.show": ("/",),
    "removal.ask": ("/settings/remove",),
    "rules.show_edit": (("/alerts", r"/alerts/rules/\w+/edit"),),
    "rules.show_new": ("/alerts/rules/new",),
    "run.show": (("/i/nasty-job", r"/runs/\w+"),),
    "second_factor.show": (ON_THE_WAY,),
    "settings.ask_removal": (("/settings", r"/settings/members/\w+/remove"),),
    "settings.show": ("/settings",),
    "setup.show": (ON_THE_WAY,),
    "sign_in.show": (ON_THE_WAY,),
    "status_pages.ask_removal": ("/settings/status-pages/nasty/delete",),
    "status_pages.show": ("/settings/status-pages/nasty",),
    "status_pages.show_all": ("/settings/status-pages",),
    "system.show": ("/system",),
    "timeline.show": ("/timeline?hours=168",),
    "variables.ask_removal": ("/settings/variables/N1/delete",),
    "variables.show": ("/settings/variables",),
}


# Forms, and questions before something is done: all others have their facts as JSON beside them.
ASKS = frozenset({
    "acknowledge.show", "bulk.show", "channels.ask_removal", "channels.show_edit",
    "channels.show_new", "crontab.show", "edit.show", "flow_edit.show", "invitation.show",
    "item.ask_removal", "keys.ask_revocation", "maintenance.show_edit", "maintenance.show_new",
    "new.show", "removal.ask", "rules.show_edit", "rules.show_new", "second_factor.show",
    "settings.ask_removal", "setup.show", "sign_in.show", "status_pages.ask_removal",
    "variables.ask_removal",
})  # fmt: skip


def addresses() -> Iterator[tuple[str, str]]:
    """Yield the address of each page, and who shows it; the front page's facts are at /now."""
    for path, handler in PAGES.items():
        yield "/now" if path == "/" else path, _name(handler)
    for path, (show, _) in (OPEN | MEMBERS).items():
        yield path, _name(show)


def shown() -> Iterator[str]:
    """Yield who shows a page, by the routes."""
    return (name for _, name in addresses())


def _name(handler: Handler) -> str:
    return f"{handler.__module__.rpartition('.')[2]}.{handler.__name__}"
