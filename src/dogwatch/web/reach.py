"""An early word on addresses that `egress` would block: they are refused when they are saved.

The last word is that of each connection. That a literal is blocked tells nothing that isn't known;
what a name stands for is told to those alone who may know how the network looks here.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from dogwatch.core.policy import Role
from dogwatch.core.problems import refuse
from dogwatch.notify import CHANNELS
from dogwatch.usecases.callers import Caller
from dogwatch.usecases.probes import HERE, ProbeSpec
from dogwatch.web.services import Services

Hosts = Mapping[str, str]


def sees_network(services: Services, caller: Caller) -> bool:
    """Whether a caller may learn how the network looks that this instance stands in."""
    return not services.hosted and caller.grant.role >= Role.ADMIN


async def refuse_blocked(services: Services, caller: Caller, hosts: Hosts) -> None:
    """Raise a Problem that names each field whose host nothing here may connect to."""
    named = sees_network(services, caller)
    each = list(dict.fromkeys(hosts.values()))
    answers = await asyncio.gather(*(services.blocked(host, named) for host in each))
    known = dict(zip(each, answers, strict=True))
    wrong = {
        field: _told(*ip_and_reason, hosted=services.hosted)
        for field, host in hosts.items()
        if (ip_and_reason := known[host])
    }
    refuse(wrong)


def _told(ip: str, reason: str, *, hosted: bool) -> str:
    allow = f"; the admin can allow it: DOGWATCH_ALLOW_PRIVATE_TARGETS={ip}, or its network"
    return f"nothing may connect to {ip} from here ({reason}){'' if hosted else allow}"


def hosts_of_channel(kind: str, settings: Mapping[str, Any]) -> Hosts:
    """Return the hosts that a channel's settings name, by field."""
    names = (one.name for one in CHANNELS[kind].fields if one.address)
    return dict(_named((f"settings.{name}", settings.get(name)) for name in names))


def hosts_of_probe(spec: ProbeSpec) -> Hosts:
    """Return the host that a probe asks from here, by field; elsewhere others decide."""
    target = spec.target if HERE in spec.locations else {}
    hosts = {
        f"target.{name}": target[name]
        for name in ("host", "resolver")
        if isinstance(target.get(name), str) and target[name]
    }
    return hosts | dict(_named([("target.url", target.get("url"))]))


def hosts_of_action(action: Mapping[str, Any]) -> Hosts:
    """Return the host that a request goes to, by field."""
    return dict(_named([("action.url", action.get("url"))]))


def _named(urls: Any) -> Iterator[tuple[str, str]]:
    for field, url in urls:
        host = _host(url) if isinstance(url, str) else None
        if host:
            yield field, host


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
