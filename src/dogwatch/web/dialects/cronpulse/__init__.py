"""CronPulse's API: projects of HTTP jobs, run on schedule, with or without a dead man's rule."""

from dogwatch.web.dialect.opened import pinged
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects.cronpulse.errors import worded
from dogwatch.web.dialects.cronpulse.limits import told, windows
from dogwatch.web.dialects.cronpulse.pings import PINGS
from dogwatch.web.dialects.cronpulse.routes import BASE, router, token_of

__all__ = ["PINGS", "TONGUE"]

OPENED = pinged(
    {
        "/api/ping/{key}": "Tell that a job was done.",
        "/api/ping/{key}/start": "Tell that a run begins.",
        "/api/ping/{key}/success": "Tell that a run ended well.",
        "/api/ping/{key}/fail": "Tell that a run failed: `errorMessage`.",
        "/api/run/{key}": "Tell that a run begins, as the first clients do.",
        "/api/complete/{key}": "Tell that a run ended, or `failed`, as the first clients do.",
    },
)

TONGUE = Tongue("cronpulse", BASE, router, token_of, windows, told, worded, opened=OPENED)
