"""What the fields of Cronium may hold, in every spelling that its versions had."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from dogwatch.web.dialect.text import LINES, ONE_LINE

TYPES = ("BASH", "PYTHON", "NODEJS", "HTTP_REQUEST")
STATUSES = ("DRAFT", "ACTIVE", "PAUSED", "ARCHIVED")
UNITS: Mapping[str, int] = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3600, "DAYS": 86400}
MOST = 1_000_000_000
_UNKEPT = re.compile("[\0\ud800-\udfff]")


class Sent(BaseModel):
    """What is sent; names that mean nothing are passed over, as they were."""

    model_config = ConfigDict(
        extra="ignore", alias_generator=to_camel, populate_by_name=True, validate_default=False
    )


def fault(text: str) -> PydanticCustomError:
    """Return what says a fault in our own words."""
    return PydanticCustomError("dogwatch", "{text}", {"text": text})


def choice(*names: str, also: Mapping[str, str] | None = None) -> BeforeValidator:
    """Return what takes one of these names in whatever case; `also` maps others to them."""
    others = also or {}

    def chosen(value: Any) -> str:
        name = value.upper() if isinstance(value, str) else ""
        name = others.get(name, name)
        if name not in names:
            raise fault(f"must be one of: {', '.join(filter(None, names))}")
        return name

    return BeforeValidator(chosen)


def instant(value: Any) -> datetime | None:
    """Read a time as ISO 8601; without a zone it is UTC."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise fault("must be a time such as 2024-01-20T16:00:00Z") from None


def pairs(value: Any) -> Any:
    """Read [{key, value}], or an object, as an object; of a key that comes twice, the last."""
    if value is None:
        return {}
    if not isinstance(value, Sequence) or isinstance(value, str):
        return value
    if not all(isinstance(one, Mapping) and {"key", "value"} <= one.keys() for one in value):
        raise fault("must be a list of {key, value}")
    if any(not isinstance(one["key"], str) for one in value):
        raise fault("must have keys that are text")
    return {one["key"]: one["value"] for one in value}


def headers(value: Any) -> Any:
    """Read [{key, value}], or an object, as a list of pairs."""
    if isinstance(value, Mapping):
        value = [{"key": name, "value": text} for name, text in value.items()]
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise fault("must be a list of {key, value}")
    if not all(isinstance(one, Mapping) and {"key", "value"} <= one.keys() for one in value):
        raise fault("must be a list of {key, value}")
    return tuple((one["key"], one["value"]) for one in value)


def nullable(default: Any) -> BeforeValidator:
    """Return what takes null for the default."""
    return BeforeValidator(lambda value: default if value is None else value)


def one_line(value: str) -> str:
    """Refuse what is no line of text."""
    if not value.strip() or not value.isprintable():
        raise fault("must be one line of text")
    return value


def whole(value: str | None) -> str | None:
    """Refuse what no database keeps."""
    if value and _UNKEPT.search(value):
        raise fault("must not hold NUL or half a character (a lone surrogate)")
    return value


Line = Annotated[StrictStr, AfterValidator(one_line)]
Name = Annotated[Line, Field(min_length=1, max_length=200)]
Words = Annotated[StrictStr, nullable(""), Field(max_length=4_000), LINES]
# A cron line, kept even where nothing goes by it at present.
Cron = Annotated[StrictStr, Field(max_length=256), ONE_LINE] | None
Type = Annotated[str, choice(*TYPES)]
StatusName = Annotated[str, choice(*STATUSES, also={"INACTIVE": "PAUSED"})]
Unit = Annotated[str, nullable("MINUTES"), choice(*UNITS)]
Flag = Annotated[StrictBool, nullable(False)]
Count = Annotated[StrictInt, Field(ge=1, le=MOST)]
Tags = Annotated[list[Line], nullable([]), Field(max_length=20)]
Pairs = Annotated[dict[StrictStr, StrictStr], BeforeValidator(pairs)]
Headers = Annotated[tuple[tuple[StrictStr, StrictStr], ...], BeforeValidator(headers)]
Text = Annotated[StrictStr | None, AfterValidator(whole)]
Time = Annotated[datetime | None, BeforeValidator(instant)]
Zone = Annotated[StrictStr, nullable("UTC"), Field(max_length=64)]
