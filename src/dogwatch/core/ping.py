"""A ping as it was heard: what its path and query say, and what is kept of its body."""

import codecs
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import parse_qsl

from dogwatch.core.data import data

RID_LENGTH = 64
SPOOL_AGE = timedelta(days=7)
_MS = timedelta(milliseconds=1)

_KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
_SLUG = re.compile(r"[a-z0-9_-]{1,64}")
_NUMBER = re.compile(r"-?[0-9]+")
_PREFIX = "/ping/"


class Kind(StrEnum):
    """What the ping reports."""

    OK = "ok"
    START = "start"
    FAIL = "fail"
    LOG = "log"


class Answer(StrEnum):
    """What became of a ping: `created` made its watch first, `ambiguous` means several share it."""

    RECORDED = "recorded"
    CREATED = "created"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"


@data(kw_only=True)
class _Said:
    """Whom a ping is for and what it says: `key`, or `workspace_key` with `slug`.

    `create` makes the watch first where there is none; `to_all`: every channel hears of that one.
    `duration_ms` and `progress` (percent) are the sender's word.
    """

    key: str = ""
    workspace_key: str = ""
    slug: str = ""
    create: bool = False
    to_all: bool = False
    kind: Kind = Kind.OK
    exit_code: int | None = None
    rid: str | None = None
    duration_ms: int | None = None
    progress: int | None = None


@data(kw_only=True)
class Target(_Said):
    """What the address and the words of a ping say, before its body is looked at.

    `at` is the original time a spooled ping claims, not yet judged; see `heard_at`. `text` takes
    the place of the body where a dialect has its message elsewhere.
    """

    at: datetime | None = None
    text: str | None = None

    def heard(
        self, *, body: str, body_bytes: int, method: str, user_agent: str, at: datetime,
        scheme: str = "http", remote_ip: str = "",
    ) -> "Heard":  # fmt: skip
        """Return the ping that says this, with what is known of it besides."""
        return Heard(
            key=self.key,
            workspace_key=self.workspace_key,
            slug=self.slug,
            create=self.create,
            to_all=self.to_all,
            kind=self.kind,
            exit_code=self.exit_code,
            rid=self.rid,
            duration_ms=self.duration_ms,
            progress=self.progress,
            body=body,
            body_bytes=body_bytes,
            method=method,
            scheme=scheme,
            user_agent=user_agent,
            remote_ip=remote_ip,
            at=at,
        )


@data(kw_only=True)
class Heard(_Said):
    """One ping that arrived: `body` is what was kept of it, `body_bytes` the size received."""

    body: str = ""
    body_bytes: int = 0
    method: str = "GET"
    scheme: str = "http"
    user_agent: str = ""
    remote_ip: str = ""
    at: datetime


class Beat(NamedTuple):
    """What tells how long a run took, of one of its pings."""

    at: datetime
    kind: str
    rid: str | None


