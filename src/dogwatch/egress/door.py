"""The door itself: HTTP requests through libcurl on the event loop, and judged plain sockets."""

import asyncio
import os
import ssl
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from socket import AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, socket
from urllib.parse import quote, urlsplit

import pycurl

from dogwatch import __version__
from dogwatch.clock import Clock, SystemClock
from dogwatch.core.addresses import Network, blocked
from dogwatch.core.http_action import METHODS, check_header, check_url
from dogwatch.egress.echo import EchoSocket, open_echo
from dogwatch.egress.fault import refused, timed_out
from dogwatch.egress.message import NOWHERE, EgressError, Request, Response
from dogwatch.egress.names import Answer, Names
from dogwatch.egress.redirect import follow, location, origin
from dogwatch.egress.shown import Shown, look
from dogwatch.egress.transfer import Transfer, resolve_entries

_IDLE_HANDLES = 256


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
        self._allow = tuple(allow)
        self._user_agent = user_agent
        self._cafile = ssl.get_default_verify_paths().cafile
        self._multi = pycurl.AsyncCurlMulti()
        self._names = Names()
        self._idle: list[pycurl.Curl] = []

    async def fetch(self, request: Request, *, cancel: asyncio.Event | None = None) -> Response:
        """Return the answer, whatever its status.

        Raises `EgressError`; and `CancelledError` when the task is cancelled or `cancel` is set.
        Either way the connection is closed at once.
        """
        request = _checked(request)
        if cancel is None:
            return await self._within(request)
        return await _unless(cancel, self._within(request))

    async def connect(
        self, host: str, port: int, timeout_s: float, *, trusted: bool = False
    ) -> socket:
        """Return a connected, non-blocking TCP socket to an approved address of `host`.

        `trusted`: the admin of the instance named the host, so any address will do.
        Raises `EgressError` blocked, dns, connect or timeout.
        """
        try:
            async with asyncio.timeout(timeout_s):
                names = self._names.lookup(host) if trusted else self._approved(host)
                approved = tuple(await names)
                return await _connect_first(approved, port, timeout_s / len(approved))
        except TimeoutError:
            raise timed_out(timeout_s) from None

    async def datagrams(self, host: str, port: int, *, trusted: bool = False) -> socket:
        """Return a non-blocking UDP socket for one approved address of `host`.

        Raises `EgressError` blocked, dns or connect. Sets no deadline: the caller does.
        """
        names = self._names.lookup(host) if trusted else self._approved(host)
        return await _connect_first((await names)[:1], port, 0, SOCK_DGRAM)

    async def echoes(self, host: str) -> EchoSocket:
        """Return a socket for ICMP echoes with one approved address of `host`.

        Raises `EgressError` blocked, dns or icmp.
        """
        return open_echo((await self._approved(host))[0])

    async def certificate(self, host: str, port: int, server_name: str, timeout_s: float) -> Shown:
        """Return the certificate that a TLS server shows, trusted or not.

        Raises `EgressError` blocked, dns, connect, tls or timeout.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await look(
                    lambda: self.connect(host, port, timeout_s), server_name or host, self.clock
                )
        except TimeoutError:
            raise timed_out(timeout_s) from None

    def allowed(self, ip: str) -> bool:
        """Whether the policy lets anybody connect to an address."""
        return blocked(ip, self._allow) is None

    async def check_address(self, host: str, port: int) -> str:
        """Return the first approved address of `host`; raises `EgressError` blocked or dns.

        For an early answer to people. It binds nothing: `connect` and `fetch` judge again.
        """
        if not 0 < port < 65536:
            raise EgressError("bad_url", "the port must be from 1 to 65535")
        return (await self._approved(host))[0]

    async def close(self) -> None:
        """Abort what is under way (its tasks are cancelled) and free libcurl's handles."""
        self._names.close()
        await self._multi.aclose()
        while self._idle:
            self._idle.pop().close()

    async def _within(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._follow(request)
        except TimeoutError:
            raise timed_out(request.timeout_s) from None

    async def _follow(self, request: Request) -> Response:
        started = self.clock.monotonic()
        for _ in range(request.max_redirects + 1):
            response = await self._hop(request, started)
            target = location(response.status_code, response.headers)
            if target is None or not request.max_redirects:
                return response
            request = follow(request, response.status_code, target)
        raise EgressError("protocol", f"more than {request.max_redirects} redirects")

    async def _hop(self, request: Request, started: float) -> Response:
        looking_up = self.clock.monotonic()
        addresses = await self._names.lookup(origin(request.url)[1] or "")
        dns_ms = self._ms_since(looking_up)
        transfer = Transfer(request, self._allow)
        curl = self._idle.pop() if self._idle else pycurl.Curl()
        try:
            transfer.prepare(curl, self._user_agent, self._cafile)
            curl.setopt(pycurl.RESOLVE, resolve_entries(request.url, addresses))
            await self._perform(curl, transfer)
            return transfer.response(curl, dns_ms, self._ms_since(started))
        finally:
            self._release(curl)

    async def _perform(self, curl: pycurl.Curl, transfer: Transfer) -> None:
        try:
            await self._multi.perform(curl)
        except pycurl.error as error:
            code, detail = error.args
            fault = transfer.fault(curl, code, detail)
            if fault:
                raise fault from None

    def _ms_since(self, start: float) -> float:
        return (self.clock.monotonic() - start) * 1000

    def _release(self, curl: pycurl.Curl) -> None:
        if self._multi.closed or len(self._idle) >= _IDLE_HANDLES:
            curl.close()
        else:
            curl.reset()
            self._idle.append(curl)

    async def _approved(self, host: str) -> Answer:
        judged = {ip: blocked(ip, self._allow) for ip in await self._names.lookup(host)}
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
    wrong = next(filter(None, (check_header(*header) for header in request.headers)), None)
    if wrong:
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


async def _unless(cancel: asyncio.Event, work: Coroutine[None, None, Response]) -> Response:
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(cancel.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise asyncio.CancelledError
        return task.result()
    finally:
        task.cancel()
        stop.cancel()
        await asyncio.wait({task, stop})


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
