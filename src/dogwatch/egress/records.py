"""A DNS question to one server: over UDP, and over TCP where the answer does not fit.

Sources: RFC 1035, RFC 5452 (what makes an answer ours), RFC 7766 (TCP).
"""

import asyncio
from contextlib import closing, suppress
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.reversename
from dns.message import Message, QueryMessage

from dogwatch.egress.door import Egress
from dogwatch.egress.fault import timed_out
from dogwatch.egress.message import EgressError

RESEND_S = 2.0
MAX_BYTES = 65_535
RESOLV_CONF = Path("/etc/resolv.conf")
_ADDRESSES = frozenset({"A", "AAAA"})
_MISSING = frozenset({dns.rcode.NOERROR, dns.rcode.NXDOMAIN})


async def query(
    egress: Egress, name: str, kind: str, *, resolver: str = "", port: int = 53, timeout_s: float
) -> tuple[str, ...]:
    """Return the records of a name as in a zone file; () where there are none.

    `resolver` is an address, "" means that of the system: it may stand anywhere, but what it says
    of our own network is told to nobody.
    Raises `EgressError` blocked, dns, connect, timeout or protocol.
    """
    try:
        asked = dns.message.make_query(name, kind)
    except (dns.exception.DNSException, UnicodeError):
        raise EgressError("dns", "this is no name that DNS knows") from None
    host, trusted = (resolver, False) if resolver else (_system_resolver(), True)
    try:
        async with asyncio.timeout(timeout_s):
            answer = await _over_udp(egress, asked, host, port, trusted=trusted)
            if answer.flags & dns.flags.TC:
                answer = await _over_tcp(egress, asked, host, port, timeout_s, trusted=trusted)
    except TimeoutError:
        raise timed_out(timeout_s) from None
    except OSError:  # nobody listens there
        raise EgressError("connect", "could not connect: Connection refused") from None
    found = _records(answer, kind)
    told = found if kind in _ADDRESSES else _named_by(asked)
    if not resolver and not all(map(egress.allowed, told)):
        raise EgressError("blocked", "the name has an address of a network that is blocked")
    return found


def _named_by(asked: Message) -> tuple[str, ...]:
    """Return the address whose name is asked for (in-addr.arpa, ip6.arpa), if one is."""
    with suppress(dns.exception.DNSException):
        return (dns.reversename.to_address(asked.question[0].name),)
    return ()


async def _over_udp(
    egress: Egress, asked: Message, host: str, port: int, *, trusted: bool
) -> Message:
    """Ask again and again until the caller's deadline; what is not our answer is passed over."""
    loop, wire = asyncio.get_running_loop(), asked.to_wire()
    with closing(await egress.datagrams(host, port, trusted=trusted)) as channel:
        while True:
            await loop.sock_sendall(channel, wire)
            with suppress(TimeoutError):
                async with asyncio.timeout(RESEND_S):
                    while True:
                        heard = _answer_to(asked, await loop.sock_recv(channel, MAX_BYTES))
                        if heard:
                            return heard


async def _over_tcp(
    egress: Egress, asked: Message, host: str, port: int, timeout_s: float, *, trusted: bool
) -> Message:
    channel = await egress.connect(host, port, timeout_s, trusted=trusted)
    reader, writer = await asyncio.open_connection(sock=channel)
    try:
        wire = asked.to_wire()
        writer.write(len(wire).to_bytes(2, "big") + wire)
        length = int.from_bytes(await reader.readexactly(2), "big")
        heard = _answer_to(asked, await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        heard = None
    finally:
        writer.transport.abort()
    if heard is None:
        raise EgressError("protocol", "the DNS server's answer is none")
    return heard


def _answer_to(asked: Message, wire: bytes) -> Message | None:
    try:
        answer = dns.message.from_wire(wire, ignore_trailing=True)
    except dns.exception.DNSException:
        return None
    return answer if asked.is_response(answer) else None


def _records(answer: Message, kind: str) -> tuple[str, ...]:
    code = answer.rcode()
    if code not in _MISSING:
        raise EgressError("dns", f"the DNS server answered {dns.rcode.to_text(code)}")
    try:
        found = answer.resolve_chaining().answer if isinstance(answer, QueryMessage) else None
    except dns.exception.DNSException:  # a chain of aliases without an end
        raise EgressError("dns", "the DNS server's answer leads nowhere") from None
    if found is None or found.rdtype != dns.rdatatype.from_text(kind):
        return ()
    return tuple(sorted(record.to_text() for record in found))


def _system_resolver() -> str:
    with suppress(OSError):
        for line in RESOLV_CONF.read_text().splitlines():
            if line.startswith("nameserver") and len(words := line.split()) > 1:
                return words[1].partition("%")[0]
    return "127.0.0.1"
