"""CronOwl's API: checks that expect pings, monitors that ask HTTP endpoints, and its keys."""

from dogwatch.web.dialect.gate import bearer
from dogwatch.web.dialect.opened import JSON, SVG, Open, pinged
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects.cronowl import checks, keys, monitors, public
from dogwatch.web.dialects.cronowl.errors import worded
from dogwatch.web.dialects.cronowl.limits import told, windows
from dogwatch.web.dialects.cronowl.pings import PINGS
from dogwatch.web.dialects.cronowl.routes import BASE, router

__all__ = ["PINGS", "TONGUE", "checks", "keys", "monitors"]

OPENED = pinged(
    {
        "/api/ping/{slug}": "Tell that a job was done: `duration` in ms, `exit_code`, `status`, "
        "`output`; `start=1` that it begins."
    },
) | {
    "/api/health": Open("Tell that the server answers."),
    "/api/status/{slug}": Open("Show a status page."),
    "/api/status/{slug}/badge": Open("Draw the state of a status page.", media=(SVG, JSON)),
}

TONGUE = Tongue(
    "cronowl",
    BASE,
    router,
    bearer,
    windows,
    told,
    worded,
    public.PAGES,
    key_header="Authorization",
    opened=OPENED,
)
