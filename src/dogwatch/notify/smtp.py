"""One SMTP session with the instance's mail server, on a socket that egress connected."""

import contextlib
import functools
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, BinaryIO, Literal, cast
from urllib.parse import parse_qs, unquote, urlsplit

from dogwatch.core.problems import Problem

Tls = Literal["required", "optional", "off"]
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_REPLY_BYTES = 64 * 1024
_TLS: dict[str, Tls] = {"required": "required", "optional": "optional", "off": "off"}


def is_address(value: object) -> bool:
    """Tell whether it is a bare address within RFC 5321's lengths; no name, comment or quotes."""
    return (
        isinstance(value, str)
        and len(value) <= 254
        and len(value.rpartition("@")[0]) <= 64
        and _ADDRESS.fullmatch(value) is not None
    )


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server. `implicit_tls`: TLS from the first byte (RFC 8314), else by STARTTLS.

    `tls`: `required` verifies the certificate; `optional` takes any, and does without where none
    is offered (RFC 7435); `off` never asks.
    """

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    implicit_tls: bool = False
    tls: Tls = "required"

    @property
    def verified(self) -> bool:
        """Tell whether nothing is sent but to the holder of a good certificate."""
        return self.tls == "required"


def mail_server(url: str) -> MailServer:
    """Read smtp(s)://[user:password@]host[:port]?from=ADDRESS[&tls=required|optional|off].

    TLS is required unless said otherwise, and optional for a server on loopback.
    """
    if not url:
        raise Problem("refused", "no mail server is set (DOGWATCH_SMTP_URL)")
    try:
        return _read(url)
    except (ValueError, KeyError):
        raise Problem(
            "invalid",
            "The mail server's address isn't of the form "
            "smtp://user:password@host:587?from=watch@example.org",
        ) from None


def _read(url: str) -> MailServer:
    parts = urlsplit(url)
    implicit_tls = {"smtp": False, "smtps": True}[parts.scheme]
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    host = parts.hostname or ""
    if not host or not is_address(query["from"]):
        raise ValueError("no host or no sender")
    asked = query.get("tls", "optional" if host in _LOOPBACK else "required")
    return MailServer(
        host=host,
        port=parts.port or (465 if implicit_tls else 587),
        sender=query["from"],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        implicit_tls=implicit_tls,
        tls=_TLS[asked],
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's last word on a mail; `session`: about us, not about this mail."""

    code: int | None
    words: str
    session: bool = False
    refused: tuple[str, ...] = ()


class _Heard:
    """What a server says, line by line; one reply may have so many bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.left_bytes = 0

    def readline(self, most: int) -> bytes:
        """Return a line; OSError for a reply without end, which smtplib would gather for ever."""
        line = self._file.readline(most)
        self.left_bytes -= len(line)
        if self.left_bytes < 0:
            raise OSError("the server's reply has no end")
        return line

    def close(self) -> None:
        """Let go of the socket."""
        self._file.close()


class _Session(smtplib.SMTP):
    """smtplib on a socket that is connected already."""

    file: _Heard | None

    def __init__(self, connected: socket.socket, server: MailServer, timeout_s: float) -> None:
        self._connected = connected
        # The name we greet with: smtplib would look ours up in the DNS.
        greeting_name = server.sender.rpartition("@")[2]
        super().__init__(server.host, server.port, greeting_name, timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del host, port
        self._connected.settimeout(timeout)
        return self._connected

    def getreply(self) -> tuple[int, bytes]:
        """Return the code and the words of the next reply."""
        if self.file is None and self.sock is not None:
            self.file = _Heard(cast("BinaryIO", self.sock.makefile("rb")))
        assert self.file is not None
        self.file.left_bytes = _REPLY_BYTES
        return super().getreply()

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send the mail; only what the server says after its end counts (RFC 5321, 4.3.2)."""
        try:
            code, words = super().data(msg)
        except smtplib.SMTPDataError as error:
            if error.smtp_code // 100 in (4, 5):
                raise
            told = f"the server answered DATA with {error.smtp_code} instead of 354"
            raise smtplib.SMTPException(told) from None
        return (250 if code // 100 == 2 else code), words


def submit(
    connected: socket.socket,
    server: MailServer,
    mail: EmailMessage,
    to: tuple[str, ...],
    context: ssl.SSLContext | None,
    timeout_s: float,
) -> Reply:
    """Hand a mail over and return the server's answer; blocks, closes the socket, never raises.

    `context` verifies the server's certificate where that is required; None: by the system's CAs.
    """
    try:
        context = (context or _verifying()) if server.verified else _taking_any()
        if server.implicit_tls:
            connected.settimeout(timeout_s)
            connected = context.wrap_socket(connected, server_hostname=server.host)
        session = _Session(connected, server, timeout_s)
        try:
            return _open(session, server, context) or _hand_over(session, server, mail, to)
        finally:
            _leave(session)
    except smtplib.SMTPResponseException as error:
        return Reply(_code(error.smtp_code), _words(error.smtp_error), session=True)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        return Reply(None, str(error) or type(error).__name__, session=True)
    finally:
        connected.close()


def _open(session: smtplib.SMTP, server: MailServer, context: ssl.SSLContext) -> Reply | None:
    """Greet, encrypt, log in; return why not, None when all is well."""
    session.ehlo_or_helo_if_needed()
    if not server.implicit_tls and server.tls != "off":
        if session.has_extn("starttls"):
            session.starttls(context=context)
            session.ehlo_or_helo_if_needed()
        elif server.verified:
            return Reply(None, "the server offers no STARTTLS", session=True)
    if server.user:
        session.login(server.user, server.password)
    return None


def _hand_over(
    session: smtplib.SMTP, server: MailServer, mail: EmailMessage, to: tuple[str, ...]
) -> Reply:
    try:
        refused = session.send_message(mail, server.sender, to)
    except smtplib.SMTPRecipientsRefused as error:
        # As long as one of them may be taken later, trying again makes sense.
        code, words = min(error.recipients.values())
        return Reply(_code(code), _words(words), refused=tuple(error.recipients))
    except smtplib.SMTPDataError as error:
        return Reply(_code(error.smtp_code), _words(error.smtp_error))
    return Reply(250, "accepted", refused=tuple(refused))


def _leave(session: smtplib.SMTP) -> None:
    """Say goodbye and go: waiting for the answer could turn a mail that is sent into a timeout."""
    with contextlib.suppress(OSError, ValueError, smtplib.SMTPException):
        session.putcmd("quit")
    session.close()


def _code(code: int) -> int | None:
    return code if code > 0 else None  # smtplib's -1: the answer was no SMTP


def _words(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


# Loading the CAs takes some 20 ms, so once must do.
@functools.cache
def _verifying() -> ssl.SSLContext:
    return ssl.create_default_context()


@functools.cache
def _taking_any() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
