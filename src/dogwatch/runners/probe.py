"""Asks the target of a probe once and says how it did; network trouble is a result."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import replace
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
from dogwatch.egress import Egress, EgressError, Phases, Request, query


async def run_probe(egress: Egress, target: Target) -> Result:
    """Return the result of one asking."""
    seen = await see(egress, target)
    if seen.error:
        return result_of(seen, None)
    judging = asyncio.to_thread(target.judge, seen) if target.heavy else None
    fault = await judging if judging else target.judge(seen)
    return result_of(seen, fault)


async def see(egress: Egress, target: Target) -> Seen:
    """Return what there is to see, an error included."""
    started = egress.clock.monotonic()
    phases: Phases = {}
    try:
        if isinstance(target, HttpTarget):  # which has a deadline of its own
            return await _see_http(egress, target, phases)
        async with asyncio.timeout(target.timeout_s):
            seen = await _SEE[type(target)](egress, target, phases)
    except EgressError as error:
        return _error(egress, error, _with_total(egress, phases, started))
    except TimeoutError:
        late = EgressError("timeout", f"timed out after {target.timeout_s:g} s")
        return _error(egress, late, _with_total(egress, phases, started))
    return replace(seen, phases_ms=_with_total(egress, phases, started))


def _with_total(egress: Egress, phases: Phases, start: float) -> Phases:
    return phases | {"total": _ms_since(egress, start)}


def _error(egress: Egress, error: EgressError, phases: Phases) -> Seen:
    kind = "connect" if error.kind == "blocked" else error.kind
    detail = str(error) if error.hidden else ""
    return Seen(egress.clock.now(), phases, kind, error.public, detail)


def _ms_since(egress: Egress, start: float) -> float:
    return (egress.clock.monotonic() - start) * 1000


async def _see_http(egress: Egress, target: HttpTarget, phases: Phases) -> Seen:
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
            wants_headers=target.wants_headers,
        ),
        phases_ms=phases,
    )
    return Seen(
        egress.clock.now(),
        answer.phases_ms,
        status_code=answer.status_code,
        headers=answer.headers,
        body=answer.body,
        truncated=answer.truncated,
        certificate=Certificate(answer.expires_at) if answer.expires_at else None,
        secrets=tuple(asked.secrets),
    )


async def _see_tcp(egress: Egress, target: TcpTarget, phases: Phases) -> Seen:
    host, port = target.host, target.port
    (await egress.connect(host, port, target.timeout_s, phases_ms=phases)).close()
    return Seen(egress.clock.now())


async def _see_tls(egress: Egress, target: TlsTarget, phases: Phases) -> Seen:
    shown = await egress.certificate(
        target.host, target.port, target.server_name, target.timeout_s, phases
    )
    expires = f"{shown.expires_at:%Y-%m-%d %H:%M} UTC"
    return Seen(
        egress.clock.now(),
        certificate=Certificate(shown.expires_at, shown.subject, shown.issuer, shown.fault),
        records=(f"subject {shown.subject}", f"issuer {shown.issuer}", f"expires {expires}"),
    )


async def _see_dns(egress: Egress, target: DnsTarget, phases: Phases) -> Seen:
    started = egress.clock.monotonic()
    records = await query(
        egress, target.name, target.type, resolver=target.resolver, port=target.port,
        timeout_s=target.timeout_s,
    )  # fmt: skip
    phases["dns"] = _ms_since(egress, started)
    return Seen(egress.clock.now(), records=records)


async def _see_icmp(egress: Egress, target: IcmpTarget, phases: Phases) -> Seen:
    with closing(await egress.echoes(target.host, phases)) as echoes:
        try:
            await echoes.ping(1)
        except OSError:
            raise EgressError("connect", "could not connect: no route to host") from None
    return Seen(egress.clock.now())


_SEE: Mapping[type, Callable[[Egress, Any, Phases], Awaitable[Seen]]] = {
    TcpTarget: _see_tcp,
    TlsTarget: _see_tls,
    DnsTarget: _see_dns,
    IcmpTarget: _see_icmp,
}
