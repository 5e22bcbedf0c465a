"""Webhooks: signed as Standard Webhooks 1.0 has it, or in the format of one of the dialects."""

import base64
import binascii
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from dogwatch.core.alerts import Verdict, verdict_of
from dogwatch.core.message import Message
from dogwatch.core.problems import refuse
from dogwatch.egress import Request, Response
from dogwatch.notify.channel import detail
from dogwatch.notify.fields import Field, Settings, address, faults, one_of
from dogwatch.notify.formats import FORMATS, PREFIX, key_of
from dogwatch.notify.http_channel import HttpChannel, encoded, line_of, post, without_secrets

MOST_SECRETS = 3
_LONGEST_SECRET = 64


class WebhookChannel(HttpChannel):
    """Settings: `url`, `format` (shown); `secrets` (sealed), 3 while one replaces another."""

    __slots__ = ()
    kind: ClassVar[str] = "webhook"
    label: ClassVar[str] = "Webhook"
    fields: ClassVar[tuple[Field, ...]] = (
        Field(
            "url", "Where JSON is posted to.", address, "https://hooks.example.org/in", address=True
        ),
        Field(
            "format",
            "The JSON and its signature: Standard Webhooks, or that of another product.",
            one_of(*FORMATS),
            "standard",
            default="standard",
            choices=tuple(FORMATS),
        ),
        Field(
            "secrets",
            "Signing secrets, whsec_…; one is made where there is none.",
            lambda value: None if isinstance(value, list) else "give a list of secrets",
            [PREFIX + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            secret=True,
            optional=True,
            signs=True,
            many=True,
        ),
    )

    def check(self, settings: Mapping[str, object]) -> Settings:
        """Return the settings, with a fresh secret if none is given, or raise a Problem."""
        split, wrong = faults(self.fields, settings)
        form = FORMATS.get(str(split.public["format"]), FORMATS["standard"])
        secret = split.secret.get("secrets") or [new_secret()]
        judge = _standard_fault if form is FORMATS["standard"] else _plain_fault
        if fault := judge(secret):
            wrong.setdefault("secrets", fault)
        refuse(wrong)
        return Settings(split.public, {"secrets": secret if form.signed else []})

    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt, signed now."""
        form = FORMATS[settings.get("format") or "standard"]
        body = encoded((FORMATS["standard"] if message.note else form).payload(message))
        keys = settings.get("secrets") or []
        made = post(str(settings["url"]), {}, message)
        headers = form.headers(message, at, body, keys)
        return replace(made, headers=headers, body=body)

    def verdict(self, answer: Response) -> Verdict:
        """Judge an answer as Standard Webhooks does: whatever isn't a 2xx is tried again."""
        return verdict_of(answer.status_code)

    def told(self, answer: Response, verdict: Verdict, hidden: Sequence[str]) -> str:
        """Return the status and the receiver's own words, whatever it is."""
        del verdict
        said = without_secrets(line_of(answer), hidden)
        return detail(f"HTTP {answer.status_code} {said}")


def new_secret() -> str:
    """Return a fresh signing secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _standard_fault(given: object) -> str | None:
    if not isinstance(given, list) or len(given) > MOST_SECRETS:
        return f"give a list of at most {MOST_SECRETS} secrets"
    if all(isinstance(secret, str) and _is_secret(secret) for secret in given):
        return None
    return f"a secret is {PREFIX} and the base64 of 24 to 64 bytes"


def _plain_fault(given: object) -> str | None:
    """Judge the one secret of a dialect: any text of up to 64 characters."""
    match given:
        case [str(secret)] if 1 <= len(secret) <= _LONGEST_SECRET and secret.isprintable():
            return None
    return f"give one secret of 1 to {_LONGEST_SECRET} characters"


def _is_secret(secret: str) -> bool:
    try:
        return secret.startswith(PREFIX) and 24 <= len(key_of(secret)) <= 64
    except (binascii.Error, ValueError):
        return False
