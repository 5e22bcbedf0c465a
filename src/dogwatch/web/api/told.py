"""What the OpenAPI document tells of the rules of the core, which judge and word faults themselves.

Keywords of JSON Schema by field, from the tables that the rules go by.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from dogwatch.core import run
from dogwatch.core.plans import PLANS
from dogwatch.core.policy import SCOPES
from dogwatch.core.spec import (
    DESCRIPTION_LENGTH,
    MAX_LIMIT_S,
    NAME_LENGTH,
    PROJECT_LENGTH,
    RANGES,
    SLUG_PATTERN,
    TAG_LENGTH,
    TAGS,
)
from dogwatch.notify import CHANNELS
from dogwatch.usecases import probes

Keywords = Mapping[str, Any]


def _text(least: int, most: int) -> Keywords:
    return {"minLength": least, "maxLength": most} | ({"pattern": r"\S"} if least else {})


def _number(least: float, most: float) -> Keywords:
    return {"minimum": least, "maximum": most}


FIELDS: Mapping[str, Keywords] = {
    "name": _text(1, NAME_LENGTH),
    "slug": {"pattern": SLUG_PATTERN},
    "description": {"maxLength": DESCRIPTION_LENGTH},
    "tags": {"maxItems": TAGS},
    "project": {"minLength": 1, "maxLength": PROJECT_LENGTH},
    "schedule": {"minLength": 1, "minItems": 1},
    # Rounded to whole milliseconds, of which there must be one.
    "slow_after_s": {"exclusiveMinimum": 0.0005, "maximum": MAX_LIMIT_S},
    "grace_s": _number(*RANGES["start_by_s"]),
    **{name: _number(*limits) for name, limits in (RANGES | run.RANGES).items()},
}
OF_PROBES: Mapping[str, Keywords] = {
    name: _number(*limits) for name, limits in (probes.RANGES | probes.WATCH_RANGES).items()
}


def tell(schema: dict[str, Any]) -> None:
    """Add to each field of a model what the rules say of it."""
    for name, field in schema["properties"].items():
        field.update(FIELDS.get(name, {}))


def tell_of_probe(schema: dict[str, Any]) -> None:
    """Add what the rules of probes say besides."""
    tell(schema)
    for name, field in schema["properties"].items():
        field.update(OF_PROBES.get(name, {}))


def _one_of(*words: str) -> Any:
    return Field(json_schema_extra={"enum": list(words)})


Tag = Annotated[str, Field(json_schema_extra=dict(_text(1, TAG_LENGTH)))]
ScopeName = Annotated[str, _one_of(*SCOPES)]
PlanName = Annotated[str, _one_of(*PLANS)]
ChannelKind = Annotated[str, _one_of(*CHANNELS)]
