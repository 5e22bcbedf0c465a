"""Pings as CronMonitor's clients send them: `/ping/{12 characters}`, answered {"message": "OK"}.

What a ping says besides, `status`, `duration` (seconds) and `message`, is taken from its query or
its body, a form or JSON; whatever cannot be read is left out, and the ping counts.
"""

import math
import re
from typing import Any
from urllib.parse import parse_qsl

from dogwatch.core.ping import Answer, Kind, Target
from dogwatch.web.dialect.pings import (
    MOST_JSON_BYTES,
    Became,
    Knock,
    PingForm,
    Said,
    json_said,
    object_of,
)

MOST_DURATION_S = 10_000_000.0
# A body that says no more than this is no message.
FACTS = frozenset({"status", "duration"})
FAILED = frozenset({"fail", "failed", "failure", "error", "down"})

_PATH = re.compile(r"/ping/(?P<token>[a-z0-9]{12})(?P<end>/fail)?/?")
_READS = re.compile(r"/ping/[^/]{12}(/.*)?")


def reads(path: str) -> bool:
    """Whether a path has a token of this dialect's length."""
    return _READS.fullmatch(path) is not None


def target(knock: Knock) -> Target | None:
    """Return whom a ping is for and what it says; None where the path names nothing."""
    found = _PATH.fullmatch(knock.path)
    if found is None:
        return None
    told = _of_body(knock.body)
    said = _pairs(knock.query.decode("latin-1")) | told
    failed = found["end"] is not None or str(said.get("status", "")).lower() in FAILED
    message, facts = said.get("message"), told and told.keys() <= FACTS
    return Target(
        key=found["token"],
        kind=Kind.FAIL if failed else Kind.OK,
        duration_ms=_duration_ms(said.get("duration")),
        text=message if isinstance(message, str) else "" if facts else None,
    )


def _of_body(body: str) -> dict[str, Any]:
    """Return the parameters of a body, which come before those of the query."""
    told = object_of(body)
    return _pairs(body) if told is None else told


def _pairs(text: str) -> dict[str, Any]:
    try:
        return dict(parse_qsl(text, max_num_fields=50))
    except ValueError:
        return {}


def _duration_ms(value: Any) -> int | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    fits = math.isfinite(seconds) and 0 <= seconds <= MOST_DURATION_S
    return round(seconds * 1000) if fits else None


async def said(_: Knock, __: Target, became: Became) -> Said:
    """Word what became of a ping."""
    if became.answer is Answer.RECORDED:
        return json_said(200, {"message": "OK"})
    return json_said(404, {"message": "Monitor not found"})


_REFUSED = {405: "Method not allowed", 429: "Too many requests"}


def refused(status: int) -> Said:
    """Word that a ping was not recorded."""
    words = _REFUSED.get(status, "The ping was not recorded; send it again")
    return json_said(status, {"message": words})


PINGS = PingForm("cronmonitor", reads, target, said, refused, most_bytes=MOST_JSON_BYTES)
