"""One hop: a request on a libcurl easy handle, its answer gathered within the caps.

Sources: libcurl's CURLOPT_OPENSOCKETFUNCTION(3), CURLOPT_HEADERFUNCTION(3), curl_easy_getinfo(3).
"""

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pycurl

from dogwatch.core.addresses import Network, blocked
from dogwatch.egress.fault import explain, refused
from dogwatch.egress.message import EgressError, Request, Response
from dogwatch.egress.redirect import origin

_ABORT = -1
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_HTTP = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS


@dataclass(slots=True)
class Transfer:
    """Holds what libcurl's callbacks hear of one hop and judges every address it connects to."""

    request: Request
    allow: Sequence[Network]
    headers: list[tuple[str, str]] = field(default_factory=list)
    header_bytes: int = 0
    body: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    opened: bool = False
    reason: str | None = None

    def prepare(self, curl: pycurl.Curl, user_agent: str, cafile: str | None) -> None:
        """Set every option of a handle that was reset."""
        request = self.request
        curl.setopt(pycurl.URL, request.url)
        curl.setopt(pycurl.PROTOCOLS, _HTTP)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        # Each address is judged when its connection is made; a kept one would skip that.
        curl.setopt(pycurl.FRESH_CONNECT, 1)
        curl.setopt(pycurl.FORBID_REUSE, 1)
        curl.setopt(pycurl.USERAGENT, request.user_agent or user_agent)
        curl.setopt(pycurl.ACCEPT_ENCODING, "")
        curl.setopt(pycurl.HTTPHEADER, _header_lines(request.headers))
        curl.setopt(pycurl.SSL_VERIFYPEER, int(request.verify_tls))
        curl.setopt(pycurl.SSL_VERIFYHOST, 2 if request.verify_tls else 0)
        # A resumed session would hide that the certificate is no longer good.
        curl.setopt(pycurl.SSL_SESSIONID_CACHE, 0)
        if cafile:
            curl.setopt(pycurl.CAINFO, cafile)
        if request.client_certificate:
            curl.setopt(pycurl.SSLCERT_BLOB, request.client_certificate)
            curl.setopt(pycurl.SSLKEY_BLOB, request.client_key)
        if request.wants_certificate:
            curl.setopt(pycurl.OPT_CERTINFO, 1)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._on_socket)
        curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        _set_method(curl, request)

    def fault(self, curl: pycurl.Curl, code: int, detail: str) -> EgressError | None:
        """Return the error that a CURLcode stands for, or None where only the body was cut."""
        if self.truncated and code == pycurl.E_WRITE_ERROR:
            return None
        if self.header_bytes > self.request.max_header_bytes:
            limit = self.request.max_header_bytes
            return EgressError("too_large", f"the answer has more than {limit} bytes of headers")
        if self.reason and not self.opened:
            return refused(self.reason)
        errno = int(curl.getinfo(pycurl.OS_ERRNO))
        return explain(code, detail, errno, self.request.timeout_s)

    def response(self, curl: pycurl.Curl, dns_ms: float, total_ms: float) -> Response:
        """Return the answer of a finished hop."""
        return Response(
            status_code=curl.getinfo(pycurl.RESPONSE_CODE),
            headers=tuple(self.headers),
            body=bytes(self.body),
            truncated=self.truncated,
            phases_ms={"dns": dns_ms, **_phases_ms(curl), "total": total_ms},
            url_final=self.request.url,
            remote_ip=curl.getinfo(pycurl.PRIMARY_IP),
            expires_at=_expires_at(curl) if self.request.wants_certificate else None,
        )

    def _on_socket(self, _purpose: int, address: pycurl.CurlSockAddr) -> socket.socket | int:
        reason = blocked(address.addr[0], self.allow)
        if reason:
            self.reason = reason
            return int(pycurl.SOCKET_BAD)
        try:
            opened = _Handover(address.family, address.socktype, address.protocol)
        except OSError:
            return int(pycurl.SOCKET_BAD)
        self.opened = True
        return opened

    def _on_header(self, line: bytes) -> int | None:
        self.header_bytes += len(line)
        if self.header_bytes > self.request.max_header_bytes:
            return _ABORT
        if line.startswith(b"HTTP/"):
            self.headers.clear()  # what came before belongs to an interim answer (1xx)
        elif b":" in line and not self.body:
            name, _, value = _text(line).partition(":")
            self.headers.append((name.strip(), value.strip()))
        return None

    def _on_body(self, chunk: bytes) -> int | None:
        room = self.request.max_body_bytes - len(self.body)
        self.body += chunk[:room]
        if len(chunk) <= room:
            return None
        self.truncated = True
        return _ABORT


class _Handover(socket.socket):
    """A socket that pycurl duplicates: ours is closed, not leaked, when pycurl drops it."""

    __slots__ = ()

    def __del__(self) -> None:
        self.close()


def resolve_entries(url: str, addresses: Sequence[str]) -> list[str]:
    """Return the CURLOPT_RESOLVE(3) list that hands our own lookup to libcurl, soon forgotten."""
    _, host, port = origin(url)
    is_literal = host is None or ":" in host or host in addresses
    return [] if is_literal else [f"+{host}:{port}:{','.join(addresses)}"]


def _header_lines(headers: Sequence[tuple[str, str]]) -> list[bytes]:
    """Return the lines for CURLOPT_HTTPHEADER(3): "Name;" is an empty header, "Name:" is none."""
    lines = [f"{name}: {value}" if value.strip() else f"{name};" for name, value in headers]
    lines.append("Expect:")
    if all(name.lower() != "content-type" for name, _ in headers):
        lines.append("Content-Type:")
    return [line.encode() for line in lines]


def _set_method(curl: pycurl.Curl, request: Request) -> None:
    if request.method == "HEAD":
        curl.setopt(pycurl.NOBODY, 1)
        return
    if request.body or request.method in _WITH_BODY:
        curl.setopt(pycurl.POSTFIELDS, request.body)
    curl.setopt(pycurl.CUSTOMREQUEST, request.method)


def _phases_ms(curl: pycurl.Curl) -> dict[str, float]:
    """Return durations; libcurl counts microseconds from the start of the hop."""
    looked_up, connected, secured, answered = (
        curl.getinfo(what) / 1000
        for what in (
            pycurl.NAMELOOKUP_TIME_T,
            pycurl.CONNECT_TIME_T,
            pycurl.APPCONNECT_TIME_T,
            pycurl.STARTTRANSFER_TIME_T,
        )
    )
    ready = max(connected, secured)
    return {
        "connect": max(connected - looked_up, 0.0),
        "tls": ready - connected,
        "first_byte": max(answered - ready, 0.0),
    }


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
