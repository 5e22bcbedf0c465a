"""Pings as CronOwl's clients send them: `/api/ping/{slug}`, answered {"ok": true, …}.

What a ping says besides stands in its query or in JSON; the query names it first, the body has the
last word. What cannot be read is left out, and the ping counts.
"""

import math
import re
from collections.abc import Mapping
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
from dogwatch.web.dialects.cronowl.limits import of_pings

MOST_DURATION_MS = 10_000_000_000
MOST_EXIT_CODE = 2**31 - 1
LONGEST_OUTPUT = 10_000
# What a ping says of a run's state is kept as its progress.
BEGAN, DONE = 0, 100
_FAILED = frozenset({"failure", "fail"})

_PATH = re.compile(r"/ping/(?P<slug>[a-z0-9]{10})/?")
_READS = re.compile(r"/ping/[^/]{10}(?:/.*)?", re.DOTALL)


def reads(path: str) -> bool:
    """Whether a path has a slug of this dialect's length."""
    return _READS.fullmatch(path) is not None


def target(knock: Knock) -> Target | None:
    """Return whom a ping is for and what it says; None where the path names nothing."""
    found = _PATH.fullmatch(knock.path)
    if found is None:
        return None
    said = _said(knock)
    if _begins(said):
        return Target(key=found["slug"], kind=Kind.LOG, progress=BEGAN, text="")
    code, status = said.get("exit_code", said.get("exitCode")), said.get("status")
    exit_code = _whole(code, -MOST_EXIT_CODE, MOST_EXIT_CODE)
    failed = status in _FAILED or (status != "success" and bool(exit_code))
    return Target(
        key=found["slug"],
        kind=Kind.FAIL if failed else Kind.OK,
        exit_code=exit_code,
        duration_ms=_whole(said.get("duration"), 0, MOST_DURATION_MS),
        progress=DONE if status == "success" else None,
        text=_output(said.get("output")),
    )


def _begins(said: Mapping[str, Any]) -> bool:
    return str(said.get("start", "")) == "1" or said.get("start") is True


def _said(knock: Knock) -> Mapping[str, Any]:
    return _query(knock.query.decode("latin-1")) | (object_of(knock.body) or {})


def _query(text: str) -> dict[str, Any]:
    try:
        return dict(reversed(parse_qsl(text, max_num_fields=50)))
    except ValueError:
        return {}


def _whole(value: Any, least: int, most: int) -> int | None:
    """Read a whole number, also of text or of a fraction; None where it is none or too large."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if math.isfinite(number) and least <= number <= most else None


def _output(value: Any) -> str:
    """Return the beginning of what a job printed, as a database can keep it."""
    if not isinstance(value, str):
        return ""
    text = value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace")
    return text[:LONGEST_OUTPUT].decode(errors="ignore")


async def said(knock: Knock, target: Target, became: Became) -> Said:
    """Word what became of a ping."""
    del knock
    if became.answer is not Answer.RECORDED:
        return json_said(404, {"error": "Check not found"})
    began = target.kind is Kind.LOG
    return json_said(200, {"ok": True, "message": "Start signal recorded" if began else "Pong!"})


_REFUSED = {405: "Method not allowed", 429: "Too many requests"}


def refused(status: int) -> Said:
    """Word that a ping was not recorded."""
    told = _REFUSED.get(status, "The ping was not recorded; send it again")
    return json_said(status, {"error": told})


def limited(wait_s: int) -> Said:
    """Word that an address sent too many."""
    told = json_said(429, {"error": "Too many requests", "retryAfter": wait_s})
    return Said(told.status, told.media_type, told.body, {"X-RateLimit-Remaining": "0"})


PINGS = PingForm(
    "cronowl", reads, target, said, refused,
    windows=of_pings, limited=limited, most_bytes=MOST_JSON_BYTES,
)  # fmt: skip
