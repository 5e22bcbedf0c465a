"""Answers of the dashboard: templates of this package, filled in, with headers that forbid all
that they don't need."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any

from fastapi import Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dogwatch.web.api.problems import STATUSES
from dogwatch.web.dashboard.pictures import durations, strip
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.page import HEADERS as BARE
from dogwatch.web.page import served

HEADERS: Mapping[str, str] = {
    **BARE,
    "Content-Security-Policy": BARE["Content-Security-Policy"].replace(
        "form-action 'none'", "form-action 'self'"
    ),
    # With no-referrer a browser names no origin when it sends a form (Fetch, 3.2).
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LOG_LINES = 500
_STYLE = files(__name__.rpartition(".")[0]).joinpath("dashboard.css").read_bytes()
# Its address changes with its content, so a browser may keep it for ever.
STYLE_ADDRESS = f"dashboard-{hashlib.sha256(_STYLE).hexdigest()[:16]}.css"
STYLE_SHEET = served(
    _STYLE,
    "text/css; charset=utf-8",
    {
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "public, max-age=31536000, immutable",
    },
)

_TEMPLATES = Environment(
    loader=PackageLoader(__name__.rpartition(".")[0]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def _minute(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")


def _time(at: datetime) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), _minute(at))


def _parts(text: str) -> list[str]:
    """Return text in parts of some hundred lines, which a browser lays out one by one."""
    lines = text.split("\n")
    return ["\n".join(lines[at : at + LOG_LINES]) for at in range(0, len(lines), LOG_LINES)]


_TEMPLATES.globals["style"] = STYLE_ADDRESS
_TEMPLATES.filters |= {
    "sentence": _sentence,
    "minute": _minute,
    "time": _time,
    "strip": strip.drawn,
    "durations": durations.drawn,
    "took": durations.took,
    "seconds": lambda seconds: durations.took(seconds * 1000),
    "parts": _parts,
}


def rendered(visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
    """Return a page; one that tells a problem has the problem's status."""
    problem = visit.problem
    headers = dict(HEADERS)
    if problem and problem.retry_after_s is not None:
        headers["Retry-After"] = str(int(problem.retry_after_s) + 1)
    text = _TEMPLATES.get_template(template).render(
        visit=visit, root=visit.root, problem=problem,
        errors=problem.fields if problem else {}, **values,
    )  # fmt: skip
    status = STATUSES[problem.kind] if problem else status
    return Response(text, status, headers, "text/html; charset=utf-8")


def moved(visit: Visit, place: str) -> Response:
    """Have the browser load another page; `place` is below the front page."""
    return Response(None, 303, {**HEADERS, "Location": visit.root + place})
