"""The cookie of a session: for this host alone, out of the reach of scripts and other sites."""

from fastapi import Request, Response

from dogwatch.usecases.people import LIFE
from dogwatch.web.services import Services

_MOST = 200


def token_of(request: Request, services: Services) -> str:
    """Return the token that a browser sent, "" where it sent none."""
    return request.cookies.get(_name(services), "")[:_MOST]


def keep(answer: Response, services: Services, token: str) -> None:
    """Have the browser keep a session's token."""
    life_s = int(LIFE.total_seconds())
    answer.set_cookie(
        _name(services), token, life_s, path="/", secure=_secure(services), httponly=True,
        samesite="lax",
    )  # fmt: skip


def drop(answer: Response, services: Services) -> None:
    """Have the browser forget it."""
    answer.delete_cookie(
        _name(services), path="/", secure=_secure(services), httponly=True, samesite="lax"
    )


# --- a sign-in under way ---

_FLOW_S = 600


def flow_of(request: Request, services: Services) -> str:
    """Return what a browser kept of the sign-in that it began, "" where there is none."""
    return request.cookies.get(_name(services, "-oidc"), "")


def keep_flow(answer: Response, services: Services, kept: str) -> None:
    """Have the browser keep a sign-in; lax, as the provider leads it back here from elsewhere."""
    answer.set_cookie(
        _name(services, "-oidc"), kept, _FLOW_S, path="/", secure=_secure(services),
        httponly=True, samesite="lax",
    )  # fmt: skip


def drop_flow(answer: Response, services: Services) -> None:
    """Have the browser forget it."""
    answer.delete_cookie(
        _name(services, "-oidc"), path="/", secure=_secure(services), httponly=True, samesite="lax"
    )


def _name(services: Services, what: str = "") -> str:
    """Return its name; with __Host- no other host of the domain can set it (RFC 6265bis)."""
    return f"__Host-dogwatch{what}" if _secure(services) else f"dogwatch{what}"


def _secure(services: Services) -> bool:
    return services.base_url.startswith("https://")
