"""Healthchecks' management API, versions 1 to 3, and its way to ping."""

from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects.healthchecks.badges import PUBLIC
from dogwatch.web.dialects.healthchecks.errors import told, windows, worded
from dogwatch.web.dialects.healthchecks.pings import PINGS
from dogwatch.web.dialects.healthchecks.routes import BASE, router, token_of

__all__ = ["PINGS", "TONGUE"]

TONGUE = Tongue("healthchecks", BASE, router, token_of, windows, told, worded, PUBLIC)
