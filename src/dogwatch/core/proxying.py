"""What a script asks of the proxy of its run: RFC 9112, sections 3.2.2 and 3.2.3."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from dogwatch.core.problems import Problem

MAX_HEAD_BYTES = 32 * 1024
OWN = frozenset({"connection", "host", "keep-alive", "te", "upgrade"})
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PORTLESS = 80


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to connect to, and what to say there first: nothing where a tunnel is wanted."""

    host: str
    port: int
    opening: bytes = b""

    @property
    def tunnel(self) -> bool:
        """Whether the script speaks to the server itself."""
        return not self.opening


def target(head: bytes) -> Target:
    """Read the head of a request, its empty line included; a Problem that says what is wrong."""
    lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not _METHOD.fullmatch(words[0]):
        raise Problem("invalid", "this proxy speaks HTTP/1.1")
    if words[0] == "CONNECT":
        host, port = _authority(words[1])
        return Target(host, port)
    return _plain(words[0], words[1], lines[1:])


def _authority(text: str, portless: int | None = None) -> tuple[str, int]:
    """Split `host:port`; an IPv6 address stands in brackets."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port or portless
    except ValueError:
        host = port = None
    if not host or not port or parts.username is not None or parts.path:
        raise Problem("invalid", "the target must be host:port")
    return host, port


def _plain(method: str, url: str, headers: list[str]) -> Target:
    scheme, _, rest = url.partition("://")
    if scheme.lower() != "http" or not rest:
        raise Problem("invalid", "the target must be a whole http:// URL, or else use CONNECT")
    authority, slash, path = rest.partition("/")
    authority, question, query = authority.partition("?")
    host, port = _authority(authority, _PORTLESS)
    asked = f"{slash}{path}" if slash else f"/{question}{query}"
    kept = [f"{method} {asked} HTTP/1.1", f"Host: {authority}", *_kept(headers)]
    return Target(host, port, "\r\n".join([*kept, "Connection: close", "", ""]).encode("latin-1"))


def _kept(headers: list[str]) -> list[str]:
    """Return the headers that go on to the server: not those between a client and a proxy."""
    kept = []
    for line in headers:
        name = line.partition(":")[0]
        if ":" not in line or not _NAME.fullmatch(name) or not line.isprintable():
            raise Problem("invalid", "a header is malformed")
        if name.lower() not in OWN and not name.lower().startswith("proxy-"):
            kept.append(line)
    return kept
