"""Mails: what is written, and what a real mail server makes of it."""

import asyncio
import contextlib
import email
import email.policy
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from hypothesis import given
from hypothesis import strategies as st

from dogwatch.core.alerts import Attempt, Event, Verdict
from dogwatch.core.message import Item, Message, subject
from dogwatch.core.problems import Problem
from dogwatch.egress import Egress
from dogwatch.notify.email import EmailChannel, compose, verdict
from dogwatch.notify.smtp import Reply
from tests.harness.ports import free_port
from tests.harness.tls import self_signed

AT = datetime(2026, 11, 20, 1, 20, tzinfo=UTC)
ITEM = Item(
    event=Event.DOWN,
    watch_id="01kwatch",
    slug="nightly",
    name="Nightly backup",
    status="down",
    previous_status="up",
    since_at=AT,
    reason="exit status 3",
    output_tail="tar: łódź: No such file\n.\n.dot",
    url="https://dogwatch.example/i/nightly",
)
MESSAGE = Message("01kdelivery", "01kwatch", "Main", (ITEM,), "https://dogwatch.example")
OPERATOR, SECRET = "operator", "s3cret/pass word"
BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def answering(handle: Handler) -> AsyncIterator[str]:
    """Be a mail server that does as `handle` does; yield its address, and leave when it is done."""
    handling: set[asyncio.Task[Any]] = set()

    async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            handling.add(task)
        await handle(reader, writer)

    async with await asyncio.start_server(whole, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"smtp://127.0.0.1:{port}?from=watch@example.org"
    if handling:
        await asyncio.wait(handling, timeout=10)


# --- what is written -------------------------------------------------------------------------


def parsed(mail: EmailMessage) -> EmailMessage:
    """Read a mail back from the bytes that go over the wire."""
    return email.message_from_bytes(mail.as_bytes(), _class=EmailMessage, policy=email.policy.SMTP)


def test_a_mail_says_who_what_and_when() -> None:
    mail = parsed(compose(MESSAGE, "watch@example.org", ("ana@example.org", "bo@example.org"), AT))
    assert dict(mail.items()) == {
        "From": "Dogwatch <watch@example.org>",
        "To": "ana@example.org, bo@example.org",
        "Subject": "Down: Nightly backup",
        "Date": "Fri, 20 Nov 2026 01:20:00 +0000",
        "Message-ID": "<delivery-01kdelivery@example.org>",
        "References": "<watch-01kwatch@example.org>",
        "Auto-Submitted": "auto-generated",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
        "MIME-Version": "1.0",
    }
    assert "tar: łódź: No such file" in mail.get_content()


def test_a_retry_keeps_its_message_id() -> None:
    first, second = (
        compose(MESSAGE, "watch@example.org", ("ana@example.org",), AT + timedelta(minutes=late))
        for late in (0, 5)
    )
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] != second["Date"]


NAMES = st.text(
    st.one_of(st.characters(), st.sampled_from(BREAKS + ':,;<>()[]\\"=?@ \t\0\ud800')),
    max_size=200,
) | st.sampled_from([f"a{mark}Bcc: eve@example.org" for mark in [*BREAKS, "\r\n", "\n\r\n"]])


@given(NAMES)
def test_no_name_can_break_a_mail(name: str) -> None:
    message = replace(
        MESSAGE,
        workspace=name,
        items=(replace(ITEM, name=name, reason=name, tags=(name,)),),
    )
    plain = parsed(compose(MESSAGE, "watch@example.org", ("ana@example.org",), AT))
    raw = compose(message, "watch@example.org", ("ana@example.org",), AT).as_bytes()
    mail = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.SMTP)
    assert mail.keys() == plain.keys()
    assert mail.get_all("To") == ["ana@example.org"]
    assert len(mail.get_all("Subject", [])) == 1
    assert "".join(mail["Subject"].split()) == "".join(subject(message).split())
    assert mail.get_content().splitlines()[0].strip() == subject(message).strip()
    assert not mail.defects
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


@given(st.text(max_size=60))
def test_no_id_can_break_a_mail(odd: str) -> None:
    message = replace(MESSAGE, delivery_id=odd, key=odd)
    plain = parsed(compose(MESSAGE, "watch@example.org", ("ana@example.org",), AT))
    mail = parsed(compose(message, "watch@example.org", ("ana@example.org",), AT))
    assert mail.keys() == plain.keys()


# --- what is accepted ------------------------------------------------------------------------


def test_addresses_are_kept_once_each() -> None:
    settings = EmailChannel().check(
        {"to": ["Ana@example.org", "bo+x@a-b.example", "ana@EXAMPLE.org"]}
    )
    assert settings.public == {"to": ["ana@EXAMPLE.org", "bo+x@a-b.example"]}
    assert settings.secret == {}


