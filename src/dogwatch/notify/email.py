"""E-mail through the instance's mail server (RFC 5321, 5322, 3834), plain text."""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import ClassVar

from dogwatch.clock import Clock, SystemClock
from dogwatch.core.alerts import Attempt, Verdict
from dogwatch.core.message import Message, subject, text
from dogwatch.core.problems import Problem, refuse
from dogwatch.egress import Egress, EgressError
from dogwatch.notify.channel import TIMEOUT_S, Settings, detail
from dogwatch.notify.fields import Field, refuse_unknown
from dogwatch.notify.smtp import MailServer, Reply, is_address, mail_server, submit

MOST_RECIPIENTS = 20
_NOT_ID = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """Settings: `to`, 1 to 20 addresses. The courier adds the instance's `smtp_url` to send.

    Sessions block, so they have threads of their own; a hanging mail server fills these alone.
    """

    kind: ClassVar[str] = "email"
    label: ClassVar[str] = "E-mail"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "to",
            "The addresses, 1 to 20.",
            lambda value: None if isinstance(value, list) else "give a list of addresses",
            ["ana@example.org"],
            many=True,
        ),
    )
    clock: Clock = field(default_factory=SystemClock)
    timeout_s: float = TIMEOUT_S
    tls_context: ssl.SSLContext | None = None
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(16, thread_name_prefix="mail")
    )

    def check(self, settings: Mapping[str, object]) -> Settings:
        """Return the settings, each address once, or raise a Problem of all bad fields."""
        wrong: dict[str, str] = {}
        refuse_unknown(settings, frozenset({"to"}), wrong)
        to = _addresses(settings.get("to"), wrong)
        refuse(wrong)
        return Settings(public={"to": to})

    async def send(
        self, egress: Egress, settings: Mapping[str, object], message: Message, at: datetime
    ) -> Attempt:
        """Mail the message once; if some recipients get it, it is sent, lest they get it twice."""
        started = self.clock.monotonic()
        try:
            server = mail_server(str(settings.get("smtp_url") or ""))
        except Problem as problem:
            return Attempt(Verdict.RETRY, None, detail(problem.message), 0)
        to = tuple(map(str, _listed(settings.get("to"))))
        reply = await self._submit(egress, server, compose(message, server.sender, to, at), to)
        words = reply.words.replace(server.password, "***") if server.password else reply.words
        duration_ms = round((self.clock.monotonic() - started) * 1000)
        return Attempt(
            verdict(reply), reply.code, detail(words + _left_out(reply, to)), duration_ms
        )

    async def _submit(
        self, egress: Egress, server: MailServer, mail: EmailMessage, to: tuple[str, ...]
    ) -> Reply:
        try:
            async with asyncio.timeout(self.timeout_s):
                connected = await egress.connect(
                    server.host, server.port, self.timeout_s, trusted=True
                )
                return await self._in_thread(connected, server, mail, to)
        except TimeoutError:
            words = f"the mail server gave no answer within {self.timeout_s:g} s"
            return Reply(None, words, session=True)
        except EgressError as error:
            return Reply(None, str(error), session=True)

    async def _in_thread(
        self, connected: socket.socket, server: MailServer, mail: EmailMessage, to: tuple[str, ...]
    ) -> Reply:
        wake = connected.dup()  # ours to shut down, whatever the thread does with its own
        try:
            future = self.threads.submit(
                submit, connected, server, mail, to, self.tls_context, self.timeout_s
            )
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                wake.shutdown(socket.SHUT_RDWR)  # frees the thread from its read
            if future.cancelled():  # no thread took it
                connected.close()
            raise
        finally:
            wake.close()


def compose(message: Message, sender: str, to: tuple[str, ...], at: datetime) -> EmailMessage:
    """Return the mail; its Message-ID is stable per delivery, mails of a watch form one thread."""
    domain = sender.rpartition("@")[2]
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"Dogwatch <{sender}>"
    mail["To"] = ", ".join(to)
    mail["Subject"] = subject(message)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<delivery-{_NOT_ID.sub('', message.delivery_id)}@{domain}>"
    mail["References"] = f"<watch-{_NOT_ID.sub('', message.key)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text(message) + "\n", cte="quoted-printable")
    return mail


def verdict(reply: Reply) -> Verdict:
    """Judge a reply: 2xx is sent and 5xx is final, unless it was about us (login, sender).

    Those the instance's admin can mend, so the message waits.
    """
    if reply.code is None or reply.session:
        return Verdict.RETRY
    return {2: Verdict.SENT, 5: Verdict.FAILED}.get(reply.code // 100, Verdict.RETRY)


def _left_out(reply: Reply, to: tuple[str, ...]) -> str:
    return f" ({len(reply.refused)} of {len(to)} recipients refused)" if reply.refused else ""


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _addresses(value: object, wrong: dict[str, str]) -> list[str]:
    """Return each address once, whatever its case; a fault is named by its place in the list."""
    addresses = _listed(value)
    if not 1 <= len(addresses) <= MOST_RECIPIENTS:
        wrong["to"] = f"give a list of 1 to {MOST_RECIPIENTS} addresses"
    for index, address in enumerate(addresses[:MOST_RECIPIENTS]):
        if not is_address(address):
            wrong[f"to[{index}]"] = "give one address such as ana@example.org, in ASCII"
    return list({str(address).lower(): str(address) for address in addresses}.values())
