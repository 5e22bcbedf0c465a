"""Who really sent a request: the peer, or what a trusted proxy says of the one behind it."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, NamedTuple

Network = IPv4Network | IPv6Network
_Address = IPv4Address | IPv6Address


class Origin(NamedTuple):
    """Address in its shortest form ("" where unknown) and scheme, `http` or `https`."""

    ip: str
    scheme: str


def origin_of(scope: Mapping[str, Any], trusted: Sequence[Network]) -> Origin:
    """Return the origin of an ASGI request.

    From a peer inside `trusted`, X-Forwarded-For is read from the right up to the first address
    that is not a trusted proxy; what stands left of that, or of garbage, anyone could have sent.
    """
    peer = _address((scope.get("client") or ("",))[0])
    scheme = str(scope.get("scheme", "http"))
    if peer is None or not _is_within(peer, trusted):
        return Origin(str(peer or ""), scheme)
    forwarded = reversed(_entries(scope, b"x-forwarded-for"))
    said = [entry for entry in _entries(scope, b"x-forwarded-proto")[-1:] if entry in _SCHEMES]
    return Origin(str(_last_untrusted(peer, forwarded, trusted)), said[0] if said else scheme)


def vouched(scope: Mapping[str, Any], trusted: Sequence[Network], header: str | None) -> str | None:
    """Return the address of the person whom a trusted proxy has signed in, by a header of its own.

    From anybody else, or sent twice, the header says nothing.
    """
    peer = _address((scope.get("client") or ("",))[0])
    if header is None or peer is None or not _is_within(peer, trusted):
        return None
    name = header.lower().encode()
    lines = [value.decode("latin-1") for given, value in scope["headers"] if given == name]
    return lines[0].strip().lower() or None if len(lines) == 1 else None


_SCHEMES = ("http", "https")


def _last_untrusted(
    peer: _Address, forwarded: Iterable[str], trusted: Sequence[Network]
) -> _Address:
    for entry in forwarded:
        address = _address(entry)
        if address is None:
            return peer
        peer = address
        if not _is_within(peer, trusted):
            return peer
    return peer


def _entries(scope: Mapping[str, Any], name: bytes) -> list[str]:
    """Return the entries of a list header, over all its lines, empty ones left out."""
    lines = [value.decode("latin-1") for header, value in scope["headers"] if header == name]
    entries = (entry.strip().lower() for entry in ",".join(lines).split(","))
    return [entry for entry in entries if entry]


def _is_within(address: _Address, networks: Sequence[Network]) -> bool:
    return bool(networks) and any(address in network for network in networks)


@lru_cache(maxsize=4096)
def _address(text: str) -> _Address | None:
    """Read an address, bare or with a port; IPv4 inside IPv6 comes out as IPv4, zones go."""
    host = text
    if text.startswith("["):
        host = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        host = text.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
