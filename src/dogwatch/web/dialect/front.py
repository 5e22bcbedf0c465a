"""The page at the base of a dialect: what it is, and where its documents are."""

from dogwatch.core.dialects import DIALECTS
from dogwatch.web.dialect.tongue import Tongue
from dogwatch.web.page import Endpoint, html

_TEXT = """
<h1>{title}</h1>
<p>Here Dogwatch speaks the API of {title}: a client that is written for it works once this address
is its base URL, followed by <code>{base}</code>.</p>
<p>Make a key on the host: <code>dogwatch key new --name NAME --dialect {name}</code></p>
<ul>
<li><a href="{mount}{base}/openapi.json">The OpenAPI document</a></li>
</ul>
"""


def front(tongue: Tongue) -> Endpoint:
    """Return the page."""
    dialect = DIALECTS[tongue.name]
    given = {"title": dialect.title, "name": dialect.name, "base": tongue.base}
    text = _TEXT.format(**given, mount=f"/{dialect.mount}")
    return html(f"{dialect.title} – Dogwatch", text, "/")
