"""Pings as CronBeats' clients send them, to a key of eight letters and digits."""

import re
from datetime import datetime

from dogwatch.core.ping import Answer, Kind, Target
from dogwatch.core.watch import Status
from dogwatch.usecases import watches
from dogwatch.usecases.door import Tx
from dogwatch.web.dialect.pings import (
    MOST_JSON_BYTES,
    Became,
    Knock,
    PingForm,
    Said,
    json_said,
    object_of,
)
from dogwatch.web.dialects.cronbeats.times import spaced

LONGEST = 255
MISSING = "Job not found or disabled"

_READS = re.compile(r"/ping/[^/]{8}(/.*)?")
_KEY = re.compile(r"[A-Za-z0-9]{8}")
_PATH = re.compile(
    r"/ping/(?P<key>[^/]*)"
    r"(/(?P<action>start|end/(?P<end>success|fail)|progress(/(?P<percent>[0-9]{1,3}))?))?/?"
)


def reads(path: str) -> bool:
    """Whether a path has a key of this dialect's length."""
    return _READS.fullmatch(path) is not None


def target(knock: Knock) -> Target | None:
    """Return whom a ping is for and what it says; None where the path says nothing valid."""
    found = _PATH.fullmatch(knock.path)
    if found is None or not _KEY.fullmatch(found["key"]) or int(found["percent"] or 0) > 100:
        return None
    match (found["action"] or "").partition("/")[0]:
        case "":
            return Target(key=found["key"])
        case "start":
            return Target(key=found["key"], kind=Kind.START)
        case "progress":
            percent, message = _progress(knock.body)
            percent = int(found["percent"]) if found["percent"] else percent
            return Target(key=found["key"], kind=Kind.LOG, progress=percent, text=message)
    if found["end"] == "fail":
        return Target(key=found["key"], kind=Kind.FAIL)
    return Target(key=found["key"], exit_code=0)


def _progress(body: str) -> tuple[int | None, str]:
    """Return the percentage and the message that a body tells; what cannot be read is left out."""
    said = object_of(body) or {}
    percent, message = said.get("progress"), said.get("message")
    return (
        percent if type(percent) is int and 0 <= percent <= 100 else None,
        message[:LONGEST] if isinstance(message, str) else "",
    )


async def said(knock: Knock, target: Target, became: Became) -> Said:
    """Word what became of a ping; a job that is paused hears nothing here."""
    found = _PATH.fullmatch(knock.path)
    if found is None:
        return _error(400, "Invalid signal")
    if int(found["percent"] or 0) > 100:
        return _error(400, "Progress must be between 0 and 100")
    if became.answer is not Answer.RECORDED:
        return _error(404, MISSING)
    paused, next_at = False, None
    if became.door:
        paused, next_at = await became.door.aread(lambda tx: _now(tx, found["key"]))
    if paused:
        return _error(404, MISSING)
    return json_said(
        200,
        {
            "status": "success",
            "message": "OK",
            "action": (found["action"] or "ping").partition("/")[0],
            "job_key": found["key"],
            "timestamp": spaced(knock.at),
            "processing_time_ms": round(became.took_ms, 2),
            "next_expected": spaced(next_at) if next_at else None,
        },
    )


def _now(tx: Tx, key: str) -> tuple[bool, datetime | None]:
    record = watches.pinged(tx, key)
    if record is None or record.watch.status is Status.PAUSED:
        return True, None
    return False, record.watch.slot_at


_REFUSED = {405: "Method not allowed", 429: "Rate limit exceeded"}


def refused(status: int) -> Said:
    """Word that a ping was not recorded."""
    return _error(status, _REFUSED.get(status, "The ping was not recorded; send it again"))


def _error(status: int, message: str) -> Said:
    return json_said(status, {"status": "error", "message": message})


PINGS = PingForm("cronbeats", reads, target, said, refused, most_bytes=MOST_JSON_BYTES)
