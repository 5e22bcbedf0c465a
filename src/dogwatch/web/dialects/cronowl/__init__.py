"""CronOwl's API: checks that expect pings, monitors that ask HTTP endpoints, and its keys."""

from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects.cronowl import checks, keys, monitors, public
from dogwatch.web.dialects.cronowl.errors import worded
from dogwatch.web.dialects.cronowl.limits import told, windows
from dogwatch.web.dialects.cronowl.pings import PINGS
from dogwatch.web.dialects.cronowl.routes import BASE, router, token_of

__all__ = ["PINGS", "TONGUE", "checks", "keys", "monitors"]

TONGUE = Tongue("cronowl", BASE, router, token_of, windows, told, worded, public.PAGES)
