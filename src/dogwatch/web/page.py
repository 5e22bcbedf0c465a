"""Plain HTML pages: nothing inline, nothing from elsewhere."""

from html import escape

from fastapi import Response

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; }
h2 { margin-top: 3rem; border-bottom: 1px solid; }
h3 { margin-top: 2rem; }
h3 code { background: none; padding: 0; }
code { background: color-mix(in srgb, currentColor 10%, transparent); padding: 0 .25em; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid; }
pre code { background: none; padding: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
tr { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.scope { font-size: .875em; opacity: .75; }
"""


def page(title: str, body: str, style: str) -> Response:
    """Return a page; `body` is HTML already, `style` the address of its style sheet."""
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{escape(style)}"></head>'
        f"<body>\n{body}\n</body></html>\n"
    )
    return Response(text, 200, HEADERS, "text/html; charset=utf-8")


def style_sheet() -> Response:
    """Return the one style sheet."""
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=3600"}
    return Response(STYLE, 200, headers, "text/css; charset=utf-8")
