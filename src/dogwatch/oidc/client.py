"""What the provider knows us as, and what we take from it."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

SCOPES = "openid email profile"


@dataclass(frozen=True, slots=True)
class Client:
    """This instance at one provider.

    `secret` is None for a public client, which PKCE alone protects. `algorithms` are the only
    ones an ID token may be signed by.
    """

    issuer: str
    client_id: str
    redirect_uri: str
    secret: str | None = field(default=None, repr=False)
    algorithms: tuple[str, ...] = ("RS256", "ES256")

    @property
    def host(self) -> str:
        """The provider's name for people."""
        return urlsplit(self.issuer).netloc
