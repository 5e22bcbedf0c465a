"""Pings as CronPulse's clients send them: `/api/ping/{key}[/start|success|fail]`.

The first clients asked for `/api/run/{key}` and `/api/complete/{key}[?failed=text]`: start, success
and fail. A key has nine characters, or is the id of the job.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from dogwatch.core.ping import Answer, Kind, Target
from dogwatch.web.dialect.pings import Became, Knock, PingForm, Said, json_said

_READS = re.compile(r"/ping/([^/]{9}|[^/]{25})(/.*)?|/api/(run|complete)/[^/]+/?")
_KEY = r"(?P<key>[a-z0-9]{9}|cl[a-z0-9]{23})"
_PATH = re.compile(rf"/ping/{_KEY}(/(?P<state>start|success|fail))?/?")
_FIRST = re.compile(rf"/api/(?P<state>run|complete)/{_KEY}/?")
# What clients send who were given no text: `true` in their language.
_NO_TEXT = frozenset({"True", "true", "1"})


def reads(path: str) -> bool:
    """Whether a path has a key of this dialect's length, or is one of its first clients'."""
    return _READS.fullmatch(path) is not None


def target(knock: Knock) -> Target | None:
    """Return whom a ping is for and what it says; None where the path names nothing."""
    found = _PATH.fullmatch(knock.path) or _FIRST.fullmatch(knock.path)
    if found is None:
        return None
    asked = _asked(knock.query)
    match found["state"]:
        case "start" | "run":
            return Target(key=found["key"], kind=Kind.START)
        case "fail":
            return _failed(found["key"], asked.get("errorMessage", ""))
        case "complete" if "failed" in asked:
            return _failed(found["key"], asked["failed"])
    return Target(key=found["key"])


def _failed(key: str, message: str) -> Target:
    return Target(key=key, kind=Kind.FAIL, text=None if message in _NO_TEXT else message or None)


def _asked(query: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return {}
    return dict(pairs)


async def said(_: Knock, __: Target, became: Became) -> Said:
    """Word what became of a ping."""
    if became.answer is Answer.RECORDED:
        return json_said(200, {"success": True})
    return json_said(404, {"error": "Job not found"})


_REFUSED = {405: "Method not allowed", 429: "Too many requests"}


def refused(status: int) -> Said:
    """Word that a ping was not recorded."""
    words = _REFUSED.get(status, "The ping was not recorded; send it again")
    return json_said(status, {"error": words})


PINGS = PingForm("cronpulse", reads, target, said, refused)
