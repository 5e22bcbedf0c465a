"""The icon of a page that tells of trouble: a number beside the title's, seen in a row of tabs."""

from fastapi import Request, Response

from dogwatch.core.plain import whole_number
from dogwatch.core.problems import Problem

_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=86400"}
_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<circle cx="16" cy="16" r="16" fill="#a3261d"/>
<text x="16" y="23" text-anchor="middle" font-family="sans-serif" font-size="{size}"
 font-weight="bold" fill="#fff">{words}</text>
</svg>
"""


async def show(request: Request) -> Response:
    """Answer with the icon of so many problems."""
    count = str(request.path_params["count"])
    number = whole_number(count, 9)
    if number is None:
        raise Problem("not_found", "there is nothing at this address")
    words = count if number < 100 else "99+"
    picture = _PICTURE.format(words=words, size={1: 22, 2: 18}.get(len(words), 14))
    return Response(picture, 200, _HEADERS, "image/svg+xml")
