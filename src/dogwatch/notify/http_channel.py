"""A channel over HTTP: one request, and the service's answer in words."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

from dogwatch.clock import Clock, SystemClock
from dogwatch.core.alerts import Attempt, Verdict
from dogwatch.core.masking import secrets_in
from dogwatch.core.message import Message
from dogwatch.core.plain import one_line
from dogwatch.egress import Egress, EgressError, Request, Response
from dogwatch.notify.channel import TIMEOUT_S, Settings, detail
from dogwatch.notify.fields import Field, judged

ANSWER_BYTES = 16_384
_SECRET_LENGTH = 6
_WORD = re.compile("[a-z]{1,11}")  # of an address, such as services
_TRY_LATER = frozenset({408, 425, 429})
# Where services put the words of their refusals.
_WORDS = (
    "description", "message", "error", "errors", "reason", "detail", "errcode", "code", "result",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HttpChannel(ABC):
    """What channels of one HTTP request share; a channel says its settings, request and hints.

    `base` stands for the service's own address in tests.
    """

    base: str = ""
    clock: Clock = field(default_factory=SystemClock)
    timeout_s: float = TIMEOUT_S

    kind: ClassVar[str]
    label: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]
    # What a word in a refusal means to whoever set the channel up.
    hints: ClassVar[Mapping[str, str]] = {}

    def check(self, settings: Mapping[str, object]) -> Settings:
        """Return a user's settings split and completed, or raise a Problem of all bad fields."""
        return judged(self.fields, settings)

    @abstractmethod
    def request(self, settings: Mapping[str, Any], message: Message, at: datetime) -> Request:
        """Return the request of one attempt."""

    def verdict(self, answer: Response) -> Verdict:
        """Judge an answer; services that refuse with 200 say so here."""
        return verdict_of_service(answer.status_code)

    async def send(
        self, egress: Egress, settings: Mapping[str, object], message: Message, at: datetime
    ) -> Attempt:
        """Ask once; redirects aren't followed, as secrets are in the request."""
        started = self.clock.monotonic()
        try:
            asked = replace(self.request(settings, message, at), timeout_s=self.timeout_s)
            answer = await egress.fetch(asked)
        except EgressError as error:
            return self._unanswered(error, started)
        verdict = self.verdict(answer)
        return Attempt(
            verdict=verdict,
            status_code=answer.status_code,
            detail=self.told(answer, verdict, self.hidden(settings, message)),
            duration_ms=self._since(started),
            retry_after_s=wait_asked(answer, at),
        )

    def _unanswered(self, error: EgressError, started: float) -> Attempt:
        final = error.kind in ("blocked", "bad_url")
        verdict = Verdict.FAILED if final else Verdict.RETRY
        return Attempt(verdict, None, detail(f"{self.label}: {error}"), self._since(started))

    def _since(self, started: float) -> int:
        return round((self.clock.monotonic() - started) * 1000)

    def told(self, answer: Response, verdict: Verdict, hidden: Sequence[str]) -> str:
        """Return the answer in words, without what is hidden, with a hint where we know one."""
        said = without_secrets(said_by(answer), hidden)
        words = f"{self.label} said: {said or f'HTTP {answer.status_code}'}"
        hint = None if verdict is Verdict.SENT else self._hint(answer.status_code, said)
        return detail(f"{words} ({hint})" if hint else words)

    def _hint(self, status_code: int, said: str) -> str | None:
        lowered = said.lower()
        found = (hint for mark, hint in self.hints.items() if mark.lower() in lowered)
        return next(found, None) or self.hints.get(str(status_code)) or _GENERAL.get(status_code)

    def hidden(self, settings: Mapping[str, object], message: Message) -> list[str]:
        """Return what an answer may repeat and not everybody may read who reads answers: secrets,
        addresses, and the code of the link that acknowledges."""
        given = [(one, str(settings[one.name])) for one in self.fields if settings.get(one.name)]
        sent = [text for one, text in given if one.address or (one.secret and not one.signs)]
        inside = [part for text in sent for part in secrets_in(text)]
        inside.append(message.ack_url.rpartition("/")[2])
        return sent + [part for part in inside if len(part) >= _SECRET_LENGTH]


