"""libcurl's error codes in our words."""

import os
from collections.abc import Mapping

import pycurl

from dogwatch.egress.message import NOWHERE, EgressError, Kind

_CONNECT = (pycurl.E_COULDNT_CONNECT, pycurl.E_SEND_ERROR, pycurl.E_RECV_ERROR)
_TLS = (
    pycurl.E_SSL_CONNECT_ERROR,
    pycurl.E_SSL_ENGINE_NOTFOUND,
    pycurl.E_SSL_ENGINE_SETFAILED,
    pycurl.E_SSL_CERTPROBLEM,
    pycurl.E_SSL_CIPHER,
    pycurl.E_PEER_FAILED_VERIFICATION,
    pycurl.E_SSL_CACERT_BADFILE,
    pycurl.E_SSL_SHUTDOWN_FAILED,
    pycurl.E_SSL_ISSUER_ERROR,
    pycurl.E_SSL_INVALIDCERTSTATUS,
)
_TOO_LARGE = 100  # CURLE_TOO_LARGE (libcurl-errors(3)), which pycurl does not name

_KINDS: Mapping[int, Kind] = {
    **dict.fromkeys(_CONNECT, "connect"),
    **dict.fromkeys(_TLS, "tls"),
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_URL_MALFORMAT: "bad_url",
    _TOO_LARGE: "too_large",
}

_PROTOCOL_WORDS = {
    pycurl.E_GOT_NOTHING: "the server closed the connection without an answer",
    pycurl.E_PARTIAL_FILE: "the server closed the connection in the middle of the answer",
    pycurl.E_BAD_CONTENT_ENCODING: "the answer is not encoded as it says",
}


def refused(reason: str) -> EgressError:
    """Return the error of an address that the policy blocks."""
    return EgressError(
        "blocked", f"blocked address: {reason}; --allow-private-targets can allow it"
    )


def timed_out(timeout_s: float) -> EgressError:
    """Return the error of a request whose whole time is up."""
    return EgressError("timeout", f"timed out after {timeout_s:g} s")


def explain(code: int, detail: str, errno: int, timeout_s: float) -> EgressError:
    """Return the error for a CURLcode; of libcurl's `detail` only TLS trouble is repeated."""
    kind = _KINDS.get(code, "protocol")
    if code == pycurl.E_RECV_ERROR and not errno:
        kind = "protocol"  # libcurl could read but not understand, such as a bad chunk length
    if kind == "timeout":
        return timed_out(timeout_s)
    if kind == "tls":
        return EgressError(kind, f"TLS: {_plain(detail)}")
    return EgressError(kind, _words(kind, code, errno))


def _words(kind: Kind, code: int, errno: int) -> str:
    if kind == "connect":
        start = NOWHERE if code == pycurl.E_COULDNT_CONNECT else "connection lost"
        return f"{start}: {os.strerror(errno)}" if errno else start
    if kind == "protocol":
        return _PROTOCOL_WORDS.get(code, "the answer is not valid HTTP")
    return {"dns": "could not resolve host", "bad_url": "is not a URL"}.get(
        kind, "the headers of the answer are too large"
    )


def _plain(detail: str) -> str:
    return "".join(c if c.isprintable() else " " for c in detail[:200]) or "handshake failed"
