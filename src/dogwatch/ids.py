"""Identifiers: sortable ones for rows, random ones for what must not be guessed."""

import secrets
from datetime import datetime

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_id(at: datetime) -> str:
    """Return a ULID in lower case: 26 characters that sort by `at`, 80 random bits."""
    return _letters(int(at.timestamp() * 1000), 5) + _letters(secrets.randbits(80), 8)


def _letters(number: int, pairs: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(10 * pairs - 10, -1, -10)])


def new_ids(at: datetime, count: int) -> list[str]:
    """Return ids of one moment, in order: those of single calls have none among each other."""
    return sorted(new_id(at) for _ in range(count))


def new_token(bits: int) -> str:
    """Return a base62 secret with at least `bits` random bits."""
    return new_text(_BASE62, -(-bits * 1000 // 5954))


def new_text(letters: str, length: int) -> str:
    """Return so many characters, each drawn from `letters`."""
    return "".join(secrets.choice(letters) for _ in range(length))
