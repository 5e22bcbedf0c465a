"""Healthchecks' management API, versions 1 to 3, and its way to ping."""

from dogwatch.web.dialect.opened import JSON, SVG, TEXT, Open, pinged
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects.healthchecks import badges, health
from dogwatch.web.dialects.healthchecks.cors import Cors
from dogwatch.web.dialects.healthchecks.errors import told, windows, worded
from dogwatch.web.dialects.healthchecks.pings import PINGS
from dogwatch.web.dialects.healthchecks.routes import BASE, router, token_of

__all__ = ["PINGS", "TONGUE"]

_PING = {
    "": "Tell that a job was done.",
    "/start": "Tell that a run begins.",
    "/fail": "Tell that a job failed.",
    "/log": "Tell something, without a judgement.",
    "/{exit_status}": "Tell the exit status of a run: 0 is good.",
}
OPENED = pinged(
    {
        f"/ping/{place}{end}": told
        for place in ("{uuid}", "{ping_key}/{slug}")
        for end, told in _PING.items()
        if (place, end) != ("{uuid}", "/{exit_status}")  # which looks like a slug to a document
    },
) | {
    "/api/v3/status/": Open("Tell whether the database is there.", media=(TEXT, JSON)),
    "/badge/{workspace_id}/{rest}": Open("Draw the state of checks.", media=(SVG, JSON)),
}

TONGUE = Tongue(
    "healthchecks",
    BASE,
    router,
    token_of,
    windows,
    told,
    worded,
    badges.PUBLIC | health.PUBLIC,
    opened=OPENED,
    around=Cors,
)
