"""Real receivers on loopback: a webhook endpoint that verifies signatures, and a mail server."""

import email
import email.policy
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.harness.ports import free_port


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook that came: its id, what it said, when, and whether its signature was good."""

    id: str
    body: Any
    at: datetime
    verified: bool


@dataclass(slots=True)
class Webhooks:
    """An endpoint: answers `status`; while `hold` is clear, it lets its callers wait."""

    port: int
    secret: str = ""
    status: int = 200
    hold: threading.Event = field(default_factory=threading.Event)
    came: list[Hook] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def events(self, slug: str) -> list[str]:
        """Return what was told about one watch, in order of arrival, each delivery once."""
        told = {hook.id: hook.body for hook in self.came if hook.verified}
        return [body["type"] for body in told.values() if body["data"]["watch"]["slug"] == slug]

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Write down one delivery and return the status to answer with."""
        try:
            told, verified = Webhook(self.secret).verify(body, headers), True
        except WebhookVerificationError:
            told, verified = None, False
        self.came.append(Hook(headers["webhook-id"], told, datetime.now(UTC), verified))
        self.hold.wait(60)
        return self.status if verified else 401


@contextmanager
def webhook_receiver() -> Iterator[Webhooks]:
    """Yield a running endpoint."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(hooks.take(headers, body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name)
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hooks = Webhooks(server.server_address[1])
    hooks.hold.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hooks
    finally:
        hooks.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(slots=True)
class Mails:
    """A mail server's box: the mails that came, and whether each came encrypted."""

    port: int
    came: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    def url(self, tls: str = "optional") -> str:
        return f"smtp://127.0.0.1:{self.port}?from=watch@example.org&tls={tls}"

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.came]

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd names it so)
        """Take one mail."""
        del session
        content = envelope.content
        assert isinstance(content, bytes)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.came.append(
            email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
        )
        return "250 OK"


@contextmanager
def mail_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Mails]:
    """Yield a running mail server, which offers STARTTLS where it has a certificate."""
    mails = Mails(free_port())
    controller = Controller(
        mails, hostname="127.0.0.1", port=mails.port, tls_context=tls, ready_timeout=60
    )
    controller.start()
    yield mails
    controller.stop()
