"""Asks the target of a probe once and says how it did; network trouble is a result."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from typing import Any

from dogwatch.core.probe.dns import DnsTarget
from dogwatch.core.probe.http import HttpTarget
from dogwatch.core.probe.icmp import IcmpTarget
from dogwatch.core.probe.judging import result_of
from dogwatch.core.probe.seen import Certificate, Seen
from dogwatch.core.probe.target import Target
from dogwatch.core.probe.tcp import TcpTarget
from dogwatch.core.probe.tls import TlsTarget
from dogwatch.core.result import Result
from dogwatch.egress import Egress, EgressError, Request, query


async def run_probe(egress: Egress, target: Target) -> Result:
    """Return the result of one asking."""
    seen = await see(egress, target)
    if seen.error:
        return result_of(seen, None)
    judging = asyncio.to_thread(target.judge, seen) if target.heavy else None
    return result_of(seen, await judging if judging else target.judge(seen))


async def see(egress: Egress, target: Target) -> Seen:
    """Return what there is to see, an error included."""
    started = egress.clock.monotonic()
    try:
        if isinstance(target, HttpTarget):  # which has a deadline of its own
            return await _see_http(egress, target)
        async with asyncio.timeout(target.timeout_s):
            return await _SEE[type(target)](egress, target)
    except EgressError as error:
        return _error(egress, error, started)
    except TimeoutError:
        late = EgressError("timeout", f"timed out after {target.timeout_s:g} s")
        return _error(egress, late, started)


def _error(egress: Egress, error: EgressError, started: float) -> Seen:
    kind = "connect" if error.kind == "blocked" else error.kind
    detail = str(error) if error.hidden else ""
    phases = {"total": _ms_since(egress, started)}
    return Seen(egress.clock.now(), phases, kind, error.public, detail)


def _ms_since(egress: Egress, start: float) -> float:
    return (egress.clock.monotonic() - start) * 1000


async def _see_http(egress: Egress, target: HttpTarget) -> Seen:
    asked = target.request
    answer = await egress.fetch(
        Request(
            method=asked.method,
            url=asked.url,
            headers=asked.headers,
            body=asked.body.encode(),
            timeout_s=asked.timeout_s,
            max_redirects=asked.max_redirects,
            verify_tls=target.verify_tls,
            max_body_bytes=target.max_body_bytes,
            user_agent=target.user_agent,
            client_certificate=target.client_certificate,
            client_key=target.client_key,
            wants_certificate=target.wants_certificate,
        )
    )
    return Seen(
        egress.clock.now(),
        answer.phases_ms,
        status_code=answer.status_code,
        headers=answer.headers,
        body=answer.body,
        truncated=answer.truncated,
        certificate=Certificate(answer.expires_at) if answer.expires_at else None,
    )


async def _see_tcp(egress: Egress, target: TcpTarget) -> Seen:
    started = egress.clock.monotonic()
    (await egress.connect(target.host, target.port, target.timeout_s)).close()
    took_ms = _ms_since(egress, started)
    return Seen(egress.clock.now(), {"connect": took_ms, "total": took_ms})


async def _see_tls(egress: Egress, target: TlsTarget) -> Seen:
    shown = await egress.certificate(target.host, target.port, target.server_name, target.timeout_s)
    total_ms = shown.connect_ms + shown.tls_ms
    phases = {"connect": shown.connect_ms, "tls": shown.tls_ms, "total": total_ms}
    expires = f"{shown.expires_at:%Y-%m-%d %H:%M} UTC"
    return Seen(
        egress.clock.now(),
        phases,
        certificate=Certificate(shown.expires_at, shown.subject, shown.issuer, shown.fault),
        records=(f"subject {shown.subject}", f"issuer {shown.issuer}", f"expires {expires}"),
    )


async def _see_dns(egress: Egress, target: DnsTarget) -> Seen:
    started = egress.clock.monotonic()
    records = await query(
        egress, target.name, target.type, resolver=target.resolver, port=target.port,
        timeout_s=target.timeout_s,
    )  # fmt: skip
    took_ms = _ms_since(egress, started)
    return Seen(egress.clock.now(), {"dns": took_ms, "total": took_ms}, records=records)


async def _see_icmp(egress: Egress, target: IcmpTarget) -> Seen:
    with closing(await egress.echoes(target.host)) as echoes:
        started = egress.clock.monotonic()
        try:
            await echoes.ping(1)
        except OSError:
            raise EgressError("connect", "could not connect: no route to host") from None
        took_ms = _ms_since(egress, started)
    return Seen(egress.clock.now(), {"total": took_ms})


_SEE: Mapping[type, Callable[[Egress, Any], Awaitable[Seen]]] = {
    TcpTarget: _see_tcp,
    TlsTarget: _see_tls,
    DnsTarget: _see_dns,
    IcmpTarget: _see_icmp,
}
