"""What a probe asks: one of several kinds of target."""

from collections.abc import Mapping
from typing import Any

from dogwatch.core.probe.dns import DnsTarget
from dogwatch.core.probe.http import HttpTarget
from dogwatch.core.probe.icmp import IcmpTarget
from dogwatch.core.probe.tcp import TcpTarget
from dogwatch.core.probe.tls import TlsTarget
from dogwatch.core.problems import Problem

Target = HttpTarget | TcpTarget | TlsTarget | DnsTarget | IcmpTarget

KINDS: Mapping[str, type[Target]] = {
    one.kind: one for one in (HttpTarget, TcpTarget, TlsTarget, DnsTarget, IcmpTarget)
}


def from_json(data: object) -> Target:
    """Return the target of a JSON object, whose `kind` says which fields it has.

    Raises one `Problem` whose fields name everything that is wrong.
    """
    kind = data.get("kind") if isinstance(data, Mapping) else None
    made = KINDS.get(kind) if isinstance(kind, str) else None
    if made is None or not isinstance(data, Mapping):
        words = f"must be one of {', '.join(KINDS)}"
        raise Problem("invalid", f"kind: {words}", {"kind": words})
    return made.from_json({str(name): value for name, value in data.items() if name != "kind"})


def to_json(target: Target) -> dict[str, Any]:
    """Return the JSON object that `from_json` reads back."""
    return {"kind": target.kind, **target.to_json()}
