"""Where a redirect leads and what goes along (RFC 9110, section 15.4); pure."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit

from dogwatch.core.http_action import check_url
from dogwatch.egress.message import EgressError, Request

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}


def location(status_code: int, headers: Sequence[tuple[str, str]]) -> str | None:
    """Return the target of a redirect, or None where the answer is none."""
    if status_code not in REDIRECTS:
        return None
    return next((value for name, value in headers if name.lower() == "location"), None)


def follow(request: Request, status_code: int, target: str) -> Request:
    """Return the request of the next hop.

    303, and 301 or 302 after a POST, turn into a GET without a body. To another origin no user
    header goes along, but for the type of a body that does, and no client certificate.
    Raises `EgressError` bad_url for a target that is no plain http(s) URL.
    """
    url = _join(request.url, target)
    after_post = status_code in {301, 302} and request.method == "POST"
    if after_post or (status_code == 303 and request.method != "HEAD"):
        request = replace(request, method="GET", body=b"", headers=_without_content(request))
    if origin(url) != origin(request.url):
        request = replace(
            request, headers=_content_type(request), client_certificate="", client_key=""
        )
    return replace(request, url=url)


@lru_cache(maxsize=1024)
def origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port, the default port filled in (RFC 6454, section 4)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _join(base: str, target: str) -> str:
    try:
        url = urljoin(base, quote(target.strip(), safe="%/:=&?~#+!$,;'@()*[]\\"))
    except ValueError:
        raise EgressError("bad_url", "the redirect leads to no URL") from None
    wrong = check_url(url)
    if wrong:
        raise EgressError("bad_url", f"the URL of the redirect {wrong}")
    return url


def _without_content(request: Request) -> list[tuple[str, str]]:
    return [(n, v) for n, v in request.headers if not n.lower().startswith("content-")]


def _content_type(request: Request) -> list[tuple[str, str]]:
    return [(n, v) for n, v in request.headers if request.body and n.lower() == "content-type"]
