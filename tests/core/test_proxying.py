"""What a script asks of its proxy, and what it may not ask."""

import pytest

from dogwatch.core.problems import Problem
from dogwatch.core.proxying import target


def read(text: str) -> tuple[str, int, str]:
    found = target(text.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n")
    assert found.tunnel is (found.opening == b"")
    return found.host, found.port, found.opening.decode("latin-1").replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("asked", "host", "port"),
    [
        ("CONNECT example.org:443 HTTP/1.1\nHost: x", "example.org", 443),
        ("CONNECT [2001:db8::1]:22 HTTP/1.0", "2001:db8::1", 22),
        ("CONNECT 192.0.2.1:1 HTTP/1.1", "192.0.2.1", 1),
    ],
)
def test_a_tunnel_is_asked_for(asked: str, host: str, port: int) -> None:
    assert read(asked) == (host, port, "")


def test_a_plain_request_goes_on_without_what_was_meant_for_the_proxy() -> None:
    asked = (
        "POST http://example.org:8080/a//b?c=d HTTP/1.1\nHost: other\nX-One: 1\nX-One: 2\n"
        "Proxy-Authorization: secret\nproxy-connection: keep-alive\nConnection: keep-alive\n"
        "Content-Length: 3"
    )
    said = (
        "POST /a//b?c=d HTTP/1.1\nHost: example.org:8080\nX-One: 1\nX-One: 2\nContent-Length: 3\n"
        "Connection: close\n\n"
    )
    assert read(asked) == ("example.org", 8080, said)


@pytest.mark.parametrize(
    ("url", "line", "port"),
    [
        ("http://example.org", "GET / HTTP/1.1", 80),
        ("HTTP://example.org/", "GET / HTTP/1.1", 80),
        ("http://example.org?q", "GET /?q HTTP/1.1", 80),
        ("http://[::1]:81/x", "GET /x HTTP/1.1", 81),
    ],
)
def test_the_url_is_taken_apart(url: str, line: str, port: int) -> None:
    _, found, opening = read(f"GET {url} HTTP/1.1")
    assert (found, opening.partition("\n")[0]) == (port, line)


@pytest.mark.parametrize(
    "asked",
    [
        "", "GET", "GET / HTTP/1.1", "GET ftp://example.org/ HTTP/1.1", "GET http:// HTTP/1.1",
        "GET https://example.org/ HTTP/1.1", "GET http://a b/ HTTP/1.1", "CONNECT a HTTP/1.1",
        "CONNECT a:b HTTP/1.1", "CONNECT a:99999 HTTP/1.1", "CONNECT :1 HTTP/1.1",
        "CONNECT u@a:1 HTTP/1.1", "CONNECT a:1/x HTTP/1.1", "GET http://u:p@a/ HTTP/1.1",
        "GET http://a/ HTTP/2", "G\tET http://a/ HTTP/1.1", "GET http://a/ HTTP/1.1\nno colon",
        "GET http://a/ HTTP/1.1\nX: a\n folded: yes", "GET http://a/ HTTP/1.1\nX : 1",
        "GET http://a/ HTTP/1.1\nX: a\0b",
    ],
)  # fmt: skip
def test_all_else_is_refused(asked: str) -> None:
    with pytest.raises(Problem) as refused:
        read(asked)
    assert refused.value.kind == "invalid"
