"""The cookies of sessions: for this host alone, out of the reach of scripts and other sites."""

from hmac import compare_digest

from fastapi import Request, Response

from dogwatch.ids import new_token
from dogwatch.usecases.people import LIFE
from dogwatch.web.services import Services

_MOST = 200


def token_of(request: Request, services: Services) -> str:
    """Return the token that a browser sent, "" where it sent none."""
    return request.cookies.get(_name(services), "")[:_MOST]


def keep(answer: Response, services: Services, token: str) -> None:
    """Have the browser keep a session's token."""
    _keep(answer, services, "", token, int(LIFE.total_seconds()))


def drop(answer: Response, services: Services) -> None:
    """Have the browser forget it."""
    _drop(answer, services, "")


# --- a browser that somebody has signed in from ---

_NAME_BITS = 100


def known_of(request: Request, services: Services, user_id: str) -> str:
    """Return the name that a browser was given as this person signed in from it, or ""."""
    kept = request.cookies.get(_name(services, "-known"), "")[:_MOST]
    name = kept.partition(".")[0]
    return name if compare_digest(kept.encode(), _known(services, name, user_id).encode()) else ""


def keep_known(answer: Response, services: Services, user_id: str, name: str) -> None:
    """Have the browser keep that this person has signed in from it, by its name or, if that is "",
    a new one; that opens nothing."""
    kept = _known(services, name or new_token(_NAME_BITS), user_id)
    _keep(answer, services, "-known", kept, int(LIFE.total_seconds()))


def _known(services: Services, name: str, user_id: str) -> str:
    return f"{name}.{services.vault.keyed_hash(f'{name} {user_id}', 'known-browser').hex()}"


# --- a sign-in under way ---

_FLOW_S = 600


def flow_of(request: Request, services: Services) -> str:
    """Return what a browser kept of the sign-in that it began, "" where there is none."""
    return request.cookies.get(_name(services, "-oidc"), "")


def keep_flow(answer: Response, services: Services, kept: str) -> None:
    """Have the browser keep a sign-in, until the provider leads it back here."""
    _keep(answer, services, "-oidc", kept, _FLOW_S)


def drop_flow(answer: Response, services: Services) -> None:
    """Have the browser forget it."""
    _drop(answer, services, "-oidc")


# --- each of them ---


def _keep(answer: Response, services: Services, what: str, value: str, life_s: int) -> None:
    """Set a cookie; lax, as links and the provider lead here from elsewhere."""
    answer.set_cookie(
        _name(services, what), value, life_s, path="/", secure=_secure(services), httponly=True,
        samesite="lax",
    )  # fmt: skip


def _drop(answer: Response, services: Services, what: str) -> None:
    answer.delete_cookie(
        _name(services, what), path="/", secure=_secure(services), httponly=True, samesite="lax"
    )


def _name(services: Services, what: str = "") -> str:
    """Return its name; with __Host- no other host of the domain can set it (RFC 6265bis)."""
    return f"__Host-dogwatch{what}" if _secure(services) else f"dogwatch{what}"


def _secure(services: Services) -> bool:
    return services.base_url.startswith("https://")
