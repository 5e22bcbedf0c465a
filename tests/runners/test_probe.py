"""Probes against real endpoints on loopback, good ones and hostile ones."""

import asyncio
import gzip
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from dogwatch.core.addresses import Network
from dogwatch.core.probe.target import from_json
from dogwatch.core.result import Outcome, Result
from dogwatch.egress import Egress
from dogwatch.runners.probe import run_probe
from tests.harness.hanging import hanging_endpoints
from tests.harness.ports import free_port
from tests.harness.tls import self_signed, server_context

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
Answer = bytes | Callable[[asyncio.StreamWriter], Any]
# The phases of what got so far.
NAMED = {"dns", "total"}
CONNECTED = NAMED | {"connect"}
SECURED = CONNECTED | {"tls"}


@asynccontextmanager
async def serving(
    answer: Answer, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Yield the port of a server that gives one answer, and the requests it heard."""
    heard: list[bytes] = []
    tasks: set[asyncio.Task[Any] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError):
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                await answer(writer)
            await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        await asyncio.gather(*filter(None, tasks))


def ok(body: bytes = b"all well", *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def ask(allow: Sequence[Network] = LOOPBACK, **data: Any) -> Result:
    egress = Egress(allow)
    try:
        return await run_probe(egress, from_json(data))
    finally:
        await egress.close()


async def ask_http(answer: Answer, **data: Any) -> tuple[Result, list[bytes]]:
    async with serving(answer) as (port, heard):
        given = {"kind": "http", "url": f"http://127.0.0.1:{port}/?token=s3cret"} | data
        return await ask(**given), heard


def http(answer: Answer, **data: Any) -> Result:
    return asyncio.run(ask_http(answer, **data))[0]


def fault(result: Result) -> tuple[str, str]:
    return result.error, result.reason


# --- http -------------------------------------------------------------------------------------


def test_a_good_answer_keeps_status_phases_and_preview() -> None:
    result, heard = asyncio.run(ask_http(ok(), user_agent="me/1", headers={"X-Key": "k"}))
    assert (result.outcome, result.status_code, result.preview) == (Outcome.OK, 200, "all well")
    assert set(result.phases_ms) == {"dns", "connect", "tls", "first_byte", "total"}
    assert b"\r\nUser-Agent: me/1\r\n" in heard[0]
    assert b"\r\nX-Key: k\r\n" in heard[0]


def test_an_answer_that_repeats_the_request_tells_no_secret_of_it() -> None:
    headers = {"Authorization": "Bearer s3cret-token", "Content-Type": "text/x-echo", "X-N": "7"}
    demand = {"kind": "json", "path": "$.auth", "is": "equals", "value": "x"}
    echo = ok(b'{"auth": "Bearer s3cret-token", "asked": "?token=s3cret", "t": "text/x-echo"}')
    result = http(echo, headers=headers, assertions=[demand])
    assert result.preview == '{"auth": "***", "asked": "?token=***", "t": "text/x-echo"}'
    assert result.reason == "$.auth: expected equals 'x', got '***'"
    long = http(ok(b"x" * 495 + b"s3cret-token"), headers=headers)
    assert long.preview == "x" * 495 + "***"


def test_a_secret_that_is_longer_than_what_is_quoted_leaves_no_beginning() -> None:
    secret = "k" * 30 + "'" + "m" * 40
    echo = ok(json.dumps({"auth": f"{'x' * 40} {secret}", "key": [secret]}).encode())
    for path, told in (("$.auth", "x" * 40 + " ***"), ("$.key[0]", "***")):
        demand = {"kind": "json", "path": path, "is": "equals", "value": f"no {secret}"}
        result = http(echo, headers={"X-Key": secret}, assertions=[demand])
        assert result.reason == f"{path}: expected equals 'no ***', got {told!r}"
    number = http(
        ok(b'{"n": 1' + b"7" * 80 + b"}"), headers={"X-Key": "7" * 80},
        assertions=[{"kind": "json", "path": "$.n", "is": "equals", "value": 1}],
    )  # fmt: skip
    assert number.reason == "$.n: expected equals 1, got 1***"


def test_a_wrong_status() -> None:
    result = http(ok(status="503 Busy"))
    assert fault(result) == ("status", "expected status 200-299, got 503")
    assert result.status_code == 503


def test_demands_are_judged() -> None:
    demands = [{"kind": "json", "path": "$.state", "is": "equals", "value": "up"}]
    assert http(ok(b'{"state":"up"}'), assertions=demands).outcome is Outcome.OK
    bad = http(ok(b'{"state":"off"}'), assertions=demands)
    assert fault(bad) == ("assertion", "$.state: expected equals 'up', got 'off'")
    of_header = [{"kind": "header", "name": "X-State", "is": "equals", "value": "up"}]
    assert http(ok(b"", "X-State: up"), assertions=of_header).outcome is Outcome.OK
    assert fault(http(ok(b""), assertions=of_header)) == (
        "assertion", "there is no header X-State",
    )  # fmt: skip


def test_a_redirect_that_leads_nowhere_tells_of_the_last_hop() -> None:
    lost = http(ok(b"", f"Location: http://127.0.0.1:{free_port()}/", status="302 Found"))
    assert (lost.error, set(lost.phases_ms)) == ("connect", NAMED)
    named = http(ok(b"", "Location: http://nowhere.invalid/", status="302 Found"))
    assert (named.error, set(named.phases_ms)) == ("dns", {"total"})


def test_patterns_are_judged_in_a_thread() -> None:
    demands = [{"kind": "body_matches", "pattern": "(x+x+)+y"}]
    assert http(ok(b"x" * 60_000), assertions=demands).error == "assertion"


async def endless(writer: asyncio.StreamWriter) -> None:
    """Send ten gigabytes, if anybody takes them."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
    for _ in range(160_000):
        writer.write(b"x" * 65_536)
        await writer.drain()


def test_ten_gigabytes_are_cut() -> None:
    result = http(endless, assertions=[{"kind": "body_contains", "text": "y"}])
    assert result.reason == "the body does not contain 'y' in its first 262144 bytes"
    assert len(result.preview) == 500


def test_a_gzip_bomb_is_cut() -> None:
    bomb = gzip.compress(b"\x00" * 20_000_000)
    result = http(ok(bomb, "Content-Encoding: gzip"))
    assert (result.outcome, result.preview) == (Outcome.OK, "\ufffd" * 500)


def test_huge_and_deep_json_is_no_trouble() -> None:
    demands = [{"kind": "json", "path": "$.a"}]
    assert http(ok(b"[" * 250_000), assertions=demands).reason == "the body is not JSON"
    wide = http(ok(b"[" + b"[]," * 80_000 + b"[]]"), assertions=demands)
    assert wide.reason == "$.a is missing"


@pytest.mark.parametrize(
    ("location", "error", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data", "connect", "could not connect"),
        ("http://[::ffff:169.254.169.254]/", "connect", "could not connect"),
        ("http://0x0a000001/", "connect", "could not connect"),
        ("file:///etc/passwd", "bad_url", "the URL of the redirect must start with"),
        ("gopher://127.0.0.1:25/", "bad_url", "the URL of the redirect must start with"),
        ("/", "protocol", "more than 5 redirects"),
    ],
)
def test_redirects_to_where_nobody_may_go(location: str, error: str, reason: str) -> None:
    result = http(ok(b"", f"Location: {location}", status="302 Found"))
    assert result.error == error
    assert result.reason.startswith(reason)


def test_headers_and_certificates_stay_behind_when_the_origin_changes() -> None:
    async def hop() -> tuple[list[bytes], list[bytes]]:
        async with serving(ok()) as (second, there):
            moved = ok(b"", f"Location: http://127.0.0.1:{second}/", status="307 Moved")
            _, here = await ask_http(moved, headers={"X-Key": "k", "Cookie": "c"}, user_agent="u/1")
            return here, there

    here, there = asyncio.run(hop())
    assert b"X-Key: k" in here[0]
    assert b"X-Key" not in there[0]
    assert b"Cookie" not in there[0]
    assert b"User-Agent: u/1" in there[0]


def test_blocked_refused_and_no_route_look_the_same_but_for_the_admin() -> None:
    port = free_port()
    refused = asyncio.run(ask(kind="http", url=f"http://127.0.0.1:{port}/"))
    blocked = asyncio.run(ask((), kind="http", url=f"http://127.0.0.1:{port}/"))
    tcp = asyncio.run(ask((), kind="tcp", host="10.0.0.1", port=22))
    assert {fault(refused), fault(blocked), fault(tcp)} == {("connect", "could not connect")}
    assert refused.detail == "could not connect: Connection refused"
    assert blocked.detail.startswith("blocked address: loopback")
    assert tcp.detail.startswith("blocked address: private")
    assert {frozenset(one.phases_ms) for one in (refused, blocked, tcp)} == {frozenset(NAMED)}


def test_endpoints_that_hang_or_reset_take_their_time_and_no_more() -> None:
    async def all_of_them() -> dict[str, Result]:
        egress = Egress(LOOPBACK)
        kinds = list(hanging.urls)
        asked = [
            from_json({"kind": "http", "url": hanging.urls[kind], "timeout_s": 1}) for kind in kinds
        ]
        results = await asyncio.gather(*(run_probe(egress, one) for one in asked))
        await egress.close()
        return dict(zip(kinds, results, strict=True))

    with hanging_endpoints() as hanging:
        found = asyncio.run(all_of_them())
    late = (Outcome.TIMEOUT, "timeout", "timed out after 1 s")
    for kind in ("silent", "dripping", "stalled TLS"):
        assert (found[kind].outcome, *fault(found[kind])) == late
        assert found[kind].duration_ms >= 1000
    assert fault(found["resetting"]) == ("connect", "connection lost: Connection reset by peer")
    assert all(set(result.phases_ms) == CONNECTED for result in found.values())


# --- tls --------------------------------------------------------------------------------------


async def over_tls(folder: Path, **data: Any) -> Result:
    async with serving(ok(), server_context(folder)) as (port, _):
        where: dict[str, Any] = {"url": f"https://127.0.0.1:{port}/"}
        if data["kind"] == "tls":
            where = {"host": "127.0.0.1", "port": port}
        return await ask(**data | where)


def test_an_untrusted_certificate(tmp_path: Path) -> None:
    strict = asyncio.run(over_tls(tmp_path, kind="http"))
    assert (strict.error, set(strict.phases_ms)) == ("tls", CONNECTED)
    loose = asyncio.run(over_tls(tmp_path, kind="http", verify_tls=False))
    assert loose.outcome is Outcome.OK
    shown = asyncio.run(over_tls(tmp_path, kind="tls"))
    assert (shown.error, set(shown.phases_ms)) == ("certificate", SECURED)
    assert shown.reason.startswith("the certificate is not trusted: self-signed certificate")
    assert shown.preview.startswith("subject CN=127.0.0.1\nissuer CN=127.0.0.1\nexpires ")


def test_days_of_a_certificate(tmp_path: Path) -> None:
    demand = [{"kind": "certificate_days", "least": 3}]
    soon = asyncio.run(over_tls(tmp_path, kind="http", verify_tls=False, assertions=demand))
    assert soon.reason == "the certificate expires in 0 days, at least 3 expected"
    good = asyncio.run(over_tls(tmp_path, kind="tls", verify=False, days_left=0, warn_days_left=0))
    assert (good.outcome, good.reason) == (Outcome.OK, "")
    assert set(good.phases_ms) == SECURED


def test_a_client_certificate(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = server_context(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=str(certificate))
    pem: dict[str, Any] = {
        "client_certificate": certificate.read_text(),
        "client_key": key.read_text(),
    }

    async def both() -> tuple[Result, Result]:
        async with serving(ok(), context) as (port, _):
            url = f"https://127.0.0.1:{port}/"
            shown = await ask(kind="http", url=url, verify_tls=False, **pem)
            return shown, await ask(kind="http", url=url, verify_tls=False)

    context.load_cert_chain(certificate, key)
    context.load_verify_locations(cafile=str(certificate))
    shown, bare = asyncio.run(both())
    assert shown.outcome is Outcome.OK, shown
    assert bare.outcome is Outcome.FAIL


def test_no_tls_where_it_is_expected() -> None:
    async def plain() -> Result:
        async with serving(ok()) as (port, _):
            return await ask(kind="tls", host="127.0.0.1", port=port, timeout_s=1)

    result = asyncio.run(plain())
    assert result.error in ("tls", "timeout")
    assert set(result.phases_ms) == CONNECTED


# --- tcp, dns, icmp ---------------------------------------------------------------------------


def test_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as open_port:
        port = open_port.getsockname()[1]
        up = asyncio.run(ask(kind="tcp", host="127.0.0.1", port=port))
    assert up.outcome is Outcome.OK
    assert set(up.phases_ms) == CONNECTED


class NameServer(asyncio.DatagramProtocol):
    """Answers a question about a.example with addresses, over UDP cut short if told so."""

    def __init__(self, cut: bool, noise: bool) -> None:
        self.cut, self.noise = cut, noise

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # it is no subclass of it

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.noise:
            self.transport.sendto(b"\x00\x01nonsense", addr)
            self.transport.sendto(bytes([data[0] ^ 1]) + data[1:], addr)
        self.transport.sendto(reply(data, cut=self.cut), addr)


def reply(wire: bytes, *, cut: bool = False) -> bytes:
    asked = dns.message.from_wire(wire)
    answer = dns.message.make_response(asked)
    name = asked.question[0].name
    if str(name) == "a.example.":
        answer.answer = [
            dns.rrset.from_text(name, 60, "IN", "CNAME", "b.example."),
            dns.rrset.from_text("b.example.", 60, "IN", "A", "192.0.2.2", "192.0.2.1"),
        ]
    elif str(name) == "loop.example.":
        answer.answer = [dns.rrset.from_text(name, 60, "IN", "CNAME", "loop.example.")]
    elif str(name).endswith(".arpa."):
        answer.answer = [dns.rrset.from_text(name, 60, "IN", "PTR", "payroll.corp.example.")]
    else:
        missing = str(name) == "none.example."
        answer.set_rcode(dns.rcode.NXDOMAIN if missing else dns.rcode.SERVFAIL)
    if cut:
        answer.answer = []
        answer.flags |= dns.flags.TC
    return answer.to_wire()


async def asked_of(name: str, *, cut: bool = False, noise: bool = False, **data: Any) -> Result:
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        wire = reply(await reader.readexactly(length))
        writer.write(len(wire).to_bytes(2, "big") + wire)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        over.set()

    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(
        lambda: NameServer(cut, noise), ("127.0.0.1", port)
    )
    given = {"kind": "dns", "name": name, "resolver": "127.0.0.1", "port": port}
    try:
        return await ask(**given | data)
    finally:
        transport.close()
        server.close()
        if cut:
            await over.wait()


@pytest.mark.parametrize(("cut", "noise"), [(False, False), (True, False), (False, True)])
def test_records_behind_an_alias(cut: bool, noise: bool) -> None:
    result = asyncio.run(asked_of("a.example", cut=cut, noise=noise, expected=["192.0.2.1"]))
    assert (result.outcome, result.preview) == (Outcome.OK, "192.0.2.1\n192.0.2.2")


@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        ("none.example", "records", "none.example has no A record"),
        ("broken.example", "dns", "the DNS server answered SERVFAIL"),
        ("loop.example", "dns", "the DNS server's answer leads nowhere"),
        ("a..example", "dns", "this is no name that DNS knows"),
    ],
)
def test_names_without_records(name: str, error: str, reason: str) -> None:
    assert fault(asyncio.run(asked_of(name))) == (error, reason)


