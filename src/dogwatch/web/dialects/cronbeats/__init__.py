"""CronBeats' API: jobs that are expected at an interval."""

from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects.cronbeats.errors import worded
from dogwatch.web.dialects.cronbeats.integration_routes import router as integrations
from dogwatch.web.dialects.cronbeats.limits import told, windows
from dogwatch.web.dialects.cronbeats.pings import PINGS
from dogwatch.web.dialects.cronbeats.routes import BASE, router, token_of

__all__ = ["PINGS", "TONGUE"]

router.routes.extend(integrations.routes)

TONGUE = Tongue("cronbeats", BASE, router, token_of, windows, told, worded)
