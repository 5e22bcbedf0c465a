"""CronBeats' API: jobs that are expected at an interval."""

from dogwatch.web.dialect.opened import pinged
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects.cronbeats.errors import worded
from dogwatch.web.dialects.cronbeats.integration_routes import router as integrations
from dogwatch.web.dialects.cronbeats.limits import told, windows
from dogwatch.web.dialects.cronbeats.pings import PINGS
from dogwatch.web.dialects.cronbeats.routes import BASE, router, token_of

__all__ = ["PINGS", "TONGUE"]

router.routes.extend(integrations.routes)

OPENED = pinged(
    {
        "/ping/{key}": "Tell that a job was done.",
        "/ping/{key}/start": "Tell that a run begins.",
        "/ping/{key}/end/success": "Tell that a run ended well.",
        "/ping/{key}/end/fail": "Tell that a run failed.",
        "/ping/{key}/progress": "Tell how far a run is: `message`, and `progress` in percent.",
        "/ping/{key}/progress/{percent}": "Tell how far a run is.",
    },
)

TONGUE = Tongue("cronbeats", BASE, router, token_of, windows, told, worded, opened=OPENED)