def durations_ms(beats: Sequence[Beat]) -> list[int | None]:
    """Return, for each ping in the order of arrival, how long the run took that it ended: since
    the last start of its rid, or without one, that nothing else has ended. Else None."""
    begun: dict[str | None, datetime] = {}
    took: list[int | None] = []
    for beat in beats:
        start_at = begun.pop(beat.rid, None) if beat.kind in (Kind.OK, Kind.FAIL) else None
        took.append(None if start_at is None else max(0, (beat.at - start_at) // _MS))
        if beat.kind == Kind.START:
            begun[beat.rid] = beat.at
    return took


class _Report(NamedTuple):
    kind: Kind
    exit_code: int | None = None


_REPORTS = {
    "start": _Report(Kind.START),
    "fail": _Report(Kind.FAIL),
    "log": _Report(Kind.LOG),
    **{str(code): _Report(Kind.FAIL if code else Kind.OK, code) for code in range(256)},
}

NOWHERE = Target(key="-")
"""A target no watch can have (its key is too short): it keeps a bad path as slow as a wrong one."""


def read_path(path: str, query: bytes) -> Target | None:
    """Read the path of a ping; None where it names nothing that could exist.

    `/ping/{key}`, `/ping/{workspace key}/{slug}`, each with `/start`, `/fail`, `/log` or an exit
    status 0-255 behind it. In the second place those words win over a slug of that name; any
    other number there (`256`, `007`, `-1`) is an error, so that no slip can create a watch "256".
    """
    parts = path.removeprefix(_PREFIX).removesuffix("/").split("/")
    if not path.startswith(_PREFIX) or not _KEY.fullmatch(parts[0]):
        return None
    match parts[1:]:
        case []:
            return _by_key(parts[0], _Report(Kind.OK), query)
        case [word] if word in _REPORTS:
            return _by_key(parts[0], _REPORTS[word], query)
        case [slug] if _SLUG.fullmatch(slug) and not _NUMBER.fullmatch(slug):
            return _by_slug(parts[0], slug, _Report(Kind.OK), query)
        case [slug, word] if _SLUG.fullmatch(slug) and word in _REPORTS:
            return _by_slug(parts[0], slug, _REPORTS[word], query)
        case _:
            return None


def _by_key(key: str, report: _Report, query: bytes) -> Target:
    asked = _asked(query)
    return Target(
        key=key,
        kind=report.kind,
        exit_code=report.exit_code,
        rid=_rid(asked),
        at=_claimed_at(asked.get("at", "")),
    )


def _by_slug(workspace_key: str, slug: str, report: _Report, query: bytes) -> Target:
    asked = _asked(query)
    return Target(
        workspace_key=workspace_key,
        slug=slug,
        create=asked.get("create") == "1",
        kind=report.kind,
        exit_code=report.exit_code,
        rid=_rid(asked),
        at=_claimed_at(asked.get("at", "")),
    )


def _asked(query: bytes) -> dict[str, str]:
    """Return the first value of each parameter; bytes that mean nothing are replaced."""
    if not query:
        return {}
    return dict(reversed(parse_qsl(query.decode("latin-1"))))


def _rid(asked: dict[str, str]) -> str | None:
    rid = asked.get("rid", "")
    return rid if rid.isprintable() and 1 <= len(rid) <= RID_LENGTH else None


def _claimed_at(text: str) -> datetime | None:
    """Read epoch seconds or an ISO 8601 time (UTC where it names no zone)."""
    if not text or not text.isascii():
        return None
    zone_kept = "+".join(text.rsplit(" ", 1))  # a "+" nobody escaped arrives as a space
    for reading in (_epoch, datetime.fromisoformat):
        for form in (text, zone_kept):
            try:
                at = reading(form)
                return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
            except (ValueError, OverflowError, OSError):
                continue
    return None


def _epoch(text: str) -> datetime:
    return datetime.fromtimestamp(float(text), UTC)


def heard_at(claimed_at: datetime | None, now: datetime) -> datetime:
    """Return the original time of a spooled ping, or `now` where it is in the future or stale."""
    if claimed_at is None or not now - SPOOL_AGE <= claimed_at <= now:
        return now
    return claimed_at


class Collector:
    """Takes a body of any size and holds at most three times `limit` bytes of it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, piece: bytes) -> None:
        """Take the next piece."""
        self.total += len(piece)
        room = self._limit - len(self._head)
        self._head += piece[:room]
        self._tail += piece[max(room, len(piece) - self._limit) :]
        if len(self._tail) > 2 * self._limit:
            del self._tail[: len(self._tail) - self._limit]

    def text(self, limit: int | None = None) -> str:
        """Return what is kept of everything taken, of `limit` bytes where that is less."""
        limit = self._limit if limit is None else limit
        return keep(bytes(self._head + self._tail), limit, self.total)


def keep(body: bytes, limit: int, total: int) -> str:
    """Return `body` as text: all of it, or its head and tail of `limit` bytes together.

    `total` is the size received, of which `body` holds at least head and tail. Cuts fall between
    characters; a line between head and tail says how many bytes are gone. Bytes that are not
    UTF-8, and NUL, which PostgreSQL's text cannot hold, become U+FFFD.
    """
    if total <= len(body) <= limit:
        return storable(body.decode("utf-8", "replace"))
    room = max(0, min(limit, len(body)))
    head = body[: room - room // 2]
    tail = _from_character(body[len(body) - room // 2 :])
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(head)
    dropped = total - len(head) + len(decoder.getstate()[0]) - len(tail)
    return storable(f"{text}\n[{dropped} bytes dropped]\n{tail.decode('utf-8', 'replace')}")


def _from_character(tail: bytes) -> bytes:
    """Drop what is left of a character cut in two: at most three continuation bytes."""
    cut = 0
    while cut < min(3, len(tail)) and tail[cut] & 0xC0 == 0x80:
        cut += 1
    return tail[cut:]


def storable(text: str) -> str:
    """Return text without NUL and half characters, which no database keeps."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
