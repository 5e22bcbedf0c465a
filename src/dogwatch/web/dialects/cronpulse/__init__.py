"""CronPulse's API: projects of HTTP jobs, run on schedule, with or without a dead man's rule."""

from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects.cronpulse.errors import worded
from dogwatch.web.dialects.cronpulse.limits import told, windows
from dogwatch.web.dialects.cronpulse.pings import PINGS
from dogwatch.web.dialects.cronpulse.routes import BASE, router, token_of

__all__ = ["PINGS", "TONGUE"]

TONGUE = Tongue("cronpulse", BASE, router, token_of, windows, told, worded)
