"""What an HTTP job asks for, which answers it counts as good, and what a request may not hold."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, TypeGuard
from urllib.parse import SplitResult, urlsplit

from dogwatch.core.masking import secrets_in, secrets_in_body
from dogwatch.core.problems import Problem, refuse
from dogwatch.core.result import Outcome

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MAX_URL = 4096
MAX_BODY = 256 * 1024
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024

# They frame the message or belong to one connection (RFC 9110, section 7.6.1): ours to set.
_FORBIDDEN = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive"}
    | {"upgrade", "te", "trailer", "expect"}
)
# The values of all other headers may be secret, and are not shown.
HARMLESS = frozenset(
    {"accept", "accept-encoding", "accept-language", "cache-control"}
    | {"content-language", "content-type", "user-agent"}
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029\ufeff]")
_NAMED = "must not hold a user name or password"
_STATUS_RANGE = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?", re.ASCII)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpAction:
    """One HTTP request and the statuses ("200-299,301") that count as success."""

    url: str
    method: str = "GET"
    headers: Headers = ()
    body: str = ""
    timeout_s: float = 30
    expected_status: str = "200-299"
    max_redirects: int = 5

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the action of a JSON object; its `headers` are an object or a list of pairs.

        Raises one `Problem` whose fields name everything that is wrong.
        """
        if not isinstance(data, Mapping):
            raise Problem("invalid", "an HTTP action must be a JSON object")
        wrong = {key: "is not a field of an HTTP action" for key in data if key not in _CHECKS}
        for name, check in _CHECKS.items():
            message = check(data[name]) if name in data else None
            if message:
                wrong[name] = message
        if "url" not in data:
            wrong["url"] = "is required"
        if data.get("method") == "HEAD" and data.get("body"):
            wrong["body"] = "a HEAD request has no body"
        refuse(wrong)
        return cls(**{**data, "headers": _pairs(data.get("headers", ())) or ()})

    @property
    def secrets(self) -> set[str]:
        """What an answer may repeat and nobody may read: values of headers, their last words, and
        those of the query and the body that are named so."""
        values = {value for name, value in self.headers if name.lower() not in HARMLESS}
        words = (value.rpartition(" ")[2:] for value in values)
        return values.union(*words, secrets_in(self.url), secrets_in_body(self.body))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads back; headers are a list of pairs."""
        return {
            "url": self.url,
            "method": self.method,
            "headers": [list(pair) for pair in self.headers],
            "body": self.body,
            "timeout_s": self.timeout_s,
            "expected_status": self.expected_status,
            "max_redirects": self.max_redirects,
        }


def judge(action: HttpAction, status_code: int) -> tuple[Outcome, str]:
    """Return the outcome of an answer with this status and the reason in words."""
    if accepts(action.expected_status, status_code):
        return Outcome.OK, f"status {status_code}"
    return Outcome.FAIL, f"expected status {action.expected_status}, got {status_code}"


@lru_cache(maxsize=1024)
def accepts(expected_status: str, status_code: int) -> bool:
    """Say whether a status is among "200-299,301"."""
    return any(low <= status_code <= high for low, high in _ranges(expected_status) or ())


def check_headers(headers: Sequence[tuple[str, str]]) -> str | None:
    """Return what is wrong with a user's headers, or None; the message never repeats a value."""
    if len(headers) > MAX_HEADERS:
        return f"at most {MAX_HEADERS} headers"
    if sum(len(name) + len(value.encode()) for name, value in headers) > MAX_HEADER_BYTES:
        return f"at most {MAX_HEADER_BYTES} bytes of headers"
    return next(filter(None, (check_header(name, value) for name, value in headers)), None)


def check_header(name: str, value: str) -> str | None:
    """Return what is wrong with one request header, or None."""
    if not _TOKEN.fullmatch(name):
        return "a header name may hold letters, digits and marks such as - and _ only"
    if name.lower() in _FORBIDDEN or name.lower().startswith("proxy-"):
        return f"header {name} is set by Dogwatch itself"
    if _CONTROL.search(value):
        return f"header {name} must not hold line breaks or control characters"
    return None


@lru_cache(maxsize=1024)
def check_url(url: str) -> str | None:
    """Return what is wrong with a URL, or None; the URL is never part of the message."""
    if len(url) > MAX_URL:
        return f"must have at most {MAX_URL} characters"
    if _UNSAFE_IN_URL.search(url):
        return "must not hold blanks, control characters or backslashes"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in {"http", "https"}:
        return "must start with http:// or https://"
    if "@" in parts.netloc:
        return _NAMED
    return _check_host(parts, port)


def _check_host(parts: SplitResult, port: int | None) -> str | None:
    if port == 0:
        return "must not use port 0"
    if not parts.hostname:
        return "must name a host"
    if "%" in parts.netloc:
        return "must not hold an encoded host or a zone"
    return None


def _check_method(value: object) -> str | None:
    return None if value in METHODS else f"must be one of {', '.join(METHODS)}"


def _check_url_value(value: object) -> str | None:
    if not _is_text(value):
        return "must be text"
    wrong = check_url(value)
    return f"{wrong}; use an Authorization header" if wrong == _NAMED else wrong


def _check_header_values(value: object) -> str | None:
    pairs = _pairs(value)
    if pairs is None:
        return "must be an object of text values, or a list of [name, value] pairs"
    return check_headers(pairs)


def _check_body(value: object) -> str | None:
    if not _is_text(value):
        return "must be text"
    return None if len(value.encode()) <= MAX_BODY else f"must have at most {MAX_BODY} bytes"


def _check_timeout(value: object) -> str | None:
    return None if _within(value, 1, 300) else "must be a number of seconds from 1 to 300"


def _check_expected_status(value: object) -> str | None:
    if isinstance(value, str) and _ranges(value):
        return None
    return "must be statuses and ranges of them from 100 to 599, such as 200-299,301"


def _check_max_redirects(value: object) -> str | None:
    good = isinstance(value, int) and _within(value, 0, 10)
    return None if good else "must be a whole number from 0 to 10"


_CHECKS: dict[str, Callable[[object], str | None]] = {
    "method": _check_method,
    "url": _check_url_value,
    "headers": _check_header_values,
    "body": _check_body,
    "timeout_s": _check_timeout,
    "expected_status": _check_expected_status,
    "max_redirects": _check_max_redirects,
}


def _within(value: object, low: int, high: int) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and low <= value <= high


def _is_text(value: object) -> TypeGuard[str]:
    """Say whether `value` is text that UTF-8 can hold (JSON allows lone surrogates)."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pairs(value: object) -> Headers | None:
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, list | tuple) or not all(map(_is_pair, pairs)):
        return None
    return tuple((name, text) for name, text in pairs)


def _is_pair(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_text, value))


@lru_cache(maxsize=1024)
def _ranges(text: str) -> list[tuple[int, int]] | None:
    """Return the inclusive ranges of "200-299,301", or None where it cannot be read."""
    matches = [_STATUS_RANGE.fullmatch(part.strip()) for part in text[:200].split(",")]
    ranges = [(int(m[1]), int(m[2] or m[1])) for m in matches if m]
    well_formed = len(ranges) == len(matches) and all(low <= high for low, high in ranges)
    return ranges if well_formed and len(text) <= 200 else None
