"""The certificate that a TLS server shows: trusted or not, and until when."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from socket import socket

from cryptography import x509

from dogwatch.clock import Clock
from dogwatch.egress.message import EgressError, Phases

CHUNK_BYTES = 65_536

Connect = Callable[[], Awaitable[socket]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate; `fault`: why it is not trusted, if so."""

    expires_at: datetime
    subject: str
    issuer: str
    fault: str


async def look(connect: Connect, server_name: str, clock: Clock, phases_ms: Phases) -> Shown:
    """Shake hands, a second time without judging where the certificate is not trusted.

    The time that the handshake took is added to `phases_ms`.
    """
    fault, shake = "", _Shake(connect, server_name, clock, phases_ms)
    try:
        return _read(await shake.hands(verify=True), fault)
    except ssl.SSLCertVerificationError as error:
        fault = str(error.verify_message)[:200]
    except (ssl.SSLError, OSError) as error:
        raise _failed(error) from None
    try:
        return _read(await shake.hands(verify=False), fault)
    except (ssl.SSLError, OSError) as error:
        raise _failed(error) from None


def _failed(error: OSError) -> EgressError:
    words = getattr(error, "reason", None) or error.strerror or "the server hung up"
    return EgressError("tls", f"TLS: {str(words).replace('_', ' ').lower()[:200]}")


@dataclass(frozen=True, slots=True)
class _Shake:
    connect: Connect
    server_name: str
    clock: Clock
    phases_ms: Phases

    async def hands(self, *, verify: bool) -> bytes:
        """Return the certificate in DER."""
        with closing(await self.connect()) as connection:
            connected = self.clock.monotonic()
            der = await _handshake(connection, self.server_name, _context(verify=verify))
        self.phases_ms["tls"] = (self.clock.monotonic() - connected) * 1000
        return der


async def _handshake(connection: socket, server_name: str, context: ssl.SSLContext) -> bytes:
    """Return the certificate in DER; no transport is made, so that a deadline closes at once."""
    loop, heard, said = asyncio.get_running_loop(), ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = context.wrap_bio(heard, said, server_hostname=server_name)
    while True:
        try:
            talk.do_handshake()
        except ssl.SSLWantReadError:
            await loop.sock_sendall(connection, said.read())
            came = await loop.sock_recv(connection, CHUNK_BYTES)
            heard.write(came) if came else heard.write_eof()
        else:
            return talk.getpeercert(binary_form=True) or b""


def _read(der: bytes, fault: str) -> Shown:
    try:
        found = x509.load_der_x509_certificate(der)
        names = found.subject.rfc4514_string(), found.issuer.rfc4514_string()
    except ValueError:
        raise EgressError("tls", "TLS: the certificate cannot be read") from None
    return Shown(found.not_valid_after_utc, names[0], names[1], fault)


@cache
def _context(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
