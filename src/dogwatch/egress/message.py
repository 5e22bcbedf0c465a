"""What goes out, what comes back, and what went wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["blocked", "dns", "connect", "tls", "timeout", "too_large", "protocol", "bad_url"]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `timeout_s` bounds everything, name lookup and redirects included.

    With `max_redirects` 0 a redirect is returned as it came.
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


@dataclass(frozen=True, slots=True)
class Response:
    """The final answer; `body` is decoded and cut at the request's cap (`truncated`).

    `phases_ms` holds durations: dns, connect, tls and first_byte of the last hop, and the total
    over all hops.
    """

    status_code: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool
    phases_ms: Mapping[str, float]
    url_final: str
    remote_ip: str


class EgressError(Exception):
    """No answer, and why (`kind`); the message holds no URL, no header and no credentials."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind
