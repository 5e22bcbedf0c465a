"""Signed webhooks as Standard Webhooks 1.0 has them (standardwebhooks.com)."""

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from dogwatch.clock import Clock, SystemClock
from dogwatch.core.alerts import Attempt, Message, Verdict, to_json, verdict_of
from dogwatch.egress import Egress, EgressError, Request, Response
from dogwatch.notify.channel import (
    TIMEOUT_S,
    Settings,
    detail,
    raise_if,
    refuse_unknown,
)

PREFIX = "whsec_"
MOST_SECRETS = 3
_LONGEST_URL = 2048
_ANSWER_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Settings: `url` (shown) and `secrets` (sealed), up to 3 while one replaces another."""

    kind: str = "webhook"
    clock: Clock = field(default_factory=SystemClock)
    timeout_s: float = TIMEOUT_S

    def check(self, settings: Mapping[str, object]) -> Settings:
        """Return the settings, with a fresh secret if none is given, or raise a Problem."""
        wrong: dict[str, str] = {}
        refuse_unknown(settings, frozenset({"url", "secrets"}), wrong)
        if told := _url_fault(settings.get("url")):
            wrong["url"] = told
        given = settings.get("secrets")
        if given is None or given == []:
            given = [new_secret()]
        if told := _secrets_fault(given):
            wrong["secrets"] = told
        raise_if(wrong)
        return Settings(public={"url": settings["url"]}, secret={"secrets": given})

    async def send(
        self, egress: Egress, settings: Mapping[str, object], message: Message, at: datetime
    ) -> Attempt:
        """Post the message once; redirects aren't followed."""
        body = payload(message)
        keys = settings.get("secrets")
        request = Request(
            method="POST",
            url=str(settings["url"]),
            headers=headers(message.delivery_id, at, body, keys if isinstance(keys, list) else []),
            body=body,
            timeout_s=self.timeout_s,
            max_redirects=0,
            max_body_bytes=_ANSWER_BYTES,
        )
        started = self.clock.monotonic()
        try:
            answer = await egress.fetch(request)
        except EgressError as error:
            final = error.kind in ("blocked", "bad_url")
            verdict = Verdict.FAILED if final else Verdict.RETRY
            return Attempt(verdict, None, detail(str(error)), self._since(started))
        return attempt_of(answer, at, self._since(started))

    def _since(self, started: float) -> int:
        return round((self.clock.monotonic() - started) * 1000)


def payload(message: Message) -> bytes:
    """Return the exact bytes that are signed and sent."""
    words = json.dumps(to_json(message), ensure_ascii=False, separators=(",", ":"))
    return words.encode(errors="replace")


def headers(
    delivery_id: str, at: datetime, body: bytes, keys: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Return the headers of one attempt: the id stays over retries, time and signature don't."""
    timestamp = int(at.timestamp())
    signatures = " ".join(sign(key, delivery_id, timestamp, body) for key in keys)
    return (
        ("content-type", "application/json"),
        ("webhook-id", delivery_id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", signatures),
    )


def sign(secret: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """Return "v1,<base64>": HMAC-SHA256 over id.timestamp.body; `timestamp` in Unix seconds."""
    signed = b".".join((delivery_id.encode(), str(timestamp).encode(), body))
    digest = hmac.digest(_key_of(secret), signed, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def new_secret() -> str:
    """Return a fresh signing secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def attempt_of(answer: Response, at: datetime, duration_ms: int) -> Attempt:
    """Judge an answer; what it says in its body is kept for the receipt."""
    said = detail(answer.body.decode("utf-8", "replace"))
    return Attempt(
        verdict=verdict_of(answer.status_code),
        status_code=answer.status_code,
        detail=detail(f"HTTP {answer.status_code} {said}"),
        duration_ms=duration_ms,
        retry_after_s=seconds_asked(_header(answer, "retry-after"), at),
    )


def seconds_asked(value: str | None, at: datetime) -> float | None:
    """Read Retry-After (RFC 9110 10.2.3), seconds or a date, as seconds from `at`."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:10])
    try:
        wanted = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, (wanted.replace(tzinfo=wanted.tzinfo or UTC) - at).total_seconds())


def _header(answer: Response, name: str) -> str | None:
    return next((value for key, value in answer.headers if key.lower() == name), None)


def _url_fault(url: object) -> str | None:
    if not isinstance(url, str) or not url:
        return "give the address that messages are posted to"
    if len(url) > _LONGEST_URL:
        return f"at most {_LONGEST_URL} characters"
    if not url.isascii() or not url.isprintable() or " " in url:
        return "write it in ASCII without spaces"
    try:
        parts = urlsplit(url)
        well_formed = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "not an address"
    if parts.scheme not in ("http", "https") or not well_formed:
        return "must start with https:// or http:// and name a host"
    if "%" in parts.netloc:
        return "the host must not hold a % (an IPv6 zone reaches this machine's own links alone)"
    return "must not hold a user name or password" if "@" in parts.netloc else None


def _secrets_fault(given: object) -> str | None:
    if not isinstance(given, list) or len(given) > MOST_SECRETS:
        return f"give a list of at most {MOST_SECRETS} secrets"
    if all(isinstance(secret, str) and _is_secret(secret) for secret in given):
        return None
    return f"a secret is {PREFIX} and the base64 of 24 to 64 bytes"


def _is_secret(secret: str) -> bool:
    try:
        return secret.startswith(PREFIX) and 24 <= len(_key_of(secret)) <= 64
    except (binascii.Error, ValueError):
        return False


def _key_of(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