BAD_ADDRESSES = [
    "ana",
    "@example.org",
    "ana@",
    "ana@@example.org",
    "ana@exa mple.org",
    "Ana <ana@example.org>",
    "ana@example.org, eve@example.org",
    "ana@example.org\n",
    "ana@example.org\r\nBcc: eve@example.org",
    ".ana@example.org",
    "a..na@example.org",
    "ana@-example.org",
    "ana@example..org",
    "ana@exämple.org",
    "änä@example.org",
    "a" * 65 + "@example.org",
    "a@" + ".".join(["b" * 60] * 5),
    '"ana"@example.org',
    "",
    None,
    7,
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_a_bad_address_is_named_by_its_place(address: object) -> None:
    with pytest.raises(Problem) as caught:
        EmailChannel().check({"to": ["bo@example.org", address]})
    assert caught.value.kind == "invalid"
    assert set(caught.value.fields) == {"to[1]"}


@pytest.mark.parametrize("to", [None, [], "ana@example.org", ["ana@example.org"] * 21, {}, 3])
def test_a_list_of_1_to_20_is_asked_for(to: object) -> None:
    with pytest.raises(Problem) as caught:
        EmailChannel().check({"to": to})
    assert set(caught.value.fields) == {"to"}


def test_all_bad_fields_are_named_and_no_server_can_be_chosen() -> None:
    with pytest.raises(Problem) as caught:
        EmailChannel().check({"to": ["x"], "smtp_url": "smtp://evil.example"})
    assert set(caught.value.fields) == {"to[0]", "smtp_url"}


@contextlib.asynccontextmanager
async def egress() -> AsyncIterator[Egress]:
    """Open the door for one scene."""
    door = Egress(allow=[ip_network("127.0.0.0/8")])
    try:
        yield door
    finally:
        await door.close()


# --- a real mail server ----------------------------------------------------------------------


@dataclass
class Inbox:
    """Keeps what arrives; answers as told by the local part of a recipient, or by `data`."""

    data: str = "250 OK queued"
    mails: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        local = address.partition("@")[0]
        if local.isdigit():
            return f"{local} no such box"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd names it so)
        self.mails.append(envelope)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return self.data


@dataclass(frozen=True)
class Post:
    """A running mail server."""

    inbox: Inbox
    port: int

    def url(self, login: str = "", scheme: str = "smtp", more: str = "") -> str:
        return f"{scheme}://{login}127.0.0.1:{self.port}?from=watch@example.org{more}"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-made certificate for 127.0.0.1 and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """A client's context that knows the self-made certificate."""
    return ssl.create_default_context(cafile=certificate[0])


Start = Callable[..., Post]


@pytest.fixture
def start(certificate: tuple[Path, Path]) -> Iterator[Start]:
    """Start mail servers: `start(tls="starttls" | "smtps" | "", login=bool, data="250 OK")`."""
    running: list[Controller] = []

    def run(tls: str = "", login: bool = False, data: str = "250 OK queued") -> Post:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        port = free_port()
        inbox = Inbox(data=data)
        controller = Controller(
            inbox,
            hostname="127.0.0.1",
            port=port,
            ssl_context=context if tls == "smtps" else None,
            tls_context=context if tls == "starttls" else None,
            authenticator=_authenticate if login else None,
            auth_required=login,
            ready_timeout=60,
        )
        controller.start()
        running.append(controller)
        return Post(inbox, port)

    yield run
    for controller in running:
        controller.stop()


def _authenticate(_s: Any, _session: Any, _e: Any, _mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    good = (data.login, data.password) == (OPERATOR.encode(), SECRET.encode())
    return AuthResult(success=good, handled=False)


LOGIN = "operator:s3cret%2Fpass%20word@"


def send(
    url: str,
    to: Sequence[str] = ("ana@example.org",),
    context: ssl.SSLContext | None = None,
    timeout_s: float = 10,
) -> Attempt:
    async def once() -> Attempt:
        channel = EmailChannel(tls_context=context, timeout_s=timeout_s)
        settings = {**channel.check({"to": list(to)}).public, "smtp_url": url}
        async with egress() as door:
            return await channel.send(door, settings, MESSAGE, AT)

    return asyncio.run(once())


def tried(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter, asyncio.Event], Awaitable[None]],
    channel: EmailChannel | None = None,
) -> Attempt:
    """Send a mail to a server that does as `answer` does, whose event tells when we are done."""

    async def once() -> Attempt:
        over = asyncio.Event()
        async with answering(lambda reader, writer: answer(reader, writer, over)) as url:
            settings = {"to": ["ana@example.org"], "smtp_url": url}
            async with egress() as door:
                attempt = await (channel or EmailChannel()).send(door, settings, MESSAGE, AT)
            over.set()
        return attempt

    return asyncio.run(once())


