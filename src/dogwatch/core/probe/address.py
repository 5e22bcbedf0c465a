"""A target in one address, as people type it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from dogwatch.core.problems import invalid

_WHERE = {"tcp": "tcp://HOST:PORT", "tls": "tls://HOST", "dns": "dns://NAME/TYPE"}
_FORMS = ", ".join(("https://…", *_WHERE.values()))


def target_of(address: str) -> dict[str, Any]:
    """Return the target that an address names, for `from_json` to judge.

    A Problem says of `target.address` which forms there are, where it has none of them.
    """
    kind = address.partition("://")[0].lower()
    if kind in ("http", "https"):
        return {"kind": "http", "url": address}
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        kind = ""
    if kind not in (*_WHERE, "icmp") or not _plain(kind, parts):
        raise invalid("target.address", f"use one of {_FORMS} or icmp://HOST")
    host = parts.hostname or ""
    if kind == "dns":
        return {"kind": kind, "name": host, "type": parts.path.strip("/").upper() or "A"}
    return {"kind": kind, "host": host} | ({} if port is None else {"port": port})


def _plain(kind: str, parts: SplitResult) -> bool:
    """Whether an address says nothing besides host, port and type, which would be left out."""
    more = parts.username, parts.password, parts.query, parts.fragment
    return not any(more) and (kind == "dns" or parts.path in ("", "/"))


def address_of(target: Mapping[str, Any]) -> str:
    """Return the address of a target in JSON, as `target_of` takes it."""
    kind = target["kind"]
    if kind == "http":
        return str(target["url"])
    if kind == "dns":
        return f"dns://{target['name']}/{target['type']}"
    port = f":{target['port']}" if target.get("port") else ""
    return f"{kind}://{target['host']}{port}"