_GENERAL: Mapping[int, str] = {
    401: "the key or token is wrong or was withdrawn",
    403: "the key or token does not allow this",
    404: "there is nothing at this address; was it removed?",
    429: "too many messages; it is tried again later",
    **dict.fromkeys((301, 302, 303, 307, 308), "redirects aren't followed; give the new address"),
}


def post(url: str, words: Mapping[str, Any], message: Message, **headers: str) -> Request:
    """Return a POST of JSON; a receiver knows a repeat by its idempotency key."""
    return Request(
        method="POST",
        url=url,
        headers=(
            ("content-type", "application/json"),
            ("idempotency-key", message.delivery_id),
            *((name.replace("_", "-"), value) for name, value in headers.items()),
        ),
        body=encoded(words),
        max_redirects=0,
        max_body_bytes=ANSWER_BYTES,
    )


def encoded(words: Mapping[str, Any]) -> bytes:
    """Return JSON in UTF-8; half characters become question marks."""
    return json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def verdict_of_service(status_code: int) -> Verdict:
    """Judge a service's answer: 4xx is final but for "later", 5xx and redirects are not."""
    if 200 <= status_code < 300:
        return Verdict.SENT
    if status_code == 410:
        return Verdict.DISABLE
    final = 400 <= status_code < 500 and status_code not in _TRY_LATER
    return Verdict.FAILED if final else Verdict.RETRY


def json_of(answer: Response) -> Any:
    """Return the answer's JSON, {} if it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}


def said_by(answer: Response) -> str:
    """Return what a service said, as one plain line: its text, or the words in its JSON.

    All of it: the beginning of a secret would be found no more.
    """
    body = json_of(answer)
    if isinstance(body, dict | list) and body:
        return one_line("; ".join(dict.fromkeys(_told(body))), ANSWER_BYTES)
    return line_of(answer)


def line_of(answer: Response) -> str:
    """Return all of an answer as one plain line."""
    return one_line(answer.body.decode("utf-8", "replace"), ANSWER_BYTES)


def _told(answer: Any) -> Iterator[str]:
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, list):
        for one in answer[:5]:
            yield from _told(one)
    elif isinstance(answer, dict):
        for name in _WORDS:
            value = answer.get(name)
            yield from [f"code {value}"] if isinstance(value, int) else _told(value)


def without_secrets(words: str, secrets: Sequence[str]) -> str:
    """Return words in which no secret stands, nor a part of a secret address, were it echoed."""
    parts = {part for secret in secrets for part in _parts(secret)}
    for part in sorted(parts, key=len, reverse=True):
        words = words.replace(part, "***")
    return words


def _parts(secret: str) -> Iterator[str]:
    yield secret
    _, scheme, rest = secret.partition("://")
    if scheme:
        path = re.split(r"[/?&=]", rest)[1:]
        yield from (one for one in path if len(one) >= _SECRET_LENGTH and not _WORD.fullmatch(one))


def wait_asked(answer: Response, at: datetime) -> float | None:
    """Return the seconds a service asks to wait, in Retry-After or, as some do, in JSON."""
    asked = seconds_asked(header(answer, "retry-after"), at)
    if asked is not None or answer.status_code != 429:
        return asked
    body = json_of(answer)
    if not isinstance(body, dict):
        return None
    inner = body.get("parameters")
    told = inner if isinstance(inner, dict) else body
    if isinstance(milliseconds := told.get("retry_after_ms"), int | float):
        return max(0.0, milliseconds / 1000)
    seconds = told.get("retry_after")
    return max(0.0, float(seconds)) if isinstance(seconds, int | float) else None


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


def header(answer: Response, name: str) -> str | None:
    """Return the first header of this lower-case name."""
    return next((value for key, value in answer.headers if key.lower() == name), None)