def test_a_name_server_in_a_blocked_network_is_not_asked() -> None:
    result = asyncio.run(ask((), kind="dns", name="a.example", resolver="127.0.0.1"))
    assert fault(result) == ("connect", "could not connect")


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("a.example", "A", False),
        ("7.0.0.10.in-addr.arpa", "PTR", False),
        ("7.0.0.10.IN-ADDR.arpa", "TXT", False),
        (f"1.{'0.' * 29}d.f.ip6.arpa", "PTR", False),
        ("7.8.8.8.in-addr.arpa", "PTR", True),
        ("8.in-addr.arpa", "PTR", True),
    ],
)
def test_the_system_s_name_server_tells_nobody_of_blocked_networks(
    name: str, kind: str, told: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.1\n")
    monkeypatch.setattr("dogwatch.egress.records.RESOLV_CONF", conf)
    result = asyncio.run(asked_of(name, resolver="", type=kind))
    assert (result.outcome is Outcome.OK, "payroll" in result.preview) == (told, told)
    assert told or fault(result) == ("connect", "could not connect")
    theirs = asyncio.run(asked_of(name, type=kind))  # a server that the owner of the probe named
    assert theirs.error != "connect"


def test_a_silent_name_server() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        where: dict[str, Any] = {"kind": "dns", "name": "a.example", "timeout_s": 1}
        where |= {"resolver": "127.0.0.1", "port": port}
        result = asyncio.run(ask(LOOPBACK, **where))
    assert fault(result) == ("timeout", "timed out after 1 s")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_echo_or_a_clear_word_that_it_is_not_permitted(host: str) -> None:
    result = asyncio.run(ask(kind="icmp", host=host))
    assert result.outcome is Outcome.OK or result.error in ("icmp", "connect")
    assert result.error != "icmp" or "ping_group_range" in result.reason


def test_no_echo_for_a_blocked_address() -> None:
    assert asyncio.run(ask((), kind="icmp", host="127.0.0.1")).reason == "could not connect"
