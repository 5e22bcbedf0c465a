"""What goes out, what comes back, and what went wrong."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from dogwatch.core.data import data

Kind = Literal[
    "blocked", "dns", "connect", "tls", "timeout", "too_large", "protocol", "bad_url", "icmp"
]

NOWHERE = "could not connect"

# Durations in milliseconds, by phase: dns, connect, tls, first_byte; only those that were reached.
Phases = dict[str, float]


@data()
class Request:
    """One HTTP request; `timeout_s` bounds everything, name lookup and redirects included.

    With `max_redirects` 0 a redirect is returned as it came. `user_agent` "" means ours.
    `client_certificate` and `client_key` are PEM, for the first origin alone.
    `wants_certificate` asks for what the server shows, at some cost; to read the headers of an
    answer costs, too, and without `wants_headers` those of a redirect alone are read.
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    timeout_s: float = 30
    max_redirects: int = 0
    verify_tls: bool = True
    max_body_bytes: int = 1024 * 1024
    max_header_bytes: int = 64 * 1024
    user_agent: str = ""
    client_certificate: str = ""
    client_key: str = ""
    wants_certificate: bool = False
    wants_headers: bool = True


@data()
class Response:
    """The final answer; `body` is decoded and cut at the request's cap (`truncated`).

    `phases_ms` holds durations: dns, connect, tls and first_byte of the last hop, and the total
    over all hops. `expires_at`: until when the certificate is good, if it was wanted.
    """

    status_code: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool
    phases_ms: Mapping[str, float]
    remote_ip: str
    expires_at: datetime | None = None


class EgressError(Exception):
    """No answer, and why (`kind`); the message holds no URL, no header and no credentials."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind

    @property
    def hidden(self) -> bool:
        """Whether the message tells how the network looks that we stand in."""
        return self.kind == "blocked" or (self.kind == "connect" and str(self).startswith(NOWHERE))

    @property
    def public(self) -> str:
        """The message for everybody: blocked, refused and without a route look the same."""
        return NOWHERE if self.hidden else str(self)
