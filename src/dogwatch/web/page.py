"""Plain HTML pages: nothing inline, nothing from elsewhere, each written once."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from html import escape

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

STYLE = """
:root { color-scheme: light dark; }
html { background: light-dark(#fff, #14181a); color: light-dark(#1b2422, #e6ebe8); }
a { color: light-dark(#226a4a, #7ad0a5); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; }
h2 { margin-top: 3rem; border-bottom: 1px solid; }
h3 { margin-top: 2rem; }
h3 code { background: none; padding: 0; }
code { background: color-mix(in srgb, currentColor 10%, transparent); padding: 0 .25em; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid; }
pre code { background: none; padding: 0; }
table { border-collapse: collapse; width: 100%; }
code, td, th { overflow-wrap: anywhere; }
pre code { overflow-wrap: normal; }
body { overflow-wrap: break-word; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
@media (max-width: 40rem) { td:first-child { min-width: 7rem; } }
@media (min-width: 40rem) { .fields td:first-child { white-space: nowrap; } }
dt { margin-top: 1rem; font-weight: 600; }
dd { margin: 0; }
tr { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.scope { font-size: .875em; opacity: .75; }
"""


ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<circle cx="16" cy="16" r="13" fill="none" stroke="#2f7d5b" stroke-width="4"/>
<path d="M16 8v8l6 4" fill="none" stroke="#2f7d5b" stroke-width="4" stroke-linecap="round"/>
</svg>
"""


def templates(package: str) -> Environment:
    """Return the templates of a package; all that they are filled with is escaped."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


Endpoint = Callable[[Request], Awaitable[Response]]


def page(title: str, body: str, root: str = "") -> bytes:
    """Return a page; `body` is HTML already, `root` the way from it to the front page."""
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{root}style.css">'
        f'<link rel="icon" href="{root}icon.svg" type="image/svg+xml"></head>'
        f"<body>\n<main>\n{body}\n</main>\n</body></html>\n"
    )
    return text.encode()


def served(
    content: bytes, media_type: str, headers: Mapping[str, str] = HEADERS, status: int = 200
) -> Endpoint:
    """Return what answers with bytes that stay the same, or with 304 who has them (RFC 9110)."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    every = {**headers, "ETag": tag}

    async def answer(request: Request) -> Response:
        if tag in request.headers.get("if-none-match", ""):
            return Response(None, 304, every)
        return Response(content, status, every, media_type)

    return answer


def html(title: str, body: str, root: str = "", status: int = 200) -> Endpoint:
    """Return what answers with a page."""
    return served(page(title, body, root), "text/html; charset=utf-8", status=status)


_STATIC = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=3600"}
STYLE_SHEET = served(STYLE.encode(), "text/css; charset=utf-8", _STATIC)
FAVICON = served(ICON.encode(), "image/svg+xml", _STATIC)
