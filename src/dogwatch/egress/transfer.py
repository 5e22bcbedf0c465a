"""One hop after the other: a request on a libcurl easy handle, its answer gathered within the caps.

Sources: libcurl's CURLOPT_OPENSOCKETFUNCTION(3), CURLOPT_HEADERFUNCTION(3), curl_easy_getinfo(3).
"""

import socket
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pycurl

from dogwatch.egress.fault import explain, refused
from dogwatch.egress.message import EgressError, Phases, Request, Response
from dogwatch.egress.redirect import REDIRECTS, origin

# Says why an address is refused, or nothing.
Judge = Callable[[str], str | None]

_ABORT = -1
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_HTTP = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
_TIMES = (
    pycurl.NAMELOOKUP_TIME_T,
    pycurl.CONNECT_TIME_T,
    pycurl.APPCONNECT_TIME_T,
    pycurl.STARTTRANSFER_TIME_T,
)
_NOTHING = Request("GET", "")
_PLAIN = ("GET", False, _NOTHING.client_certificate, _NOTHING.client_key, False)


class Transfer:
    """An easy handle that does hop after hop, and judges every address it connects to."""

    __slots__ = (
        "_agent",
        "_body",
        "_cafile",
        "_given",
        "_head_lines",
        "_headed",
        "_header_bytes",
        "_judge",
        "_lines",
        "_opened",
        "_reason",
        "_request",
        "_shape",
        "_truncated",
        "curl",
    )  # fmt: skip

    def __init__(self, judge: Judge, user_agent: str, cafile: str | None) -> None:
        self.curl = pycurl.Curl()
        self._judge = judge
        self._agent = user_agent
        self._cafile = cafile
        self._furnish()
        self.forget()

    def _furnish(self) -> None:
        """Set what is the same for every hop."""
        curl = self.curl
        curl.setopt(pycurl.PROTOCOLS, _HTTP)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        # Each address is judged when its connection is made; a kept one would skip that.
        curl.setopt(pycurl.FRESH_CONNECT, 1)
        curl.setopt(pycurl.FORBID_REUSE, 1)
        curl.setopt(pycurl.ACCEPT_ENCODING, "")
        # A resumed session would hide that the certificate is no longer good.
        curl.setopt(pycurl.SSL_SESSIONID_CACHE, 0)
        if self._cafile:
            curl.setopt(pycurl.CAINFO, self._cafile)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._on_socket)
        curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        self._headed: tuple[Any, ...] = ()
        self._given: tuple[Any, ...] = ()
        self._shape = _PLAIN

    def forget(self) -> None:
        """Let go of the hop before."""
        self._request = _NOTHING
        self._lines: list[bytes] = []
        self._head_lines = 0
        self._header_bytes = 0
        self._body = bytearray()
        self._truncated = self._opened = False
        self._reason: str | None = None

    def prepare(self, request: Request, resolved: list[str], left_s: float) -> None:
        """Set what this hop asks for that the one before on this handle did not."""
        curl, self._request = self.curl, request
        self._take_shape(request)
        # libcurl's own deadline, as it then tells which phases were reached; 0 would mean none.
        curl.setopt(pycurl.TIMEOUT_MS, max(int(left_s * 1000), 1))
        curl.setopt(pycurl.URL, request.url)
        if (request.headers,) != self._headed:
            self._headed = (request.headers,)
            curl.setopt(pycurl.HTTPHEADER, _header_lines(request.headers))
        given = (request.user_agent, request.verify_tls, resolved)
        if given != self._given:
            self._given = given
            curl.setopt(pycurl.RESOLVE, resolved)
            curl.setopt(pycurl.USERAGENT, request.user_agent or self._agent)
            curl.setopt(pycurl.SSL_VERIFYPEER, int(request.verify_tls))
            curl.setopt(pycurl.SSL_VERIFYHOST, 2 if request.verify_tls else 0)

    def _take_shape(self, request: Request) -> None:
        """Set what only some requests ask for; of the same again, the body alone is another."""
        has_body = _has_body(request)
        shape = (
            request.method, has_body, request.client_certificate, request.client_key,
            request.wants_certificate,
        )  # fmt: skip
        if shape != self._shape:
            self.curl.reset()
            self._furnish()
            self._shape = shape
            _mark(self.curl, request)
        if has_body:
            self.curl.setopt(pycurl.POSTFIELDS, request.body)
            self.curl.setopt(pycurl.CUSTOMREQUEST, request.method)

    def fault(self, code: int, detail: str) -> EgressError | None:
        """Return the error that a CURLcode stands for, or None where only the body was cut."""
        if self._truncated and code == pycurl.E_WRITE_ERROR:
            return None
        if self._header_bytes > self._request.max_header_bytes:
            limit = self._request.max_header_bytes
            return EgressError("too_large", f"the answer has more than {limit} bytes of headers")
        if self._reason and not self._opened:
            return refused(self._reason)
        errno = int(self.curl.getinfo(pycurl.OS_ERRNO))
        return explain(code, detail, errno, self._request.timeout_s)

    def phases_ms(self) -> Phases:
        """Return how long each phase took, as far as it got.

        libcurl counts microseconds from the start of the hop, 0 for what was not reached.
        """
        looked_up, connected, secured, answered = [
            self.curl.getinfo(what) / 1000 for what in _TIMES
        ]
        phases: Phases = {}
        if connected:
            phases["connect"] = max(connected - looked_up, 0.0)
        if secured or self._header_bytes:
            phases["tls"] = max(secured - connected, 0.0)
        if self._header_bytes:
            phases["first_byte"] = max(answered - max(connected, secured), 0.0)
        return phases

    def response(self, phases_ms: Phases) -> Response:
        """Return the answer of a finished hop."""
        curl, request = self.curl, self._request
        status_code = curl.getinfo(pycurl.RESPONSE_CODE)
        wanted = request.wants_headers or status_code in REDIRECTS
        return Response(
            status_code,
            headers=_headers(self._lines[: self._head_lines or None]) if wanted else (),
            body=bytes(self._body),
            truncated=self._truncated,
            phases_ms=phases_ms,
            remote_ip=curl.getinfo(pycurl.PRIMARY_IP),
            expires_at=_expires_at(curl) if request.wants_certificate else None,
        )

    def _on_socket(self, _purpose: int, address: pycurl.CurlSockAddr) -> int:
        reason = self._judge(address.addr[0])
        if reason:
            self._reason = reason
            return int(pycurl.SOCKET_BAD)
        try:
            kind = address.socktype | socket.SOCK_NONBLOCK  # or libcurl would ask and set it
            opened = socket.SocketType(address.family, kind, address.protocol)
        except OSError:
            return int(pycurl.SOCKET_BAD)
        self._opened = True
        return opened.detach()  # pycurl would go on with a copy of a socket object

    def _on_header(self, line: bytes) -> int | None:
        self._header_bytes += len(line)
        if self._header_bytes > self._request.max_header_bytes:
            return _ABORT
        self._lines.append(line)
        return None

    def _on_body(self, chunk: bytes) -> int | None:
        if not self._body:
            self._head_lines = len(self._lines)  # what follows are trailers
        room = self._request.max_body_bytes - len(self._body)
        self._body += chunk[:room]
        if len(chunk) <= room:
            return None
        self._truncated = True
        return _ABORT