def test_a_mail_arrives_encrypted_after_login(start: Start, trusting: ssl.SSLContext) -> None:
    post = start("starttls", login=True)
    attempt = send(post.url(LOGIN, more="&tls=required"), context=trusting)
    assert (attempt.verdict, attempt.status_code, attempt.detail) == (Verdict.SENT, 250, "accepted")
    assert post.inbox.encrypted == [True]
    assert post.inbox.mails[0].mail_from == "watch@example.org"
    content = post.inbox.mails[0].content
    assert isinstance(content, bytes)
    mail = email.message_from_bytes(content, policy=email.policy.SMTP)
    assert mail["Subject"] == "Down: Nightly backup"
    assert mail.get_content().rstrip().endswith("\r\n  .\r\n  .dot")


def test_tls_from_the_start(start: Start, trusting: ssl.SSLContext) -> None:
    post = start("smtps")
    assert send(post.url(scheme="smtps"), context=trusting).verdict is Verdict.SENT
    assert post.inbox.encrypted == [True]


@pytest.mark.parametrize(("tls", "scheme"), [("starttls", "smtp"), ("smtps", "smtps")])
def test_a_stranger_s_certificate_is_refused(start: Start, tls: str, scheme: str) -> None:
    post = start(tls)
    attempt = send(post.url(scheme=scheme, more="&tls=required"))
    assert attempt.verdict is Verdict.RETRY
    assert "CERTIFICATE_VERIFY_FAILED" in attempt.detail
    assert post.inbox.mails == []


def test_no_plain_text_where_tls_is_required(start: Start) -> None:
    post = start()
    attempt = send(post.url(LOGIN, more="&tls=required"))
    assert (attempt.verdict, attempt.detail) == (Verdict.RETRY, "the server offers no STARTTLS")
    assert post.inbox.mails == []


@pytest.mark.parametrize(("tls", "encrypted"), [("", False), ("starttls", True)])
def test_a_local_server_is_taken_as_it_is(start: Start, tls: str, encrypted: bool) -> None:
    post = start(tls)
    assert send(post.url()).verdict is Verdict.SENT
    assert post.inbox.encrypted == [encrypted]


def test_a_wrong_password_waits_for_the_admin_and_is_not_told(start: Start) -> None:
    post = start("starttls", login=True)
    attempt = send(post.url("operator:wr0ngpass@"))
    assert (attempt.verdict, attempt.status_code) == (Verdict.RETRY, 535)
    assert "wr0ngpass" not in attempt.detail


DATA_ANSWERS = [
    ("450 try later", Verdict.RETRY, 450),
    ("452 full", Verdict.RETRY, 452),
    ("554 spam", Verdict.FAILED, 554),
]


@pytest.mark.parametrize(("answer", "verdict", "code"), DATA_ANSWERS)
def test_the_server_s_word_decides(start: Start, answer: str, verdict: Verdict, code: int) -> None:
    attempt = send(start(data=answer).url())
    assert (attempt.verdict, attempt.status_code) == (verdict, code)
    assert attempt.detail == answer[4:]


RECIPIENTS = [
    (("550@example.org",), Verdict.FAILED, 550, "no such box (1 of 1 recipients refused)"),
    (("450@example.org",), Verdict.RETRY, 450, "no such box (1 of 1 recipients refused)"),
    (
        ("550@example.org", "450@example.org"),
        Verdict.RETRY,
        450,
        "no such box (2 of 2 recipients refused)",
    ),
    (
        ("ana@example.org", "450@example.org", "550@example.org"),
        Verdict.SENT,
        250,
        "accepted (2 of 3 recipients refused)",
    ),
]


@pytest.mark.parametrize(("to", "verdict", "code", "words"), RECIPIENTS)
def test_refused_recipients(
    start: Start, to: tuple[str, ...], verdict: Verdict, code: int, words: str
) -> None:
    attempt = send(start().url(), to=to)
    assert (attempt.verdict, attempt.status_code, attempt.detail) == (verdict, code, words)


def test_a_server_that_is_away_is_tried_again() -> None:
    attempt = send(f"smtp://127.0.0.1:{free_port()}?from=watch@example.org")
    assert (attempt.verdict, attempt.status_code) == (Verdict.RETRY, None)
    assert attempt.detail


