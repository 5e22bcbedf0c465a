"""The fields that CronOwl takes, one reader each; what it says of a bad one follows its name."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from dogwatch.core.addresses import Network, blocked
from dogwatch.core.http_action import MAX_BODY, check_headers, check_url
from dogwatch.core.http_action import METHODS as KNOWN_METHODS
from dogwatch.core.probe.assertions import MAX_TEXT
from dogwatch.core.probe.fields import is_text
from dogwatch.core.problems import Problem
from dogwatch.core.schedule import parse
from dogwatch.core.schedule.cron import is_cron
from dogwatch.core.schedule.spans import zone_names
from dogwatch.core.spec import NAME_LENGTH, TAG_LENGTH

# In seconds; the order is that of CronOwl's own list.
PRESETS = {
    "every 1 minute": 60,
    "every 2 minutes": 120,
    "every 5 minutes": 300,
    "every 10 minutes": 600,
    "every 15 minutes": 900,
    "every 30 minutes": 1_800,
    "every hour": 3_600,
    "every 2 hours": 7_200,
    "every 6 hours": 21_600,
    "every 12 hours": 43_200,
    "every day": 86_400,
    "every week": 604_800,
}
METHODS = tuple(one for one in KNOWN_METHODS if one in {"GET", "HEAD", "POST", "PUT"})
CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded", "text/plain")
LONGEST_KEY_NAME = 50
MOST_GRACE_MIN = 60
MOST_MS = 31_622_400_000
LEAST_INTERVAL_S, MOST_INTERVAL_S = 1, 31_536_000
MOST_TAGS = 10
LOCAL = ("localhost", ".localhost", ".local", ".internal", ".lan")
INVALID_URL = "must be an http:// or https:// URL"

Reader = Callable[[Any], Any]


def wrong(text: str) -> PydanticCustomError:
    """Return the error of a bad value."""
    return PydanticCustomError("wrong", "{text}", {"text": text})


def or_none(reader: Reader) -> Reader:
    """Return a reader that takes null as well."""
    return lambda value: None if value is None else reader(value)


# --- text --------------------------------------------------------------------------------------


def named(most: int) -> Reader:
    """Return the reader of a name of up to `most` characters on one line."""

    def read(value: Any) -> str:
        name = value.strip() if is_text(value) else ""
        if not 1 <= len(name) <= most or not name.isprintable():
            raise wrong(f"must be text of 1 to {most} characters on one line")
        return name

    return read


def text_of(most: int) -> Reader:
    """Return the reader of any text of up to `most` bytes."""

    def read(value: Any) -> str:
        if not is_text(value) or len(value.encode()) > most:
            raise wrong(f"must be a string of at most {most} bytes")
        return value

    return read


def one_of(words: Iterable[str], told: str) -> Reader:
    """Return the reader of one of some words."""
    known = frozenset(words)

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise wrong(told)
        return value

    return read


def cron_of(value: Any) -> str:
    """Read a cron expression of five fields, or a macro such as @daily."""
    if not is_text(value) or "\n" in value or not is_cron(value.strip()):
        raise wrong("must be a cron expression of five fields")
    try:
        parse(value.strip())
    except Problem as problem:
        raise wrong(f"is not valid: {problem.message.partition(': ')[2]}") from None
    return value.strip()


def zone_of(value: Any) -> str:
    """Read the name of a time zone."""
    if not isinstance(value, str) or value not in zone_names():
        raise wrong("must be an IANA time zone, such as Europe/Berlin or UTC")
    return value


def url_of(value: Any) -> str:
    """Read an http(s) address; the last word on where it leads is that of the connection."""
    if not is_text(value) or check_url(value):
        raise wrong(INVALID_URL)
    return value


def is_inside(url: str, allowed: Iterable[Network]) -> bool:
    """Whether an address names this machine or a private network that is not allowed."""
    host, known = (urlsplit(url).hostname or "").rstrip("."), tuple(allowed)
    try:
        ip_address(host)
    except ValueError:
        return not known and (host == LOCAL[0] or host.endswith(LOCAL[1:]))
    return blocked(host, known) is not None


def tags_of(value: Any) -> tuple[str, ...]:
    """Read tags: those that are text, tidied, and the first ten of them."""
    if not isinstance(value, list):
        raise wrong("must be an array")
    tags = [one.strip().lower() for one in value if isinstance(one, str)]
    tags = list(dict.fromkeys(filter(None, tags)))[:MOST_TAGS]
    if not all(is_text(one) and len(one) <= TAG_LENGTH and one.isprintable() for one in tags):
        raise wrong(f"must hold tags of at most {TAG_LENGTH} characters on one line")
    return tuple(tags)


# --- numbers -----------------------------------------------------------------------------------


def whole(least: int, most: int) -> Reader:
    """Return the reader of a whole number within bounds."""

    def read(value: Any) -> int:
        if not _is_whole(value) or not least <= value <= most:
            raise wrong(f"must be a whole number between {least} and {most}")
        return int(value)

    return read


def clamped(least: int, most: int) -> Reader:
    """Return the reader of a whole number that is brought within bounds."""

    def read(value: Any) -> int:
        if not _is_whole(value):
            raise wrong("must be a whole number")
        return max(least, min(most, int(value)))

    return read


def interval_of(value: Any) -> int:
    """Read the seconds between two askings: too few are raised, as to what the plan allows."""
    if not _is_whole(value) or value > MOST_INTERVAL_S:
        raise wrong(f"must be a whole number of at most {MOST_INTERVAL_S}")
    return max(LEAST_INTERVAL_S, int(value))


def flag_of(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise wrong("must be true or false")
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# --- what a monitor sends and expects -------------------------------------------------------------


def codes_of(value: Any) -> tuple[int, ...]:
    """Read status codes; what is none is left out, but one must be."""
    if not isinstance(value, list):
        raise wrong("must be an array")
    codes = [one for one in value if _is_whole(one) and 100 <= one <= 599]
    if not codes:
        raise wrong("must hold at least one status code from 100 to 599")
    return tuple(dict.fromkeys(codes))


def headers_of(value: Any) -> dict[str, str]:
    """Read the headers whose values are text."""
    if not isinstance(value, dict):
        raise wrong("must be an object")
    headers = {name: text for name, text in value.items() if isinstance(text, str)}
    if not all(is_text(part) for pair in headers.items() for part in pair):
        raise wrong("must hold text that UTF-8 can write")
    if fault := check_headers(list(headers.items())):
        raise wrong(f"cannot be sent: {fault}")
    return headers


ASSERTIONS: dict[str, Reader] = {
    "maxResponseTimeMs": whole(1, MOST_MS),
    "bodyContains": text_of(MAX_TEXT),
    "bodyNotContains": text_of(MAX_TEXT),
}


def assertions_of(value: Any) -> dict[str, Any]:
    """Read assertions by their names; null, or text that is empty, asserts nothing."""
    if not isinstance(value, dict):
        raise wrong("must be an object")
    found: dict[str, Any] = {}
    for name, reader in ASSERTIONS.items():
        if name in value:
            try:
                found[name] = None if value[name] in (None, "") else reader(value[name])
            except PydanticCustomError as error:
                raise wrong(f"is not valid: {name} {error.message()}") from None
    return found


def _schema(kind: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **more})


_TEXT = _schema("string")
_PRESET_TOLD = "must be one of the presets"

KeyName = Annotated[
    str,
    PlainValidator(named(LONGEST_KEY_NAME)),
    _schema("string", minLength=1, maxLength=LONGEST_KEY_NAME),
]
Name = Annotated[
    str, PlainValidator(named(NAME_LENGTH)), _schema("string", minLength=1, maxLength=NAME_LENGTH)
]
Preset = Annotated[
    str, PlainValidator(one_of(PRESETS, _PRESET_TOLD)), _schema("string", enum=list(PRESETS))
]
Cron = Annotated[str, PlainValidator(cron_of), _TEXT]
CronOrNone = Annotated[str | None, PlainValidator(or_none(cron_of)), _schema("string")]
Zone = Annotated[str, PlainValidator(zone_of), _TEXT]
ClampedGrace = Annotated[
    int, PlainValidator(clamped(0, MOST_GRACE_MIN)), _schema("integer", default=5)
]
Grace = Annotated[
    int,
    PlainValidator(whole(0, MOST_GRACE_MIN)),
    _schema("integer", minimum=0, maximum=MOST_GRACE_MIN),
]
_TAGS = _schema("array", items={"type": "string"})
Tags = Annotated[tuple[str, ...], PlainValidator(tags_of), _TAGS]
TagsOrNone = Annotated[tuple[str, ...] | None, PlainValidator(or_none(tags_of)), _TAGS]
_URL = _schema("string", format="uri")
Url = Annotated[str, PlainValidator(url_of), _URL]
Hook = Annotated[
    str | None,
    PlainValidator(lambda value: url_of(value) if value not in (None, "") else None),
    _URL,
]
_DURATION = _schema("integer", minimum=1)
Duration = Annotated[int | None, PlainValidator(or_none(whole(1, MOST_MS))), _DURATION]
Method = Annotated[
    str,
    PlainValidator(one_of(METHODS, f"must be one of {', '.join(METHODS)}")),
    _schema("string", enum=list(METHODS)),
]
Codes = Annotated[
    tuple[int, ...],
    PlainValidator(codes_of),
    _schema("array", items={"type": "integer", "minimum": 100, "maximum": 599}),
]
Timeout = Annotated[int, PlainValidator(clamped(1_000, 30_000)), _schema("integer", default=10_000)]
Interval = Annotated[int, PlainValidator(interval_of), _schema("integer", default=300)]
HeadersSent = Annotated[
    dict[str, str] | None,
    PlainValidator(or_none(headers_of)),
    _schema("object", additionalProperties={"type": "string"}),
]
Body = Annotated[str | None, PlainValidator(or_none(text_of(MAX_BODY))), _TEXT]
ContentType = Annotated[
    str | None,
    PlainValidator(or_none(one_of(CONTENT_TYPES, f"must be one of {', '.join(CONTENT_TYPES)}"))),
    _schema("string", enum=list(CONTENT_TYPES)),
]
Assertions = Annotated[
    dict[str, Any] | None,
    PlainValidator(or_none(assertions_of)),
    _schema(
        "object",
        properties={
            "maxResponseTimeMs": {"type": "integer", "minimum": 1},
            "bodyContains": {"type": "string"},
            "bodyNotContains": {"type": "string"},
        },
    ),
]
Failures = Annotated[int, PlainValidator(clamped(1, 10)), _schema("integer", default=2)]
Flag = Annotated[bool, PlainValidator(flag_of), _schema("boolean")]