def resolve_entries(url: str, addresses: Sequence[str]) -> list[str]:
    """Return the CURLOPT_RESOLVE(3) list that hands our own lookup to libcurl, soon forgotten."""
    _, host, port = origin(url)
    is_literal = host is None or ":" in host or host in addresses
    return [] if is_literal else [f"+{host}:{port}:{','.join(addresses)}"]


def _headers(lines: Sequence[bytes]) -> tuple[tuple[str, str], ...]:
    """Return the headers of the last answer; those before it were interim ones (1xx)."""
    found: list[tuple[str, str]] = []
    for line in lines:
        if line.startswith(b"HTTP/"):
            found.clear()
        elif b":" in line:
            name, _, value = _text(line).partition(":")
            found.append((name.strip(), value.strip()))
    return tuple(found)


def _header_lines(headers: Sequence[tuple[str, str]]) -> list[bytes]:
    """Return the lines for CURLOPT_HTTPHEADER(3): "Name;" is an empty header, "Name:" is none."""
    lines = [f"{name}: {value}" if value.strip() else f"{name};" for name, value in headers]
    lines.append("Expect:")
    if all(name.lower() != "content-type" for name, _ in headers):
        lines.append("Content-Type:")
    return [line.encode() for line in lines]


def _has_body(request: Request) -> bool:
    return request.method != "HEAD" and (bool(request.body) or request.method in _WITH_BODY)


def _mark(curl: pycurl.Curl, request: Request) -> None:
    if request.client_certificate:
        curl.setopt(pycurl.SSLCERT_BLOB, request.client_certificate)
        curl.setopt(pycurl.SSLKEY_BLOB, request.client_key)
    if request.wants_certificate:
        curl.setopt(pycurl.OPT_CERTINFO, 1)
    if request.method == "HEAD":
        curl.setopt(pycurl.NOBODY, 1)
    elif request.method != "GET":
        curl.setopt(pycurl.CUSTOMREQUEST, request.method)


def _expires_at(curl: pycurl.Curl) -> datetime | None:
    """Return when the server's own certificate ends; the first of the chain is its own."""
    chain = curl.getinfo(pycurl.INFO_CERTINFO)
    dates = [value for name, value in chain[0] if name == "Expire date"] if chain else []
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(dates[0]), UTC) if dates else None


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
