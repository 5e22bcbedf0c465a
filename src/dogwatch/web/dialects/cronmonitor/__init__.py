"""CronMonitor's API: monitors that expect a ping by a cron schedule."""

from dogwatch.web.dialect.opened import pinged
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.dialects.cronmonitor.errors import worded
from dogwatch.web.dialects.cronmonitor.limits import told, windows
from dogwatch.web.dialects.cronmonitor.pings import PINGS
from dogwatch.web.dialects.cronmonitor.routes import BASE, router, token_of

__all__ = ["PINGS", "TONGUE"]

OPENED = pinged(
    {
        "/ping/{token}": "Tell that a job was done: `status`, `duration` in seconds, `message`.",
        "/ping/{token}/fail": "Tell that a job failed.",
    },
)

TONGUE = Tongue(
    "cronmonitor",
    BASE,
    router,
    token_of,
    windows,
    told,
    worded,
    key_header="Authorization",
    opened=OPENED,
)
