"""The time zone that schedules typed on this machine are meant in."""

import os
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def local_zone(environ: Mapping[str, str]) -> str:
    """Return the IANA name of the machine's zone, as cron(8) takes it: TZ, else /etc/localtime."""
    linked = os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
    for name in (environ.get("TZ", "").lstrip(":"), linked):
        if name and _known(name):
            return name
    return "UTC"


def _known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
