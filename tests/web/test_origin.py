"""The origin of a request is only what a trusted proxy says."""

from ipaddress import ip_network
from typing import Any

import pytest

from dogwatch.web.origin import Origin, origin_of

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def scope(peer: str | None, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    client = None if peer is None else (peer, 4000)
    return {"client": client, "scheme": "http", "headers": list(headers)}


def forwarded(value: str) -> tuple[bytes, bytes]:
    return b"x-forwarded-for", value.encode("latin-1")


@pytest.mark.parametrize(
    ("peer", "said", "ip"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "1.2.3.4", "198.51.100.7"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "6.6.6.6, unknown", "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, <b>, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", " , ,", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4:5678", "1.2.3.4"),
        ("10.0.0.1", "[2001:DB8:0::1]:5678", "2001:db8::1"),
        ("10.0.0.1", "::ffff:1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "\xff\xfe", "10.0.0.1"),
        ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("fd00::1", "2001:0db8::0:2", "2001:db8::2"),
        ("fe80::1%eth0", "1.2.3.4", "fe80::1"),
        ("testclient", "1.2.3.4", ""),
        (None, "1.2.3.4", ""),
    ],
)
def test_address(peer: str | None, said: str, ip: str) -> None:
    assert origin_of(scope(peer, forwarded(said)), TRUSTED).ip == ip


def test_several_lines_are_one_list() -> None:
    request = scope("10.0.0.1", forwarded("6.6.6.6"), forwarded("1.2.3.4"), forwarded("10.9.9.9"))
    assert origin_of(request, TRUSTED).ip == "1.2.3.4"


@pytest.mark.parametrize(
    ("peer", "proto", "scheme"),
    [
        ("10.0.0.1", b"https", "https"),
        ("10.0.0.1", b"HTTPS", "https"),
        ("10.0.0.1", b"http, https", "https"),
        ("10.0.0.1", b"gopher", "http"),
        ("198.51.100.7", b"https", "http"),
    ],
)
def test_scheme(peer: str, proto: bytes, scheme: str) -> None:
    request = scope(peer, (b"x-forwarded-proto", proto))
    assert origin_of(request, TRUSTED) == Origin(peer, scheme)
