"""The JSON and signatures of webhooks: Standard Webhooks 1.0, and those of each dialect.

A receiver written for one of the five products reads what it always read; where a product's own
documents say nothing, the comment says what we do.
"""

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dogwatch.core.alerts import Event
from dogwatch.core.instants import iso, iso_s
from dogwatch.core.message import Item, Message, snoozing, subject, tail

Json = dict[str, Any]
Headers = tuple[tuple[str, str], ...]
Signer = Callable[[Message, datetime, bytes, Sequence[str]], Headers]

PREFIX = "whsec_"
_JSON = ("content-type", "application/json")


@dataclass(frozen=True, slots=True)
class Format:
    """How a webhook is worded and signed; `signed`: whether it has a secret at all."""

    payload: Callable[[Message], Json]
    headers: Signer
    signed: bool = True


# --- Standard Webhooks ------------------------------------------------------------------------


def standard(message: Message) -> Json:
    """Return our own body; keys are only ever added.

    `{"type": "watch.down" | "watch.recovered" | …, "timestamp": since_at, "data": {...}}`; times
    are RFC 3339 in UTC, what is unknown is null. Of a group, `others` tells all but the first.
    """
    first = message.first
    data = {
        "delivery_id": message.delivery_id,
        "event": str(message.event),
        "rehearsal": message.rehearsal,
        "workspace": message.workspace,
        **_facts(first),
        "output_tail": tail(first.output_tail),
        "count": message.count,
        "others": [{"event": str(item.event), **_facts(item)} for item in message.items[1:]],
        "also_down": {
            "names": list(message.also_down),
            "count": message.also_down_count,
            "since_at": iso(message.also_down_since_at),
            "tags": list(message.also_down_tags),
        },
        "acknowledge_url": message.ack_url or None,
        "snooze_url": snoozing(message.ack_url) or None,
    }
    if message.note:
        data["note"] = {"subject": message.note.subject, "text": message.note.text}
    return {"type": f"watch.{message.event}", "timestamp": iso(first.since_at), "data": data}


def _facts(item: Item) -> Json:
    return {
        "watch": {
            "id": item.watch_id,
            "slug": item.slug,
            "name": item.name,
            "tags": list(item.tags),
            "url": item.url,
        },
        "status": item.status,
        "previous_status": item.previous_status,
        "since_at": iso(item.since_at),
        "expected_at": iso(item.expected_at),
        "reason": item.reason,
        "last_ok_at": iso(item.last_ok_at),
        "last_ok_ms": item.last_ok_ms,
        "about": item.about,
        "duration_ms": item.duration_ms,
        "down_for_s": item.down_for_s,
    }


