"""The provider that people may sign in by, as the configuration says."""

import contextlib
from collections.abc import AsyncIterator

from dogwatch.clock import Clock
from dogwatch.config import EVERYWHERE, Config
from dogwatch.core.problems import Problem
from dogwatch.egress import Egress
from dogwatch.oidc import Client, Provider


def client(config: Config) -> Client | None:
    """Return what the provider knows us as; None without one, Problem where the half is missing."""
    if config.oidc_issuer is None:
        return None
    if config.oidc_client_id is None:
        raise _half("DOGWATCH_OIDC_CLIENT_ID", "is missing; take it from the provider")
    return Client(
        issuer=config.oidc_issuer,
        client_id=config.oidc_client_id,
        redirect_uri=f"{config.base_url.rstrip('/')}/login/oidc/callback",
        secret=_secret(config),
        algorithms=config.oidc_algorithms,
    )


def _secret(config: Config) -> str | None:
    path = config.oidc_client_secret_file
    if path is None:
        return config.oidc_client_secret
    if config.oidc_client_secret is not None:
        raise _half("DOGWATCH_OIDC_CLIENT_SECRET_FILE", "give the secret or its file, not both")
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise _half("DOGWATCH_OIDC_CLIENT_SECRET_FILE", f"{path}: {reason}") from None
    if not text:
        raise _half("DOGWATCH_OIDC_CLIENT_SECRET_FILE", f"{path} is empty")
    return text


def _half(name: str, why: str) -> Problem:
    return Problem("invalid", f"{name}: {why}", {name: why})


@contextlib.asynccontextmanager
async def opened(config: Config, clock: Clock) -> AsyncIterator[Provider | None]:
    """Yield the provider, if there is one, asked through a door of its own."""
    known = client(config)
    if known is None:
        yield None
        return
    egress = Egress(allow=EVERYWHERE)  # the admin of the instance named the host
    try:
        yield Provider(known, egress.fetch, clock)
    finally:
        await egress.close()
