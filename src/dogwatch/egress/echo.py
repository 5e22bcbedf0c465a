"""ICMP echo (RFC 792, RFC 4443) by the sockets that Linux gives to users without privileges.

See icmp(7), `net.ipv4.ping_group_range`. Where they are not allowed, a raw socket is tried, which
takes CAP_NET_RAW.
"""

import asyncio
import secrets
import socket
from dataclasses import dataclass

from dogwatch.egress.message import EgressError

FORBIDDEN = (
    "ICMP is not permitted here; allow it with `sysctl net.ipv4.ping_group_range='0 2147483647'`"
    " on the host, or probe a TCP port instead"
)
_V4 = (socket.AF_INET, socket.IPPROTO_ICMP, 8, 0)
_V6 = (socket.AF_INET6, socket.IPPROTO_ICMPV6, 128, 129)
_BYTES = 2048


@dataclass(slots=True)
class EchoSocket:
    """A socket for echoes with one address; `raw` ones hear everybody's."""

    channel: socket.socket
    ip: str
    raw: bool
    request_type: int
    reply_type: int

    async def ping(self, number: int) -> None:
        """Send one request and return when it is answered; the caller sets the deadline."""
        loop = asyncio.get_running_loop()
        token = secrets.token_bytes(16)
        mark = secrets.randbits(16)
        self.channel.connect((self.ip, 0))  # uvloop knows no sock_sendto
        await loop.sock_sendall(self.channel, self._packet(mark, number, token))
        while not self._answers(await loop.sock_recv(self.channel, _BYTES), number, token):
            pass

    def close(self) -> None:
        """Close the socket."""
        self.channel.close()

    def _packet(self, mark: int, number: int, token: bytes) -> bytes:
        rest = mark.to_bytes(2, "big") + number.to_bytes(2, "big") + token
        blank = bytes([self.request_type, 0, 0, 0]) + rest
        return blank[:2] + _checksum(blank).to_bytes(2, "big") + rest

    def _answers(self, heard: bytes, number: int, token: bytes) -> bool:
        """Whether it is the reply to our request: only who got it knows the token."""
        if self.raw and self.reply_type == 0:
            heard = heard[4 * (heard[0] & 15) :]  # behind the header of IPv4
        same = heard[6:8] == number.to_bytes(2, "big") and heard[8:] == token
        return len(heard) > 8 and heard[0] == self.reply_type and same


def open_echo(ip: str) -> EchoSocket:
    """Return a socket for echoes with an address that was approved; raises `EgressError` icmp."""
    family, protocol, request_type, reply_type = _V6 if ":" in ip else _V4
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            channel = socket.socket(family, kind, protocol)
        except OSError:
            continue
        channel.setblocking(False)
        return EchoSocket(channel, ip, kind == socket.SOCK_RAW, request_type, reply_type)
    raise EgressError("icmp", FORBIDDEN)


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