def standard_headers(message: Message, at: datetime, body: bytes, keys: Sequence[str]) -> Headers:
    """Return the headers of one attempt: the id stays over retries, time and signature don't."""
    timestamp = int(at.timestamp())
    signatures = " ".join(sign(key, message.delivery_id, timestamp, body) for key in keys)
    return (
        _JSON,
        ("webhook-id", message.delivery_id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", signatures),
    )


def sign(secret: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """Return "v1,<base64>": HMAC-SHA256 over id.timestamp.body; `timestamp` in Unix seconds."""
    signed = b".".join((delivery_id.encode(), str(timestamp).encode(), body))
    digest = hmac.digest(key_of(secret), signed, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def key_of(secret: str) -> bytes:
    """Return the bytes of a `whsec_` secret."""
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


def _hex(secret: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), body, "sha256").hex()


def _repeat(message: Message) -> tuple[str, str]:
    """Return the header by which a receiver knows a repeat; no product has one of its own."""
    return ("idempotency-key", message.delivery_id)


# --- CronMonitor: "Webhooks" of its API documents -----------------------------------------------


def cronmonitor(message: Message) -> Json:
    """Return `monitor.failed` or `monitor.recovered` as published; a test is a recovery."""
    item = message.first
    if item.event in {Event.RECOVERED, Event.TEST}:
        return {
            "event": "monitor.recovered",
            "monitor": {"id": _id(item), "name": item.name, "status": "up"},
            "recovered_at": iso_s(item.since_at),
            "downtime_duration": _downtime_s(item),
        }
    monitor = {
        "id": _id(item),
        "name": item.name,
        "schedule": item.schedule,
        "status": "down",
    }
    return {
        "event": "monitor.failed",
        "monitor": monitor,
        "last_ping_at": iso_s(item.last_ok_at),
        "expected_at": iso_s(item.expected_at),
        "failed_at": iso_s(_failed_at(item)),
        "grace_period": item.grace_s,
    }


def _downtime_s(item: Item) -> int:
    """Return the seconds between the times of both messages, which tell whole ones."""
    failed_at = item.since_at - timedelta(seconds=item.down_for_s or 0)
    down_for = item.since_at.replace(microsecond=0) - failed_at.replace(microsecond=0)
    return down_for // timedelta(seconds=1)


def _failed_at(item: Item) -> datetime:
    """Return when silence ran out, as published; for a failure, when that came."""
    if item.expected_at is None:
        return item.since_at
    return min(item.since_at, item.expected_at + timedelta(seconds=item.grace_s or 0))


def cronmonitor_headers(
    message: Message, at: datetime, body: bytes, keys: Sequence[str]
) -> Headers:
    """Return the published signature: lower-case hex over the bytes that are sent."""
    del at
    signed = [("x-cronmonitor-signature", f"sha256={_hex(key, body)}") for key in keys[:1]]
    return (_JSON, *signed, _repeat(message))


# --- CronOwl: TECHNICAL.md of its server; unsigned --------------------------------------------

_OWL = {Event.RECOVERED: ("check.recovery", "http_monitor.up")}
_OWL |= {Event.DOWN: ("check.down", "http_monitor.down"), Event.TEST: _OWL[Event.RECOVERED]}
_OWL_SLOW = ("check.slow", "http_monitor.degraded")


def cronowl(message: Message) -> Json:
    """Return the body of a check, or of an HTTP monitor for what we probe."""
    item = message.first
    about = {"httpMonitor": _owl_monitor(item)} if item.target else {"check": _owl_check(item)}
    words: Json = {
        "event": _owl_event(item),
        **about,
        "timestamp": iso(item.since_at),
        "message": subject(message),
    }
    if item.duration_ms is not None:
        words["duration"] = item.duration_ms
    if item.slow_after_ms is not None:
        words["maxDuration"] = item.slow_after_ms
    return words


def _owl_event(item: Item) -> str:
    return _OWL.get(item.event, _OWL_SLOW)[bool(item.target)]


def _owl_check(item: Item) -> Json:
    slug = item.alias.ping_key if item.alias else item.slug
    status = "up" if item.status == "degraded" else item.status  # its checks know no other state
    return {"id": _id(item), "name": item.name, "slug": slug, "status": status}


def _owl_monitor(item: Item) -> Json:
    return {
        "id": _id(item),
        "name": item.name,
        "url": item.target,
        "status": item.status,
        "statusCode": item.status_code,
        "responseTimeMs": item.duration_ms,
    }


def cronowl_headers(message: Message, at: datetime, body: bytes, keys: Sequence[str]) -> Headers:
    """Return its headers: the event, no signature."""
    del at, body, keys
    event = ("x-cronowl-event", _owl_event(message.first))
    return (_JSON, ("user-agent", "CronOwl/1.0"), event, _repeat(message))


# --- CronBeats: its documents name a header as an example, and no body --------------------------


def cronbeats(message: Message) -> Json:
    """Return a body in the manner of its API: snake_case, `job_key`, its words for a state."""
    item = message.first
    return {
        "event": f"job.{_BEATS.get(item.event, 'down')}",
        "job": _beats_job(item),
        "message": subject(message),
        "reason": item.reason,
        "last_ping_at": iso_s(item.last_ok_at),
        "next_expected_at": iso_s(item.expected_at),
        "timestamp": iso_s(item.since_at),
    }


_BEATS = {Event.RECOVERED: "recovery", Event.TEST: "test"}


def _beats_job(item: Item) -> Json:
    known = {"id": item.alias.number, "job_key": item.alias.ping_key} if item.alias else {}
    status = "down" if item.status == "down" else "healthy"
    return {"id": None, "job_key": item.slug, **known, "name": item.name, "status": status}


def hex_headers(message: Message, at: datetime, body: bytes, keys: Sequence[str]) -> Headers:
    """Return `X-Webhook-Signature`: hex HMAC-SHA256 of the body, left out without a secret."""
    del at
    return (
        _JSON,
        *[("x-webhook-signature", _hex(key, body)) for key in keys[:1]],
        _repeat(message),
    )


# --- Cronium: the names of its message templates, signed as it wants its own webhooks signed ----


def cronium(message: Message) -> Json:
    """Return `event` with the names that its templates give to `cronium.event`."""
    item = message.first
    good = item.event in {Event.RECOVERED, Event.TEST}
    return {
        "event": {
            "id": _id(item),
            "name": item.name,
            "status": "SUCCESS" if good else "FAILURE",
            "duration": item.duration_ms,
            "executionTime": iso(item.since_at),
            "server": None,
            "output": tail(item.output_tail),
            "error": None if good else item.reason,
        },
        "message": subject(message),
        "timestamp": iso(item.since_at),
    }


def cronium_headers(message: Message, at: datetime, body: bytes, keys: Sequence[str]) -> Headers:
    """Return `X-Webhook-Signature: sha256=hex` over the body, and `X-Webhook-Timestamp`."""
    signed = [("x-webhook-signature", f"sha256={_hex(key, body)}") for key in keys[:1]]
    timestamp = ("x-webhook-timestamp", str(int(at.timestamp())))
    return (_JSON, *signed, timestamp, _repeat(message))


# --- CronPulse: publishes no webhook -----------------------------------------------------------


def cronpulse(message: Message) -> Json:
    """Return a job with the keys of its API: camelCase, `lastStatus`, `lastActivityAt`."""
    item = message.first
    good = item.event in {Event.RECOVERED, Event.TEST}
    failed = "missed" if item.expected_at else "failed"
    return {
        "event": f"job.{_PULSE.get(item.event, failed)}",
        "job": {
            "id": _id(item),
            "name": item.name,
            "lastStatus": "success" if good else failed,
            "lastActivityAt": iso_s(item.last_ok_at),
        },
        "message": subject(message),
        "timestamp": iso_s(item.since_at),
    }


_PULSE = {Event.RECOVERED: "recovered", Event.TEST: "test"}


def _id(item: Item) -> str:
    """Return the id by which the product's own API knows the watch, else ours."""
    return item.alias.name if item.alias else item.watch_id


FORMATS: Mapping[str, Format] = {
    "standard": Format(standard, standard_headers),
    "cronmonitor": Format(cronmonitor, cronmonitor_headers),
    "cronowl": Format(cronowl, cronowl_headers, signed=False),
    "cronbeats": Format(cronbeats, hex_headers),
    "cronium": Format(cronium, cronium_headers),
    "cronpulse": Format(cronpulse, hex_headers),
}
