"""The page at the base of a dialect: what it is, and where its documents are."""

from fastapi import Request, Response

from dogwatch.core.dialects import DIALECTS
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.page import Endpoint, html
from dogwatch.web.services import Services

_TEXT = """
<h1>{title}</h1>
<p>Here Dogwatch speaks the API of {title}: a client that is written for it works once this address
is its base URL, followed by <code>{base}</code>.</p>
<p>Make a key on the host: <code>dogwatch key new --name NAME --dialect {name}</code></p>
<ul>
<li><a href="{below}{base}/openapi.json">The OpenAPI document</a></li>
</ul>
"""


def front(tongue: Tongue, services: Services) -> Endpoint:
    """Return the page; on a host of its own, the dialect is at the root."""
    mount = f"/{DIALECTS[tongue.name].mount}"
    mounted, own = _page(tongue, mount), _page(tongue, "")

    async def shown(request: Request) -> Response:
        hosted = request.url.hostname == services.dialect_hosts.get(tongue.name)
        return await (own if hosted else mounted)(request)

    return shown


def _page(tongue: Tongue, below: str) -> Endpoint:
    dialect = DIALECTS[tongue.name]
    given = {"title": dialect.title, "name": dialect.name, "base": tongue.base}
    return html(f"{dialect.title} – Dogwatch", _TEXT.format(**given, below=below), "/")
