"""The door itself: HTTP requests through libcurl on the event loop, and judged plain sockets."""

import asyncio
import os
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from socket import AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, socket
from urllib.parse import quote, urlsplit

from dogwatch import __version__
from dogwatch.clock import Clock, SystemClock
from dogwatch.core.addresses import Network, judging
from dogwatch.core.http_action import METHODS, check_header, check_url
from dogwatch.egress.echo import EchoSocket, open_echo
from dogwatch.egress.fault import refused, timed_out
from dogwatch.egress.message import NOWHERE, EgressError, Phases, Request, Response
from dogwatch.egress.multi import Multi
from dogwatch.egress.names import Answer, Names, literal
from dogwatch.egress.redirect import follow, location, origin
from dogwatch.egress.shown import Shown, look
from dogwatch.egress.transfer import Transfer, resolve_entries

_IDLE_HANDLES = 256
_EARLY_S = 2.0


class Egress:
    """Makes every outbound connection; belongs to the event loop that uses it first.

    Addresses are judged when a connection is made, after resolution, by the deny table of
    `core.addresses`; `allow` holds the networks that the admin opened.
    """

    def __init__(
        self,
        allow: Sequence[Network] = (),
        user_agent: str = f"Dogwatch/{__version__}",
        clock: Clock | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self._judge = judging(allow)
        self._user_agent = user_agent
        self._cafile = ssl.get_default_verify_paths().cafile
        self._multi = Multi(SystemClock())
        self._names = Names()
        self._idle: list[Transfer] = []

    async def fetch(self, request: Request, *, phases_ms: Phases | None = None) -> Response:
        """Return the answer, whatever its status; `phases_ms` is filled even where there is none.

        Raises `EgressError`. Where the task is cancelled, the connection is closed at once.
        """
        return await self._follow(_checked(request), {} if phases_ms is None else phases_ms)

    async def connect(
        self,
        host: str,
        port: int,
        timeout_s: float,
        *,
        trusted: bool = False,
        phases_ms: Phases | None = None,
    ) -> socket:
        """Return a connected, non-blocking TCP socket to an approved address of `host`.

        `trusted`: the admin of the instance named the host, so any address will do. `phases_ms`
        is filled with dns and connect, as far as it got.
        Raises `EgressError` blocked, dns, connect or timeout.
        """
        reached = {} if phases_ms is None else phases_ms
        started = self.clock.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                found = await self._names.lookup(host)
                reached["dns"] = self._ms_since(started)
                approved = found if trusted else self._approved(found)
                connecting = self.clock.monotonic()
                opened = await _connect_first(approved, port, timeout_s / len(approved))
        except TimeoutError:
            raise timed_out(timeout_s) from None
        reached["connect"] = self._ms_since(connecting)
        return opened

    async def datagrams(self, host: str, port: int, *, trusted: bool = False) -> socket:
        """Return a non-blocking UDP socket for one approved address of `host`.

        Raises `EgressError` blocked, dns or connect. Sets no deadline: the caller does.
        """
        found = await self._names.lookup(host)
        approved = found if trusted else self._approved(found)
        return await _connect_first(approved[:1], port, 0, SOCK_DGRAM)

    async def echoes(self, host: str, phases_ms: Phases) -> EchoSocket:
        """Return a socket for ICMP echoes with one approved address of `host`; fills `phases_ms`.

        Raises `EgressError` blocked, dns or icmp.
        """
        started = self.clock.monotonic()
        found = await self._names.lookup(host)
        phases_ms["dns"] = self._ms_since(started)
        return open_echo(self._approved(found)[0])

    async def certificate(
        self, host: str, port: int, server_name: str, timeout_s: float, phases_ms: Phases
    ) -> Shown:
        """Return the certificate that a TLS server shows, trusted or not; fills `phases_ms`.

        Raises `EgressError` blocked, dns, connect, tls or timeout.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await look(
                    lambda: self.connect(host, port, timeout_s, phases_ms=phases_ms),
                    server_name or host,
                    self.clock,
                    phases_ms,
                )
        except TimeoutError:
            raise timed_out(timeout_s) from None

    def allowed(self, ip: str) -> bool:
        """Whether the policy lets anybody connect to an address."""
        return self._judge(ip) is None

    async def blocked(self, host: str, named: bool) -> tuple[str, str] | None:
        """Return an address of `host` and why nothing may connect to it ("loopback").

        None where something may, or where nobody can tell now. Only if `named` is a name looked
        up. For an early answer to people, as `check_address` gives.
        """
        found = literal(host)
        if named and not found:
            with suppress(EgressError, TimeoutError):
                async with asyncio.timeout(_EARLY_S):
                    found = await self._names.lookup(host)
        judged = [(ip, self._judge(ip)) for ip in found]
        wrong = [(ip, reason) for ip, reason in judged if reason]
        return wrong[0] if wrong and len(wrong) == len(judged) else None

    async def check_address(self, host: str, port: int) -> str:
        """Return the first approved address of `host`; raises `EgressError` blocked or dns.

        For an early answer to people. It binds nothing: `connect` and `fetch` judge again.
        """
        if not 0 < port < 65536:
            raise EgressError("bad_url", "the port must be from 1 to 65535")
        return self._approved(await self._names.lookup(host))[0]

    async def close(self) -> None:
        """Abort what is under way (its tasks are cancelled) and free libcurl's handles."""
        self._names.close()
        self._multi.close()
        while self._idle:
            self._idle.pop().curl.close()

    async def _follow(self, request: Request, reached: Phases) -> Response:
        started = self.clock.monotonic()
        for _ in range(request.max_redirects + 1):
            response = await self._hop(request, reached, started)
            target = location(response.status_code, response.headers)
            if target is None or not request.max_redirects:
                return response
            request = follow(request, response.status_code, target)
        raise EgressError("protocol", f"more than {request.max_redirects} redirects")

    async def _hop(self, request: Request, reached: Phases, started: float) -> Response:
        reached.clear()
        looking_up = found = self.clock.monotonic()
        deadline = started + request.timeout_s
        host = origin(request.url)[1] or ""
        addresses = self._names.known(host)
        if not addresses:
            addresses = await self._looked_up(host, request, deadline - looking_up)
            found = self.clock.monotonic()
        reached["dns"] = (found - looking_up) * 1000
        transfer = self._idle.pop() if self._idle else self._made()
        try:
            transfer.prepare(request, resolve_entries(request.url, addresses), deadline - found)
            error = await self._multi.perform(transfer.curl)
            reached |= transfer.phases_ms()
            if error and (fault := transfer.fault(*error)):
                raise fault
            reached["total"] = self._ms_since(started)
            return transfer.response(reached)
        finally:
            self._release(transfer)

    async def _looked_up(self, host: str, request: Request, left_s: float) -> Answer:
        try:
            async with asyncio.timeout(left_s):
                return await self._names.lookup(host)
        except TimeoutError:
            raise timed_out(request.timeout_s) from None

    def _made(self) -> Transfer:
        return Transfer(self._judge, self._user_agent, self._cafile)

    def _ms_since(self, start: float) -> float:
        return (self.clock.monotonic() - start) * 1000

    def _release(self, transfer: Transfer) -> None:
        if self._multi.closed or len(self._idle) >= _IDLE_HANDLES:
            transfer.curl.close()
        else:
            transfer.forget()
            self._idle.append(transfer)

    def _approved(self, found: Answer) -> Answer:
        judged = {ip: self._judge(ip) for ip in found}
        approved = tuple(ip for ip, reason in judged.items() if reason is None)
        if not approved:
            raise refused(next(filter(None, judged.values())))
        return approved


def _checked(request: Request) -> Request:
    """Return the request with an ASCII URL; raises `EgressError` bad_url or protocol."""
    wrong = check_url(request.url)
    if wrong:
        raise EgressError("bad_url", f"the URL {wrong}")
    if request.method not in METHODS:
        raise EgressError("protocol", "unknown method")
    for name, value in request.headers:
        if wrong := check_header(name, value):
            raise EgressError("protocol", wrong)
    return request if request.url.isascii() else replace(request, url=_ascii(request.url))


def _ascii(url: str) -> str:
    parts = urlsplit(url)
    try:
        host = (parts.hostname or "").encode("idna").decode()
    except UnicodeError:
        raise EgressError("bad_url", "the URL must name a host") from None
    netloc = host if parts.port is None else f"{host}:{parts.port}"
    return quote(parts._replace(netloc=netloc).geturl(), safe="%/:=&?~#+!$,;'@()*[]")


async def _connect_first(
    addresses: Answer, port: int, share_s: float, kind: int = SOCK_STREAM
) -> socket:
    """Try the addresses in turn; a silent one has its share of the time, the last one the rest."""
    *others, last = addresses
    for ip in others:
        with suppress(OSError):  # TimeoutError is one of them
            async with asyncio.timeout(share_s):
                return await _connect(ip, port, kind)
    try:
        return await _connect(last, port, kind)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise EgressError("connect", f"{NOWHERE}: {reason}") from None


async def _connect(ip: str, port: int, kind: int) -> socket:
    connection = socket(AF_INET6 if ":" in ip else AF_INET, kind)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, (ip, port))
    except BaseException:
        connection.close()
        raise
    return connection