@pytest.mark.parametrize("words", [b"", b"220 hello\r\n250", b"nonsense\r\n"])
def test_a_server_that_hangs_is_given_up_in_time(words: bytes) -> None:
    async def hang(
        _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, over: asyncio.Event
    ) -> None:
        writer.write(words)
        await over.wait()
        writer.close()
        await writer.wait_closed()

    channel = EmailChannel(timeout_s=0.2)
    attempt = tried(hang, channel)
    channel.threads.shutdown(wait=True)
    assert attempt.verdict is Verdict.RETRY
    assert attempt.duration_ms < 5000


@pytest.mark.parametrize("before", [[], ["220 hello"], ["220 hello", "250 hello"]])
def test_a_reply_without_end_is_not_gathered(before: list[str]) -> None:
    async def flood(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, over: asyncio.Event
    ) -> None:
        for line in before:
            writer.write(f"{line}\r\n".encode())
            await reader.readline()
        writer.write(b"250-and more\r\n" * 6_000)
        await over.wait()
        writer.close()

    attempt = tried(flood)
    assert (attempt.verdict, "has no end" in attempt.detail) == (Verdict.RETRY, True)


SCRIPTS = [
    ("sent", ["220", "250", "250", "250", "354", "250"], Verdict.SENT, 250),
    ("refused sender", ["220", "250", "530", "250"], Verdict.RETRY, 530),
    (
        "no SMTP after the text",
        ["220", "250", "250", "250", "354", "what", "250"],
        Verdict.RETRY,
        None,
    ),
    ("sent, in other words", ["220", "250", "250", "250", "354", "251"], Verdict.SENT, 250),
    ("250 before the text", ["220", "250", "250", "250", "250"], Verdict.RETRY, None),
    ("554 before the text", ["220", "250", "250", "250", "554", "250"], Verdict.FAILED, 554),
    ("gone after the text", ["220", "250", "250", "250", "354", ""], Verdict.RETRY, None),
]


@pytest.mark.parametrize(
    ("replies", "expected", "code"), [row[1:] for row in SCRIPTS], ids=[row[0] for row in SCRIPTS]
)
def test_a_server_that_never_says_goodbye(
    replies: list[str], expected: Verdict, code: int | None
) -> None:
    """The server answers by the list, one reply for greeting, each command and the text."""

    async def serve(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, over: asyncio.Event
    ) -> None:
        for reply in replies:
            if not reply:
                break
            writer.write(f"{reply} x\r\n".encode())
            await reader.readuntil(b"\r\n.\r\n" if reply == "354" else b"\r\n")
        else:
            await over.wait()
        writer.close()
        await writer.wait_closed()

    attempt = tried(serve)
    assert (attempt.verdict, attempt.status_code) == (expected, code)
    assert attempt.duration_ms < 10_000


VERDICTS = [
    (Reply(250, ""), Verdict.SENT),
    (Reply(251, "", refused=("x",)), Verdict.SENT),
    (Reply(354, ""), Verdict.RETRY),
    (Reply(451, ""), Verdict.RETRY),
    (Reply(550, ""), Verdict.FAILED),
    (Reply(535, "", session=True), Verdict.RETRY),
    (Reply(None, ""), Verdict.RETRY),
    (Reply(199, ""), Verdict.RETRY),
]


@pytest.mark.parametrize(("reply", "expected"), VERDICTS)
def test_only_2xx_about_the_mail_is_sent(reply: Reply, expected: Verdict) -> None:
    assert verdict(reply) is expected


@pytest.mark.parametrize("greeting", [b"554 not you\r\n", b"421 busy\r\n"])
def test_a_server_that_turns_us_away_may_change_its_mind(greeting: bytes) -> None:
    async def refuse(
        _reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _over: asyncio.Event
    ) -> None:
        writer.write(greeting)
        writer.close()
        await writer.wait_closed()

    attempt = tried(refuse)
    assert (attempt.verdict, attempt.status_code) == (Verdict.RETRY, int(greeting[:3]))


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "http://x?from=a@b",
        "smtp://host",
        "smtp://h:x?from=a@b",
        "smtp://h?from=a%0d%0aBcc:eve@b",
    ],
)
def test_without_a_mail_server_the_message_waits(url: str | None) -> None:
    async def scene() -> Attempt:
        settings = {"to": ["ana@example.org"], "smtp_url": url}
        async with egress() as door:
            return await EmailChannel().send(door, settings, MESSAGE, AT)

    attempt = asyncio.run(scene())
    assert attempt.verdict is Verdict.RETRY
    assert ("smtp://" if url else "no mail server is set (DOGWATCH_SMTP_URL)") in attempt.detail
