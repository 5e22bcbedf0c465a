"""Column types that mean the same in both databases: instants and JSON."""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Dialect, Text
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
decode = json.JSONDecoder().decode


@lru_cache(maxsize=4096)  # a ping writes its time five times, and those of its watch once more
def to_microseconds(at: datetime) -> int:
    """Return the exact microseconds since the epoch; a naive `at` is a ValueError."""
    try:
        return (at - _EPOCH) // _TICK
    except TypeError as error:
        raise ValueError(f"an instant needs a time zone, got {at!r}") from error


@lru_cache(maxsize=4096)  # the times of one watch repeat, and so does each from ping to ping
def from_microseconds(count: int) -> datetime:
    """Return the aware UTC datetime of microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=count)


def microseconds(at: datetime | None) -> int | None:
    """Return the microseconds of an instant, if there is one."""
    return None if at is None else to_microseconds(at)


def instant(count: int | None) -> datetime | None:
    """Return the instant of microseconds, if there is one."""
    return None if count is None else from_microseconds(count)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as a BIGINT of microseconds since the epoch, read in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return microseconds for the driver."""
        return microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return the datetime a row holds."""
        return instant(value)


class Json(TypeDecorator[Any]):
    """Any JSON value as compact text; None is NULL. ASCII alone, so that no text can break it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        """Return the text for the driver."""
        return None if value is None else encode(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:
        """Return the value a row holds."""
        return None if value is None else decode(value)
