"""Identifiers: sortable ones for rows, random ones for what must not be guessed."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_DRAWN = 16
_LETTER = _CROCKFORD.encode() * 8  # for each byte: five of its bits count
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_id(at: datetime) -> str:
    """Return a ULID in lower case: 26 characters that sort by `at`, 80 random bits."""
    return ids_of([at])[0]


def ids_of(times: Sequence[datetime]) -> list[str]:
    """Return an id for each time; all their random bits are drawn at once."""
    drawn = secrets.token_bytes(_DRAWN * len(times)).translate(_LETTER).decode()
    return [
        _moment(int(at.timestamp() * 1000)) + drawn[first : first + _DRAWN]
        for at, first in zip(times, range(0, len(drawn), _DRAWN), strict=True)
    ]


def first_of(at: datetime) -> str:
    """Return what sorts before all ids of a time, and behind those of earlier ones."""
    return _moment(int(at.timestamp() * 1000))


@lru_cache(maxsize=64)  # the pings of a batch came in a few milliseconds
def _moment(at_ms: int) -> str:
    return "".join([_CROCKFORD[at_ms >> shift & 31] for shift in range(45, -1, -5)])


def new_ids(at: datetime, count: int) -> list[str]:
    """Return ids of one moment, in order: those of single calls have none among each other."""
    return sorted(ids_of([at] * count))


def new_token(bits: int) -> str:
    """Return a base62 secret with at least `bits` random bits."""
    return new_text(_BASE62, -(-bits * 1000 // 5954))


def new_text(letters: str, length: int) -> str:
    """Return so many characters, each drawn from `letters`."""
    return "".join(secrets.choice(letters) for _ in range(length))
