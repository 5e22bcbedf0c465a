"""Answers of the dashboard: templates of this package, filled in, with headers that forbid all
that they don't need."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any

from fastapi import Response
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from dogwatch.core.instants import in_zone
from dogwatch.core.lengths import words_of
from dogwatch.core.plain import counted, span
from dogwatch.core.schedule import shortest
from dogwatch.core.schedule.spans import plain_zone
from dogwatch.core.states import LOOKS
from dogwatch.web.api.problems import STATUSES
from dogwatch.web.dashboard.pictures import flow, strip
from dogwatch.web.dashboard.pictures.length import took
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.page import HEADERS as BARE
from dogwatch.web.page import Endpoint, served, templates

HEADERS: Mapping[str, str] = {
    **BARE,
    "Content-Security-Policy": BARE["Content-Security-Policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
    # With no-referrer a browser names no origin when it sends a form (Fetch, 3.2).
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# Pages for members have a script of ours, which asks for the same page again.
SCRIPTED: Mapping[str, str] = {
    **HEADERS,
    "Content-Security-Policy": HEADERS["Content-Security-Policy"]
    + "; script-src 'self'; connect-src 'self'",
}
DRAWN: Mapping[str, str] = {
    **HEADERS, "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"
}  # fmt: skip
DOWNLOADED: Mapping[str, str] = {
    **HEADERS,
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
LIVE = "dogwatch-live"
LOG_LINES = 500
_SECONDS, _MINUTES = "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"


def _asset(name: str, media_type: str) -> tuple[str, Endpoint]:
    """Return the address and the page of a file of ours.

    The address changes with the content, so a browser may keep it for ever.
    """
    content = files(__name__.rpartition(".")[0]).joinpath(name).read_bytes()
    stem, _, ending = name.rpartition("/")[2].partition(".")
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "public, max-age=31536000, immutable",
        # A worker goes by the policy of its own file.
        "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
    }
    address = f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}.{ending}"
    return address, served(content, media_type, headers)


_FILES = {
    "style": "dashboard.css",
    "plot_style": "vendor/uPlot.css",
    "script": "dashboard.js",
    "worker": "live.js",
    "file_script": "file.js",
    "flow_script": "flow.js",
    "log_script": "log.js",
    "schedule_script": "schedule.js",
    "plot_script": "plot.js",
    "zoom_script": "zoom.js",
    "plot_library": "vendor/uPlot.js",
}
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_ASSETS = {name: _asset(file, _TYPES[file.rpartition(".")[2]]) for name, file in _FILES.items()}
# What a browser may keep for ever, by its address.
ASSETS: Mapping[str, Endpoint] = dict(_ASSETS.values())

_TEMPLATES = templates(__name__.rpartition(".")[0])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def _minute(at: datetime) -> str:
    return at.strftime(_MINUTES)


@pass_context
def _moment(context: Context, at: datetime) -> Markup:
    """Return a time on the clock of who looks."""
    shown = at.astimezone(context["visit"].zone).strftime(_SECONDS)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), shown)


@pass_context
def _local(context: Context, text: str) -> Markup:
    """Return a sentence with its times of UTC on the clock of who looks."""
    visit = context["visit"]
    told = in_zone(str(escape(text)), visit.zone, visit.zone_name, "<time>{}</time>")
    return Markup(told)  # noqa: S704 (escaped; zones are ours)


def _pair(text: str) -> tuple[str, str]:
    """Return what a choice is sent as, and its word."""
    return text, text


def _parts(text: str) -> list[str]:
    """Return text in parts of some hundred lines, which a browser lays out one by one."""
    lines = text.split("\n")
    return ["\n".join(lines[at : at + LOG_LINES]) for at in range(0, len(lines), LOG_LINES)]


_TEMPLATES.globals |= {name: address for name, (address, _) in _ASSETS.items()}
_TEMPLATES.globals |= {
    "wrong": 0,
    "log_lines": LOG_LINES,
    "LOOKS": LOOKS,
}
_TEMPLATES.filters |= {
    "shortest": shortest,
    "plain_zone": plain_zone,
    "sentence": _sentence,
    "minute": _minute,
    "time": _moment,
    "local": _local,
    "strip": strip.of,
    "flow": flow.drawn,
    "took": took,
    "moment": _moment,
    "pair": _pair,
    "length_of": lambda time: span(round(time.total_seconds())),
    "span": span,
    "counted": counted,
    "seconds": words_of,
    "parts": _parts,
}


def rendered(visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
    """Return a page; one that tells a problem has the problem's status."""
    problem = visit.problem
    headers = dict(SCRIPTED if visit.present else HEADERS)
    if problem and problem.retry_after_s is not None:
        headers["Retry-After"] = str(int(problem.retry_after_s) + 1)
    text = _TEMPLATES.get_template(template).render(
        visit=visit, root=visit.root, problem=problem,
        errors=problem.fields if problem else {}, **values,
    )  # fmt: skip
    status = STATUSES[problem.kind] if problem else status
    if LIVE in visit.request.headers and status == 200:
        headers["ETag"] = tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        if visit.request.headers.get("if-none-match") == tag:
            return Response(None, 304, headers)
    return Response(text, status, headers, "text/html; charset=utf-8")


def picture(drawn: Markup) -> Response:
    """Return a picture that stands alone, with its own style and nothing else."""
    return Response(drawn, 200, DRAWN, "image/svg+xml")


def values(told: Any) -> Response:
    """Return the numbers behind a page or a picture."""
    return Response(json.dumps(told, ensure_ascii=False), 200, HEADERS, "application/json")


def refused() -> Response:
    """Say in plain text that nobody is signed in."""
    return Response("sign in first\n", 401, HEADERS, "text/plain; charset=utf-8")


def moved(visit: Visit, place: str) -> Response:
    """Have the browser load another page; `place` is below the front page."""
    return Response(None, 303, {**HEADERS, "Location": visit.root + place})
